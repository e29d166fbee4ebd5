import type { BaseLogger } from 'pino'
import type { QuarantineStore } from './quarantine.ts'
import type { ChangedReplay, ReplayJob, ReplayStep, ReplayWish, StartedReplay } from './replay-job.ts'

/** The types of the inbox, and the two contracts: Store and Scheduler. */

/** A parsed JSON body. Its content comes from outside: read it with sources/json.ts. */
export type Payload = Record<string, unknown>

/** One webhook, identified. */
export interface Delivery<P = Payload> {
  /** UUIDv8 of source and key: the same delivery has the same id in every process, store and log. */
  id: string
  /** Who sent it: `chatwoot`, `stripe`, or a host's own name. */
  source: string
  event: string
  /** Identifies the delivery when it is sent again. */
  key: string
  /** Deliveries with the same ordering key (a mailbox) are handled one at a time, in order of acceptance. */
  orderingKey: string
  payload: P
  /** Unix time of acceptance, ms. */
  receivedAt: number
  /** The trace that its attempts go on with, as a `traceparent`: https://www.w3.org/TR/trace-context/. Kept by the store. */
  trace?: string | undefined
}

/** A delivery to be stored. */
export interface NewDelivery extends Delivery {
  /** The JSON to store, without secrets. Default: the payload as JSON, its secret fields redacted. */
  body?: Buffer
  /** Why it can't be read. Such a delivery is stored as dead, for a person to see. */
  unreadable?: string
  /** It waits for quiet, or ends the wait. undefined: it is handled at once, and so is what waits before it. */
  quiet?: WaitForQuiet | undefined
}

/**
 * Consecutive deliveries of one source that wait for quiet are handled together, as one run: when nothing has
 * come in for their mailbox for `quietMs`, at most `maxMs` after the first, or as soon as something comes in that ends
 * the wait. Both in ms.
 */
export interface WaitForQuiet {
  /** Whether it ends the wait at once, itself part of the run. */
  ends: boolean
  quietMs: number
  maxMs: number
}

/** Deliveries in one run, at most; the next ones are the next run. */
export const MAX_TOGETHER = 100

/**
 * pending: waits for its turn or a retry. done: handled. parked: out of order, retried automatically later. dead: waits
 * for a person. discarded: a person decided that it need not be handled. scheduled: not accepted yet, but at a later time.
 * quarantined: refused, and kept to be verified again.
 */
export const DELIVERY_STATES = ['pending', 'done', 'parked', 'dead', 'discarded', 'scheduled', 'quarantined'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export interface StoredDelivery extends Omit<Delivery, 'payload'> {
  /** Acceptance number; while it is scheduled, a number among those. */
  seq: number
  /** null once pruned or forgotten. */
  payload: Payload | null
  state: DeliveryState
  /** Attempts begun so far. */
  attempts: number
  /**
   * Unix ms of the next attempt, or for which it is scheduled; null: when its turn comes (at once if replayed), or never.
   */
  nextAttemptAt: number | null
  /** Why the last attempt failed. */
  error: string | null
  /** What that is grouped by: see cause.ts. `unknown`: it failed under a version that recorded none. */
  cause: string | null
  /** Unix ms at which the current attempt began (or one whose process died); null: none. */
  startedAt: number | null
  /** Unix ms at which the last attempt ended. */
  settledAt: number | null
}

/**
 * What happened to a delivery after its acceptance. failed: will be retried. crashed: its process died during the
 * attempt. parked, dead: the attempt was the last one. noted: by its handler. replayed, discarded, forgotten: by a person.
 */
export interface HistoryEntry {
  what: 'failed' | 'crashed' | 'parked' | 'dead' | 'noted' | 'replayed' | 'discarded' | 'forgotten'
  /** Unix ms. */
  at: number
  /** For attempts: number, and when it began (Unix ms). */
  attempt: number | null
  startedAt: number | null
  /** The error, what was noted, or the reason given by a person. */
  detail: string | null
}

/** A delivery taken for handling; its attempt is already counted in the store. */
export interface TakenDelivery extends Delivery {
  attempts: number
  state: 'pending' | 'parked'
  /** The previous attempt never ended: its process died. */
  crashed: boolean
  /** For a run: all its deliveries in order, this one first. Every attempt at a run has the same ones, unless it is reopened. */
  together?: TakenDelivery[]
  /** For a run: what identifies it, at every attempt. The id of its first delivery, also after that one was forgotten. */
  run?: string
  /** The run was fixed with this attempt: it is the first, or those before it had it reopened. */
  isNewRun?: boolean
}

/** How an attempt ended. cause: see cause.ts. */
export type Outcome =
  | { state: 'done' }
  | { state: 'parked'; error: string; cause?: string; nextAttemptAt: number }
  /** reopens: it is a run for which nothing was done yet: what comes in before the next attempt joins it. */
  | { state: 'pending'; error: string; cause?: string; nextAttemptAt: number; reopens?: boolean }
  | { state: 'dead'; error: string; cause?: string }

/** A step of `once` that is done. */
export interface Step {
  key: string
  /** Unix ms. */
  doneAt: number
  result: unknown
}

export type InsertResult =
  | 'duplicate'
  /** New, and claimed: its first attempt is counted, and the caller runs it. */
  | 'claimed'
  /** New, left for the mailbox's next turn. */
  | 'queued'
  /** New, but unreadable: stored as dead. */
  | 'dead'

/** scheduled: new. moved: it was scheduled already, and now is as given. duplicate: it has been accepted or discarded. */
export type ScheduleResult = 'scheduled' | 'moved' | 'duplicate'

/** What has become due. */
export interface Promoted {
  /** The mailboxes of what was accepted now. */
  orderingKeys: string[]
  /**
   * In how many ms the next one is due, or the store is to be asked again; 0: there may be more at once. null: nothing is
   * scheduled, and no other process can do that.
   */
  nextMs: number | null
}

/** Which deliveries to list or replay; all given fields must match. */
export interface DeliveryFilter {
  /** `scheduled` and `quarantined` ones are listed only when asked for, in the order in which they came. */
  state?: DeliveryState
  source?: string
  event?: string
  orderingKey?: string
  /** Chatwoot's display id of a conversation, in any account. */
  conversation?: string
  /** Accepted at this time or later, Unix ms. */
  from?: number
  /** Accepted before this time, Unix ms. */
  to?: number
  /** Part of the id or of the key. */
  text?: string
  /** Parked or dead, for this cause. */
  cause?: string
}

/** What is parked or dead for one cause. */
export interface CauseGroup {
  cause: string
  parked: number
  dead: number
  /** There are more: only the oldest ones were counted. */
  isMore: boolean
  /** The first and the last accepted one; when they were accepted, Unix ms. */
  oldest: { id: string; receivedAt: number }
  newest: { id: string; receivedAt: number }
}

/** Newest first. `next`: where the following page begins; null at the end. */
export interface DeliveryPage {
  deliveries: Omit<StoredDelivery, 'payload'>[]
  next: number | null
}

/** A write to the store that several operations share. */
export interface Commit {
  operations: number
  ms: number
  ok: boolean
}

/**
 * Where deliveries are kept. Promises resolve once the change is committed to disk and reject if it was not. Operations
 * requested in the same turn of the event loop share one commit, in order; one that fails (a value that can't be
 * stored) is rejected alone.
 */
export interface Store {
  /**
   * Stores a delivery unless its id is known. With `claim`, its first attempt is counted in the same write if nothing
   * in its mailbox is pending and no other process has the mailbox.
   */
  insert(delivery: NewDelivery, claim: boolean): Promise<InsertResult>
  /**
   * Takes the mailbox's next delivery due at `now` (Unix ms) and counts its attempt: the oldest pending one unless it
   * waits for a retry, else a parked one. null: nothing is due, or this process is already handling it. If the clock
   * was set back, so that the last attempt seems to have ended in the future, its delay starts again from now.
   *
   * If that one waits for quiet and has waited long enough, it is taken together with the consecutive ones after it
   * that wait too. The members of such a run are recorded in the same write; from then on they are taken, settled and
   * replayed together, as the same run. One that was forgotten or discarded is left out.
   */
  take(orderingKey: string, now: number): Promise<TakenDelivery | null>
  /**
   * What `take` may take next, without taking it: the mailbox's oldest pending delivery and its next parked one, due or
   * not.
   */
  peek(orderingKey: string): Promise<Peeked[]>
  /**
   * Keeps a delivery until a time (Unix ms): then `promote` accepts it. It is known by its id: given again, it is moved
   * and replaced, unless it has been accepted meanwhile.
   */
  schedule(delivery: NewDelivery, at: number): Promise<ScheduleResult>
  /** Deletes a scheduled delivery. false: there is none with this id. */
  unschedule(id: string): Promise<boolean>
  /**
   * Accepts at most `limit` of the scheduled deliveries due at `now` (Unix ms), in order of their times: each once, with
   * a new acceptance number, pending in its mailbox.
   */
  promote(now: number, limit: number): Promise<Promoted>
  /**
   * Records how the attempt ended, for each delivery of a run. false: another process has taken the delivery over, and
   * nothing was changed.
   */
  settle(delivery: TakenDelivery, outcome: Outcome, now: number): Promise<boolean>
  /**
   * Claims a step for `once`. `first`: nobody has ever claimed it. `again`: an earlier claim failed or died, and may have
   * acted. `busy`: another delivery is running it. Otherwise its result, if it is done.
   */
  claimStep(key: string, now: number): Promise<'first' | 'again' | 'busy' | { result: unknown }>
  /** Records the claimed step's result, as JSON. */
  recordStep(key: string, result: unknown, now: number): Promise<void>
  /** Releases the claim of a failed step; the next claim is `again`. */
  releaseStep(key: string, now: number): Promise<void>
  /** At most `limit` steps that are done, with a key after this one, in the order that the database gives keys. */
  steps(limit: number, after?: string): Promise<Step[]>
  /** Erases the results of some hundred steps: they stay done, with null. */
  forgetSteps(keys: readonly string[]): Promise<void>
  /** Adds to a delivery's history what its handler noted. */
  note(id: string, detail: string, now: number): Promise<void>
  get(id: string): Promise<StoredDelivery | null>
  /** At most `limit` ids that begin so, in order. @param beginning of a UUID: at least its first two hexadecimal digits */
  idsBeginningWith(beginning: string, limit: number): Promise<string[]>
  /** At most `limit` deliveries after acceptance number `after`, in order of acceptance. */
  list(filter: DeliveryFilter, limit: number, after?: number): Promise<StoredDelivery[]>
  /**
   * At most `limit` deliveries before acceptance number `before`, newest first. A call scans a few thousand deliveries
   * at most, so that searching millions for a rare one blocks nothing: a page may be short or empty without being the
   * last.
   */
  browse(filter: DeliveryFilter, limit: number, before?: number): Promise<DeliveryPage>
  /** The payloads of deliveries as JSON, by id: without those that are deleted, or longer than `maxBytes`. */
  bodies(ids: readonly string[], maxBytes: number): Promise<Map<string, Uint8Array>>
  /** The history of a delivery, in order. */
  history(id: string): Promise<HistoryEntry[]>
  /**
   * Makes parked and dead deliveries due at once, out of order, so that they block nothing; and scheduled ones, in
   * order. One of a run is replayed with the others. Returns the ordering keys of those that changed, each once.
   */
  replay(ids: readonly string[], now: number): Promise<string[]>
  /** Closes a parked, dead or scheduled delivery; deletes a quarantined one. false: there is no such delivery. */
  discard(id: string, reason: string, now: number): Promise<boolean>
  /**
   * Deletes the payloads of deliveries in any state, and discards those not finished; deletes scheduled and quarantined
   * ones. Returns how many. Split into small transactions, so that no other write waits long.
   */
  forget(ids: readonly string[], now: number): Promise<number>
  /**
   * One small step of pruning: looks at finished (done or discarded) deliveries after acceptance number `after`;
   * deletes the payloads of those settled before `payloadsBefore` and everything of those settled before `keysBefore`
   * (Unix ms), for at most `limit` of them; and up to `limit` steps recorded before `keysBefore`. Returns where to
   * continue; null only at the end of all deliveries, however their times are ordered: a clock may have been wrong.
   */
  prune(before: { payloadsBefore: number; keysBefore: number }, after: number, limit: number): Promise<number | null>
  /**
   * The parked and dead deliveries by cause, in order of the causes: at most MAX_CAUSE_GROUPS of them, each counted up to
   * MAX_COUNTED_OF_CAUSE.
   */
  causes(): Promise<CauseGroup[]>
  /** What was refused, and is kept to be verified again. */
  readonly quarantine: QuarantineStore
  /** Starts the replay of what is parked or dead for a cause: see replay-job.ts. One job at a time. */
  startReplayJob(wish: ReplayWish, now: number): Promise<StartedReplay>
  /** The job that runs, or the last one; null: there has been none. */
  replayJob(): Promise<ReplayJob | null>
  /** Stops a job, or resumes one that is paused. @param number the job's */
  changeReplayJob(number: number, to: 'stopped' | 'running', now: number): Promise<ChangedReplay>
  /** Makes the job's next step, if it is due: records what became of what it has replayed, and replays one more. */
  stepReplayJob(now: number): Promise<ReplayStep>
  /** Number of waiting deliveries by state, and when the oldest pending one was accepted (Unix ms). */
  backlog(): Promise<Backlog>
  /** Approximate number of stored deliveries, and the bytes they take. */
  size(): Promise<{ deliveries: number; bytes: number }>
  /**
   * A random UUID created with the store, which tells this installation from others on the same Stripe account. A copy
   * of the store has the same one until `setInstallationId` changes it.
   */
  installationId(): Promise<string>
  /** Settles the installation id: a new one, or the present one confirmed. */
  setInstallationId(id: string): Promise<void>
  /** Tests that the store can be written. Rejects within a few seconds if it can't. */
  checkWritable(): Promise<void>
  close(): Promise<void>
}

/** Causes listed at most. */
export const MAX_CAUSE_GROUPS = 100
/** Deliveries of a cause counted at most. */
export const MAX_COUNTED_OF_CAUSE = 10_000

export type Peeked = Pick<Delivery, 'id' | 'source' | 'event'>

export interface Backlog {
  pending: number
  parked: number
  dead: number
  oldestPendingAt: number | null
}

/**
 * Handles what is due in one mailbox, one delivery at a time; `claimed`: the one already claimed by the caller. When
 * `lapsed` fires, another process may take over the mailbox: the running handler is aborted and nothing more is
 * started. Resolves with how long the mailbox is to be left alone, ms, if what it has next needs a system that is held.
 */
export type Drain = (orderingKey: string, claimed?: TakenDelivery, lapsed?: AbortSignal) => Promise<number | undefined>

/** Wakes mailboxes; never runs two drains of one mailbox at once. */
export interface Scheduler {
  /** Starts, with whatever is already in the store. */
  start(drain: Drain): void
  /**
   * Reserves an idle mailbox for a delivery about to be inserted, so that it can be handled right after its commit
   * without reading it back. false: the mailbox or the scheduler is busy. `run` or `release` ends the reservation.
   */
  reserve(orderingKey: string): boolean
  run(claimed: TakenDelivery): void
  release(orderingKey: string): void
  /** Something in this mailbox is due, now or at a time (Unix ms). */
  wake(orderingKey: string, at?: number): void
  /** What was held can go on: mailboxes that were left alone may be drained again before their time. */
  resume(): void
  /** Stops waking; resolves when the running drains have ended. */
  stop(): Promise<void>
}

/** The time; tests use one they can set. */
export interface Clock {
  /** Unix ms. */
  now(): number
  /** Calls `callback` after `ms`; returns what cancels it. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  after(ms, callback) {
    // A delay above 2^31 - 1 ms would fire at once; callers check again when it fires.
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1))
    return () => clearTimeout(timer)
  },
}

/** The part of pino's logger that the inbox uses. */
export type Logger = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>

/** A logger with child loggers. */
export interface ParentLogger extends Logger {
  child(bindings: Record<string, unknown>): Logger
}
