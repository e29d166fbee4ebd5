import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from './contracts.ts'

/** Wait before a store that failed is asked again, ms. */
export const STORE_TROUBLE_DELAY = 1_000

/**
 * Repeats a write that must not be given up (what it records has happened already) until the store takes it.
 * undefined: the inbox was stopped first.
 */
export async function untilStored<T>(
  write: () => Promise<T>,
  { clock, log, stopped }: { clock: Clock; log: FastifyBaseLogger; stopped: AbortSignal },
): Promise<T | undefined> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (stopped.aborted) return undefined
      log.error(error, 'the store did not take an outcome; tried again in 1 s')
      await delay(clock, STORE_TROUBLE_DELAY, stopped)
    }
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
