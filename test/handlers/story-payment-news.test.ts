import t from 'tap'
import { ACTIVITY, type ConversationState } from '../../sandbox/chatwoot-state.ts'
import { begin, pay, sessionEvent, settle } from '../../sandbox/payments.ts'
import { MINUTE, refundEvent, reserved, setUp } from '../helpers/lesson-story.ts'

/** The news of a payment, whoever has the conversation: said, or a private note; and its status stays as it is. */

type Tutor = Awaited<ReturnType<typeof setUp>>

const DAY = 24 * 60 * MINUTE
const OPENED = 'Conversation was marked open by system due to an error with the agent bot.'

/** Who has the conversation when the news comes. `bot`: the news may be a question. */
const SITUATIONS: [
  name: string,
  mode: 'bot' | 'account',
  has: 'bot' | 'person',
  change: (one: ConversationState, tutor: Tutor) => void,
][] = [
  ['pending, with an old assignee', 'bot', 'bot', one => Object.assign(one, { assignee: 11 })],
  ['resolved', 'bot', 'bot', one => Object.assign(one, { status: 'resolved' })],
  [
    'resolved by the person who had it',
    'bot',
    'bot',
    one => Object.assign(one, { status: 'resolved', assignee: 11, labels: ['intent:handoff'] }),
  ],
  [
    'resolved by the person who had it',
    'account',
    'bot',
    one => Object.assign(one, { status: 'resolved', assignee: 11, labels: ['intent:handoff'] }),
  ],
  ['open', 'account', 'bot', one => Object.assign(one, { status: 'open' })],
  [
    'opened by Chatwoot, which could not reach the bot',
    'bot',
    'person',
    (one, { chatwoot }) => {
      one.status = 'open'
      chatwoot.state.addMessage(one, { content: OPENED, message_type: ACTIVITY, sender: null })
    },
  ],
  ['opened by a person', 'bot', 'person', one => Object.assign(one, { status: 'open' })],
  ['snoozed by a person', 'bot', 'person', one => Object.assign(one, { status: 'snoozed' })],
  [
    'handed over, and snoozed',
    'account',
    'person',
    one => Object.assign(one, { status: 'snoozed', labels: ['intent:handoff'] }),
  ],
  ['assigned', 'account', 'person', one => Object.assign(one, { status: 'open', assignee: 11 })],
  ['a team’s', 'bot', 'person', one => Object.assign(one, { team: { id: 3, name: 'Docenten' } })],
  [
    'a team’s, resolved',
    'account',
    'person',
    one => Object.assign(one, { status: 'resolved', team: { id: 3, name: 'Docenten' } }),
  ],
  ['switched off', 'account', 'person', one => Object.assign(one.custom_attributes as object, { bot_disabled: true })],
  [
    'a person has just written',
    'account',
    'person',
    (one, { clock }) => {
      one.status = 'open'
      Object.assign(one.custom_attributes as object, { person_wrote_at: new Date(clock.now()).toISOString() })
    },
  ],
]

/** The news, how it comes, and how it begins. */
const NEWS: [name: string, isQuestion: boolean, said: RegExp, come: (tutor: Tutor) => Promise<unknown>][] = [
  [
    'paid',
    false,
    /^Dank je wel!.*\nJe les staat vast: dinsdag/,
    tutor => tutor.deliver(pay(tutor.session()).completed),
  ],
  [
    'paid, and the time is taken',
    true,
    /^De tijd die je koos is helaas niet meer vrij/,
    async tutor => {
      tutor.clock.advance(41 * MINUTE)
      const start = Date.parse('2026-11-24T09:00:00Z')
      const lesson = {
        order: 'x',
        start,
        end: start + 60 * MINUTE,
        student: '',
        service: '',
        payment: null,
        conversation: '1',
      }
      await tutor.services.calendar.book(lesson, AbortSignal.timeout(1_000))
      await tutor.deliver(pay(tutor.session()).completed)
    },
  ],
  ['under way', false, /^Je betaling komt binnen/, tutor => tutor.deliver(begin(tutor.session(), tutor.clock.now()))],
  [
    'failed',
    true,
    /^Je betaling is helaas niet gelukt/,
    async tutor => {
      const session = tutor.session()
      await tutor.deliver(begin(session, tutor.clock.now()))
      for (const event of settle(session, 'failed', tutor.clock.now())) await tutor.deliver(event)
    },
  ],
  [
    'expired',
    true,
    /^Je reservering voor .* is vervallen/,
    tutor => {
      Object.assign(tutor.session(), { status: 'expired', url: null })
      return tutor.deliver(sessionEvent(tutor.session(), 'expired'))
    },
  ],
  [
    'refunded',
    false,
    /^Je betaling van € 60,00 is terugbetaald/,
    async tutor => {
      await tutor.deliver(pay(tutor.session()).completed)
      await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
    },
  ],
]

/** Said in any case, and by the same code as what is paid. */
const SAID_ALIKE = new Set(['under way', 'refunded'])
const ENOUGH = new Set(['resolved', 'assigned', 'switched off'])

for (const [news, isQuestion, words, come] of NEWS) {
  for (const [name, mode, has, change] of SITUATIONS) {
    if (SAID_ALIKE.has(news) && !ENOUGH.has(name)) continue
    t.test(`${news}: ${name} (${mode})`, async t => {
      const tutor = await setUp(t, { mode })
      const renee = await reserved(tutor)
      change(renee.conversation, tutor)
      const { status, assignee } = renee.conversation
      const before = renee.read().length
      await come(tutor)
      const said = renee.read().slice(before)
      if (isQuestion && has === 'person') {
        t.notMatch(said.at(-1), words, 'the bot asks nothing in a person’s conversation')
        t.match(renee.notes().at(-1), /TutorBot is silent here, and has not told the student: "/)
        t.match(/: "([\s\S]*)"/.exec(renee.notes().at(-1) as string)?.[1], words)
      } else {
        t.match(said.at(-1), words)
      }
      t.match(renee.conversation, { status, assignee })
    })
  }
}

t.test(
  'paid after WhatsApp’s 24 hours: a note with the text, the label, and a count; the lesson is booked',
  async t => {
    const tutor = await setUp(t)
    const counted: unknown[] = []
    tutor.app.webhooks.events.on('undelivered', event => counted.push(event))
    const renee = await reserved(tutor)
    const before = renee.read().length
    tutor.clock.advance(2 * DAY)
    const { completed, succeeded } = pay(tutor.session())
    const start = new Date(tutor.clock.now() + DAY).toISOString()
    Object.assign(tutor.session().metadata as object, { lesson_start: start })
    for (const event of [completed, succeeded]) await tutor.deliver(event)
    t.equal(renee.read().length, before)
    t.match(renee.notes(), [
      /^Payment received/,
      /^The channel takes no message now .*: "Dank je wel!.*\nJe les staat vast: /,
    ])
    t.equal(renee.notes().length, 2)
    t.match(renee.conversation, { status: 'pending', labels: ['payment:paid', 'status:booked', 'delivery:failed'] })
    t.equal((await tutor.lessons())?.length, 1)
    t.strictSame(counted, [{ conversation: '4100042', message: null, why: 'the channel takes no message now' }])
  },
)

t.test('paid after WhatsApp’s 24 hours: a template, if there is one', async t => {
  const tutor = await setUp(t, { templates: { booked: { name: 'lesson_booked', languages: { nl: 'nl' } } } })
  const renee = await reserved(tutor)
  tutor.clock.advance(2 * DAY)
  Object.assign(tutor.session().metadata as object, { lesson_start: new Date(tutor.clock.now() + DAY).toISOString() })
  await tutor.deliver(pay(tutor.session()).completed)
  t.match(renee.read().at(-1), /^Dank je wel!.*\nJe les staat vast: donderdag 26 november om 11:00/)
  const [call] = tutor.chatwoot.called(/POST .*messages/).slice(-1)
  t.match(call?.body.template_params, {
    name: 'lesson_booked',
    processed_params: { body: { 1: '€ 60,00', 2: 'donderdag 26 november om 11:00' } },
  })
  t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
})
