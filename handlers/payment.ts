import type { ChatwootClient } from '../plugins/chatwoot.ts'
import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../plugins/inbox/drain.ts'
import { paymentFailed } from './failed.ts'
import { fulfil } from './fulfil.ts'
import { needed, paymentGivenUp } from './given-up.ts'
import { claimOf } from './ownership.ts'
import type { Services } from './services.ts'
import { type Payment, readPayment, sayNotOurs } from './stripe-event.ts'

/** What happens when Stripe reports a payment. One payment is reported by several events, and fulfilled once. */
export function paymentHandlers(services: Services): Record<string, HandlerPair> {
  const { chatwoot, stripe, calendar } = services

  async function onPaid(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment === null) return sayNotOurs(context)
    const client = needed(chatwoot)
    if (!payment.paid) return wait(client, payment, context)
    await context.once(`payment:${payment.id}`, () => fulfil(services, client, payment, delivery, context))
  }

  /** A delayed method, SEPA say: the lesson stays reserved until it begins, or until another event tells. */
  async function wait(client: ChatwootClient, payment: Payment, context: HandlerContext): Promise<void> {
    const { id, order, time, processing } = payment
    context.log.info({ payment: id }, 'not paid yet: its method takes longer, another event will tell')
    if (!processing || time === null) return
    if ((await claimOf(services, client, payment, context)) === null) return
    await calendar.hold({ order, ...time, until: time.start, margin: { before: 0, after: 0 } }, context.signal)
  }

  async function onFailed(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment === null) return sayNotOurs(context)
    // Events have no order: this one can be older than the success.
    if (payment.paid) return
    await paymentFailed(services, needed(chatwoot), payment, delivery, context)
  }

  const gaveUp = paymentGivenUp(services)
  const paid = { handle: onPaid, gaveUp }
  return {
    'checkout.session.completed': paid,
    'checkout.session.async_payment_succeeded': paid,
    'checkout.session.async_payment_failed': { handle: onFailed, gaveUp },
    'payment_intent.succeeded': paid,
  }
}
