import type { EventEmitter } from 'node:events'
import { Accepting, type AcceptingStats } from './accepting.ts'
import { browse } from './browse.ts'
import type {
  Backlog,
  Clock,
  DeliveryFilter,
  DeliveryPage,
  HistoryEntry,
  NewDelivery,
  ParentLogger,
  Scheduler,
  Store,
  StoredDelivery,
} from './contracts.ts'
import { createDrain, type DrainOptions, type Handler } from './drain.ts'
import type { WebhookEvents } from './events.ts'
import { startPruning } from './prune.ts'
import type { StoreTrouble } from './store-trouble.ts'
import { wellFormed, wellFormedIds } from './texts.ts'

export interface InboxSettings {
  /** Mailboxes handled at the same time. */
  concurrency: number
  /** A handler's time before it is aborted, ms. */
  handlerTimeoutMs: number
  /** Time for handlers to end when the service stops, ms. */
  graceMs: number
  /** Deliveries that may wait for their commit; one more is refused with 429. */
  maxWaiting: number
  /** Bytes of bodies that may wait for their commit. */
  maxWaitingBytes: number
  /** Ids in the memory of recent deliveries. */
  recentKeys: number
  /** Days until the payload of a finished delivery is deleted. */
  retentionDays: number
  /** Days until a finished delivery is forgotten, so that it would be handled again if it came again. */
  dedupDays: number
}

export interface InboxStats extends AcceptingStats {
  /** Handlers at work. */
  inFlight: number
}

/** Receives deliveries, and handles each in its turn. */
export interface Inbox {
  /** Registers what handles an event. */
  handle(source: string, event: string, handler: Handler): void
  /** Whether a handler is registered for an event. */
  handles(source: string, event: string): boolean
  /** The sources of which something is handled. */
  sources(): string[]
  /**
   * Keeps a delivery. Resolved only after it is committed to disk, here or (a duplicate) by an earlier copy.
   * @param bytes the size of its body
   * @throws {TypeError} it is none: a field is no string, or its time none
   * @throws {InboxBusyError} too much waits for a commit already
   * @throws {NotStoredError} the commit failed, or has not ended within 3 s; sent again, it is known or new
   */
  accept(delivery: NewDelivery, bytes: number): Promise<'accepted' | 'duplicate'>
  get(id: string): Promise<StoredDelivery | null>
  /** In order of acceptance, at most `limit` (100), after the acceptance number `after`. */
  list(filter?: DeliveryFilter, limit?: number, after?: number): Promise<StoredDelivery[]>
  /**
   * Newest first and without payloads, at most `limit` (100), before the acceptance number `before`: for people to look
   * through. `next` is where the following page begins, null at the end.
   */
  browse(filter?: DeliveryFilter, limit?: number, before?: number): Promise<DeliveryPage>
  /** What has happened to a delivery, in order; what is not told is that it was accepted, and handled. */
  history(id: string): Promise<HistoryEntry[]>
  /** Tries parked and dead deliveries again, at once. How many mailboxes were woken. */
  replay(ids: readonly string[]): Promise<number>
  /** Puts a parked or dead delivery aside for good. false: there is no such delivery. */
  discard(id: string, reason: string): Promise<boolean>
  /**
   * Deletes the payloads of deliveries and what errors say of them, and discards those that were not finished; their
   * keys stay. How many: those at work are left, and those without a payload. On SQLite no byte of them is left in the
   * store's files when it resolves.
   * @throws {Error} another process has been reading an older state of the file for 10 s (a backup, say)
   */
  forget(ids: readonly string[]): Promise<number>
  backlog(): Promise<Backlog>
  /** How many deliveries are kept, about, and the bytes they take. */
  size(): Promise<{ deliveries: number; bytes: number }>
  /** Tells this installation from others on the same Stripe account: a random UUID, kept in the store. */
  installationId(): Promise<string>
  /** Of this process, now. */
  stats(): InboxStats
  /** Resolved after a write to the store's disk; rejected if that fails. */
  checkWritable(): Promise<void>
}

/** Time that aborted handlers have to end, ms. */
const ABORT_MS = 1_000
export interface InboxParts {
  store: Store
  scheduler: Scheduler
  settings: InboxSettings
  clock: Clock
  log: ParentLogger
  events: EventEmitter<WebhookEvents>
  trouble: StoreTrouble
  /** What every handler's context has besides; plugins declare it in HandlerContext. */
  clients: DrainOptions['clients']
}

/** The inbox over a store and a scheduler, with what starts and stops it. */
export function createInbox({ store, scheduler, settings, clock, log, events, trouble, clients }: InboxParts) {
  /** By source, then by event. */
  const handlers = new Map<string, Map<string, Handler>>()
  const handlerOf = (source: string, event: string) => handlers.get(source)?.get(event)
  const { drain, inFlight, stop, abort } = createDrain({
    store,
    handlerOf,
    wake: (orderingKey, at) => scheduler.wake(orderingKey, at),
    onHandled: handled => events.emit('handled', handled),
    handlerTimeoutMs: settings.handlerTimeoutMs,
    clock,
    log,
    trouble,
    clients,
  })
  const accepting = new Accepting({ store, scheduler, clock, log, events, ...settings })
  let stopPruning = () => {}

  const inbox: Inbox = {
    handle(source, event, handler) {
      const ofSource = handlers.get(source) ?? new Map<string, Handler>()
      handlers.set(source, ofSource.set(event, handler))
    },
    handles: (source, event) => handlerOf(source, event) !== undefined,
    sources: () => [...handlers.keys()],
    accept: (delivery, bytes) => accepting.accept(delivery, bytes),
    get: async id => store.get(wellFormed(id, 'id')),
    list: (filter = {}, limit = 100, after = 0) => store.list(filter, limit, after),
    browse: (filter, limit, before) => browse(store, filter, limit, before),
    history: async id => store.history(wellFormed(id, 'id')),
    async replay(ids) {
      const orderingKeys = await store.replay(wellFormedIds(ids), clock.now())
      for (const orderingKey of orderingKeys) scheduler.wake(orderingKey)
      return orderingKeys.length
    },
    discard: async (id, reason) => store.discard(wellFormed(id, 'id'), wellFormed(reason, 'reason'), clock.now()),
    forget: async ids => store.forget(wellFormedIds(ids), clock.now()),
    backlog: () => store.backlog(),
    size: () => store.size(),
    installationId: () => store.installationId(),
    stats: () => ({ inFlight: inFlight(), ...accepting.stats() }),
    checkWritable: () => store.checkWritable(),
  }

  return {
    inbox,
    start(): void {
      scheduler.start(drain)
      stopPruning = startPruning({ store, clock, log, ...settings })
    },
    /**
     * Begins no further delivery, and lets those at work end: within the grace time, or a second after they are
     * aborted. What is accepted meanwhile is kept for the next start.
     */
    async finish(): Promise<void> {
      stopPruning()
      stop()
      const graceIsOver = Promise.withResolvers<void>()
      let cancelTimer = clock.after(settings.graceMs, () => {
        abort()
        cancelTimer = clock.after(ABORT_MS, graceIsOver.resolve)
      })
      await Promise.race([scheduler.stop(), graceIsOver.promise])
      cancelTimer()
    },
  }
}
