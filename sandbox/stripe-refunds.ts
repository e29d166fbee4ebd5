import type { Answer, Call } from './stand-in.ts'
import type { Session, StripeApi } from './stripe-api.ts'

/** Payment intents and refunds of the stand-in for Stripe's API: https://docs.stripe.com/api/refunds */

export interface Refund {
  id: string
  /** In the currency's minor unit. */
  amount: number
  payment_intent: string
  /** Unix s. */
  created: number
  status: 'succeeded' | 'failed'
  metadata: Record<string, string>
  [field: string]: unknown
}

/** What the API has of payments. */
export type Payments = Pick<StripeApi, 'sessions' | 'intents' | 'refunded' | 'refunds' | 'changes' | 'now'>

/** An answer as Stripe refuses a request, with its error code. */
export function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { error: { type: 'invalid_request_error', code, message } } }
}

export function refundsOf({ refunds }: Pick<Payments, 'refunds'>, intent: unknown): Refund[] {
  return refunds.filter(refund => refund.payment_intent === intent)
}

/** The charge of a session's payment, as the API shows it. */
export function chargeIn({ refunded }: Pick<Payments, 'refunded'>, session: Session) {
  const { id, payment_intent, amount_total, currency, dispute, presentment_details } = session
  const isRefunded = refunded.has(payment_intent as string)
  const amount_refunded = isRefunded ? Number(amount_total) : (session.amount_refunded ?? 0)
  return {
    id: `ch_${id}`,
    object: 'charge',
    amount: amount_total,
    amount_captured: amount_total,
    amount_refunded,
    currency,
    disputed: dispute !== undefined,
    payment_intent,
    ...(presentment_details !== undefined && { presentment_details }),
    refunded: isRefunded,
  }
}

/** The payment intent of a session, with its charge. */
export function intentIn(payments: Payments, session: Session) {
  const { payment_intent: id, intent_status, payment_status, amount_total, currency, intent_metadata = {} } = session
  const status = intent_status ?? (payment_status === 'paid' ? 'succeeded' : 'processing')
  const isPaid = status === 'succeeded'
  return {
    id,
    object: 'payment_intent',
    amount: amount_total,
    amount_received: isPaid ? amount_total : 0,
    currency,
    // A method that takes days has its charge from the beginning; it is pending.
    latest_charge: chargeIn(payments, session),
    metadata: intent_metadata,
    status,
  }
}

/** Answers to what is asked about payment intents and refunds; undefined: it is about something else. */
export function answerAboutPayments(payments: Payments, { method, path, body }: Call): Answer | undefined {
  const { pathname, searchParams } = new URL(path, 'http://localhost')
  if (pathname === '/v1/refunds') {
    return method === 'POST' ? createRefund(payments, body) : listRefunds(payments, searchParams)
  }
  const [, id, action] = /^\/v1\/payment_intents\/([^/]+)(?:\/(cancel))?$/.exec(pathname) ?? []
  if (id === undefined) return undefined
  if (method === 'POST' && action === 'cancel') return cancelIntent(payments, id)
  return method === 'GET' && action === undefined ? showIntent(payments, id, searchParams) : undefined
}

function sessionOf({ sessions }: Payments, intent: string): Session | undefined {
  return [...sessions.values()].find(session => session.payment_intent === intent)
}

const unknownIntent = (id: unknown) => refusal(404, 'resource_missing', `No such payment_intent: '${id}'`)

function showIntent(payments: Payments, id: string, query: URLSearchParams): Answer {
  const session = sessionOf(payments, id)
  const metadata = payments.intents.get(id)
  if (session === undefined) {
    return metadata === undefined
      ? unknownIntent(id)
      : { status: 200, body: { id, object: 'payment_intent', latest_charge: null, metadata } }
  }
  const { latest_charge, ...intent } = intentIn(payments, session)
  const isExpanded = query.get('expand[0]') === 'latest_charge'
  return { status: 200, body: { ...intent, latest_charge: isExpanded ? latest_charge : latest_charge.id } }
}

/** Of a checkout session, only a payment that waits to be captured can be cancelled; the session must be expired. */
function cancelIntent(payments: Payments, id: string): Answer {
  const session = sessionOf(payments, id)
  if (session === undefined) return unknownIntent(id)
  if (session.intent_status !== 'requires_capture') {
    const message = 'You cannot cancel this PaymentIntent because it belongs to a Checkout Session.'
    return refusal(400, 'payment_intent_unexpected_state', message)
  }
  session.intent_status = 'canceled'
  return { status: 200, body: intentIn(payments, session) }
}

function listRefunds(payments: Payments, query: URLSearchParams): Answer {
  const intent = query.get('payment_intent')
  const from = Number(query.get('created[gte]'))
  const fitting = (intent === null ? payments.refunds : refundsOf(payments, intent)).filter(
    ({ created }) => created >= from,
  )
  const data = fitting.toReversed().slice(0, Number(query.get('limit') ?? 10))
  return { status: 200, body: { object: 'list', url: '/v1/refunds', has_more: data.length < fitting.length, data } }
}

function createRefund(payments: Payments, body: Call['body']): Answer {
  const session = sessionOf(payments, String(body.payment_intent))
  if (session === undefined) return unknownIntent(body.payment_intent)
  const charge = chargeIn(payments, session)
  const left = Number(charge.amount) - charge.amount_refunded
  const amount = Number(body.amount ?? left)
  if (session.payment_status !== 'paid') {
    return refusal(400, 'payment_intent_unexpected_state', `${body.payment_intent} has no successful charge to refund.`)
  }
  if (charge.disputed) {
    return refusal(400, 'charge_disputed', `Charge ${charge.id} has been charged back; cannot issue a refund.`)
  }
  if (left === 0) return refusal(400, 'charge_already_refunded', `Charge ${charge.id} has already been refunded.`)
  if (amount > left) {
    const message = `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`
    return refusal(400, 'amount_too_large', message)
  }
  return { status: 200, body: refundPayment(payments, session, amount, fieldsOf(body, 'metadata'), body.reason) }
}

/** Gives money of a paid session back, and tells of it. @param amount at most what is left */
export function refundPayment(
  payments: Payments,
  session: Session,
  amount: number,
  metadata: Record<string, string> = {},
  reason: unknown = null,
): Refund {
  const refund: Refund = {
    id: `re_${payments.refunds.length + 1}`,
    object: 'refund',
    amount,
    charge: `ch_${session.id}`,
    created: Math.floor(payments.now() / 1_000),
    currency: session.currency,
    metadata,
    payment_intent: session.payment_intent as string,
    reason,
    status: 'succeeded',
  }
  session.amount_refunded = (session.amount_refunded ?? 0) + amount
  if (session.amount_refunded === session.amount_total) payments.refunded.add(refund.payment_intent)
  payments.refunds.push(refund)
  payments.changes.emit('refunded', session, refund)
  return refund
}

/** The money of a refund comes back. */
export function failRefund({ refunded }: Payments, session: Session, refund: Refund): void {
  Object.assign(refund, { status: 'failed', failure_reason: 'expired_or_canceled_card' })
  session.amount_refunded = Number(session.amount_refunded) - refund.amount
  refunded.delete(refund.payment_intent)
}

/** `metadata[a]=1` → `{ a: '1' }` */
export function fieldsOf(body: Call['body'], name: string): Record<string, string> {
  const given = Object.entries(body).filter(([field]) => field.startsWith(`${name}[`))
  return Object.fromEntries(given.map(([field, value]) => [field.slice(name.length + 1, -1), String(value)]))
}
