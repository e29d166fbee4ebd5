import type Stripe from 'stripe'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { needsPerson } from './attention.ts'
import { BOOKED, NO_ORDER, readerOf, tutorReader } from './booking.ts'
import { type Conversation, isUndisturbed } from './conversation.ts'
import { needed, paymentGivenUp } from './given-up.ts'
import { formatAmount } from './money.ts'
import { type Claim, type Claimed, claimOf, paidBy } from './ownership.ts'
import { type Reply, replyOnce, sayOnce, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import { idOf, objectIdOf, sayNotOurs, traceLesson } from './stripe-event.ts'
import { TEXTS } from './texts/index.ts'
import { sayWhen } from './times.ts'

/** Money that is given back. */

/** What was given back, of which payment. */
export type Refund = Claimed & { sum: string }

export function refundHandlers(services: Services) {
  const { chatwoot, stripe } = services

  async function onRefunded(delivery: Delivery<Stripe.ChargeRefundedEvent>, context: HandlerContext): Promise<void> {
    const charge = delivery.payload.data.object
    const id = idOf(charge.payment_intent) ?? objectIdOf(delivery)
    const lesson = await traceLesson(charge, id, stripe, context.signal)
    if (lesson === null) return sayNotOurs(context)
    const client = needed(chatwoot)
    const sum = formatAmount(charge.amount_refunded, charge.currency)
    const refund: Refund = { ...lesson, id, sum }
    const claim = await claimOf(services, client, refund, context)
    if (claim === null) return
    if (charge.refunded) return giveBack(services, client, claim, refund, context)
    const of = formatAmount(charge.amount, charge.currency)
    await tellOfPart(services, client, claim, refund, of, context)
  }

  return {
    'charge.refunded': { handle: onRefunded, gaveUp: paymentGivenUp(services) },
  } satisfies SourceHandlers<'stripe'>
}

/** All of a payment is given back: its lesson is cancelled unless it has begun, what it holds is free, both are told. */
export async function giveBack(
  services: Services,
  client: ChatwootClient,
  claim: Claim,
  refund: Refund,
  context: HandlerContext,
): Promise<void> {
  const { calendar } = services
  const { id, order } = refund
  const { signal } = context
  // A second payment of the order has no part in its lesson; and one that was given is not undone by a refund.
  const isPayment = (await paidBy(order, id, context)) === id
  // Looked up before it is gone: an attempt that dies right after its end would not know it any more.
  const booked = await context.once(`refund:${id}:lesson`, () => calendar.find(order, signal))
  const isCancelled = isPayment && booked !== null && booked.start > services.now()
  if (isCancelled) await calendar.cancel(order, signal)
  else if (isPayment) await calendar.release(order, Number.MAX_SAFE_INTEGER, signal)
  const payer = await claim.payer()
  if (payer.conversation === null) {
    const why = `${payer.why}. The payment is refunded${isCancelled ? ', and its lesson cancelled' : ''}.`
    return needsPerson(services, refund, `refund_${payer.problem}`, why, context)
  }
  const { conversation } = payer
  await replyOnce(services, client, conversation, `refund:${id}`, context, () =>
    refunded(services, conversation, refund, isPayment, isCancelled ? booked.start : undefined),
  )
}

async function tellOfPart(
  services: Services,
  client: ChatwootClient,
  claim: Claim,
  refund: Refund,
  of: string,
  context: HandlerContext,
): Promise<void> {
  const { id, order, sum } = refund
  context.log.info({ payment: id }, 'refunded in part: the lesson stays')
  const payer = await claim.payer()
  const note = `Payment refunded in part: ${sum} of ${of} so far, order ${order}. The lesson stays.`
  if (payer.conversation === null) {
    return needsPerson(services, refund, `refund_${payer.problem}`, `${payer.why}. ${note}`, context)
  }
  const key = `refund:${id}:${sum}`
  await sayOnce(client, 'sendPrivateNote', payer.conversation.id, { content: note }, key, context)
}

/** @param cancelled when the lesson would have begun, Unix ms; undefined: it is none, or was given */
function refunded(
  services: Services,
  conversation: Conversation,
  { id, order, sum }: Refund,
  isPayment: boolean,
  cancelled: number | undefined,
): Reply {
  const { attributes, language } = conversation
  const texts = TEXTS[language]
  const told = cancelled && texts.cancelled(sayWhen(cancelled, readerOf(conversation, services)))
  const noted = cancelled && `; the lesson of ${sayWhen(cancelled, tutorReader(services))} is cancelled`
  const reply = {
    content: [texts.refunded(sum), told].filter(Boolean).join('\n'),
    note: `Payment refunded: ${sum}, order ${order}${noted ?? ''}`,
  }
  if (!isPayment || !isStatusOf(conversation, { id, order })) return reply
  const isCurrent = attributes.order_id === order
  // What is booked may be another order's, which was not paid by this.
  const isBooked = isCurrent || attributes.order_id == null
  return {
    ...reply,
    since: stateOf(conversation),
    attributes: {
      ...(isCurrent && { ...BOOKED, ...NO_ORDER }),
      payment_status: 'refunded',
      payment_intent_id: id,
    },
    labels: {
      remove: ['payment:paid', ...(isBooked ? ['status:booked'] : []), ...(isCurrent ? ['status:awaiting_pay'] : [])],
    },
  }
}

/** Whether what a conversation says of payments is about this one, not about another order's or a later payment. */
export function isStatusOf(conversation: Conversation, { id, order }: Pick<Claimed, 'id' | 'order'>): boolean {
  const { order_id, payment_intent_id } = conversation.attributes
  if (order_id === order) return true
  return isUndisturbed(conversation, order) && (payment_intent_id == null || payment_intent_id === id)
}
