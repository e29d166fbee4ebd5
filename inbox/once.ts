import type { Clock, Store } from './contracts.ts'
import { TransientError } from './errors.ts'
import { wellFormed } from './texts.ts'

/**
 * Runs a step once for its key, across deliveries, retries and restarts: a durable claim, the step, a durable record.
 * Later calls get the recorded result (as JSON) without running the step. A step that throws gives its claim back. If
 * the process dies between the step's effect and its record, the step runs again: one repeat is possible.
 * @throws {TransientError} while another delivery is at the step
 * @throws {TypeError} the key is not a string
 */
export type Once = <T>(key: string, step: () => Promise<T> | T) => Promise<T>

export function createOnce(options: {
  store: Pick<Store, 'claimStep' | 'recordStep' | 'releaseStep'>
  clock: Clock
  persist: (write: () => Promise<void>) => Promise<unknown>
}): Once {
  const { store, clock, persist } = options
  return async <T>(given: string, step: () => Promise<T> | T) => {
    const key = wellFormed(given, "once's key")
    const claim = await store.claimStep(key, clock.now())
    if (claim === 'busy') throw new TransientError(`Another delivery is at the step ${key}`)
    if (claim !== 'claimed') return claim.result as T
    let result: T
    try {
      result = await step()
    } catch (error) {
      await persist(() => store.releaseStep(key))
      throw error
    }
    const kept = storable(result)
    await persist(() => store.recordStep(key, kept, clock.now()))
    return result
  }
}

/** A result that can't be JSON must not keep the step from being recorded: its effect has happened. */
function storable(result: unknown): unknown {
  try {
    return JSON.stringify(result) === undefined ? null : result
  } catch {
    return null
  }
}
