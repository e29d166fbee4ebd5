import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { System } from '../inbox/errors.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { paymentFailed } from './failed.ts'
import { bookAhead, fulfil } from './fulfil.ts'
import { paymentGivenUp, requireChatwoot } from './given-up.ts'
import type { Services } from './services.ts'
import { logNotOurs, type PaymentEvent, readPayment } from './stripe-event.ts'
import { paymentUnderWay } from './under-way.ts'

/** Handles payments. Several events report one payment; it is fulfilled once. */
export function paymentHandlers(services: Services) {
  const { chatwoot, stripe } = services

  async function onPaid(delivery: Delivery<PaymentEvent>, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment === null) return logNotOurs(context)
    const client = requireChatwoot(chatwoot)
    if (!payment.paid) return paymentUnderWay(services, client, payment, context)
    await context.once(`payment:${payment.id}`, () => fulfil(services, client, payment, delivery, context))
  }

  async function onPaidAhead(delivery: Delivery<PaymentEvent>, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment?.paid) await bookAhead(services, requireChatwoot(chatwoot), payment, context)
  }

  async function onFailed(delivery: Delivery<PaymentEvent>, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment === null) return logNotOurs(context)
    // Events come in any order: this one may predate the success.
    if (payment.paid) return
    await paymentFailed(services, requireChatwoot(chatwoot), payment, delivery, context)
  }

  const gaveUp = paymentGivenUp(services)
  const needs: System[] = ['chatwoot', 'stripe', 'google']
  // The money is recorded and the lesson booked without Chatwoot. What is said waits for it.
  const ahead = { handle: onPaidAhead, needs: ['stripe', 'google'] as System[] }
  const paid = { handle: onPaid, ahead, gaveUp, needs }
  return {
    'checkout.session.completed': paid,
    'checkout.session.async_payment_succeeded': paid,
    'checkout.session.async_payment_failed': { handle: onFailed, gaveUp, needs },
    'payment_intent.succeeded': paid,
  } satisfies SourceHandlers<'stripe'>
}
