import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import { StripeRefusedError } from '../clients/stripe.ts'
import type { HandlerFunction, HandlerPair } from '../inbox/drain.ts'
import { TransientError } from '../inbox/errors.ts'
import { calendarHandlers } from './calendar.ts'
import { disputeHandlers } from './dispute.ts'
import { paymentHandlers } from './payment.ts'
import { refundHandlers } from './refund.ts'
import type { Services } from './services.ts'

/** What happens at each event of Stripe's, by event. */
export function stripeHandlers(services: Services): Record<string, HandlerPair<never>> {
  const handlers: [string, HandlerPair<never>][] = Object.entries({
    ...disputeHandlers(services),
    ...paymentHandlers(services),
    ...calendarHandlers(services),
    ...refundHandlers(services),
  })
  return Object.fromEntries(
    handlers.map(([event, { handle, gaveUp }]) => [event, { handle: patient(handle), gaveUp: patient(gaveUp) }]),
  )
}

/**
 * What Chatwoot refuses today (a token that has lapsed, say), or Stripe to a key without the right, may go tomorrow: money
 * is not given up at once for it, but tried again as long as if they were away.
 */
function patient(handle: HandlerFunction<never>): HandlerFunction<never> {
  return async (delivery, context) => {
    try {
      await handle(delivery, context)
    } catch (error) {
      const mayGo = error instanceof ChatwootRefusedError || (error instanceof StripeRefusedError && error.isOfKey)
      if (mayGo) throw new TransientError(error.message, { cause: error })
      throw error
    }
  }
}
