/** What a handler throws to say whether trying again can help. */

/** Trying again cannot help: the delivery is dead at once. */
export class PermanentError extends Error {
  override name = 'PermanentError'
}

/**
 * Trying again later can help. After the retries in order are spent, the delivery is parked and tried again for
 * hours; any other error (a bug, say) makes it dead by then.
 */
export class TransientError extends Error {
  override name = 'TransientError'
  /** The least time to wait before the next attempt, ms. */
  readonly retryAfterMs: number

  constructor(message: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, options)
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
}

/** A store that can't be opened; the message names it, and says what to do. */
export class StoreOpenError extends Error {
  override name = 'StoreOpenError'
}

/** A store that is not there yet, for what only looks. */
export class StoreMissingError extends StoreOpenError {
  override name = 'StoreMissingError'
}

/** An option that is missing or malformed: the message names it (and its variable), and says what is expected. */
export class OptionError extends TypeError {}
