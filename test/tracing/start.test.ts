import Fastify from 'fastify'
import t from 'tap'
import { type Env, EnvError } from '../../environment.ts'
import { eventsOf } from '../../plugins/events.ts'
import { tracesOf } from '../../server.ts'
import { startTraces, type TraceSettings } from '../../tracing/start.ts'
import { createTracing, type SpanSource } from '../../tracing/tracing.ts'
import { startCollector } from '../helpers/collector.ts'
import { claimed } from '../helpers/inbox.ts'

const { log } = Fastify()

t.test('where the traces go, and with which headers', async t => {
  const collector = await startCollector(t)
  const base = { OTEL_SERVICE_NAME: 'a service' }
  const cases: [Partial<TraceSettings>, string][] = [
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` }, '/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/otlp` }, '/otlp/v1/traces'],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own?x=1`, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' },
      '/own?x=1',
    ],
  ]
  const OTEL_EXPORTER_OTLP_HEADERS = ' Authorization = Bearer%20a%2Cb== , x-team=1'
  for (const [settings, path] of cases) {
    const { tracerProvider, close } = startTraces({ ...base, ...settings, OTEL_EXPORTER_OTLP_HEADERS }, log, () => {})
    createTracing(tracerProvider).attempt(claimed('a')).end({})
    await close()
    t.match(collector.calls.at(-1), { path, headers: { authorization: 'Bearer a,b==', 'x-team': '1' } })
  }
  const { tracerProvider, close } = startTraces({ ...base, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, log, () => {})
  createTracing(tracerProvider).attempt(claimed('a')).end({})
  await close()
  t.notOk('authorization' in Object(collector.calls.at(-1)?.headers))
})

t.test('the server sends what it has recorded when it closes; without a collector nothing is recorded', async t => {
  const collector = await startCollector(t)
  const app = Fastify()
  const settings = { OTEL_SERVICE_NAME: 'a service', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  const source = (await tracesOf(app, settings as Env)) as SpanSource
  createTracing(source).attempt(claimed('a')).end({})
  await app.close()
  t.equal(collector.calls.length, 1)
  t.equal(await tracesOf(Fastify(), {} as Env), undefined)
})

t.test('what the collector does not take is told to the metrics', async t => {
  const collector = await startCollector(t)
  collector.fail(/./, { status: 401 })
  const app = Fastify()
  let left = 0
  eventsOf(app).on('untraced', ({ spans }) => {
    left += spans
  })
  const settings = { OTEL_SERVICE_NAME: 'a service', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
  const source = (await tracesOf(app, settings as Env)) as SpanSource
  createTracing(source).attempt(claimed('a')).end({})
  await app.close()
  t.equal(left, 1)
})

t.test('a wrong setting is an error that names it, without its value', async t => {
  const cases: [Partial<TraceSettings>, RegExp][] = [
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:s3cret@host' }, /^OTEL_EXPORTER_OTLP_ENDPOINT must be .* without user/],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://s3cret:4318:5' }, /^OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be/],
    ...['s3cret', 's3cret key=1', 'x=%s3cret', 'x=s3cret%0A'].map((headers): [Partial<TraceSettings>, RegExp] => [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://host', OTEL_EXPORTER_OTLP_HEADERS: headers },
      /^OTEL_EXPORTER_OTLP_HEADERS must be name=value/,
    ]),
  ]
  for (const [settings, message] of cases) {
    const error = t.throws(() => startTraces({ OTEL_SERVICE_NAME: 'x', ...settings }, log, () => {}), EnvError) as Error
    t.match(error.message, message)
    t.notMatch(error.message, 's3cret')
  }
})
