import type { Delivery, Logger, NewDelivery } from './contracts.ts'
import type { Handler } from './drain.ts'
import { OptionError } from './errors.ts'

/** Handlers that wait until a mailbox is quiet, and then get all that has come in: see WaitForQuiet. */

export interface Quiet {
  /** How long nothing may come in for the mailbox, ms; 0: nothing waits. */
  quietMs: number
  /** How long the first delivery waits at most, ms. */
  maxMs: number
  /**
   * Decides about each delivery before it is stored, so it must be fast. wait: it waits for quiet. join: it ends the
   * wait, and belongs to the run. alone: it ends the wait and is handled after the run, by itself; also if this throws.
   * @param delivery its payload as it came in, not checked
   */
  waits: (delivery: Delivery) => 'wait' | 'join' | 'alone'
}

/** @param name of the handler, for the error. @throws {OptionError} a time is not one */
export function checkQuiet(name: string, handler: Handler<never>): void {
  if (typeof handler === 'function' || handler.quiet === undefined) return
  const { quietMs, maxMs, waits } = handler.quiet
  for (const [field, ms] of Object.entries({ quietMs, maxMs })) {
    if (!Number.isInteger(ms) || ms < 0 || ms > MAX_QUIET_MS) {
      throw new OptionError(
        `${name}.quiet.${field} must be a whole number of ms, from 0 to ${MAX_QUIET_MS}, not ${String(ms)}`,
      )
    }
  }
  if (maxMs < quietMs) {
    throw new OptionError(`${name}.quiet.maxMs must be at least quietMs (${quietMs}), not ${maxMs}`)
  }
  if (typeof waits !== 'function') throw new OptionError(`${name}.quiet.waits must be a function`)
}

/** An hour: a run is for what somebody writes in one go. */
const MAX_QUIET_MS = 60 * 60 * 1_000

/** How a delivery waits; undefined: not at all. */
export function waitOf(handler: Handler | undefined, delivery: NewDelivery, log: Logger): NewDelivery['quiet'] {
  if (typeof handler !== 'object' || handler.quiet === undefined || delivery.unreadable !== undefined) return undefined
  const { quietMs, maxMs, waits } = handler.quiet
  if (quietMs === 0) return undefined
  try {
    const how = waits(delivery)
    return how === 'wait' || how === 'join' ? { ends: how === 'join', quietMs, maxMs } : undefined
  } catch (error) {
    log.warn({ err: error, delivery: delivery.id }, 'could not tell whether a delivery waits, so it does not')
    return undefined
  }
}
