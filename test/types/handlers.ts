import type Stripe from 'stripe'
import type { ChatwootConversationEvent, ChatwootMessage, Delivery, Handlers, WebhooksOptions } from '../../app.ts'

/** Checked by `npm run types`: the types of handlers, and which handlers are errors. */

declare module '../../app.ts' {
  interface WebhookPayloads {
    calcom: { BOOKING_CREATED: { payload: { uid: string } } }
  }
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only if the type of the value is exactly that. */
const is =
  <Expected>() =>
  <Given>(_value: Given & (Equal<Given, Expected> extends true ? unknown : never)) => {}

export const typed: Handlers = {
  chatwoot: {
    message_created: ({ payload }) => is<ChatwootMessage>()(payload),
    conversation_updated: { handle: ({ payload }) => is<ChatwootConversationEvent>()(payload), gaveUp: () => {} },
  },
  stripe: {
    'payment_intent.succeeded': ({ payload }) => is<Stripe.PaymentIntent>()(payload.data.object),
    'charge.refunded': {
      handle: ({ payload }) => is<Stripe.Charge>()(payload.data.object),
      gaveUp: ({ payload }, { error }) => [is<Stripe.ChargeRefundedEvent>()(payload), is<unknown>()(error)],
    },
  },
  calcom: { BOOKING_CREATED: ({ payload }) => is<string>()(payload.payload.uid) },
}

export const context: Handlers = {
  chatwoot: {
    contact_created: async ({ payload }, { chatwoot, stripe, calendar, signal, once }) => {
      is<Record<string, unknown>>()(payload.custom_attributes)
      await chatwoot?.updateContact(`${payload.id}`, {}, signal)
      is<boolean | undefined>()(stripe?.livemode)
      is<boolean | undefined>()(await calendar?.has('order', signal))
      is<number>()(await once('key', () => 5))
    },
  },
}

/** From an undeclared source, and by event alone, as before. */
export const untyped: WebhooksOptions = {
  handlers: {
    github: { push: ({ payload }: Delivery) => is<unknown>()(payload.ref) },
    contact_created: ({ payload }: Delivery) => payload.name,
  },
}

export const wrong: Handlers[] = [
  // @ts-expect-error a letter is missing
  { chatwoot: { mesage_created: () => {} } },
  // @ts-expect-error an event of another source
  { stripe: { message_created: () => {} } },
  // @ts-expect-error a host's own event, misspelt
  { calcom: { BOOKING_CREATE: () => {} } },
  // @ts-expect-error there is no such field
  { chatwoot: { message_created: ({ payload }) => payload.contents } },
  // @ts-expect-error the payload of another event
  { chatwoot: { message_created: ({ payload }: Delivery<ChatwootConversationEvent>) => payload.status } },
  // @ts-expect-error half of a pair
  { stripe: { 'charge.refunded': { handle: () => {} } } },
  // @ts-expect-error no function
  { chatwoot: { message_created: 'x' } },
]

is<Record<string, unknown>>()({} as Delivery['payload'])
is<{ a: 1 }>()({} as Delivery<{ a: 1 }>['payload'])
// @ts-expect-error `is` itself tells types apart
is<string>()(5 as number)
