import t, { type Test } from 'tap'
import { type StripeSampleOptions, stripeEvent, stripePaymentIntent, stripeSession } from '../../commands/samples.ts'
import { allStripeHandlers } from '../../handlers/all.ts'
import { BOOKED, NO_ORDER } from '../../handlers/booking.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import type { HandlerContext, HandlerFunction } from '../../inbox/drain.ts'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import type { Behaviour, Matcher } from '../../sandbox/stand-in.ts'
import { stripeError } from '../../sandbox/stripe-api.ts'
import { conversationOfMetadata } from '../../sources/stripe-payloads.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { LEVELS } from '../helpers/log.ts'
import { startTutor, type TutorOptions, warnings } from '../helpers/tutor.ts'

const { en, nl } = TEXTS

const OURS = { conversation_id: '4100042', order_id: 'A1' }
const PAYMENT = 'pi_1'

const at = (part: string) => `/api/v1/accounts/1/conversations/4100042${part}`
const POST_ATTRIBUTES = `POST ${at('/custom_attributes')}`
const POST_LABELS = `POST ${at('/labels')}`
const POST_MESSAGE = `POST ${at('/messages')}`
const CONFIRMATION: Matcher = ({ method, path, body }) => `${method} ${path}` === POST_MESSAGE && body.private !== true
const NOTE: Matcher = ({ method, path, body }) => `${method} ${path}` === POST_MESSAGE && body.private === true

const said = ({ messages }: ConversationState) =>
  messages.filter(message => !message.private).map(({ content }) => content)
const notes = ({ messages }: ConversationState) =>
  messages.filter(message => message.private).map(({ content }) => content)

/** The tutor, with the samples' conversation in Chatwoot, waiting for a payment. */
async function setUp(t: Test, options: TutorOptions = {}, contact: Record<string, unknown> = { language: 'nl' }) {
  const tutor = await startTutor(t, options)
  const conversation = tutor.chatwoot.addConversation(
    { labels: ['vip', 'status:awaiting_pay'], custom_attributes: { order_id: 'A1', payment_status: 'pending' } },
    { custom_attributes: contact },
  )
  let events = 0
  const sample = (options: StripeSampleOptions) => ({ metadata: OURS, paymentIntent: PAYMENT, ...options })
  return {
    ...tutor,
    conversation,
    contact: () => tutor.chatwoot.contacts.get(4100001)?.custom_attributes,
    /** An event about a checkout session, which Stripe holds as it is, or as `now` says. */
    session(type: string, options: StripeSampleOptions = {}, now: StripeSampleOptions = {}) {
      const current = stripeSession(sample({ ...options, ...now }))
      tutor.stripe.sessions.set(current.id, current)
      return stripeEvent(`checkout.session.${type}`, stripeSession(sample(options)), { id: `evt_${++events}` })
    },
    /** An event about a payment that succeeded. */
    intent(options: StripeSampleOptions = {}) {
      const object = stripePaymentIntent(sample(options))
      return stripeEvent('payment_intent.succeeded', object, { id: `evt_${++events}` })
    },
  }
}

t.test('a payment has all its effects', async t => {
  const tutor = await setUp(t)
  t.match(await tutor.handlePayment(tutor.session('completed')), { msg: 'webhook handled' })

  t.strictSame(tutor.conversation.custom_attributes, {
    ...BOOKED,
    order_id: 'A1',
    payment_status: 'paid',
    payment_intent_id: PAYMENT,
    payment_amount: '60.00',
    payment_currency: 'EUR',
  })
  t.strictSame(tutor.conversation.labels, ['vip', 'payment:paid', 'status:booked'])
  const { receivedAt } = (await tutor.app.webhooks.inbox.list())[0] as { receivedAt: number }
  t.strictSame(tutor.contact(), {
    language: 'nl',
    has_paid_lesson: true,
    lesson_booked: true,
    customer_since: new Date(receivedAt).toISOString(),
  })
  t.strictSame(notes(tutor.conversation), ['Payment received: 60.00 EUR, order A1'])
  t.strictSame(said(tutor.conversation), [nl.paid('€ 60,00')])
})

t.test('customer_since keeps the first payment; texts are in the student’s language', async t => {
  const customer_since = '2024-01-02T03:04:05.000Z'
  const tutor = await setUp(t, {}, { language: 'en', customer_since, segment: 'existing' })
  const metadata = { chatwoot_conversation_id: '4100042' }
  await tutor.handlePayment(tutor.intent({ metadata }))
  t.strictSame(tutor.contact(), {
    language: 'en',
    customer_since,
    segment: 'existing',
    has_paid_lesson: true,
    lesson_booked: true,
  })
  t.strictSame(notes(tutor.conversation), [`Payment received: 60.00 EUR, order ${PAYMENT}`])
  t.strictSame(said(tutor.conversation), [en.paid('€60.00')])
})

t.test('amounts of currencies without hundredths', async t => {
  const cases: [string, number, string, string][] = [
    ['jpy', 6000, '6000', '¥ 6.000'],
    ['kwd', 12500, '12.500', 'KWD 12,500'],
  ]
  for (const [currency, amount, payment_amount, written] of cases) {
    t.test(currency, async t => {
      const tutor = await setUp(t)
      await tutor.handlePayment(tutor.session('completed', { currency, amount }))
      t.match(tutor.conversation.custom_attributes, { payment_amount, payment_currency: currency.toUpperCase() })
      t.strictSame(said(tutor.conversation), [nl.paid(written)])
    })
  }
})

t.test('one payment is fulfilled once, however many events report it', async t => {
  const tutor = await setUp(t)
  const events = [
    tutor.session('completed'),
    tutor.intent(),
    tutor.session('async_payment_succeeded'),
    tutor.intent({ metadata: {} }),
  ]
  for (const event of events) t.match(await tutor.handlePayment(event), { msg: 'webhook handled' })
  t.equal(notes(tutor.conversation).length, 1)
  t.equal(said(tutor.conversation).length, 1)
  t.equal(tutor.chatwoot.called(POST_LABELS).length, 1)
})

t.test('two payments of one conversation count separately', async t => {
  const tutor = await setUp(t)
  await tutor.handlePayment(tutor.intent())
  await tutor.handlePayment(tutor.intent({ paymentIntent: 'pi_2', metadata: { ...OURS, order_id: 'A2' } }))
  t.strictSame(notes(tutor.conversation), [
    'Payment received: 60.00 EUR, order A1',
    'Payment received: 60.00 EUR, order A2',
  ])
})

t.test('once, even if two events are handled concurrently, with metadata on the session only', async t => {
  const tutor = await setUp(t)
  const going = Promise.withResolvers<void>()
  tutor.chatwoot.fail(POST_ATTRIBUTES, { wait: going.promise })

  const first = await tutor.pay(tutor.session('completed'))
  await tutor.chatwoot.arrived(POST_ATTRIBUTES)
  const second = await tutor.pay(tutor.intent({ metadata: {} }))
  t.match(await tutor.ended(second), {
    msg: 'webhook failed, will retry',
    error: `TransientError: Another delivery is running the step payment:${PAYMENT}`,
  })
  t.equal(tutor.chatwoot.called(POST_ATTRIBUTES).length, 1)

  going.resolve()
  t.match(await tutor.ended(first), { msg: 'webhook handled' })
  t.match(await tutor.nextAttempt(second, 1), { msg: 'webhook handled' })
  t.equal(tutor.chatwoot.called(POST_ATTRIBUTES).length, 1)
  t.equal(notes(tutor.conversation).length, 1)
  t.equal(said(tutor.conversation).length, 1)
})

t.test('once, if one event fails midway and the other continues', async t => {
  const tutor = await setUp(t)
  const going = Promise.withResolvers<void>()
  tutor.chatwoot.fail(POST_ATTRIBUTES, { wait: going.promise })
  tutor.chatwoot.fail(POST_LABELS, { status: 500, headers: { 'retry-after': '60' } })

  const first = await tutor.pay(tutor.session('completed'))
  await tutor.chatwoot.arrived(POST_ATTRIBUTES)
  const second = await tutor.pay(tutor.intent({ metadata: {} }))
  await tutor.ended(second)
  going.resolve()
  t.match(await tutor.ended(first), { msg: 'webhook failed, will retry' })

  t.match(await tutor.nextAttempt(second, 1), { msg: 'webhook handled' })
  t.strictSame(said(tutor.conversation), [nl.paid('€ 60,00')])
  t.match(await tutor.nextAttempt(first, 1), { msg: 'webhook handled' })
  t.equal(notes(tutor.conversation).length, 1)
  t.equal(said(tutor.conversation).length, 1)
})

t.test('an unpaid session is not fulfilled, its later success is', async t => {
  const tutor = await setUp(t)
  t.match(await tutor.handlePayment(tutor.session('completed', { paymentStatus: 'unpaid' })), {
    msg: 'webhook handled',
  })
  t.match(tutor.conversation, {
    labels: ['vip', 'status:awaiting_pay'],
    custom_attributes: { payment_status: 'pending' },
  })
  t.strictSame(said(tutor.conversation), [nl.paymentUnderWay])
  t.match(await tutor.log.line(line => line.payment === PAYMENT), { msg: /^not paid yet/, level: LEVELS.info })

  await tutor.handlePayment(tutor.session('async_payment_succeeded'))
  t.strictSame(said(tutor.conversation), [nl.paymentUnderWay, nl.paid('€ 60,00')])
})

t.test('the session’s current state counts, not the event’s', async t => {
  const tutor = await setUp(t)
  await tutor.handlePayment(tutor.session('completed', { paymentStatus: 'unpaid' }, { paymentStatus: 'paid' }))
  t.equal(said(tutor.conversation).length, 1)

  await tutor.handlePayment(tutor.session('completed', { paymentIntent: 'pi_2' }, { paymentStatus: 'unpaid' }))
  t.strictSame(said(tutor.conversation), [nl.paid('€ 60,00'), nl.paymentUnderWay])
})

t.test('an unpaid session is not fulfilled without a key either', async t => {
  const tutor = await setUp(t, { stripeKey: false })
  await tutor.handlePayment(tutor.session('completed', { paymentStatus: 'unpaid' }))
  t.strictSame(said(tutor.conversation), [nl.paymentUnderWay])
  await tutor.handlePayment(tutor.session('async_payment_succeeded'))
  t.strictSame(said(tutor.conversation), [nl.paymentUnderWay, nl.paid('€ 60,00')])
  t.strictSame(tutor.stripe.calls, [])
})

t.test('nothing to pay counts as paid', async t => {
  const tutor = await setUp(t)
  const free = { paymentStatus: 'no_payment_required', paymentIntent: null, amount: 0, session: 'cs_1' } as const
  await tutor.handlePayment(tutor.session('completed', free))
  t.match(tutor.conversation.custom_attributes, { payment_status: 'paid', payment_amount: '0.00' })
  await tutor.handlePayment(tutor.session('completed', free))
  t.strictSame(said(tutor.conversation), [nl.paid('€ 0,00')])
})

t.test('a payment without our metadata is ignored, with a warning', async t => {
  const cases: [string, TutorOptions, (tutor: Awaited<ReturnType<typeof setUp>>) => object][] = [
    ['a session', {}, tutor => tutor.session('completed', { metadata: { cart: '7' } })],
    ['a session that failed', {}, tutor => tutor.session('async_payment_failed', { metadata: {} })],
    ['a payment of no session', {}, tutor => tutor.intent({ metadata: {} })],
    ['a payment, without a key to ask with', { stripeKey: false }, tutor => tutor.intent({ metadata: {} })],
    [
      'a session, without a token to write with',
      { token: 'none' },
      tutor => tutor.session('completed', { metadata: {} }),
    ],
  ]
  for (const [name, options, event] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t, options)
      t.match(await tutor.handlePayment(event(tutor)), { msg: 'webhook handled' })
      t.strictSame(warnings(tutor.log), ['payment without our metadata (conversation_id): ignored'])
      t.strictSame(tutor.chatwoot.calls, [])
    })
  }
})

t.test('a failed payment is reported once', async t => {
  const tutor = await setUp(t)
  const unpaid = { paymentStatus: 'unpaid' } as const
  t.match(await tutor.handlePayment(tutor.session('async_payment_failed', unpaid)), { msg: 'webhook handled' })
  await tutor.handlePayment(tutor.session('async_payment_failed', unpaid))
  t.strictSame(tutor.conversation.custom_attributes, {
    ...NO_ORDER,
    pending_intent: 'menu',
    payment_status: 'failed',
    payment_intent_id: PAYMENT,
  })
  t.strictSame(tutor.conversation.labels, ['vip', 'payment:failed'])
  t.strictSame(said(tutor.conversation), [nl.paymentFailed])
  t.strictSame(tutor.contact(), { language: 'nl' })
})

t.test('a payment that failed first and then succeeded is paid', async t => {
  const tutor = await setUp(t)
  await tutor.handlePayment(tutor.session('async_payment_failed', { paymentStatus: 'unpaid' }))
  await tutor.handlePayment(tutor.session('async_payment_succeeded'))
  t.match(tutor.conversation.custom_attributes, { payment_status: 'paid' })
  t.strictSame(tutor.conversation.labels, ['vip', 'payment:paid', 'status:booked'])
})

t.test('a failure that comes after the success changes nothing', async t => {
  for (const stripeKey of [true, false]) {
    t.test(stripeKey ? 'Stripe says that it is paid' : 'the conversation says that it is paid', async t => {
      const tutor = await setUp(t, { stripeKey })
      await tutor.handlePayment(tutor.session('async_payment_succeeded'))
      const before = structuredClone(tutor.conversation)
      const late = tutor.session('async_payment_failed', { paymentStatus: 'unpaid' }, { paymentStatus: 'paid' })
      t.match(await tutor.handlePayment(late), { msg: 'webhook handled' })
      t.strictSame(tutor.conversation, before)
    })
  }
})

t.test('nor if the conversation has its next order by then', async t => {
  const tutor = await setUp(t)
  await tutor.handlePayment(tutor.session('async_payment_succeeded'))
  tutor.conversation.custom_attributes = { order_id: 'A2', payment_status: 'pending' }
  const before = structuredClone(tutor.conversation)
  await tutor.handlePayment(
    tutor.session('async_payment_failed', { paymentStatus: 'unpaid' }, { paymentStatus: 'paid' }),
  )
  t.strictSame(tutor.conversation, before)
})

t.test('another payment’s failure changes nothing', async t => {
  const tutor = await setUp(t)
  await tutor.handlePayment(tutor.session('completed'))
  await tutor.handlePayment(
    tutor.session('async_payment_failed', {
      session: 'cs_2',
      paymentIntent: 'pi_2',
      metadata: { ...OURS, order_id: 'A2' },
      paymentStatus: 'unpaid',
    }),
  )
  t.match(tutor.conversation.custom_attributes, { payment_status: 'failed', payment_intent_id: 'pi_2' })
})

t.test('without CW_TOKEN a payment is not ignored: it waits for a person', async t => {
  const tutor = await setUp(t, { token: 'none' })
  const unpaid = { session: 'cs_2', paymentStatus: 'unpaid' } as const
  const events = [tutor.session('completed'), tutor.intent(), tutor.session('async_payment_failed', unpaid)]
  for (const event of events) {
    t.match(await tutor.handlePayment(event), {
      level: LEVELS.error,
      msg: 'webhook dead',
      error: 'PermanentError: CW_TOKEN is not set: set it, and replay this payment',
    })
  }
  t.equal((await tutor.app.webhooks.inbox.backlog()).dead, 3)
  t.notMatch(tutor.log.text(), 'nobody could be told')
})

t.test('with a bot’s token only, the contact is not updated, with a warning', async t => {
  const tutor = await setUp(t, { admin: false })
  t.match(await tutor.handlePayment(tutor.session('completed')), { msg: 'webhook handled' })
  t.strictSame(tutor.contact(), { language: 'nl' })
  t.strictSame(warnings(tutor.log), ['contact not updated: set CW_ADMIN_TOKEN to an administrator’s token'])
  t.equal(said(tutor.conversation).length, 1)
})

t.test('a payment works without a contact', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.contacts.clear()
  t.match(await tutor.handlePayment(tutor.session('completed')), { msg: 'webhook handled' })
  t.equal(said(tutor.conversation).length, 1)
})

t.test('any failing step is retried, and no message is sent twice', async t => {
  const steps: [string, Matcher][] = [
    ['the conversation', `GET ${at('')}`],
    ['its attributes', POST_ATTRIBUTES],
    ['the contact', /^PUT/],
    ['the labels', POST_LABELS],
    ['the note', NOTE],
    ['the confirmation', CONFIRMATION],
  ]
  for (const [name, step] of steps) {
    for (const behaviour of [{ status: 503 }, 'drop', 'drop after', 'hang'] as const)
      await retried(name, step, behaviour)
  }

  async function retried(name: string, step: Matcher, behaviour: Behaviour) {
    await t.test(`${name}: ${JSON.stringify(behaviour)}`, async t => {
      const tutor = await setUp(t)
      tutor.breaks(step, behaviour)
      const id = await tutor.pay(tutor.session('completed'))
      t.match(await tutor.ended(id), { msg: 'webhook failed, will retry' })
      t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
      t.match(tutor.conversation.custom_attributes, { order_id: 'A1', payment_status: 'paid' })
      t.strictSame(tutor.conversation.labels, ['vip', 'payment:paid', 'status:booked'])
      t.match(tutor.contact(), { has_paid_lesson: true })
      t.equal(notes(tutor.conversation).length, 1)
      t.equal(said(tutor.conversation).length, 1)
    })
  }
})

t.test('while Stripe is down, the payment waits for its Retry-After', async t => {
  const tutor = await setUp(t)
  tutor.stripe.fail(/./, stripeError(429, 'rate_limit_error', 'Later', { 'retry-after': '40' }))
  const id = await tutor.pay(tutor.session('completed'))
  t.match(await tutor.ended(id), { nextAttemptAt: tutor.clock.now() + 40_000 })
  t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
  t.equal(said(tutor.conversation).length, 1)
})

t.test('a parked payment leaves a note, and is fulfilled later', async t => {
  const session = (tutor: Awaited<ReturnType<typeof setUp>>) => tutor.session('completed')
  const intent = (tutor: Awaited<ReturnType<typeof setUp>>) => {
    tutor.session('completed')
    return tutor.intent({ metadata: {} })
  }
  for (const event of [session, intent]) {
    t.test(event.name, async t => {
      const tutor = await setUp(t)
      tutor.chatwoot.fail(POST_LABELS, { status: 500 }, 7)
      const id = await tutor.pay(event(tutor))
      for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(id, attempt)
      t.match(await tutor.ended(id, 7), { msg: 'webhook parked' })
      t.match(notes(tutor.conversation), [/^Payment received/, new RegExp(`^A payment could not be processed .*${id}`)])
      t.strictSame(said(tutor.conversation), [])

      t.match(await tutor.nextAttempt(id, 7), { msg: 'webhook handled' })
      t.equal(notes(tutor.conversation).length, 2)
      t.equal(said(tutor.conversation).length, 1)
    })
  }
})

t.test('an unreadable payment is dead, and waits for a person', async t => {
  const nameless = stripePaymentIntent({ metadata: OURS })
  const cases: [string, object, string][] = [
    ['no id', { ...nameless, id: null }, 'data.object.id is missing or not an id'],
    ['no amount', { ...nameless, amount_received: null }, 'payment pi_3Q0sample0000001 has no amount or no currency'],
    ['no currency', { ...nameless, currency: 1 }, 'payment pi_3Q0sample0000001 has no amount or no currency'],
  ]
  for (const [name, object, error] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t)
      t.match(await tutor.handlePayment(stripeEvent('payment_intent.succeeded', object)), {
        msg: 'webhook dead',
        error: `PermanentError: ${error}`,
      })
      t.match(notes(tutor.conversation), [/^A payment could not be processed/])
    })
  }
})

t.test('a session unknown to Stripe is dead, and the tutor is told', async t => {
  const tutor = await setUp(t)
  const event = tutor.session('completed')
  tutor.stripe.sessions.clear()
  t.match(await tutor.handlePayment(event), { msg: 'webhook dead', error: /StripeInvalidRequestError 404/ })
  t.equal(tutor.chatwoot.calls.filter(NOTE).length, 1)
})

t.test('a session without our metadata is ignored without asking Stripe', async t => {
  const tutor = await setUp(t)
  const event = tutor.session('completed', { metadata: {} })
  tutor.stripe.sessions.clear()
  t.match(await tutor.handlePayment(event), { msg: 'webhook handled' })
  t.strictSame(tutor.stripe.calls, [])
  t.strictSame(tutor.chatwoot.calls, [])
})

t.test('a payment intent unknown to Stripe is ignored', async t => {
  const tutor = await setUp(t)
  const error = { type: 'invalid_request_error', code: 'resource_missing', message: 'No such payment_intent' }
  tutor.stripe.fail(/sessions/, { status: 404, body: { error } }, 1)
  t.match(await tutor.handlePayment(tutor.intent({ metadata: {} })), { msg: 'webhook handled' })
})

t.test('a foreign payment given up after crashes leaves no note', async t => {
  const tutor = await setUp(t)
  const handlers = allStripeHandlers({ ...tutor.services, stripe: null })
  const { gaveUp } = handlers['payment_intent.succeeded'] as { gaveUp: HandlerFunction }
  const { type: event, ...payload } = tutor.intent({ metadata: {} })
  const delivery = { id: 'id', source: 'stripe', event, key: 'key', orderingKey: 'key', payload, receivedAt: 0 }
  const { signal } = new AbortController()
  await gaveUp(delivery, {
    signal,
    attempt: 8,
    log: tutor.app.log,
    together: [],
    run: '',
    isInOrder: true,
    once: async (_key, step) => step(false),
    note: async () => {},
    ...NO_CLIENTS,
  })
  t.strictSame(tutor.chatwoot.calls, [])
})

t.test(
  'Chatwoot fails to the end: the payment is parked, that nobody could be told is an error, and it is handled later',
  async t => {
    const tutor = await setUp(t)
    tutor.chatwoot.fail(/4100042/, { status: 500, body: { error: 'boom' } }, 100)
    const id = await tutor.pay(tutor.session('completed'))
    for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(id, attempt)
    t.match(await tutor.ended(id, 7), { msg: 'webhook parked' })
    t.match(await tutor.log.line(({ msg }) => msg === 'the gaveUp handler failed'), {
      level: LEVELS.error,
      delivery: id,
      err: { message: /Chatwoot answered 500/ },
    })
    t.strictSame(notes(tutor.conversation), [])
    tutor.chatwoot.recover()
    t.match(await tutor.nextAttempt(id, 7), { msg: 'webhook handled' })
    t.match(tutor.conversation.custom_attributes, { payment_status: 'paid' })
  },
)

t.test(
  'a payment failed, but the student chose another time before that could be told: nothing is told or undone',
  async t => {
    const tutor = await setUp(t)
    const isWrite: Matcher = ({ method, path }) => [POST_ATTRIBUTES, POST_LABELS].includes(`${method} ${path}`)
    tutor.chatwoot.fail(isWrite, { status: 500, body: { error: 'boom' } }, 2)
    const id = await tutor.pay(tutor.session('async_payment_failed', { paymentStatus: 'unpaid' }))
    t.match(await tutor.ended(id), { msg: 'webhook failed, will retry' })
    const attributes = { order_id: 'A2', pending_intent: 'pay', payment_status: 'pending' }
    tutor.conversation.custom_attributes = { ...attributes }
    t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
    t.strictSame(said(tutor.conversation), [])
    t.strictSame(notes(tutor.conversation), [])
    t.strictSame(tutor.conversation.custom_attributes, attributes)
    t.strictSame(tutor.conversation.labels, ['vip', 'status:awaiting_pay'])
  },
)

t.test('no token or key is in the log', async t => {
  const tutor = await setUp(t)
  tutor.chatwoot.fail(NOTE, { status: 401, body: { error: 'Invalid Access Token' } }, 3)
  tutor.stripe.fail(/./, stripeError(401, 'invalid_request_error', 'Invalid API Key provided: sk_test_****'))
  const id = await tutor.pay(tutor.session('completed'))
  t.match(await tutor.ended(id), { error: /Stripe.* 401/ })
  t.match(await tutor.nextAttempt(id, 1), { error: /Chatwoot answered 401/ })
  for (const token of [...Object.values(tutor.chatwoot.tokens), tutor.stripe.secretKey]) {
    t.notMatch(tutor.log.text(), token)
  }
})

t.test('the conversation in metadata', async t => {
  t.equal(conversationOfMetadata({ conversation_id: '42' }), '42')
  t.equal(conversationOfMetadata({ conversation_id: '', chatwoot_conversation_id: 42 }), '42')
  for (const none of [{}, null, '42', { conversation_id: {} }]) t.equal(conversationOfMetadata(none), undefined)
})

t.test('a payment that is given up is reported with its sum, if the event has one', async t => {
  const tutor = await setUp(t)
  const handlers = allStripeHandlers({ ...tutor.services, stripe: null })
  const { signal } = new AbortController()
  const context = {
    signal,
    attempt: 8,
    log: tutor.app.log,
    together: [],
    run: '',
    isInOrder: true,
    once: async (_key: string, step: (mayHaveActed: boolean) => unknown) => step(false),
    note: async () => {},
    ...NO_CLIENTS,
  } as HandlerContext
  const sums: string[] = []
  tutor.app.webhooks.events.on('attention', ({ amount }) => sums.push(amount))
  const giveUp = async (event: string, object: object) => {
    const { gaveUp } = handlers[event] as { gaveUp: HandlerFunction }
    const payload = { id: 'evt', data: { object } }
    await gaveUp({ id: 'id', source: 'stripe', event, key: 'k', orderingKey: 'k', payload, receivedAt: 0 }, context)
  }
  // A conversation that Chatwoot does not have.
  const metadata = { conversation_id: '99', order_id: 'A1' }
  await giveUp('charge.refunded', { id: 'ch_1', amount: 6000, currency: 'eur', metadata })
  await giveUp('payment_intent.succeeded', { id: 'pi_1', amount_received: 6000, metadata })
  await giveUp('payment_intent.succeeded', { id: 'pi_2', currency: 'eur', metadata })
  t.same(sums, ['60.00 EUR', 'an unknown amount', 'an unknown amount'])
  await giveUp('charge.refunded', { id: 'ch_2', amount: 6000, currency: 'eur', metadata: {} })
  t.equal(sums.length, 3, 'nobody’s, and no session to look for it')
})
