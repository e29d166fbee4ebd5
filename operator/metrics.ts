import type { EventEmitter } from 'node:events'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Breakers } from '../inbox/breaker.ts'
import type { Clock, Commit, Logger } from '../inbox/contracts.ts'
import type { AnsweredEvent, HandledEvent, WebhookEvents } from '../inbox/events.ts'
import type { Inbox } from '../inbox/inbox.ts'

export interface MetricsOptions {
  inbox: Pick<Inbox, 'handles' | 'backlog' | 'quarantined' | 'replayJob' | 'size' | 'stats' | 'checkWritable'>
  breakers: Pick<Breakers, 'states'>
  events: EventEmitter<WebhookEvents>
  clock: Clock
  log: Logger
}

export interface Metrics {
  contentType: string
  /** All metrics in Prometheus' text format; without the store's if it doesn't respond. */
  scrape(): Promise<string>
}

/** Timeout of the store, ms: a scrape has 10 s by default. */
const STORE_MS = 3_000

/** Chatwoot waits 5 s for an answer. */
const ACKNOWLEDGEMENT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** A handler has 30 s. */
const HANDLER_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** From milliseconds for an idle mailbox to an hour behind a backlog. */
const WAIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 1_800, 3_600]
const COMMIT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
const OPERATION_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1_024]

/** Counts webhooks from now on, in a separate registry: hosts have their own. */
export function createMetrics({ inbox, breakers, events, clock, log }: MetricsOptions): Metrics {
  const registry = new Registry()
  const metrics = metricsIn(registry)
  const { deliveries, acknowledgement, wait, handling, commit, operations, commitFailures } = metrics
  const { backlog, backlogAge, quarantineDeliveries, quarantineBytes, replayPaused } = metrics
  const { storeKeys, storeBytes, storeUp } = metrics

  // Labels only take names from code, never from requests: each value is a series kept in memory.
  const eventLabel = (source: string, event: string | undefined) =>
    event !== undefined && inbox.handles(source, event) ? event : 'other'

  events.on('answered', ({ source = 'other', event, outcome, reason, status, ms }: AnsweredEvent) => {
    deliveries.inc({ source, event: eventLabel(source, event), outcome, reason: codeOf(reason) })
    if (status !== undefined) acknowledgement.observe({ source, outcome }, ms / 1_000)
  })
  events.on('handled', ({ source, event: name, attempt, result, cause, waitedMs, ms }: HandledEvent) => {
    const event = eventLabel(source, name)
    handling.observe({ source, event, result }, ms / 1_000)
    if (cause !== undefined && (result === 'parked' || result === 'dead')) metrics.givenUp.inc({ result, cause })
    // Another instance's clock may be behind.
    if (attempt === 1) wait.observe({ source, event }, Math.max(0, waitedMs / 1_000))
  })
  events.on('committed', ({ operations: shared, ms, ok }: Commit) => {
    commit.observe(ms / 1_000)
    operations.observe(shared)
    if (!ok) commitFailures.inc()
  })
  events.on('attention', () => metrics.attention.inc())
  events.on('foreign', () => metrics.foreign.inc())
  events.on('undelivered', () => metrics.undelivered.inc())
  events.on('unanswered', () => metrics.unanswered.inc())
  events.on('quarantined', ({ source, outcome }) => metrics.quarantined.inc({ source, outcome }))
  events.on('untraced', ({ traces, spans }) => {
    metrics.tracesLeftOut.inc(traces)
    metrics.spansLeftOut.inc(spans)
  })
  events.on('held', ({ system, isHeld }) => {
    if (isHeld) metrics.holds.inc({ system })
  })
  events.on('understood', ({ outcome }) => metrics.understood.inc({ outcome }))

  function collectProcess(): void {
    const stats = inbox.stats()
    metrics.waiting.set(stats.waiting)
    metrics.waitingBytes.set(stats.waitingBytes)
    metrics.inFlight.set(stats.inFlight)
    metrics.heldMailboxes.set(stats.heldMailboxes)
    for (const { system, since } of breakers.states()) metrics.held.set({ system }, since === null ? 0 : 1)
    metrics.recentKeys.set(stats.recentKeys)
    metrics.lookups.reset()
    metrics.lookups.inc({ result: 'hit' }, stats.recentHits)
    metrics.lookups.inc({ result: 'miss' }, stats.recentMisses)
  }

  async function collectStore(): Promise<void> {
    try {
      const [counts, size, kept, job] = await inTime(
        clock,
        Promise.all([inbox.backlog(), inbox.size(), inbox.quarantined(), inbox.replayJob(), inbox.checkWritable()]),
      )
      const { oldestPendingAt } = counts
      for (const state of ['pending', 'parked', 'dead'] as const) backlog.set({ state }, counts[state])
      backlogAge.set(oldestPendingAt === null ? 0 : Math.max(0, (clock.now() - oldestPendingAt) / 1_000))
      quarantineDeliveries.set(kept.deliveries)
      quarantineBytes.set(kept.bytes)
      replayPaused.set(job?.state === 'paused' ? 1 : 0)
      storeKeys.set(size.deliveries)
      storeBytes.set(size.bytes)
      storeUp.set(1)
    } catch (error) {
      log.error(error, 'store not responding, its metrics are left out')
      // An unknown value is neither 0 nor the last one.
      backlog.reset()
      for (const gauge of [backlogAge, quarantineDeliveries, quarantineBytes, replayPaused, storeKeys, storeBytes])
        gauge.remove()
      storeUp.set(0)
    }
  }

  const processRegistry = processMetrics()
  return {
    contentType: registry.contentType,
    async scrape() {
      await collectStore()
      collectProcess()
      return `${await registry.metrics()}\n${await processRegistry.metrics()}`
    },
  }
}

/** What all our metrics have. */
type CommonOptions = (name: string, help: string) => { name: string; help: string; registers: [Registry] }

function metricsIn(registry: Registry) {
  const common: CommonOptions = (name, help) => ({
    name: `tutorbot_webhooks_${name}`,
    help,
    registers: [registry],
  })

  const deliveries = new Counter({
    ...common('deliveries_total', 'Requests by outcome; reason: an error code'),
    labelNames: ['source', 'event', 'outcome', 'reason'],
  })
  const acknowledgement = new Histogram({
    ...common('acknowledgement_seconds', "From a request's headers to its response"),
    labelNames: ['source', 'outcome'],
    buckets: ACKNOWLEDGEMENT_BUCKETS,
  })
  const wait = new Histogram({
    ...common('handler_wait_seconds', 'From acceptance to the first attempt'),
    labelNames: ['source', 'event'],
    buckets: WAIT_BUCKETS,
  })
  const handling = new Histogram({
    ...common(
      'handler_seconds',
      'Attempts to handle: done, pending (will be retried), parked, dead, late (taken over)',
    ),
    labelNames: ['source', 'event', 'result'],
    buckets: HANDLER_BUCKETS,
  })
  const givenUp = new Counter({
    ...common('given_up_total', 'Attempts after which a delivery was parked or dead, by what they failed for'),
    labelNames: ['result', 'cause'],
  })
  const commit = new Histogram({ ...common('commit_seconds', 'Writes to the store'), buckets: COMMIT_BUCKETS })
  const operations = new Histogram({
    ...common('commit_operations', 'Operations that shared a write to the store'),
    buckets: OPERATION_BUCKETS,
  })
  const commitFailures = new Counter(common('commit_failures_total', 'Writes to the store that failed'))

  // Without labels: Prometheus sees no increase in a series that begins at 1.
  const attention = new Counter(common('payments_attention_total', 'Payments that need a person; the log says why'))
  const foreign = new Counter(common('payments_foreign_total', 'Payments of other installations, ignored'))
  const held = new Gauge({
    ...common('system_held', '1 while an outside system is unavailable, and what needs it waits'),
    labelNames: ['system'],
  })
  const holds = new Counter({
    ...common('system_holds_total', 'How often an outside system became unavailable'),
    labelNames: ['system'],
  })
  const undelivered = new Counter(
    common('messages_undelivered_total', 'Messages that did not reach the student, or that the channel took no more'),
  )
  const unanswered = new Counter(
    common('handoffs_unanswered_total', 'Hand-overs that no person has answered in time; the log says which'),
  )
  const tracesLeftOut = new Counter(
    common('traces_left_out_total', 'Traces not begun, as the collector did not take the others in time'),
  )
  const spansLeftOut = new Counter(
    common('spans_left_out_total', 'Spans of begun traces that the collector refused, or did not take in time'),
  )
  const understood = new Counter({
    ...common('understand_total', 'Questions to the host’s understand, by outcome: used, nothing, refused or failed'),
    labelNames: ['outcome'],
  })

  return {
    deliveries,
    acknowledgement,
    wait,
    handling,
    givenUp,
    commit,
    operations,
    commitFailures,
    attention,
    foreign,
    undelivered,
    unanswered,
    held,
    holds,
    tracesLeftOut,
    spansLeftOut,
    understood,
    ...storeMetricsIn(common),
  }
}

/** What waits, and the store. */
function storeMetricsIn(common: CommonOptions) {
  const waiting = new Gauge(common('commit_waiting_deliveries', 'Deliveries waiting for their commit'))
  const waitingBytes = new Gauge(common('commit_waiting_bytes', 'Bytes of bodies waiting for their commit'))
  const inFlight = new Gauge(common('handlers_in_flight', 'Handlers running'))
  const heldMailboxes = new Gauge(
    common('held_mailboxes', 'Conversations that wait because an outside system is unavailable'),
  )
  const recentKeys = new Gauge(common('recent_keys', 'Keys in the memory of recent deliveries'))
  const lookups = new Counter({
    ...common('recent_key_lookups_total', 'Keys looked up in the memory of recent deliveries'),
    labelNames: ['result'],
  })
  const storeUp = new Gauge(
    common('store_up', '1: the store responds and is writable; 0: its other metrics are left out'),
  )
  const backlog = new Gauge({
    ...common('backlog_deliveries', 'Deliveries in the store that are not handled yet'),
    labelNames: ['state'],
  })
  const backlogAge = new Gauge(common('backlog_age_seconds', 'Time since the oldest pending delivery was accepted'))
  const quarantined = new Counter({
    ...common('quarantine_total', 'Webhooks refused for their signature, by what became of them: kept, or why not'),
    labelNames: ['source', 'outcome'],
  })
  const quarantineDeliveries = new Gauge(common('quarantine_deliveries', 'Refused webhooks that are kept'))
  const quarantineBytes = new Gauge(common('quarantine_bytes', 'What they take'))
  const replayPaused = new Gauge(common('replay_job_paused', '1 while a replay job is paused after failures'))
  const storeKeys = new Gauge(common('store_keys', 'Approximate number of deliveries whose keys are known'))
  const storeBytes = new Gauge(common('store_bytes', 'Size of the store'))
  return {
    waiting,
    waitingBytes,
    inFlight,
    heldMailboxes,
    recentKeys,
    lookups,
    storeUp,
    backlog,
    backlogAge,
    quarantined,
    quarantineDeliveries,
    quarantineBytes,
    replayPaused,
    storeKeys,
    storeBytes,
  }
}

let shared: Registry | undefined

/**
 * prom-client's metrics of memory, CPU, event loop and garbage collection. One set per process, however many apps it
 * makes: prom-client can't stop its observers.
 */
function processMetrics(): Registry {
  if (shared === undefined) {
    shared = new Registry()
    collectDefaultMetrics({ register: shared })
  }
  return shared
}

/** Only error codes: other reasons are texts that may quote a request. */
function codeOf(reason = ''): string {
  return /^[A-Z_]{1,64}$/.test(reason) ? reason : ''
}

async function inTime<T>(clock: Clock, answer: Promise<T>): Promise<T> {
  const tooLate = Promise.withResolvers<never>()
  const cancel = clock.after(STORE_MS, () =>
    tooLate.reject(new Error(`the store did not respond within ${STORE_MS} ms`)),
  )
  try {
    return await Promise.race([answer, tooLate.promise])
  } finally {
    cancel()
  }
}
