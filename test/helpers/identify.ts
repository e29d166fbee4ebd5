import type { NewDelivery, Payload } from '../../inbox/contracts.ts'
import { identifyChatwoot } from '../../sources/chatwoot.ts'
import { type Identified, newDelivery, Received } from '../../sources/source.ts'
import { identifyStripe } from '../../sources/stripe.ts'

/** How a payload from Chatwoot or Stripe is identified. */

export function chatwootDelivery(...args: Parameters<typeof identifyChatwoot>): NewDelivery {
  const [event, , payload] = args
  return deliveryOf('chatwoot', event, payload, identifyChatwoot(...args))
}

export function stripeDelivery(...args: Parameters<typeof identifyStripe>): NewDelivery {
  const [event, , payload] = args
  return deliveryOf('stripe', event, payload, identifyStripe(...args))
}

function deliveryOf(source: string, event: string, payload: Payload, identified: Identified): NewDelivery {
  const { body: _, ...delivery } = newDelivery(source, event, identified, new Received({}, payload, Buffer.alloc(0)), 0)
  return delivery
}
