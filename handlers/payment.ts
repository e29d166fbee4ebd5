import type { ChatwootClient } from '../plugins/chatwoot.ts'
import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { Handler, HandlerContext } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import { BOOKED, type Booking, kindOf, lessonOf, offerTimes, readerOf, reserve, tutorReader } from './booking.ts'
import { type Conversation, readConversation } from './conversation.ts'
import { formatAmount, majorUnits } from './money.ts'
import { asText } from './payload.ts'
import { publish, type Reply, sayOnce } from './reply.ts'
import type { Services } from './services.ts'
import { conversationOfMetadata, objectOf, type Payment, readPayment, sayNotOurs } from './stripe-event.ts'
import { TEXTS } from './texts/index.ts'
import { isoTime, sayWhen } from './times.ts'

/** What happens when Stripe reports a payment. One payment is reported by several events, and fulfilled once. */
export function paymentHandlers(services: Services): Record<string, Handler> {
  const { chatwoot, stripe, calendar } = services

  async function onPaid(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe)
    if (payment === null) return sayNotOurs(context)
    if (!payment.paid) return wait(payment, context)
    const client = needed(chatwoot)
    await context.once(`payment:${payment.id}`, () => fulfil(services, client, payment, delivery, context))
  }

  /** A delayed method, SEPA say: the lesson stays reserved until it begins, or until another event tells. */
  async function wait({ id, order, time }: Payment, { log, signal }: HandlerContext): Promise<void> {
    log.info({ payment: id }, 'not paid yet: its method takes longer, another event will tell')
    if (time === null) return
    await calendar.hold({ order, ...time, until: time.start, margin: { before: 0, after: 0 } }, signal)
  }

  async function onFailed(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe)
    if (payment === null) return sayNotOurs(context)
    // Events have no order: this one can be older than the success.
    if (payment.paid) return
    await fail(services, needed(chatwoot), payment, delivery, context)
  }

  const paid: Handler = { handle: onPaid, gaveUp: paymentGivenUp(services) }
  return {
    'checkout.session.completed': paid,
    'checkout.session.async_payment_succeeded': paid,
    'checkout.session.async_payment_failed': { handle: onFailed, gaveUp: paymentGivenUp(services) },
    'payment_intent.succeeded': paid,
  }
}

/** Leaves the tutor a note about an event that could not be handled. */
export function paymentGivenUp({ chatwoot, stripe }: Services) {
  return async (delivery: Delivery, context: HandlerContext): Promise<void> => {
    if (chatwoot === null) return
    const { metadata } = objectOf(delivery)
    const conversation = conversationOfMetadata(metadata) ?? (await readPayment(delivery, stripe))?.conversation
    if (conversation === undefined) return
    const content = `A payment could not be processed (${delivery.event}, delivery ${delivery.id}). Please look at it in Stripe; the delivery can be replayed.`
    await sayOnce(chatwoot, 'sendPrivateNote', conversation, { content }, `${delivery.id}:gave-up`, context)
  }
}

/** A payment must not be passed over in silence: it waits, dead, to be replayed when there is a token. */
export function needed(chatwoot: ChatwootClient | null): ChatwootClient {
  if (chatwoot === null) throw new PermanentError('CW_TOKEN is not set: set it, and replay this payment')
  return chatwoot
}

/** The conversation that a payment names. @throws {PermanentError} it is another student's */
export async function conversationOf(
  client: ChatwootClient,
  { conversation: id, contact }: Pick<Payment, 'conversation' | 'contact'>,
  signal: AbortSignal,
): Promise<Conversation> {
  const conversation = await readConversation(client, id, signal)
  if (contact === undefined || conversation.contactId === contact) return conversation
  throw new PermanentError(
    `The payment's contact ${contact} is not that of conversation ${id} (${conversation.contactId}): look at its metadata in Stripe`,
  )
}

/** Everything that a payment brings about. Each step can be repeated; what a person would see twice is done once. */
async function fulfil(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  delivery: Delivery,
  context: HandlerContext,
): Promise<void> {
  const conversation = await conversationOf(client, payment, context.signal)
  const { attributes } = conversation
  const isRefunded = attributes.payment_status === 'refunded' && attributes.payment_intent_id === payment.id
  if (payment.refunded || isRefunded) {
    return context.log.warn(
      { payment: payment.id },
      'the payment was refunded before it was handled: nothing is booked',
    )
  }
  const outcome = await context.once(`payment:${payment.id}:lesson`, () =>
    bookLesson(services, conversation, payment, context),
  )
  const isBooked = outcome === 'booked'
  const money: Reply = {
    attributes: {
      payment_status: 'paid',
      payment_intent_id: payment.id,
      payment_amount: majorUnits(payment.amount, payment.currency),
      payment_currency: payment.currency.toUpperCase(),
    },
    contact: {
      has_paid_lesson: true,
      ...(isBooked && { lesson_booked: true }),
      customer_since:
        asText(conversation.contactAttributes.customer_since) ?? new Date(delivery.receivedAt).toISOString(),
    },
    labels: {
      add: ['payment:paid', ...(isBooked ? ['status:booked'] : [])],
      remove: ['status:awaiting_pay', 'payment:failed'],
    },
    note: `Payment received: ${formatAmount(payment.amount, payment.currency)}, order ${payment.order}`,
  }
  await publish(services, client, conversation, money, `payment:${payment.id}`, context)
  const reply = await context.once(`payment:${payment.id}:reply`, () =>
    isBooked
      ? confirm(services, conversation, payment)
      : askForAnotherTime(services, conversation, payment, outcome, context),
  )
  await publish(services, client, conversation, reply, `payment:${payment.id}:lesson`, context)
}

/** Why a paid lesson is not in the calendar. */
const PROBLEMS = {
  taken: 'its time is not free any more',
  past: 'its time has passed',
  unknown: 'its lesson_start or minutes in Stripe make no sense',
}

async function bookLesson(
  { calendar, now }: Services,
  conversation: Conversation,
  { id, order, isTimed, time, amount, currency }: Payment,
  { signal }: HandlerContext,
): Promise<'booked' | keyof typeof PROBLEMS> {
  // Not every payment is for a time: a session made elsewhere names none.
  if (!isTimed) return 'booked'
  if (time === null) return 'unknown'
  if (time.start <= now()) return 'past'
  return calendar.book(lessonOf(conversation, order, time, `${formatAmount(amount, currency)}, ${id}`), signal)
}

function confirm(services: Services, conversation: Conversation, payment: Payment): Reply {
  const { time, order } = payment
  const texts = TEXTS[conversation.language]
  const thanks = texts.paid(formatAmount(payment.amount, payment.currency))
  if (time === null) return { content: thanks }
  const when = sayWhen(time.start, readerOf(conversation, services))
  return {
    content: [thanks, texts.booked(when)].join('\n'),
    ...(isPending(conversation, order) && {
      attributes: { ...BOOKED, order_id: order, lesson_start: isoTime(time.start, services.zone) },
    }),
  }
}

/** The conversation has not turned to another order meanwhile. */
function isPending({ attributes }: Conversation, order: string): boolean {
  return attributes.order_id == null || attributes.order_id === order
}

/** The money counts: the student chooses another time without paying again. */
async function askForAnotherTime(
  services: Services,
  conversation: Conversation,
  { order, time }: Payment,
  problem: keyof typeof PROBLEMS,
  { signal }: HandlerContext,
): Promise<Reply> {
  const kind = { ...kindOf(conversation), type: 'regular' as const }
  const minutes = time !== null ? (time.end - time.start) / 60_000 : kind.minutes
  const booking: Booking = { services, conversation, kind: { ...kind, minutes }, signal }
  const offer = await offerTimes(booking, 'rebook', { before: [TEXTS[conversation.language].paidButTaken] })
  const at = time !== null ? ` of ${sayWhen(time.start, tutorReader(services))}` : ''
  const note = `The lesson${at} is paid (order ${order}) but not in the calendar: ${PROBLEMS[problem]}. The student has been asked to choose another time.`
  return { ...offer, note, attributes: { ...BOOKED, ...offer.attributes, order_id: order } }
}

/** An asynchronous payment that failed; unless it was paid meanwhile, which an event's snapshot can't tell. */
async function fail(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  delivery: Delivery,
  context: HandlerContext,
): Promise<void> {
  const conversation = await conversationOf(client, payment, context.signal)
  const { attributes } = conversation
  if (attributes.payment_status === 'paid' && attributes.payment_intent_id === payment.id) return
  const failed: Reply = {
    attributes: { payment_status: 'failed', payment_intent_id: payment.id },
    labels: { add: ['payment:failed'], remove: ['status:awaiting_pay'] },
  }
  const key = `payment:${payment.id}:failed`
  await publish(services, client, conversation, failed, key, context)
  const reply = await context.once(`${key}:reply`, () => offerAgain(services, conversation, payment, delivery, context))
  await publish(services, client, conversation, reply, key, context)
}

/** A new link for the same lesson, other times if that one is taken, or just the news where nothing can be sold. */
async function offerAgain(
  services: Services,
  conversation: Conversation,
  { order, time }: Payment,
  delivery: Delivery,
  { signal, log }: HandlerContext,
): Promise<Reply> {
  const { paymentFailed } = TEXTS[conversation.language]
  if (time === null || time.start <= services.now()) return { content: paymentFailed }
  const kind = { type: 'regular' as const, minutes: (time.end - time.start) / 60_000 }
  const booking: Booking = { services, conversation, kind, signal }
  try {
    const reserved = await reserve(booking, { id: order, start: time.start, delivery })
    if (reserved === null) return await offerTimes(booking, 'slot', { before: [paymentFailed] })
    const { content, attributes } = reserved
    // The label says what happened last: it goes when the new link is paid.
    return { attributes, labels: { add: ['status:awaiting_pay'] }, content: [paymentFailed, content].join('\n') }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    log.warn({ err: error }, 'no payment link is offered again')
    return { content: paymentFailed }
  }
}
