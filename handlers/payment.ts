import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { paymentFailed } from './failed.ts'
import { fulfil } from './fulfil.ts'
import { needed, paymentGivenUp } from './given-up.ts'
import type { Services } from './services.ts'
import { type PaymentEvent, readPayment, sayNotOurs } from './stripe-event.ts'
import { paymentUnderWay } from './under-way.ts'

/** What happens when Stripe reports a payment. One payment is reported by several events, and fulfilled once. */
export function paymentHandlers(services: Services) {
  const { chatwoot, stripe } = services

  async function onPaid(delivery: Delivery<PaymentEvent>, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment === null) return sayNotOurs(context)
    const client = needed(chatwoot)
    if (!payment.paid) return paymentUnderWay(services, client, payment, context)
    await context.once(`payment:${payment.id}`, () => fulfil(services, client, payment, delivery, context))
  }

  async function onFailed(delivery: Delivery<PaymentEvent>, context: HandlerContext): Promise<void> {
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
  } satisfies SourceHandlers<'stripe'>
}
