import { inspect } from 'node:util'
import type { Outcome, TakenDelivery } from './contracts.ts'
import { PermanentError, TransientError } from './errors.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Delays between the attempts that hold back the delivery's mailbox, ms. */
const IN_ORDER = [1, 2, 4, 8, 16, 32].map(seconds => seconds * SECOND)
/** Delays before the attempts of a parked delivery, ms. */
const PARKED = [5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR]
/** A sender's Retry-After beyond this is not believed, ms. */
const MAX_RETRY_AFTER_MS = HOUR

/** Retries are spread over so much more than their delay, so that they do not come at once. */
const SPREAD = 1 / 5
/** No retry is further away than this, ms. */
export const MAX_RETRY_MS = Math.max(...PARKED) * (1 + SPREAD)

const MAX_ERROR_LENGTH = 500

/** Attempts before a delivery leaves the order. */
export const ATTEMPTS_IN_ORDER = IN_ORDER.length + 1

/**
 * What becomes of a delivery whose attempt failed.
 * @param random from 0 to 1: how far a retry is spread
 */
export function afterFailure(
  delivery: Pick<TakenDelivery, 'attempts' | 'state'>,
  error: unknown,
  now: number,
  random = Math.random(),
): Exclude<Outcome, { state: 'done' }> {
  const message = describeError(error)
  if (error instanceof PermanentError) return { state: 'dead', error: message }

  const asked = error instanceof TransientError ? error.retryAfterMs : 0
  // NaN, from a header that is no number, is no time to wait.
  const retryAfter = asked > 0 ? Math.min(asked, MAX_RETRY_AFTER_MS) : 0
  const at = (delay: number) => now + Math.round(Math.max(delay * (1 + random * SPREAD), retryAfter))

  const inOrder = delivery.state === 'pending' ? IN_ORDER[delivery.attempts - 1] : undefined
  if (inOrder !== undefined) return { state: 'pending', error: message, nextAttemptAt: at(inOrder) }

  const parked = PARKED[Math.max(0, delivery.attempts - ATTEMPTS_IN_ORDER)]
  if (parked !== undefined && error instanceof TransientError) {
    return { state: 'parked', error: message, nextAttemptAt: at(parked) }
  }
  return { state: 'dead', error: message }
}

/** What was thrown, unless looking at it throws (a getter, a proxy, a toString): then an error that says so. */
export function readable(thrown: unknown): unknown {
  try {
    line(thrown)
    if (thrown instanceof TransientError) Number(thrown.retryAfterMs)
    return thrown
  } catch {
    return new Error('The handler threw something that can not be read')
  }
}

/** An error in a line of at most 500 characters, with what caused it. Whatever was thrown, this does not throw. */
export function describeError(error: unknown): string {
  return line(readable(error)).slice(0, MAX_ERROR_LENGTH).toWellFormed()
}

function line(error: unknown): string {
  if (!(error instanceof Error)) return `Thrown: ${inspect(error)}`
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.name}: ${error.message}${cause}`
}
