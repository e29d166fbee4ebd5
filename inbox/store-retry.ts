import type { Clock, Logger } from './contracts.ts'

/** Wait before retrying a failed store, ms. */
const RETRY_DELAY_MS = 1_000
/** Minimum time between two equal log lines, ms: an outage must not fill the log. */
const LOG_INTERVAL_MS = 10_000

/** Retries a store that fails, and logs it: when it begins, every 10 s while it lasts, and when it is over. */
export interface StoreRetry {
  /**
   * Retries an operation that must not be given up, every second until it succeeds. undefined: `stopped` fired first.
   */
  retry<T>(run: () => Promise<T>, stopped: AbortSignal): Promise<T | undefined>
  /** Runs an operation once: its caller repeats it under the same name anyway. undefined: it failed. */
  attempt<T>(name: string, run: () => Promise<T>): Promise<T | undefined>
}

export function createStoreRetry({ clock, log }: { clock: Clock; log: Logger }): StoreRetry {
  /** Operations that failed and have not succeeded since. */
  const failing = new Set<unknown>()
  const isTime = onceInTenSeconds()
  let begunAt = 0
  let said = false

  function failed(what: unknown, error: unknown): void {
    if (failing.size === 0) begunAt = clock.now()
    failing.add(what)
    if (!isTime(clock.now())) return
    said = true
    log.error({ err: error, waiting: failing.size }, 'store unavailable, retrying every second')
  }

  function worked(what: unknown): void {
    failing.delete(what)
    if (!said || failing.size > 0) return
    said = false
    log.info({ ms: Math.max(0, clock.now() - begunAt) }, 'store available again')
  }

  return {
    async retry(run, stopped) {
      const what = Symbol()
      for (;;) {
        try {
          const result = await run()
          worked(what)
          return result
        } catch (error) {
          if (stopped.aborted) return undefined
          failed(what, error)
          await delay(clock, RETRY_DELAY_MS, stopped)
        }
      }
    },
    async attempt(name, run) {
      try {
        const result = await run()
        worked(name)
        return result
      } catch (error) {
        failed(name, error)
        return undefined
      }
    },
  }
}

/** Returns a function that says, for a time in ms, whether a line may be logged again: once in 10 s. */
export function onceInTenSeconds(): (now: number) => boolean {
  let saidAt = Number.NEGATIVE_INFINITY
  return now => {
    // A clock that was set back must not silence it.
    if (now >= saidAt && now - saidAt < LOG_INTERVAL_MS) return false
    saidAt = now
    return true
  }
}

/** Resolves after `ms`, or when `stopped` fires. */
export function delay(clock: Clock, ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      cancel()
      stopped.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    stopped.addEventListener('abort', end)
  })
}
