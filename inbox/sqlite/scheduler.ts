import type { Clock, Drain, Scheduler, TakenDelivery } from '../contracts.ts'
import type { StoreRetry } from '../store-retry.ts'
import type { SqliteStore } from './store.ts'
import { CLOCK_SLACK_MS } from './wakeups.ts'

/**
 * Minimum number of due mailboxes read from the store at once; the rest of the backlog stays on disk. The actual number
 * is at least twice the concurrency, or all that is read might be draining already.
 */
const MIN_WINDOW = 256

/**
 * Held mailboxes are looked at again after this time, ms, though `resume` comes first; at the next start they are due
 * at once.
 */
const MAX_HELD_MS = 5 * 60_000

/** Longest timer, ms: the clock may be set, and sleeping machines stop timers. */
const MAX_TIMER_MS = 30_000

export interface LocalSchedulerOptions {
  store: Pick<SqliteStore, 'dueMailboxes' | 'dueAt' | 'nextDueAt' | 'holdMailbox' | 'wakeLater' | 'onChange'>
  /** Mailboxes drained in parallel. */
  concurrency: number
  clock: Clock
  storeRetry: StoreRetry
}

/**
 * Drains mailboxes in this process: at once if there is room, else from the store's list of due mailboxes, with one
 * timer for the next one.
 */
export class LocalScheduler implements Scheduler {
  readonly #options: LocalSchedulerOptions
  readonly #window: number
  readonly #stopping = new AbortController()
  /** null: not started, or stopped. */
  #drain: Drain | null = null
  /** Mailboxes being drained or reserved. true: something new has come in for it. */
  readonly #busy = new Map<string, boolean>()
  /** Running drains, for `stop`. */
  readonly #running = new Set<Promise<void>>()
  /** Mailboxes that wait for `resume`, in order. */
  readonly #held = new Set<string>()
  /** Counts calls of `resume`. */
  #resumed = 0
  /** Due mailboxes read from the store but not started. */
  #ready: string[] = []
  /** The store may have due mailboxes that are not in `#ready`. */
  #more = false
  #reading = false
  #timer: { at: number; cancel: () => void } | null = null
  /** The latest time seen. */
  #latest = Number.NEGATIVE_INFINITY

  constructor(options: LocalSchedulerOptions) {
    this.#options = options
    this.#window = Math.max(MIN_WINDOW, Math.ceil(2 * options.concurrency))
  }

  start(drain: Drain): void {
    this.#drain = drain
    const readAgain = () => {
      this.#more = true
      this.#pump()
    }
    // A command may have replayed something.
    this.#options.store.onChange(readAgain)
    readAgain()
  }

  reserve(orderingKey: string): boolean {
    if (!this.#hasRoom() || this.#busy.has(orderingKey)) return false
    this.#busy.set(orderingKey, false)
    return true
  }

  run(claimed: TakenDelivery): void {
    this.#launch(claimed.orderingKey, claimed)
  }

  /** Frees a mailbox, synchronously, so that nothing that comes in for it is missed. */
  release(orderingKey: string): void {
    const wokenMeanwhile = this.#busy.get(orderingKey)
    this.#busy.delete(orderingKey)
    if (wokenMeanwhile) this.wake(orderingKey)
    else this.#pump()
  }

  wake(orderingKey: string, at?: number): void {
    if (at !== undefined && at > this.#options.clock.now()) this.#setTimer(at)
    else if (this.#busy.has(orderingKey)) this.#busy.set(orderingKey, true)
    else if (this.#hasRoom()) this.#launch(orderingKey)
    else this.#more = true
  }

  resume(): void {
    this.#resumed++
    this.#ready = this.#ready.concat([...this.#held])
    this.#held.clear()
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#drain = null
    this.#stopping.abort()
    this.#timer?.cancel()
    this.#timer = null
    await Promise.all(this.#running)
  }

  #hasRoom(): boolean {
    return this.#drain !== null && this.#busy.size < this.#options.concurrency
  }

  #setTimer(at: number): void {
    if (this.#drain === null || (this.#timer !== null && this.#timer.at <= at)) return
    this.#timer?.cancel()
    const { clock } = this.#options
    const now = clock.now()
    this.#latest = Math.max(this.#latest, now)
    const cancel = clock.after(Math.min(Math.max(0, at - now), MAX_TIMER_MS), () => {
      this.#timer = null
      this.#more = true
      this.#pump()
    })
    this.#timer = { at, cancel }
  }

  /** Starts ready mailboxes while there is room, and reads more when they run out. */
  #pump(): void {
    while (this.#hasRoom() && this.#ready.length > 0) {
      const orderingKey = this.#ready.shift() as string
      if (this.#busy.has(orderingKey)) this.#busy.set(orderingKey, true)
      else this.#launch(orderingKey)
    }
    if (this.#more && !this.#reading && this.#hasRoom()) void this.#readDue()
  }

  async #readDue(): Promise<void> {
    const { store, clock, storeRetry } = this.#options
    this.#reading = true
    this.#more = false
    await storeRetry.retry(async () => {
      const now = clock.now()
      if (now < this.#latest - CLOCK_SLACK_MS) await store.wakeLater(now)
      this.#latest = now
      const due = await store.dueMailboxes(now, this.#window)
      // Something may have been resumed meanwhile.
      this.#ready = due.concat(this.#ready)
      if (due.length === this.#window) this.#more = true
      const next = await store.nextDueAt(now)
      // It may have become due by now.
      if (next !== null && next <= clock.now()) this.#more = true
      else if (next !== null) this.#setTimer(next)
    }, this.#stopping.signal)
    this.#reading = false
    this.#pump()
  }

  #launch(orderingKey: string, claimed?: TakenDelivery): void {
    this.#busy.set(orderingKey, false)
    const done = this.#drainMailbox(orderingKey, claimed).then(() => {
      this.#running.delete(done)
      this.release(orderingKey)
    })
    this.#running.add(done)
  }

  /** Keeps the mailbox while the store is failing: its wake-up may already be gone from the store. */
  async #drainMailbox(orderingKey: string, claimed?: TakenDelivery): Promise<void> {
    const { store, storeRetry, clock } = this.#options
    let given = claimed
    await storeRetry.retry(async () => {
      if (this.#drain === null) return
      const delivery = given
      given = undefined
      this.#held.delete(orderingKey)
      const before = this.#resumed
      const heldMs = await this.#drain(orderingKey, delivery)
      if (heldMs !== undefined) {
        this.#held.add(orderingKey)
        await store.holdMailbox(orderingKey, clock.now() + MAX_HELD_MS)
        // It could have gone on meanwhile.
        if (this.#resumed !== before) this.wake(orderingKey)
      }
      // During the drain the mailbox has no wake-up in the store, so a timer may be missing.
      const at = delivery === undefined ? await store.dueAt(orderingKey) : null
      if (at !== null) this.wake(orderingKey, at)
    }, this.#stopping.signal)
  }
}
