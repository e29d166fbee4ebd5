import type { Clock, Drain, Logger, Scheduler, TakenDelivery } from '../contracts.ts'
import { delay, type StoreTrouble } from '../store-trouble.ts'
import { CLAIM_MS, type Claim } from './queue.ts'
import type { PostgresStore } from './store.ts'
import { indexable } from './text.ts'

/** Mailboxes that become due by the time are looked for this often, ms; those with something new say so. */
const POLL_INTERVAL = 500
/** Between two heartbeats of the mailboxes at work, ms. */
const HEARTBEAT_INTERVAL = 2_000
/** What has had no heartbeat for so long has lapsed to us, ms: before the database lets another process have it. */
const LAPSE_MS = CLAIM_MS - HEARTBEAT_INTERVAL
/**
 * A heartbeat that comes later than this after it was due has been held up by the event loop, ms. No thread of its own
 * sends it instead: for senders a process that answers nothing is down, and one that hangs for good would keep its
 * conversations for good.
 */
const LATE_HEARTBEAT_MS = 3_000
/** Mailboxes that a line in the log names. */
const NAMED = 10
/** Mailboxes claimed at once, at most. */
const MOST_CLAIMED = 64
/**
 * Claiming gives way to accepting for so long, at most, ms: who sends a webhook waits for its 200 some seconds only.
 * Measured where handlers of 50 ms can't keep up, accepted and handled a second: 1,700 and 1,400 with 1; 2,150 and 1,450
 * with 20; 2,400 and 1,130 with 50.
 */
const GIVE_WAY_MS = 20

export interface BossSchedulerOptions {
  store: Pick<
    PostgresStore,
    | 'calm'
    | 'claimMailboxes'
    | 'claimOf'
    | 'keepClaims'
    | 'bound'
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
export function createBossScheduler({ store, concurrency, clock, trouble, log }: BossSchedulerOptions): Scheduler {
  const stopping = new AbortController()
  let drain: Drain | null = null
  const held = new Set<Held>()
  /** The end of the last drain of each mailbox. */
  const busy = new Map<string, Promise<void>>()
  /** Mailboxes that an insert may claim. */
  const reserved = new Map<string, Reservation>()
  /** More may be due than has been claimed: whoever ends looks for it, and it has half of the places for itself. */
  let behind = true
  let isLooking = false
  /** The end of the last look. */
  let looked = Promise.resolve()
  let again = false
  /** How often something may have come in. */
  let woken = 0
  /** Mailboxes that are being asked for. */
  let asking = 0
  let keeping = false
  /** When the last heartbeat was due, by the process's own monotonic clock, ms. */
  let beatAt = 0

  /** Claims what is due while there is room. */
  function look(): void {
    again = true
    if (isLooking) return
    isLooking = true
    looked = claimDue()
  }

  /** Something may have come in, for whatever mailbox. */
  function wake(): void {
    woken++
    look()
  }

  async function claimDue(): Promise<void> {
    while (again && drain !== null && !stopping.signal.aborted) {
      await giveWay()
      again = false
      const room = stopping.signal.aborted ? 0 : Math.min(MOST_CLAIMED, free())
      if (room <= 0) {
        behind = true
        break
      }
      const begun = performance.now()
      asking = room
      const claims = await trouble.attempt('claims', () => store.claimMailboxes(room))
      asking = 0
      // Asked again at the next poll.
      if (claims === undefined) continue
      for (const claim of claims) launch(claim, begun)
      behind = claims.length === room
      if (behind) again = true
    }
    isLooking = false
  }

  /** Waits while accepting is under pressure, for some time, or until we stop. */
  async function giveWay(): Promise<void> {
    const over = new AbortController()
    const end = () => over.abort()
    void store.calm().then(end)
    stopping.signal.addEventListener('abort', end)
    await delay(clock, GIVE_WAY_MS, over.signal)
    stopping.signal.removeEventListener('abort', end)
  }

  /** How many mailboxes more can be drained. */
  function free(): number {
    return Math.ceil(concurrency) - held.size - reserved.size - asking
  }

  function launch(claim: Claim, begun: number, claimed?: TakenDelivery): void {
    const mine: Held = { claim, keptAt: begun, lapsed: new AbortController() }
    // Claimed again, a mailbox had been lost: the drain that does not know it yet is told, and waited for.
    for (const other of held) {
      if (other.claim.orderingKey === claim.orderingKey && other.keptAt <= begun) other.lapsed.abort()
    }
    held.add(mine)
    const done: Promise<void> = work(mine, busy.get(claim.orderingKey), claimed).then(waits => {
      held.delete(mine)
      store.bound(claim.orderingKey, null)
      if (busy.get(claim.orderingKey) === done) busy.delete(claim.orderingKey)
      if (behind || waits) look()
    })
    busy.set(claim.orderingKey, done)
  }

  /**
   * Drains a mailbox and gives it back. It is held while the store is in trouble, or until it is another's.
   * @param claimed the delivery that it was claimed with
   * @returns whether it waits again, perhaps
   */
  async function work(mine: Held, last?: Promise<void>, claimed?: TakenDelivery): Promise<boolean> {
    await last
    // After a freeze, perhaps; what was claimed with an insert is begun without asking the store again.
    checkAge(mine, performance.now())
    const { orderingKey } = mine.claim
    const isOurs = () => !mine.lapsed.signal.aborted
    let given = claimed
    store.bound(orderingKey, mine.claim.until)
    await trouble.retry(async () => {
      const delivery = given
      given = undefined
      if (isOurs()) await drain?.(orderingKey, delivery, mine.lapsed.signal)
    }, stopping.signal)
    const before = woken
    const waits = await trouble.retry(async () => isOurs() && store.giveBack(mine.claim), stopping.signal)
    // Who looked meanwhile has passed over what came in for it: it was ours still.
    return waits === true || woken !== before
  }

  /** Ends a reservation. When it was made. */
  function release(orderingKey: string): number {
    const key = indexable(orderingKey)
    const { begun, ended } = reserved.get(key) as Reservation
    reserved.delete(key)
    ended.resolve()
    if (behind) look()
    return begun
  }

  /** What has not been kept for too long has lapsed. */
  function checkAge({ keptAt, lapsed }: Held, now: number): void {
    if (now - keptAt > LAPSE_MS) lapsed.abort()
  }

  /** What was handled while the event loop stood still may be handled by another process too. */
  function checkLoop(now: number): void {
    const ms = Math.round(now - beatAt)
    beatAt = now
    if (ms <= HEARTBEAT_INTERVAL + LATE_HEARTBEAT_MS || held.size === 0) return
    const conversations = [...held].slice(0, NAMED).map(({ claim }) => claim.orderingKey)
    log.warn(
      { ms, conversations },
      `the event loop was blocked, or the process stopped: after ${LAPSE_MS / 1_000} s another instance takes over what is being handled; leave long computations to a worker thread`,
    )
  }

  /** Keeps what is held. What is another’s already has lapsed too. */
  function heartbeat(): void {
    const begun = performance.now()
    checkLoop(begun)
    for (const each of held) checkAge(each, begun)
    if (!keeping) void keep(begun)
  }

  async function keep(begun: number): Promise<void> {
    keeping = true
    await trouble.attempt('heartbeat', async () => {
      const asked = [...held].filter(({ lapsed }) => !lapsed.signal.aborted)
      const kept = new Map((await store.keepClaims(asked.map(({ claim }) => claim))).map(claim => [claim.id, claim]))
      for (const each of asked) {
        const claim = kept.get(each.claim.id)
        // Given back meanwhile.
        if (!held.has(each)) continue
        if (claim === undefined) each.lapsed.abort()
        else {
          Object.assign(each, { claim, keptAt: begun })
          store.bound(claim.orderingKey, claim.until)
        }
      }
      await store.keepSteps()
    })
    keeping = false
  }

  /** Runs again and again, until `ended` fires. */
  function every(ms: number, ended: AbortSignal, run: () => void): void {
    let cancel = clock.after(ms, function next() {
      run()
      cancel = clock.after(ms, next)
    })
    ended.addEventListener('abort', () => cancel())
  }

  return {
    start(drainMailbox) {
      drain = drainMailbox
      // What an older version of this program, or a hand in the database, has left without a wake-up.
      void trouble.retry(() => store.wakeAll(), stopping.signal)
      store.onDue(wake)
      every(POLL_INTERVAL, stopping.signal, wake)
      // Until the end: handlers have some time left when we stop.
      beatAt = performance.now()
      every(HEARTBEAT_INTERVAL, store.closed, heartbeat)
      look()
    },
    reserve(orderingKey) {
      const key = indexable(orderingKey)
      const kept = behind ? Math.ceil(concurrency / 2) : 0
      if (drain === null || stopping.signal.aborted || free() <= kept) return false
      if (busy.has(key) || reserved.has(key)) return false
      reserved.set(key, { begun: performance.now(), ended: Promise.withResolvers() })
      return true
    },
    run(claimed) {
      launch(store.claimOf(claimed.orderingKey), release(claimed.orderingKey), claimed)
    },
    release,
    // The wake-up itself was written with what is due.
    wake(_orderingKey, at) {
      if (at === undefined) wake()
    },
    async stop() {
      stopping.abort()
      await looked
      await Promise.all([...reserved.values()].map(({ ended }) => ended.promise))
      await Promise.all(busy.values())
    },
  }
}
