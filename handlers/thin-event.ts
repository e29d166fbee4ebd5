import { type StripeClient, StripeRefusedError } from '../clients/stripe.ts'
import type { Delivery, Payload } from '../inbox/contracts.ts'
import type { Handler, HandlerFunction } from '../inbox/drain.ts'
import { PermanentError, TransientError } from '../inbox/errors.ts'
import { asId } from '../sources/json.ts'
import { thinEventOf } from '../sources/thin-event.ts'
import { alertPerson } from './attention.ts'
import type { Services } from './services.ts'
import { wrapHandler } from './wrap.ts'

/** Makes a Stripe handler accept thin events: it gets the payload of the snapshot event. */
export function withThinEvents(handler: Handler, services: Services): Handler {
  return wrapHandler<Payload, Payload>(
    handler,
    handle => async (delivery, context) => handle(await fullEvent(delivery, services.stripe, context.signal), context),
    gaveUp => gaveUpOrAlert(gaveUp, services),
  )
}

/** If the event can't be fetched, nobody knows whose it is: a person has to look. */
function gaveUpOrAlert(gaveUp: HandlerFunction, services: Services): HandlerFunction {
  return async (delivery, context) => {
    let whole: Delivery
    try {
      whole = await fullEvent(delivery, services.stripe, context.signal)
    } catch (error) {
      const id = asId(thinEventOf(delivery.payload)?.related.id) ?? delivery.key
      const unknown = { id, sum: 'an unknown amount', order: '', student: '', conversation: '' }
      const why = `The event ${delivery.key} (${delivery.event}) can't be read (${(error as Error).message}). Please look at it in Stripe; the delivery ${delivery.id} can be replayed.`
      return alertPerson(services, unknown, 'event_unreadable', why, context)
    }
    await gaveUp(whole, context)
  }
}

async function fullEvent(delivery: Delivery, stripe: StripeClient | null, signal: AbortSignal): Promise<Delivery> {
  const thin = thinEventOf(delivery.payload)
  if (thin === null) return delivery
  if (stripe === null) throw new PermanentError('STRIPE_SECRET_KEY is not set: set it, and replay this thin event')
  try {
    return { ...delivery, payload: await fetchFullEvent(delivery, thin.related, stripe, signal) }
  } catch (error) {
    if (!(error instanceof StripeRefusedError)) throw error
    // A restricted key may still be given the permission to read it.
    throw new TransientError(error.message, { cause: error })
  }
}

async function fetchFullEvent(
  { event, payload }: Delivery,
  related: Payload,
  stripe: StripeClient,
  signal: AbortSignal,
): Promise<Payload> {
  const snapshot = asId(payload.snapshot_event)
  try {
    if (snapshot !== undefined) return { ...(await stripe.getEvent(snapshot, signal)) }
  } catch (error) {
    // The object may be readable even so.
    if (!(error instanceof StripeRefusedError) || related.url === undefined) throw error
  }
  const { id, livemode, created } = payload
  const object = await stripe.getRelated(String(related.url), signal)
  return { id, object: 'event', type: event, livemode, created, data: { object } }
}
