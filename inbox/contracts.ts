import type { BaseLogger } from 'pino'
/** The words of the inbox, and the two contracts that a store and a scheduler fulfil. */

/** A parsed JSON body. What is in it came from outside: read it with sources/json.ts. */
export type Payload = Record<string, unknown>

/** One webhook, identified. */
export interface Delivery<P = Payload> {
  /** UUIDv8 of source and key: the same delivery has the same id in every process, store and log. */
  id: string
  /** Who sent it: `chatwoot`, `stripe`, or a host's own name. */
  source: string
  event: string
  /** What makes it the same delivery when it comes again. */
  key: string
  /** Deliveries with one ordering key (its mailbox) are handled one at a time, in the order of acceptance. */
  orderingKey: string
  payload: P
  /** Unix time of acceptance, ms. */
  receivedAt: number
}

/** What a store is asked to keep. */
export interface NewDelivery extends Delivery {
  /** The JSON to keep, without secrets. Default: the payload as JSON, its secret fields redacted. */
  body?: Buffer
  /** Why no handler can read it. Such a delivery is stored as dead, for a person to see. */
  unreadable?: string
}

/**
 * pending: to be handled, in order. done: handled. parked: out of the order, tried again later by itself.
 * dead: waits for a person. discarded: a person decided that it need not be handled.
 */
export const DELIVERY_STATES = ['pending', 'done', 'parked', 'dead', 'discarded'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

export interface StoredDelivery extends Omit<Delivery, 'payload'> {
  /** The number of its acceptance. */
  seq: number
  /** null once pruned. */
  payload: Payload | null
  state: DeliveryState
  /** Attempts begun so far. */
  attempts: number
  /** Unix ms of the next attempt; null: as soon as it is its turn (or at once: replayed), or never. */
  nextAttemptAt: number | null
  /** Why the last attempt failed. */
  error: string | null
  /** Unix ms of the beginning of the attempt under way (or of one whose process died); null: none is. */
  startedAt: number | null
  /** Unix ms of the last attempt's end. */
  settledAt: number | null
}

/**
 * What happened to a delivery between its acceptance and its end. failed: an attempt that is made again. crashed: one
 * whose process died. parked, dead: one after which it was given up. replayed, discarded, forgotten: by a person.
 */
export interface HistoryEntry {
  what: 'failed' | 'crashed' | 'parked' | 'dead' | 'replayed' | 'discarded' | 'forgotten'
  /** Unix ms. */
  at: number
  /** Of an attempt: its number, and when it began (Unix ms). */
  attempt: number | null
  startedAt: number | null
  /** The error, or the reason that a person gave. */
  detail: string | null
}

/** A delivery that was taken to be handled, its attempt already counted in the store. */
export interface TakenDelivery extends Delivery {
  attempts: number
  state: 'pending' | 'parked'
  /** The attempt before this one began and never ended: the process died. */
  crashed: boolean
}

/** How an attempt ended. */
export type Outcome =
  | { state: 'done' }
  | { state: 'pending' | 'parked'; error: string; nextAttemptAt: number }
  | { state: 'dead'; error: string }

export type InsertResult =
  | 'duplicate'
  /** New, and its first attempt is counted: the caller handles it. */
  | 'claimed'
  /** New, and left for the mailbox's next turn. */
  | 'queued'
  /** New, but unreadable: kept for a person to see. */
  | 'dead'

/** Which deliveries to list or replay; every field given must match. */
export interface DeliveryFilter {
  state?: DeliveryState
  source?: string
  event?: string
  orderingKey?: string
  /** Chatwoot's display id of a conversation, of any account. */
  conversation?: string
  /** Accepted at this time or later, Unix ms. */
  from?: number
  /** Accepted before this time, Unix ms. */
  to?: number
  /** Part of the id or of the key. */
  text?: string
}

/** Newest first; `next`: where the following page begins, null at the end. */
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
 * Where deliveries are kept. Every promise is resolved after the change is committed to disk, and rejected if it
 * was not; operations asked for in the same turn of the event loop share one commit, in the order they were asked. One
 * that can't be done (a value that can't be stored) is rejected alone.
 */
export interface Store {
  /**
   * Keeps a delivery unless its id is known. With `claim`, and if nothing of its mailbox is pending and no other
   * process has it, its first attempt is counted in the same write.
   */
  insert(delivery: NewDelivery, claim: boolean): Promise<InsertResult>
  /**
   * The delivery of a mailbox whose turn it is at `now` (Unix ms): the oldest pending one, unless it waits for a
   * retry; else a parked one that is due. Its attempt is counted. null: nothing is due, or what is first is being handled
   * by this process. A retry of which the clock says, having been set back, that its attempt before ends in the future
   * waits its delay from now.
   */
  take(orderingKey: string, now: number): Promise<TakenDelivery | null>
  /** Writes how the attempt ended. false: another process has taken the delivery meanwhile, nothing is changed. */
  settle(delivery: TakenDelivery, outcome: Outcome, now: number): Promise<boolean>
  /** Claims a step for `once`: `busy` while somebody else is at it, its result if it is done. */
  claimStep(key: string, now: number): Promise<'claimed' | 'busy' | { result: unknown }>
  /** Records that the claimed step is done, with its result as JSON. */
  recordStep(key: string, result: unknown, now: number): Promise<void>
  /** Gives the claim of a failed step back. */
  releaseStep(key: string): Promise<void>
  get(id: string): Promise<StoredDelivery | null>
  /** In order of acceptance, at most `limit`, after the acceptance number `after`. */
  list(filter: DeliveryFilter, limit: number, after?: number): Promise<StoredDelivery[]>
  /**
   * Newest first, at most `limit`, before the acceptance number `before`. Looks at some thousands of deliveries and no
   * more, so that a rare one sought in millions holds nothing up: a page may be short, or empty, and not the last.
   */
  browse(filter: DeliveryFilter, limit: number, before?: number): Promise<DeliveryPage>
  /** What has happened to a delivery, in order. */
  history(id: string): Promise<HistoryEntry[]>
  /**
   * Makes parked and dead deliveries due at once, out of the order, so that they block nobody. The ordering keys of
   * those that changed, each once.
   */
  replay(ids: readonly string[], now: number): Promise<string[]>
  /** Puts a parked or dead delivery aside for good. false: there is no such delivery. */
  discard(id: string, reason: string, now: number): Promise<boolean>
  /**
   * Deletes the payloads of deliveries, whatever their state; what was not finished is discarded. How many. In as many
   * transactions as it takes to hold nobody up.
   */
  forget(ids: readonly string[], now: number): Promise<number>
  /**
   * One small step of a pass over the finished (done and discarded) deliveries: looks at some after the acceptance
   * number `after`, deletes the payloads of those settled before `payloadsBefore` and all of those settled before
   * `keysBefore`, of `limit` of them at most, and as many steps recorded before that (Unix ms). Where to go on; null: at
   * the end of all deliveries, whatever the times of those on the way: a clock may have been wrong.
   */
  prune(before: { payloadsBefore: number; keysBefore: number }, after: number, limit: number): Promise<number | null>
  /** How many deliveries wait, by state, and when the oldest pending one was accepted (Unix ms). */
  backlog(): Promise<Backlog>
  /** How many deliveries are kept, about, and the bytes they take. */
  size(): Promise<{ deliveries: number; bytes: number }>
  /**
   * Tells this installation from any other that uses the same Stripe account: a random UUID, made with the store and
   * kept in it. A copy of the store has it too, until `setInstallationId` gives it another.
   */
  installationId(): Promise<string>
  /** Decides about the id, for good: a new one, or the one it has. */
  setInstallationId(id: string): Promise<void>
  /** Writes, to see whether that works. Rejected within some seconds if it does not. */
  checkWritable(): Promise<void>
  close(): Promise<void>
}

export interface Backlog {
  pending: number
  parked: number
  dead: number
  oldestPendingAt: number | null
}

/**
 * Handles what is due in one mailbox, one delivery after the other; `claimed`: the one its caller has claimed. `lapsed`
 * fires when another process may take the mailbox over: what runs is aborted, and nothing more is begun.
 */
export type Drain = (orderingKey: string, claimed?: TakenDelivery, lapsed?: AbortSignal) => Promise<void>

/** Wakes mailboxes, and never runs two drains of one mailbox at once. */
export interface Scheduler {
  /** Begins, with whatever the store holds from before. */
  start(drain: Drain): void
  /**
   * Reserves an idle mailbox for a delivery that is about to be inserted, so that it can be handled right after its
   * commit without being read again. false: the mailbox or the scheduler is busy. A reservation ends with
   * `run` or `release`.
   */
  reserve(orderingKey: string): boolean
  run(claimed: TakenDelivery): void
  release(orderingKey: string): void
  /** Something of this mailbox is due, now or at a time (Unix ms). */
  wake(orderingKey: string, at?: number): void
  /** Stops waking, and resolves when the drains under way have ended. */
  stop(): Promise<void>
}

/** The time, so that tests can move it by hand. */
export interface Clock {
  /** Unix ms. */
  now(): number
  /** Calls `callback` after `ms`; returns what cancels it. */
  after(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  after(ms, callback) {
    // A delay beyond 2^31 - 1 ms would fire at once; callers look again when it fires.
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1))
    return () => clearTimeout(timer)
  },
}

/** Where the inbox says what happens: pino's, as Fastify has it. */
export type Logger = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>

/** A logger that makes others, which say more about each line. */
export interface ParentLogger extends Logger {
  child(bindings: Record<string, unknown>): Logger
}
