import type { ChatwootClient } from '../plugins/chatwoot.ts'
import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { Handler, HandlerContext } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import type { StripeClient } from '../plugins/stripe.ts'
import { type Conversation, readConversation, sayOnce, updateContact } from './conversation.ts'
import { formatAmount, majorUnits } from './money.ts'
import { asId, asObject, asText, type Json } from './payload.ts'
import { TEXTS } from './texts/index.ts'

export interface PaymentOptions {
  chatwoot: ChatwootClient | null
  stripe: StripeClient | null
}

/** One payment of ours, whichever event told of it. */
interface Payment {
  /** The payment intent, or the session where nothing had to be paid: what is fulfilled once. */
  id: string
  paid: boolean
  /** In the currency's minor unit. */
  amount: number
  currency: string
  conversation: string
  orderId: string
}

/** What happens when Stripe reports a payment. One payment is reported by several events, and fulfilled once. */
export function paymentHandlers({ chatwoot, stripe }: PaymentOptions): Record<string, Handler> {
  async function onPaid(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe)
    if (payment === null) return sayNotOurs(context)
    if (!payment.paid) {
      context.log.info({ payment: payment.id }, 'not paid yet: its method takes longer, another event will tell')
      return
    }
    const client = needed(chatwoot)
    await context.once(`payment:${payment.id}`, () => fulfil(client, payment, delivery, context))
  }

  async function onFailed(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe)
    if (payment === null) return sayNotOurs(context)
    // Events have no order: this one can be older than the success.
    if (payment.paid) return
    await fail(needed(chatwoot), payment, context)
  }

  async function onGivenUp(delivery: Delivery, context: HandlerContext): Promise<void> {
    if (chatwoot === null) return
    const { metadata } = objectOf(delivery)
    const conversation = conversationOfMetadata(metadata) ?? (await readPayment(delivery, stripe))?.conversation
    if (conversation === undefined) return
    const note = `A payment could not be processed (${delivery.event}, delivery ${delivery.id}). Please look at it in Stripe; the delivery can be replayed.`
    await sayOnce(chatwoot, 'sendPrivateNote', conversation, note, `${delivery.id}:gave-up`, context)
  }

  const paid: Handler = { handle: onPaid, gaveUp: onGivenUp }
  return {
    'checkout.session.completed': paid,
    'checkout.session.async_payment_succeeded': paid,
    'checkout.session.async_payment_failed': { handle: onFailed, gaveUp: onGivenUp },
    'payment_intent.succeeded': paid,
  }
}

/** The conversation that pays, as our checkout sessions name it. */
export function conversationOfMetadata(metadata: unknown): string | undefined {
  const { conversation_id, chatwoot_conversation_id } = asObject(metadata)
  return asId(conversation_id) ?? asId(chatwoot_conversation_id)
}

/** null: not one of ours. A session in an event is as it was then; with a key it is read as it is now. */
async function readPayment(delivery: Delivery, stripe: StripeClient | null): Promise<Payment | null> {
  const object = objectOf(delivery)
  const id = asId(object.id)
  if (id === undefined) throw new PermanentError('data.object.id is missing or not an id')
  if (!delivery.event.startsWith('payment_intent.')) {
    if (conversationOfMetadata(object.metadata) === undefined) return null
    return ofSession(id, stripe === null ? object : asObject(await stripe.getSession(id)))
  }
  const payment = ofIntent(id, object)
  if (payment !== null || stripe === null) return payment
  // A session's metadata is not copied to its payment intent unless that was asked for.
  const session = await stripe.findSession(id)
  return session === undefined ? null : ofSession(session.id, asObject(session))
}

function objectOf(delivery: Delivery): Json {
  return asObject(asObject(delivery.payload.data).object)
}

function ofSession(id: string, session: Json): Payment | null {
  const { payment_intent, payment_status, amount_total, currency, metadata } = session
  // Nothing to pay (`no_payment_required`) is as good as paid: docs.stripe.com/checkout/fulfillment
  const paid = payment_status === 'paid' || payment_status === 'no_payment_required'
  return ofParts({ id: asId(payment_intent) ?? id, paid, amount: amount_total, currency, metadata })
}

/** Of a payment intent that succeeded. */
function ofIntent(id: string, { amount_received, currency, metadata }: Json): Payment | null {
  return ofParts({ id, paid: true, amount: amount_received, currency, metadata })
}

function ofParts(parts: {
  id: string
  paid: boolean
  amount: unknown
  currency: unknown
  metadata: unknown
}): Payment | null {
  const { id, paid, amount, currency, metadata } = parts
  const conversation = conversationOfMetadata(metadata)
  if (conversation === undefined) return null
  const orderId = asText(asObject(metadata).order_id) ?? id
  if (typeof amount !== 'number' || typeof currency !== 'string') {
    throw new PermanentError(`The payment ${id} has no amount or no currency`)
  }
  return { id, paid, amount, currency, conversation, orderId }
}

function sayNotOurs({ log }: HandlerContext): void {
  log.warn('a payment without our metadata (conversation_id): ignored')
}

/** A payment must not be passed over in silence: it waits, dead, to be replayed when there is a token. */
function needed(chatwoot: ChatwootClient | null): ChatwootClient {
  if (chatwoot === null) throw new PermanentError('CW_TOKEN is not set: set it, and replay this payment')
  return chatwoot
}

/** Everything that a payment brings about. Each step can be repeated; what a person would see twice is done once. */
async function fulfil(
  client: ChatwootClient,
  payment: Payment,
  delivery: Delivery,
  context: HandlerContext,
): Promise<void> {
  const { signal } = context
  const conversation = await readConversation(client, payment.conversation, signal)
  await client.mergeAttributes(
    conversation.id,
    {
      payment_status: 'paid',
      payment_intent_id: payment.id,
      payment_amount: majorUnits(payment.amount, payment.currency),
      payment_currency: payment.currency.toUpperCase(),
    },
    signal,
  )
  await makeCustomer(client, conversation, delivery, context)
  await client.changeLabels(
    conversation.id,
    { add: ['payment:paid', 'status:booked'], remove: ['status:awaiting_pay', 'payment:failed'] },
    signal,
  )

  const amount = formatAmount(payment.amount, payment.currency)
  const note = `Payment received: ${amount}, order ${payment.orderId}`
  await sayOnce(client, 'sendPrivateNote', conversation.id, note, `payment:${payment.id}:note`, context)
  const confirmation = TEXTS[conversation.language].paid(amount)
  await sayOnce(client, 'sendMessage', conversation.id, confirmation, `payment:${payment.id}:confirmation`, context)
}

async function makeCustomer(
  client: ChatwootClient,
  { contactId, contactAttributes }: Conversation,
  { receivedAt }: Delivery,
  context: HandlerContext,
): Promise<void> {
  if (contactId === undefined) return
  const customer_since = asText(contactAttributes.customer_since) ?? new Date(receivedAt).toISOString()
  await updateContact(client, contactId, { has_paid_lesson: true, lesson_booked: true, customer_since }, context)
}

/** An asynchronous payment that failed; unless it was paid meanwhile, which an event's snapshot can't tell. */
async function fail(client: ChatwootClient, payment: Payment, context: HandlerContext): Promise<void> {
  const { signal } = context
  const { id, attributes, language } = await readConversation(client, payment.conversation, signal)
  if (attributes.payment_status === 'paid' && attributes.payment_intent_id === payment.id) return
  await client.mergeAttributes(id, { payment_status: 'failed', payment_intent_id: payment.id }, signal)
  await client.changeLabels(id, { add: ['payment:failed'], remove: ['status:awaiting_pay'] }, signal)
  await sayOnce(client, 'sendMessage', id, TEXTS[language].paymentFailed, `payment:${payment.id}:failed`, context)
}
