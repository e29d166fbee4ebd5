import Stripe from 'stripe'
import t, { type Test } from 'tap'
import { stripeEvent, stripePaymentIntent, stripeSession, stripeThinEvent } from '../../commands/samples.ts'
import type { Delivery } from '../../inbox/contracts.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'
import { STRIPE_SECRET, stripeRequest, webhookApp } from '../helpers/app.ts'

const SNAPSHOT = {
  ...stripeEvent('checkout.session.completed', stripeSession({ session: 'cs_1' })),
  id: 'evt_1',
  livemode: false,
}
const THIN = {
  ...stripeThinEvent,
  id: 'evt_test_65thin',
  type: 'v1.checkout.session.completed',
  livemode: false,
  snapshot_event: 'evt_1',
  related_object: { id: 'cs_1', type: 'checkout.session', url: '/v1/checkout/sessions/cs_1' },
}

/** The webhooks with Stripe's stand-in; what a handler gets. */
async function setUp(t: Test, handler?: (delivery: Delivery) => unknown, { key = true } = {}) {
  const api = await startStripeApi()
  t.teardown(() => api.close())
  api.events.push(SNAPSHOT)
  api.sessions.set('cs_1', stripeSession({ session: 'cs_1' }))
  const handled: Delivery[] = []
  const arrived = Promise.withResolvers<void>()
  const handle = (delivery: Delivery) => {
    handled.push(delivery)
    arrived.resolve()
    return handler?.(delivery)
  }
  const { app, store } = await webhookApp(t, {
    stripe: { ...(key && { secretKey: api.secretKey }), apiBase: api.url },
    handlers: { 'checkout.session.completed': handle, 'payment_intent.succeeded': { handle, gaveUp: handle } },
  })
  const send = async (payload: object) => (await app.inject(stripeRequest(payload))).json()
  return { api, app, store, handled, arrived: arrived.promise, send }
}

t.test('the sample is a thin event to Stripe’s library', async t => {
  const body = JSON.stringify(THIN)
  const header = Stripe.webhooks.generateTestHeaderString({ payload: body, secret: STRIPE_SECRET })
  const notification = new Stripe('sk_test_1').parseEventNotification(body, header, STRIPE_SECRET)
  t.match(notification, { id: THIN.id, type: THIN.type })
})

t.test('a thin event is handled like its snapshot event, as one delivery', async t => {
  const { app, api, handled, arrived, send } = await setUp(t)
  const { status, id } = await send(THIN)
  t.equal(status, 'accepted')
  t.equal(api.calls.length, 0, 'nothing is asked within the request')
  await arrived
  t.match(handled, [{ id, event: 'checkout.session.completed', key: 'evt_1', payload: SNAPSHOT }])
  t.same(await send(SNAPSHOT), { status: 'duplicate', id })
  t.same(await send({ ...THIN, id: 'evt_test_other' }), { status: 'duplicate', id })
  t.match(await app.webhooks.inbox.get(id), {
    event: 'checkout.session.completed',
    payload: { object: 'v2.core.event' },
  })
})

t.test('the other way around, too', async t => {
  const { send, arrived } = await setUp(t)
  const { id } = await send(SNAPSHOT)
  t.same(await send(THIN), { status: 'duplicate', id })
  await arrived
})

t.test('without a snapshot event its own id is the key, and its object is fetched', async t => {
  const { handled, arrived, send } = await setUp(t)
  await send({ ...THIN, snapshot_event: undefined })
  await arrived
  t.match(handled, [
    {
      key: THIN.id,
      payload: { type: 'checkout.session.completed', data: { object: { id: 'cs_1', object: 'checkout.session' } } },
    },
  ])
})

t.test('a path that is not Stripe’s is not fetched', async t => {
  const { api, app, handled, send } = await setUp(t)
  const { promise, resolve } = Promise.withResolvers<unknown>()
  app.webhooks.events.on('handled', resolve)
  for (const url of ['https://example.com/', '/v1/../x', undefined]) {
    const thin = { ...THIN, id: `evt_${url}`, snapshot_event: undefined, related_object: { id: 'cs_1', url } }
    await send({ ...thin, id: `evt_test_${String(url).length}` })
  }
  t.match(await promise, { result: 'dead', error: /related_object\.url/ })
  t.equal(handled.length, 0)
  t.equal(api.calls.length, 0)
})

t.test('a payment intent stays in its payment’s mailbox, and is fetched for gaveUp too', async t => {
  const intent = { ...stripeEvent('payment_intent.succeeded', stripePaymentIntent()), id: 'evt_2', livemode: false }
  const got: unknown[] = []
  const { api, app, send } = await setUp(t, ({ payload }) => {
    got.push(payload.id)
    throw new TypeError('no')
  })
  api.events.push(intent)
  const { promise, resolve } = Promise.withResolvers<void>()
  app.webhooks.events.on('handled', () => resolve())
  const { id } = await send({
    ...THIN,
    type: 'v1.payment_intent.succeeded',
    snapshot_event: 'evt_2',
    related_object: { id: 'pi_1', type: 'payment_intent', url: '/v1/payment_intents/pi_1' },
  })
  await promise
  t.match(await app.webhooks.inbox.get(id), { orderingKey: 'payment_intent:pi_1' })
  t.equal(got[0], 'evt_2')
})

t.test('without a Stripe key it is stored, dead and visible; with one, a replay handles it', async t => {
  const { app, store, send, handled } = await setUp(t, undefined, { key: false })
  const { status, id } = await send(THIN)
  t.equal(status, 'accepted')
  t.match(await app.webhooks.inbox.get(id), { state: 'dead', key: 'evt_1', error: /STRIPE_SECRET_KEY/ })
  const ended = new Promise(resolve => app.webhooks.events.on('handled', resolve))
  await app.webhooks.inbox.replay([id])
  t.match(await ended, { result: 'dead', error: /STRIPE_SECRET_KEY is not set: set it, and replay/ })
  t.same(handled, [])
  await app.close()

  // A separate test, because the store's folder belongs to this one.
  await t.test('later', async t => {
    const api = await startStripeApi()
    t.teardown(() => api.close())
    api.events.push(SNAPSHOT)
    const done = Promise.withResolvers<Delivery>()
    const { app: later } = await webhookApp(t, {
      store,
      stripe: { secretKey: api.secretKey, apiBase: api.url },
      handlers: { 'checkout.session.completed': done.resolve },
    })
    await later.ready()
    await later.webhooks.inbox.replay([id])
    t.match(await done.promise, { id, payload: { id: 'evt_1', object: 'event' } })
  })
})

t.test('foreign events are ignored, and those without an id are dead', async t => {
  const { send } = await setUp(t)
  for (const other of [
    { type: 'v1.invoice.paid' },
    { type: 'v2.core.account.updated' },
    { type: 'checkout.session.completed.v1.' },
    { type: 'v1.' },
    { type: undefined },
    { livemode: true },
  ]) {
    t.same(await send({ ...THIN, ...other }), { status: 'ignored' }, JSON.stringify(other))
  }
  const { app, send: sendOther } = await setUp(t)
  const { id } = await sendOther({ ...THIN, id: undefined, snapshot_event: undefined })
  t.match(await app.webhooks.inbox.get(id), { state: 'dead', error: /id is missing/ })
})
