import tap, { type Test } from 'tap'
import { railsJson, chatwoot as samples } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { type ChatwootApi, startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { type Collector, startCollector } from '../helpers/collector.ts'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import { chatwootEnv, type ServerProcess, startServer } from '../helpers/server-process.ts'
import { STORES } from '../helpers/stores.ts'

/** The real process, a Chatwoot and a collector: a message from its request to the reply. */

const SECRET = 'a secret of the traced server'
const TOKEN = 'a-token-of-the-collector'

interface Scene {
  chatwoot: ChatwootApi
  collector: Collector
  env: Record<string, string>
  lines: string[]
  start(): Promise<ServerProcess>
}

async function scene(t: Test, store: string, more: Record<string, string> = {}): Promise<Scene> {
  const chatwoot = await startChatwootApi()
  t.teardown(() => chatwoot.close())
  const collector = await startCollector(t)
  chatwoot.addConversation({}, { custom_attributes: { language: 'nl' } })
  const lines: string[] = []
  const env = {
    DATABASE_URL: store,
    ...chatwootEnv(chatwoot, SECRET),
    CW_ADMIN_TOKEN: chatwoot.tokens.admin,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${TOKEN}`,
    ...more,
  }
  const start = async () => {
    const server = await startServer(env, 'exec', line => lines.push(line))
    t.teardown(() => server.end('SIGKILL'))
    return server
  }
  return { chatwoot, collector, env, lines, start }
}

/** Sends a message; returns its delivery's id. */
async function say(url: string, message: number, content: string, more: Record<string, string> = {}): Promise<string> {
  const body = railsJson(samples.incoming({ message, content, at: Date.now() }))
  const headers = { 'content-type': 'application/json', ...signChatwoot(body, SECRET), ...more }
  const response = await fetch(`${url}/cw`, { method: 'POST', headers, body })
  const { status, id } = (await response.json()) as { status: string; id: string }
  if (status !== 'accepted') throw new Error(`not accepted: ${status}`)
  return id
}

const isOf = (delivery: string) => (span: { attributes: object }) =>
  (span.attributes as Record<string, unknown>)['webhook.delivery'] === delivery

for (const [name, newStore] of Object.entries(STORES)) {
  tap.test(`${name}: one trace from the request over the commit and the handler to each call`, async t => {
    const { collector, lines, start } = await scene(t, await newStore(t), {
      OTEL_SERVICE_NAME: 'the tutor’s bot',
      ADMIN_TOKEN: OPERATOR_TOKEN,
    })
    const server = await start()
    const foreign = '4bf92f3577b34da6a3ce929d0e0e4736'
    const id = await say(server.url, 1, 'Hoi, ik ben Renée', { traceparent: `00-${foreign}-00f067aa0ba902b7-01` })

    const handled = await collector.span('handle message_created', isOf(id))
    const { traceId } = handled
    const request = await collector.span('POST /cw', isOf(id))
    const commit = await collector.span('commit chatwoot', isOf(id))
    const calls = collector.spans.filter(({ kind }) => kind === 3)
    t.not(traceId, foreign, 'no sender chooses the trace')
    t.equal(request.parentSpanId, undefined)
    t.equal(commit.parentSpanId, request.spanId)
    t.equal(handled.parentSpanId, commit.spanId)
    t.ok(calls.length > 1)
    for (const call of calls) {
      t.match(call, { traceId, parentSpanId: handled.spanId, attributes: { 'http.response.status_code': 200 } })
      t.match(call.name, /^(GET|POST|PUT) \/api\/v1\/accounts\/\{id\}\//)
      t.notMatch(call.name, /\d{2}|\?/)
    }
    const reply = calls.find(({ name }) => name === 'POST /api/v1/accounts/{id}/conversations/{id}/messages')
    t.match(reply?.attributes, {
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'url.template': '/api/v1/accounts/{id}/conversations/{id}/messages',
    })
    t.match(request, {
      kind: 2,
      traceId,
      attributes: {
        'http.route': '/cw',
        'http.response.status_code': 200,
        'webhook.source': 'chatwoot',
        'webhook.event': 'message_created',
        'webhook.outcome': 'accepted',
      },
      resource: { 'service.name': 'the tutor’s bot', 'service.instance.id': /^[0-9a-f-]{36}$/ },
    })
    t.match(commit, { kind: 4, traceId, attributes: { 'webhook.delivery': id, 'webhook.outcome': 'accepted' } })
    t.match(handled, {
      kind: 5,
      attributes: { 'webhook.delivery.short': id.slice(0, 8), 'webhook.attempt': 1, 'webhook.outcome': 'done' },
    })
    t.notOk(handled.status)
    const times = [request, commit].map(span => [span.startTimeUnixNano, span.endTimeUnixNano].map(BigInt))
    const [[begun, answered], [committing, committed]] = times as [[bigint, bigint], [bigint, bigint]]
    t.ok(begun <= committing && committing <= committed && committed <= answered, 'the times are in order')

    for (const call of collector.calls) {
      t.match(call, { method: 'POST', path: '/v1/traces', headers: { authorization: `Bearer ${TOKEN}` } })
    }
    for (const secret of ['Renée', 'Hoi', SECRET, TOKEN]) t.notOk(collector.text().includes(secret), secret)
    t.notOk(lines.join('').includes(TOKEN))
    const said = lines.map(line => JSON.parse(line) as Record<string, unknown>)
    const ofDelivery = said.filter(({ delivery }) => delivery === id)
    t.ok(ofDelivery.length >= 2)
    for (const line of ofDelivery) t.equal(line.trace_id, traceId, `${line.msg}`)
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` }
    const shown = await fetch(`${server.url}/deliveries/${id.slice(0, 8)}`, { headers })
    t.match(await shown.json(), { id, traceId })
    t.ok(said.some(({ msg }) => msg === `traces: sent to ${collector.url}`))
  })

  tap.test(`${name}: after kill -9, another process goes on with the trace`, async t => {
    // On PostgreSQL the other one runs already.
    const { collector, start } = await scene(t, await newStore(t), { MESSAGE_QUIET_MS: '1500' })
    const first = await start()
    const other = name === 'PostgreSQL' ? await start() : undefined
    const ids = [await say(first.url, 1, 'Hoi'), await say(first.url, 2, 'dat ik graag les wil')]
    const commits = await Promise.all(ids.map(id => collector.span('commit chatwoot', isOf(id))))
    await first.end('SIGKILL')
    if (other === undefined) await start()

    const handled = await collector.span('handle message_created', isOf(ids[0] as string))
    const [one, two] = commits as [(typeof commits)[0], (typeof commits)[0]]
    t.match(handled, {
      traceId: one.traceId,
      parentSpanId: one.spanId,
      attributes: { 'messaging.batch.message_count': 2 },
      links: [{ traceId: two.traceId, spanId: two.spanId }],
    })
    t.not(one.traceId, two.traceId)
    t.not(handled.resource['service.instance.id'], one.resource['service.instance.id'])
  })
}

tap.test('each attempt is a span, and says what kind of failure it was', async t => {
  const { chatwoot, collector, start } = await scene(t, await (STORES.SQLite as (t: Test) => string)(t), {
    MESSAGE_QUIET_MS: '0',
  })
  const server = await start()
  chatwoot.fail(/\/messages/, { status: 500, body: 'Renée of Utrecht' })
  const id = await say(server.url, 1, 'Hoi')
  const [failed, done] = await Promise.all(
    [1, 2].map(attempt =>
      collector.span(
        'handle message_created',
        span => isOf(id)(span) && span.attributes['webhook.attempt'] === attempt,
      ),
    ),
  )
  t.match(failed, { status: { code: 2 }, attributes: { 'webhook.outcome': 'pending', 'error.type': /Error$/ } })
  t.match(done, {
    traceId: failed?.traceId,
    parentSpanId: failed?.parentSpanId,
    attributes: { 'webhook.outcome': 'done' },
  })
  const refused = collector.spans.find(({ status, kind }) => kind === 3 && status?.code === 2)
  t.match(refused, {
    parentSpanId: failed?.spanId,
    attributes: { 'http.response.status_code': 500, 'error.type': '500' },
  })
  t.notOk(collector.text().includes('Utrecht'))
})

tap.test('a collector that is not there: nothing waits for it, at work or at the end', async t => {
  const { chatwoot, collector, lines, start } = await scene(t, await (STORES.SQLite as (t: Test) => string)(t), {
    MESSAGE_QUIET_MS: '0',
  })
  // It takes connections and never answers.
  collector.fail(/./, 'hang', 1_000)
  const server = await start()
  await say(server.url, 1, 'Hoi')
  await chatwoot.arrived(({ method, path }) => method === 'POST' && path.endsWith('/messages'))
  await collector.arrived('POST /v1/traces')
  t.equal(await server.end('SIGTERM'), 0)
  t.ok(lines.some(line => line.includes('traces left out')))
})
