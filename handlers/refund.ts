import type Stripe from 'stripe'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import { StripeRefusedError } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { alertPerson } from './attention.ts'
import { BOOKED, NO_ORDER, readerOf, tutorReader } from './booking.ts'
import { type Conversation, isOrderCurrent } from './conversation.ts'
import { paymentGivenUp, requireChatwoot } from './given-up.ts'
import { hasOthers } from './lesson-ahead.ts'
import { formatAmount, type Money, moneyIn } from './money.ts'
import { type Claim, type Claimed, claimOf } from './ownership.ts'
import { packageRefunded } from './package-refund.ts'
import { paidBy } from './paid-by.ts'
import { isOurs } from './pay-back.ts'
import { type Reply, replyOnce, sayOnce, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import { idOf, logNotOurs, objectIdOf, presentedOf, traceLesson } from './stripe-event.ts'
import { formatWhen } from './times.ts'
import { resultOf } from './unsold.ts'

/** The sum refunded so far, and its payment. `isTold`: whoever cancelled the lesson here tells student and tutor. */
export type Refund = Claimed & { sum: string; seen: Money; isTold?: boolean }

export function refundHandlers(services: Services) {
  const { chatwoot, stripe } = services

  async function onRefunded(delivery: Delivery<Stripe.ChargeRefundedEvent>, context: HandlerContext): Promise<void> {
    const charge = delivery.payload.data.object
    const id = idOf(charge.payment_intent) ?? objectIdOf(delivery)
    const lesson = await traceLesson(charge, id, stripe, context.signal)
    if (lesson === null) return logNotOurs(context)
    const client = requireChatwoot(chatwoot)
    const sum = formatAmount(charge.amount_refunded, charge.currency)
    const { amount_refunded: amount, currency } = charge
    const seen = (charge.refunded ? presentedOf(charge) : undefined) ?? { amount, currency }
    const claim = await claimOf(services, client, { ...lesson, id, sum }, context)
    if (claim === null) return
    if (lesson.package !== undefined) {
      const part = charge.refunded ? 1 : charge.amount_refunded / charge.amount
      return packageRefunded(services, client, claim, { ...lesson, id, sum, seen, part }, context)
    }
    const isTold = await isPaidBack(services, lesson.order, id, context)
    const refund: Refund = { ...lesson, id, sum, seen, isTold }
    if (charge.refunded) return fullyRefunded(services, client, claim, refund, context)
    if (isTold) return context.log.info({ payment: id }, 'an earlier refund in part, the rest is paid back since')
    await notePartialRefund(services, client, claim, refund, wholeOf(charge), context)
  }

  return {
    'charge.refunded': { handle: onRefunded, gaveUp: paymentGivenUp(services) },
  } satisfies SourceHandlers<'stripe'>
}

/** Whether we have paid an order back. */
async function isPaidBack(
  { stripe, installationId }: Services,
  order: string,
  payment: string,
  { signal }: HandlerContext,
): Promise<boolean> {
  if (stripe === null) return false
  try {
    const [refunds, origin] = await Promise.all([stripe.listRefunds(payment, signal), installationId()])
    return refunds.some(refund => isOurs(refund, order, origin))
  } catch (error) {
    // A charge without a payment intent; or a key that may not read refunds, which has made none either.
    if (error instanceof StripeRefusedError) return false
    throw error
  }
}

/** What was paid, and both sums as the student sees them where that is another currency: Stripe tells only the whole. */
function wholeOf(charge: Stripe.Charge): string {
  const { amount, amount_refunded, currency } = charge
  const whole = formatAmount(amount, currency)
  const seen = presentedOf(charge)
  if (seen === undefined) return whole
  const part = formatAmount(Math.round((seen.amount * amount_refunded) / amount), seen.currency)
  return `${whole} (for the student about ${part} of ${formatAmount(seen.amount, seen.currency)})`
}

/** A full refund: cancels the lesson unless it has begun, releases its hold, tells student and tutor. */
export async function fullyRefunded(
  services: Services,
  client: ChatwootClient,
  claim: Claim,
  refund: Refund,
  context: HandlerContext,
): Promise<void> {
  const { calendar } = services
  const { id, order } = refund
  const { signal } = context
  // A second payment of the order has no lesson, and a past lesson is not cancelled.
  const isPayment = (await paidBy(services, order, id, context)) === id
  // Recorded before it is cancelled, for a retry after a crash.
  const booked = await context.once(refundedKey(id), () => calendar.find(order, signal))
  const isCancelled = isPayment && booked !== null && booked.start > services.now()
  if (isCancelled) await calendar.cancel(order, signal)
  else if (isPayment) await calendar.release(order, Number.MAX_SAFE_INTEGER, signal)
  const payer = await claim.payer()
  if (payer.conversation === null) {
    if (refund.isTold) return
    const why = `${payer.why}. The payment is refunded${isCancelled ? ', and its lesson cancelled' : ''}.`
    return alertPerson(services, refund, `refund_${payer.problem}`, why, context)
  }
  const { conversation } = payer
  await replyOnce(services, client, conversation, `refund:${id}`, context, async () => {
    const isLast = !(await hasOthers(services, { order, conversation: conversation.id }, context))
    const lesson = { ...(isCancelled && { cancelled: booked.start }), isLast }
    return refunded(services, conversation, refund, isPayment, lesson)
  })
}

const refundedKey = (payment: string) => `refund:${payment}:lesson`

/** Whether a payment was refunded in full, as far as Stripe has told. */
export async function isRefundTold(payment: string, context: HandlerContext): Promise<boolean> {
  return (await resultOf(refundedKey(payment), context)) !== null
}

async function notePartialRefund(
  services: Services,
  client: ChatwootClient,
  claim: Claim,
  refund: Refund,
  of: string,
  context: HandlerContext,
): Promise<void> {
  const { id, order, sum } = refund
  context.log.info({ payment: id }, 'partial refund: the lesson stays')
  const payer = await claim.payer()
  const note = `Payment refunded in part: ${sum} of ${of} so far, order ${order}. The lesson stays.`
  if (payer.conversation === null) {
    return alertPerson(services, refund, `refund_${payer.problem}`, `${payer.why}. ${note}`, context)
  }
  const key = `refund:${id}:${sum}`
  await sayOnce(client, 'sendPrivateNote', payer.conversation.id, { content: note }, key, context)
}

/**
 * @param cancelled the cancelled lesson's start, Unix ms, if there was one to come
 * @param isLast the conversation has no other lesson to come
 */
function refunded(
  services: Services,
  conversation: Conversation,
  { id, order, sum, seen, isTold }: Refund,
  isPayment: boolean,
  { cancelled, isLast }: { cancelled?: number; isLast: boolean },
): Reply {
  const { attributes, language } = conversation
  const texts = services.tutor.texts[language]
  const told = cancelled && texts.cancelled(formatWhen(cancelled, readerOf(conversation, services)))
  const noted = cancelled && `; the lesson of ${formatWhen(cancelled, tutorReader(services))} is cancelled`
  const reply: Reply = isTold
    ? {}
    : {
        content: [texts.refunded(moneyIn(language, seen)), told].filter(Boolean).join('\n'),
        about: { text: 'refunded' as const, values: [moneyIn(language, seen)] },
        note: `Payment refunded: ${sum}, order ${order}${noted ?? ''}`,
      }
  if (!isPayment || !isStatusOf(conversation, { id, order })) return reply
  const isCurrent = attributes.order_id === order
  // The booked lesson may be another order's.
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
      remove: [
        'payment:paid',
        ...(isBooked && isLast ? ['status:booked'] : []),
        ...(isCurrent ? ['status:awaiting_pay'] : []),
      ],
    },
  }
}

/** Whether the conversation's payment status is about this payment, not another order's or a later one. */
export function isStatusOf(conversation: Conversation, { id, order }: Pick<Claimed, 'id' | 'order'>): boolean {
  const { order_id, payment_intent_id } = conversation.attributes
  if (order_id === order) return true
  return isOrderCurrent(conversation, order) && (payment_intent_id == null || payment_intent_id === id)
}
