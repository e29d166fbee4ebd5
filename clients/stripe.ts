import type Stripe from 'stripe'
import { PermanentError } from '../inbox/errors.ts'

export interface StripeOptions {
  /** `sk_test_…` or `sk_live_…` (or a restricted `rk_…`). */
  secretKey?: string
  /** Base URL of Stripe's API (for a proxy or tests). */
  apiBase?: string
  /** Time-out of a call, up to the last byte of its answer, ms. Default 10,000. */
  timeoutMs?: number
}

/** A lesson to be paid. */
export interface Checkout {
  order: string
  /** What asks for this session, and not for another one of the order: the delivery's id. */
  attempt: string
  /** A Stripe price id. */
  price: string
  /** Unix ms; Stripe wants 30 min from now at least, and 24 h at most. */
  expiresAt: number
  /** Where the student comes out after paying. */
  returnUrl: string
  /** Of the payment page. */
  locale: Stripe.Checkout.SessionCreateParams.Locale
  /** For the session and for its payment intent: Stripe copies it to neither by itself. At most 500 characters each. */
  metadata: Record<string, string>
}

/**
 * Calls throw PermanentError, or TransientError where trying again can help. Each ends within `timeoutMs`, and takes a
 * signal that aborts it.
 */
export interface StripeClient {
  /** Whether the key is of live mode; events of the other mode are none of ours. */
  readonly livemode: boolean
  /** As it is now, with its payment intent and that one's charge. */
  getSession(id: string, signal: AbortSignal): Promise<Stripe.Checkout.Session>
  /** The checkout session that a payment was made in, if it was made in one; as `getSession` gives it. */
  findSession(paymentIntent: string, signal: AbortSignal): Promise<Stripe.Checkout.Session | undefined>
  /** A payment intent; undefined: Stripe knows none with that id. */
  findIntent(id: string, signal: AbortSignal): Promise<Stripe.PaymentIntent | undefined>
  getPrice(id: string, signal: AbortSignal): Promise<Stripe.Price>
  /** Makes a checkout session: one for an order and attempt, however often the same is asked for within 24 h. */
  createSession(checkout: Checkout, signal: AbortSignal): Promise<{ id: string; url: string }>
  /** Ends a session, so that it can't be paid any more. false: it is complete, paid or about to be. */
  expireSession(id: string, signal: AbortSignal): Promise<boolean>
  /** An event as its snapshot webhook has it; Stripe keeps it for 30 days. */
  getEvent(id: string, signal: AbortSignal): Promise<Stripe.Event>
  /** The object that a thin event is about, as it is now. @param url the path that the event names */
  getRelated(url: string, signal: AbortSignal): Promise<unknown>
  /**
   * A page of the events of these types (20 at most) since a time (Unix ms), as webhooks have them, the newest first.
   * Stripe keeps events for 30 days.
   * @param before the id of the last event of the page before
   */
  listEvents(types: readonly string[], since: number, signal: AbortSignal, before?: string): Promise<EventPage>
}

/** Stripe refuses a call: what is asked for is not there, makes no sense, or is not allowed to this key. */
export class StripeRefusedError extends PermanentError {
  /** Of its answer, such as 401 or 403 for the key. */
  readonly status: number | undefined
  constructor(message: string, status: number | undefined, options: ErrorOptions) {
    super(message, options)
    this.status = status
  }

  /** The key is refused, and not what it asks for. */
  get isOfKey(): boolean {
    return this.status === 401 || this.status === 403
  }
}

export interface EventPage {
  events: Stripe.Event[]
  /** There are older ones. */
  more: boolean
}
