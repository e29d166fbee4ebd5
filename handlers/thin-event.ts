import { type StripeClient, StripeRefusedError } from '../clients/stripe.ts'
import type { Delivery, Payload } from '../inbox/contracts.ts'
import type { Handler, HandlerFunction } from '../inbox/drain.ts'
import { PermanentError, TransientError } from '../inbox/errors.ts'
import { asId } from '../sources/json.ts'
import { thinEventOf } from '../sources/thin-event.ts'
import { needsPerson } from './attention.ts'
import type { Services } from './services.ts'
import { wrapHandler } from './wrap.ts'

/** Lets a handler of Stripe's events handle thin ones too: it gets what the snapshot event would have brought. */
export function withThinEvents(handler: Handler, services: Services): Handler {
  return wrapHandler<Payload, Payload>(
    handler,
    handle => async (delivery, context) => handle(await wholeOf(delivery, services.stripe, context.signal), context),
    gaveUp => wholeOrAlert(gaveUp, services),
  )
}

/** What could not be handled may be what can't be fetched: then nobody knows whose it is, and a person has to look. */
function wholeOrAlert(gaveUp: HandlerFunction, services: Services): HandlerFunction {
  return async (delivery, context) => {
    let whole: Delivery
    try {
      whole = await wholeOf(delivery, services.stripe, context.signal)
    } catch (error) {
      const id = asId(thinEventOf(delivery.payload)?.related.id) ?? delivery.key
      const unknown = { id, sum: 'an unknown amount', order: '', student: '', conversation: '' }
      const why = `The event ${delivery.key} (${delivery.event}) can't be read (${(error as Error).message}). Please look at it in Stripe; the delivery ${delivery.id} can be replayed.`
      return needsPerson(services, unknown, 'event_unreadable', why, context)
    }
    await gaveUp(whole, context)
  }
}

async function wholeOf(delivery: Delivery, stripe: StripeClient | null, signal: AbortSignal): Promise<Delivery> {
  const thin = thinEventOf(delivery.payload)
  if (thin === null) return delivery
  if (stripe === null) throw new PermanentError('STRIPE_SECRET_KEY is not set: set it, and replay this thin event')
  try {
    return { ...delivery, payload: await fetchWhole(delivery, thin.related, stripe, signal) }
  } catch (error) {
    if (!(error instanceof StripeRefusedError)) throw error
    // A key without the right to read it (a restricted one needs that for events, too) may be given another.
    throw new TransientError(error.message, { cause: error })
  }
}

async function fetchWhole(
  { event, payload }: Delivery,
  related: Payload,
  stripe: StripeClient,
  signal: AbortSignal,
): Promise<Payload> {
  const snapshot = asId(payload.snapshot_event)
  try {
    if (snapshot !== undefined) return { ...(await stripe.getEvent(snapshot, signal)) }
  } catch (error) {
    // Its object may be had all the same.
    if (!(error instanceof StripeRefusedError) || related.url === undefined) throw error
  }
  const { id, livemode, created } = payload
  const object = await stripe.getRelated(String(related.url), signal)
  return { id, object: 'event', type: event, livemode, created, data: { object } }
}
