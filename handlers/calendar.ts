import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { Handler, HandlerContext } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import { BOOKED, kindOf, readerOf, situationOf, tutorReader } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf } from './dialogue.ts'
import { formatAmount } from './money.ts'
import { asId, type Json } from './payload.ts'
import { conversationOf, needed, paymentGivenUp } from './payment.ts'
import { publish, type Reply } from './reply.ts'
import type { Services } from './services.ts'
import { lessonOfMetadata, objectIdOf, objectOf, type PaidLesson, sayNotOurs } from './stripe-event.ts'
import { TEXTS } from './texts/index.ts'
import { parseTime, sayWhen } from './times.ts'

/** What frees time in the calendar: a reservation that lapsed, a payment that was given back. */
export function calendarHandlers(services: Services): Record<string, Handler> {
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
    const reply = await context.once(`expired:${id}`, () => lapsed(services, conversation, lesson, id))
    if (reply !== null) await publish(services, client, conversation, reply, `expired:${id}`, context)
  }

  async function onRefunded(delivery: Delivery, context: HandlerContext): Promise<void> {
    const charge = objectOf(delivery)
    const intent = asId(charge.payment_intent) ?? objectIdOf(delivery)
    const metadata =
      lessonOfMetadata(charge.metadata, intent) === null
        ? (await stripe?.findSession(intent))?.metadata
        : charge.metadata
    const lesson = lessonOfMetadata(metadata, intent)
    if (lesson === null) return sayNotOurs(context)
    if (charge.refunded !== true) return context.log.info({ payment: intent }, 'refunded in part: the lesson stays')
    await calendar.cancel(lesson.order, context.signal)
    const client = needed(chatwoot)
    const conversation = await conversationOf(client, lesson, context.signal)
    const reply = await context.once(`refund:${intent}`, () => refunded(services, conversation, lesson, intent, charge))
    await publish(services, client, conversation, reply, `refund:${intent}`, context)
  }

  return {
    'checkout.session.expired': { handle: onExpired, gaveUp: paymentGivenUp(services) },
    'charge.refunded': { handle: onRefunded, gaveUp: paymentGivenUp(services) },
  }
}

/** The student is told, and can choose again; null: the conversation has gone on since the session was made. */
function lapsed(services: Services, conversation: Conversation, { time }: PaidLesson, session: string): Reply | null {
  const { checkout_session, payment_status } = conversation.attributes
  if (checkout_session !== session || payment_status === 'paid' || time === null) return null
  const when = sayWhen(time.start, readerOf(conversation, services))
  return {
    content: TEXTS[conversation.language].expired(when),
    items: choicesOf(situationOf({ services, conversation, kind: kindOf(conversation) }, 'menu', [])),
    attributes: { ...BOOKED, order_id: null, lesson_start: null, payment_status: null },
    labels: { remove: ['status:awaiting_pay'] },
  }
}

function refunded(
  services: Services,
  conversation: Conversation,
  { order, time }: PaidLesson,
  intent: string,
  { amount_refunded, currency }: Json,
): Reply {
  const { attributes, language } = conversation
  const texts = TEXTS[language]
  const amount = formatAmount(Number(amount_refunded), String(currency))
  const isCurrent = attributes.order_id === order
  // It may have been moved since it was paid; or it had no time any more.
  const start = isCurrent ? parseTime(attributes.lesson_start) : time?.start
  const isBooked = start !== undefined && !(isCurrent && attributes.pending_intent === 'rebook')
  const cancelled = isBooked ? texts.cancelled(sayWhen(start, readerOf(conversation, services))) : undefined
  const lesson = isBooked ? `; the lesson of ${sayWhen(start, tutorReader(services))} is cancelled` : ''
  return {
    content: [texts.refunded(amount), cancelled].filter(Boolean).join('\n'),
    note: `Payment refunded: ${amount}, order ${order}${lesson}`,
    attributes: {
      payment_status: 'refunded',
      payment_intent_id: intent,
      ...(isCurrent && { ...BOOKED, order_id: null, lesson_start: null }),
    },
    labels: { remove: ['payment:paid', 'status:booked'] },
  }
}
