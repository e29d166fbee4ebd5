import type Stripe from 'stripe'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { BOOKED, NO_ORDER, readerOf, situationOf } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf } from './dialogue.ts'
import { paymentGivenUp, requireChatwoot } from './given-up.ts'
import { kindOf } from './lesson-kind.ts'
import { claimOf } from './ownership.ts'
import { type Reply, replyOnce, respectingSilence, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import { lessonOfMetadata, logNotOurs, objectIdOf, type PaidLesson } from './stripe-event.ts'
import { formatWhen } from './times.ts'

/** Handlers that free calendar time: expired reservations. */
export function calendarHandlers(services: Services) {
  const { chatwoot, calendar } = services

  async function onExpired(
    delivery: Delivery<Stripe.CheckoutSessionExpiredEvent>,
    context: HandlerContext,
  ): Promise<void> {
    const session = delivery.payload.data.object
    const id = objectIdOf(delivery)
    const lesson = session.mode === 'setup' ? null : lessonOfMetadata(session.metadata, id)
    if (lesson === null) return logNotOurs(context)
    const expiry = session.expires_at * 1_000
    if (!(expiry > 0)) throw new PermanentError('data.object.expires_at is missing or not a time')
    const client = requireChatwoot(chatwoot)
    const claim = await claimOf(services, client, { ...lesson, id, session: id, sum: null }, context)
    if (claim === null) return
    // This session's hold only: the lesson may have been held again since. Stripe counts in whole seconds.
    await calendar.release(lesson.order, expiry + 999, context.signal)
    const { conversation } = await claim.payer()
    if (conversation === null)
      return context.log.warn({ session: id }, 'a payment link expired, its conversation is gone')
    await replyOnce(services, client, conversation, `expired:${id}`, context, () =>
      expiredReply(services, conversation, lesson, id),
    )
  }

  return {
    'checkout.session.expired': { handle: onExpired, gaveUp: paymentGivenUp(services) },
  } satisfies SourceHandlers<'stripe'>
}

/** Tells the student, who can choose again. null: the conversation has moved on since the session was made. */
function expiredReply(
  services: Services,
  conversation: Conversation,
  { time }: PaidLesson,
  session: string,
): Reply | null {
  if (conversation.attributes.checkout_session !== session || time === null) return null
  const when = formatWhen(time.start, readerOf(conversation, services))
  return respectingSilence(services, conversation, {
    since: stateOf(conversation),
    content: services.tutor.texts[conversation.language].expired(when),
    about: { text: 'expired', values: [when] },
    items: choicesOf(situationOf({ services, conversation, kind: kindOf(conversation, services) }, 'menu', [])),
    attributes: { ...BOOKED, ...NO_ORDER },
    labels: { remove: ['status:awaiting_pay'] },
  })
}
