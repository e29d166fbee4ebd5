import type { Clock, Drain, Logger, Scheduler, TakenDelivery } from '../contracts.ts'
import { delay, type StoreRetry } from '../store-retry.ts'
import { CLAIM_MS, type Claim } from './queue.ts'
import type { PostgresStore } from './store.ts'
import { indexable } from './strings.ts'

/** How often to poll for mailboxes that have become due, ms; new deliveries are notified. */
const POLL_INTERVAL_MS = 500
/** How often to look for runs whose wake-up an older instance has put off, ms. */
const FORGOTTEN_INTERVAL_MS = 5_000
/** Between heartbeats of the held mailboxes, ms. */
const HEARTBEAT_INTERVAL_MS = 2_000
/** A claim without a heartbeat for this long has lapsed for us, ms: before the database gives it to another process. */
const LAPSE_MS = CLAIM_MS - HEARTBEAT_INTERVAL_MS
/**
 * A heartbeat this late means that the event loop was blocked, ms. It is not sent from a thread of its own on purpose:
 * to senders, a process that answers nothing is down, and one that hangs forever would keep its mailboxes forever.
 */
const LATE_HEARTBEAT_MS = 3_000
/** Mailboxes named in a log line. */
const MAX_NAMED = 10
/** Mailboxes claimed in one round. */
const MAX_CLAIMED = 64
/**
 * Claiming waits for accepting this long at most, ms: senders wait only seconds for their 200. Measured with handlers
 * of 50 ms that can't keep up, accepted and handled per second: 1,700 and 1,400 with 1; 2,150 and 1,450 with 20; 2,400
 * and 1,130 with 50.
 */
const MAX_GIVE_WAY_MS = 20

export interface BossSchedulerOptions {
  store: Pick<
    PostgresStore,
    | 'whenNotBusy'
    | 'claimMailboxes'
    | 'claimOf'
    | 'renewClaims'
    | 'setLeaseExpiry'
    | 'releaseClaim'
    | 'wakeAll'
    | 'wakeForgotten'
    | 'renewSteps'
    | 'onDue'
    | 'closed'
  >
  /** Mailboxes drained in parallel. */
  concurrency: number
  clock: Clock
  storeRetry: StoreRetry
  log: Logger
}

interface Held {
  claim: Claim
  /** When its last heartbeat began, ms (monotonic clock). */
  renewedAt: number
  lapsed: AbortController
}

interface Reservation {
  /** When it was made, ms (monotonic clock). */
  begun: number
  /** Resolves when it is run or released. */
  ended: PromiseWithResolvers<void>
}

/**
 * Drains the mailboxes that this process claims: idle ones together with an insert, the others from the queue it shares
 * with other processes. pg-boss gives each mailbox to one process while it sends heartbeats, then to another.
 */
export class BossScheduler implements Scheduler {
  readonly #options: BossSchedulerOptions
  readonly #stopping = new AbortController()
  #drain: Drain | null = null
  /** Claimed mailboxes. */
  readonly #held = new Set<Held>()
  /** The last drain of each mailbox. */
  readonly #busy = new Map<string, Promise<void>>()
  /** Mailboxes that an insert may claim. */
  readonly #reserved = new Map<string, Reservation>()
  /**
   * More mailboxes may be due than are claimed: then every drain that ends claims more, and half of the capacity is
   * reserved for that.
   */
  #isBehind = true
  readonly #claiming = {
    /** Resolves when the last round has ended. */
    ended: Promise.resolve(),
    isUnderWay: false,
    /** Something has become due since the current round's query. */
    again: false,
    /** Mailboxes being requested. */
    asked: 0,
  }
  /** Counts calls of `resume`. */
  #resumed = 0
  /** Counts wake-ups. */
  #wakeUps = 0
  readonly #heartbeats = {
    isUnderWay: false,
    /** When the last one was due, ms (monotonic clock). */
    dueAt: 0,
  }

  constructor(options: BossSchedulerOptions) {
    this.#options = options
  }

  start(drain: Drain): void {
    const { store, clock, storeRetry } = this.#options
    const { signal } = this.#stopping
    this.#drain = drain
    const wake = () => this.#wakeAny()
    // An older version, or somebody editing the database, may have left deliveries without a wake-up.
    void storeRetry.retry(() => store.wakeAll(), signal)
    store.onDue(wake)
    every(clock, POLL_INTERVAL_MS, signal, wake)
    every(clock, FORGOTTEN_INTERVAL_MS, signal, () => void storeRetry.attempt('runs', () => store.wakeForgotten()))
    // Until the store closes: handlers still have some time after `stop`.
    this.#heartbeats.dueAt = performance.now()
    every(clock, HEARTBEAT_INTERVAL_MS, store.closed, () => this.#heartbeat())
    this.#claimDue()
  }

  reserve(orderingKey: string): boolean {
    const key = indexable(orderingKey)
    const kept = this.#isBehind ? Math.ceil(this.#options.concurrency / 2) : 0
    if (this.#drain === null || this.#stopping.signal.aborted || this.#room() <= kept) return false
    if (this.#busy.has(key) || this.#reserved.has(key)) return false
    this.#reserved.set(key, { begun: performance.now(), ended: Promise.withResolvers() })
    return true
  }

  run(claimed: TakenDelivery): void {
    const { orderingKey } = claimed
    this.#launch(this.#options.store.claimOf(orderingKey), this.#endReservation(orderingKey), claimed)
  }

  release(orderingKey: string): void {
    this.#endReservation(orderingKey)
  }

  wake(_orderingKey: string, at?: number): void {
    // The wake-up was committed with the delivery.
    if (at === undefined) this.#wakeAny()
  }

  /** The held mailboxes are queued for soon, each for its own time. */
  resume(): void {
    this.#resumed++
    this.#wakeAny()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#claiming.ended
    await Promise.all([...this.#reserved.values()].map(({ ended }) => ended.promise))
    await Promise.all(this.#busy.values())
  }

  /** Something may be due, in any mailbox. */
  #wakeAny(): void {
    this.#wakeUps++
    this.#claimDue()
  }

  /** Claims what is due while there is room. */
  #claimDue(): void {
    this.#claiming.again = true
    if (this.#claiming.isUnderWay) return
    this.#claiming.isUnderWay = true
    this.#claiming.ended = this.#claimRounds()
  }

  async #claimRounds(): Promise<void> {
    const claiming = this.#claiming
    const { signal } = this.#stopping
    while (claiming.again && this.#drain !== null && !signal.aborted) {
      await this.#giveWay()
      claiming.again = false
      const room = signal.aborted ? 0 : Math.min(MAX_CLAIMED, this.#room())
      if (room <= 0) {
        this.#isBehind = true
        break
      }
      const begun = performance.now()
      claiming.asked = room
      const claims = await this.#options.storeRetry.attempt('claims', () => this.#options.store.claimMailboxes(room))
      claiming.asked = 0
      // Failed; the next poll tries again.
      if (claims === undefined) continue
      for (const claim of claims) this.#launch(claim, begun)
      this.#isBehind = claims.length === room
      if (this.#isBehind) claiming.again = true
    }
    claiming.isUnderWay = false
  }

  /** Waits while accepting is busy, up to MAX_GIVE_WAY_MS or until we stop. */
  async #giveWay(): Promise<void> {
    const over = new AbortController()
    const end = () => over.abort()
    void this.#options.store.whenNotBusy().then(end)
    this.#stopping.signal.addEventListener('abort', end)
    await delay(this.#options.clock, MAX_GIVE_WAY_MS, over.signal)
    this.#stopping.signal.removeEventListener('abort', end)
  }

  /** How many more mailboxes can be drained. */
  #room(): number {
    return Math.ceil(this.#options.concurrency) - this.#held.size - this.#reserved.size - this.#claiming.asked
  }

  #launch(claim: Claim, begun: number, claimed?: TakenDelivery): void {
    const { orderingKey } = claim
    const mine: Held = { claim, renewedAt: begun, lapsed: new AbortController() }
    // We can claim a mailbox again only after losing it: abort the drain that doesn't know yet, and wait for it.
    for (const other of this.#held) {
      if (other.claim.orderingKey === orderingKey && other.renewedAt <= begun) other.lapsed.abort()
    }
    this.#held.add(mine)
    const done: Promise<void> = this.#drainAndGiveBack(mine, this.#busy.get(orderingKey), claimed).then(waits => {
      this.#held.delete(mine)
      this.#options.store.setLeaseExpiry(orderingKey, null)
      if (this.#busy.get(orderingKey) === done) this.#busy.delete(orderingKey)
      if (this.#isBehind || waits) this.#claimDue()
    })
    this.#busy.set(orderingKey, done)
  }

  /**
   * Drains a mailbox and releases it. Keeps it while the store is failing, until it lapses.
   * @param last the mailbox's previous drain
   * @param claimed the delivery it was claimed with
   * @returns whether it may be due again
   */
  async #drainAndGiveBack(mine: Held, last?: Promise<void>, claimed?: TakenDelivery): Promise<boolean> {
    const { store, storeRetry } = this.#options
    const { signal } = this.#stopping
    await last
    // The process may have been frozen; a delivery claimed with its insert is started without asking the store again.
    checkAge(mine, performance.now())
    const { orderingKey } = mine.claim
    const isOurs = () => !mine.lapsed.signal.aborted
    let given = claimed
    let heldMs: number | undefined
    store.setLeaseExpiry(orderingKey, mine.claim.until)
    await storeRetry.retry(async () => {
      const delivery = given
      given = undefined
      const resumed = this.#resumed
      if (isOurs()) heldMs = await this.#drain?.(orderingKey, delivery, mine.lapsed.signal)
      // It could have gone on meanwhile.
      if (this.#resumed !== resumed) heldMs = undefined
    }, signal)
    const before = this.#wakeUps
    const waits = await storeRetry.retry(async () => isOurs() && store.releaseClaim(mine.claim, heldMs), signal)
    // A round in the meantime skipped what came in for it, because it was still ours.
    return waits === true || this.#wakeUps !== before
  }

  /** Ends a reservation; returns when it was made. */
  #endReservation(orderingKey: string): number {
    const key = indexable(orderingKey)
    const { begun, ended } = this.#reserved.get(key) as Reservation
    this.#reserved.delete(key)
    ended.resolve()
    if (this.#isBehind) this.#claimDue()
    return begun
  }

  /** Renews the held claims; those that another process has now have lapsed. */
  #heartbeat(): void {
    const begun = performance.now()
    this.#checkEventLoop(begun)
    for (const each of this.#held) checkAge(each, begun)
    if (!this.#heartbeats.isUnderWay) void this.#renewClaims(begun)
  }

  /** Deliveries handled while the event loop was blocked may also be handled by another process. */
  #checkEventLoop(now: number): void {
    const ms = Math.round(now - this.#heartbeats.dueAt)
    this.#heartbeats.dueAt = now
    if (ms <= HEARTBEAT_INTERVAL_MS + LATE_HEARTBEAT_MS || this.#held.size === 0) return
    const conversations = [...this.#held].slice(0, MAX_NAMED).map(({ claim }) => claim.orderingKey)
    this.#options.log.warn(
      { ms, conversations },
      `the event loop was blocked, or the process stopped: after ${LAPSE_MS / 1_000} s another instance takes over what is being handled; leave long computations to a worker thread`,
    )
  }

  async #renewClaims(begun: number): Promise<void> {
    const { store, storeRetry } = this.#options
    this.#heartbeats.isUnderWay = true
    await storeRetry.attempt('heartbeat', async () => {
      const asked = [...this.#held].filter(({ lapsed }) => !lapsed.signal.aborted)
      const kept = new Map((await store.renewClaims(asked.map(({ claim }) => claim))).map(claim => [claim.id, claim]))
      for (const each of asked) {
        const claim = kept.get(each.claim.id)
        // Already released.
        if (!this.#held.has(each)) continue
        if (claim === undefined) each.lapsed.abort()
        else {
          Object.assign(each, { claim, renewedAt: begun })
          store.setLeaseExpiry(claim.orderingKey, claim.until)
        }
      }
      await store.renewSteps()
    })
    this.#heartbeats.isUnderWay = false
  }
}

/** Lapses a claim that was not renewed in time. */
function checkAge({ renewedAt, lapsed }: Held, now: number): void {
  if (now - renewedAt > LAPSE_MS) lapsed.abort()
}

/** Runs periodically until `ended` fires. */
function every(clock: Clock, ms: number, ended: AbortSignal, run: () => void): void {
  let cancel = clock.after(ms, function next() {
    run()
    cancel = clock.after(ms, next)
  })
  ended.addEventListener('abort', () => cancel())
}
