import { join } from 'node:path'
import { Writable } from 'node:stream'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import t, { type Test } from 'tap'
import webhooks, {
  type Delivery,
  type HandlerContext,
  PermanentError,
  type Source,
  signChatwoot,
  TransientError,
  type WebhooksOptions,
} from '../app.ts'
import { chatwoot, railsJson, stripeEvent, stripePaymentIntent } from '../commands/samples.ts'
import { CHATWOOT_SECRET, chatwootRequest, STRIPE_SECRET, stripeRequest } from './helpers/app.ts'
import { captureLog } from './helpers/log.ts'

/** An app that already has everything of its own that the webhooks might collide with. */
async function hostApp(t: Test, options: WebhooksOptions = {}) {
  const log = captureLog()
  const app = Fastify({
    logger: { stream: log.stream, base: { host: 'mine' } },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 1_000,
  })
  t.teardown(() => app.close())
  app.decorate('config', { mine: true } as never)
  app.decorate('stripe', { mine: true })
  app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, { csv: body }))
  app.setErrorHandler((error, _request, reply) => reply.code(503).send({ host: (error as Error).message }))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ host: 'not found' }))
  app.get('/health', async () => ({ host: 'well' }))
  app.post('/before', async request => ({ before: request.body }))
  await app.register(webhooks, {
    prefix: '/hooks',
    store: join(t.testdir(), 'webhooks.db'),
    chatwoot: { secrets: [CHATWOOT_SECRET] },
    stripe: { secrets: [STRIPE_SECRET] },
    ...options,
  })
  app.post('/after', async request => ({ after: request.body }))
  app.post('/fails', async () => {
    throw new Error('of the host')
  })
  return { app, log }
}

const send = (app: FastifyInstance, url: string, payload: string, type = 'application/json') =>
  app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload })

t.test('the webhooks work under the prefix', async t => {
  const { app } = await hostApp(t)
  t.match((await app.inject(chatwootRequest(chatwoot.incoming(), undefined, '/hooks/cw'))).json(), {
    status: 'accepted',
  })
  const event = stripeEvent('payment_intent.succeeded', stripePaymentIntent())
  t.match((await app.inject(stripeRequest(event, '/hooks/webhook/payments'))).json(), { status: 'accepted' })
  t.match((await send(app, '/cw', '{}')).json(), { host: 'not found' })
})

t.test('the host’s parsers, errors and routes stay as they are', async t => {
  const { app } = await hostApp(t)
  t.same((await send(app, '/before', '{"a":1}')).json(), { before: { a: 1 } })
  t.same((await send(app, '/after', '{"a":1}')).json(), { after: { a: 1 } })
  t.same((await send(app, '/after', 'a,b', 'text/csv')).json(), { after: { csv: 'a,b' } })
  t.match((await send(app, '/after', '{')).json(), { host: /JSON/ })
  t.match((await send(app, '/after', 'x'.repeat(1_001))).json(), { host: /too large/ }, 'its body limit')
  const failed = await send(app, '/fails', '{}')
  t.equal(failed.statusCode, 503)
  t.same(failed.json(), { host: 'of the host' })
  t.same((await app.inject('/health')).json(), { host: 'well' })
  t.equal((await app.inject('/ready')).statusCode, 404)
  t.same((app as unknown as { stripe: unknown }).stripe, { mine: true })
  t.same(app.config, { mine: true })
})

t.test('a host’s schema compiler and serializer don’t meet our answers', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.setSerializerCompiler(({ url }) => {
    throw new Error(`the schema of ${url} is none of Zod's`)
  })
  app.setReplySerializer(payload => JSON.stringify({ host: payload }))
  await app.register(webhooks, {
    store: join(t.testdir(), 'webhooks.db'),
    chatwoot: { secrets: [CHATWOOT_SECRET] },
  })
  const accepted = await app.inject(chatwootRequest(chatwoot.incoming()))
  t.match(accepted.headers, { 'content-type': /^application\/json/ })
  t.match(accepted.json(), { status: 'accepted', id: String })
  t.match((await send(app, '/cw', '{}')).json(), { statusCode: 401, code: 'WEBHOOK_SIGNATURE_MISSING' })
})

t.test('our errors stay in our shape', async t => {
  const { app } = await hostApp(t)
  const shape = { statusCode: Number, code: String, error: String, message: String }
  t.match((await send(app, '/hooks/cw', '{}')).json(), { ...shape, statusCode: 401 })
  t.match((await send(app, '/hooks/cw', 'a,b', 'text/csv')).json(), { ...shape, statusCode: 401 }, 'unsigned, unread')
  const csv = chatwootRequest('a,b', undefined, '/hooks/cw')
  const headers = { ...csv.headers, 'content-type': 'text/csv' }
  t.match((await app.inject({ ...csv, headers })).json(), { ...shape, statusCode: 415 })
  t.match((await app.inject(chatwootRequest('[', undefined, '/hooks/cw'))).json(), { ...shape, statusCode: 400 })
  const large = chatwoot.incoming({ content: 'x'.repeat(500_000) })
  t.match(
    (await app.inject(chatwootRequest(large, undefined, '/hooks/cw'))).json(),
    { status: 'accepted' },
    'our body limit',
  )
})

t.test('an unexpected error is a 500 without its message, whatever status it has', async t => {
  const log = captureLog()
  const app = Fastify({ logger: { stream: log.stream } })
  t.teardown(() => app.close())
  app.addHook('preHandler', async request => {
    const error = new Error('the password is hunter2')
    const { 'x-fails': how } = request.headers
    if (how === 'with a status') throw Object.assign(error, { statusCode: 503, code: 'HOST_DOWN' })
    if (how === 'with a success') throw Object.assign(error, { statusCode: 200 })
    throw error
  })
  await app.register(webhooks, {
    store: join(t.testdir(), 'webhooks.db'),
    chatwoot: { secrets: [CHATWOOT_SECRET] },
  })
  for (const how of ['with a status', 'with a success', 'with nothing']) {
    const request = chatwootRequest(chatwoot.incoming())
    const response = await app.inject({ ...request, headers: { ...request.headers, 'x-fails': how } })
    t.equal(response.statusCode, 500, how)
    t.same(response.json(), {
      statusCode: 500,
      code: 'WEBHOOK_FAILED',
      error: 'Internal Server Error',
      message: 'Internal error; please send it again',
    })
  }
  t.match(await log.line(({ msg }) => msg === 'webhook not stored, answered 500'), { err: { message: /hunter2/ } })
  t.match(await log.request(1), { outcome: 'failed', status: 500, reason: 'WEBHOOK_FAILED' })
})

t.test('the host’s logger is used', async t => {
  const { app, log } = await hostApp(t)
  await app.inject(chatwootRequest(chatwoot.incoming(), undefined, '/hooks/cw'))
  t.match(await log.request(1), { host: 'mine', path: '/hooks/cw', outcome: 'accepted' })
  t.match(await log.line(({ msg }) => msg === 'webhook handled'), { host: 'mine', event: 'message_created' })
})

t.test('a host without a logger', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(webhooks, { store: join(t.testdir(), 'webhooks.db'), chatwoot: { secrets: [CHATWOOT_SECRET] } })
  t.match((await app.inject(chatwootRequest(chatwoot.incoming()))).json(), { status: 'accepted' })
  t.match((await app.inject(chatwootRequest(chatwoot.incoming()))).json(), { status: 'duplicate' })
})

t.test('nothing is written to the process’s own streams', async t => {
  const written: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    const { write } = stream
    stream.write = ((text: string) => written.push(text) > 0) as typeof write
    t.teardown(() => {
      stream.write = write
    })
  }
  const app = Fastify({ logger: { stream: new Writable({ write: (_chunk, _encoding, done) => done() }) } })
  await app.register(webhooks, { store: join(t.testdir(), 'webhooks.db') })
  await app.inject(chatwootRequest(chatwoot.incoming()))
  await app.close()
  t.same(written, [])
})

t.test('the host gets these decorators and no others', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const before = new Set(Object.getOwnPropertyNames(app))
  await app.register(webhooks, { store: join(t.testdir(), 'webhooks.db') })
  const added = Object.getOwnPropertyNames(app).filter(name => !before.has(name))
  t.same(added.sort(), [
    'checkChatwootHeaders',
    'checkSourceHeaders',
    'checkStripeHeaders',
    'deduplicate',
    'keepRawBody',
    'logDelivery',
    'verifyChatwoot',
    'verifySource',
    'verifyStripe',
    'webhooks',
  ])
  t.same(Object.keys(app.webhooks).sort(), [
    'breakers',
    'calendar',
    'chatwoot',
    'events',
    'inbox',
    'quarantine',
    'stripe',
    'tutor',
  ])
  for (const name of ['rawBody', 'delivery', 'deliveryLine', 'getEnvs']) t.notOk(app.hasRequestDecorator(name), name)
})

t.test('the host replaces one handler, adds another, and keeps the rest', async t => {
  const handled: string[] = []
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const handler = (name: string) => (delivery: { event: string }) => {
    if (handled.push(`${name} ${delivery.event}`) === 3) resolve()
  }
  const { app } = await hostApp(t, {
    handlers: {
      chatwoot: { message_created: handler('mine'), contact_created: handler('mine') },
      stripe: { 'payment_intent.succeeded': { handle: handler('mine'), gaveUp: () => {} } },
    },
  })
  for (const payload of [chatwoot.incoming(), chatwoot.contactCreated(), chatwoot.conversationCreated()]) {
    t.match((await app.inject(chatwootRequest(payload, undefined, '/hooks/cw'))).json(), { status: 'accepted' })
  }
  const event = stripeEvent('payment_intent.succeeded', stripePaymentIntent())
  t.match((await app.inject(stripeRequest(event, '/hooks/webhook/payments'))).json(), { status: 'accepted' })
  await all
  t.same(handled.sort(), ['mine contact_created', 'mine message_created', 'mine payment_intent.succeeded'])
  t.ok(app.webhooks.inbox.handles('chatwoot', 'message_updated'))
  t.ok(app.webhooks.inbox.handles('stripe', 'checkout.session.completed'))
  t.notOk(app.webhooks.inbox.handles('stripe', 'contact_created'))
  t.notOk(app.webhooks.inbox.handles('chatwoot', 'payment_intent.succeeded'))
})

t.test('a host’s own route is verified', async t => {
  const { app } = await hostApp(t)
  app.post('/own', { preParsing: app.keepRawBody, preHandler: [app.verifyChatwoot] }, async request => ({
    own: request.body,
  }))
  const body = railsJson({ text: '<b>' })
  const signed = await app.inject({
    method: 'POST',
    url: '/own',
    headers: signChatwoot(body, CHATWOOT_SECRET),
    payload: body,
  })
  t.same(signed.json(), { own: { text: '<b>' } })
  const other = await app.inject({ method: 'POST', url: '/own', headers: signChatwoot(body, 'other'), payload: body })
  t.match(other.json(), { host: /matches none of the secrets/ }, 'refused, and answered by the host’s error handler')
})

t.test('in a scope of the host, prefixes add up and nothing leaks out', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(
    async scope => {
      await scope.register(webhooks, {
        prefix: '/hooks',
        store: join(t.testdir(), 'webhooks.db'),
        chatwoot: { secrets: [CHATWOOT_SECRET] },
      })
    },
    { prefix: '/v1' },
  )
  t.match((await app.inject(chatwootRequest(chatwoot.incoming(), undefined, '/v1/hooks/cw'))).json(), {
    status: 'accepted',
  })
  t.notOk(app.hasDecorator('webhooks'))
})

t.test('wrong options are errors that name the option', async t => {
  const register = (options: WebhooksOptions) => async () => {
    const app = Fastify()
    try {
      await app.register(webhooks, { store: join(t.testdir(), 'webhooks.db'), ...options })
    } finally {
      await app.close()
    }
  }
  await t.rejects(register({ chatwoot: { secrets: [''] } }), { name: 'TypeError', message: /chatwoot\.secrets\[0\]/ })
  await t.rejects(register({ stripe: { secrets: [''] } }), { name: 'TypeError', message: /stripe\.secrets\[0\]/ })
  await t.rejects(register({ chatwoot: { token: 't' } }), { name: 'TypeError', message: /chatwoot\.accountId/ })
  await t.rejects(register({ stripe: { secretKey: 'pk_test_1' } }), { name: 'TypeError', message: /stripe\.secretKey/ })
  for (const handler of [undefined, null, 'x', { handle() {} }, { gaveUp() {} }]) {
    await t.rejects(register({ handlers: { x: handler as never } }), { name: 'TypeError', message: /handlers\.x/ })
  }
  await t.rejects(register({ inbox: { maxWaiting: 0 } }), { name: 'TypeError', message: /maxWaiting/ })
})

t.test('errors that a host’s handler can throw are exported', async t => {
  t.match(new PermanentError('x'), { name: 'PermanentError', message: 'x' })
  t.match(new TransientError('x', { retryAfterMs: 5 }), { name: 'TransientError', retryAfterMs: 5 })
})

t.test('a handler gets the clients, null if not configured', async t => {
  const { promise, resolve } = Promise.withResolvers<HandlerContext>()
  const { app } = await hostApp(t, {
    handlers: { chatwoot: { contact_created: (_delivery, context) => resolve(context) } },
  })
  await app.inject(chatwootRequest(chatwoot.contactCreated(), undefined, '/hooks/cw'))
  const context = await promise
  t.equal(context.chatwoot, null)
  t.equal(context.stripe, null)
  t.equal(context.calendar, app.webhooks.calendar)
})

t.test('another source’s handlers get the payload as sent, or as the source’s read() returns it', async t => {
  const handled: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const source = (name: string, read?: Source['read']): Source => ({
    name,
    path: `/${name}`,
    verify: () => true,
    identify: ({ payload }) => ({ event: payload.event }),
    ...(read && { read }),
  })
  const handler = ({ source, payload }: Delivery) => {
    if (handled.push({ source, payload }) === 2) resolve()
  }
  const { app } = await hostApp(t, {
    sources: [source('shop'), source('github', (event, { n }) => ({ event, n: Number(n) }))],
    handlers: { shop: { order: handler }, github: { push: handler } },
  })
  for (const [name, event] of [
    ['shop', 'order'],
    ['github', 'push'],
  ]) {
    const payload = { event, n: '1' }
    t.match((await app.inject({ method: 'POST', url: `/hooks/${name}`, payload })).json(), { status: 'accepted' })
  }
  await promise
  t.strictSame(
    handled.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    [
      { source: 'github', payload: { event: 'push', n: 1 } },
      { source: 'shop', payload: { event: 'order', n: '1' } },
    ],
  )
})
