import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Fastify, { LogController } from 'fastify'
import pino from 'pino'
import t, { type Test } from 'tap'
import { chatwoot, railsJson, stripeEvent, stripePaymentIntent, stripeSession } from '../../commands/samples.ts'
import type { AnsweredEvent } from '../../inbox/events.ts'
import logging, { loggerOptions, note } from '../../plugins/logging.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import {
  CHATWOOT_SECRET,
  chatwootRequest,
  listen,
  STRIPE_SECRET,
  stripeHeaders,
  stripeRequest,
  webhookApp,
} from '../helpers/app.ts'
import { captureLog, LEVELS } from '../helpers/log.ts'
import { exchange, open, post } from '../helpers/sockets.ts'

const json = { 'content-type': 'application/json' }

/** A bare app whose log the test can read. */
async function host(t: Test) {
  const log = captureLog()
  const logController = new LogController({ disableRequestLogging: true })
  const app = Fastify({ logger: { stream: log.stream }, logController })
  t.teardown(() => app.close())
  await app.register(logging)
  return { app, log }
}

t.test('a host’s own route logs a line', async t => {
  const { app, log } = await host(t)
  app.post('/own/:name', { preHandler: app.logDelivery }, async (request, reply) => {
    note(request, { source: 'mine', event: 'ping', outcome: 'counted', reason: 'because' })
    return reply.code(202).send({})
  })
  app.post('/silent', async request => {
    note(request, { outcome: 'counted' })
    return {}
  })
  await app.inject({ method: 'POST', url: '/own/x?token=1', payload: {} })
  t.match(await log.request(1), {
    level: LEVELS.info,
    msg: 'webhook counted',
    path: '/own/:name',
    source: 'mine',
    event: 'ping',
    outcome: 'counted',
    reason: 'because',
    status: 202,
    ms: Number,
    reqId: String,
  })
  t.equal((await app.inject({ method: 'POST', url: '/silent', payload: {} })).statusCode, 200, 'a note without a line')
  t.equal(log.lines.length, 1)
})

t.test('the outcome follows from the status, unless the route sets it', async t => {
  const { app, log } = await host(t)
  app.post('/own/:status', { preHandler: app.logDelivery }, async (request, reply) => {
    return reply.code(Number((request.params as { status: string }).status)).send({})
  })
  const cases = [
    [200, 'accepted', LEVELS.info],
    [400, 'malformed', LEVELS.warn],
    [401, 'refused', LEVELS.warn],
    [413, 'malformed', LEVELS.warn],
    [429, 'failed', LEVELS.warn],
    [500, 'failed', LEVELS.error],
  ] as const
  for (const [index, [status, outcome, level]] of cases.entries()) {
    await app.inject({ method: 'POST', url: `/own/${status}`, payload: {} })
    t.match(await log.request(index + 1), { status, outcome, level, msg: `webhook ${outcome}` })
  }
})

t.test('a 200 is a warning if a person should look at it', async t => {
  const { app, log } = await host(t)
  app.post('/own', { preHandler: app.logDelivery }, async request => {
    note(request, { outcome: 'ignored', warn: true })
    return {}
  })
  await app.inject({ method: 'POST', url: '/own', payload: {} })
  t.match(await log.request(1), { level: LEVELS.warn, outcome: 'ignored', status: 200 })
})

t.test('one line per webhook request, whatever the outcome', async t => {
  const { app, log } = await webhookApp(t, { chatwoot: { accountId: '1' } })
  const port = await listen(app)
  const message = railsJson(chatwoot.incoming({ conversation: 42 }))
  const signed = signChatwoot(message, CHATWOOT_SECRET)
  const contact = railsJson(chatwoot.contactCreated())
  const event = JSON.stringify(stripeEvent('payment_intent.succeeded', stripePaymentIntent()))
  const isMessage = { path: '/cw', source: 'chatwoot', event: 'message_created', delivery: /-8/, ms: Number }
  const cases: [string, Buffer, object][] = [
    [
      'accepted',
      post('/cw', signed, message),
      { ...isMessage, status: 200, outcome: 'accepted', orderingKey: 'conversation:1:42', level: LEVELS.info },
    ],
    [
      'duplicate',
      post('/cw', signed, message),
      { ...isMessage, status: 200, outcome: 'duplicate', level: LEVELS.info },
    ],
    [
      'ignored',
      post('/cw', signChatwoot(contact, CHATWOOT_SECRET), contact),
      {
        path: '/cw',
        source: 'chatwoot',
        event: 'contact_created',
        status: 200,
        outcome: 'ignored',
        level: LEVELS.info,
      },
    ],
    [
      'refused',
      post('/cw', json, message),
      { path: '/cw', status: 401, outcome: 'refused', reason: 'WEBHOOK_SIGNATURE_MISSING', level: LEVELS.warn },
    ],
    [
      'malformed',
      post('/cw', signChatwoot('[', CHATWOOT_SECRET), '['),
      {
        path: '/cw',
        source: 'chatwoot',
        status: 400,
        outcome: 'malformed',
        reason: 'WEBHOOK_MALFORMED',
        level: LEVELS.warn,
      },
    ],
    [
      'of another type',
      post('/cw', { ...signed, 'content-type': 'text/xml' }, message),
      { path: '/cw', status: 415, outcome: 'malformed', reason: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', level: LEVELS.warn },
    ],
    [
      'too large',
      post('/cw', { ...signed, 'content-length': '5000000' }),
      { path: '/cw', status: 413, outcome: 'malformed', reason: 'FST_ERR_CTP_BODY_TOO_LARGE', level: LEVELS.warn },
    ],
    [
      'accepted, of Stripe',
      post('/webhook/payments', stripeHeaders(event), event),
      {
        path: '/webhook/payments',
        source: 'stripe',
        event: 'payment_intent.succeeded',
        orderingKey: 'payment_intent:pi_3Q0sample0000001',
        delivery: /-8/,
        status: 200,
        outcome: 'accepted',
        level: LEVELS.info,
      },
    ],
    [
      'refused, of Stripe',
      post('/webhook/payments', json, event),
      { path: '/webhook/payments', status: 401, outcome: 'refused', level: LEVELS.warn },
    ],
  ]
  for (const [index, [name, bytes, fields]] of cases.entries()) {
    await exchange(port, bytes)
    t.match(await log.request(index + 1), fields, name)
  }
  await app.close()
  t.equal(log.requests().length, cases.length, 'and no more than one')
})

t.test('a long event name is cut', async t => {
  const { app, log } = await webhookApp(t)
  await app.inject(chatwootRequest({ event: 'x'.repeat(100_000) }))
  t.match(await log.request(1), { event: 'x'.repeat(64) })
  await app.inject(stripeRequest({ type: 'x'.repeat(100_000) }))
  t.match(await log.request(2), { event: 'x'.repeat(64) })
})

t.test('the sender disconnects before the answer', async t => {
  const { app, log } = await host(t)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
  app.post('/own', { preHandler: app.logDelivery }, async () => {
    enter()
    await released
    return {}
  })
  const socket = await open(await listen(app))
  socket.write(post('/own', json, '{}'))
  await entered
  socket.resetAndDestroy()
  const line = await log.request(1)
  t.match(line, {
    level: LEVELS.warn,
    path: '/own',
    outcome: 'unanswered',
    msg: /client closed the connection before the response/,
  })
  t.equal(line.status, undefined)
  release()
  await app.close()
  t.equal(log.requests().length, 1)
})

t.test('the sender disconnects before its webhook is stored', async t => {
  const { app, log } = await webhookApp(t)
  const { promise: accepted, resolve } = Promise.withResolvers<void>()
  app.webhooks.inbox.handle('chatwoot', 'message_created', () => resolve())
  const socket = await open(await listen(app))
  const arrived = once(app.server, 'request')
  const message = railsJson(chatwoot.incoming())
  socket.write(post('/cw', signChatwoot(message, CHATWOOT_SECRET), message))
  await arrived
  socket.resetAndDestroy()
  await accepted
  t.match(await log.request(1), { path: '/cw' })
  await app.close()
  t.equal(log.requests().length, 1)
})

t.test('the sender disconnects before its body is complete', async t => {
  const { app, log } = await webhookApp(t)
  const socket = await open(await listen(app))
  const arrived = once(app.server, 'request')
  const message = railsJson(chatwoot.incoming())
  socket.write(post('/cw', signChatwoot(message, CHATWOOT_SECRET), message).subarray(0, -10))
  await arrived
  socket.resetAndDestroy()
  const line = await log.request(1)
  t.match(line, { level: LEVELS.warn, path: '/cw', outcome: 'unanswered', msg: /client closed the connection/ })
  t.equal(line.status, undefined)
  await app.close()
  t.equal(log.requests().length, 1)
})

t.test('no secret or token is logged or stored', async t => {
  const { app, log, store } = await webhookApp(
    t,
    { handlers: { inbox_created: () => {}, conversation_updated: () => {} } },
    'trace',
  )
  const bodies = [
    chatwoot.incoming(),
    chatwoot.submitted(),
    chatwoot.conversationCreated(),
    chatwoot.conversationUpdated(),
    {
      event: 'inbox_created',
      id: 7,
      account: { id: 1 },
      channel: { secret: 'ChannelSecret1', hmac_token: 'HmacToken1' },
    },
    { ...chatwoot.incoming({ message: 12 }), id: { access_token: 'AccessToken1' } },
  ]
  const requests = [
    ...bodies.map(body => chatwootRequest(body)),
    stripeRequest(stripeEvent('payment_intent.succeeded', stripePaymentIntent())),
    stripeRequest(
      stripeEvent('checkout.session.completed', { ...stripeSession(), client_secret: 'cs_secret_1' }, { id: 'evt_2' }),
    ),
  ]
  const signatures: string[] = []
  for (const request of requests) {
    t.match((await app.inject(request)).json(), { status: 'accepted' })
    const headers = request.headers as Record<string, string>
    signatures.push(String(headers['x-chatwoot-signature'] ?? headers['stripe-signature']).slice(-64))
  }
  const stored = await app.webhooks.inbox.list()
  t.equal(stored.length, requests.length)
  const folder = dirname(store)
  const readStore = () =>
    readdirSync(folder)
      .map(name => readFileSync(join(folder, name), 'latin1'))
      .join('')
  const open = readStore()
  await app.close()
  t.match(open, 'natuurkunde', 'what we look for would be found')

  const secrets = [
    'Qm4pTokenOfTheContact7Zx',
    'ChannelSecret1',
    'HmacToken1',
    'AccessToken1',
    'secret_7hUk',
    'cs_secret_1',
  ]
  for (const secret of [...secrets, ...signatures, CHATWOOT_SECRET, STRIPE_SECRET]) {
    t.notOk(log.text().includes(secret), `${secret} in the log`)
    t.notOk(open.includes(secret), `${secret} in the store`)
    t.notOk(readStore().includes(secret), `${secret} in the store, closed`)
  }
})

t.test('the log has a message only as a preview, at debug level', async t => {
  const content = `${'Mijn adres is Oudegracht 1 in Utrecht, en mijn IBA'}N is NL00BANK0123456789`
  t.equal(content.indexOf('N is'), 50)
  for (const level of ['debug', 'info']) {
    const { app, log } = await webhookApp(t, {}, level)
    await app.inject(chatwootRequest(chatwoot.incoming({ content })))
    await log.line(({ msg }) => msg === 'webhook handled')
    const previews = log.lines.filter(({ preview }) => preview !== undefined)
    t.same(
      previews.map(({ preview }) => preview),
      level === 'debug' ? [content.slice(0, 50)] : [],
    )
    t.notMatch(log.text(), 'NL00BANK')
    if (level === 'info') t.notMatch(log.text(), 'Oudegracht')
    await app.close()
  }
})

t.test('loggerOptions', async t => {
  t.test('hides credentials that a library might log', async t => {
    const log = captureLog()
    const { level, redact } = loggerOptions('info', false)
    const logger = pino({ level, redact }, log.stream)
    const secret = 'Bearer hunter2'
    const error = Object.assign(new Error('no'), { headers: { secret }, config: secret, request: { secret } })
    logger.info(
      { authorization: secret, api_access_token: secret, headers: { authorization: secret }, err: error },
      'x',
    )
    t.notMatch(log.text(), 'hunter2')
    t.match(log.lines, [{ authorization: '[redacted]', err: { message: 'no', headers: '[redacted]' } }])
  })
  t.test('is pretty only on a terminal', async t => {
    t.match(loggerOptions('debug', true).stream, { writable: true, fd: undefined })
    t.match(loggerOptions('debug', false), { level: 'debug', stream: { fd: 1 } })
  })
})

t.test('each answer emits an event with what is logged', async t => {
  const { app, log } = await webhookApp(t)
  const told: AnsweredEvent[] = []
  app.webhooks.events.on('answered', event => told.push(event))
  await app.inject(chatwootRequest(chatwoot.incoming()))
  await app.inject({ ...chatwootRequest(chatwoot.incoming()), headers: { 'content-type': 'application/json' } })
  t.match(told, [
    { source: 'chatwoot', event: 'message_created', outcome: 'accepted', status: 200, reason: undefined },
    { outcome: 'refused', status: 401, reason: 'WEBHOOK_SIGNATURE_MISSING', delivery: undefined },
  ])
  t.equal(told[0]?.ms, log.lines.find(({ msg }) => msg === 'webhook accepted')?.ms)
})
