import type Stripe from 'stripe'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { BOOKED, kindOf, NO_ORDER, readerOf, situationOf } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf } from './dialogue.ts'
import { needed, paymentGivenUp } from './given-up.ts'
import { claimOf } from './ownership.ts'
import { forSilence, type Reply, replyOnce, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import { lessonOfMetadata, objectIdOf, type PaidLesson, sayNotOurs } from './stripe-event.ts'
import { TEXTS } from './texts/index.ts'
import { sayWhen } from './times.ts'

/** What frees time in the calendar: a reservation that lapsed. */
export function calendarHandlers(services: Services) {
  const { chatwoot, calendar } = services

  async function onExpired(
    delivery: Delivery<Stripe.CheckoutSessionExpiredEvent>,
    context: HandlerContext,
  ): Promise<void> {
    const session = delivery.payload.data.object
    const id = objectIdOf(delivery)
    const lesson = session.mode === 'setup' ? null : lessonOfMetadata(session.metadata, id)
    if (lesson === null) return sayNotOurs(context)
    const expiry = session.expires_at * 1_000
    if (!(expiry > 0)) throw new PermanentError('data.object.expires_at is missing or not a time')
    const client = needed(chatwoot)
    const claim = await claimOf(services, client, { ...lesson, id, session: id, sum: null }, context)
    if (claim === null) return
    // Of this session only: the lesson may have been reserved again since. Stripe counts in whole seconds.
    await calendar.release(lesson.order, expiry + 999, context.signal)
    const { conversation } = await claim.payer()
    if (conversation === null) return context.log.warn({ session: id }, 'a link expired whose conversation is gone')
    await replyOnce(services, client, conversation, `expired:${id}`, context, () =>
      lapsed(services, conversation, lesson, id),
    )
  }

  return {
    'checkout.session.expired': { handle: onExpired, gaveUp: paymentGivenUp(services) },
  } satisfies SourceHandlers<'stripe'>
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
