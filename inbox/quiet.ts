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
  /** Called when a delivery has been stored and waits. What it throws is logged. @param delivery as for `waits` */
  onWait?: ((delivery: Delivery) => void) | undefined
  /**
   * Whether what comes in joins a run whose attempt could do nothing: a system that the handler needs failed it
   * before any step of `once` whose key begins with `context.run` was done. Only for handlers that do nothing else that
   * depends on which deliveries they are given. Default: a run stays as it was begun.
   */
  reopens?: boolean | undefined
}

/**
 * @param others the source's handlers so far, by event
 * @throws {OptionError} a time is not one, or another handler of the source does not share its quiet
 */
export function checkQuiet(
  source: string,
  event: string,
  handler: Handler<never>,
  others: ReadonlyMap<string, Handler>,
): void {
  if (typeof handler === 'function' || handler.quiet === undefined) return
  const { quietMs, maxMs, waits } = handler.quiet
  const name = `handlers.${source}.${event}`
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
  for (const [otherEvent, other] of others) {
    const theirs = typeof other === 'object' ? other.quiet : undefined
    if (
      theirs === undefined ||
      theirs === handler.quiet ||
      theirs.quietMs === 0 ||
      quietMs === 0 ||
      otherEvent === event
    )
      continue
    throw new OptionError(
      `${name} and the handler of ${otherEvent} wait for quiet together, and the first one's gets all: give both the same quiet`,
    )
  }
}

/** An hour: a run is for what somebody writes in one go. */
export const MAX_QUIET_MS = 60 * 60 * 1_000

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

/** A delivery has been stored and waits. @param handler the one that has it wait */
export function tellOfWait(handler: Handler | undefined, delivery: NewDelivery, log: Logger): void {
  const { quiet } = handler as { quiet: Quiet }
  try {
    quiet.onWait?.(delivery)
  } catch (error) {
    log.warn({ err: error, delivery: delivery.id }, 'onWait failed')
  }
}
