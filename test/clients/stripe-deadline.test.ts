import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { StripeClient } from '../../clients/stripe.ts'
import { createStripeClient } from '../../clients/stripe-client.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'

/** A server that begins an answer and then sends a space every 20 ms, forever. */
async function startDripping(t: Test) {
  const begun = Promise.withResolvers<void>()
  const cut = Promise.withResolvers<void>()
  const server = createServer((_request, response) => drip(response))
  function drip(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    const timer = setInterval(() => response.write(' '), 20)
    begun.resolve()
    response.once('close', () => {
      clearInterval(timer)
      cut.resolve()
    })
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, begun: begun.promise, cut: cut.promise }
}

const checkout = {
  order: 'A1',
  attempt: 'delivery-1',
  price: 'price_1',
  expiresAt: Date.now() + 40 * 60_000,
  returnUrl: 'https://chat.example.com/',
  locale: 'nl',
  metadata: {},
} as const

/** Every method, called with a signal. */
const CALLS: [string, (client: StripeClient, signal: AbortSignal) => Promise<unknown>][] = [
  ['getSession', (client, signal) => client.getSession('cs_1', signal)],
  ['findSession', (client, signal) => client.findSession('pi_1', signal)],
  ['getPrice', (client, signal) => client.getPrice('price_1', signal)],
  ['createSession', (client, signal) => client.createSession(checkout, signal)],
  ['expireSession', (client, signal) => client.expireSession('cs_1', signal)],
  ['listEvents', (client, signal) => client.listEvents(['charge.refunded'], 0, signal)],
]

const errorOf = (call: Promise<unknown>) => call.then(() => undefined).catch((error: Error) => error)

t.test('a dripping answer ends at the timeout, for every call', async t => {
  for (const [name, call] of CALLS) {
    const { url, cut } = await startDripping(t)
    const client = createStripeClient({ secretKey: 'sk_test_1', apiBase: url, timeoutMs: 200 }) as StripeClient
    const error = await errorOf(call(client, new AbortController().signal))
    t.type(error, TransientError, name)
    t.equal(error?.message, 'Stripe: StripeConnectionError no answer within 200 ms', name)
    await cut
  }
})

t.test('a call is aborted with its handler', async t => {
  for (const [name, call] of CALLS) {
    const { url, begun, cut } = await startDripping(t)
    const client = createStripeClient({ secretKey: 'sk_test_1', apiBase: url, timeoutMs: 600_000 }) as StripeClient
    const handler = new AbortController()
    const failed = errorOf(call(client, handler.signal))
    await begun
    handler.abort(new TransientError('The service is stopping'))
    const error = await failed
    t.type(error, TransientError, name)
    t.equal(error?.message, 'Stripe: StripeConnectionError the call was aborted', name)
    await cut
    t.type(await errorOf(call(client, handler.signal)), TransientError, `${name}, from the beginning`)
  }
})

t.test('concurrent calls each have their own timeout', async t => {
  const { url, begun } = await startDripping(t)
  const client = createStripeClient({ secretKey: 'sk_test_1', apiBase: url, timeoutMs: 600_000 }) as StripeClient
  const [one, other] = [new AbortController(), new AbortController()]
  let left = 2
  const calls = [one, other].map(({ signal }) => client.getPrice('price_1', signal).finally(() => left--))
  await begun
  one.abort()
  await t.rejects(calls[0] as Promise<unknown>, TransientError)
  t.equal(left, 1)
  other.abort()
  await t.rejects(calls[1] as Promise<unknown>, TransientError)
})

t.test('broken calls are not repeated, since the inbox retries; POSTs neither', async t => {
  for (const behaviour of ['drop', 'drop after'] as const) {
    const api = await startStripeApi()
    t.teardown(() => api.close())
    api.prices.set('price_1', { id: 'price_1', unit_amount: 6000, currency: 'eur' })
    const client = createStripeClient({ secretKey: api.secretKey, apiBase: api.url }) as StripeClient
    const { signal } = new AbortController()
    api.fail(/./, behaviour)
    await t.rejects(client.createSession(checkout, signal), TransientError)
    t.equal(api.calls.length, 1, behaviour)
    const { id } = await client.createSession(checkout, signal)
    t.strictSame([...api.sessions.keys()], [id], 'and the second time it is the same session')
    t.equal(new Set(api.calls.map(({ headers }) => headers['idempotency-key'])).size, 1)
  }
})

t.test('a redirect is not followed: it is not Stripe’s answer', async t => {
  const api = await startStripeApi()
  t.teardown(() => api.close())
  const client = createStripeClient({ secretKey: api.secretKey, apiBase: api.url }) as StripeClient
  api.fail(/./, { status: 302, headers: { location: `${api.url}/elsewhere` }, body: '<html>Moved</html>' })
  const error = await errorOf(client.getPrice('price_1', new AbortController().signal))
  t.type(error, TransientError)
  t.notOk(error instanceof PermanentError)
  t.equal(api.calls.length, 1)
})
