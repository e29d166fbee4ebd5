import { EventEmitter } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import type { FastifyBaseLogger } from 'fastify'
import pino from 'pino'
import tap, { type Test } from 'tap'
import { PermanentError, TransientError, type WebhooksOptions } from '../../app.ts'
import { chatwoot, stripeEvent, stripePaymentIntent } from '../../commands/samples.ts'
import type { WebhookEvents } from '../../inbox/events.ts'
import type { Inbox } from '../../inbox/inbox.ts'
import type { ReplayJob } from '../../inbox/replay-job.ts'
import { createMetrics } from '../../operator/metrics.ts'
import { chatwootRequest, stripeRequest, webhookApp } from '../helpers/app.ts'
import { testClock } from '../helpers/clock.ts'
import { gate } from '../helpers/inbox.ts'
import { captureLog, LEVELS } from '../helpers/log.ts'
import { scrape } from '../helpers/metrics.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { until } from '../helpers/wait.ts'

const TOKEN = 'the-token-of-prometheus'
const PREFIX = 'tutorbot_webhooks_'
const LEFT_OUT = 'store not responding, its metrics are left out'

async function meteredApp(t: Test, options: WebhooksOptions = {}) {
  const clock = testClock(Date.now())
  const started = await webhookApp(t, { operator: { metricsToken: TOKEN }, inbox: { clock }, ...options })
  await started.app.ready()
  const { events } = started.app.webhooks
  return {
    ...started,
    clock,
    samples: async () => (await scrape(started.app, TOKEN)).samples,
    /** Resolves when the next attempt ends. */
    handled: () => new Promise<void>(resolve => events.once('handled', () => resolve())),
  }
}

/** The samples of one of our metrics, without its buckets: labels → value. */
function only(samples: Map<string, number>, name: string): Record<string, number> {
  const found = [...samples].filter(([key]) => key === PREFIX + name || key.startsWith(`${PREFIX}${name}{`))
  return Object.fromEntries(found.map(([key, value]) => [key.slice(PREFIX.length + name.length), value]))
}

tap.test('deliveries by source, event, outcome and reason', async t => {
  const { app, log, store, samples } = await meteredApp(t, { handlers: { message_created: () => {} } })
  const message = chatwoot.incoming()
  const forged = chatwootRequest(message)
  Object.assign(forged.headers as object, { 'x-chatwoot-signature': `sha256=${'0'.repeat(64)}` })
  const { 'stripe-signature': _, ...unsigned } = stripeRequest('{}').headers
  const requests = [
    chatwootRequest(message),
    chatwootRequest(message),
    forged,
    chatwootRequest('[]'),
    chatwootRequest(' '.repeat(4 * 1024 * 1024 + 1)),
    { ...stripeRequest('{}'), headers: unsigned },
  ]
  for (const request of requests) await app.inject(request)
  const other = new DatabaseSync(store)
  t.teardown(() => other.close())
  other.exec('ALTER TABLE delivery RENAME TO gone')
  await app.inject(chatwootRequest(chatwoot.incoming({ message: 2 })))
  other.exec('ALTER TABLE gone RENAME TO delivery')
  await log.request(requests.length + 1)

  const counted = await samples()
  t.same(only(counted, 'deliveries_total'), {
    '{source="chatwoot",event="message_created",outcome="accepted",reason=""}': 1,
    '{source="chatwoot",event="message_created",outcome="duplicate",reason=""}': 1,
    '{source="chatwoot",event="other",outcome="refused",reason="WEBHOOK_SIGNATURE_MISMATCH"}': 1,
    '{source="chatwoot",event="other",outcome="malformed",reason="WEBHOOK_MALFORMED"}': 1,
    '{source="chatwoot",event="other",outcome="malformed",reason="FST_ERR_CTP_BODY_TOO_LARGE"}': 1,
    '{source="stripe",event="other",outcome="refused",reason="WEBHOOK_SIGNATURE_MISSING"}': 1,
    '{source="chatwoot",event="message_created",outcome="failed",reason="WEBHOOK_NOT_STORED"}': 1,
  })
  t.same(only(counted, 'acknowledgement_seconds_count'), {
    '{source="chatwoot",outcome="accepted"}': 1,
    '{source="chatwoot",outcome="duplicate"}': 1,
    '{source="chatwoot",outcome="refused"}': 1,
    '{source="chatwoot",outcome="malformed"}': 2,
    '{source="stripe",outcome="refused"}': 1,
    '{source="chatwoot",outcome="failed"}': 1,
  })
  t.same(only(counted, 'commit_failures_total'), { '': 1 })
})

tap.test('payments that need a person, and those of other installations', async t => {
  const { app, samples } = await meteredApp(t)
  t.same(only(await samples(), 'payments_attention_total'), { '': 0 }, 'there from the start')
  const parts = { amount: '60.00 EUR', order: 'A1', student: '', conversation: '42', problem: 'disputed', why: 'Why' }
  app.webhooks.events.emit('attention', { payment: 'pi_1', ...parts })
  app.webhooks.events.emit('foreign', { payment: 'pi_2' })
  app.webhooks.events.emit('foreign', { payment: 'pi_3' })
  t.same(only(await samples(), 'payments_attention_total'), { '': 1 })
  t.same(only(await samples(), 'payments_foreign_total'), { '': 2 })
  app.webhooks.events.emit('unanswered', { conversation: '42', since: '2026-11-20T15:04:06.000Z', minutes: 120 })
  t.same(only(await samples(), 'handoffs_unanswered_total'), { '': 1 })
  t.same(only(await samples(), 'spans_left_out_total'), { '': 0 }, 'there from the start')
  app.webhooks.events.emit('untraced', { traces: 2, spans: 5 })
  t.same(only(await samples(), 'traces_left_out_total'), { '': 2 })
  t.same(only(await samples(), 'spans_left_out_total'), { '': 5 })
  app.webhooks.events.emit('understood', { outcome: 'refused' })
  t.same(only(await samples(), 'understand_total'), { '{outcome="refused"}': 1 })
})

tap.test('outside systems that are held', async t => {
  const { app, samples } = await meteredApp(t)
  const { breakers } = app.webhooks
  t.same(only(await samples(), 'system_held'), {}, 'none is used')
  breakers.watch('stripe', () => new Promise(() => {}))
  t.same(only(await samples(), 'system_held'), { '{system="stripe"}': 0 })
  app.webhooks.inbox.handle('stripe', 'charge.updated', { handle() {}, gaveUp() {}, needs: ['stripe'] })
  t.same(only(await samples(), 'held_mailboxes'), { '': 0 })
  breakers.failed('box', new TransientError('502', { outage: { system: 'stripe', isProof: true } }))
  await app.inject(stripeRequest(stripeEvent('charge.updated', {})))
  const held = await until('the mailbox to be found waiting', async () => {
    const found = await samples()
    return only(found, 'held_mailboxes')[''] === 1 && found
  })
  t.same(only(held, 'system_held'), { '{system="stripe"}': 1 })
  t.same(only(held, 'system_holds_total'), { '{system="stripe"}': 1 })
  app.webhooks.events.emit('held', { system: 'stripe', isHeld: false, ms: 1, why: '' })
  t.same(only(await samples(), 'system_holds_total'), { '{system="stripe"}': 1 })
})

tap.test('text from senders creates no series', async t => {
  const { app, log, samples } = await meteredApp(t)
  for (let number = 1; number <= 20; number++) {
    await app.inject(chatwootRequest({ event: `made_up_${number}`, account: { id: number } }))
    await app.inject(stripeRequest({ ...stripeEvent('charge.updated', {}), type: `made.up_${number}` }))
  }
  await log.request(40)
  t.same(only(await samples(), 'deliveries_total'), {
    '{source="chatwoot",event="other",outcome="ignored",reason=""}': 20,
    '{source="stripe",event="other",outcome="ignored",reason=""}': 20,
  })
})

tap.test('attempts by event and result, and how long their deliveries had waited', async t => {
  const answers = [new TransientError('later'), undefined, new PermanentError('never')]
  const { app, samples, handled, clock } = await meteredApp(t, {
    handlers: {
      message_created: () => {
        const answer = answers.shift()
        if (answer !== undefined) throw answer
      },
    },
  })
  const deliver = async (message: object, ended = handled()) => {
    await app.inject(chatwootRequest(message))
    await ended
  }
  await deliver(chatwoot.incoming({ message: 1 }))
  const again = handled()
  clock.advance(2_000)
  await again
  await deliver(chatwoot.incoming({ message: 2 }))
  await deliver({ ...chatwoot.incoming(), id: {} })

  const counted = await samples()
  t.same(only(counted, 'handler_seconds_count'), {
    '{source="chatwoot",event="message_created",result="pending"}': 1,
    '{source="chatwoot",event="message_created",result="done"}': 1,
    '{source="chatwoot",event="message_created",result="dead"}': 2,
  })
  const labels = '{source="chatwoot",event="message_created"}'
  t.same(only(counted, 'handler_wait_seconds_count'), { [labels]: 2 }, 'of first attempts only')
  t.same(only(counted, 'backlog_deliveries'), { '{state="pending"}': 0, '{state="parked"}': 0, '{state="dead"}': 2 })
})

tap.test('the current state', async t => {
  const atWork = gate()
  const begun = gate()
  const { app, samples, clock, log } = await meteredApp(t, {
    handlers: {
      message_created: () => {
        begun.open()
        return atWork.opened
      },
    },
  })
  const request = chatwootRequest(chatwoot.incoming())
  await app.inject(request)
  await app.inject(request)
  await begun.opened
  await log.request(2)
  clock.advance(20_000)

  const counted = await samples()
  const value = (name: string) => counted.get(PREFIX + name) as number
  t.equal(value('handlers_in_flight'), 1)
  t.equal(value('backlog_deliveries{state="pending"}'), 1)
  t.ok(value('backlog_age_seconds') > 15 && value('backlog_age_seconds') < 25)
  t.equal(value('commit_waiting_deliveries'), 0)
  t.equal(value('commit_waiting_bytes'), 0)
  t.equal(value('recent_keys'), 1)
  t.equal(value('recent_key_lookups_total{result="hit"}'), 1)
  t.equal(value('recent_key_lookups_total{result="miss"}'), 1)
  t.equal(value('store_up'), 1)
  t.equal(value('store_keys'), 1)
  t.ok(value('store_bytes') > 4_096)
  t.ok(value('commit_operations_sum') >= 1)
  t.equal(value('commit_seconds_count'), value('commit_operations_count'))
  for (const name of ['process_resident_memory_bytes', 'process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds'])
    t.ok(counted.has(name), name)

  atWork.open()
  await log.count('webhook handled', 1)
  const after = await samples()
  t.equal(after.get(`${PREFIX}handlers_in_flight`), 0)
  t.equal(after.get(`${PREFIX}backlog_age_seconds`), 0, 'nothing is pending')
  t.equal(after.get(`${PREFIX}recent_key_lookups_total{result="miss"}`), 1, 'not added up')
})

tap.test('two apps in one process count separately', async t => {
  const first = await meteredApp(t)
  await t.test('the second', async t => {
    const second = await meteredApp(t)
    await first.app.inject(stripeRequest(stripeEvent('payment_intent.succeeded', stripePaymentIntent())))
    await first.log.request(1)
    const labels = '{source="stripe",event="payment_intent.succeeded",outcome="accepted",reason=""}'
    t.same(only(await first.samples(), 'deliveries_total'), { [labels]: 1 })
    t.same(only(await second.samples(), 'deliveries_total'), {})
    await first.app.close()
    t.ok((await second.samples()).has('process_resident_memory_bytes'), 'it goes on without the first')
  })
})

const OF_THE_STORE = ['backlog_deliveries', 'backlog_age_seconds', 'replay_job_paused', 'store_keys', 'store_bytes']

tap.test('while the SQLite store fails, the other metrics are served', async t => {
  const { log, store, samples } = await meteredApp(t)
  const other = new DatabaseSync(store)
  t.teardown(() => other.close())
  await samples()
  other.exec('ALTER TABLE delivery RENAME TO gone')
  const without = await samples()
  t.same(only(without, 'store_up'), { '': 0 })
  for (const name of OF_THE_STORE) t.same(only(without, name), {}, name)
  t.same(only(without, 'handlers_in_flight'), { '': 0 })
  t.match(await log.line(({ msg }) => msg === LEFT_OUT), { level: LEVELS.error, err: { message: /no such table/ } })
  other.exec('ALTER TABLE gone RENAME TO delivery')
  const after = await samples()
  t.same(only(after, 'store_up'), { '': 1 })
  for (const name of OF_THE_STORE) t.not(Object.keys(only(after, name)).length, 0, name)
})

tap.test('while PostgreSQL is down, too', async t => {
  const server = await postgresServer('')
  t.teardown(() => server.close())
  const { app, samples } = await meteredApp(t, {
    store: await server.database(),
    handlers: {
      message_created: () => {
        throw new PermanentError('never')
      },
    },
  })
  const dead = new Promise<void>(resolve => app.webhooks.events.once('handled', () => resolve()))
  await app.inject(chatwootRequest(chatwoot.incoming()))
  await dead
  const up = await samples()
  t.same(only(up, 'store_up'), { '': 1 })
  t.same(only(up, 'backlog_deliveries'), { '{state="pending"}': 0, '{state="parked"}': 0, '{state="dead"}': 1 })
  t.ok((only(up, 'store_bytes')[''] as number) > 0)
  await server.stop()
  const down = await samples()
  t.same(only(down, 'store_up'), { '': 0 })
  for (const name of OF_THE_STORE) t.same(only(down, name), {}, name)
  t.equal(
    down.get(`${PREFIX}deliveries_total{source="chatwoot",event="message_created",outcome="accepted",reason=""}`),
    1,
  )
  await server.start()
  t.same(only(await samples(), 'store_up'), { '': 1 })
})

/** Metrics on a fake inbox. */
function bareMetrics(parts: Partial<Inbox> = {}) {
  const clock = testClock()
  const events = new EventEmitter<WebhookEvents>()
  const stats = {
    inFlight: 0,
    heldMailboxes: 0,
    waiting: 0,
    waitingBytes: 0,
    recentKeys: 0,
    recentHits: 0,
    recentMisses: 0,
  }
  const inbox = {
    handles: () => true,
    backlog: async () => ({ pending: 1, parked: 0, dead: 0, oldestPendingAt: clock.now() + 60_000 }),
    size: async () => ({ deliveries: 0, bytes: 0 }),
    quarantined: async () => ({ deliveries: 0, bytes: 0, asked: 0 }),
    replayJob: async () => null,
    checkWritable: async () => {},
    stats: () => stats,
    ...parts,
  }
  const log = pino(captureLog().stream) as FastifyBaseLogger
  return { clock, events, metrics: createMetrics({ inbox, breakers: { states: () => [] }, events, clock, log }) }
}

tap.test('a hanging store is not waited for', async t => {
  const { clock, metrics } = bareMetrics({ backlog: () => new Promise(() => {}) })
  const scraped = metrics.scrape()
  clock.advance(2_999)
  clock.advance(1)
  t.match(await scraped, /tutorbot_webhooks_store_up 0\n/)
  t.equal(clock.next(), undefined, 'no timer is left')
})

tap.test('a replay job that is paused', async t => {
  const job = { state: 'paused' } as ReplayJob
  const { metrics } = bareMetrics({ replayJob: async () => job })
  t.match(await metrics.scrape(), /tutorbot_webhooks_replay_job_paused 1\n/)
  job.state = 'stopped'
  t.match(await metrics.scrape(), /tutorbot_webhooks_replay_job_paused 0\n/)
})

tap.test('differing clocks give no negative times', async t => {
  const { events, metrics } = bareMetrics()
  const handled = {
    source: 's',
    event: 'e',
    delivery: 'd',
    orderingKey: 'o',
    error: undefined,
    cause: undefined,
    ms: 1,
  }
  events.emit('handled', { ...handled, attempt: 1, result: 'done', waitedMs: -5 })
  const text = await metrics.scrape()
  t.match(text, /handler_wait_seconds_sum\{source="s",event="e"\} 0\n/)
  t.match(text, /backlog_age_seconds 0\n/)
})

tap.test('an abandoned answer has no duration; a reason that is no code is left out', async t => {
  const { events, metrics } = bareMetrics()
  const gone = { delivery: undefined, orderingKey: undefined, status: undefined, ms: 5 }
  events.emit('answered', { ...gone, source: undefined, event: undefined, outcome: 'unanswered', reason: 'gone: "x"' })
  const text = await metrics.scrape()
  t.match(text, /deliveries_total\{source="other",event="other",outcome="unanswered",reason=""\} 1\n/)
  t.notMatch(text, /acknowledgement_seconds_count\{/)
})
