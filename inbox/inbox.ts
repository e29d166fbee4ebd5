import type { EventEmitter } from 'node:events'
import { Accepting, type AcceptingStats } from './accepting.ts'
import type { Breakers } from './breaker.ts'
import { browse } from './browse.ts'
import type {
  Backlog,
  CauseGroup,
  Clock,
  DeliveryFilter,
  DeliveryPage,
  HistoryEntry,
  NewDelivery,
  ParentLogger,
  ScheduleResult,
  Scheduler,
  Store,
  StoredDelivery,
} from './contracts.ts'
import { createDrain, type DrainOptions, type Handler } from './drain.ts'
import type { WebhookEvents } from './events.ts'
import { GiveWay } from './give-way.ts'
import { Later, type ScheduledDelivery } from './later.ts'
import { checkNeeds, needsOf } from './needs.ts'
import { payloadsOf, type ReadPayload } from './payloads.ts'
import { startPruning } from './prune.ts'
import type { QuarantineSize } from './quarantine.ts'
import { checkQuiet } from './quiet.ts'
import { createReplayDriver } from './replay-driver.ts'
import type { ChangedReplay, ReplayJob, ReplayWish, StartedReplay } from './replay-job.ts'
import type { StoreRetry } from './store-retry.ts'
import { wellFormed, wellFormedIds } from './strings.ts'

export interface InboxSettings {
  /** Mailboxes handled in parallel. */
  concurrency: number
  /** A handler's time limit, ms. */
  handlerTimeoutMs: number
  /** Time for running handlers to end when the service stops, ms. */
  graceMs: number
  /** Deliveries that may wait for their commit; further ones are refused with 429. */
  maxWaiting: number
  /** Bytes of bodies that may wait for their commit. */
  maxWaitingBytes: number
  /** Size of the cache of recent deliveries, in ids. */
  recentKeys: number
  /** Days until the payload of a finished delivery is deleted. */
  retentionDays: number
  /** Days until a finished delivery is deleted; sent again after that, it would be handled again. */
  dedupDays: number
}

export interface InboxStats extends AcceptingStats {
  /** Running handlers. */
  inFlight: number
  /** Mailboxes that this process has found waiting for a system that is unavailable. */
  heldMailboxes: number
}

/** Accepts deliveries and handles them, in order within each mailbox. */
export interface Inbox {
  /** Registers an event's handler. @throws {OptionError} its `needs` name an unknown system, or its `quiet` is wrong */
  handle(source: string, event: string, handler: Handler): void
  /** Whether a handler is registered for an event. */
  handles(source: string, event: string): boolean
  /** The sources that have handlers. */
  sources(): string[]
  /**
   * Stores a delivery. Resolves only after it is committed to disk, now or (a duplicate) earlier.
   * @param bytes size of its body
   * @throws {TypeError} a field is missing or malformed
   * @throws {InboxBusyError} too much is already waiting for a commit
   * @throws {NotStoredError} the commit failed, or took longer than 3 s; sent again, it is known or new
   */
  accept(delivery: NewDelivery, bytes: number): Promise<'accepted' | 'duplicate'>
  /**
   * Makes a delivery for a time: at that time, within a second, it is accepted and handled like any other, in its
   * mailbox's order, once for its source and key. Given again, it is moved and replaced; once it has been accepted or
   * discarded, it is a duplicate. Resolves after it is committed to disk.
   * @throws {TypeError} a field is missing or malformed
   */
  schedule(delivery: ScheduledDelivery): Promise<ScheduleResult>
  /**
   * Takes a scheduled delivery back. false: there is none with this key, or it has been accepted or discarded.
   * @param source default `inbox`
   */
  unschedule(key: string, source?: string): Promise<boolean>
  get(id: string): Promise<StoredDelivery | null>
  /** At most `limit` ids that begin so, in order. @param beginning of a UUID: at least its first two hexadecimal digits */
  idsBeginningWith(beginning: string, limit: number): Promise<string[]>
  /** At most `limit` (100) deliveries after acceptance number `after`, in order of acceptance. */
  list(filter?: DeliveryFilter, limit?: number, after?: number): Promise<StoredDelivery[]>
  /**
   * At most `limit` (100) deliveries before acceptance number `before`, newest first, without payloads: for browsing.
   * `next`: where the following page begins; null at the end.
   */
  browse(filter?: DeliveryFilter, limit?: number, before?: number): Promise<DeliveryPage>
  /** The payloads of deliveries, in no order: without those that are deleted, or longer than 64 KiB. For lists. */
  payloads(ids: readonly string[]): AsyncGenerator<ReadPayload>
  /** A delivery's history, in order, without its acceptance and its success. */
  history(id: string): Promise<HistoryEntry[]>
  /**
   * Retries parked and dead deliveries at once, accepts scheduled ones, and has quarantined ones verified again, within a
   * second. Returns how many mailboxes were woken, plus how many are verified.
   */
  replay(ids: readonly string[]): Promise<number>
  /** Closes a parked, dead or scheduled delivery; deletes a quarantined one. false: there is no such delivery. */
  discard(id: string, reason: string): Promise<boolean>
  /**
   * Deletes the payloads and errors of deliveries, and discards those not finished; keys stay. Scheduled and
   * quarantined ones are deleted. Returns how many: those being handled, and those without a payload, are left alone.
   * On SQLite, when it resolves, no byte of them is left in the store's files.
   * @throws {TransientError} another process (a backup or Litestream, say) has been reading an older state of the file
   * for 10 s
   */
  forget(ids: readonly string[]): Promise<number>
  /** The parked and dead deliveries by cause, in order of the causes: at most 100, each counted up to 10,000. */
  causes(): Promise<CauseGroup[]>
  /** Replays what is parked or dead for a cause, at a pace: see ReplayWish. One job at a time. */
  startReplayJob(wish: ReplayWish): Promise<StartedReplay>
  /** The job that runs, or the last one; null: there has been none. */
  replayJob(): Promise<ReplayJob | null>
  /** Stops a job, or resumes one that is paused. @param number the job's */
  changeReplayJob(number: number, to: 'stopped' | 'running'): Promise<ChangedReplay>
  backlog(): Promise<Backlog>
  /** What is quarantined, and how much of it waits to be verified again. */
  quarantined(): Promise<QuarantineSize>
  /** Approximate number of stored deliveries, and the bytes they take. */
  size(): Promise<{ deliveries: number; bytes: number }>
  /** A random UUID, kept in the store, which tells this installation from others on the same Stripe account. */
  installationId(): Promise<string>
  /** Numbers of this process. */
  stats(): InboxStats
  /** Resolves after a write to disk; rejects if it fails. */
  checkWritable(): Promise<void>
}

/** Time for aborted handlers to end, ms. */
const ABORT_MS = 1_000
export interface InboxParts {
  store: Store
  scheduler: Scheduler
  settings: InboxSettings
  clock: Clock
  log: ParentLogger
  events: EventEmitter<WebhookEvents>
  storeRetry: StoreRetry
  breakers: Breakers
  tracing?: DrainOptions['tracing']
  /** What plugins add to every handler's context; they declare it in HandlerContext. */
  clients: DrainOptions['clients']
  /** See Pruned. */
  quarantineHours?: number | undefined
}

/** Creates the inbox on a store and a scheduler, with functions to start and stop it. */
export function createInbox({
  store,
  scheduler,
  settings,
  clock,
  log,
  events,
  storeRetry,
  breakers,
  tracing,
  clients,
  quarantineHours,
}: InboxParts) {
  /** By source, then by event. */
  const handlers = new Map<string, Map<string, Handler>>()
  const aheadSources = new Set<string>()
  const handlerOf = (source: string, event: string) => handlers.get(source)?.get(event)
  const giveWay = new GiveWay()
  const later = new Later({ store, scheduler, clock, storeRetry })
  const replayDriver = createReplayDriver({ store, scheduler, clock, log, storeRetry })
  const { drain, begin, inFlight, heldMailboxes, stop, abort } = createDrain({
    store,
    later,
    handlerOf,
    aheadSources,
    wake: (orderingKey, at) => scheduler.wake(orderingKey, at),
    onHandled: handled => events.emit('handled', handled),
    giveWay,
    handlerTimeoutMs: settings.handlerTimeoutMs,
    clock,
    log,
    storeRetry,
    breakers,
    tracing,
    clients,
  })
  const holds = (source: string, event: string) =>
    breakers.isAnyHeld() && needsOf(handlerOf(source, event)).some(breakers.isHeld)
  const accepting = new Accepting({ store, scheduler, giveWay, handlerOf, holds, clock, log, events, ...settings })
  breakers.onResume(() => scheduler.resume())
  let stopPruning = () => {}

  const inbox: Inbox = {
    handle(source, event, handler) {
      checkNeeds(`handlers.${source}.${event}`, handler)
      const ofSource = handlers.get(source) ?? new Map<string, Handler>()
      checkQuiet(source, event, handler, ofSource)
      handlers.set(source, ofSource.set(event, handler))
      if (typeof handler === 'object' && handler.ahead !== undefined) aheadSources.add(source)
    },
    handles: (source, event) => handlerOf(source, event) !== undefined,
    sources: () => [...handlers.keys()],
    accept: (delivery, bytes) => accepting.accept(delivery, bytes),
    schedule: delivery => later.schedule(delivery),
    unschedule: (key, source) => later.unschedule(key, source),
    get: async id => store.get(wellFormed(id, 'id')),
    idsBeginningWith: async (beginning, limit) => store.idsBeginningWith(wellFormed(beginning, 'beginning'), limit),
    list: (filter = {}, limit = 100, after = 0) => store.list(filter, limit, after),
    browse: (filter, limit, before) => browse(store, filter, limit, before),
    payloads: ids => payloadsOf(store, wellFormedIds(ids)),
    history: async id => store.history(wellFormed(id, 'id')),
    async replay(ids) {
      const given = wellFormedIds(ids)
      const [orderingKeys, asked] = await Promise.all([
        store.replay(given, clock.now()),
        store.quarantine.ask(given, clock.now()),
      ])
      for (const orderingKey of orderingKeys) scheduler.wake(orderingKey)
      later.look()
      return orderingKeys.length + asked
    },
    discard: async (id, reason) => store.discard(wellFormed(id, 'id'), wellFormed(reason, 'reason'), clock.now()),
    forget: async ids => store.forget(wellFormedIds(ids), clock.now()),
    causes: () => store.causes(),
    async startReplayJob(wish) {
      const started = await store.startReplayJob(wish, clock.now())
      replayDriver.look()
      return started
    },
    replayJob: () => store.replayJob(),
    changeReplayJob: (number, to) => store.changeReplayJob(number, to, clock.now()),
    backlog: () => store.backlog(),
    quarantined: () => store.quarantine.size(),
    size: () => store.size(),
    installationId: () => store.installationId(),
    stats: () => ({ inFlight: inFlight(), heldMailboxes: heldMailboxes(), ...accepting.stats() }),
    checkWritable: () => store.checkWritable(),
  }

  return {
    inbox,
    start(): void {
      begin()
      scheduler.start(drain)
      later.start()
      replayDriver.start()
      stopPruning = startPruning({ store, clock, log, quarantineHours, ...settings })
    },
    /**
     * Starts no further delivery, and waits for running handlers: for the grace time, and a second more after aborting
     * them. What is accepted meanwhile is kept for the next start.
     */
    async finish(): Promise<void> {
      stopPruning()
      stop()
      const graceIsOver = Promise.withResolvers<void>()
      let cancelTimer = clock.after(settings.graceMs, () => {
        abort()
        cancelTimer = clock.after(ABORT_MS, graceIsOver.resolve)
      })
      await Promise.race([Promise.all([scheduler.stop(), later.stop(), replayDriver.stop()]), graceIsOver.promise])
      cancelTimer()
    },
  }
}
