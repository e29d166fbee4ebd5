import type { Payload } from '../inbox/contracts.ts'
import type { Handler } from '../inbox/drain.ts'
import { readChatwoot } from '../sources/chatwoot-payloads.ts'
import type { Source } from '../sources/source.ts'
import { readStripe } from '../sources/stripe-payloads.ts'
import { withoutCopies } from './copied-message.ts'
import { messageHandlers } from './message.ts'
import type { Services } from './services.ts'
import { stripeHandlers } from './stripe.ts'
import { withThinEvents } from './thin-event.ts'
import { wrapHandler } from './wrap.ts'

/** One source's handlers by event, each typed by its event's payload. */
export type HandlersByEvent = Record<string, Handler<never>>

/** A source's handlers: ours, overridden or extended by the host's. */
export function allHandlers(source: Source, given: HandlersByEvent, services: Services) {
  if (source.name === 'chatwoot') return allChatwootHandlers(services, given)
  if (source.name === 'stripe') return allStripeHandlers(services, given)
  const read: ReadPayload = (event, payload) => (source.read ? source.read(event, payload) : payload)
  return mapHandlers(given, handler => withPayloadRead(handler, read))
}

export function allChatwootHandlers(services: Services, given: HandlersByEvent = {}): Record<string, Handler> {
  const handlers: HandlersByEvent = { ...messageHandlers(services), ...given }
  handlers.message_created = withoutCopies(handlers.message_created as Handler<never>)
  return mapHandlers(handlers, handler => withPayloadRead(handler, readChatwoot))
}

export function allStripeHandlers(services: Services, given: HandlersByEvent = {}): Record<string, Handler> {
  const handlers: HandlersByEvent = { ...stripeHandlers(services), ...given }
  return mapHandlers(handlers, handler => withThinEvents(withPayloadRead(handler, readStripe), services))
}

function mapHandlers(handlers: HandlersByEvent, wrap: (handler: Handler<never>) => Handler): Record<string, Handler> {
  return Object.fromEntries(Object.entries(handlers).map(([event, handler]) => [event, wrap(handler)]))
}

type ReadPayload = (event: string, payload: Payload) => unknown

/**
 * Gives a handler its payload as its event's type promises. Read here rather than on acceptance: another version may have
 * stored it, and the sender should wait for its ids only.
 */
function withPayloadRead(handler: Handler<never>, read: ReadPayload): Handler {
  return wrapHandler<never, Payload>(
    handler,
    handle => async (delivery, context) => {
      const payload = (await read(delivery.event, delivery.payload)) as never
      await handle({ ...delivery, payload }, context)
    },
    gaveUp => async (delivery, context) => {
      let payload: unknown = delivery.payload
      try {
        payload = await read(delivery.event, delivery.payload)
      } catch {
        // Perhaps the very reason it was given up: gaveUp gets the raw payload.
      }
      await gaveUp({ ...delivery, payload: payload as never }, context)
    },
  )
}
