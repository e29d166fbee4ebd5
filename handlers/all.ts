import type { Payload } from '../inbox/contracts.ts'
import type { Handler, HandlerFunction } from '../inbox/drain.ts'
import { readChatwoot } from '../sources/chatwoot-payloads.ts'
import { readStripe } from '../sources/stripe-payloads.ts'
import { withoutCopies } from './copied-message.ts'
import { messageHandlers } from './message.ts'
import type { Services } from './services.ts'
import { stripeHandlers } from './stripe.ts'
import { withThinEvents } from './thin-event.ts'

/** A handler of whichever payload its event brings. */
export type AnyHandler = Handler<never>

type HandlersByEvent = Record<string, AnyHandler>

/** What handles Chatwoot's events: ours, and a host's instead of ours or beside them. */
export function chatwootHandlers(services: Services, given: HandlersByEvent): Record<string, Handler> {
  const handlers: HandlersByEvent = { ...messageHandlers(services), ...given }
  handlers.message_created = withoutCopies(handlers.message_created as AnyHandler)
  return mapHandlers(handlers, handler => withPayloadRead(handler, readChatwoot))
}

/** What handles Stripe's events: ours, and a host's instead of ours or beside them. */
export function allStripeHandlers(services: Services, given: HandlersByEvent): Record<string, Handler> {
  const handlers: HandlersByEvent = { ...stripeHandlers(services), ...given }
  return mapHandlers(handlers, handler => withThinEvents(withPayloadRead(handler, readStripe), services))
}

function mapHandlers<H>(handlers: HandlersByEvent, wrap: (handler: AnyHandler) => H): Record<string, H> {
  return Object.fromEntries(Object.entries(handlers).map(([event, handler]) => [event, wrap(handler)]))
}

/**
 * Lets a handler have its payload as the type of its event promises. It is read here and not when it is accepted: it
 * comes out of the store, where another version may have put it; and whoever sent it waits only for its ids to be read.
 */
function withPayloadRead(handler: AnyHandler, read: (event: string, payload: Payload) => unknown): Handler {
  const reading = (handle: HandlerFunction<never>): HandlerFunction => {
    return async (delivery, context) => {
      const payload = read(delivery.event, delivery.payload) as never
      await handle({ ...delivery, payload }, context)
    }
  }
  if (typeof handler === 'function') return reading(handler)
  return { handle: reading(handler.handle), gaveUp: reading(handler.gaveUp) }
}
