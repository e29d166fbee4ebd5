import { stripeEvent, stripeSession } from '../../commands/samples.ts'
import type { NewDelivery, Payload } from '../../inbox/contracts.ts'
import { chatwootDelivery, stripeDelivery } from './identify.ts'

/** Deliveries about one person, in account 1. */

export const CONTACT = 777
export const ACCOUNT = '1'

export function ofChatwoot(payload: object): NewDelivery {
  const body = payload as Payload
  return chatwootDelivery(String(body.event), ACCOUNT, body, () => JSON.stringify(body).length.toString())
}

export function ofStripe(
  id: string,
  metadata: Record<string, string>,
  account: string | undefined = ACCOUNT,
): NewDelivery {
  const event = stripeEvent('checkout.session.completed', stripeSession({ metadata }), { id })
  return stripeDelivery(event.type, account, event as unknown as Payload, () => '')
}
