import { join } from 'node:path'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import webhooks, { hmac, sharedToken, type WebhooksOptions } from '../../app.ts'
import { chatwoot, railsJson } from '../../commands/samples.ts'
import { systemClock } from '../../inbox/contracts.ts'
import { signChatwoot, signStripe } from '../../plugins/verification.ts'
import { keptHeaders } from '../../routes/quarantine.ts'
import type { Source } from '../../sources/source.ts'
import { CHATWOOT_SECRET, listen, STRIPE_SECRET } from '../helpers/app.ts'
import { run, runJson } from '../helpers/cli.ts'
import { captureLog } from '../helpers/log.ts'
import { STORES } from '../helpers/stores.ts'
import { until } from '../helpers/wait.ts'

/** What is refused for its signature, kept, and verified again: over real HTTP. */

const SHOP_SECRET = 'the-secret-of-the-shop'
const sqlite = (t: Test) => join(t.testdir(), 'webhooks.db')

const REFUSED = { status: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' }

interface Listed {
  id: string
  source: string
  error: string
  orderingKey: string
}

/** The service with quarantine; its handlers record what they get. */
async function service(t: Test, store: string, options: WebhooksOptions = {}) {
  const handled: string[] = []
  const record = ({ source, payload }: { source: string; payload: object }) => {
    handled.push(`${source} ${JSON.stringify(payload)}`)
  }
  const log = captureLog()
  const app = Fastify({ logger: { stream: log.stream } })
  t.teardown(() => app.close())
  await app.register(webhooks, {
    quarantine: {},
    ...options,
    store,
    chatwoot: { secrets: [CHATWOOT_SECRET], messageQuietMs: 0, ...options.chatwoot },
    stripe: { secrets: [STRIPE_SECRET], ...options.stripe },
    sources: options.sources ?? [shop(SHOP_SECRET)],
    handlers: {
      chatwoot: { message_created: record },
      stripe: { 'payout.paid': record },
      shop: { paid: record },
      ...options.handlers,
    },
  })
  const base = `http://127.0.0.1:${await listen(app)}`
  const send = async (path: string, body: string, headers: Record<string, string>) => {
    const answer = await fetch(base + path, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
    const { code } = (await answer.json()) as { code?: string }
    return { status: answer.status, code }
  }
  /** Waits until so many are kept. */
  const kept = (count: number) =>
    until(`${count} in quarantine`, async () => (await app.webhooks.inbox.quarantined()).deliveries === count)
  return { app, log, base, send, kept, handled, env: { DATABASE_URL: store } }
}

function shop(secret: string, parts: Partial<Source> = {}): Source {
  return {
    name: 'shop',
    path: '/shop',
    verify: hmac({ header: 'X-Shop-Signature', secrets: [secret || 'x'] }),
    identify: ({ payload }) => ({ event: payload.type, key: payload.id }),
    ...parts,
  }
}

const signShop = (body: string, secret = SHOP_SECRET) =>
  hmac({ header: 'X-Shop-Signature', secrets: [secret] }).sign(body)

const message = (n: number) => railsJson(chatwoot.incoming({ message: n, conversation: 42, content: `message ${n}` }))
const listed = async (env: { DATABASE_URL: string }) =>
  (await runJson<{ deliveries: Listed[] }>(env, 'list', '--state', 'quarantined')).result.deliveries

for (const [name, storeFor] of Object.entries(STORES)) {
  tap.test(`${name}: refused for a wrong secret, kept, and handled once the secret is mended`, async t => {
    const store = await storeFor(t)
    const wrong = await service(t, store, { chatwoot: { secrets: ['another'] } })
    const [first, second] = [message(1), message(2)]
    const signed = { ...signChatwoot(first, CHATWOOT_SECRET), 'x-chatwoot-delivery': 'd-1', cookie: 'a=hunter2' }
    t.match(await wrong.send('/cw', first, signed), REFUSED)
    await wrong.kept(1)
    await wrong.send('/cw', second, signChatwoot(second, CHATWOOT_SECRET))
    await wrong.send('/cw', second, signChatwoot(second, 'a third'))
    await wrong.kept(3)
    const kept = await listed(wrong.env)
    t.match(kept, Array(3).fill({ source: 'chatwoot', error: 'WEBHOOK_SIGNATURE_MISMATCH' }))
    const shown = await run(wrong.env, 'show', `${kept.at(-1)?.id}`.slice(0, 8))
    t.match(shown.out, 'message 1')
    t.match(shown.out, 'x-chatwoot-delivery')
    t.notMatch(shown.out, 'hunter2')
    const early = await run(wrong.env, 'replay', '--state', 'quarantined')
    t.match(early, { code: 1, out: '0 replayed' })
    t.match(early.err, /3 still refused, and kept: WEBHOOK_SIGNATURE_MISMATCH: The signature matches none/)
    await wrong.app.close()

    const right = await service(t, store)
    t.match(await right.send('/cw', second, signChatwoot(second, CHATWOOT_SECRET)), { status: 200 }, 'sent again')
    t.match(await run(right.env, 'replay', '--state', 'quarantined', '--dry-run'), { out: '3 would be replayed' })
    const replayed = await run(right.env, 'replay', '--state', 'quarantined')
    t.match(replayed, { code: 1, out: '2 replayed' })
    t.match(replayed.err, /1 still refused/)
    t.ok(right.log.lines.some(({ msg }) => msg === 'webhook duplicate, from quarantine'))
    await until('both to be handled', () => right.handled.length === 2)
    t.same(right.handled.map(line => /message \d/.exec(line)?.[0]).sort(), ['message 1', 'message 2'])
    const [left, ...others] = await listed(right.env)
    t.same(others, [])
    t.match(await run(right.env, 'replay', `${left?.id}`), { code: 1, out: /is still refused: WEBHOOK_SIGNATURE_M/ })
    t.match(await run(right.env, 'discard', `${left?.id}`, '--reason', 'forged'), { code: 0 })
    t.same((await runJson(right.env, 'replay', '--state', 'quarantined')).result, {
      matched: 0,
      replayed: 0,
      refused: [],
      waiting: 0,
    })
  })

  tap.test(`${name}: what was asked for while no server verifies waits for one, and says so`, async t => {
    const store = await storeFor(t)
    const wrong = await service(t, store, { sources: [shop('other')] })
    const body = '{"type":"paid","id":"1"}'
    t.match(await wrong.send('/shop', body, signShop(body)), REFUSED)
    await wrong.kept(1)
    await wrong.app.close()
    const env = { DATABASE_URL: store }
    const [{ id }] = (await listed(env)) as [Listed]
    // The second asks for what the first has asked for.
    const one = await run(env, 'replay', id)
    const all = await run(env, 'replay', '--state', 'quarantined')
    t.match(one, { code: 1, out: /has not been verified: a running server verifies them, with QUARANTINE_MB set/ })
    t.match(all, { code: 1, out: '0 replayed', err: /1 not verified yet: a running server/ })
    t.match((await run(env, 'doctor')).out, /replay --state quarantined; 1 wait for a server with QUARANTINE_MB/)
    const right = await service(t, store)
    await until('it to be handled', () => right.handled.length === 1)
    await right.kept(0)
  })
}

tap.test('only what is signed is kept, and no token ever', async t => {
  const tokens = sharedToken({ in: 'header', name: 'X-Signature-Token', tokens: ['0123456789abcdef'] })
  const { send, kept, env } = await service(t, await sqlite(t), {
    sources: [
      shop('other'),
      shop('', { name: 'tokens', path: '/tokens', verify: tokens }),
      shop('', { name: 'own', path: '/own', verify: () => () => false }),
    ],
  })
  const body = '{"type":"paid","id":"1"}'
  t.match(await send('/shop', body, {}), { status: 401, code: 'WEBHOOK_SIGNATURE_MISSING' })
  t.match(await send('/shop', body, { 'x-shop-signature': 'odd' }), {
    status: 401,
    code: 'WEBHOOK_SIGNATURE_MALFORMED',
  })
  t.match(await send('/tokens', body, { 'x-signature-token': 'fedcba9876543210' }), { status: 401 })
  t.match(await send('/own', body, signShop(body)), REFUSED, 'its header is not known')
  const old = signStripe(body, STRIPE_SECRET, 1_000_000_000)
  t.match(await send('/webhook/payments', body, old), { status: 401, code: 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE' })
  const headers = {
    authorization: 'Bearer hunter2',
    cookie: 'a=hunter2',
    'x-api-key': 'hunter2',
    'x-shop-topic': 'paid',
  }
  await send('/shop', body, { ...signShop(body), ...headers })
  await kept(1)
  const shown = await runJson<{ payload: object }>(env, 'show', `${(await listed(env))[0]?.id}`)
  t.same(Object.keys((shown.result.payload as { headers: object }).headers).sort(), [
    'content-type',
    'x-shop-signature',
    'x-shop-topic',
  ])
})

tap.test('which headers are kept', async t => {
  const kept = keptHeaders(
    { authorization: 'sha256=a', 'set-cookie': ['a'], host: 'h', 'x-forwarded-for': '1', 'x-github-event': 'push' },
    ['authorization'],
  )
  t.same(kept, { authorization: 'sha256=a', 'x-github-event': 'push' }, 'a signature wherever it is')
})

tap.test('signed webhooks are kept while there is no secret at all', async t => {
  const store = await sqlite(t)
  const none = await service(t, store, { chatwoot: { secrets: [] }, stripe: { secrets: [] } })
  const [said, paid] = [
    message(1),
    JSON.stringify({ id: 'evt_1', type: 'payout.paid', data: { object: { id: 'po_1' } } }),
  ]
  const far = { 'x-forwarded-for': '203.0.113.9' }
  const toChatwoot = { ...signChatwoot(said, CHATWOOT_SECRET), ...far }
  t.match(await none.send('/cw', said, toChatwoot), { status: 401, code: 'WEBHOOK_UNSIGNED_REFUSED' })
  t.match(await none.send('/cw', said, far), { status: 401, code: 'WEBHOOK_UNSIGNED_REFUSED' })
  const toStripe = signStripe(paid, STRIPE_SECRET)
  t.match(await none.send('/webhook/payments', paid, toStripe), { status: 401, code: 'WEBHOOK_SECRET_MISSING' })
  t.match(await none.send('/webhook/payments', paid, {}), { status: 401, code: 'WEBHOOK_SECRET_MISSING' })
  await none.kept(2)
  t.match(await run(none.env, 'replay', '--state', 'quarantined'), { code: 1, err: /^replay: 2 still refused/ })
  await none.app.close()

  const open = await service(t, store, { chatwoot: { secrets: [], allowUnsigned: true } })
  const asked = await run(open.env, 'replay', '--state', 'quarantined')
  t.match(asked, { code: 1, out: '1 replayed', err: /WEBHOOK_UNPROVEN: What comes now is accepted without/ })
  await open.app.close()
  const right = await service(t, store)
  t.match(await run(right.env, 'replay', '--state', 'quarantined'), { code: 0, out: '1 replayed' })
  await until('it to be handled', () => right.handled.length === 1)
})

tap.test('its age is judged as of when it came; a promise, a source that is gone, what nobody can read', async t => {
  const store = await sqlite(t)
  const hour = 60 * 60 * 1_000
  let now = Date.now() - hour
  const clock = { now: () => now, after: systemClock.after }
  const later = (verdict: boolean | Error): Source =>
    shop('', {
      name: 'later',
      path: '/later',
      verify: Object.assign(() => async () => verdict, { signatureHeaders: ['x-later'] }),
    })
  const gone = shop('other', { name: 'gone', path: '/gone' })
  const wrong = await service(t, store, {
    inbox: { clock },
    chatwoot: { secrets: ['another'] },
    sources: [shop('other'), later(new Error('not yet')), gone],
    handlers: { later: { paid: () => {} } },
  })
  const at = Math.floor(now / 1_000)
  const [body, early, odd, other] = [message(1), message(2), '{"type":', '{"type":"nobody handles it"}']
  await wrong.send('/cw', body, signChatwoot(body, CHATWOOT_SECRET, at - 60))
  await wrong.send('/cw', early, signChatwoot(early, CHATWOOT_SECRET, at - 60))
  for (const each of [odd, other]) await wrong.send('/shop', each, signShop(each))
  await wrong.send('/later', '{"type":"paid"}', { 'x-later': 'a' })
  await wrong.send('/gone', other, signShop(other))
  await wrong.kept(6)
  await wrong.app.close()
  now += hour
  const right = await service(t, store, {
    inbox: { clock },
    sources: [shop(SHOP_SECRET), later(true)],
    handlers: { later: { paid: () => {} } },
  })
  const replayed = await run(right.env, 'replay', '--state', 'quarantined')
  t.match(replayed, { code: 1, out: '4 replayed' })
  t.match(replayed.err, /1 × WEBHOOK_MALFORMED: The body is not a JSON object/)
  t.match(replayed.err, /1 × WEBHOOK_SOURCE_UNKNOWN: Its source is not among the sources any more/)
  t.ok(right.log.lines.some(({ msg, reason }) => msg === 'webhook ignored, from quarantine' && reason !== undefined))
  await until('the messages to be handled', () => right.handled.length === 2)
})

tap.test('what can’t be stored now, or fails to be identified, stays', async t => {
  const store = sqlite(t)
  const wrong = await service(t, store, { sources: [shop('other')] })
  const [good, bad] = ['{"type":"paid","id":"1"}', '{"type":"paid","id":"2"}']
  for (const body of [good, bad]) await wrong.send('/shop', body, signShop(body))
  await wrong.kept(2)
  await wrong.app.close()
  const identify: Source['identify'] = ({ payload }) => {
    if (payload.id === '2') throw new Error('a mistake')
    return { event: payload.type, key: payload.id }
  }
  const right = await service(t, store, { sources: [shop(SHOP_SECRET, { identify })] })
  const { inbox } = right.app.webhooks
  const { accept } = inbox
  inbox.accept = () => Promise.reject(new Error('disk full'))
  const replayed = run(right.env, 'replay', '--state', 'quarantined')
  await right.log.line(({ msg }) => msg === 'webhook from quarantine not stored, retrying')
  inbox.accept = accept
  t.match(await replayed, { code: 1, out: '1 replayed', err: /1 still refused, and kept: Error: a mistake/ })
  await until('it to be handled', () => right.handled.length === 1)
})
