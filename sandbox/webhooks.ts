import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import type { Clock } from '../inbox/contracts.ts'
import { signChatwoot, signStripe } from '../plugins/verification.ts'
import type { Wire, WireEntry } from './wire.ts'

/** Sends webhooks as Chatwoot and Stripe send them: signed, and again only as each of them sends again. */

export interface Webhook {
  event: string
  body: string
  /** The id of the message that it is about. */
  message?: number
  /** Webhooks with the same one arrive in order, as far as their first attempts go. */
  inOrderWith: string
  /**
   * `bot`: again after 429 and 500 only, 3 times in all, 3 s apart. `account`: never again. `stripe`: again, with
   * longer and longer waits, until it gets a 2xx.
   */
  as: 'bot' | 'account' | 'stripe'
  /** It is not sent again. @param why such as `500 Internal Server Error` */
  gaveUp?: (why: string) => void
}

export interface SenderOptions {
  clock: Clock
  wire: Wire
  secrets: { chatwoot: string; stripe: string }
  /** Where the service is now. */
  serviceUrl: () => string
  /** How long an answer may take, ms. Default 5,000, as in Chatwoot. */
  timeoutMs?: number
}

/** Chatwoot's AgentBots::WebhookJob. */
const BOT_TRIES = 3
const BOT_WAIT_MS = 3_000
const BOT_RETRIES_AFTER = [429, 500]
/** Sooner than the real one's, which are hours apart: so that one need not wait for them. */
const STRIPE_FIRST_WAIT_MS = 5_000
const STRIPE_LONGEST_WAIT_MS = 3_600_000
const STRIPE_GIVES_UP_MS = 3 * 24 * 3_600_000

/** A webhook and its way: the same at each attempt. */
interface Dispatch extends Webhook {
  /** Chatwoot's, the same on a bot's retries. */
  uuid: string
  /** Unix ms. */
  first: number
}

export class WebhookSender {
  readonly #options: SenderOptions
  readonly #idle = new EventEmitter<{ idle: [] }>()
  readonly #tails = new Map<string, Promise<void>>()
  readonly #timers = new Set<() => void>()
  readonly #closed = new AbortController()
  /** What was sent, by the wire entry of an attempt. */
  readonly #sent = new Map<number, Dispatch>()
  #underWay = 0
  /** Posts that wait for their answers. */
  readonly #posts = new Set<Promise<WireEntry>>()
  /** Until it resolves, none is posted. */
  #pause: Promise<void> = Promise.resolve()

  constructor(options: SenderOptions) {
    this.#options = options
  }

  send(webhook: Webhook): void {
    const dispatch = { ...webhook, uuid: randomUUID(), first: this.#options.clock.now() }
    const before = this.#tails.get(webhook.inOrderWith) ?? Promise.resolve()
    const attempt = this.#track(before.then(() => this.#attempt(dispatch, 1)))
    this.#tails.set(webhook.inOrderWith, attempt)
  }

  /** Sends what an attempt sent once more, signed anew. false: nobody knows it any more. */
  resend(wireId: number): boolean {
    const dispatch = this.#sent.get(wireId)
    if (dispatch === undefined) return false
    void this.#track(this.#post(dispatch).then(() => undefined))
    return true
  }

  /** Resolves when none is on its way. One that waits for its next attempt is not. */
  async settled(): Promise<void> {
    while (this.#underWay > 0) await once(this.#idle, 'idle')
  }

  /** Does something while nothing is on its way: what is, is answered before, and the rest is sent and signed after. */
  pauseFor(work: () => Promise<void>): Promise<void> {
    const done = this.#pause.then(async () => {
      await Promise.all(this.#posts)
      await work()
    })
    this.#pause = done.catch(() => {})
    return done
  }

  /** Ends what is on its way, and sends nothing any more. */
  async close(): Promise<void> {
    this.#closed.abort()
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    await this.settled()
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#underWay++
    await work
    this.#underWay--
    if (this.#underWay === 0) {
      this.#tails.clear()
      this.#idle.emit('idle')
    }
  }

  async #attempt(dispatch: Dispatch, attempt: number): Promise<void> {
    if (this.#closed.signal.aborted) return
    const { status, error } = await this.#post(dispatch)
    if (this.#closed.signal.aborted || (status !== null && status >= 200 && status < 300)) return
    const wait = this.#waitAfter(dispatch, attempt, status)
    if (wait === undefined) return dispatch.gaveUp?.(error ?? `${status}`)
    const cancel = this.#options.clock.after(wait, () => {
      this.#timers.delete(cancel)
      void this.#track(this.#attempt(dispatch, attempt + 1))
    })
    this.#timers.add(cancel)
  }

  /** ms until the next attempt; undefined: there is none. */
  #waitAfter({ as, first }: Dispatch, attempt: number, status: number | null): number | undefined {
    if (as === 'account') return undefined
    if (as === 'bot') {
      return attempt < BOT_TRIES && BOT_RETRIES_AFTER.includes(Number(status)) ? BOT_WAIT_MS : undefined
    }
    const isLate = this.#options.clock.now() - first > STRIPE_GIVES_UP_MS
    return isLate ? undefined : Math.min(STRIPE_FIRST_WAIT_MS * 2 ** (attempt - 1), STRIPE_LONGEST_WAIT_MS)
  }

  async #post(dispatch: Dispatch): Promise<WireEntry> {
    for (let pause: Promise<void> | undefined; pause !== this.#pause; ) {
      pause = this.#pause
      await pause
    }
    const post = this.#exchange(dispatch)
    this.#posts.add(post)
    return post.finally(() => this.#posts.delete(post))
  }

  /** Never rejects. */
  async #exchange(dispatch: Dispatch): Promise<WireEntry> {
    const { wire, clock, serviceUrl, timeoutMs = 5_000 } = this.#options
    const { as, body, event, message } = dispatch
    const system = as === 'stripe' ? 'stripe' : 'chatwoot'
    const path = as === 'stripe' ? '/webhook/payments' : '/cw'
    const about = { event, ...(message !== undefined && { message }) }
    const end = wire.begin({ at: clock.now(), kind: 'webhook', system, method: 'POST', path, ...about, request: body })
    try {
      const response = await fetch(serviceUrl() + path, {
        method: 'POST',
        headers: { ...this.#sign(dispatch), connection: 'close' },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closed.signal]),
      })
      const text = await response.text()
      return this.#remember(end({ status: response.status, response: text, ...deliveryIn(text) }), dispatch)
    } catch (error) {
      return this.#remember(end({ status: null, error: reasonOf(error as Error, timeoutMs) }), dispatch)
    }
  }

  /** For `resend`: as long as the wire has it. */
  #remember(entry: WireEntry, dispatch: Dispatch): WireEntry {
    this.#sent.set(entry.id, dispatch)
    const [oldest] = this.#options.wire.entries
    for (const id of this.#sent.keys()) {
      if (id >= (oldest as WireEntry).id) break
      this.#sent.delete(id)
    }
    return entry
  }

  #sign({ as, body, uuid }: Dispatch): Record<string, string> {
    const { clock, secrets } = this.#options
    const timestamp = Math.floor(clock.now() / 1_000)
    if (as !== 'stripe') return { ...signChatwoot(body, secrets.chatwoot, timestamp), 'x-chatwoot-delivery': uuid }
    const headers = signStripe(body, secrets.stripe, timestamp)
    return { ...headers, 'content-type': 'application/json; charset=utf-8' }
  }
}

function deliveryIn(text: string): { delivery?: string } {
  try {
    const { id } = JSON.parse(text) as { id?: unknown }
    return typeof id === 'string' ? { delivery: id } : {}
  } catch {
    return {}
  }
}

function reasonOf(error: Error, timeoutMs: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  const { code, message } = (error.cause ?? error) as Error & { code?: string }
  return code ?? message
}
