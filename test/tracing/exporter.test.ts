import pino from 'pino'
import t, { type Test } from 'tap'
import { Exporter } from '../../tracing/exporter.ts'
import type { EndedSpan } from '../../tracing/recorder.ts'
import { testClock } from '../helpers/clock.ts'
import { startCollector } from '../helpers/collector.ts'
import { captureLog, LEVELS } from '../helpers/log.ts'
import { until } from '../helpers/wait.ts'

async function setUp(t: Test) {
  const collector = await startCollector(t)
  const clock = testClock()
  const log = captureLog()
  const leftOut = { traces: 0, spans: 0 }
  const exporter = new Exporter({
    url: new URL(`${collector.url}/v1/traces?key=a-secret-of-the-url`),
    headers: { authorization: 'Bearer a-secret-of-the-header' },
    resource: { 'service.name': 'a "quoted" name' },
    scope: 'tests',
    log: pino({ level: 'debug' }, log.stream),
    clock,
    onLeftOut: ({ traces, spans }) => {
      leftOut.traces += traces
      leftOut.spans += spans
    },
  })
  t.teardown(() => exporter.close())
  const add = (count: number) => {
    for (let n = 0; n < count; n++) exporter.add(span(`span ${n}`))
  }
  /** Resolves when the collector's answer was read, and the next timer is set or what is next is on its way. */
  const answered = (requests: number) =>
    until(`${requests} answers`, () => collector.calls.length >= requests && clock.next() !== undefined)
  return { collector, clock, log, leftOut, exporter, add, answered }
}

function span(name: string, more: Partial<EndedSpan> = {}): EndedSpan {
  const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', parentSpanId: undefined }
  return { name, ...ids, startedAt: 1_790_000_000_000_001, endedAt: 1_790_000_000_000_002, isFailed: false, ...more }
}

t.test('what a collector gets', async t => {
  const { collector, clock, exporter } = await setUp(t)
  const link = { context: { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 1 } }
  const attributes = { text: 'é "', 'whole.number': 7, left: undefined }
  exporter.add(
    span('say "hoi"\n', { kind: 4, attributes, links: [link], isFailed: true, parentSpanId: 'e'.repeat(16) }),
  )
  exporter.add(span('bare'))
  clock.advance(1_000)
  t.strictSame(await collector.span('say "hoi"\n'), {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: 'e'.repeat(16),
    name: 'say "hoi"\n',
    kind: 5,
    startTimeUnixNano: '1790000000000001000',
    endTimeUnixNano: '1790000000000002000',
    attributes: { text: 'é "', 'whole.number': 7 },
    links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }],
    status: { code: 2 },
    resource: { 'service.name': 'a "quoted" name' },
  })
  const bare = await collector.span('bare')
  t.match(bare, { kind: 1, attributes: {} })
  t.notOk('parentSpanId' in bare || 'links' in bare || 'status' in bare)
  t.equal(collector.calls.length, 1, 'together')
  t.match(collector.calls[0], { headers: { 'content-type': 'application/json', authorization: /^Bearer / } })
})

t.test('once a second, in batches', async t => {
  const { collector, clock, add } = await setUp(t)
  add(512 + 513)
  t.equal(collector.calls.length, 0)
  clock.advance(1_000)
  await until('all to be there', () => collector.spans.length === 512 + 513)
  t.equal(collector.calls.length, 3)
  add(1)
  await until('a timer for the next one', () => clock.next() !== undefined)
  clock.advance(999)
  t.ok(clock.next(), 'not yet')
  clock.advance(1)
  await until('the next one', () => collector.spans.length === 512 + 513 + 1)
})

t.test('away: it is said once, what was recorded is sent afterwards, and no secret is logged', async t => {
  const { collector, clock, log, add, answered } = await setUp(t)
  collector.fail(/./, 'drop')
  collector.fail(/./, { status: 503, headers: { 'retry-after': '60' } })
  add(1)
  clock.advance(1_000)
  await answered(1)
  add(600)
  clock.advance(5_000)
  await answered(2)
  clock.advance(59_000)
  t.equal(collector.calls.length, 2, 'as long as it asks for')
  clock.advance(1_000)
  await log.line(({ msg }) => msg.startsWith('traces are sent again'))
  await until('all to be there', () => collector.spans.length >= 512)
  t.strictSame(
    log.lines.map(({ level, msg }) => [level, msg]),
    [
      [
        LEVELS.warn,
        `traces are not sent to ${collector.url} (ECONNRESET): all else goes on without them, they are tried again`,
      ],
      [LEVELS.info, `traces are sent again to ${collector.url}`],
    ],
  )
  t.notMatch(log.text(), 'secret')
})

t.test('what a collector refuses is left out, and counted', async t => {
  const { collector, clock, log, leftOut, add, answered } = await setUp(t)
  collector.fail(/./, { status: 401 })
  add(3)
  clock.advance(1_000)
  await log.line(({ spans }) => spans === 3)
  t.match(log.lines, [{ msg: /it answered 401/ }, { msg: /^traces left out/, spans: 3, traces: 0 }])
  t.same(leftOut, { traces: 0, spans: 3 })
  add(1)
  await answered(1)
  clock.advance(5_000)
  await until('the next one', () => collector.spans.length === 1)
})

t.test(
  'more than can be kept: no trace is begun, those that have begun are complete as far as there is room',
  async t => {
    const { collector, clock, log, leftOut, exporter, add, answered } = await setUp(t)
    collector.fail(/./, { status: 500 })
    add(512)
    clock.advance(1_000)
    await answered(1)
    add(2_048 - 512 - 1)
    t.ok(exporter.hasRoom())
    add(1)
    t.notOk(exporter.hasRoom())
    add(2_048 + 5)
    clock.advance(5_000)
    await until('all to be there', () => collector.spans.length === 4_096)
    t.ok(exporter.hasRoom())
    t.match(await log.line(({ msg }) => msg.startsWith('traces left out')), { level: LEVELS.warn, traces: 1, spans: 5 })
    t.same(leftOut, { traces: 1, spans: 5 })
    await exporter.close()
    add(1)
    t.equal(log.lines.filter(({ msg }) => msg.startsWith('traces left out')).length, 1)
  },
)

t.test('at the end the rest is sent, for two seconds at most', async t => {
  const { collector, exporter, add } = await setUp(t)
  add(700)
  await exporter.close()
  t.equal(collector.spans.length, 700)

  const hanging = await setUp(t)
  hanging.collector.fail(/./, 'hang', 9)
  hanging.add(600)
  const closed = hanging.exporter.close()
  await hanging.collector.arrived(/./)
  hanging.clock.advance(2_000)
  await closed
  t.match(hanging.log.lines, [{ msg: /the service is stopping/ }, { spans: 600 }])
  t.same(hanging.leftOut, { traces: 0, spans: 600 })
})
