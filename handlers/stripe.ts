import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import { StripeRefusedError } from '../clients/stripe.ts'
import type { HandlerFunction, HandlerPair } from '../inbox/drain.ts'
import { TransientError } from '../inbox/errors.ts'
import { markUrgent } from '../inbox/pace.ts'
import { calendarHandlers } from './calendar.ts'
import { disputeHandlers } from './dispute.ts'
import { paymentHandlers } from './payment.ts'
import { refundHandlers } from './refund.ts'
import type { Services } from './services.ts'
import { wrapPair } from './wrap.ts'

/** Handlers of Stripe's events. */
export function stripeHandlers(services: Services): Record<string, HandlerPair<never>> {
  const handlers: [string, HandlerPair<never>][] = Object.entries({
    ...disputeHandlers(services),
    ...paymentHandlers(services),
    ...calendarHandlers(services),
    ...refundHandlers(services),
  })
  return Object.fromEntries(handlers.map(([event, handler]) => [event, wrapPair(handler, withRefusalsRetried)]))
}

/**
 * Retries what Chatwoot refuses, or Stripe for lack of a permission, as if they were down: somebody may fix the token or
 * key, and a payment must not be given up at once.
 */
function withRefusalsRetried(handle: HandlerFunction<never>): HandlerFunction<never> {
  return async (delivery, context) => {
    // Money goes first.
    markUrgent(context.signal)
    try {
      await handle(delivery, context)
    } catch (error) {
      const isFixable = error instanceof ChatwootRefusedError || (error instanceof StripeRefusedError && error.isOfKey)
      if (isFixable) throw new TransientError(error.message, { cause: error })
      throw error
    }
  }
}
