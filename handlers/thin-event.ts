import type { Delivery, Payload } from '../plugins/inbox/contracts.ts'
import type { Handler, HandlerFunction } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import type { StripeClient } from '../plugins/stripe.ts'
import { asId, asObject, asText } from './payload.ts'

/** Stripe's thin events, which say what has happened to which object, and not what it looks like. */

export interface ThinEvent {
  /** The name of the snapshot event of the same fact, if it has one. */
  event: string | undefined
  /** The id of the snapshot event, which both have in common; else its own. */
  id: string | undefined
  /** The object that it is about: `{ id, type, url }`. */
  related: Payload
}

/** null: not a thin event. */
export function thinEventOf(payload: Payload): ThinEvent | null {
  if (payload.object !== 'v2.core.event') return null
  return {
    event: /^v1\.(.+)$/s.exec(asText(payload.type) ?? '')?.[1],
    id: asId(payload.snapshot_event) ?? asId(payload.id),
    related: asObject(payload.related_object),
  }
}

/** Lets a handler of Stripe's events handle thin ones too: it gets what the snapshot event would have brought. */
export function withThinEvents(handler: Handler, stripe: StripeClient | null): Handler {
  const whole = (handle: HandlerFunction): HandlerFunction => {
    return async (delivery, context) => handle(await wholeOf(delivery, stripe, context.signal), context)
  }
  return typeof handler === 'function'
    ? whole(handler)
    : { handle: whole(handler.handle), gaveUp: whole(handler.gaveUp) }
}

async function wholeOf(delivery: Delivery, stripe: StripeClient | null, signal: AbortSignal): Promise<Delivery> {
  const thin = thinEventOf(delivery.payload)
  if (thin === null) return delivery
  if (stripe === null) throw new PermanentError('STRIPE_SECRET_KEY is not set: set it, and replay this thin event')
  const snapshot = asId(delivery.payload.snapshot_event)
  if (snapshot !== undefined) return { ...delivery, payload: { ...(await stripe.getEvent(snapshot, signal)) } }
  const { id, livemode, created } = delivery.payload
  const object = await stripe.getRelated(String(thin.related.url), signal)
  return { ...delivery, payload: { id, object: 'event', type: delivery.event, livemode, created, data: { object } } }
}
