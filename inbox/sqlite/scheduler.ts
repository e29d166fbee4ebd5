import type { Clock, Drain, Scheduler, TakenDelivery } from '../contracts.ts'
import type { StoreTrouble } from '../store-trouble.ts'
import { CLOCK_SLACK_MS, type SqliteStore } from './store.ts'

/**
 * Due mailboxes read from the store at once, at least: what is waiting beyond them stays on disk, whatever the backlog.
 * Twice as many as are drained at the same time, or all that is read could be at work already.
 */
const WINDOW = 256

/** A timer longer than this is not relied on, ms: the clock may be set, and a machine that sleeps stops its timers. */
const LOOK_AGAIN_MS = 30_000

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
export function createLocalScheduler({ store, concurrency, clock, trouble }: LocalSchedulerOptions): Scheduler {
  const window = Math.max(WINDOW, Math.ceil(2 * concurrency))
  const stopping = new AbortController()
  let drain: Drain | null = null
  /** The mailboxes being drained or reserved; true: something has come in for it meanwhile. */
  const busy = new Map<string, boolean>()
  /** Drains under way, for `stop`. */
  const running = new Set<Promise<void>>()
  let ready: string[] = []
  /** The store may have due mailboxes that are not in `ready`. */
  let more = false
  let looking = false
  let timer: { at: number; cancel: () => void } | null = null
  /** The latest time that was seen. */
  let latest = Number.NEGATIVE_INFINITY

  function setTimer(at: number): void {
    if (drain === null || (timer !== null && timer.at <= at)) return
    timer?.cancel()
    const now = clock.now()
    latest = Math.max(latest, now)
    const cancel = clock.after(Math.min(Math.max(0, at - now), LOOK_AGAIN_MS), () => {
      timer = null
      more = true
      pump()
    })
    timer = { at, cancel }
  }

  /** Fills the free places from what is ready, and looks for more when that runs out. */
  function pump(): void {
    while (drain !== null && busy.size < concurrency && ready.length > 0) {
      const orderingKey = ready.shift() as string
      if (busy.has(orderingKey)) busy.set(orderingKey, true)
      else launch(orderingKey)
    }
    if (drain !== null && more && !looking && busy.size < concurrency) void look()
  }

  async function look(): Promise<void> {
    looking = true
    more = false
    await trouble.retry(async () => {
      const now = clock.now()
      if (now < latest - CLOCK_SLACK_MS) await store.wakeLater(now)
      latest = now
      ready = await store.dueMailboxes(now, window)
      if (ready.length === window) more = true
      const next = await store.nextDueAt(now)
      // It may have become due meanwhile.
      if (next !== null && next <= clock.now()) more = true
      else if (next !== null) setTimer(next)
    }, stopping.signal)
    looking = false
    pump()
  }

  function launch(orderingKey: string, claimed?: TakenDelivery): void {
    busy.set(orderingKey, false)
    const done = work(orderingKey, claimed).then(() => {
      running.delete(done)
      release(orderingKey)
    })
    running.add(done)
  }

  /** Drains a mailbox. It is held while the store is in trouble: the store may have no wake-up of it any more. */
  async function work(orderingKey: string, claimed?: TakenDelivery): Promise<void> {
    let given = claimed
    await trouble.retry(async () => {
      if (drain === null) return
      const delivery = given
      given = undefined
      await drain(orderingKey, delivery)
      // What waits for later had no wake-up during the drain, so that no timer may be set for it.
      const at = delivery === undefined ? await store.dueAt(orderingKey) : null
      if (at !== null) wake(orderingKey, at)
    }, stopping.signal)
  }

  /** Frees a mailbox; at once, so that nothing that comes in for it meanwhile goes unseen. */
  function release(orderingKey: string): void {
    const wokenMeanwhile = busy.get(orderingKey)
    busy.delete(orderingKey)
    if (wokenMeanwhile) wake(orderingKey)
    else pump()
  }

  function wake(orderingKey: string, at?: number): void {
    if (at !== undefined && at > clock.now()) setTimer(at)
    else if (busy.has(orderingKey)) busy.set(orderingKey, true)
    else if (drain !== null && busy.size < concurrency) launch(orderingKey)
    else more = true
  }

  return {
    start(drainMailbox) {
      drain = drainMailbox
      const lookAgain = () => {
        more = true
        pump()
      }
      // A command has replayed something, perhaps.
      store.onChange(lookAgain)
      lookAgain()
    },
    reserve(orderingKey) {
      if (drain === null || busy.size >= concurrency || busy.has(orderingKey)) return false
      busy.set(orderingKey, false)
      return true
    },
    run(claimed) {
      launch(claimed.orderingKey, claimed)
    },
    release,
    wake,
    async stop() {
      drain = null
      stopping.abort()
      timer?.cancel()
      timer = null
      await Promise.all(running)
    },
  }
}
