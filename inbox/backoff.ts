import { inspect } from 'node:util'
import { causeOf } from './cause.ts'
import type { Outcome, TakenDelivery } from './contracts.ts'
import { PermanentError, TransientError } from './errors.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Delays between attempts while the rest of the mailbox waits, ms. */
const IN_ORDER = [1, 2, 4, 8, 16, 32].map(seconds => seconds * SECOND)
/** Delays before the attempts of a parked delivery, ms. */
const PARKED = [5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR]
/** Retry-After is capped at this, ms. */
const MAX_RETRY_AFTER_MS = HOUR

/** Up to this fraction is added to each delay, so that retries don't all come at once. */
const SPREAD = 1 / 5
/** Upper limit of any delay before a retry, ms. */
export const MAX_RETRY_MS = Math.max(...PARKED) * (1 + SPREAD)

const MAX_ERROR_LENGTH = 500

/** Attempts before a delivery is parked. */
export const ATTEMPTS_IN_ORDER = IN_ORDER.length + 1

/**
 * The outcome of a failed attempt.
 * @param random from 0 to 1: how far a retry is spread
 */
export function afterFailure(
  delivery: Pick<TakenDelivery, 'attempts' | 'state'>,
  error: unknown,
  now: number,
  random = Math.random(),
): Exclude<Outcome, { state: 'done' }> {
  const failure = { error: describeError(error), cause: causeOf(error) }
  if (error instanceof PermanentError) return { state: 'dead', ...failure }

  const asked = error instanceof TransientError ? error.retryAfterMs : 0
  // A header that is not a number gives NaN: ignore it.
  const retryAfter = asked > 0 ? Math.min(asked, MAX_RETRY_AFTER_MS) : 0
  const at = (delay: number) => now + Math.round(Math.max(delay * (1 + random * SPREAD), retryAfter))

  const inOrder = delivery.state === 'pending' ? IN_ORDER[delivery.attempts - 1] : undefined
  if (inOrder !== undefined) return { state: 'pending', ...failure, nextAttemptAt: at(inOrder) }

  const parked = PARKED[Math.max(0, delivery.attempts - ATTEMPTS_IN_ORDER)]
  if (parked !== undefined && error instanceof TransientError) {
    return { state: 'parked', ...failure, nextAttemptAt: at(parked) }
  }
  return { state: 'dead', ...failure }
}

/** What was thrown, or an error in its place if inspecting it throws (a getter, a proxy, a toString). */
export function readable(thrown: unknown): unknown {
  try {
    line(thrown)
    if (thrown instanceof TransientError) Number(thrown.retryAfterMs)
    return thrown
  } catch {
    return new Error('The handler threw something that can’t be inspected')
  }
}

/** An error and its cause in at most 500 characters. Never throws, whatever was thrown. */
export function describeError(error: unknown): string {
  return line(readable(error)).slice(0, MAX_ERROR_LENGTH).toWellFormed()
}

function line(error: unknown): string {
  if (!(error instanceof Error)) return `Thrown: ${inspect(error)}`
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.name}: ${error.message}${cause}`
}
