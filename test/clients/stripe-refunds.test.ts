import t, { type Test } from 'tap'
import { KeptFailureError, type RefundRequest, type StripeClient, StripeRefusedError } from '../../clients/stripe.ts'
import { createStripeClient } from '../../clients/stripe-client.ts'
import { stripeSession } from '../../commands/samples.ts'
import { TransientError } from '../../inbox/errors.ts'
import { pay } from '../../sandbox/payments.ts'
import { type Session, startStripeApi } from '../../sandbox/stripe-api.ts'

/** Never aborted. */
const { signal } = new AbortController()

const REQUEST: RefundRequest = {
  paymentIntent: 'pi_1',
  amount: 2500,
  metadata: { order_id: 'OPL-1' },
  isRequested: true,
  attempt: 0,
}

/** A client for a stand-in with a payment. */
async function setUp(t: Test) {
  const api = await startStripeApi()
  t.teardown(() => api.close())
  const client = createStripeClient({ secretKey: api.secretKey, apiBase: api.url }) as StripeClient
  const session = stripeSession({ session: 'cs_1' }) as unknown as Session
  api.sessions.set('cs_1', session)
  pay(session, 'pi_1')
  return { api, client, session }
}

t.test('a refund is one for its request and attempt', async t => {
  const { api, client } = await setUp(t)
  const first = await client.createRefund(REQUEST, signal)
  t.match(first, {
    amount: 2500,
    metadata: { order_id: 'OPL-1' },
    reason: 'requested_by_customer',
    status: 'succeeded',
  })
  t.equal((await client.createRefund(REQUEST, signal)).id, first.id, 'again')
  const other = await client.createRefund({ ...REQUEST, attempt: 1, isRequested: false }, signal)
  t.not(other.id, first.id)
  t.match(other, { reason: null })
  t.same(
    (await client.listRefunds('pi_1', signal)).map(({ id }) => id),
    [other.id, first.id],
  )
  t.same(
    (await client.listRefunds(null, signal)).map(({ id }) => id),
    [other.id],
    'one shows that they can be read',
  )
  t.match(await client.findIntent('pi_1', signal), {
    status: 'succeeded',
    latest_charge: { amount_captured: 6000, amount_refunded: 5000, disputed: false },
  })
  t.equal(api.refunds.length, 2)
})

t.test('why Stripe refuses is in the error’s code', async t => {
  const { client, session } = await setUp(t)
  Object.assign(session, { dispute: 'created' })
  await t.rejects(client.createRefund(REQUEST, signal), {
    name: 'PermanentError',
    code: 'charge_disputed',
    status: 400,
    isOfKey: false,
  })
  const refused = await client
    .createRefund({ ...REQUEST, paymentIntent: 'pi_2' }, signal)
    .catch((error: unknown) => error)
  t.ok(refused instanceof StripeRefusedError)
  t.match(refused, { code: 'resource_missing' })
})

t.test('an unknown payment has no refunds', async t => {
  const { api, client } = await setUp(t)
  const error = { type: 'invalid_request_error', code: 'resource_missing', message: 'No such payment_intent' }
  api.fail(/refunds/, { status: 404, body: { error } })
  t.same(await client.listRefunds('pi_2', signal), [])
})

t.test('a failure that Stripe keeps is told from a new one', async t => {
  const { api, client } = await setUp(t)
  const failed = { status: 500, body: { error: { type: 'api_error', message: 'x' } } }
  api.fail(/refunds/, failed)
  api.fail(/refunds/, { ...failed, headers: { 'idempotent-replayed': 'true' } })
  const errors = []
  for (let n = 0; n < 2; n++) errors.push(await client.createRefund(REQUEST, signal).catch((error: unknown) => error))
  t.ok(errors.every(error => error instanceof TransientError))
  t.same(
    errors.map(error => error instanceof KeptFailureError),
    [false, true],
  )
})

t.test('a payment is cancelled where Stripe allows it', async t => {
  const { api, client, session } = await setUp(t)
  t.equal(await client.cancelIntent('pi_1', signal), false, 'a checkout session’s')
  api.fail(/cancel/, { status: 403, body: { error: { type: 'invalid_request_error', message: 'no permission' } } })
  t.equal(await client.cancelIntent('pi_1', signal), false)
  Object.assign(session, { intent_status: 'requires_capture' })
  t.equal(await client.cancelIntent('pi_1', signal), true)
  api.fail(/cancel/, 'drop')
  await t.rejects(client.cancelIntent('pi_1', signal), { name: 'TransientError' })
})
