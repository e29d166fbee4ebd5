import type { Clock, Store } from './contracts.ts'
import { TransientError } from './errors.ts'
import { wellFormed } from './strings.ts'

/**
 * Runs a step once for its key, across deliveries, retries and restarts: durable claim, step, durable record. Later
 * calls return the recorded result (from JSON) without running the step. A step that throws releases its claim. If the
 * process dies between the step's effect and its record, the step runs again: at most one repeat per crash.
 * @param step gets `true` if an earlier attempt at it failed or died, and may have acted
 * @throws {TransientError} another delivery is running the step
 * @throws {TypeError} the key is not a string
 */
export type Once = <T>(key: string, step: (mayHaveActed: boolean) => Promise<T> | T) => Promise<T>

export function createOnce(options: {
  store: Pick<Store, 'claimStep' | 'recordStep' | 'releaseStep'>
  clock: Clock
  persist: (write: () => Promise<void>) => Promise<unknown>
}): Once {
  const { store, clock, persist } = options
  return async <T>(given: string, step: (mayHaveActed: boolean) => Promise<T> | T) => {
    const key = wellFormed(given, "once's key")
    const claim = await store.claimStep(key, clock.now())
    if (claim === 'busy') throw new TransientError(`Another delivery is running the step ${key}`)
    if (typeof claim === 'object') return claim.result as T
    let result: T
    try {
      result = await step(claim === 'again')
    } catch (error) {
      await persist(() => store.releaseStep(key, clock.now()))
      throw error
    }
    const kept = storable(result)
    await persist(() => store.recordStep(key, kept, clock.now()))
    return result
  }
}

/** A result that can't be JSON is recorded as null: the effect has happened, so the step must be recorded. */
function storable(result: unknown): unknown {
  try {
    return JSON.stringify(result) === undefined ? null : result
  } catch {
    return null
  }
}
