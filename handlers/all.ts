import type { Delivery, Payload } from '../inbox/contracts.ts'
import type { Handler } from '../inbox/drain.ts'
import { readChatwoot } from '../sources/chatwoot-payloads.ts'
import type { Source } from '../sources/source.ts'
import { readStripe } from '../sources/stripe-payloads.ts'
import { withoutCopies } from './copied-message.ts'
import { withDoubt } from './doubt.ts'
import { messageHandlers } from './message.ts'
import { occurredAt } from './occurred-at.ts'
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
  return mapHandlers(given, handler => withPayloadRead(handler, read, services))
}

export function allChatwootHandlers(services: Services, given: HandlersByEvent = {}): Record<string, Handler> {
  const handlers: HandlersByEvent = { ...messageHandlers(services), ...given }
  return mapHandlers(handlers, handler => withPayloadRead(withoutCopies(handler), readChatwoot, services))
}

export function allStripeHandlers(services: Services, given: HandlersByEvent = {}): Record<string, Handler> {
  const handlers: HandlersByEvent = { ...stripeHandlers(services), ...given }
  return mapHandlers(handlers, handler => withThinEvents(withPayloadRead(handler, readStripe, services), services))
}

function mapHandlers(handlers: HandlersByEvent, wrap: (handler: Handler<never>) => Handler): Record<string, Handler> {
  return Object.fromEntries(Object.entries(handlers).map(([event, handler]) => [event, wrap(handler)]))
}

type ReadPayload = (event: string, payload: Payload) => unknown

/**
 * Gives a handler its payload as its event's type promises. Read here rather than on acceptance: another version may have
 * stored it, and the sender should wait for its ids only.
 */
function withPayloadRead(handler: Handler<never>, read: ReadPayload, services: Services): Handler {
  return wrapHandler<never, Payload>(
    handler,
    handle => async (delivery, context) => {
      const readOne = async (each: Delivery<unknown>) => {
        return { ...each, payload: await read(each.event, each.payload as Payload) }
      }
      const first = await readOne(delivery)
      const others = await Promise.all(context.together.slice(1).map(readOne))
      const given = { ...withDoubt(context, occurredAt(first.payload), services), together: [first, ...others] }
      await handle(first as Delivery<never>, given)
    },
    gaveUp => async (delivery, context) => {
      const readOne = async (each: Delivery<unknown>) => {
        try {
          return { ...each, payload: await read(each.event, each.payload as Payload) }
        } catch {
          // Perhaps the very reason it was given up: gaveUp gets the raw payload.
          return each
        }
      }
      const first = await readOne(delivery)
      const others = await Promise.all(context.together.slice(1).map(readOne))
      const given = { ...withDoubt(context, occurredAt(first.payload), services), together: [first, ...others] }
      await gaveUp(first as Delivery<never>, given)
    },
  )
}
