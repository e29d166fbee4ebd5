import t, { type Test } from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import { allChatwootHandlers } from '../../handlers/all.ts'
import type { Services } from '../../handlers/services.ts'
import { textOf } from '../../handlers/text-of.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import { writtenAt } from '../../handlers/turn.ts'
import type { Delivery } from '../../inbox/contracts.ts'
import type { HandlerContext, HandlerFunction, HandlerPair } from '../../inbox/drain.ts'
import { AGENT_ID } from '../../sandbox/chatwoot-api.ts'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import type { Matcher } from '../../sandbox/stand-in.ts'
import { stripeError } from '../../sandbox/stripe-api.ts'
import {
  type ChatwootMessage,
  type ChatwootSubmittedValue,
  choiceOf,
  readChatwoot,
  readSubmittedValues,
} from '../../sources/chatwoot-payloads.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { startTutor, type Tutor, warnings } from '../helpers/tutor.ts'

const { en, nl } = TEXTS

const HANDOFF_AGENT = 7
const PRICES = { standard60: 'price_s60', standard90: 'price_s90', weekend60: 'price_w60', weekend90: 'price_w90' }
const MINUTE = 60_000

const at = (part: string) => `/api/v1/accounts/1/conversations/4100042${part}`
const POST_MESSAGE = `POST ${at('/messages')}`
const POST_LABELS = `POST ${at('/labels')}`
const WRITES = /^(POST|PUT)/

/** What was sent to the student, in order. */
const said = ({ messages }: ConversationState) =>
  messages.filter(message => !message.private).map(({ content }) => content)
const notes = ({ messages }: ConversationState) =>
  messages.filter(message => message.private).map(({ content }) => content)

/** The tutor, with the samples' conversation in Chatwoot and prices in Stripe. */
async function setUp(
  t: Test,
  {
    conversation: parts = {},
    contact = { language: 'nl' },
    ...options
  }: Parameters<typeof startTutor>[1] & {
    conversation?: Partial<ConversationState>
    contact?: Record<string, unknown>
  } = {},
) {
  const tutor = await startTutor(t, { handoffAgentId: HANDOFF_AGENT, prices: PRICES, ...options })
  const conversation = tutor.chatwoot.addConversation(parts, { custom_attributes: contact })
  for (const [id, unit_amount] of Object.entries({
    price_s60: 6000,
    price_s90: 8500,
    price_w60: 7000,
    price_w90: 9950,
  })) {
    tutor.stripe.addPrice(id, unit_amount)
  }
  return { ...tutor, conversation }
}

const contactOf = ({ chatwoot }: Tutor) => chatwoot.contacts.get(4100001)?.custom_attributes

const incoming = (content: string, options = {}) => samples.incoming({ content, ...options })

t.test('a student who writes gets the menu, and the conversation its missing attributes', async t => {
  const tutor = await setUp(t, { conversation: { custom_attributes: { order_id: 'A1', pending_intent: 'book' } } })
  t.match(await tutor.handle(incoming('Hoi!')), { msg: 'webhook handled' })

  t.match(tutor.conversation, {
    custom_attributes: { order_id: 'A1', pending_intent: 'menu', language_prompted: false, intake_completed: false },
    status: 'pending',
    labels: [],
    messages: [
      {
        content: nl.menu,
        content_type: 'input_select',
        content_attributes: {
          items: [
            { title: 'Les boeken', value: 'book' },
            { title: 'Gratis proefles', value: 'trial' },
            { title: 'Prijzen', value: 'prices' },
            { title: 'Iemand spreken', value: 'human' },
          ],
        },
      },
    ],
  })
  t.equal(tutor.conversation.messages.length, 1)
  t.strictSame(contactOf(tutor), { language: 'nl', segment: 'new' })
})

t.test('the menu is in the student’s language', async t => {
  const cases: [string, Parameters<typeof setUp>[1], string][] = [
    ['the contact’s', { contact: { language: 'en' } }, en.menu],
    ['none known', { contact: {} }, nl.menu],
    ['an English browser', inBrowser('en-GB'), en.menu],
    ['a French browser', inBrowser('fr'), nl.menu],
  ]
  for (const [name, options, menu] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t, options)
      await tutor.handle(incoming('Hi'))
      t.strictSame(said(tutor.conversation), [menu])
    })
  }

  function inBrowser(browser_language: string) {
    return { contact: {}, conversation: { additional_attributes: { browser_language } } }
  }
})

t.test('an empty message gets the menu', async t => {
  const tutor = await setUp(t)
  await tutor.handle(samples.incoming({ message: 1, content: null }))
  await tutor.handle(samples.incoming({ message: 2, content: null }))
  t.strictSame(said(tutor.conversation), [nl.menu, nl.notUnderstood])
})

t.test('an attachment without text goes to a person', async t => {
  const tutor = await setUp(t)
  await tutor.handle(samples.attachment({ message: 1 }))
  t.strictSame(said(tutor.conversation), [nl.cannotListen])
  t.match(notes(tutor.conversation), [/niet kan beluisteren of bekijken:\n"\[image\]"\n/])
  t.match(tutor.conversation, { status: 'open', labels: ['intent:handoff'] })
})

t.test('messages not written by a student do nothing', async t => {
  const tutor = await setUp(t)
  const payloads = [
    samples.outgoing({ message: 1 }),
    samples.privateNote({ message: 2 }),
    samples.template({ message: 3 }),
    samples.statusOnly({ message: 4 }),
    { ...samples.incoming({ message: 5 }), private: true },
  ]
  for (const payload of payloads) t.match(await tutor.handle(payload), { msg: 'webhook handled' })
  t.strictSame(tutor.chatwoot.calls, [])
})

t.test('the bot keeps silent', async t => {
  const cases: [string, object][] = [
    ['where it is switched off', samples.incoming({ attributes: { bot_disabled: true } })],
    ['where a human is assigned', samples.incoming({ assignee: 11, status: 'open' })],
    ['where a human was asked for', samples.incoming({ status: 'open', labels: ['intent:handoff'] })],
    [
      'in a new conversation where it is switched off',
      samples.conversationCreated({ attributes: { bot_disabled: true } }),
    ],
  ]
  for (const [name, payload] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t)
      t.match(await tutor.handle(payload), { msg: 'webhook handled' })
      t.strictSame(tutor.chatwoot.calls, [])
    })
  }
})

t.test('the bot does not keep silent', async t => {
  const assignedToBot = samples.incoming({ assignee: 3 })
  assignedToBot.conversation.meta.assignee_type = 'AgentBot'
  const cases: [string, object][] = [
    ['where a bot is assigned', assignedToBot],
    ['where the human’s part has ended', samples.incoming({ status: 'pending', labels: ['intent:handoff'] })],
    ['where nobody has an open conversation', samples.incoming({ status: 'open' })],
  ]
  for (const [name, payload] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t)
      await tutor.handle(payload)
      t.strictSame(said(tutor.conversation), [nl.menu])
    })
  }
})

t.test('without assignee_type an assignee is a person', async t => {
  const tutor = await setUp(t)
  const payload = samples.incoming({ assignee: 11, status: 'open' })
  const { assignee_type, ...meta } = payload.conversation.meta
  await tutor.handle({ ...payload, conversation: { ...payload.conversation, meta } })
  t.strictSame(tutor.chatwoot.calls, [])
})

t.test('a menu item is chosen by its title in any language, its number, or its value', async t => {
  for (const choice of [' prijzen ', 'PRICES', '3']) {
    t.test(choice, async t => {
      const tutor = await setUp(t)
      await tutor.handle(incoming(choice))
      t.strictSame(said(tutor.conversation), ['Onze prijzen:\n60 minuten: € 60,00\n90 minuten: € 85,00'])
      t.match(tutor.conversation, { status: 'pending', labels: [], assignee: null })
    })
  }
})

t.test('a choice in the web widget comes as an update of the bot’s question', async t => {
  const tutor = await setUp(t)
  await tutor.handle(samples.submitted({ choice: { title: 'Whatever it says', value: 'prices' } }))
  t.match(said(tutor.conversation), [/^Onze prijzen/])
})

t.test('prices depend on the segment and on what has a price', async t => {
  const cases: [string, Parameters<typeof setUp>[1] & object, string[]][] = [
    ['weekend', { contact: { segment: 'weekend' } }, ['60 minuten: € 70,00', '90 minuten: € 99,50']],
    ['existing', { contact: { has_paid_lesson: true } }, ['60 minuten: € 60,00', '90 minuten: € 85,00']],
    ['one of two', { prices: { standard90: 'price_s90' } }, ['90 minuten: € 85,00']],
  ]
  for (const [name, options, lines] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t, options)
      await tutor.handle(incoming('prices', { contact: options.contact }))
      t.strictSame(said(tutor.conversation), [nl.prices(lines)])
    })
  }
})

t.test('prices that can’t be shown: the student is handed over, with the reason', async t => {
  const notSet = /no prices can be told: STRIPE_SECRET_KEY or a price id is not set/
  const cases: [string, Parameters<typeof setUp>[1] & object, RegExp][] = [
    ['no key', { stripeKey: false }, notSet],
    ['no ids', { prices: {} }, notSet],
    ['no plain amount', { prices: { standard60: 'price_tiered' } }, /price_tiered has no unit_amount/],
    ['no such price', { prices: { standard60: 'price_gone' } }, /No such price/],
  ]
  for (const [name, options, problem] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t, options)
      tutor.stripe.prices.set('price_tiered', {
        id: 'price_tiered',
        active: true,
        type: 'one_time',
        currency: 'eur',
        unit_amount: null,
      })
      await tutor.handle(incoming('prices'))
      t.strictSame(said(tutor.conversation), [nl.handoff])
      t.match(notes(tutor.conversation), [problem])
      t.match(tutor.conversation, { status: 'open', labels: ['intent:handoff'], assignee: HANDOFF_AGENT })
      t.strictSame(warnings(tutor.log), ['handing the student over to a person'])
    })
  }
})

t.test('while Stripe is down, prices wait', async t => {
  const tutor = await setUp(t)
  tutor.stripe.fail(/price_s90/, stripeError(503, 'api_error', 'Later'))
  const id = await tutor.send(incoming('prices'))
  t.match(await tutor.ended(id), { msg: 'webhook failed, will retry', error: /Stripe: StripeAPIError 503 Later/ })
  t.strictSame(said(tutor.conversation), [])
  await tutor.nextAttempt(id, 1)
  t.match(said(tutor.conversation), [/€ 85,00/])
})

t.test('asking for a person hands over', async t => {
  const tutor = await setUp(t, { conversation: { labels: ['vip'] } })
  await tutor.handle(incoming('human'))
  t.strictSame(said(tutor.conversation), [nl.handoff])
  t.match(tutor.conversation, { status: 'open', labels: ['vip', 'intent:handoff'], assignee: HANDOFF_AGENT })
})

t.test('without HANDOFF_AGENT_ID a conversation stays unassigned', async t => {
  const tutor = await startTutor(t)
  const conversation = tutor.chatwoot.addConversation()
  await tutor.handle(incoming('human'))
  t.match(conversation, { status: 'open', labels: ['intent:handoff'], assignee: null })
})

t.test('Chatwoot assigns a conversation to the agent whose token opens it: HANDOFF_AGENT_ID still gets it', async t => {
  const tutor = await setUp(t, { token: 'agent' })
  tutor.chatwoot.fail(POST_LABELS, { status: 500 })
  const id = await tutor.send(incoming('human'))
  await tutor.ended(id)
  t.equal(tutor.conversation.assignee, AGENT_ID)
  await tutor.nextAttempt(id, 1)
  t.equal(tutor.conversation.assignee, HANDOFF_AGENT)
})

t.test('a person who took the conversation before the hand-over keeps it', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_MESSAGE, { status: 500 })
  const id = await tutor.send(incoming('human'))
  await tutor.ended(id)
  tutor.conversation.assignee = 11
  t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
  t.match(tutor.conversation, { status: 'open', labels: ['intent:handoff'], assignee: 11 })
})

t.test('a person who took the conversation since the message is not disturbed', async t => {
  const tutor = await setUp(t, { conversation: { assignee: 11, status: 'open' } })
  t.match(await tutor.handle(incoming('human')), { msg: 'webhook handled' })
  t.strictSame(tutor.conversation.messages, [])
  t.strictSame(tutor.conversation.labels, [])
})

t.test('a conversation is initialised once', async t => {
  const tutor = await setUp(t)
  t.match(await tutor.handle(samples.conversationCreated()), { msg: 'webhook handled' })
  t.strictSame(tutor.conversation.custom_attributes, {
    language_prompted: false,
    intake_completed: false,
    pending_intent: 'menu',
  })
  t.strictSame(contactOf(tutor), { language: 'nl', segment: 'new' })
  t.strictSame(said(tutor.conversation), [])

  tutor.conversation.custom_attributes = {}
  await tutor.handle(incoming('Hoi'))
  t.strictSame(
    tutor.conversation.custom_attributes,
    { pending_intent: 'menu', misunderstood: 0 },
    'what somebody took away is not put back',
  )
})

t.test('nothing is written if nothing is missing', async t => {
  const custom_attributes = { language_prompted: true, intake_completed: true, pending_intent: 'book' }
  const tutor = await setUp(t, { conversation: { custom_attributes }, contact: { segment: 'existing' } })
  await tutor.handle(samples.conversationCreated())
  t.strictSame(tutor.chatwoot.called(WRITES), [])
})

t.test('a conversation without a contact is initialised', async t => {
  const tutor = await setUp(t, { conversation: { contact: 404 } })
  tutor.chatwoot.contacts.clear()
  t.match(await tutor.handle(samples.conversationCreated()), { msg: 'webhook handled' })
  t.strictSame(tutor.chatwoot.called(WRITES).length, 1)
})

t.test('with a bot’s token only, contacts are not updated, with a warning', async t => {
  const tutor = await setUp(t, { admin: false })
  t.match(await tutor.handle(incoming('Hoi')), { msg: 'webhook handled' })
  t.strictSame(said(tutor.conversation), [nl.menu])
  t.strictSame(contactOf(tutor), { language: 'nl' })
  t.strictSame(warnings(tutor.log), ['contact not updated: set CW_ADMIN_TOKEN to an administrator’s token'])
})

t.test('a missing contact is not blamed on the token', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(/^PUT/, { status: 404, body: { error: 'Resource could not be found' } })
  t.match(await tutor.handle(samples.conversationCreated()), { msg: 'webhook dead', error: /404 to PUT/ })
})

t.test('without CW_TOKEN, messages are handled with a warning', async t => {
  const tutor = await setUp(t, { token: 'none' })
  t.match(await tutor.handle(incoming('Hoi')), { msg: 'webhook handled' })
  t.strictSame(warnings(tutor.log), ['no reply sent: CW_TOKEN is not set'])
  t.match(await tutor.handle(samples.conversationCreated()), { msg: 'webhook handled' })
  t.strictSame(tutor.chatwoot.calls, [])
})

t.test('a failure after the reply is retried, the reply is not repeated', async t => {
  const steps: [string, Matcher][] = [
    ['the status', `POST ${at('/toggle_status')}`],
    ['the labels are not written', POST_LABELS],
    ['the assignment', `POST ${at('/assignments')}`],
  ]
  for (const [name, step] of steps) {
    for (const behaviour of [{ status: 500 }, 'drop', 'drop after', 'hang'] as const) {
      t.test(`${name}: ${JSON.stringify(behaviour)}`, async t => {
        const tutor = await setUp(t, { conversation: { labels: ['vip'] } })
        tutor.breaks(step, behaviour)
        const id = await tutor.send(incoming('human'))
        t.match(await tutor.ended(id), { msg: 'webhook failed, will retry' })
        t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
        t.strictSame(said(tutor.conversation), [nl.handoff])
        t.match(tutor.conversation, { status: 'open', labels: ['vip', 'intent:handoff'], assignee: HANDOFF_AGENT })
      })
    }
  }
})

t.test('a reply is not sent twice although the student has written since', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_LABELS, { status: 500 })
  const id = await tutor.send(incoming('human'))
  await tutor.ended(id)
  tutor.conversation.messages.push({ ...aMessage, id: 6_000_000, message_type: 0, content: 'Hallo?' })
  t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
  t.strictSame(said(tutor.conversation), [nl.handoff, 'Hallo?'])
})

t.test('a reply whose response was lost is not sent twice, however late that is noticed', async t => {
  for (const behaviour of ['drop after', 'hang'] as const) {
    for (const late of [0, 3 * MINUTE]) {
      t.test(`${behaviour}, ${late} ms`, async t => {
        const tutor = await setUp(t)
        tutor.breaks(POST_MESSAGE, behaviour)
        const id = await tutor.send(incoming('human'))
        t.match(await tutor.ended(id), { msg: 'webhook failed, will retry' })
        tutor.clock.advance(late)
        await tutor.nextAttempt(id, 1)
        t.strictSame(said(tutor.conversation), [nl.handoff])
        t.match(notes(tutor.conversation), [/^De leerling vraagt om een persoon/])
        t.equal(notes(tutor.conversation).length, 1)
        t.match(tutor.conversation, { status: 'open', labels: ['intent:handoff'], assignee: HANDOFF_AGENT })
      })
    }
  }
})

t.test('others’ changes between two attempts stay', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_LABELS, { status: 500 })
  tutor.chatwoot.fail(`POST ${at('/custom_attributes')}`, { status: 500 })
  const id = await tutor.send(incoming('human'))
  await tutor.ended(id)
  tutor.conversation.custom_attributes = { order_id: 'A1' }
  await tutor.nextAttempt(id, 1)
  tutor.conversation.labels = ['vip']
  await tutor.nextAttempt(id, 2)
  t.match(tutor.conversation, { labels: ['vip', 'intent:handoff'], custom_attributes: { order_id: 'A1' } })
  t.strictSame(tutor.conversation.custom_attributes, {
    order_id: 'A1',
    language_prompted: false,
    intake_completed: false,
    pending_intent: 'menu',
  })
})

t.test('the next attempt waits for Chatwoot’s Retry-After', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_MESSAGE, { status: 429, headers: { 'retry-after': '77' }, body: 'Retry later' })
  const id = await tutor.send(incoming('Hoi'))
  t.match(await tutor.ended(id), {
    msg: 'webhook failed, will retry',
    nextAttemptAt: tutor.clock.now() + 77_000,
    error: `ChatwootUnavailableError: Chatwoot answered 429 to POST /conversations/4100042/messages`,
  })
  t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
  t.strictSame(said(tutor.conversation), [nl.menu])
})

t.test('a deleted conversation: dead at once, and the log says that nobody was told', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.conversations.clear()
  t.match(await tutor.handle(incoming('Hoi')), {
    msg: 'webhook dead',
    error: 'ChatwootRefusedError: Chatwoot answered 404 to GET /conversations/4100042: Resource could not be found',
  })
  t.strictSame(warnings(tutor.log), ['the gaveUp handler failed'])
})

t.test('late, nothing has happened since: the student is answered', async t => {
  const { tutor, id } = await delayed(t, 'Hoi')
  t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
  t.strictSame(said(tutor.conversation), [nl.menu])
})

t.test('late, the last message sent is older or a note: the student is answered', async t => {
  for (const parts of [
    { id: 4100010, private: false },
    { id: 4100012, private: true },
    { id: 4100012, message_type: 0 },
  ]) {
    t.test(JSON.stringify(parts), async t => {
      const { tutor, id } = await delayed(t, 'Hoi')
      tutor.conversation.messages.push({ ...aMessage, ...parts })
      await tutor.nextAttempt(id, 1)
      t.equal(said(tutor.conversation).at(-1), nl.menu)
    })
  }
})

t.test('late is counted from when it was written: Chatwoot’s own queue may have run late', async t => {
  const at = Date.parse('2026-11-20T15:00:00Z')
  const { conversation, handle } = await setUp(t)
  conversation.messages.push({ ...aMessage, id: 4100012, content: 'Dag!' })
  t.match(await handle(samples.incoming({ message: 4100011, content: 'Hoi', at })), { msg: 'webhook handled' })
  t.strictSame(said(conversation), ['Dag!'])
  t.match(notes(conversation), [/only 4 min late and did not reply to it: "Hoi"/])
})

t.test('a message was written when it says, but not after it came in; one that does not say, when it came in', t => {
  const receivedAt = Date.parse('2026-11-23T10:00:00Z')
  const parts = { id: 'id', source: 'chatwoot', event: 'message_created', key: 'k', orderingKey: 'k', receivedAt }
  const written = (created_at: unknown) => writtenAt({ ...parts, payload: { created_at } })
  t.equal(written('2026-11-23T09:59:00Z'), receivedAt - 60_000)
  t.equal(written('2026-11-23T10:01:00Z'), receivedAt)
  for (const none of [undefined, null, 'yesterday']) t.equal(written(none), receivedAt)
  t.end()
})

t.test('late, answered meanwhile: a private note, no reply', async t => {
  const cases: [string, (conversation: ConversationState) => unknown][] = [
    ['a human has it', conversation => Object.assign(conversation, { status: 'open', assignee: 11 })],
    [
      'a human was asked for',
      conversation => Object.assign(conversation, { status: 'open', labels: ['intent:handoff'] }),
    ],
    [
      'the bot was switched off',
      conversation => Object.assign(conversation, { custom_attributes: { bot_disabled: true } }),
    ],
    ['something was sent since', ({ messages }) => messages.push({ ...aMessage, id: 4100012, content: 'Dag!' })],
  ]
  for (const [name, change] of cases) {
    t.test(name, async t => {
      const { tutor, id } = await delayed(t, `${'x'.repeat(49)}😀 and more`)
      change(tutor.conversation)
      const before = said(tutor.conversation)
      t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
      t.strictSame(said(tutor.conversation), before)
      const quote = `${'x'.repeat(49)}\ufffd`
      t.strictSame(notes(tutor.conversation), [
        `TutorBot could handle a message only 3 min late and did not reply to it: "${quote}"`,
      ])
    })
  }
})

t.test('late, the bot has answered an earlier message: the student is answered; a later one: not', async t => {
  const ofBot = { ...aMessage, id: 4100012, content: 'Dag!', content_attributes: { tutorbot: 'another:message' } }
  await t.test('in order', async t => {
    const { tutor, id } = await delayed(t, 'Hoi')
    tutor.conversation.messages.push(ofBot)
    await tutor.nextAttempt(id, 1)
    t.strictSame(said(tutor.conversation), ['Dag!', nl.menu])
  })
  await t.test('parked', async t => {
    const tutor = await setUp(t)
    tutor.chatwoot.fail(/4100042/, { status: 500 }, 100)
    const id = await tutor.send(incoming('Hoi'))
    for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(id, attempt)
    t.match(await tutor.ended(id, 7), { msg: 'webhook parked' })
    tutor.chatwoot.recover()
    tutor.conversation.messages.push(ofBot)
    t.match(await tutor.nextAttempt(id, 7), { msg: 'webhook handled' })
    t.strictSame(said(tutor.conversation), ['Dag!'])
    t.match(notes(tutor.conversation).at(-1), /min late and did not reply to it: "Hoi"/)
  })
})

t.test('the bot’s own reply does not count as an answer before its hand-over', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_LABELS, { status: 429, headers: { 'retry-after': '180' } })
  const id = await tutor.send(incoming('human'))
  t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
  t.match(notes(tutor.conversation), [/^De leerling vraagt om een persoon/])
  t.equal(notes(tutor.conversation).length, 1)
  t.match(tutor.conversation, { status: 'open', labels: ['intent:handoff'], assignee: HANDOFF_AGENT })
})

t.test('a parked message is handed over, and not answered afterwards', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_MESSAGE, { status: 500 }, 7)
  const id = await tutor.send(incoming('Hoi'))
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(id, attempt)
  t.match(await tutor.ended(id, 7), { msg: 'webhook parked' })
  t.match(tutor.conversation, { status: 'open', labels: ['intent:handoff'], assignee: HANDOFF_AGENT })

  t.match(await tutor.nextAttempt(id, 7), { msg: 'webhook handled' })
  t.strictSame(said(tutor.conversation), [nl.didNotWork])
  t.match(notes(tutor.conversation), [/could not go on by itself: .*500/, /did not reply to it: "Hoi"$/])
})

t.test('a message that is dead at once is handed over, too', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_MESSAGE, { status: 422, body: { message: 'No' } })
  t.match(await tutor.handle(incoming('Hoi')), { msg: 'webhook dead', error: /422 to POST .*: No$/ })
  t.match(tutor.conversation, { status: 'open', labels: ['intent:handoff'] })
})

t.test('payloads that routes refuse, and deliveries given up after crashes', async t => {
  const tutor = await setUp(t)
  const { chatwoot } = tutor.app.webhooks
  const { conversation, ...homeless } = incoming('Hoi')
  await t.rejects(partsOf(chatwoot).handle({ ...aDelivery, payload: homeless }, aContext(tutor)), {
    message: 'conversation.id is missing or not an id',
  })
  await partsOf(chatwoot).gaveUp({ ...aDelivery, payload: samples.outgoing() }, aContext(tutor))
  await partsOf(null).gaveUp({ ...aDelivery, payload: samples.incoming() }, aContext(tutor))
  const { conversation_created } = allChatwootHandlers(tutor.services) as Record<string, HandlerPair<never>>
  await conversation_created?.gaveUp(aDelivery as never, aContext(tutor))
  t.strictSame(tutor.chatwoot.calls, [])

  function partsOf(chatwoot: Services['chatwoot']) {
    const { message_created } = allChatwootHandlers({ ...tutor.services, chatwoot })
    return message_created as Record<'handle' | 'gaveUp', (...parameters: Parameters<HandlerFunction>) => Promise<void>>
  }
})

t.test('at debug level the log has 50 characters of a message, and no token', async t => {
  const tutor = await setUp(t, { admin: false })
  tutor.chatwoot.fail(POST_MESSAGE, { status: 401, body: { error: 'Invalid Access Token' } })
  await tutor.handle(incoming(`${'x'.repeat(50)}y`))
  t.match(
    tutor.log.lines.find(({ preview }) => preview !== undefined),
    { level: 20, preview: 'x'.repeat(50), msg: 'a student writes' },
  )
  t.notMatch(tutor.log.text(), /xy/)
  for (const token of Object.values(tutor.chatwoot.tokens)) t.notMatch(tutor.log.text(), token)
  t.notMatch(tutor.log.text(), tutor.stripe.secretKey)
})

t.test('the text of a message', async t => {
  const texts: [Record<string, unknown>, string][] = [
    [{ content: 'Hoi' }, 'Hoi'],
    [{}, ''],
    [{ content: null }, ''],
    [{ content: 7, attachments: 'none' }, ''],
    [{ content: '', attachments: [{ file_type: 'image' }, {}, null] }, '[image] [file] [file]'],
    [{ content: 'Kies', content_attributes: { submitted_values: [] } }, 'Kies'],
    [{ content: 'Kies', content_attributes: { submitted_values: [{ title: 'A', value: 'a' }] } }, 'a'],
    [
      {
        content_attributes: {
          submitted_values: [
            { name: 'A', value: 'a' },
            { name: 'B', value: 2 },
          ],
        },
      },
      'a, 2',
    ],
    [{ content_attributes: { submitted_values: { csat_survey_response: { rating: 5 } } } }, ''],
  ]
  for (const [payload, text] of texts) t.equal(textOf(readMessage(payload)), text, JSON.stringify(payload))

  const choice = (submitted: unknown) => choiceOf(readSubmittedValues([submitted], '')[0] as ChatwootSubmittedValue)
  t.strictSame(choice({ title: 'A', value: 'a' }), { title: 'A', value: 'a' })
  t.strictSame(choice({ name: 'A', value: true }), { title: 'A', value: 'true' })
  t.strictSame(choice({ value: { a: 1 } }), { title: '', value: '' })
  t.strictSame(choice(null), { title: '', value: '' })
})

/** A message with a conversation, as a handler gets it. */
function readMessage(parts: object): ChatwootMessage {
  return readChatwoot('message_created', { id: 1, conversation: { id: 2 }, ...parts }) as ChatwootMessage
}

const aMessage = {
  id: 4100010,
  content: 'Eerder',
  message_type: 1,
  private: false,
  content_type: 'text',
  content_attributes: {},
}

const aDelivery: Delivery = {
  id: '00000000-0000-8000-8000-000000000000',
  source: 'chatwoot',
  event: 'message_created',
  key: 'key',
  orderingKey: 'conversation:1:4100042',
  payload: {},
  receivedAt: 0,
}

function aContext({ app }: Tutor): HandlerContext {
  return {
    signal: AbortSignal.timeout(1_000),
    attempt: 1,
    together: [],
    run: '',
    isInOrder: true,
    log: app.log,
    once: async (_key, step) => step(false),
    note: async () => {},
    ...NO_CLIENTS,
  }
}

/** A message that Chatwoot does not let us answer for the first three minutes. */
async function delayed(t: Test, content: string) {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(POST_MESSAGE, { status: 429, headers: { 'retry-after': `${(3 * MINUTE) / 1_000}` } })
  const id = await tutor.send(incoming(content))
  await tutor.ended(id)
  return { tutor, id }
}
