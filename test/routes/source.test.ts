import { createPublicKey, hash, verify as verifyAsymmetric } from 'node:crypto'
import createError from '@fastify/error'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import webhooks, {
  hmac,
  type Identity,
  logging,
  PermanentError,
  presets,
  type Source,
  type Verifier,
  verification,
} from '../../app.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { listen, webhookApp } from '../helpers/app.ts'
import { testClock } from '../helpers/clock.ts'
import { LEVELS } from '../helpers/log.ts'
import { signedBy } from '../helpers/senders.ts'
import { bodyOf, exchange, post, statusOf } from '../helpers/sockets.ts'

/** A webhook of another source, from request to handler. */

const SIGNATURE = hmac({ header: 'X-Shop-Signature', secrets: ['shop-secret'] })
const json = { 'content-type': 'application/json' }

const shop = (parts: Partial<Source> = {}): Source => ({
  name: 'shop',
  path: '/shop',
  verify: SIGNATURE,
  identify: received => ({
    event: received.field('type'),
    key: received.field('id'),
    orderingKey: received.field('customer.id'),
  }),
  ...parts,
})

/** A host with its own source, whose event `order` is handled. */
async function host(t: Test, parts: Partial<Source> = {}) {
  const { app, log } = await webhookApp(t, { sources: [shop(parts)] })
  app.webhooks.inbox.handle('shop', 'order', () => {})
  return { app, log }
}

async function send(app: FastifyInstance, payload: string, headers: Record<string, string> = SIGNATURE.sign(payload)) {
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/shop', headers, payload })
  return { http: statusCode, ...JSON.parse(body) } as Record<string, unknown>
}

t.test('a verifier is asked once, and what it says of the headers counts', async t => {
  let asked = 0
  const verify: Verifier = () => {
    asked++
    return () => true
  }
  const { app } = await host(t, { verify })
  t.match(await send(app, '{"type":"order","id":"1"}'), { http: 200, status: 'accepted' })
  t.equal(asked, 1)
})

t.test('a verifier that never answers: 500 after 5 s, the log names its source, and nothing is stored', async t => {
  const clock = testClock()
  const asked = Promise.withResolvers<void>()
  const verify: Verifier = () => () => {
    asked.resolve()
    return new Promise<boolean>(() => {})
  }
  const { app, log } = await webhookApp(t, { sources: [shop({ verify })], inbox: { clock } })
  app.webhooks.inbox.handle('shop', 'order', () => {})
  const answer = send(app, '{"type":"order","id":"1"}', json)
  await asked.promise
  clock.advance(5_000)
  const message = 'The verifier of shop did not answer within 5000 ms'
  t.match(await answer, { http: 500, code: 'WEBHOOK_VERIFIER_TIMEOUT', message })
  t.same(await app.webhooks.inbox.list(), [])
  const errors = log.lines.filter(({ level }) => level === LEVELS.error)
  t.match(errors, [{ err: { message } }, { source: 'shop', outcome: 'failed', reason: 'WEBHOOK_VERIFIER_TIMEOUT' }])
})

t.test('an identify() that never answers: 500 after 5 s, the log names its source, and nothing is stored', async t => {
  const clock = testClock()
  const late = Promise.withResolvers<Identity>()
  const identify = () => late.promise
  const { app, log } = await webhookApp(t, { sources: [shop({ identify })], inbox: { clock } })
  app.webhooks.inbox.handle('shop', 'order', () => {})
  const isSet = clock.timerSet(5_000)
  const answer = send(app, '{"type":"order","id":"1"}')
  await isSet
  clock.advance(5_000)
  const message = 'identify() of shop did not answer within 5000 ms'
  t.match(await answer, { http: 500, code: 'WEBHOOK_IDENTIFY_TIMEOUT', message })
  late.resolve({ event: 'order', key: '1' })
  t.same(await app.webhooks.inbox.list(), [], 'too late')
  const errors = log.lines.filter(({ level }) => level === LEVELS.error)
  t.match(errors, [{ err: { message } }, { source: 'shop', outcome: 'failed', reason: 'WEBHOOK_IDENTIFY_TIMEOUT' }])
  t.match(await send(app, '{"type":"order","id":"1"}'), { http: 200, status: 'accepted' }, 'sent again')
})

t.test('verified, stored once, duplicates known; also with a trailing slash', async t => {
  const { app, log } = await host(t)
  const order = JSON.stringify({ id: 7, type: 'order', customer: { id: 'c1' }, password: 'xyz' })
  const id = deliveryId('shop', '7')
  t.same(await send(app, order), { http: 200, status: 'accepted', id })
  t.same(await send(app, order), { http: 200, status: 'duplicate', id })
  const again = await app.inject({ method: 'POST', url: '/shop/', headers: SIGNATURE.sign(order), payload: order })
  t.same(again.json(), { status: 'duplicate', id })
  t.match(await app.webhooks.inbox.list({ source: 'shop' }), [
    { id, event: 'order', key: '7', orderingKey: 'c1', payload: { password: '***' } },
  ])
  t.match(await log.request(1), { path: '/shop', source: 'shop', event: 'order', delivery: id, outcome: 'accepted' })
})

t.test('what lacks a signature is refused before its body is read', async t => {
  const { app, log } = await host(t)
  const port = await listen(app)
  const answer = await exchange(port, post('/shop', { ...json, 'content-length': '4000000' }))
  t.equal(statusOf(answer), 401)
  t.match(bodyOf(answer), { code: 'WEBHOOK_SIGNATURE_MISSING' })
  t.match(await log.request(1), { source: 'shop', outcome: 'refused', reason: 'WEBHOOK_SIGNATURE_MISSING' })
  t.match(await send(app, '{}', SIGNATURE.sign('{ }')), { http: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' })
})

t.test('keys: from identify(), else a hash of the body', async t => {
  const given: unknown[] = [undefined, 'a', 8, 0, '', {}, 'x'.repeat(2_000), 'x'.repeat(2_001), 'ö'.repeat(1_001)]
  const { app } = await host(t, {
    identify: ({ payload }) => ({
      event: 'order',
      key: given[payload.n as number],
      orderingKey: given[payload.n as number],
    }),
  })
  const bodies = given.map((_, n) => JSON.stringify({ n }))
  for (const body of bodies) t.match(await send(app, body), { status: 'accepted' })
  const ofBody = (n: number) => `hash:${hash('sha256', bodies[n] as string)}`
  const own = (key: string) => `delivery:${deliveryId('shop', key)}`
  const expected = [
    [ofBody(0), own(ofBody(0))],
    ['a', 'a'],
    ['8', '8'],
    ...[3, 4, 5].map(n => [ofBody(n), own(ofBody(n))]),
    ['x'.repeat(2_000), 'x'.repeat(2_000)],
    ...['x'.repeat(2_001), 'ö'.repeat(1_001)].map(long => [
      `hash:${hash('sha256', long)}`,
      `hash:${hash('sha256', long)}`,
    ]),
  ]
  const stored = await app.webhooks.inbox.list()
  t.same(
    stored.map(({ key, orderingKey }) => [key, orderingKey]),
    expected,
  )
})

t.test('events that only differ in a secret are two, and no secret is stored', async t => {
  const { app } = await host(t, { identify: () => ({ event: 'order' }) })
  const rotated = (token: string) => JSON.stringify({ type: 'token.rotated', token })
  for (const token of ['old', 'new']) t.match(await send(app, rotated(token)), { status: 'accepted' })
  t.match(await send(app, rotated('new')), { status: 'duplicate' })
  const keys = ['old', 'new'].map(token => `hash:${hash('sha256', rotated(token))}`)
  t.match(
    await app.webhooks.inbox.list(),
    keys.map(key => ({ key, payload: { token: '***' } })),
  )
})

t.test('field() and header() read the request', async t => {
  let seen: unknown[] = []
  const { app } = await host(t, {
    identify: received => {
      seen = [
        received.header('X-Event'),
        received.header('x-none'),
        received.field('a.b.0'),
        received.field('a.c'),
        received.field('a.b'),
        received.field('a.toString'),
        received.field('n.x'),
        received.field('e'),
        received.field('n'),
      ]
      return { event: undefined }
    },
  })
  const body = JSON.stringify({ a: { b: ['first'], c: 12 }, n: null, e: '' })
  t.match(await send(app, body, { ...SIGNATURE.sign(body), 'x-event': 'E' }), { status: 'ignored' })
  t.same(seen, ['E', undefined, 'first', '12', undefined, undefined, undefined, undefined, undefined])
})

t.test('what is ignored, answered, unreadable', async t => {
  const cases: Record<string, Identity> = {
    unnamed: { event: '' },
    unhandled: { event: 'refund' },
    'unhandled and ignored': { event: 'refund', ignored: 'a test order', warn: true },
    ignored: { event: 'order', ignored: 'a test order' },
    'ignored with a warning': { event: 'order', ignored: 'of another shop', warn: true },
    'ignored without an event': { ignored: 'a ping' },
    answered: { answer: { challenge: 'abc' } },
    unreadable: { event: 'order', unreadable: 'no customer', ignored: undefined, answer: undefined },
  }
  const { app, log } = await host(t, { identify: async ({ payload }) => cases[String(payload.case)] as never })
  const outcomes: Record<string, unknown> = {}
  for (const name of Object.keys(cases)) {
    const { http, id: _, ...answer } = await send(app, JSON.stringify({ case: name }))
    const { level, event, outcome, reason } = await log.request(Object.keys(outcomes).length + 1)
    outcomes[name] = [http, answer, level === LEVELS.warn ? 'warn' : 'info', event, outcome, reason]
  }
  const ignored = { status: 'ignored' }
  t.same(outcomes, {
    unnamed: [200, ignored, 'info', undefined, 'ignored', 'it names no event'],
    unhandled: [200, ignored, 'info', 'refund', 'ignored', 'no handler for this event'],
    'unhandled and ignored': [200, ignored, 'info', 'refund', 'ignored', 'no handler for this event'],
    ignored: [200, ignored, 'info', 'order', 'ignored', 'a test order'],
    'ignored with a warning': [200, ignored, 'warn', 'order', 'ignored', 'of another shop'],
    'ignored without an event': [200, ignored, 'info', undefined, 'ignored', 'a ping'],
    answered: [200, { challenge: 'abc' }, 'info', undefined, 'ignored', 'answered by its source'],
    unreadable: [200, { status: 'accepted' }, 'info', 'order', 'accepted', undefined],
  })
  t.match(await app.webhooks.inbox.list({ state: 'dead' }), [{ source: 'shop', error: 'no customer' }])
})

t.test('an identify() that fails is a 500, and the log says why', async t => {
  const { app, log } = await host(t, {
    identify: () => {
      throw new Error('a mistake')
    },
  })
  t.match(await send(app, '{}'), { http: 500, code: 'WEBHOOK_FAILED' })
  t.match(await log.line(({ level }) => level === LEVELS.error), { err: { message: 'a mistake' } })
})

t.test('a signed form: Slack’s command', async t => {
  const { secret, headers, body, now = 0 } = signedBy('slack-command')
  const slack: Source = {
    name: 'slack',
    path: '/slack',
    accepts: ['json', 'form'],
    verify: presets.slack({ secrets: [secret], now: () => now * 1_000 }),
    identify: received =>
      received.field('type') === 'url_verification'
        ? { answer: { challenge: received.field('challenge') } }
        : { event: 'command', key: received.header('x-slack-signature') },
  }
  const { app } = await webhookApp(t, { sources: [slack] })
  app.webhooks.inbox.handle('slack', 'command', () => {})
  const post = (payload: string, given: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/slack', headers: given, payload })
  t.match((await post(body, headers)).json(), { status: 'accepted' })
  t.match(await app.webhooks.inbox.list(), [{ payload: { team_id: 'T0SAMPLE', command: '/les', text: 'les_123' } }])
  t.equal((await post(`${body}&`, headers)).statusCode, 401)
  const challenge = JSON.stringify({ type: 'url_verification', challenge: 'abc' })
  const signed = presets.slack({ secrets: [secret] }).sign(challenge, { timestamp: now })
  t.same((await post(challenge, signed)).json(), { challenge: 'abc' })
  t.equal((await post('x', { ...headers, 'content-type': 'text/plain' })).statusCode, 415)
})

t.test('a function for what hmac() can’t express: SendGrid’s ECDSA', async t => {
  const { publicKey = '', headers, body } = signedBy('sendgrid-ecdsa')
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
  const verify: Verifier = request => {
    const signature = request.headers['x-twilio-email-event-webhook-signature']
    const timestamp = request.headers['x-twilio-email-event-webhook-timestamp']
    if (typeof signature !== 'string') return new Error('The header X-Twilio-Email-Event-Webhook-Signature is missing')
    return bytes =>
      verifyAsymmetric(
        'sha256',
        Buffer.concat([Buffer.from(`${timestamp}`), bytes]),
        key,
        Buffer.from(signature, 'base64'),
      )
  }
  const { app } = await host(t, { accepts: ['list'], verify, identify: () => ({ event: 'order' }) })
  const all = { ...json, ...headers }
  t.match(await send(app, body, all), { http: 200, status: 'accepted' })
  t.match(await app.webhooks.inbox.list(), [{ payload: { items: [{ event: 'processed' }] } }])
  t.match(await send(app, body.trim(), all), { http: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' }, 'its end is signed')
  const later = { ...all, 'x-twilio-email-event-webhook-timestamp': '1795881601' }
  t.match(await send(app, body, later), { http: 401 })
  const port = await listen(app)
  const answer = await exchange(port, post('/shop', { ...json, 'content-length': '4000000' }))
  t.equal(statusOf(answer), 401)
  t.match(bodyOf(answer), {
    code: 'WEBHOOK_REFUSED',
    message: 'The header X-Twilio-Email-Event-Webhook-Signature is missing',
  })
})

t.test('only true accepts, whatever a function returns or throws', async t => {
  const TeapotError = createError<[]>('SHOP_CLOSED', 'We are closed', 403)
  const mismatch = [401, 'WEBHOOK_SIGNATURE_MISMATCH']
  const verdicts: [string, Verifier, unknown[]][] = [
    ['true', () => true, [200]],
    ['true for the body', () => () => true, [200]],
    ['true, later', () => async () => true, [200]],
    ['false', () => false, mismatch],
    ['false for the body', () => () => false, mismatch],
    ['nothing, as some libraries give', () => () => undefined as never, mismatch],
    ['the event, as others give', () => () => ({ id: 1 }) as never, mismatch],
    ['1', () => 1 as never, mismatch],
    ['a promise at once', (async () => true) as never, mismatch],
    ['a promise at once that is rejected', (async () => throws()) as never, mismatch],
    ['false, later', () => async () => false, mismatch],
    ['an error', () => new Error('who are you?'), [401, 'WEBHOOK_REFUSED', 'who are you?']],
    ['an error, later', () => async () => new Error('who are you?'), [401, 'WEBHOOK_REFUSED', 'who are you?']],
    ['an error with a status', () => () => new TeapotError(), [403, 'SHOP_CLOSED', 'We are closed']],
    ['a throw', throws, mismatch],
    ['a throw for the body', () => throws, mismatch],
    ['a throw, later', () => async () => throws(), mismatch],
  ]
  for (const [name, verify, [http, code, message]] of verdicts) {
    const { app, log } = await host(t, { verify })
    const answer = await send(app, '{"type":"order"}', json)
    t.match(answer, { http, ...(code !== undefined && { code }), ...(message !== undefined && { message }) }, name)
    if (name.includes('at once')) t.match(log.lines, [{ error: /verify gave a promise; only/ }], name)
    if (!name.includes('throw')) continue
    t.match(log.lines, [{ level: LEVELS.warn, error: 'Error: wrong signature', msg: /^the verifier threw/ }], name)
  }
})

function throws(): never {
  throw new Error('wrong signature')
}

t.test('on a host’s own route', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(logging)
  await app.register(verification)
  const onRequest = app.checkSourceHeaders(SIGNATURE)
  const preHandler = app.verifySource(SIGNATURE)
  app.post('/shop', { onRequest, preParsing: app.keepRawBody, preHandler }, async ({ body }) => ({ body }))
  app.post('/bare', { preHandler }, async ({ body }) => ({ body }))
  t.same(await send(app, '{"a":1}'), { http: 200, body: { a: 1 } })
  t.match(await send(app, '{"a":1}', json), { http: 401 })
  const bare = await app.inject({ method: 'POST', url: '/bare', headers: SIGNATURE.sign('{}'), payload: '{}' })
  t.match(bare.json(), { code: 'WEBHOOK_RAW_BODY_MISSING' })
})

t.test('a source that is a class instance, and reads its payloads later', async t => {
  const handled: unknown[] = []
  const gone = Promise.withResolvers<unknown>()
  class Shop {
    name = 'shop'
    path = '/shop'
    events = ['order', 'refund']
    signature = SIGNATURE
    verify(request: Parameters<Verifier>[0]) {
      return this.signature(request)
    }
    identify(received: Parameters<Source['identify']>[0]) {
      return { event: received.field('type') }
    }
    async read(event: string, payload: unknown) {
      if (event === 'refund') throw new PermanentError('not of our form')
      return { ...Object(payload), readBy: this.name }
    }
  }
  const { app } = await webhookApp(t, {
    sources: [new Shop() as Source],
    handlers: {
      shop: {
        order: ({ payload }: { payload: unknown }) => handled.push(payload),
        refund: { handle() {}, gaveUp: ({ payload }: { payload: unknown }) => gone.resolve(payload) },
      },
    } as never,
  })
  await app.ready()
  t.match(await send(app, '{"type":"order"}'), { status: 'accepted' })
  t.match(await send(app, '{"type":"refund"}'), { status: 'accepted' })
  t.same(await gone.promise, { type: 'refund' }, 'gaveUp gets an unreadable payload as it came')
  t.same(handled, [{ type: 'order', readBy: 'shop' }])
})

t.test('a verifier that can’t be called is an error at the start', async t => {
  for (const name of ['chatwoot', 'stripe']) {
    const app = Fastify()
    t.teardown(() => app.close())
    const message = new RegExp(`^${name}\\.verify must be a verifier`)
    await t.rejects(async () => await app.register(webhooks, { [name]: { verify: 5 } } as never), { message })
  }
})

t.test('chatwoot.verify and stripe.verify replace verification', async t => {
  const { app } = await webhookApp(t, { chatwoot: { verify: SIGNATURE }, stripe: { verify: () => false } })
  const contact = JSON.stringify({ event: 'message_created', id: 1, conversation: { id: 2 }, account: { id: 1 } })
  const toChatwoot = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/cw', headers, payload: contact })
  t.match((await toChatwoot(SIGNATURE.sign(contact))).json(), { status: 'accepted' })
  t.match((await toChatwoot(json)).json(), { code: 'WEBHOOK_SIGNATURE_MISSING' })
  const toStripe = await app.inject({ method: 'POST', url: '/webhook/payments', headers: json, payload: '{}' })
  t.equal(toStripe.statusCode, 401)
})
