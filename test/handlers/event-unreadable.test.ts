import t, { type Test } from 'tap'
import { stripeEvent, stripeSession, stripeThinEvent } from '../../commands/samples.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import type { AttentionEvent } from '../../inbox/events.ts'
import { startTutor } from '../helpers/tutor.ts'

const { nl } = TEXTS

/** What Stripe does not show, to this key or at all, of an event that tells of a payment. */

const FORBIDDEN = {
  status: 403,
  body: {
    error: { type: 'invalid_request_error', message: 'The provided key does not have the required permissions' },
  },
}
const MISSING = {
  status: 404,
  body: { error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such event' } },
}
const EVENTS = /^GET \/v1\/events\//
const SESSIONS = /^GET \/v1\/checkout\/sessions/
const METADATA = { conversation_id: '4100042', order_id: 'A1' }
const SESSION = stripeSession({ session: 'cs_1', metadata: METADATA })
const THIN = {
  ...stripeThinEvent,
  type: 'v1.checkout.session.completed',
  livemode: false,
  snapshot_event: 'evt_1',
  related_object: { id: 'cs_1', type: 'checkout.session', url: '/v1/checkout/sessions/cs_1' },
}

async function setUp(t: Test) {
  const tutor = await startTutor(t)
  const conversation = tutor.chatwoot.addConversation({ custom_attributes: { order_id: 'A1' } })
  tutor.stripe.sessions.set('cs_1', SESSION)
  const attention: AttentionEvent[] = []
  tutor.app.webhooks.events.on('attention', event => attention.push(event))
  const isPaid = () => conversation.messages.some(({ content }) => content === nl.paid('€ 60,00'))
  return { ...tutor, attention, isPaid }
}

for (const [name, refusal] of Object.entries({ FORBIDDEN, MISSING })) {
  t.test(`a thin event whose snapshot can't be had is read from its object: ${name}`, async t => {
    const tutor = await setUp(t)
    tutor.stripe.fail(EVENTS, refusal, 10)
    t.match(await tutor.handlePayment(THIN), { msg: 'webhook handled' })
    t.ok(tutor.isPaid())
  })
}

t.test('an unreadable thin event waits, is reported, and is handled once the key may read it', async t => {
  const tutor = await setUp(t)
  tutor.stripe.fail(/./, FORBIDDEN, 100)
  const id = await tutor.pay(THIN)
  t.match(await tutor.ended(id), { msg: 'webhook failed, will retry' })
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(id, attempt)
  t.match(await tutor.ended(id, 7), { msg: 'webhook parked' })
  t.match(tutor.attention, [{ payment: 'cs_1', problem: 'event_unreadable', why: /evt_1.*permissions.*replayed/ }])

  tutor.stripe.recover()
  t.match(await tutor.nextAttempt(id, 7), { msg: 'webhook handled' })
  t.ok(tutor.isPaid())
})

t.test('a thin event with nothing to fetch is reported at once', async t => {
  const tutor = await setUp(t)
  t.match(await tutor.handlePayment({ ...THIN, snapshot_event: undefined, related_object: null }), {
    msg: 'webhook dead',
  })
  t.match(tutor.attention, [{ payment: THIN.id, problem: 'event_unreadable', why: /related_object\.url/ }])
})

t.test('while Stripe is down, a thin event is retried, not replaced by its object', async t => {
  const tutor = await setUp(t)
  tutor.stripe.fail(EVENTS, { status: 500, body: { error: { type: 'api_error' } } })
  const id = await tutor.pay(THIN)
  t.match(await tutor.ended(id), { msg: 'webhook failed, will retry', error: /StripeAPIError 500/ })
  t.notOk(tutor.stripe.calls.some(({ path }) => path.includes('/sessions')))
})

t.test('a snapshot event waits too while the key may not read its session', async t => {
  const tutor = await setUp(t)
  tutor.stripe.fail(SESSIONS, FORBIDDEN)
  const id = await tutor.pay(stripeEvent('checkout.session.completed', SESSION))
  t.match(await tutor.ended(id), { msg: 'webhook failed, will retry', error: /permissions/ })
  t.match(await tutor.nextAttempt(id, 1), { msg: 'webhook handled' })
  t.ok(tutor.isPaid())
})

t.test('a session in setup mode is no payment: Stripe is not asked about it', async t => {
  const tutor = await setUp(t)
  const session = { ...SESSION, mode: 'setup', payment_status: 'no_payment_required' }
  t.match(await tutor.handlePayment(stripeEvent('checkout.session.completed', session)), { msg: 'webhook handled' })
  t.equal(tutor.stripe.calls.length, 0)
  t.notOk(tutor.isPaid())
})
