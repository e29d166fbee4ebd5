/** What handlers throw to say whether a retry can help, and errors about stores and options. */

/** The outside systems that are held while they are unavailable: see inbox/breaker.ts. */
export const SYSTEMS = ['chatwoot', 'stripe', 'google'] as const
export type System = (typeof SYSTEMS)[number]

/** What a failed call says about the system that it was made to. */
export interface Outage {
  system: System
  /** It is about the system itself: it can't be reached, limits us, or something else answers in its place. */
  isProof: boolean
  /** What it answered, or why it did not: an HTTP status, `timeout`. */
  code?: string | number | undefined
}

/** A retry can't help: the delivery is dead at once. */
export class PermanentError extends Error {
  override name = 'PermanentError'
}

/**
 * A retry can help. When the retries in order are used up, the delivery is parked and retried for hours; after any
 * other error (a bug, say) it is dead by then.
 */
export class TransientError extends Error {
  override name = 'TransientError'
  /** Minimum time before the next attempt, ms. */
  readonly retryAfterMs: number
  readonly #outage: Outage | undefined

  constructor(message: string, options: TransientErrorOptions = {}) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs ?? 0
    this.#outage = options.outage
  }

  /** Set by our clients when a system did not do its part. */
  get outage(): Outage | undefined {
    return this.#outage
  }
}

export interface TransientErrorOptions extends ErrorOptions {
  retryAfterMs?: number
  outage?: Outage | undefined
}

/** Causes searched at most: they may form a circle. */
const MAX_CAUSES = 8

/** The error, or one of its causes, that tells of an outage. */
export function outageOf(error: unknown): { error: TransientError; outage: Outage } | undefined {
  let each = error
  for (let depth = 0; depth < MAX_CAUSES && each instanceof Error; depth++) {
    if (each instanceof TransientError && each.outage !== undefined) return { error: each, outage: each.outage }
    each = each.cause
  }
  return undefined
}

/** A store can't be opened; the message names it and says what to do. */
export class StoreOpenError extends Error {
  override name = 'StoreOpenError'
}

/** A read-only command found no store. */
export class StoreMissingError extends StoreOpenError {
  override name = 'StoreMissingError'
}

/** An option is missing or malformed; the message names it (and its variable) and says what is expected. */
export class OptionError extends TypeError {}
