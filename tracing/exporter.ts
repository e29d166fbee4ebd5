import type { Attributes } from '@opentelemetry/api'
import { isTransientStatus, retryAfterMs } from '../clients/http.ts'
import { request } from '../clients/request.ts'
import { type Clock, type Logger, systemClock } from '../inbox/contracts.ts'
import type { UntracedEvent } from '../inbox/events.ts'
import { otlpJson } from './otlp.ts'
import type { Destination, EndedSpan } from './recorder.ts'

export interface ExporterOptions {
  /** Where the collector takes traces: http(s). */
  url: URL
  /** Sent with each request; they may hold a token. */
  headers: Record<string, string>
  /** What all the spans are of, such as `service.name`. */
  resource: Attributes
  /** Name of OpenTelemetry's instrumentation scope. */
  scope: string
  log: Logger
  /** Is told what is left out. */
  onLeftOut: (what: UntracedEvent) => void
  clock?: Pick<Clock, 'after'>
}

/** Spans kept until they are sent: some MB. */
const MAX_QUEUE = 4_096
/** From here on no trace is begun, so that those that have begun are complete. */
const FULL_FOR_NEW = MAX_QUEUE / 2
/** Spans in one request: some 300 KB. */
const BATCH_SIZE = 512
/**
 * From one sending to the next, ms. With the size of the queue it bounds what a flood of webhooks costs: the JSON of a
 * delivery's spans takes a quarter of the time that accepting it does.
 */
const DELAY_MS = 1_000
/** After a failure, ms. */
const RETRY_MS = 5_000
/** For the answer to a request, ms: as in OTEL_EXPORTER_OTLP_TIMEOUT. */
const TIMEOUT_MS = 10_000
/** What is left to send when the service stops, ms. */
const CLOSE_MS = 2_000
/** How often what was left out is logged at most, ms. */
const SAID_EVERY_MS = 60_000

/** Sends spans to a collector, in batches. Nothing waits for it: what it can't take in time is left out, and counted. */
export class Exporter implements Destination {
  readonly #options: ExporterOptions
  readonly #queue: EndedSpan[] = []
  readonly #clock: Pick<Clock, 'after'>
  readonly #closing = new AbortController()
  #cancelTimer: (() => void) | undefined
  #sending: Promise<void> | undefined
  #isFailing = false
  #pauseMs = DELAY_MS
  #isClosed = false
  /** Traces that were not begun and spans left out, since it was last said. */
  #left = { traces: 0, spans: 0 }
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(options: ExporterOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  hasRoom(): boolean {
    if (this.#queue.length < FULL_FOR_NEW) return true
    this.#leaveOut('traces', 1)
    return false
  }

  add(span: EndedSpan): void {
    if (this.#queue.length >= MAX_QUEUE || this.#isClosed) {
      this.#leaveOut('spans', 1)
      return
    }
    this.#queue.push(span)
    if (this.#sending === undefined) this.#cancelTimer ??= this.#clock.after(DELAY_MS, () => this.#send())
  }

  /** Sends what is left, for 2 s at most. */
  async close(): Promise<void> {
    this.#isClosed = true
    const cancelLimit = this.#clock.after(CLOSE_MS, () => this.#closing.abort(new Error('the service is stopping')))
    this.#cancelTimer?.()
    await this.#sending
    await this.#sendAll()
    cancelLimit()
    this.#leaveOut('spans', this.#queue.length)
    this.#sayWhatIsLeft()
  }

  #send(): void {
    this.#cancelTimer = undefined
    this.#sending = this.#sendAll()
    void this.#sending.then(() => {
      this.#sending = undefined
      if (this.#queue.length === 0 || this.#isClosed) return
      this.#cancelTimer = this.#clock.after(this.#pauseMs, () => this.#send())
    })
  }

  /** What is there now, unless the collector does not take it. */
  async #sendAll(): Promise<void> {
    for (let left = this.#queue.length; left > 0; left -= BATCH_SIZE) if (!(await this.#sendBatch())) return
  }

  /** Whether the collector took it. What it refuses is left out: sent again, it would be refused again. */
  async #sendBatch(): Promise<boolean> {
    const batch = this.#queue.slice(0, BATCH_SIZE)
    const { problem, isRefused, waitMs } = await this.#post(batch)
    this.#pauseMs = problem === undefined ? DELAY_MS : Math.max(RETRY_MS, waitMs)
    if (problem === undefined || isRefused) this.#queue.splice(0, batch.length)
    if (isRefused) this.#leaveOut('spans', batch.length)
    this.#say(problem)
    return problem === undefined
  }

  async #post(batch: readonly EndedSpan[]): Promise<{ problem?: string; isRefused: boolean; waitMs: number }> {
    const { url, headers, resource, scope } = this.#options
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      const { status, headers: answered } = await request(url.href, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: otlpJson(resource, scope, batch),
        signal: AbortSignal.any([timeout, this.#closing.signal]),
      })
      if (status < 300) return { isRefused: false, waitMs: 0 }
      const waitMs = retryAfterMs(answered['retry-after'])
      return { problem: `it answered ${status}`, isRefused: !isTransientStatus(status), waitMs }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return { problem: `${code ?? message}`, isRefused: false, waitMs: 0 }
    }
  }

  /** Once, not for each batch. */
  #say(problem: string | undefined): void {
    const { log, url } = this.#options
    if (problem !== undefined && !this.#isFailing) {
      log.warn(`traces are not sent to ${url.origin} (${problem}): all else goes on without them, they are tried again`)
    } else if (problem === undefined && this.#isFailing) {
      log.info(`traces are sent again to ${url.origin}`)
    }
    this.#isFailing = problem !== undefined
    if (performance.now() - this.#saidAt > SAID_EVERY_MS) this.#sayWhatIsLeft()
  }

  #leaveOut(what: keyof UntracedEvent, count: number): void {
    this.#left[what] += count
    this.#options.onLeftOut({ traces: 0, spans: 0, [what]: count })
  }

  #sayWhatIsLeft(): void {
    const { traces, spans } = this.#left
    if (traces + spans === 0) return
    this.#left = { traces: 0, spans: 0 }
    this.#saidAt = performance.now()
    this.#options.log.warn({ traces, spans }, 'traces left out: more than the collector has taken in time')
  }
}
