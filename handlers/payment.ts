import type Stripe from 'stripe'
import type { ChatwootClient } from '../plugins/chatwoot.ts'
import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { Handler, HandlerContext } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import type { StripeClient } from '../plugins/stripe.ts'
import { updateContact } from './message.ts'
import { formatAmount, majorUnits } from './money.ts'
import { asId, asObject, asText, type Json } from './payload.ts'
import { languageOf, TEXTS } from './texts/index.ts'

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
    const payment = await paymentOf(delivery, context)
    if (payment === null) return
    if (!payment.paid) {
      context.log.info({ payment: payment.id }, 'not paid yet: its method takes longer, another event will tell')
      return
    }
    await context.once(`payment:${payment.id}`, () => fulfil(needed(chatwoot), payment, delivery, context))
  }

  async function onFailed(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await paymentOf(delivery, context)
    if (payment === null) return
    await context.once(`payment:${payment.id}:failed:${delivery.id}`, () => fail(needed(chatwoot), payment, context))
  }

  /** null: not one of ours; said in the log. */
  async function paymentOf(delivery: Delivery, context: HandlerContext): Promise<Payment | null> {
    const object = asObject(asObject(delivery.payload.data).object)
    const payment = await (delivery.event.startsWith('payment_intent.') ? ofIntent(object) : ofSession(object))
    if (payment === null) context.log.warn('a payment without our metadata (conversation_id): ignored')
    return payment
  }

  /** A session in an event is as it was then; with a key it is read as it is now. */
  async function ofSession(snapshot: Json): Promise<Payment | null> {
    const id = idOf(snapshot)
    const session = stripe === null ? snapshot : asObject(await stripe.getSession(id))
    return payment({
      id: asId(session.payment_intent) ?? asId(asObject(session.payment_intent).id) ?? id,
      // Nothing to pay (`no_payment_required`) is as good as paid: docs.stripe.com/checkout/fulfillment
      paid: session.payment_status === 'paid' || session.payment_status === 'no_payment_required',
      amount: session.amount_total,
      currency: session.currency,
      metadata: session.metadata,
    })
  }

  /** Metadata of a session is not copied to its payment intent unless that was asked for. */
  async function ofIntent(intent: Json): Promise<Payment | null> {
    const id = idOf(intent)
    const own = payment({
      id,
      paid: true,
      amount: intent.amount_received ?? intent.amount,
      currency: intent.currency,
      metadata: intent.metadata,
    })
    if (own !== null || stripe === null) return own
    const session: Stripe.Checkout.Session | undefined = await stripe.findSession(id)
    return session === undefined ? null : ofSession(asObject(session))
  }

  async function onGivenUp(delivery: Delivery, context: HandlerContext): Promise<void> {
    const conversation = conversationOfMetadata(asObject(asObject(delivery.payload.data).object).metadata)
    if (chatwoot === null || conversation === undefined) return
    const note = `A payment could not be processed (${delivery.event}, delivery ${delivery.id}). Please look at it in Stripe, and replay the delivery.`
    await context.once(`${delivery.id}:gave-up`, () => chatwoot.sendPrivateNote(conversation, note, context.signal))
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

function payment(parts: {
  id: string
  paid: boolean
  amount: unknown
  currency: unknown
  metadata: unknown
}): Payment | null {
  const conversation = conversationOfMetadata(parts.metadata)
  if (conversation === undefined) return null
  const { id, paid } = parts
  const amount = typeof parts.amount === 'number' ? parts.amount : 0
  const orderId = asText(asObject(parts.metadata).order_id) ?? id
  return { id, paid, amount, currency: asText(parts.currency) ?? 'eur', conversation, orderId }
}

function idOf(object: Json): string {
  const id = asId(object.id)
  if (id === undefined) throw new PermanentError('data.object.id is missing or not an id')
  return id
}

/** A payment must not be passed over in silence: it waits, dead, to be replayed when there is a token. */
function needed(chatwoot: ChatwootClient | null): ChatwootClient {
  if (chatwoot === null) throw new PermanentError('CW_TOKEN is not set: set it, and replay this payment')
  return chatwoot
}

/** Everything that a payment brings about. Each step can be repeated; what a student would see twice is done once. */
async function fulfil(
  client: ChatwootClient,
  payment: Payment,
  delivery: Delivery,
  context: HandlerContext,
): Promise<void> {
  const { signal, once } = context
  const { conversation } = payment
  const { contact, contactId } = await readContact(client, conversation, signal)
  await client.mergeAttributes(
    conversation,
    {
      payment_status: 'paid',
      payment_intent_id: payment.id,
      payment_amount: majorUnits(payment.amount, payment.currency),
      payment_currency: payment.currency.toUpperCase(),
    },
    signal,
  )
  if (contactId !== undefined) {
    const since =
      asText(asObject(contact.custom_attributes).customer_since) ?? new Date(delivery.receivedAt).toISOString()
    const attributes = { has_paid_lesson: true, lesson_booked: true, customer_since: since }
    await updateContact(client, contactId, attributes, context)
  }
  await client.changeLabels(
    conversation,
    { add: ['payment:paid', 'status:booked'], remove: ['status:awaiting_pay', 'payment:failed'] },
    signal,
  )

  const amount = formatAmount(payment.amount, payment.currency)
  const note = `Payment received: ${amount}, order ${payment.orderId}`
  await once(`payment:${payment.id}:note`, () => client.sendPrivateNote(conversation, note, signal))
  const confirmation = TEXTS[languageOf(contact)].paid(amount)
  await once(`payment:${payment.id}:confirmation`, () => client.sendMessage(conversation, confirmation, signal))
}

/** An asynchronous payment that failed; unless it was paid meanwhile, for events have no order. */
async function fail(client: ChatwootClient, payment: Payment, { signal, once }: HandlerContext): Promise<void> {
  const { conversation } = payment
  const { attributes, contact } = await readContact(client, conversation, signal)
  if (attributes.payment_status === 'paid' && attributes.payment_intent_id === payment.id) return
  await client.mergeAttributes(conversation, { payment_status: 'failed', payment_intent_id: payment.id }, signal)
  await client.changeLabels(conversation, { add: ['payment:failed'], remove: ['status:awaiting_pay'] }, signal)
  const text = TEXTS[languageOf(contact)].paymentFailed
  await once(`payment:${payment.id}:failed:told`, () => client.sendMessage(conversation, text, signal))
}

async function readContact(client: ChatwootClient, conversation: string, signal: AbortSignal) {
  const { custom_attributes, meta } = await client.getConversation(conversation, signal)
  const contact = asObject(meta.sender)
  return { attributes: asObject(custom_attributes), contact, contactId: asId(contact.id) }
}
