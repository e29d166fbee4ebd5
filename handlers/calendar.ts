import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import { BOOKED, kindOf, NO_ORDER, readerOf, situationOf, tutorReader } from './booking.ts'
import { type Conversation, isUndisturbed } from './conversation.ts'
import { choicesOf } from './dialogue.ts'
import { formatAmount } from './money.ts'
import { asId, type Json } from './payload.ts'
import { conversationOf, needed, paidBy, paymentGivenUp } from './payment.ts'
import { forSilence, type Reply, replyOnce, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import { lessonOfMetadata, objectIdOf, objectOf, type PaidLesson, sayNotOurs } from './stripe-event.ts'
import { TEXTS } from './texts/index.ts'
import { sayWhen } from './times.ts'

/** What frees time in the calendar: a reservation that lapsed, a payment that was given back. */
export function calendarHandlers(services: Services): Record<string, HandlerPair> {
  const { chatwoot, stripe, calendar } = services

  async function onExpired(delivery: Delivery, context: HandlerContext): Promise<void> {
    const session = objectOf(delivery)
    const id = objectIdOf(delivery)
    const lesson = lessonOfMetadata(session.metadata, id)
    if (lesson === null) return sayNotOurs(context)
    const expiry = Number(session.expires_at) * 1_000
    if (!(expiry > 0)) throw new PermanentError('data.object.expires_at is missing or not a time')
    // Of this session only: the lesson may have been reserved again since. Stripe counts in whole seconds.
    await calendar.release(lesson.order, expiry + 999, context.signal)
    const client = needed(chatwoot)
    const conversation = await conversationOf(client, lesson, context.signal)
    await replyOnce(services, client, conversation, `expired:${id}`, context, () =>
      lapsed(services, conversation, lesson, id),
    )
  }

  async function onRefunded(delivery: Delivery, context: HandlerContext): Promise<void> {
    const charge = objectOf(delivery)
    const intent = asId(charge.payment_intent) ?? objectIdOf(delivery)
    const metadata =
      lessonOfMetadata(charge.metadata, intent) === null
        ? (await stripe?.findSession(intent, context.signal))?.metadata
        : charge.metadata
    const lesson = lessonOfMetadata(metadata, intent)
    if (lesson === null) return sayNotOurs(context)
    if (charge.refunded !== true) return context.log.info({ payment: intent }, 'refunded in part: the lesson stays')
    const client = needed(chatwoot)
    const conversation = await conversationOf(client, lesson, context.signal)
    // A second payment of the order has no part in its lesson; and one that was given is not undone by a refund.
    const isPayment = (await paidBy(lesson.order, intent, context)) === intent
    // Looked up before it is gone: an attempt that dies right after its end would not know it any more.
    const booked = await context.once(`refund:${intent}:lesson`, () => calendar.find(lesson.order, context.signal))
    const isCancelled = isPayment && booked !== null && booked.start > services.now()
    if (isCancelled) await calendar.cancel(lesson.order, context.signal)
    await replyOnce(services, client, conversation, `refund:${intent}`, context, () =>
      refunded(services, conversation, lesson.order, charge, isPayment, isCancelled ? booked.start : undefined),
    )
  }

  return {
    'checkout.session.expired': { handle: onExpired, gaveUp: paymentGivenUp(services) },
    'charge.refunded': { handle: onRefunded, gaveUp: paymentGivenUp(services) },
  }
}

/** The student is told, and can choose again; null: the conversation has gone on since the session was made. */
function lapsed(services: Services, conversation: Conversation, { time }: PaidLesson, session: string): Reply | null {
  if (conversation.attributes.checkout_session !== session || time === null) return null
  const when = sayWhen(time.start, readerOf(conversation, services))
  return forSilence(conversation, {
    since: stateOf(conversation),
    content: TEXTS[conversation.language].expired(when),
    items: choicesOf(situationOf({ services, conversation, kind: kindOf(conversation) }, 'menu', [])),
    attributes: { ...BOOKED, ...NO_ORDER },
    labels: { remove: ['status:awaiting_pay'] },
  })
}

/** @param cancelled when the lesson would have begun, Unix ms; undefined: it is none, or was given */
function refunded(
  services: Services,
  conversation: Conversation,
  order: string,
  { amount_refunded, currency, payment_intent }: Json,
  isPayment: boolean,
  cancelled: number | undefined,
): Reply {
  const { attributes, language } = conversation
  const texts = TEXTS[language]
  const amount = formatAmount(Number(amount_refunded), String(currency))
  const told = cancelled && texts.cancelled(sayWhen(cancelled, readerOf(conversation, services)))
  const noted = cancelled && `; the lesson of ${sayWhen(cancelled, tutorReader(services))} is cancelled`
  const reply = {
    content: [texts.refunded(amount), told].filter(Boolean).join('\n'),
    note: `Payment refunded: ${amount}, order ${order}${noted ?? ''}`,
  }
  // Another order's state is its own.
  if (!isPayment || !isUndisturbed(conversation, order)) return reply
  const isCurrent = attributes.order_id === order
  return {
    ...reply,
    since: stateOf(conversation),
    attributes: {
      ...(isCurrent && { ...BOOKED, ...NO_ORDER }),
      payment_status: 'refunded',
      payment_intent_id: asId(payment_intent),
    },
    labels: { remove: ['payment:paid', 'status:booked'] },
  }
}
