import type { stripeEvent } from '../commands/samples.ts'
import type { Clock } from '../inbox/contracts.ts'
import * as steps from './payments.ts'
import { RefusedError } from './refused.ts'
import type { Session, StripeApi } from './stripe-api.ts'
import { failRefund, refundPayment, refundsOf } from './stripe-refunds.ts'

/** What people do with a payment. Each throws RefusedError where Stripe would not do it. */
export interface Payments {
  /** `sepa`: under way, until it is settled. */
  pay(session: string, method: 'card' | 'ideal' | 'sepa'): void
  /** A payment that is under way. */
  settle(session: string, outcome: 'succeeded' | 'failed'): void
  expire(session: string): void
  /** @param amount in the currency's minor unit */
  refund(session: string, amount: number): void
  /** The money of the latest refund comes back. */
  failRefund(session: string): void
  dispute(session: string, step: 'created' | 'won' | 'lost'): void
}

type Event = ReturnType<typeof stripeEvent>

/** Payments, and sessions that expire when it is time. */
export function startPayments(stripe: StripeApi, clock: Clock, send: (event: Event) => void) {
  const timers = new Map<string, () => void>()

  function tell(...events: Event[]): void {
    for (const event of events) {
      stripe.events.push(event)
      send(event)
    }
  }

  const find = (id: string): Session => {
    const session = stripe.sessions.get(id)
    if (session === undefined) throw new RefusedError(`There is no checkout session ${id}.`)
    return session
  }
  const findOpen = (id: string): Session => {
    const session = find(id)
    if (session.status !== 'open') throw new RefusedError(`This checkout session is ${session.status}.`)
    return session
  }
  const findPaid = (id: string): Session => {
    const session = find(id)
    if (session.payment_status !== 'paid') throw new RefusedError('This checkout session is not paid.')
    return session
  }

  /** Its timer may fire early: a delay has a longest. */
  function expireInTime(session: Session): void {
    const left = Number(session.expires_at) * 1_000 - clock.now()
    timers.delete(session.id)
    if (session.status !== 'open') return
    if (left <= 0) stripe.expire(session)
    else
      timers.set(
        session.id,
        clock.after(left, () => expireInTime(session)),
      )
  }

  stripe.changes.on('created', expireInTime)
  stripe.changes.on('refunded', (session, refund) => tell(...steps.refunded(session, refund, clock.now())))
  stripe.changes.on('expired', session => tell(steps.sessionEvent(session, 'expired', clock.now())))

  const payments: Payments = {
    pay(id, method) {
      const session = findOpen(id)
      session.method = method
      const now = clock.now()
      if (method === 'sepa') return tell(steps.begin(session, now))
      const { completed, succeeded } = steps.pay(session, undefined, now)
      tell(completed, succeeded)
    },
    settle(id, outcome) {
      const session = find(id)
      if (session.intent_status !== 'processing') throw new RefusedError('No payment of this session is under way.')
      tell(...steps.settle(session, outcome, clock.now()))
    },
    expire(id) {
      stripe.expire(findOpen(id))
    },
    refund(id, amount) {
      const session = findPaid(id)
      const left = Number(session.amount_total) - (session.amount_refunded ?? 0)
      if (left === 0) throw new RefusedError('All of it has been refunded.')
      if (!Number.isInteger(amount) || amount < 1 || amount > left) {
        throw new RefusedError(`A refund must be from 0.01 to ${(left / 100).toFixed(2)}, which is what is left.`)
      }
      if (session.dispute !== undefined) throw new RefusedError('A payment that is disputed is not refunded.')
      refundPayment(stripe, session, amount)
    },
    failRefund(id) {
      const session = findPaid(id)
      const refund = refundsOf(stripe, session.payment_intent).findLast(({ status }) => status !== 'failed')
      if (refund === undefined) throw new RefusedError('There is no refund of this payment that could fail.')
      failRefund(stripe, session, refund)
      tell(...steps.refundFailed(refund, clock.now()))
    },
    dispute(id, step) {
      const session = findPaid(id)
      const expected = step === 'created' ? undefined : 'created'
      if (session.dispute !== expected) throw new RefusedError(`A dispute of this payment can't be ${step} now.`)
      tell(steps.dispute(session, step, clock.now()))
    },
  }
  return {
    ...payments,
    stop() {
      for (const cancel of timers.values()) cancel()
    },
  }
}
