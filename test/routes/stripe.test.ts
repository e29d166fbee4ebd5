import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import Stripe from 'stripe'
import t from 'tap'
import { stripeEvent, stripePaymentIntent, stripeSession, stripeThinEvent } from '../../commands/samples.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { STRIPE_SECRET, stripeHeaders, stripeRequest, webhookApp } from '../helpers/app.ts'
import { stripeDelivery } from '../helpers/identify.ts'
import { LEVELS } from '../helpers/log.ts'

const HANDLED = ['checkout.session.completed', 'checkout.session.async_payment_succeeded', 'payment_intent.succeeded']
const identify = (event: ReturnType<typeof stripeEvent>, account: string | undefined = '1') =>
  stripeDelivery(event.type, account, event, () => 'hash')

t.test('a new event is stored and accepted, a copy with another signature is a duplicate', async t => {
  const { app } = await webhookApp(t)
  const event = stripeEvent('checkout.session.completed', stripeSession())
  const id = deliveryId('stripe', event.id)
  t.same((await app.inject(stripeRequest(event))).json(), { status: 'accepted', id })
  const payload = JSON.stringify(event)
  const timestamp = Math.floor(Date.now() / 1_000) - 60
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: STRIPE_SECRET, timestamp })
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature }
  const copy = await app.inject({ method: 'POST', url: '/webhook/payments', headers, payload })
  t.equal(copy.statusCode, 200)
  t.same(copy.json(), { status: 'duplicate', id })
  t.match(await app.webhooks.inbox.list(), [{ id, source: 'stripe', event: event.type, key: event.id }])
})

t.test('all events of a payment are accepted', async t => {
  const { app } = await webhookApp(t)
  for (const type of [...HANDLED, 'checkout.session.async_payment_failed']) {
    const event = stripeEvent(type, stripeSession(), { id: `evt_${type}` })
    t.match((await app.inject(stripeRequest(event))).json(), { status: 'accepted' }, type)
  }
})

t.test('keys and ordering keys', async t => {
  const session = stripeEvent('checkout.session.completed', stripeSession({ paymentIntent: 'pi_1' }), { id: 'evt_1' })
  const intent = stripeEvent('payment_intent.succeeded', stripePaymentIntent({ paymentIntent: 'pi_1' }), {
    id: 'evt_2',
  })
  t.match(identify(session), { source: 'stripe', key: 'evt_1', orderingKey: 'payment_intent:pi_1' })
  t.match(identify(intent), { key: 'evt_2', orderingKey: 'payment_intent:pi_1' })

  for (const name of ['conversation_id', 'chatwoot_conversation_id']) {
    const ours = stripeEvent('checkout.session.completed', stripeSession({ metadata: { [name]: '42' } }))
    t.match(identify(ours), { orderingKey: 'conversation:1:42' }, name)
  }
  const ours = stripeEvent('checkout.session.completed', stripeSession({ metadata: { conversation_id: '42' } }))
  const withoutAccount = stripeDelivery(ours.type, undefined, ours, () => '')
  t.match(withoutAccount, { orderingKey: 'payment_intent:pi_3Q0sample0000001' }, 'without an account')

  const free = identify(stripeEvent('checkout.session.completed', stripeSession({ paymentIntent: null })))
  t.equal(free.orderingKey, `delivery:${free.id}`, 'nothing that it must stay in order with')
  t.equal(free.unreadable, undefined)
})

t.test('an event is in the paying conversation’s mailbox', async t => {
  const { app } = await webhookApp(t, { chatwoot: { accountId: '7' } })
  const event = stripeEvent('checkout.session.completed', stripeSession({ metadata: { conversation_id: '42' } }))
  await app.inject(stripeRequest(event))
  t.match(await app.webhooks.inbox.list(), [{ orderingKey: 'conversation:7:42' }])
})

t.test('an unreadable event is stored as dead', async t => {
  const { app } = await webhookApp(t)
  const event = stripeEvent('checkout.session.completed', stripeSession())
  const cases: [object, RegExp][] = [
    [{ ...event, id: undefined }, /^id is missing/],
    [{ ...event, id: { a: 1 } }, /^id is missing/],
    [{ ...event, id: ['evt_1'] }, /^id is missing/],
    [{ ...event, id: '' }, /^id is missing/],
    [{ ...event, data: undefined }, /^data\.object is missing/],
    [{ ...event, data: { object: null } }, /^data\.object is missing/],
    [{ ...event, data: { object: [] } }, /^data\.object is missing/],
    [{ ...event, data: { object: 'cs_1' } }, /^data\.object is missing/],
  ]
  for (const [payload, error] of cases) {
    const response = await app.inject(stripeRequest(payload))
    t.match(response.json(), { status: 'accepted', id: /-8/ })
    const body = JSON.stringify(payload)
    const key = `unreadable:${hash('sha256', body)}_${event.type}`
    t.match(await app.webhooks.inbox.get(response.json().id), { state: 'dead', key, error })
    t.match((await app.inject(stripeRequest(payload))).json(), { status: 'duplicate' })
  }
  t.equal((await app.webhooks.inbox.list({ state: 'dead' })).length, cases.length)
})

t.test('what is ignored, and why', async t => {
  const event = stripeEvent('checkout.session.completed', stripeSession())
  const cases: [string, object, string, number, string?][] = [
    ['no handler', stripeEvent('invoice.paid', {}), 'no handler for this event', LEVELS.info],
    ['no type', { ...event, type: undefined }, 'it names no event', LEVELS.info],
    ['a type that is no text', { ...event, type: {} }, 'it names no event', LEVELS.info],
    ['a thin event', stripeThinEvent, 'no handler for this event', LEVELS.info],
    ['live', { ...event, livemode: true }, 'livemode true, unlike STRIPE_SECRET_KEY', LEVELS.warn, 'sk_test_1'],
    ['a test', { ...event, livemode: false }, 'livemode false, unlike STRIPE_SECRET_KEY', LEVELS.warn, 'rk_live_1'],
  ]
  for (const [name, payload, reason, level, secretKey] of cases) {
    await t.test(name, async t => {
      const { app, log } = await webhookApp(t, { stripe: { ...(secretKey && { secretKey }) } })
      const response = await app.inject(stripeRequest(payload))
      t.equal(response.statusCode, 200)
      t.same(response.json(), { status: 'ignored' })
      t.match(await log.request(1), { level, path: '/webhook/payments', source: 'stripe', outcome: 'ignored', reason })
      t.same(await app.webhooks.inbox.list(), [])
    })
  }
})

t.test('events of the key’s mode are accepted, and of any mode if that is unknown', async t => {
  for (const [secretKey, livemode] of [
    ['sk_test_1', false],
    ['sk_live_1', true],
    ['sk_test_1', 'of no type that we know'],
    [undefined, true],
    [undefined, false],
  ] as const) {
    const { app } = await webhookApp(t, { stripe: { ...(secretKey && { secretKey, apiBase: 'http://127.0.0.1:9' }) } })
    const event = { ...stripeEvent('checkout.session.completed', stripeSession()), livemode }
    t.match((await app.inject(stripeRequest(event))).json(), { status: 'accepted' }, `${secretKey} ${livemode}`)
    await app.close()
  }
})

t.test('another release of the API gives one warning, and is accepted', async t => {
  const { app, log } = await webhookApp(t)
  const send = async (id: string, api_version: unknown) =>
    (
      await app.inject(
        stripeRequest({ ...stripeEvent('payment_intent.succeeded', stripePaymentIntent(), { id }), api_version }),
      )
    ).json()
  const warnings = () => log.lines.filter(({ msg }) => /API version/.test(msg))

  const [, release] = Stripe.API_VERSION.split('.')
  t.match(await send('evt_1', Stripe.API_VERSION), { status: 'accepted' })
  t.match(await send('evt_2', `2099-01-01.${release}`), { status: 'accepted' }, 'another date of the same release')
  t.match(await send('evt_3', null), { status: 'accepted' })
  t.same(warnings(), [])
  t.match(await send('evt_4', '2020-08-27'), { status: 'accepted' })
  t.match(await send('evt_5', '2025-03-31.basil'), { status: 'accepted' })
  t.match(warnings(), [{ level: LEVELS.warn, msg: /2020-08-27.*made for .*set that version at the webhook endpoint/ }])
  t.equal(warnings().length, 1)
})

t.test('not authentic: 401, nothing stored, one warning without the content', async t => {
  const { app, log } = await webhookApp(t)
  const payload = JSON.stringify(stripeEvent('payment_intent.succeeded', stripePaymentIntent()))
  const good = stripeHeaders(payload)
  const cases: [string, Record<string, string>, string?][] = [
    ['WEBHOOK_SIGNATURE_MISSING', { 'content-type': 'application/json' }],
    ['WEBHOOK_SIGNATURE_MISMATCH', stripeHeaders(payload, 'whsec_other')],
    ['WEBHOOK_SIGNATURE_MISMATCH', good, payload.replace('6000', '1')],
    ['WEBHOOK_SIGNATURE_MALFORMED', { ...good, 'stripe-signature': 'v1=rubbish' }],
  ]
  for (const [index, [code, headers, body = payload]] of cases.entries()) {
    const response = await app.inject({ method: 'POST', url: '/webhook/payments', headers, payload: body })
    t.match(response.json(), { statusCode: 401, code })
    t.match(await log.request(index + 1), { level: LEVELS.warn, outcome: 'refused', reason: code, status: 401 })
  }
  t.equal(log.lines.length, cases.length)
  t.same(await app.webhooks.inbox.list(), [])
  t.notMatch(log.text(), STRIPE_SECRET)
  t.notMatch(log.text(), /client_secret|secret_7hUk|v1=/)
  t.notMatch(log.text(), good['stripe-signature']?.slice(-64) as string)
})

t.test('malformed: 400; of another type: 415', async t => {
  const { app } = await webhookApp(t)
  for (const body of ['', '{', '[]', 'null', '"evt_1"']) {
    t.match((await app.inject(stripeRequest(body))).json(), { statusCode: 400, code: 'WEBHOOK_MALFORMED' })
  }
  const request = stripeRequest(stripeEvent('payment_intent.succeeded', stripePaymentIntent()))
  request.headers['content-type'] = 'text/plain'
  t.match((await app.inject(request)).json(), { statusCode: 415 })
})

t.test('a failing store is a 500: Stripe retries', async t => {
  const { app, store } = await webhookApp(t)
  const other = new DatabaseSync(store)
  t.teardown(() => other.close())
  other.exec('ALTER TABLE body RENAME TO gone')
  const request = stripeRequest(stripeEvent('payment_intent.succeeded', stripePaymentIntent()))
  t.match((await app.inject(request)).json(), { statusCode: 500, code: 'WEBHOOK_NOT_STORED' })
  other.exec('ALTER TABLE gone RENAME TO body')
  t.match((await app.inject(request)).json(), { status: 'accepted' })
})

t.test('a custom path and prefix', async t => {
  const { app } = await webhookApp(t, { prefix: '/hooks', stripe: { path: '/stripe' } })
  const request = stripeRequest(stripeEvent('payment_intent.succeeded', stripePaymentIntent()), '/hooks/stripe')
  t.match((await app.inject(request)).json(), { status: 'accepted' })
})
