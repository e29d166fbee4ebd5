import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type ContextManager, context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import t, { type Test } from 'tap'
import { createGoogleClient } from '../../calendar/google/client.ts'
import { OPEN_GATE } from '../../clients/http.ts'
import type { StripeClient } from '../../clients/stripe.ts'
import { createStripeClient } from '../../clients/stripe-client.ts'
import { chatwoot } from '../../commands/samples.ts'
import type { Delivery } from '../../inbox/contracts.ts'
import { TransientError } from '../../inbox/errors.ts'
import { traced, traceFields, within } from '../../inbox/tracing.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'
import { createRecorder, type EndedSpan } from '../../tracing/recorder.ts'
import { createTracing, type SpanSource } from '../../tracing/tracing.ts'
import { CHATWOOT_SECRET, chatwootRequest, listen, webhookApp } from '../helpers/app.ts'
import { startGoogleApi } from '../helpers/google-api.ts'
import { claimed, delivery, gate } from '../helpers/inbox.ts'
import { OPERATOR_TOKEN, operator } from '../helpers/operator.ts'
import { open, post } from '../helpers/sockets.ts'

const { signal } = new AbortController()

/** What is recorded, without a collector. */
function recording(room = { isThere: true }) {
  const spans: EndedSpan[] = []
  const source = createRecorder({ hasRoom: () => room.isThere, add: span => spans.push(span) })
  return { spans, source, tracing: createTracing(source) }
}

t.test('calls to Stripe: the path without ids, the status, what went wrong', async t => {
  const { spans, tracing } = recording()
  const api = await startStripeApi()
  t.teardown(() => api.close())
  const client = createStripeClient({ secretKey: api.secretKey, apiBase: api.url }) as StripeClient
  const attempt = tracing.attempt(claimed('a'))
  await within(attempt, async () => {
    await t.rejects(client.getSession('cs_test_ABCdef', signal))
    api.fail(/./, 'drop')
    await t.rejects(client.getPrice('price_1', signal))
  })
  t.strictSame(
    spans.map(({ name, attributes, isFailed }) => [
      name,
      attributes?.['http.response.status_code'],
      attributes?.['error.type'],
      isFailed,
    ]),
    [
      ['GET /v1/checkout/sessions/{id}', 404, '404', true],
      ['GET /v1/prices/{id}', undefined, 'UND_ERR_SOCKET', true],
    ],
  )
  await client.probe(signal).catch(() => {})
  t.equal(spans.length, 2, 'outside of an attempt nothing is traced')
})

t.test('calls to Google, and its tokens', async t => {
  const { spans, tracing } = recording()
  const api = await startGoogleApi(undefined, Date.now)
  t.teardown(() => api.close())
  const { serviceAccount, calendarId, url: apiBase } = api
  const { client, call } = createGoogleClient({ serviceAccount, calendarId, apiBase }, OPEN_GATE)
  const url = `${apiBase}/calendar/v3/calendars/${encodeURIComponent(calendarId)}/events`
  const list = (options: object) => client.request({ url, ...options })
  await within(tracing.attempt(claimed('a')), () => call('a list', 'calendar#events', list, signal))
  t.strictSame(
    spans.map(({ name, kind }) => [name, kind]),
    [
      ['POST /token', SpanKind.CLIENT],
      ['GET /calendar/v3/calendars/{id}/events', SpanKind.CLIENT],
    ],
  )
  t.notMatch(JSON.stringify(spans), calendarId)
})

t.test('the kind of a failure: a code, else a name', async t => {
  const { spans, tracing } = recording()
  const failures = [
    503,
    Object.assign(new Error('a student'), { code: 'ECONNREFUSED' }),
    new TransientError('x'),
    'text',
    null,
  ]
  for (const failure of failures) tracing.attempt(claimed('a')).end({}, failure)
  const odd = Object.assign(new Error('x'), { code: 'with spaces', name: 'Odd' })
  tracing.attempt(claimed('a')).end({}, odd)
  const types = spans.map(({ attributes }) => attributes?.['error.type'])
  t.strictSame(types, ['503', 'ECONNREFUSED', 'TransientError', 'Error', 'Error', 'Odd'])
  t.ok(spans.every(({ isFailed }) => isFailed))
})

t.test('a trace that is kept: malformed, of one that was not recorded, and of one that was', async t => {
  const room = { isThere: false }
  const { spans, tracing } = recording(room)
  const request = tracing.request('POST', '/cw')
  t.match(request.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  const commit = tracing.commit(delivery('a'), request)
  room.isThere = true
  const attempt = tracing.attempt(claimed('a', { trace: commit.traceparent as string }))
  for (const each of [attempt.call('GET', new URL('https://example.com/')), attempt, commit, request]) each.end({})
  t.same(spans, [], 'whole traces or none')
  t.equal(attempt.traceId, request.traceId)

  tracing.attempt(claimed('a', { trace: 'nonsense' })).end({})
  t.equal(spans[0]?.parentSpanId, undefined)
  tracing.attempt(claimed('a', { trace: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })).end({})
  t.match(spans[1], { traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) })
})

t.test('the machine’s clock is followed when it is set', async t => {
  const { spans, tracing } = recording()
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  Date.now = () => now() + 3_600_000
  tracing.attempt(claimed('a')).end({})
  Date.now = now
  tracing.attempt(claimed('b')).end({})
  const [ahead, back] = spans.map(({ startedAt }) => startedAt / 1_000 - now()) as [number, number]
  t.ok(Math.abs(ahead - 3_600_000) < 60_000, `${ahead}`)
  t.ok(Math.abs(back) < 60_000, `${back}`)
})

t.test('ids are random, however many', async t => {
  const { tracing } = recording()
  const ids = Array.from({ length: 1_000 }, () => tracing.request('POST', '/cw').traceparent)
  t.equal(new Set(ids).size, 1_000)
})

/** As an SDK's: what runs within has the context. */
function contextManager(t: Test): void {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...args) => storage.run(active, () => run.apply(self as never, args)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  context.setGlobalContextManager(manager)
  t.teardown(() => context.disable())
}

t.test('in a host’s app: within its own span, and its instrumentation within ours', async t => {
  contextManager(t)
  const { spans, source } = recording()
  const inside: unknown[] = []
  const handlers = {
    chatwoot: { conversation_created: () => void inside.push(trace.getActiveSpan()?.spanContext().traceId) },
  }
  const { app, log } = await webhookApp(t, { tracerProvider: source, handlers })
  const own = source.getTracer('host').startSpan('its request', {}, ROOT_CONTEXT)
  await context.with(trace.setSpan(ROOT_CONTEXT, own as never), async () => {
    await app.inject(chatwootRequest(chatwoot.conversationCreated()))
  })
  await log.line(({ msg }) => msg === 'webhook handled')
  const { traceId, spanId } = own.spanContext()
  t.strictSame(inside, [traceId])
  t.match(
    spans.find(({ name }) => name === 'POST /cw'),
    { traceId, parentSpanId: spanId, kind: SpanKind.INTERNAL },
  )
  t.match(
    log.lines.filter(({ delivery }) => delivery !== undefined),
    [{ trace_id: traceId }, { trace_id: traceId }],
  )
})

t.test('refused, duplicate, failed and unrecorded requests', async t => {
  const { spans, source } = recording()
  const { app, log } = await webhookApp(t, {
    tracerProvider: source,
    handlers: { chatwoot: { conversation_created() {} } },
  })
  const request = chatwootRequest(chatwoot.conversationCreated())
  await app.inject({ ...request, headers: {} })
  await app.inject(request)
  await app.inject(request)
  await log.line(({ msg }) => msg === 'webhook handled')
  app.webhooks.inbox.accept = async () => {
    throw new TransientError('the disk is full')
  }
  await app.inject(request)
  await log.request(4)
  const named = (name: string) => spans.filter(span => span.name === name)
  t.match(
    named('POST /cw').map(({ attributes, isFailed }) => ({ ...attributes, isFailed })),
    [
      {
        'webhook.outcome': 'refused',
        'webhook.reason': /^WEBHOOK_/,
        'http.response.status_code': 401,
        isFailed: false,
      },
      { 'webhook.outcome': 'accepted', isFailed: false },
      { 'webhook.outcome': 'duplicate', isFailed: false },
      { 'webhook.outcome': 'failed', 'http.response.status_code': 500, 'error.type': '500', isFailed: true },
    ],
  )
  t.match(
    named('commit chatwoot').map(({ isFailed }) => isFailed),
    [false, false, true],
  )
  t.equal(named('handle conversation_created').length, 1)
})

t.test('a sender that does not wait for the answer', async t => {
  const { spans, source } = recording()
  const { app, log } = await webhookApp(t, { tracerProvider: source })
  const [entered, released] = [gate(), gate()]
  app.webhooks.inbox.accept = async () => {
    entered.open()
    await released.opened
    return 'accepted'
  }
  const socket = await open(await listen(app))
  const { payload } = chatwootRequest(chatwoot.incoming())
  socket.write(post('/cw', signChatwoot(payload, CHATWOOT_SECRET), payload))
  await entered.opened
  socket.resetAndDestroy()
  await log.request(1)
  released.open()
  const attributes = { 'webhook.outcome': 'unanswered', 'error.type': 'unanswered' }
  t.match(spans, [{ name: 'POST /cw', isFailed: true, attributes }])
})

t.test('a run says how many it is, and links to the others; a host’s own route has no span of ours', async t => {
  const { spans, tracing } = recording()
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const [first, second, third] = [claimed('a', { trace }), claimed('b', { trace }), claimed('c')]
  tracing.attempt({ ...first, together: [first, second, third] }).end({})
  tracing.commit(first, undefined).end({})
  t.match(spans[0], { attributes: { 'messaging.batch.message_count': 3 } })
  t.match(spans[0]?.links, [{ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) } }])
  t.equal(spans[0]?.links?.length, 1)
  t.equal(spans[1]?.parentSpanId, undefined)
})

t.test('a provider that records nothing costs no trace in the log or the store', async t => {
  const source: SpanSource = trace.getTracerProvider()
  const handlers = { chatwoot: { conversation_created() {} } }
  const { app, log } = await webhookApp(t, { tracerProvider: source, handlers })
  const { id } = (await app.inject(chatwootRequest(chatwoot.conversationCreated()))).json()
  await log.line(({ msg }) => msg === 'webhook handled')
  t.notOk('trace' in Object(await app.webhooks.inbox.get(id)))
  t.ok(log.lines.every(line => !('trace_id' in line)))
})

t.test('off: nothing is added, kept or logged', async t => {
  const { app, log } = await webhookApp(t, { handlers: { chatwoot: { conversation_created() {} } } })
  const { id } = (await app.inject(chatwootRequest(chatwoot.conversationCreated()))).json()
  await log.line(({ msg }) => msg === 'webhook handled')
  t.notOk('tracing' in app.webhooks)
  t.notOk('trace' in Object(await app.webhooks.inbox.get(id)))
  t.strictSame(traceFields(), {})
  t.same(await traced('GET', 'no URL is read', async () => ({ status: 200 })), { status: 200 })
})

t.test('the operator finds a delivery’s trace in the API and on its page, if it is recorded', async t => {
  const room = { isThere: true }
  const { spans, source } = recording(room)
  const { app } = await webhookApp(t, { tracerProvider: source, operator: { token: OPERATOR_TOKEN } })
  const { api, page, signIn } = operator(app)
  await signIn()
  const { id: traced } = (await app.inject(chatwootRequest(chatwoot.incoming({ message: 1 })))).json()
  room.isThere = false
  const { id: left } = (await app.inject(chatwootRequest(chatwoot.incoming({ message: 2 })))).json()
  const traceId = spans[0]?.traceId
  t.match(traceId, /^[0-9a-f]{32}$/)
  t.match((await api('GET', '/deliveries')).deliveries, [
    { id: left, traceId: null },
    { id: traced, traceId },
  ])
  t.match(await api('GET', `/deliveries/${traced}`), { traceId })
  t.match((await page(`/dashboard/deliveries/${traced}`)).body, `<dt>Trace</dt><dd>${traceId}</dd>`)
  t.notMatch((await page(`/dashboard/deliveries/${left}`)).body, '<dt>Trace</dt>')
})

t.test('what is done before its turn is a span too', async t => {
  const { spans, source } = recording()
  const { app, log } = await webhookApp(t, { tracerProvider: source })
  const { inbox, breakers } = app.webhooks
  const away = () => {
    throw new TransientError('away', { outage: { system: 'google', isProof: true } })
  }
  breakers.watch('google', async () => away())
  const ahead = ({ key }: Delivery) => {
    if (key === 'fails') throw new TypeError('of a student')
  }
  inbox.handle('test', 'paid', { needs: ['google'], handle: away, gaveUp() {}, ahead: { handle: ahead } })
  await app.ready()
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const paid = (key: string) => delivery(key, { event: 'paid', orderingKey: 'box', receivedAt: Date.now(), trace })
  await inbox.accept(paid('first'), 1)
  await log.line(({ msg }) => msg === 'webhook failed, will retry')
  await inbox.accept(paid('goes well'), 1)
  await log.line(({ msg }) => msg === 'done before its turn')
  await inbox.accept(paid('fails'), 1)
  await log.line(({ msg }) => msg === 'could not be done before its turn')
  t.match(
    spans.filter(({ name }) => name === 'ahead paid'),
    [
      { isFailed: false, traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) },
      { isFailed: true, attributes: { 'error.type': 'TypeError' } },
    ],
  )
})
