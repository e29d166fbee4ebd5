import type Stripe from 'stripe'
import type { Interval } from '../calendar/contract.ts'
import type { StripeClient } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asId, asObject, asText } from '../sources/json.ts'
import { conversationOfMetadata, readSession } from '../sources/stripe-payloads.ts'
import { formatAmount, type Money } from './money.ts'
import { parseTime } from './times.ts'

/** Reads lessons and payments from Stripe's events. */

/** The lesson in a checkout session's metadata. */
export interface PaidLesson {
  /** The installation that sold it, if given. */
  origin: string | undefined
  conversation: string
  contact: string | undefined
  /** The order; by default the payment's id. */
  order: string
  /** The metadata names a time; it is invalid if `time` is null. */
  isTimed: boolean
  time: Interval | null
  student: string
  /** What is taught, if given. */
  service: string | undefined
  /** Absent: a lesson is paid, or nothing that is known. */
  package?: SoldPackage
}

/** Several lessons that are sold at once. */
export interface SoldPackage {
  lessons: number
  /** The length of each. */
  minutes: number
}

/** The metadata key of the installation id. */
export const ORIGIN = 'tutorbot_origin'

/** One of our payments, whichever event reported it. */
export interface Payment extends PaidLesson {
  /** The payment intent's id, or the session's if nothing had to be paid. Fulfilled once. */
  id: string
  /** The checkout session's id, if known. */
  session: string | undefined
  paid: boolean
  /** A delayed payment method: the money is on its way (without a key: was, when the event was created). */
  underWay: boolean
  /** Fully refunded. Only known with a key. */
  refunded: boolean
  /** In the currency's minor unit. */
  amount: number
  currency: string
  /** Amount and currency, such as `60.00 EUR`. */
  sum: string
  /** What the student saw and paid: Stripe may have converted it (adaptive pricing). */
  seen: Money
}

/** @throws {PermanentError} if the event's object has no id */
export function objectIdOf({ payload }: Delivery<{ data: { object: { id: string } } }>): string {
  const { id } = payload.data.object
  if (id === '') throw new PermanentError('data.object.id is missing or not an id')
  return id
}

/** The id of a reference, expanded or not. */
export function idOf(reference: string | { id: string } | null): string | undefined {
  return (typeof reference === 'object' ? reference?.id : reference) || undefined
}

type SessionEvent =
  | Stripe.CheckoutSessionCompletedEvent
  | Stripe.CheckoutSessionAsyncPaymentSucceededEvent
  | Stripe.CheckoutSessionAsyncPaymentFailedEvent
  | Stripe.CheckoutSessionExpiredEvent

/** Events about a lesson's payment. */
export type PaymentEvent =
  | SessionEvent
  | Stripe.PaymentIntentSucceededEvent
  | Stripe.ChargeRefundedEvent
  | Stripe.ChargeRefundUpdatedEvent
  | Stripe.RefundFailedEvent
  | Stripe.ChargeDisputeCreatedEvent
  | Stripe.ChargeDisputeClosedEvent

export function isOfSession(event: PaymentEvent): event is SessionEvent {
  return event.type.startsWith('checkout.session.')
}

/** The payment of a checkout session's or payment intent's event. null: not ours, or not a payment. */
export async function readPayment(
  delivery: Delivery<PaymentEvent>,
  stripe: StripeClient | null,
  signal: AbortSignal,
): Promise<Payment | null> {
  const { payload } = delivery
  const id = objectIdOf(delivery)
  if (payload.type === 'payment_intent.succeeded') {
    // Prefer the session: Stripe copies its metadata to the intent only on request, and the event is a snapshot.
    const session = await stripe?.findSession(id, signal)
    return (session && ofSession(session.id, readSession(session, 'session'))) ?? ofIntent(id, payload.data.object)
  }
  if (!isOfSession(payload)) return null
  const session = payload.data.object
  // Nothing is paid in setup mode.
  if (conversationOfMetadata(session.metadata) === undefined || session.mode === 'setup') return null
  // The event has a snapshot; with a key the current state is read.
  return ofSession(id, stripe === null ? session : readSession(await stripe.getSession(id, signal), 'session'))
}

/**
 * The lesson of a payment that an event only refers to: from the object's metadata, else its session's, else its
 * intent's. null: not ours, or there is no key to look it up with.
 * @param id of the payment intent
 */
export async function traceLesson(
  { metadata }: { metadata: Stripe.Metadata | null },
  id: string,
  stripe: StripeClient | null,
  signal: AbortSignal,
): Promise<(PaidLesson & { session: string | undefined }) | null> {
  const own = lessonOfMetadata(metadata, id)
  if (own !== null || stripe === null) return own && { ...own, session: undefined }
  const session = await stripe.findSession(id, signal)
  const lesson = lessonOfMetadata((session ?? (await stripe.findIntent(id, signal)))?.metadata ?? null, id)
  return lesson && { ...lesson, session: session?.id }
}

/** null: not ours. @param id used if the metadata names no order */
export function lessonOfMetadata(metadata: Stripe.Metadata | null, id: string): PaidLesson | null {
  const conversation = conversationOfMetadata(metadata)
  if (metadata === null || conversation === undefined) return null
  const { contact_id, order_id, minutes, lesson_start, student_name, service, [ORIGIN]: origin } = metadata
  const sold = packageOf(metadata)
  return {
    origin: origin || undefined,
    conversation,
    contact: asId(contact_id),
    order: order_id || id,
    isTimed: lesson_start !== undefined,
    time: lessonTime(lesson_start, minutes),
    student: student_name ?? '',
    service: service || undefined,
    ...(sold !== undefined && { package: sold }),
  }
}

function packageOf({ package_lessons, minutes }: Stripe.Metadata): SoldPackage | undefined {
  const [lessons, each] = [Number(package_lessons), Number(minutes)]
  return Number.isSafeInteger(lessons * each) && lessons * each > 0 ? { lessons, minutes: each } : undefined
}

function lessonTime(lesson_start: string | undefined, minutes: string | undefined): Interval | null {
  const start = parseTime(lesson_start)
  const duration = Number(minutes ?? 60)
  if (start === undefined || !Number.isInteger(duration) || duration < 1 || duration > 24 * 60) return null
  return { start, end: start + duration * 60_000 }
}

/**
 * A complete, unpaid session awaits its money whatever its intent's status (`processing` of a bank debit,
 * `requires_action` of a transfer or voucher), except for these.
 */
const FAILED_STATUSES = new Set<unknown>(['canceled', 'requires_payment_method'])

function ofSession(id: string, session: Stripe.Checkout.Session): Payment | null {
  const { payment_intent, payment_status, amount_total, currency, metadata } = session
  const seen = presentedOf(session)
  // Nothing to pay (`no_payment_required`) is as good as paid: docs.stripe.com/checkout/fulfillment
  const paid = payment_status === 'paid' || payment_status === 'no_payment_required'
  const intent = typeof payment_intent === 'object' ? payment_intent : null
  const charge = intent?.latest_charge
  const refunded = typeof charge === 'object' && charge?.refunded === true
  const underWay = !paid && session.status === 'complete' && !FAILED_STATUSES.has(intent?.status)
  const state = { id: idOf(payment_intent) ?? id, session: id, paid, underWay, refunded }
  return ofParts({ ...state, amount: amount_total, currency, metadata, seen })
}

function ofIntent(id: string, intent: Stripe.PaymentIntent): Payment | null {
  const { amount_received, currency, metadata } = intent
  const state = { session: undefined, paid: true, underWay: false, refunded: false }
  return ofParts({ id, ...state, amount: amount_received, currency, metadata, seen: presentedOf(intent) })
}

/** What the student saw, if it was another currency: https://docs.stripe.com/payments/currencies/localize-prices */
export function presentedOf(object: object): Money | undefined {
  const details = 'presentment_details' in object ? object.presentment_details : undefined
  const { presentment_amount, presentment_currency } = asObject(details)
  const currency = asText(presentment_currency)
  return typeof presentment_amount !== 'number' || currency === undefined
    ? undefined
    : { amount: presentment_amount, currency }
}

type State = Pick<Payment, 'id' | 'session' | 'paid' | 'underWay' | 'refunded'>
type Parts = State & {
  amount: number | null
  currency: string | null
  metadata: Stripe.Metadata | null
  seen: Money | undefined
}

function ofParts({ amount, currency, metadata, seen, ...state }: Parts): Payment | null {
  const lesson = lessonOfMetadata(metadata, state.id)
  if (lesson === null) return null
  if (amount === null || Number.isNaN(amount) || !currency) {
    throw new PermanentError(`payment ${state.id} has no amount or no currency`)
  }
  return {
    ...lesson,
    ...state,
    amount,
    currency,
    sum: formatAmount(amount, currency),
    seen: seen ?? { amount, currency },
  }
}

export function logNotOurs({ log }: HandlerContext): void {
  log.warn('payment without our metadata (conversation_id): ignored')
}
