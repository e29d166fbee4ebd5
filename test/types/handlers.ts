import { expectTypeOf } from 'expect-type'
import type Stripe from 'stripe'
import type { ChatwootConversationEvent, ChatwootMessage, Delivery, Handlers, WebhooksOptions } from '../../app.ts'

/** Checked by `npm run types`: what handlers are given, and which ones are errors. */

declare module '../../app.ts' {
  interface WebhookPayloads {
    calcom: { BOOKING_CREATED: { payload: { uid: string } } }
  }
}

export const typed: Handlers = {
  chatwoot: {
    message_created: ({ payload }) => expectTypeOf(payload).toEqualTypeOf<ChatwootMessage>(),
    conversation_updated: {
      handle: ({ payload }) => expectTypeOf(payload).toEqualTypeOf<ChatwootConversationEvent>(),
      gaveUp: () => {},
    },
  },
  stripe: {
    'payment_intent.succeeded': ({ payload }) =>
      expectTypeOf(payload.data.object).toEqualTypeOf<Stripe.PaymentIntent>(),
    'charge.refunded': {
      handle: ({ payload }) => expectTypeOf(payload.data.object).toEqualTypeOf<Stripe.Charge>(),
      gaveUp: ({ payload }, { error }) => [
        expectTypeOf(payload).toEqualTypeOf<Stripe.ChargeRefundedEvent>(),
        expectTypeOf(error).toEqualTypeOf<unknown>(),
      ],
    },
  },
  calcom: { BOOKING_CREATED: ({ payload }) => expectTypeOf(payload.payload.uid).toEqualTypeOf<string>() },
}

export const context: Handlers = {
  chatwoot: {
    contact_created: async ({ payload }, { chatwoot, stripe, calendar, signal, once }) => {
      expectTypeOf(payload.custom_attributes).toEqualTypeOf<Record<string, unknown>>()
      await chatwoot?.updateContact(`${payload.id}`, {}, signal)
      expectTypeOf(stripe?.livemode).toEqualTypeOf<boolean | undefined>()
      expectTypeOf(await calendar?.has('order', signal)).toEqualTypeOf<boolean | undefined>()
      expectTypeOf(await once('key', () => 5)).toEqualTypeOf<number>()
    },
  },
}

/** Of a source that no one has declared, and by event alone, as it was. */
export const untyped: WebhooksOptions = {
  handlers: {
    github: { push: ({ payload }: Delivery) => expectTypeOf(payload.ref).toEqualTypeOf<unknown>() },
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

expectTypeOf({} as Delivery['payload']).toEqualTypeOf<Record<string, unknown>>()
expectTypeOf({} as Delivery<{ a: 1 }>['payload']).toEqualTypeOf<{ a: 1 }>()
// @ts-expect-error types are told apart
expectTypeOf(5 as number).toEqualTypeOf<string>()
