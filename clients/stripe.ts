import type Stripe from 'stripe'
import { PermanentError, TransientError } from '../inbox/errors.ts'

export interface StripeOptions {
  /** `sk_test_…` or `sk_live_…` (or a restricted `rk_…`). */
  secretKey?: string
  /** Base URL of Stripe's API (for a proxy or tests). */
  apiBase?: string
  /** Timeout of a call, including its response body, ms. Default 10,000. */
  timeoutMs?: number
}

export interface CheckoutPage {
  takesPromotionCodes?: boolean
  makesInvoice?: boolean
  /** Stripe's names of payment methods that it leaves out. */
  withoutMethods?: readonly string[]
  /** The student's address. */
  email?: string | undefined
}

/** A lesson to be paid for. */
export interface Checkout {
  order: string
  /** Distinguishes this session from the order's others: the delivery's id. */
  attempt: string
  /** A Stripe price id. */
  price: string
  /** Unix ms; Stripe requires 30 min to 24 h from now. */
  expiresAt: number
  /** Where the student lands after paying. */
  returnUrl: string
  /** The payment page's language. */
  locale: Stripe.Checkout.SessionCreateParams.Locale
  /** What else the payment page does. */
  page?: CheckoutPage
  /** For the session and its payment intent: Stripe copies it to neither. At most 500 characters each. */
  metadata: Record<string, string>
}

/** Money to be given back. */
export interface RefundRequest {
  paymentIntent: string
  /** In the currency's minor unit; at most what is left of the payment. */
  amount: number
  /** At most 500 characters each. */
  metadata: Record<string, string>
  /** The student asked for it. */
  isRequested: boolean
  /** Requests with the same number are one request to Stripe, for 24 h. Raise it after a `KeptFailureError`. */
  attempt: number
}

/**
 * Calls throw PermanentError, or TransientError if a retry can help. Each ends within `timeoutMs`, and takes a signal
 * that aborts it.
 */
export interface StripeClient {
  /** Whether the key is a live-mode key; events of the other mode are not ours. */
  readonly livemode: boolean
  /** Its current state, with payment intent and charge. */
  getSession(id: string, signal: AbortSignal): Promise<Stripe.Checkout.Session>
  /** The checkout session of a payment, if there is one; like `getSession`. */
  findSession(paymentIntent: string, signal: AbortSignal): Promise<Stripe.Checkout.Session | undefined>
  /** A payment intent with its latest charge; undefined: unknown to Stripe. */
  findIntent(id: string, signal: AbortSignal): Promise<Stripe.PaymentIntent | undefined>
  getPrice(id: string, signal: AbortSignal): Promise<Stripe.Price>
  /** Creates a checkout session: one per order and attempt, however often the same is requested within 24 h. */
  createSession(checkout: Checkout, signal: AbortSignal): Promise<{ id: string; url: string }>
  /** Expires a session, so that it can't be paid. false: it is complete, paid or about to be. */
  expireSession(id: string, signal: AbortSignal): Promise<boolean>
  /** A payment's refunds, newest first, 100 at most. @param paymentIntent null: any payment's (shows what the key may do) */
  listRefunds(paymentIntent: string | null, signal: AbortSignal): Promise<Stripe.Refund[]>
  /**
   * Gives money back. Look for an earlier one in `listRefunds` first.
   * @throws {StripeRefusedError} its `code` says why: `charge_already_refunded`, `charge_disputed` …
   * @throws {KeptFailureError} an earlier request failed at Stripe, which answers that again for 24 h
   */
  createRefund(refund: RefundRequest, signal: AbortSignal): Promise<Stripe.Refund>
  /** Cancels a payment that is not made yet. false: Stripe does not allow it (any more). */
  cancelIntent(id: string, signal: AbortSignal): Promise<boolean>
  /** An event, as in its snapshot webhook; Stripe keeps it for 30 days. */
  getEvent(id: string, signal: AbortSignal): Promise<Stripe.Event>
  /** The current state of a thin event's object. @param url the path named by the event */
  getRelated(url: string, signal: AbortSignal): Promise<unknown>
  /**
   * A page of events of these types (20 at most) since a time (Unix ms), as in webhooks, newest first. Stripe keeps
   * events for 30 days.
   * @param before the id of the previous page's last event
   */
  listEvents(types: readonly string[], since: number, signal: AbortSignal, before?: string): Promise<EventPage>
  /**
   * Reads something harmless, also while Stripe is held. Rejects with a TransientError if it can't be reached or refuses
   * the key.
   */
  probe(signal: AbortSignal): Promise<void>
}

/** Stripe refused a call: the object is missing, the request is invalid, or the key lacks the permission. */
export class StripeRefusedError extends PermanentError {
  readonly system = 'stripe'
  /** HTTP status, such as 403 for a restricted key. */
  readonly status: number | undefined
  /** Such as `charge_disputed`: https://docs.stripe.com/error-codes */
  readonly code: string | undefined
  constructor(message: string, status: number | undefined, code: string | undefined, options: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
  }

  /** The key itself was refused. */
  get isOfKey(): boolean {
    return this.status === 401 || this.status === 403
  }
}

/**
 * Stripe repeats the failure (5xx) of an earlier request with the same Idempotency-Key: that request has ended, and only
 * another key can succeed (https://docs.stripe.com/api/idempotent_requests).
 */
export class KeptFailureError extends TransientError {
  override name = 'KeptFailureError'
}

export interface EventPage {
  events: Stripe.Event[]
  /** Whether there are older ones. */
  more: boolean
}
