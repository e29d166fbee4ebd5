import { stripeCharge, stripeEvent, stripePaymentIntent } from '../commands/samples.ts'
import { type Session, shown } from './stripe-api.ts'
import type { Refund } from './stripe-refunds.ts'

/** What is done with a checkout session at Stripe, and the events that tell of it. */

export type Method = 'card' | 'ideal' | 'sepa'

type StripeEvent = ReturnType<typeof stripeEvent>

/** Pays a session: what Stripe has then, and its two events about it. @param at Unix ms */
export function pay(session: Session, paymentIntent = `pi_${session.id}`, at?: number) {
  Object.assign(session, { payment_intent: paymentIntent, payment_status: 'paid', status: 'complete', url: null })
  return { completed: sessionEvent(session, 'completed', at), succeeded: succeeded(session, at) }
}

/** An event about a session as it is now. @param at Unix ms */
export function sessionEvent(session: Session, type: string, at?: number): StripeEvent {
  return eventOf(session, `checkout.session.${type}`, type, shown(session), at)
}

/** Pays by a debit, which takes days: complete, and not paid. */
export function begin(session: Session, at: number): StripeEvent {
  const payment_intent = `pi_${session.id}`
  Object.assign(session, { payment_intent, status: 'complete', url: null, intent_status: 'processing' })
  return sessionEvent(session, 'completed', at)
}

export function settle(session: Session, outcome: 'succeeded' | 'failed', at: number): StripeEvent[] {
  const isPaid = outcome === 'succeeded'
  Object.assign(session, {
    payment_status: isPaid ? 'paid' : 'unpaid',
    intent_status: isPaid ? 'succeeded' : 'requires_payment_method',
  })
  const event = sessionEvent(session, `async_payment_${outcome}`, at)
  return isPaid ? [event, succeeded(session, at)] : [event]
}

/** What Stripe tells of a refund that has been made. */
export function refunded(session: Session, refund: Refund, at: number): StripeEvent[] {
  const charge = stripeCharge({
    ...optionsOf(session, at),
    charge: chargeOf(session),
    refunded: Number(session.amount_refunded),
  })
  return [
    refundEvent('refund.created', refund, at),
    eventOf(session, 'charge.refunded', `refunded_${refund.id}`, charge, at),
  ]
}

/** What Stripe tells of a refund whose money has come back. */
export function refundFailed(refund: Refund, at: number): StripeEvent[] {
  return ['refund.updated', 'charge.refund.updated', 'refund.failed'].map(type => refundEvent(type, refund, at))
}

function refundEvent(type: string, refund: Refund, at: number): StripeEvent {
  return stripeEvent(type, { ...refund }, { id: `evt_${refund.id}_${type}`, ...created(at) })
}

const DAY_S = 24 * 3_600

export function dispute(session: Session, step: 'created' | 'won' | 'lost', at: number): StripeEvent {
  session.dispute = step
  const object = {
    id: `dp_${session.id}`,
    object: 'dispute',
    amount: session.amount_total,
    charge: chargeOf(session),
    created: Math.floor(at / 1_000),
    currency: session.currency,
    evidence_details: { due_by: Math.floor(at / 1_000) + 7 * DAY_S, has_evidence: false },
    livemode: false,
    metadata: {},
    payment_intent: session.payment_intent,
    reason: 'product_not_received',
    status: step === 'created' ? 'needs_response' : step,
  }
  return eventOf(session, `charge.dispute.${step === 'created' ? 'created' : 'closed'}`, `dispute_${step}`, object, at)
}

function succeeded(session: Session, at?: number): StripeEvent {
  const intent = stripePaymentIntent(optionsOf(session, at))
  return eventOf(session, 'payment_intent.succeeded', 'succeeded', intent, at)
}

function optionsOf(session: Session, at?: number) {
  return {
    paymentIntent: session.payment_intent as string,
    amount: session.amount_total as number,
    currency: session.currency as string,
    metadata: session.intent_metadata as Record<string, string>,
    ...created(at),
  }
}

const chargeOf = (session: Session) => `ch_${session.id}`
const created = (at?: number) => at !== undefined && { created: Math.floor(at / 1_000) }

function eventOf(session: Session, type: string, name: string, object: object, at?: number): StripeEvent {
  return stripeEvent(type, object, { id: `evt_${session.id}_${name}`, ...created(at) })
}
