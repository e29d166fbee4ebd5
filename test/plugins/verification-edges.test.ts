import Fastify, { type FastifyInstance } from 'fastify'
import Stripe from 'stripe'
import t, { type Test } from 'tap'
import verification, { signChatwoot, type VerificationOptions } from '../../plugins/verification.ts'
import { listen } from '../helpers/app.ts'
import { testClock } from '../helpers/clock.ts'
import { captureLog } from '../helpers/log.ts'
import { bodyOf, exchange, statusOf } from '../helpers/sockets.ts'

const BODY = '{"event":"message_created"}'
const AT = 1795187045
const json = { 'content-type': 'application/json' }

async function host(t: Test, options: VerificationOptions) {
  const log = captureLog()
  const app = Fastify({ logger: { stream: log.stream } })
  t.teardown(() => app.close())
  await app.register(verification, { now: () => AT * 1_000, ...options })
  const preParsing = app.keepRawBody
  app.post('/chatwoot', { preParsing, preHandler: app.verifyChatwoot }, async () => ({ passed: true }))
  app.post('/stripe', { preParsing, preHandler: app.verifyStripe }, async () => ({ passed: true }))
  return { app, log }
}

async function send(app: FastifyInstance, url: string, headers: Record<string, string>) {
  const { statusCode, body } = await app.inject({ method: 'POST', url, headers, payload: BODY })
  return { status: statusCode, ...(JSON.parse(body) as { code?: string; message?: string }) }
}

const stripeHeader = (timestamp = AT) =>
  Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: 'whsec_1', timestamp })

/** Whether Stripe's own library accepts a header. */
function isTakenByStripe(header: string): boolean {
  try {
    Stripe.webhooks.signature?.verifyHeader(BODY, header, 'whsec_1', 300, undefined, AT * 1_000)
    return true
  } catch {
    return false
  }
}

t.test('a valid v1 passes whatever else is in the header, as in Stripe’s library', async t => {
  const { app } = await host(t, { stripe: { secrets: ['whsec_1'] } })
  const good = stripeHeader()
  const [time, v1] = good.split(',') as [string, string]
  // Our result, and that of Stripe's library if different: it fails on an empty v1.
  const cases: [string, boolean, boolean?][] = [
    [good, true],
    [`${good},v1=potato`, true],
    [`${time},v1=potato,${v1}`, true],
    [`${v1},${time}`, true],
    [`v1=,${v1},${time}`, true, false],
    [`${good},v1=${'0'.repeat(63)}`, true],
    [`${good},v1=${'A'.repeat(64)}`, true],
    [`${good},v0=${'a'.repeat(64)}`, true],
    [`${good},v1`, true, false],
    [`${good},potato`, true],
    [`${good},`, true],
    [`,${good}`, true],
    [`${good},v1=pota to`, true],
    [`${good}, v1=${'0'.repeat(64)}`, true],
    [`${time}, ${v1}`, false],
    [` ${good.replace(',', ' ,')}`, false],
    [`${time},v1=potato`, false],
    [`${time},V1=${v1.slice(3)}`, false],
    [`${time},v1 =${v1.slice(3)}`, false],
    [v1, false],
  ]
  for (const [header, taken, byStripe = taken] of cases) {
    t.equal((await send(app, '/stripe', { ...json, 'stripe-signature': header })).status, taken ? 200 : 401, header)
    t.equal(isTakenByStripe(header), byStripe, `Stripe: ${header}`)
  }
})

t.test('of many signatures in one header only some are tried', async t => {
  const { app } = await host(t, { stripe: { secrets: ['whsec_1'] } })
  const [time, v1] = stripeHeader().split(',')
  const wrong = (times: number) => `,v1=${'0'.repeat(64)}`.repeat(times)
  const of = (times: number) => send(app, '/stripe', { ...json, 'stripe-signature': `${time}${wrong(times)},${v1}` })
  t.match(await of(15), { status: 200 })
  t.match(await of(16), { status: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' })
})

t.test('toleranceSeconds allows late forwarding, never future times', async t => {
  const options = { chatwoot: { secrets: ['s'], toleranceSeconds: 1_200 }, stripe: { secrets: ['whsec_1'] } }
  const { app, log } = await host(t, options)
  t.match(
    log.lines.map(({ level, msg }) => ({ level, msg })),
    [{ level: 40, msg: /^CW_TOLERANCE_SECONDS is 1200: .* can send it again for 1200 s/ }],
  )
  const chatwoot = (at: number) => send(app, '/chatwoot', signChatwoot(BODY, 's', at))
  const stripe = (at: number) => send(app, '/stripe', { ...json, 'stripe-signature': stripeHeader(at) })
  t.match(await chatwoot(AT - 1_200), { status: 200 })
  t.match(await chatwoot(AT - 1_201), {
    status: 401,
    code: 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
    message: /differs from the server time by more than 1200 s/,
  })
  t.match(await chatwoot(AT + 300), { status: 200 })
  t.match(await chatwoot(AT + 301), { status: 401 })
  t.match(
    await stripe(AT - 301),
    { status: 401, message: /differs from the server time by more than 300 s/ },
    'each source has its own',
  )

  const late = await host(t, { stripe: { secrets: ['whsec_1'], toleranceSeconds: 86_400 } })
  const old = { ...json, 'stripe-signature': stripeHeader(AT - 86_400) }
  t.match(await send(late.app, '/stripe', old), { status: 200 })
  t.match(late.log.lines, [{ msg: /CW_HMAC_SECRET/ }, { level: 40, msg: /^STRIPE_TOLERANCE_SECONDS is 86400/ }])

  const short = await host(t, { stripe: { secrets: ['whsec_1'], toleranceSeconds: 30 } })
  t.match(await send(short.app, '/stripe', { ...json, 'stripe-signature': stripeHeader(AT - 31) }), { status: 401 })
  t.match(await send(short.app, '/stripe', { ...json, 'stripe-signature': stripeHeader(AT + 31) }), { status: 401 })
})

t.test('toleranceSeconds out of its bounds is an error that names it', async t => {
  for (const seconds of [0, -300, 29, 86_401, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '300' as unknown as number]) {
    await t.rejects(host(t, { chatwoot: { toleranceSeconds: seconds } }), {
      message: 'chatwoot.toleranceSeconds (CW_TOLERANCE_SECONDS) must be a whole number of seconds from 30 to 86400',
    })
    await t.rejects(host(t, { stripe: { toleranceSeconds: seconds } }), {
      message: /^stripe\.toleranceSeconds \(STRIPE_TOLERANCE_SECONDS\) must be/,
    })
  }
})

t.test('without a secret, a foreign Host header means a proxy', async t => {
  const { app } = await host(t, {})
  const from = async (hostName: string) => (await send(app, '/chatwoot', { ...json, host: hostName })).status
  for (const name of [
    'localhost',
    'LOCALHOST:3000',
    '127.0.0.1',
    '127.0.0.1:3000',
    '127.1.2.3:80',
    '[::1]',
    '[::1]:3000',
  ]) {
    t.equal(await from(name), 200, name)
  }
  for (const name of [
    'chat.example.com',
    'tutor.example.com:3000',
    'localhost.example.com',
    '127.0.0.1.example.com',
    'example.com:127.0.0.1',
    'xlocalhost',
    '10.0.0.1',
    '[::2]',
    '[::ffff:10.0.0.1]',
    'user@localhost',
  ]) {
    t.equal(await from(name), 401, name)
  }
  const http2 = { ...json, host: 'localhost', ':authority': 'chat.example.com' }
  t.match(await send(app, '/chatwoot', http2), { status: 401, code: 'WEBHOOK_UNSIGNED_REFUSED' })
})

t.test('without a secret: HTTP/1.0 and absolute request targets', async t => {
  const { app } = await host(t, {})
  const port = await listen(app)
  const rest = `content-type: application/json\r\ncontent-length: ${BODY.length}\r\nconnection: close\r\n\r\n${BODY}`
  const ask = (line: string, host = '') => exchange(port, `POST ${line}\r\n${host}${rest}`)
  t.equal(statusOf(await ask('/chatwoot HTTP/1.1', 'host: localhost\r\n')), 200)
  t.equal(statusOf(await ask('http://localhost/chatwoot HTTP/1.1', 'host: localhost\r\n')), 200)
  const cases: [string, string][] = [
    ['http://chat.example.com/chatwoot HTTP/1.1', 'host: localhost\r\n'],
    ['http://localhost/chatwoot HTTP/1.1', 'host: chat.example.com\r\n'],
    ['http://u@chat.example.com:80/chatwoot HTTP/1.1', 'host: localhost\r\n'],
    ['/chatwoot HTTP/1.1', 'host: \r\n'],
    // As nginx passes it on without proxy_http_version, with the name of its upstream.
    ['/chatwoot HTTP/1.0', 'host: 127.0.0.1:3000\r\n'],
    ['/chatwoot HTTP/1.0', ''],
  ]
  for (const [line, host] of cases) {
    const answer = await ask(line, host)
    t.match(bodyOf(answer), { statusCode: 401, code: 'WEBHOOK_UNSIGNED_REFUSED' }, `${line} ${host}`)
  }
})

t.test('a verifier that never answers, on a route of the host’s own', async t => {
  const clock = testClock()
  const asked = Promise.withResolvers<void>()
  const verify = () => () => {
    asked.resolve()
    return new Promise<boolean>(() => {})
  }
  const { app } = await host(t, { chatwoot: { verify }, clock })
  const answer = send(app, '/chatwoot', json)
  await asked.promise
  clock.advance(5_000)
  t.match(await answer, { status: 500, message: 'The verifier of this route did not answer within 5000 ms' })
})
