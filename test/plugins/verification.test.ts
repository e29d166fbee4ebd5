import { createHmac, randomBytes } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import Stripe from 'stripe'
import t, { type Test } from 'tap'
import verification, { signChatwoot, signStripe, type VerificationOptions } from '../../plugins/verification.ts'
import type { ChatwootVerification } from '../../sources/chatwoot.ts'
import { listen } from '../helpers/app.ts'
import { captureLog } from '../helpers/log.ts'
import { bodyOf, exchange, open, post, readAll, receives, statusOf } from '../helpers/sockets.ts'

// A message as Rails writes it: JSON.parse and JSON.stringify would change its bytes.
const BODY = String.raw`{"event":"message_created","content":"a \u003c b"}`
const SECRET = 'chatwoot-secret-1'
const AT = 1795187045
const NOW = () => AT * 1_000
// printf '%s' '1795187045.{"event":"message_created","content":"a \u003c b"}' | openssl dgst -sha256 -hmac chatwoot-secret-1
const SIGNATURE = '74c1ef10a360d0021c894bba12ce62ab76e8a89efdf5cc8c9dc9cad9f84f707f'
// The same without a timestamp: the original TutorBot's scheme.
const LEGACY_SIGNATURE = '5ffed1508d930d4c26b699dd5878c55230f8be75ef037b5fc7aef040bf2cb1b1'

const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')

/** A host with its own route for each sender, which parses JSON as Fastify does. */
async function host(t: Test, options: VerificationOptions = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verification, options)
  const preParsing = app.keepRawBody
  app.post('/chatwoot', { preParsing, preHandler: app.verifyChatwoot }, async request => ({ parsed: request.body }))
  app.post('/stripe', { preParsing, preHandler: app.verifyStripe }, async request => ({ parsed: request.body }))
  return app
}

const chatwootHost = (t: Test, chatwoot: ChatwootVerification = { secrets: [SECRET] }) =>
  host(t, { chatwoot, now: NOW })

const json = { 'content-type': 'application/json' }
const signed = (signature: string, timestamp: string | number = AT) => ({
  ...json,
  'x-chatwoot-timestamp': String(timestamp),
  'x-chatwoot-signature': signature,
})

async function send(app: FastifyInstance, headers: Record<string, string>, payload: string = BODY, url = '/chatwoot') {
  const response = await app.inject({ method: 'POST', url, headers, payload })
  return { status: response.statusCode, code: response.json().code as string | undefined, body: response.json() }
}

t.test('a Chatwoot signature of the exact bytes passes, and the host parses the body as usual', async t => {
  const app = await chatwootHost(t)
  const { status, body } = await send(app, signed(`sha256=${SIGNATURE}`))
  t.equal(status, 200)
  t.same(body, { parsed: { event: 'message_created', content: 'a < b' } })
})

t.test('Chatwoot signatures, byte by byte', async t => {
  const app = await chatwootHost(t)
  const of = (text: string, secret = SECRET) => `sha256=${hmac(secret, text)}`
  const cases: [string, Record<string, string>, number, string?, string?][] = [
    ['computed here', signed(of(`${AT}.${BODY}`)), 200],
    ['in capitals', signed(`sha256=${SIGNATURE.toUpperCase()}`), 200],
    ['299 s old', signed(of(`${AT - 300}.${BODY}`), AT - 300), 200],
    ['300 s ahead', signed(of(`${AT + 300}.${BODY}`), AT + 300), 200],
    ['stale', signed(of(`${AT - 301}.${BODY}`), AT - 301), 401, 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE'],
    ['from the future', signed(of(`${AT + 301}.${BODY}`), AT + 301), 401, 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE'],
    ['in ms', signed(of(`${AT}000.${BODY}`), `${AT}000`), 401, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['no number', signed(of(`soon.${BODY}`), 'soon'), 401, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['negative', signed(of(`-${AT}.${BODY}`), `-${AT}`), 401, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['with a fraction', signed(of(`${AT}.0.${BODY}`), `${AT}.0`), 401, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['hexadecimal', signed(of(`0x6b00a0e5.${BODY}`), '0x6b00a0e5'), 401, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['empty time', signed(of(`.${BODY}`), ''), 401, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['no time', { ...json, 'x-chatwoot-signature': `sha256=${SIGNATURE}` }, 401, 'WEBHOOK_TIMESTAMP_INVALID'],
    ['another time than was signed', signed(`sha256=${SIGNATURE}`, AT + 1), 401, 'WEBHOOK_SIGNATURE_MISMATCH'],
    ['another secret', signed(of(`${AT}.${BODY}`, 'other')), 401, 'WEBHOOK_SIGNATURE_MISMATCH'],
    ['the body only', signed(of(BODY)), 401, 'WEBHOOK_SIGNATURE_MISMATCH'],
    ['no signature', { ...json, 'x-chatwoot-timestamp': `${AT}` }, 401, 'WEBHOOK_SIGNATURE_MISSING'],
    ['an empty one', signed(''), 401, 'WEBHOOK_SIGNATURE_MISSING'],
    ['another scheme', signed(`sha512=${SIGNATURE}`), 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['a digit short', signed(`sha256=${SIGNATURE.slice(1)}`), 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['a digit long', signed(`sha256=${SIGNATURE}0`), 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['base64', signed('sha256=dMHvEKNg0AIciUu6Es5iq3boqJ79/fXMjJ3JrZ+E9wf='), 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['two in one', signed(`sha256=${SIGNATURE}, sha256=${SIGNATURE}`), 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['a byte changed', signed(`sha256=${SIGNATURE}`), 401, 'WEBHOOK_SIGNATURE_MISMATCH', BODY.replace('a ', 'b ')],
    ['a byte more', signed(`sha256=${SIGNATURE}`), 401, 'WEBHOOK_SIGNATURE_MISMATCH', `${BODY} `],
    [
      'parsed and written again',
      signed(`sha256=${SIGNATURE}`),
      401,
      'WEBHOOK_SIGNATURE_MISMATCH',
      JSON.stringify(JSON.parse(BODY)),
    ],
  ]
  for (const [name, headers, status, code, body] of cases) {
    t.match(await send(app, headers, body), { status, code }, name)
  }
})

t.test('the original TutorBot’s bare hex signature', async t => {
  const legacy = { ...json, 'x-chatwoot-signature': LEGACY_SIGNATURE }
  const app = await chatwootHost(t)
  t.match(await send(app, legacy), { status: 200 }, 'passes without a time')
  t.match(await send(app, legacy, `${BODY} `), { status: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' }, 'other bytes')
  const ofTimed = { ...json, 'x-chatwoot-signature': SIGNATURE, 'x-chatwoot-timestamp': `${AT}` }
  t.match(await send(app, ofTimed), { status: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' }, 'the schemes do not mix')

  const strict = await chatwootHost(t, { secrets: [SECRET], legacySignature: false })
  t.match(await send(strict, legacy), { status: 401, code: 'WEBHOOK_SIGNATURE_MALFORMED' }, 'unless it is switched off')
  t.match(await send(strict, signed(`sha256=${SIGNATURE}`)), { status: 200 })
})

t.test('any of several Chatwoot secrets passes', async t => {
  const app = await chatwootHost(t, { secrets: ['rotated-out', SECRET, 'rotated-in'] })
  for (const secret of ['rotated-out', SECRET, 'rotated-in']) {
    t.match(await send(app, signed(`sha256=${hmac(secret, `${AT}.${BODY}`)}`)), { status: 200 })
    t.match(await send(app, { ...json, 'x-chatwoot-signature': hmac(secret, BODY) }), { status: 200 }, 'bare hex')
  }
  t.match(await send(app, signed(`sha256=${hmac('never-ours', `${AT}.${BODY}`)}`)), { status: 401 })
})

t.test('signChatwoot signs as Chatwoot does', async t => {
  t.same(signChatwoot(BODY, SECRET, AT), signed(`sha256=${SIGNATURE}`))
  const app = await host(t, { chatwoot: { secrets: [SECRET], legacySignature: false } })
  t.match(await send(app, signChatwoot(BODY, SECRET)), { status: 200 }, 'with the time of now, by default')
})

t.test('repeated headers are refused', async t => {
  const port = await listen(
    await host(t, { chatwoot: { secrets: [SECRET] }, stripe: { secrets: ['whsec_1'] }, now: NOW }),
  )
  const chatwoot = signed(`sha256=${SIGNATURE}`)
  t.equal(statusOf(await exchange(port, post('/chatwoot', chatwoot, BODY))), 200)
  for (const name of ['x-chatwoot-signature', 'x-chatwoot-timestamp'] as const) {
    const twice = { ...chatwoot, [name]: [chatwoot[name], chatwoot[name]] }
    t.equal(statusOf(await exchange(port, post('/chatwoot', twice, BODY))), 401, name)
  }
  const header = Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: 'whsec_1', timestamp: AT })
  const stripe = { ...json, 'stripe-signature': header }
  t.equal(statusOf(await exchange(port, post('/stripe', stripe, BODY))), 200)
  const twice = { ...json, 'stripe-signature': [header, header] }
  t.equal(statusOf(await exchange(port, post('/stripe', twice, BODY))), 401, 'stripe-signature')
})

t.test('without raw bytes: a 500 that names keepRawBody, never accepted', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verification, { chatwoot: { secrets: [SECRET] }, stripe: { secrets: ['whsec_1'] }, now: NOW })
  app.post('/chatwoot', { preHandler: app.verifyChatwoot }, async () => ({ passed: true }))
  app.post('/stripe', { preHandler: app.verifyStripe }, async () => ({ passed: true }))
  const header = Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: 'whsec_1', timestamp: AT })
  for (const [url, headers] of [
    ['/chatwoot', signed(`sha256=${SIGNATURE}`)],
    ['/stripe', { ...json, 'stripe-signature': header }],
  ] as const) {
    const { status, body } = await send(app, headers, BODY, url)
    t.match({ status, body }, { status: 500, body: { code: 'WEBHOOK_RAW_BODY_MISSING', message: /keepRawBody/ } }, url)
  }
})

t.test('a parser that returns a Buffer replaces keepRawBody', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verification, { chatwoot: { secrets: [SECRET] }, now: NOW })
  app.decorateRequest('rawBody', null as never) // of the host's own
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.post('/chatwoot', { preHandler: app.verifyChatwoot }, async () => ({ passed: true }))
  t.match(await send(app, signed(`sha256=${SIGNATURE}`)), { status: 200 })
  t.match(await send(app, signed(`sha256=${SIGNATURE}`), `${BODY} `), { status: 401 })
})

t.test('a request without a body is verified as an empty one', async t => {
  const app = await chatwootHost(t)
  const { 'content-type': _, ...headers } = signed(`sha256=${hmac(SECRET, `${AT}.`)}`)
  const ok = await app.inject({ method: 'POST', url: '/chatwoot', headers })
  t.equal(ok.statusCode, 200)
  const { 'content-type': __, ...other } = signed(`sha256=${SIGNATURE}`)
  const refused = await app.inject({ method: 'POST', url: '/chatwoot', headers: other })
  t.match(refused.json(), { statusCode: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' })
})

t.test('Stripe signatures: same decisions as the SDK', async t => {
  const secret = 'whsec_current'
  const app = await host(t, { stripe: { secrets: [secret] } })
  const now = Math.floor(Date.now() / 1_000)
  const good = Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret })
  const v1 = good.split('v1=')[1] as string
  const at = (timestamp: number) => Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret, timestamp })
  const headers: Record<string, string> = {
    valid: good,
    'wrong secret': Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: 'whsec_other' }),
    'another body': Stripe.webhooks.generateTestHeaderString({ payload: `${BODY} `, secret }),
    '290 s old': at(now - 290),
    '310 s old': at(now - 310),
    'a year old': at(now - 31_536_000),
    'several v1, the right one last': good.replace('v1=', `v1=${'0'.repeat(64)},v1=`),
    'several v1, the right one first': `${good},v1=${'f'.repeat(64)}`,
    'several v1, none right': `t=${now},v1=${'0'.repeat(64)},v1=${'1'.repeat(64)}`,
    'with v0 beside it': good.replace('v1=', `v0=${'a'.repeat(64)},v1=`),
    'v0 only': good.replace('v1=', 'v0='),
    'v2 only': good.replace('v1=', 'v2='),
    'v1 first, then t': good.split(',').reverse().join(','),
    'in capitals': good.replace(v1, v1.toUpperCase()),
    'no time': `v1=${v1}`,
    'time 0': `t=0,v1=${v1}`,
    'no signature': `t=${now}`,
    'another time than was signed': `t=${now - 1},v1=${v1}`,
    'time that is no number': `t=now,v1=${v1}`,
    'empty v1': `t=${now},v1=`,
    'v1 a digit short': good.slice(0, -1),
    rubbish: 'rubbish',
    comma: ',',
    'equals sign': '=',
    'a Chatwoot signature': `sha256=${SIGNATURE}`,
  }
  for (const [name, header] of Object.entries(headers)) {
    let accepted = true
    try {
      Stripe.webhooks.constructEvent(BODY, header, secret, 300)
    } catch {
      accepted = false
    }
    const { status } = await send(app, { ...json, 'stripe-signature': header }, BODY, '/stripe')
    t.equal(status, accepted ? 200 : 401, `${name}: ${status}`)
  }
})

t.test('no damaged Stripe signature passes', async t => {
  const secret = 'whsec_current'
  const app = await host(t, { stripe: { secrets: [secret] } })
  const good = Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret })
  for (let index = 0; index < good.length; index++) {
    const other = good[index] === '0' ? '1' : '0'
    const header = good.slice(0, index) + other + good.slice(index + 1)
    const { status } = await send(app, { ...json, 'stripe-signature': header }, BODY, '/stripe')
    t.equal(status, 401, header)
    t.throws(() => Stripe.webhooks.constructEvent(BODY, header, secret, 300))
  }
})

t.test('Stripe signatures: codes', async t => {
  const app = await host(t, { stripe: { secrets: ['whsec_old', 'whsec_new'] } })
  const now = Math.floor(Date.now() / 1_000)
  const of = (secret: string, timestamp = now) =>
    Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret, timestamp })
  const cases: [string, string | undefined, number, string?][] = [
    ['the old secret', of('whsec_old'), 200],
    ['the new secret', of('whsec_new'), 200],
    ['neither', of('whsec_other'), 401, 'WEBHOOK_SIGNATURE_MISMATCH'],
    [
      'from the future, which the SDK lets pass',
      of('whsec_new', now + 310),
      401,
      'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
    ],
    ['stale', of('whsec_new', now - 310), 401, 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE'],
    ['no header', undefined, 401, 'WEBHOOK_SIGNATURE_MISSING'],
    ['an empty one', '', 401, 'WEBHOOK_SIGNATURE_MISSING'],
    ['v0 only', of('whsec_new').replace('v1', 'v0'), 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['two times', `t=${now},${of('whsec_new')}`, 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['no time', of('whsec_new').replace(/^t=\d+,/, ''), 401, 'WEBHOOK_SIGNATURE_MALFORMED'],
    ['time that is no number', of('whsec_new').replace(/^t=\d+/, 't=now'), 401, 'WEBHOOK_TIMESTAMP_INVALID'],
  ]
  for (const [name, header, status, code] of cases) {
    const headers = header === undefined ? json : { ...json, 'stripe-signature': header }
    t.match(await send(app, headers, BODY, '/stripe'), { status, code }, name)
  }
  t.match(
    await send(app, { ...json, 'stripe-signature': of('whsec_new') }, `${BODY} `, '/stripe'),
    { status: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' },
    'a byte more',
  )
})

t.test('without a Stripe secret every delivery is refused', async t => {
  const app = await host(t)
  const header = Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: 'whsec_guess' })
  for (const headers of [json, { ...json, 'stripe-signature': header }]) {
    t.match(await send(app, headers, BODY, '/stripe'), {
      status: 401,
      code: 'WEBHOOK_SECRET_MISSING',
      body: { message: /STRIPE_WEBHOOK_SECRET/ },
    })
  }
})

t.test('without a Chatwoot secret only direct requests from this machine pass', async t => {
  const log = captureLog()
  const app = Fastify({ logger: { stream: log.stream }, trustProxy: true })
  t.teardown(() => app.close())
  await app.register(verification)
  app.post('/chatwoot', { preHandler: app.verifyChatwoot }, async () => ({ passed: true }))
  t.match(log.lines, [{ level: 40, msg: /accepted from this machine only: CW_HMAC_SECRET is not set/ }])

  const port = await listen(app)
  t.equal(statusOf(await exchange(port, post('/chatwoot', json, BODY))), 200, 'over a real loopback connection')
  for (const header of ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Real-IP', 'Via']) {
    const answer = await exchange(port, post('/chatwoot', { ...json, [header]: '127.0.0.1' }, BODY))
    t.match(bodyOf(answer), { statusCode: 401, code: 'WEBHOOK_UNSIGNED_REFUSED' }, header)
  }

  const from = async (remoteAddress: string) =>
    (await app.inject({ method: 'POST', url: '/chatwoot', headers: json, payload: BODY, remoteAddress })).statusCode
  for (const local of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) t.equal(await from(local), 200, local)
  for (const away of ['10.0.0.1', '192.168.1.4', '::ffff:10.0.0.1', '2001:db8::1', '::11', '128.127.0.1']) {
    t.equal(await from(away), 401, away)
  }
})

t.test('allowUnsigned accepts anything from anywhere, and warns', async t => {
  const log = captureLog()
  const app = Fastify({ logger: { stream: log.stream } })
  t.teardown(() => app.close())
  await app.register(verification, { chatwoot: { secrets: [], allowUnsigned: true } })
  app.post('/chatwoot', { preHandler: app.verifyChatwoot }, async () => ({ passed: true }))
  t.match(log.lines, [{ level: 40, msg: /NOT verified and accepted from anywhere: CW_ALLOW_UNSIGNED/ }])
  const headers = { ...json, 'x-forwarded-for': '203.0.113.7' }
  const remoteAddress = '203.0.113.7'
  const response = await app.inject({ method: 'POST', url: '/chatwoot', headers, payload: BODY, remoteAddress })
  t.equal(response.statusCode, 200)
})

t.test('allowUnsigned changes nothing if there is a secret', async t => {
  const app = await chatwootHost(t, { secrets: [SECRET], allowUnsigned: true })
  t.match(await send(app, json), { status: 401, code: 'WEBHOOK_SIGNATURE_MISSING' })
})

t.test('an empty secret is an error that names the option', async t => {
  const register = (options: VerificationOptions) => async () => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(verification, options)
  }
  await t.rejects(register({ chatwoot: { secrets: [''] } }), new TypeError('chatwoot.secrets[0] is empty'))
  await t.rejects(register({ chatwoot: { secrets: ['a', ' '] } }), new TypeError('chatwoot.secrets[1] is empty'))
  await t.rejects(register({ stripe: { secrets: ['whsec_1', ''] } }), new TypeError('stripe.secrets[1] is empty'))
  const missing = [undefined] as unknown as string[]
  await t.rejects(register({ stripe: { secrets: missing } }), new TypeError('stripe.secrets[0] is empty'))
  const text = 'whsec_1' as unknown as string[]
  await t.rejects(register({ stripe: { secrets: text } }), new TypeError('stripe.secrets must be a list'))
})

t.test('keepRawBody', async t => {
  const LIMIT = 64 * 1024
  /** A host's JSON route with keepRawBody; answers whether the bytes were kept, or with the error's code. */
  async function rawHost(t: Test): Promise<number> {
    const app = Fastify({ bodyLimit: LIMIT })
    t.teardown(() => app.close())
    await app.register(verification, { chatwoot: { allowUnsigned: true } })
    app.post('/raw', { preParsing: app.keepRawBody }, async request => ({
      parsed: typeof request.body,
      raw: Buffer.from(request.rawBody as Buffer).toString('base64'),
    }))
    app.get('/alive', async () => 'yes')
    return listen(app)
  }
  const text = (length: number) => JSON.stringify('x'.repeat(length - 2))
  const chunk = (part: string) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`
  const chunkedHead = `POST /raw HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
  const base64 = (body: string) => Buffer.from(body).toString('base64')

  t.test('keeps the exact bytes, also of a body in chunks', async t => {
    const port = await rawHost(t)
    const body = '{ "a" : "\\u003c é 😀" }\n'
    t.match(bodyOf(await exchange(port, post('/raw', json, body))), { parsed: 'object', raw: base64(body) })

    // Split within a multi-byte character.
    const bytes = post('/raw', json, body)
    const socket = await open(port)
    const answer = readAll(socket)
    for (const byte of bytes) socket.write(Buffer.of(byte))
    t.match(bodyOf(await answer), { raw: base64(body) })
  })

  t.test('keeps a chunked body', async t => {
    const port = await rawHost(t)
    const answer = await exchange(port, chunkedHead, chunk('{"a":'), chunk('"é"}'), '0\r\n\r\n')
    t.match(bodyOf(answer), { parsed: 'object', raw: base64('{"a":"é"}') })
  })

  t.test('keeps the body limit', async t => {
    const port = await rawHost(t)
    t.equal(statusOf(await exchange(port, post('/raw', json, text(LIMIT)))), 200)
    const declared = `POST /raw HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: ${LIMIT + 1}\r\n\r\n`
    t.match(bodyOf(await exchange(port, declared)), { statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE' })

    t.equal(statusOf(await exchange(port, chunkedHead, chunk(text(LIMIT)), '0\r\n\r\n')), 200)
    t.match(bodyOf(await exchange(port, chunkedHead, chunk(text(LIMIT + 1)))), { statusCode: 413 }, 'chunked')
  })

  t.test('keeps the check of Content-Length', async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(verification, { chatwoot: { allowUnsigned: true } })
    app.post('/raw', { preParsing: app.keepRawBody }, async () => ({}))
    // HTTP itself cuts a body at its Content-Length; other transports may not.
    const headers = { ...json, 'content-length': '5' }
    const response = await app.inject({ method: 'POST', url: '/raw', headers, payload: '{"a":1}' })
    t.match(response.json(), { statusCode: 400, code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' })
  })

  t.test('a sender that disconnects midway does no harm', async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(verification, { chatwoot: { allowUnsigned: true } })
    const failed = new Promise<Error>(resolve =>
      app.addHook('onError', async (_request, _reply, error) => resolve(error)),
    )
    let handled = false
    app.post('/raw', { preParsing: app.keepRawBody }, async () => {
      handled = true
      return {}
    })
    const port = await listen(app)
    const arrived = new Promise<void>(resolve => app.server.once('request', () => resolve()))
    const socket = await open(port)
    socket.write(
      `POST /raw HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":`,
    )
    await arrived
    socket.resetAndDestroy()
    t.match(await failed, { message: 'aborted' })
    t.equal(handled, false)
    t.equal(statusOf(await exchange(port, post('/raw', json, '{}'))), 200)
  })

  t.test('an endless body is cut off at the limit', async t => {
    const port = await rawHost(t)
    const socket = await open(port)
    const closed = new Promise<void>(resolve => socket.on('close', () => resolve()))
    socket.on('error', () => {})
    const answered = receives(socket, /^HTTP\/1\.1 413/)
    socket.write(chunkedHead)
    const part = chunk('x'.repeat(16 * 1024))
    const more = () => {
      while (!socket.destroyed && socket.write(part));
      if (!socket.destroyed) socket.once('drain', more)
    }
    more()
    await Promise.race([answered, closed])
    await closed
    t.ok(socket.bytesWritten < 64 * 1024 * 1024, 'the server takes no more, and closes')
  })
})

t.test('random bytes are never a signature', async t => {
  const app = await host(t, { chatwoot: { secrets: [SECRET] }, stripe: { secrets: ['whsec_1'] }, now: NOW })
  for (let round = 0; round < 100; round++) {
    const hex = randomBytes(32).toString('hex')
    t.match(await send(app, signed(`sha256=${hex}`)), { status: 401 })
    t.match(await send(app, { ...json, 'x-chatwoot-signature': hex }), { status: 401 })
    t.match(await send(app, { ...json, 'stripe-signature': `t=${AT},v1=${hex}` }, BODY, '/stripe'), { status: 401 })
  }
})

t.test('Stripe’s signature is made as its own library makes it', async t => {
  const header = Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: 'whsec_1', timestamp: AT })
  t.strictSame(signStripe(BODY, 'whsec_1', AT), { 'content-type': 'application/json', 'stripe-signature': header })
  const now = signStripe(BODY, 'whsec_1')['stripe-signature'] as string
  t.ok(Stripe.webhooks.constructEvent(BODY, now, 'whsec_1'))
})
