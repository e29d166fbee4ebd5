/** What handlers throw to say whether a retry can help, and errors about stores and options. */

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

  constructor(message: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
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
