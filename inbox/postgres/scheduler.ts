import type { Clock, Drain, Logger, Scheduler, TakenDelivery } from '../contracts.ts'
import { delay, type StoreTrouble } from '../store-trouble.ts'
import { CLAIM_MS, type Claim } from './queue.ts'
import type { PostgresStore } from './store.ts'
import { indexable } from './text.ts'

/** Mailboxes that become due by the time are looked for this often, ms; those with something new say so. */
const POLL_INTERVAL_MS = 500
/** Between two heartbeats of the mailboxes at work, ms. */
const HEARTBEAT_INTERVAL_MS = 2_000
/** What has had no heartbeat for so long has lapsed to us, ms: before the database lets another process have it. */
const LAPSE_MS = CLAIM_MS - HEARTBEAT_INTERVAL_MS
/**
 * A heartbeat that comes later than this after it was due has been held up by the event loop, ms. No thread of its own
 * sends it instead: for senders a process that answers nothing is down, and one that hangs for good would keep its
 * conversations for good.
 */
const LATE_HEARTBEAT_MS = 3_000
/** Mailboxes that a line in the log names. */
const MAX_NAMED = 10
/** Mailboxes claimed at once, at most. */
const MAX_CLAIMED = 64
/**
 * Claiming gives way to accepting for so long, at most, ms: who sends a webhook waits for its 200 some seconds only.
 * Measured where handlers of 50 ms can't keep up, accepted and handled a second: 1,700 and 1,400 with 1; 2,150 and 1,450
 * with 20; 2,400 and 1,130 with 50.
 */
const MAX_GIVE_WAY_MS = 20

export interface BossSchedulerOptions {
  store: Pick<
    PostgresStore,
    | 'whenNotBusy'
    | 'claimMailboxes'
    | 'claimOf'
    | 'keepClaims'
    | 'setLeaseExpiry'
    | 'giveBack'
    | 'wakeAll'
    | 'keepSteps'
    | 'onDue'
    | 'closed'
  >
  /** Mailboxes drained at the same time, at most. */
  concurrency: number
  clock: Clock
  trouble: StoreTrouble
  log: Logger
}

interface Held {
  claim: Claim
  /** When its last heartbeat began, by the process's own monotonic clock, ms. */
  keptAt: number
  lapsed: AbortController
}

interface Reservation {
  /** When it was asked for, by the process's own monotonic clock, ms. */
  begun: number
  /** It is run, or released. */
  ended: PromiseWithResolvers<void>
}

/**
 * Drains the mailboxes that this process claims: idle ones with what it inserts, and those that wait in the queue it
 * shares with others. pg-boss gives each to one of them, as long as its heartbeat is heard, and to another one after that.
 */
export class BossScheduler implements Scheduler {
  readonly #options: BossSchedulerOptions
  readonly #stopping = new AbortController()
  #drain: Drain | null = null
  /** Mailboxes at work. */
  readonly #held = new Set<Held>()
  /** The end of the last drain of each mailbox. */
  readonly #busy = new Map<string, Promise<void>>()
  /** Mailboxes that an insert may claim. */
  readonly #reserved = new Map<string, Reservation>()
  /** More may be due than has been claimed: whoever ends claims it, and it has half of the places for itself. */
  #isBehind = true
  readonly #claiming = {
    /** The end of the last round. */
    ended: Promise.resolve(),
    isUnderWay: false,
    /** Something has become due since the round under way asked. */
    again: false,
    /** Mailboxes that are being asked for. */
    asked: 0,
  }
  /** How often something may have come in. */
  #wakeUps = 0
  readonly #heartbeats = {
    isUnderWay: false,
    /** When the last one was due, by the process's own monotonic clock, ms. */
    dueAt: 0,
  }

  constructor(options: BossSchedulerOptions) {
    this.#options = options
  }

  start(drain: Drain): void {
    const { store, clock, trouble } = this.#options
    const { signal } = this.#stopping
    this.#drain = drain
    const wake = () => this.#wakeAny()
    // What an older version of this program, or a hand in the database, has left without a wake-up.
    void trouble.retry(() => store.wakeAll(), signal)
    store.onDue(wake)
    every(clock, POLL_INTERVAL_MS, signal, wake)
    // Until the end: handlers have some time left when we stop.
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
    // The wake-up itself was written with what is due.
    if (at === undefined) this.#wakeAny()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#claiming.ended
    await Promise.all([...this.#reserved.values()].map(({ ended }) => ended.promise))
    await Promise.all(this.#busy.values())
  }

  /** Something may have come in, for whatever mailbox. */
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
      const claims = await this.#options.trouble.attempt('claims', () => this.#options.store.claimMailboxes(room))
      claiming.asked = 0
      // Asked again at the next poll.
      if (claims === undefined) continue
      for (const claim of claims) this.#launch(claim, begun)
      this.#isBehind = claims.length === room
      if (this.#isBehind) claiming.again = true
    }
    claiming.isUnderWay = false
  }

  /** Waits while accepting is busy, for some time, or until we stop. */
  async #giveWay(): Promise<void> {
    const over = new AbortController()
    const end = () => over.abort()
    void this.#options.store.whenNotBusy().then(end)
    this.#stopping.signal.addEventListener('abort', end)
    await delay(this.#options.clock, MAX_GIVE_WAY_MS, over.signal)
    this.#stopping.signal.removeEventListener('abort', end)
  }

  /** How many mailboxes more can be drained. */
  #room(): number {
    return Math.ceil(this.#options.concurrency) - this.#held.size - this.#reserved.size - this.#claiming.asked
  }

  #launch(claim: Claim, begun: number, claimed?: TakenDelivery): void {
    const { orderingKey } = claim
    const mine: Held = { claim, keptAt: begun, lapsed: new AbortController() }
    // Claimed again, a mailbox had been lost: the drain that does not know it yet is told, and waited for.
    for (const other of this.#held) {
      if (other.claim.orderingKey === orderingKey && other.keptAt <= begun) other.lapsed.abort()
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
   * Drains a mailbox and gives it back. It is held while the store is in trouble, or until it is another's.
   * @param last the end of the mailbox's drain before
   * @param claimed the delivery that it was claimed with
   * @returns whether it waits again, perhaps
   */
  async #drainAndGiveBack(mine: Held, last?: Promise<void>, claimed?: TakenDelivery): Promise<boolean> {
    const { store, trouble } = this.#options
    const { signal } = this.#stopping
    await last
    // After a freeze, perhaps; what was claimed with an insert is begun without asking the store again.
    checkAge(mine, performance.now())
    const { orderingKey } = mine.claim
    const isOurs = () => !mine.lapsed.signal.aborted
    let given = claimed
    store.setLeaseExpiry(orderingKey, mine.claim.until)
    await trouble.retry(async () => {
      const delivery = given
      given = undefined
      if (isOurs()) await this.#drain?.(orderingKey, delivery, mine.lapsed.signal)
    }, signal)
    const before = this.#wakeUps
    const waits = await trouble.retry(async () => isOurs() && store.giveBack(mine.claim), signal)
    // Who looked meanwhile has passed over what came in for it: it was ours still.
    return waits === true || this.#wakeUps !== before
  }

  /** Ends a reservation. When it was made. */
  #endReservation(orderingKey: string): number {
    const key = indexable(orderingKey)
    const { begun, ended } = this.#reserved.get(key) as Reservation
    this.#reserved.delete(key)
    ended.resolve()
    if (this.#isBehind) this.#claimDue()
    return begun
  }

  /** Keeps what is held. What is another's already has lapsed too. */
  #heartbeat(): void {
    const begun = performance.now()
    this.#checkEventLoop(begun)
    for (const each of this.#held) checkAge(each, begun)
    if (!this.#heartbeats.isUnderWay) void this.#keepClaims(begun)
  }

  /** What was handled while the event loop stood still may be handled by another process too. */
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

  async #keepClaims(begun: number): Promise<void> {
    const { store, trouble } = this.#options
    this.#heartbeats.isUnderWay = true
    await trouble.attempt('heartbeat', async () => {
      const asked = [...this.#held].filter(({ lapsed }) => !lapsed.signal.aborted)
      const kept = new Map((await store.keepClaims(asked.map(({ claim }) => claim))).map(claim => [claim.id, claim]))
      for (const each of asked) {
        const claim = kept.get(each.claim.id)
        // Given back meanwhile.
        if (!this.#held.has(each)) continue
        if (claim === undefined) each.lapsed.abort()
        else {
          Object.assign(each, { claim, keptAt: begun })
          store.setLeaseExpiry(claim.orderingKey, claim.until)
        }
      }
      await store.keepSteps()
    })
    this.#heartbeats.isUnderWay = false
  }
}

/** What has not been kept for too long has lapsed. */
function checkAge({ keptAt, lapsed }: Held, now: number): void {
  if (now - keptAt > LAPSE_MS) lapsed.abort()
}

/** Runs again and again, until `ended` fires. */
function every(clock: Clock, ms: number, ended: AbortSignal, run: () => void): void {
  let cancel = clock.after(ms, function next() {
    run()
    cancel = clock.after(ms, next)
  })
  ended.addEventListener('abort', () => cancel())
}
