import t from 'tap'
import { fitsWhatsApp, forChannel, WHATSAPP_LIMITS } from '../../handlers/channel.ts'
import type { Conversation } from '../../handlers/conversation.ts'
import { conversationSettings } from '../../handlers/conversation-options.ts'
import { choicesOf, DIALOGUE, type Intent, type Step } from '../../handlers/dialogue.ts'
import type { Services } from '../../handlers/services.ts'
import { LANGUAGE_CODES, TEXTS } from '../../handlers/texts/index.ts'
import { chatwootSource } from '../../sources/chatwoot.ts'

/** What WhatsApp takes, over all texts of all languages; and the settings of channels. */

const HOUR = 60 * 60_000
/** As many as are offered at most. */
const OFFERED = 6

t.test('WhatsApp’s limits of rows and characters hold for every choice of every language', async t => {
  const none = new Set<Step>()
  for (const language of LANGUAGE_CODES) {
    for (const title of [...Object.values(TEXTS[language].choices), TEXTS[language].otherLength(600)]) {
      t.ok(title.length <= WHATSAPP_LIMITS.buttonTitle, `${language}: ${title} (${title.length})`)
    }
    const reader = { language, zone: 'America/Argentina/Buenos_Aires', tutorZone: 'Europe/Amsterdam' }
    for (let day = 0; day < 366; day++) {
      const start = Date.parse('2027-01-01T10:00:00Z') + day * 24 * HOUR
      const offered = Array.from({ length: OFFERED }, (_, index) => start + index * HOUR)
      for (const intent of Object.keys(DIALOGUE) as Intent[]) {
        // One of the two lengths is the one that is being chosen.
        for (const without of [new Set<Step>(['minutes_60']), new Set<Step>(['minutes_90'])]) {
          const items = choicesOf({ intent, offered, lengths: [60, 90], without, reader })
          if (!fitsWhatsApp('', items)) t.fail(`${language} ${intent}: ${items.map(({ title }) => title)}`)
        }
      }
    }
    t.notOk(
      fitsWhatsApp('', choicesOf({ intent: 'slot', offered: Array(20).fill(0), lengths: [], without: none, reader })),
    )
    for (const [name, text] of Object.entries(TEXTS[language])) {
      const words = 'woensdag 30 september om 10:30 (America/Argentina/Buenos_Aires)'
      const said =
        typeof text === 'function' ? String((text as (...args: unknown[]) => unknown)([words], words, words)) : text
      if (typeof said !== 'string') continue
      const late = `${TEXTS[language].sorryForWait}\n${said}`
      t.ok(late.length <= WHATSAPP_LIMITS.text, `${language}: ${name}`)
    }
  }
})

t.test('what WhatsApp would refuse as buttons stands in the text instead', async t => {
  const conversation = { channel: 'Channel::Whatsapp', canReply: true, attributes: {} } as Conversation
  const items = [{ title: 'So, 10.10., 07:00 Uhr', value: 'x' }]
  t.strictSame(forChannel({} as Services, conversation, { content: 'Wann?', items }), {
    content: 'Wann?\n\n1. So, 10.10., 07:00 Uhr',
    attributes: { numbers_shown: true },
  })
  const unknown = { ...conversation, channel: null }
  t.match(forChannel({} as Services, unknown, { content: 'Wann?', items }), { content: 'Wann?', items })
})

t.test('templates that make no sense are named', async t => {
  const of = (templates: unknown) => () => conversationSettings({ templates: templates as never })
  const languages = { nl: 'nl' }
  t.throws(of('x'), /CW_TEMPLATES\) must be an object/)
  t.throws(of(null), /must be an object/)
  t.throws(of({ bookd: {} }), /has no text bookd: there are paid, booked/)
  t.throws(of({ booked: null }), /booked\.name/)
  t.throws(of({ booked: { name: '', languages } }), /booked\.name/)
  for (const wrong of [undefined, {}, { fr: 'fr' }, { nl: 1 }]) {
    t.throws(of({ booked: { name: 'x', languages: wrong } }), /booked\.languages .*"en": "en_US"/)
  }
  const templates = { booked: { name: 'x', languages, category: 'MARKETING' } }
  t.strictSame(conversationSettings({ templates }).templates, templates)
})

t.test('CW_INBOX_IDS: other inboxes’ events are ignored, and why is said', async t => {
  const source = chatwootSource({ verify: () => true, accountId: '1', inboxIds: [7] })
  const identify = (payload: object) =>
    source.identify({ payload, header: () => 'uuid', hash: () => 'hash' } as never) as {
      ignored?: string
      key?: string
    }
  const message = (inbox: object) => ({ event: 'message_created', id: 1, account: { id: 1 }, ...inbox })
  t.match(identify(message({ inbox: { id: 8 }, conversation: { id: 2 } })), {
    ignored: 'inbox 8, not among CW_INBOX_IDS',
  })
  t.match(identify(message({ conversation: { id: 2, inbox_id: 8 } })), { ignored: /^inbox 8/ })
  t.match(identify({ event: 'conversation_created', id: 2, inbox_id: 8 }), { ignored: /^inbox 8/ })
  t.ok(identify(message({ inbox: { id: 7 }, conversation: { id: 2 } })).key)
  t.ok(identify({ event: 'contact_created', id: 2 }).key, 'of no inbox')
  for (const inboxIds of [[], ['7'], [0], 7]) {
    t.throws(() => chatwootSource({ verify: () => true, inboxIds: inboxIds as never }), /CW_INBOX_IDS/)
  }
})
