import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { alertPerson } from './attention.ts'
import { type Booking, isPlanned, NO_ORDER } from './booking.ts'
import { cancellationOf } from './cancellation.ts'
import { type Conversation, isOrderCurrent } from './conversation.ts'
import { kindOfPaid } from './lesson-kind.ts'
import { UNPAID } from './lesson-payment.ts'
import { offerLink } from './link-expiry.ts'
import { offerTimes } from './offers.ts'
import { claimOf, type Payer } from './ownership.ts'
import { type Reply, replyOnce, respectingSilence, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import type { Payment } from './stripe-event.ts'
import { sessionFailed } from './unsold.ts'

/** `payment_status` values before any money came in. */
const BEFORE_MONEY = new Set<unknown>([undefined, null, 'pending', 'failed', 'open'])

/** Handles a failed asynchronous payment, unless it has been paid since: the event's snapshot can't show that. */
export async function paymentFailed(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  delivery: Delivery<unknown>,
  context: HandlerContext,
): Promise<void> {
  const claim = await claimOf(services, client, payment, context)
  if (claim === null) return
  // The event is a session's; one that can't be paid any more is in nobody's way.
  await sessionFailed(`${payment.session}`, context)
  const payer = await claim.payer()
  const lesson = await services.calendar.lessonOf?.(payment.order, context.signal)
  if (lesson?.payment === UNPAID && lesson.cancelledAt === undefined)
    return unpaidFailed(services, client, payment, payer, context)
  if (payer.conversation === null) {
    await services.calendar.release(payment.order, Number.MAX_SAFE_INTEGER, context.signal)
    const why = `${payer.why}. The payment failed: nothing was charged, and its lesson is not reserved any more.`
    return alertPerson(services, payment, `failed_${payer.problem}`, why, context)
  }
  const { conversation } = payer
  const { attributes } = conversation
  const isOfThis = attributes.payment_intent_id === payment.id || attributes.order_id === payment.order
  if (isOfThis && !BEFORE_MONEY.has(attributes.payment_status)) return
  await replyOnce(services, client, conversation, `payment:${payment.id}:failed`, context, async () =>
    respectingSilence(services, conversation, await offerAgain(services, conversation, payment, delivery, context)),
  )
}

/** Of a lesson that is booked and not paid: it stays so, and its next link comes as planned. */
async function unpaidFailed(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  { conversation, ...gone }: Payer,
  context: HandlerContext,
): Promise<void> {
  const { id, order } = payment
  const note = `A payment has failed (order ${order}): nothing was charged. Its lesson stays booked, and is not paid.`
  if (conversation === null) {
    const { problem, why } = gone as Extract<Payer, { conversation: null }>
    return alertPerson(services, payment, `failed_${problem}`, `${why}. ${note}`, context)
  }
  const content = services.tutor.texts[conversation.language].paymentFailed
  await replyOnce(services, client, conversation, `payment:${id}:failed`, context, () =>
    respectingSilence(services, conversation, { content, about: { text: 'paymentFailed', values: [] }, note }),
  )
}

/** A new link for the same lesson, other times if it is taken, or only the news if nothing can be sold. */
async function offerAgain(
  services: Services,
  conversation: Conversation,
  { id, order, time, package: sold }: Payment,
  delivery: Delivery<unknown>,
  context: HandlerContext,
): Promise<Reply> {
  const { signal, log, once } = context
  const { paymentFailed } = services.tutor.texts[conversation.language]
  const isCancelled = (await cancellationOf(services, order, context)) !== null
  if (isCancelled || sold !== undefined || !isOrderCurrent(conversation, order))
    return { content: paymentFailed, about: { text: 'paymentFailed', values: [] } }
  // Its hold lasts until the lesson begins, longer than the new link. Once, so that a retry keeps the hold made below.
  await once(`payment:${id}:released`, () => services.calendar.release(order, Number.MAX_SAFE_INTEGER, signal))
  const failed: Reply = {
    since: stateOf(conversation),
    content: paymentFailed,
    attributes: { ...NO_ORDER, pending_intent: 'menu', payment_status: 'failed', payment_intent_id: id },
    labels: { add: ['payment:failed'], remove: ['status:awaiting_pay'] },
  }
  if (time === null) return failed
  const booking: Booking = { services, conversation, kind: kindOfPaid(time), signal }
  try {
    const isInTime = isPlanned(booking, time.start)
    const reserved = isInTime ? await offerLink(booking, { id: order, start: time.start, delivery }, context) : null
    const next = reserved ?? (await offerTimes(booking, 'slot'))
    return {
      ...failed,
      ...next,
      content: [paymentFailed, next.content].join('\n'),
      attributes: { ...failed.attributes, ...next.attributes },
      // The label shows the last event; it is removed when the new link is paid.
      labels: reserved === null ? failed.labels : { add: ['payment:failed', 'status:awaiting_pay'] },
    }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    log.warn({ err: error }, 'no new payment link could be offered')
    return failed
  }
}
