import type { Clock } from './contracts.ts'
import { TransientError } from './errors.ts'

/**
 * A pace for calls to a system that limits them: a bucket of tokens that holds a full minute's calls. Urgent calls go
 * first, then those of the handler that began to make calls first, so that a backlog is finished one after the other.
 */

const MINUTE_MS = 60_000
/** Chatwoot's own limit for each address: a process that died may have used its bucket up to the last. */
const LIMIT_PER_MINUTE = 3_000

export interface Pace {
  /** Resolves when a call may be made. @throws {TransientError} the signal fired first */
  take(signal: AbortSignal): Promise<void> | void
}

/** Orders handlers, which are known by their signals. */
let handlers = 0
const orderOf = new WeakMap<AbortSignal, number>()
const urgent = new WeakSet<AbortSignal>()
/** How long a handler has waited for its calls, and since when it waits now, Unix ms. */
const waits = new WeakMap<AbortSignal, { ms: number; waiting: number; since: number }>()

/** Calls with this signal go before those of others: payments and hand-overs. */
export function markUrgent(signal: AbortSignal): void {
  urgent.add(signal)
}

/** How long calls with this signal have waited for their turn, ms: it is not the handler's fault. */
export function waitedMs(signal: AbortSignal, now: number): number {
  const wait = waits.get(signal)
  if (wait === undefined) return 0
  return wait.ms + (wait.waiting > 0 ? Math.max(0, now - wait.since) : 0)
}

interface Waiter {
  signal: AbortSignal
  order: number
  go: () => void
}

/** @param callsPerMinute above 0 */
export function createPace(callsPerMinute: number, clock: Clock): Pace {
  const perMs = callsPerMinute / MINUTE_MS
  /** In order. */
  const queue: Waiter[] = []
  let tokens = Math.min(callsPerMinute, Math.max(0, LIMIT_PER_MINUTE - callsPerMinute))
  let filledAt = clock.now()
  let cancelTimer: (() => void) | undefined

  return {
    take(signal) {
      const order = orderOfSignal(signal)
      fill()
      if (queue.length === 0 && tokens >= 1) {
        tokens--
        return
      }
      return wait(signal, urgent.has(signal) ? order - Number.MAX_SAFE_INTEGER : order)
    },
  }

  async function wait(signal: AbortSignal, order: number): Promise<void> {
    if (signal.aborted) throw stopped()
    const turn = Promise.withResolvers<void>()
    const waiter = { signal, order, go: turn.resolve }
    const before = queue.findLastIndex(other => other.order <= order)
    queue.splice(before + 1, 0, waiter)
    const onAbort = () => {
      queue.splice(queue.indexOf(waiter), 1)
      turn.reject(stopped())
    }
    signal.addEventListener('abort', onAbort)
    beginWait(signal, clock.now())
    setTimer()
    try {
      await turn.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
      endWait(signal, clock.now())
      if (queue.length === 0) clearTimer()
    }
  }

  function fill(): void {
    const now = clock.now()
    // A clock that was set back adds nothing.
    tokens = Math.min(callsPerMinute, tokens + Math.max(0, now - filledAt) * perMs)
    filledAt = now
  }

  function setTimer(): void {
    cancelTimer ??= clock.after(Math.ceil((1 - tokens) / perMs), () => {
      cancelTimer = undefined
      fill()
      for (; tokens >= 1 && queue.length > 0; tokens--) (queue.shift() as Waiter).go()
      if (queue.length > 0) setTimer()
    })
  }

  function clearTimer(): void {
    cancelTimer?.()
    cancelTimer = undefined
  }
}

function orderOfSignal(signal: AbortSignal): number {
  const order = orderOf.get(signal) ?? ++handlers
  orderOf.set(signal, order)
  return order
}

function beginWait(signal: AbortSignal, now: number): void {
  const wait = waits.get(signal) ?? { ms: 0, waiting: 0, since: now }
  if (wait.waiting++ === 0) wait.since = now
  waits.set(signal, wait)
}

function endWait(signal: AbortSignal, now: number): void {
  const wait = waits.get(signal) as { ms: number; waiting: number; since: number }
  if (--wait.waiting === 0) wait.ms += Math.max(0, now - wait.since)
}

function stopped(): TransientError {
  return new TransientError('The call was stopped while it waited for its turn')
}
