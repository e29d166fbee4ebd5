import Fastify from 'fastify'
import t, { type Test } from 'tap'
import type { Gate } from '../../clients/http.ts'
import type { Checkout, StripeClient, StripeOptions } from '../../clients/stripe.ts'
import { createStripeClient } from '../../clients/stripe-client.ts'
import { stripeSession } from '../../commands/samples.ts'
import { causeOf } from '../../inbox/cause.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import stripePlugin from '../../plugins/stripe.ts'
import type { Behaviour } from '../../sandbox/stand-in.ts'
import { startStripeApi, stripeError } from '../../sandbox/stripe-api.ts'

/** Never aborted. */
const { signal } = new AbortController()

/** The stand-in, and a client for it. */
async function setUp(t: Test, options: StripeOptions = {}) {
  const api = await startStripeApi()
  t.teardown(() => api.close())
  const client = createStripeClient({ secretKey: api.secretKey, apiBase: api.url, ...options }) as StripeClient
  return { api, client }
}

/** The error of a call that fails in a given way, and how often the call was made. */
async function failureOf(t: Test, behaviour: Behaviour, options: StripeOptions = {}) {
  const { api, client } = await setUp(t, options)
  api.fail(/./, behaviour, 10)
  const error = await client.getPrice('price_1', signal).then(
    () => t.fail('the call succeeded') as never,
    (error: Error) => error,
  )
  return { error, calls: api.calls.length }
}

t.test('without a key there is no client', async t => {
  t.equal(createStripeClient({}), null)
})

t.test('a wrong option is an error at once, without the key', async t => {
  const cases: [StripeOptions, string][] = [
    [{ secretKey: 'pk_test_public' }, 'STRIPE_SECRET_KEY'],
    [{ secretKey: 'whsec_endpoint' }, 'STRIPE_SECRET_KEY'],
    [{ secretKey: 'sk_test_1', apiBase: 'localhost' }, 'STRIPE_API_BASE'],
    [{ secretKey: 'sk_test_1', apiBase: 'ftp://localhost' }, 'STRIPE_API_BASE'],
    [{ secretKey: 'sk_test_1', apiBase: 'http://localhost/proxy' }, 'STRIPE_API_BASE'],
  ]
  for (const [wrong, name] of cases) {
    const error = t.throws(() => createStripeClient(wrong), TypeError) as Error
    t.match(error.message, name)
    t.notMatch(error.message, /public|endpoint/)
  }
})

t.test('the mode follows from the key', async t => {
  t.equal(createStripeClient({ secretKey: 'sk_live_1' })?.livemode, true)
  t.equal(createStripeClient({ secretKey: 'rk_live_1', apiBase: 'https://stripe.example.com' })?.livemode, true)
  t.equal(createStripeClient({ secretKey: 'rk_test_1' })?.livemode, false)
})

t.test('works as a plugin, for a host’s routes', async t => {
  const { api } = await setUp(t)
  api.prices.set('price_1', { id: 'price_1', unit_amount: 6000, currency: 'eur' })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(stripePlugin, { secretKey: api.secretKey, apiBase: api.url })
  app.get('/price', async () => app.webhooks.stripe?.getPrice('price_1', signal))

  t.match((await app.inject('/price')).json(), { unit_amount: 6000, currency: 'eur' })
})

t.test('a search that Stripe refuses is an error, not a search without result', async t => {
  const { api, client } = await setUp(t)
  api.fail(/./, stripeError(403, 'invalid_request_error', 'Not allowed'), 1)
  await t.rejects(client.findSession('pi_1', signal), PermanentError)
  api.fail(/./, stripeError(401, 'invalid_request_error', 'Invalid API Key'), 1)
  await t.rejects(client.findSession('pi_1', signal), TransientError)
})

t.test('sessions by id and by payment, with the payment’s state', async t => {
  const { api, client } = await setUp(t)
  api.sessions.set('cs_1', stripeSession({ session: 'cs_1', paymentIntent: 'pi_1' }))
  api.sessions.set('cs_2', stripeSession({ session: 'cs_2', paymentIntent: 'pi_2' }))
  api.refunded.add('pi_2')

  t.match(await client.getSession('cs_1', signal), {
    id: 'cs_1',
    payment_intent: { id: 'pi_1', latest_charge: { refunded: false } },
  })
  t.match(await client.findSession('pi_2', signal), {
    id: 'cs_2',
    payment_intent: { id: 'pi_2', latest_charge: { refunded: true } },
  })
  t.equal(await client.findSession('pi_3', signal), undefined)
  t.strictSame(
    api.calls.map(({ path }) => decodeURIComponent(path)),
    [
      '/v1/checkout/sessions/cs_1?expand[0]=payment_intent.latest_charge',
      '/v1/checkout/sessions?payment_intent=pi_2&limit=1&expand[0]=data.payment_intent.latest_charge',
      '/v1/checkout/sessions?payment_intent=pi_3&limit=1&expand[0]=data.payment_intent.latest_charge',
    ],
  )
})

t.test('a checkout session is made once for an order and its expiry, and can be ended', async t => {
  const { api, client } = await setUp(t, { timeoutMs: 300 })
  api.prices.set('price_1', { id: 'price_1', unit_amount: 6000, currency: 'eur' })
  const checkout: Checkout = {
    order: 'A1',
    attempt: 'delivery-1',
    price: 'price_1',
    expiresAt: Date.now() + 40 * 60_000,
    returnUrl: 'https://chat.example.com/',
    locale: 'nl',
    metadata: { order_id: 'A1', student_name: 'Renée 🎓' },
  }
  api.fail('POST /v1/checkout/sessions', 'hang')
  await t.rejects(client.createSession(checkout, signal), TransientError)
  const { id, url } = await client.createSession(checkout, signal)
  t.equal(url, `https://checkout.stripe.com/c/pay/${id}`)
  t.equal(api.sessions.size, 1)
  t.match(api.sessions.get(id), {
    metadata: checkout.metadata,
    intent_metadata: checkout.metadata,
    expires_at: Math.floor(checkout.expiresAt / 1_000),
  })
  t.not((await client.createSession({ ...checkout, attempt: 'delivery-2' }, signal)).id, id)
  t.not((await client.createSession({ ...checkout, expiresAt: checkout.expiresAt + 60_000 }, signal)).id, id)
  await t.rejects(client.createSession({ ...checkout, expiresAt: Date.now() }, signal), /at least 30 minutes/)
  api.fail('POST /v1/checkout/sessions', { status: 200, body: { id: 'cs_9', object: 'checkout.session', url: null } })
  await t.rejects(client.createSession({ ...checkout, order: 'A2' }, signal), {
    message: 'The checkout session cs_9 has no URL',
  })

  t.equal(await client.expireSession(id, signal), true)
  t.equal(await client.expireSession(id, signal), true, 'a second time changes nothing')
  api.sessions.set('cs_2', stripeSession({ session: 'cs_2' }))
  t.equal(await client.expireSession('cs_2', signal), false, 'it is complete')
  await t.rejects(client.expireSession('cs_404', signal), PermanentError)
  api.fail(/expire/, stripeError(500, 'api_error', 'Later'))
  await t.rejects(client.expireSession(id, signal), TransientError)
})

t.test('a refusal is permanent and quotes Stripe’s message', async t => {
  const { client } = await setUp(t)
  const missing = await client.getSession('cs_9', signal).catch(error => error)
  t.type(missing, PermanentError)
  t.equal(missing.message, "Stripe: StripeInvalidRequestError 404 No such checkout/sessions: 'cs_9'")

  for (const status of [400, 402, 403]) {
    const { error } = await failureOf(t, stripeError(status, 'invalid_request_error', 'No'))
    t.type(error, PermanentError, `${status}`)
  }
})

t.test('a refused key is an outage of everything', async t => {
  const { api } = await setUp(t)
  const stranger = createStripeClient({ secretKey: 'sk_test_somebodyElse', apiBase: api.url }) as StripeClient
  const refused = await stranger.getPrice('price_1', signal).catch(error => error)
  t.match(refused, { constructor: TransientError, outage: { system: 'stripe', isProof: true } })
  t.equal(refused.message, 'Stripe: StripeAuthenticationError 401 Invalid API Key provided: sk_test_****else')
  await t.rejects(stranger.probe(signal), TransientError)
})

t.test('what is proof that Stripe is unavailable, and what may be about one call', async t => {
  const locked = { status: 429, body: { error: { type: 'invalid_request_error', code: 'lock_timeout', message: '' } } }
  const cases: [Behaviour, boolean][] = [
    [stripeError(429, 'rate_limit_error', 'Later'), true],
    [stripeError(502, 'api_error', 'Later'), true],
    [{ status: 503, body: '<html>' }, true],
    [{ status: 200, body: '<html>' }, true],
    [stripeError(500, 'api_error', 'Later'), false],
    [stripeError(409, 'api_error', 'Later'), false],
    [locked, false],
    ['drop', false],
  ]
  for (const [behaviour, isProof] of cases) {
    const { error } = await failureOf(t, behaviour)
    t.match((error as TransientError).outage, { system: 'stripe', isProof }, JSON.stringify(behaviour))
  }
  const { api, client } = await setUp(t)
  const aborted = await client.getPrice('price_1', AbortSignal.abort()).catch(error => error)
  t.match(aborted, { constructor: TransientError, outage: undefined }, 'we have stopped the call')
  await api.close()
  const error = await client.getPrice('price_1', signal).catch(error => error)
  t.match(error.outage, { system: 'stripe', isProof: true }, 'connection refused')
  const causeFor = async (behaviour: Behaviour, options?: StripeOptions) =>
    causeOf((await failureOf(t, behaviour, options)).error)
  t.equal(await causeFor(stripeError(404, 'invalid_request_error', 'No such price')), 'PermanentError:stripe:404')
  t.equal(await causeFor(locked), 'TransientError:stripe:lock_timeout')
  t.equal(await causeFor('hang', { timeoutMs: 50 }), 'TransientError:stripe:timeout')
})

t.test('the gate is asked before each call, and told of Stripe’s own answers; the probe passes it', async t => {
  const { api } = await setUp(t)
  let answered = 0
  let problem: Error | undefined
  const gate: Gate = {
    enter() {
      if (problem !== undefined) throw problem
    },
    answered: () => void answered++,
  }
  const client = createStripeClient({ secretKey: api.secretKey, apiBase: api.url }, gate) as StripeClient
  await client.listEvents([], 0, signal)
  t.equal(answered, 1)
  await t.rejects(client.getPrice('price_none', signal), PermanentError)
  t.equal(answered, 2, 'a refusal is an answer')
  api.fail(/./, stripeError(502, 'api_error', 'Later'))
  await t.rejects(client.getPrice('price_1', signal), TransientError)
  t.equal(answered, 2)
  problem = new TransientError('held')
  await t.rejects(client.getPrice('price_1', signal), problem)
  await client.probe(signal)
  t.match(api.calls.at(-1), { method: 'GET', path: '/v1/prices?limit=1' })
  api.fail(/./, stripeError(403, 'invalid_request_error', 'This restricted key may not read prices'))
  await client.probe(signal)
  api.fail(/./, stripeError(503, 'api_error', 'Later'))
  await t.rejects(client.probe(signal), TransientError)
  t.equal(answered, 2)
})

t.test('transient: 409, 429 and 5xx; not repeated, since the inbox retries', async t => {
  for (const status of [409, 429, 500, 502, 503]) {
    const { error, calls } = await failureOf(t, stripeError(status, 'api_error', 'Later'))
    t.type(error, TransientError, `${status}`)
    t.equal((error as TransientError).retryAfterMs, 0)
    t.equal(calls, 1)
  }
})

t.test('Retry-After is passed on', async t => {
  const { error } = await failureOf(t, stripeError(429, 'rate_limit_error', 'Later', { 'retry-after': '7' }))
  t.match(error, { message: 'Stripe: StripeRateLimitError 429 Later', retryAfterMs: 7_000 })
})

t.test('dropped connections, timeouts and a proxy’s pages are transient', async t => {
  const page = { status: 200, body: '<html>We are moving house</html>' }
  for (const behaviour of ['drop', 'drop after', 'hang', page] as const) {
    const { error } = await failureOf(t, behaviour, { timeoutMs: 50 })
    t.type(error, TransientError, JSON.stringify(behaviour))
    t.match(error.message, /^Stripe: Stripe(Connection|API)Error \w/)
  }
})

t.test('an error that is not Stripe’s is passed on unchanged', async t => {
  const { client, api } = await setUp(t)
  await t.rejects(client.getPrice('price_\ud800', signal), URIError)
  t.equal(api.calls.length, 0)
})

t.test('events of some types since a time come in pages, the newest first', async t => {
  const { api, client } = await setUp(t)
  for (let n = 1; n <= 120; n++) {
    api.events.push({ id: `evt_${n}`, type: n === 50 ? 'charge.updated' : 'charge.refunded', created: 1_000 + n })
  }
  const first = await client.listEvents(['charge.refunded'], 1_010_000, signal)
  t.equal(first.events.length, 100)
  t.match(first, { more: true, events: [{ id: 'evt_120' }] })
  const second = await client.listEvents(['charge.refunded'], 1_010_000, signal, first.events.at(-1)?.id)
  t.equal(second.more, false)
  t.equal(second.events.at(-1)?.id, 'evt_10')
  t.notOk([...first.events, ...second.events].some(({ id }) => id === 'evt_50'))
})
