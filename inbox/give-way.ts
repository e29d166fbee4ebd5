/**
 * Accepting goes before handling: senders wait for their 200, nobody waits for a handler. While deliveries come in, no
 * handler that takes long is begun, for a while at most.
 */
export class GiveWay {
  /** Deliveries being accepted. */
  #accepting = 0
  /** How long handlers have taken lately, ms. */
  #usualMs = 0
  /** Those that wait, the first one first. */
  readonly #waiting: { answer: (begins: boolean) => void; until: number }[] = []
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  acceptingBegins(): void {
    this.#accepting++
  }

  acceptingEnds(): void {
    this.#accepting--
  }

  /** @param ms how long a handler has taken */
  handled(ms: number): void {
    this.#usualMs += (ms - this.#usualMs) / SMOOTHED_OVER
  }

  /** true: a handler may be begun. Else resolves when it may, with false once `close` was called. */
  enter(): true | Promise<boolean> {
    if (this.#waiting.length === 0 && (this.#accepting === 0 || this.#usualMs < SHORT_MS)) return true
    if (this.#isClosed) return Promise.resolve(false)
    this.#timer ??= setTimeout(this.#look, QUIET_MS)
    return new Promise(answer => this.#waiting.push({ answer, until: performance.now() + MAX_WAIT_MS }))
  }

  /** Those who wait are not begun. */
  close(): void {
    this.#isClosed = true
    for (const { answer } of this.#waiting.splice(0)) answer(false)
  }

  /** A few at a time: what comes in meanwhile must not wait for all of them. */
  readonly #look = (): void => {
    this.#timer = null
    for (let n = 0; n < BEGUN_AT_ONCE; n++) {
      const [first] = this.#waiting
      if (first === undefined) return
      if (this.#accepting > 0 && performance.now() < first.until) break
      this.#waiting.shift()
      // After everything else that is due: if the process was frozen meanwhile, the caller may first lose its claim.
      setImmediate(first.answer, true)
    }
    this.#timer = setTimeout(this.#look, this.#accepting > 0 ? QUIET_MS : 0)
  }
}

/** How long a handler waits for accepting, at most, ms: a burst of hundreds of messages is accepted by then. */
const MAX_WAIT_MS = 500
/** How often those that wait look whether accepting goes on, ms. */
const QUIET_MS = 2
const BEGUN_AT_ONCE = 4
/** Handlers that take less wait for nothing: they hold nobody up, ms. */
const SHORT_MS = 1
/** The mean is over about so many. */
const SMOOTHED_OVER = 16
