import type { Clock, Drain, Scheduler, TakenDelivery } from '../contracts.ts'
import type { StoreTrouble } from '../store-trouble.ts'
import type { SqliteStore } from './store.ts'
import { CLOCK_SLACK_MS } from './wakeups.ts'

/**
 * Due mailboxes read from the store at once, at least: what is waiting beyond them stays on disk, whatever the backlog.
 * Twice as many as are drained at the same time, or all that is read could be at work already.
 */
const MIN_WINDOW = 256

/** A timer longer than this is not relied on, ms: the clock may be set, and a machine that sleeps stops its timers. */
const MAX_TIMER_MS = 30_000

export interface LocalSchedulerOptions {
  store: Pick<SqliteStore, 'dueMailboxes' | 'dueAt' | 'nextDueAt' | 'wakeLater' | 'onChange'>
  /** Mailboxes drained at the same time, at most. */
  concurrency: number
  clock: Clock
  trouble: StoreTrouble
}

/**
 * Drains mailboxes within this process: at once where there is room, else from the store's list of due mailboxes, with
 * one timer for the next one that will be due.
 */
export class LocalScheduler implements Scheduler {
  readonly #options: LocalSchedulerOptions
  /** Due mailboxes read at once. */
  readonly #window: number
  readonly #stopping = new AbortController()
  /** null: not started, or stopping. */
  #drain: Drain | null = null
  /** The mailboxes being drained or reserved; true: something has come in for it meanwhile. */
  readonly #busy = new Map<string, boolean>()
  /** Drains under way, for `stop`. */
  readonly #running = new Set<Promise<void>>()
  /** Due mailboxes that were read and not begun. */
  #ready: string[] = []
  /** The store may have due mailboxes that are not in `#ready`. */
  #more = false
  /** Due mailboxes are being read. */
  #reading = false
  #timer: { at: number; cancel: () => void } | null = null
  /** The latest time that was seen. */
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
    // A command has replayed something, perhaps.
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

  /** Frees a mailbox; at once, so that nothing that comes in for it meanwhile goes unseen. */
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

  /** Fills the free places from what is ready, and reads more when that runs out. */
  #pump(): void {
    while (this.#hasRoom() && this.#ready.length > 0) {
      const orderingKey = this.#ready.shift() as string
      if (this.#busy.has(orderingKey)) this.#busy.set(orderingKey, true)
      else this.#launch(orderingKey)
    }
    if (this.#more && !this.#reading && this.#hasRoom()) void this.#readDue()
  }

  async #readDue(): Promise<void> {
    const { store, clock, trouble } = this.#options
    this.#reading = true
    this.#more = false
    await trouble.retry(async () => {
      const now = clock.now()
      if (now < this.#latest - CLOCK_SLACK_MS) await store.wakeLater(now)
      this.#latest = now
      this.#ready = await store.dueMailboxes(now, this.#window)
      if (this.#ready.length === this.#window) this.#more = true
      const next = await store.nextDueAt(now)
      // It may have become due meanwhile.
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

  /** It is held while the store is in trouble: the store may have no wake-up of it any more. */
  async #drainMailbox(orderingKey: string, claimed?: TakenDelivery): Promise<void> {
    const { store, trouble } = this.#options
    let given = claimed
    await trouble.retry(async () => {
      if (this.#drain === null) return
      const delivery = given
      given = undefined
      await this.#drain(orderingKey, delivery)
      // What waits for later had no wake-up during the drain, so that no timer may be set for it.
      const at = delivery === undefined ? await store.dueAt(orderingKey) : null
      if (at !== null) this.wake(orderingKey, at)
    }, this.#stopping.signal)
  }
}
