import type Stripe from 'stripe'
import type { Payload } from '../inbox/contracts.ts'
import { asId, asObject, isObject } from './json.ts'
import { type Fields, number, numberOrNull, objectOf, type Read, text, textOrNull, yesOrNo } from './read.ts'
import type { StripeThinEvent } from './stripe-thin-events.ts'

/**
 * Stripe's payloads by event, with the types of its package. Fields that money depends on are read and checked; the
 * rest is as Stripe signed it.
 */

/** An event that Stripe sends only in the thin form: its object is fetched. */
export interface StripeThinPayload {
  id: string
  object: 'event'
  type: StripeThinEvent
  livemode: boolean
  created: string
  data: { object: unknown }
}

/** Payloads by event. */
export type StripePayloads = { [Event in Stripe.Event as Event['type']]: Event } & {
  [Event in StripeThinEvent]: StripeThinPayload
}

/** The paying conversation, as our checkout sessions name it. */
export function conversationOfMetadata(metadata: unknown): string | undefined {
  const { conversation_id, chatwoot_conversation_id } = asObject(metadata)
  return asId(conversation_id) ?? asId(chatwoot_conversation_id)
}

/** An id, or an empty string: an object without one can still be described by its other fields. */
const idText: Read<string> = value => asId(value) ?? ''

/** An object's id, or the object itself if it was expanded (`expand`). */
function idOr<T>(read: Read<T>): Read<string | T | null> {
  return (value, path) => (isObject(value) ? read(value, path) : (asId(value) ?? null))
}

/** Metadata: strings, as Stripe keeps them; for any other value, only its presence is known. */
const metadata: Read<Stripe.Metadata> = value => {
  const entries = Object.entries(asObject(value)).filter(([, entry]) => entry !== null && entry !== undefined)
  return Object.fromEntries(entries.map(([name, entry]) => [name, metadataText(entry)]))
}

function metadataText(entry: unknown): string {
  if (typeof entry === 'number') return String(entry)
  return text(entry, '')
}

/** Some fields of a Stripe type; the others are kept as received. */
function some<T>(fields: { [Name in keyof T]?: Read<T[Name]> }): Read<T> {
  return objectOf(fields as Fields<T>)
}

const charge = some<Stripe.Charge>({
  id: idText,
  amount: number,
  amount_refunded: number,
  currency: text,
  refunded: yesOrNo,
  payment_intent: idOr(some<Stripe.PaymentIntent>({ id: idText })),
  metadata,
})

const intent = some<Stripe.PaymentIntent>({
  id: idText,
  amount_received: number,
  currency: text,
  latest_charge: idOr(charge),
  metadata,
})

/** As in events and the API. */
export const readSession = some<Stripe.Checkout.Session>({
  id: idText,
  amount_total: numberOrNull,
  currency: textOrNull,
  expires_at: number,
  payment_intent: idOr(intent),
  metadata,
})

const MOVED = {
  id: idText,
  amount: number,
  currency: text,
  payment_intent: idOr(some<Stripe.PaymentIntent>({ id: idText })),
  metadata,
}
const refund = some<Stripe.Refund>({ ...MOVED, charge: idOr(charge), failure_reason: text })
const dispute = some<Stripe.Dispute>({
  ...MOVED,
  charge: value => idOr(charge)(value, '') ?? '',
  reason: text,
  evidence_details: some<Stripe.Dispute.EvidenceDetails>({ due_by: numberOrNull }),
})

/** The event's object by the prefix of the event's name, longest first. */
const OBJECTS: [string, Read<unknown>][] = [
  ['charge.dispute.', dispute],
  ['charge.refund.', refund],
  ['charge.', charge],
  ['checkout.session.', readSession],
  ['payment_intent.', intent],
  ['refund.', refund],
]

/** Converts a payload for handlers. */
export function readStripe(event: string, payload: Payload): Stripe.Event {
  const read = OBJECTS.find(([beginning]) => event.startsWith(beginning))?.[1] ?? asObject
  const data = asObject(payload.data)
  return {
    ...payload,
    type: event,
    data: { ...data, object: read(data.object, 'data.object') },
  } as unknown as Stripe.Event
}
