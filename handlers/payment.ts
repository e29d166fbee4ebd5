import type { ChatwootClient } from '../plugins/chatwoot.ts'
import type { Delivery } from '../plugins/inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../plugins/inbox/drain.ts'
import { PermanentError } from '../plugins/inbox/errors.ts'
import {
  BOOKED,
  type Booking,
  isPlanned,
  kindOf,
  lessonOf,
  NO_ORDER,
  offerTimes,
  readerOf,
  reserve,
  tutorReader,
} from './booking.ts'
import { type Conversation, isUndisturbed, readConversation } from './conversation.ts'
import { formatAmount, majorUnits } from './money.ts'
import { asText } from './payload.ts'
import { forSilence, publish, type Reply, replyOnce, sayOnce, stateOf } from './reply.ts'
import type { Services } from './services.ts'
import { conversationOfMetadata, objectOf, type Payment, readPayment, sayNotOurs } from './stripe-event.ts'
import { TEXTS } from './texts/index.ts'
import { isoTime, sayWhen } from './times.ts'

/** What happens when Stripe reports a payment. One payment is reported by several events, and fulfilled once. */
export function paymentHandlers(services: Services): Record<string, HandlerPair> {
  const { chatwoot, stripe, calendar } = services

  async function onPaid(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment === null) return sayNotOurs(context)
    const client = needed(chatwoot)
    if (!payment.paid) return wait(client, payment, context)
    await context.once(`payment:${payment.id}`, () => fulfil(services, client, payment, delivery, context))
  }

  /** A delayed method, SEPA say: the lesson stays reserved until it begins, or until another event tells. */
  async function wait(client: ChatwootClient, payment: Payment, { log, signal }: HandlerContext): Promise<void> {
    const { id, order, time, processing } = payment
    log.info({ payment: id }, 'not paid yet: its method takes longer, another event will tell')
    if (!processing || time === null) return
    await conversationOf(client, payment, signal)
    await calendar.hold({ order, ...time, until: time.start, margin: { before: 0, after: 0 } }, signal)
  }

  async function onFailed(delivery: Delivery, context: HandlerContext): Promise<void> {
    const payment = await readPayment(delivery, stripe, context.signal)
    if (payment === null) return sayNotOurs(context)
    // Events have no order: this one can be older than the success.
    if (payment.paid) return
    await fail(services, needed(chatwoot), payment, delivery, context)
  }

  const paid: HandlerPair = { handle: onPaid, gaveUp: paymentGivenUp(services) }
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
    const conversation =
      conversationOfMetadata(metadata) ?? (await readPayment(delivery, stripe, context.signal))?.conversation
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
  const key = `payment:${payment.id}`
  const first = await paidBy(payment.order, payment.id, context)
  if (first !== payment.id) {
    const reply = paidTwice(conversation, payment, first)
    return publish(services, client, conversation, reply, key, context)
  }
  const outcome = await context.once(`${key}:lesson`, () => bookLesson(services, conversation, payment, context))
  await publish(
    services,
    client,
    conversation,
    moneyCounts(services, conversation, payment, delivery, outcome),
    key,
    context,
  )
  await replyOnce(services, client, conversation, `${key}:lesson`, context, () =>
    outcome === 'booked'
      ? confirm(services, conversation, payment)
      : askForAnotherTime(services, conversation, payment, outcome, context),
  )
}

/** The payment that an order's lesson is paid by: the first that is asked for. */
export function paidBy(order: string, payment: string, { once }: HandlerContext): Promise<string> {
  return once(`order:${order}:paid-by`, () => payment)
}

/** Two links of one order were paid: the second payment gets no lesson, and the tutor decides. */
function paidTwice(conversation: Conversation, { id, order, amount, currency }: Payment, first: string): Reply {
  const sum = formatAmount(amount, currency)
  return {
    content: TEXTS[conversation.language].paid(sum),
    note: `Order ${order} was paid a second time: ${sum} by ${id}, after ${first}. Please refund ${id} in Stripe: refunding ${first} would cancel the lesson.`,
  }
}

function moneyCounts(
  services: Services,
  conversation: Conversation,
  { id, order, time, amount, currency }: Payment,
  { receivedAt }: Delivery,
  outcome: 'booked' | keyof typeof PROBLEMS,
): Reply {
  const isBooked = outcome === 'booked'
  const { segment, customer_since } = conversation.contactAttributes
  // What another order waits for is not touched.
  const isCurrent = isUndisturbed(conversation, order)
  return {
    ...(isCurrent && {
      attributes: {
        payment_status: 'paid',
        payment_intent_id: id,
        payment_amount: majorUnits(amount, currency),
        payment_currency: currency.toUpperCase(),
        ...(isBooked && conversation.attributes.order_id === order && BOOKED),
        ...(isBooked && time !== null && { order_id: order, lesson_start: isoTime(time.start, services.zone) }),
      },
    }),
    contact: {
      has_paid_lesson: true,
      ...(isBooked && { lesson_booked: true }),
      ...(segment === 'new' && { segment: 'existing' }),
      customer_since: asText(customer_since) ?? new Date(receivedAt).toISOString(),
    },
    labels: {
      add: ['payment:paid', ...(isBooked ? ['status:booked'] : [])],
      remove: isCurrent ? ['status:awaiting_pay', 'payment:failed'] : [],
    },
    note: `Payment received: ${formatAmount(amount, currency)}, order ${order}`,
  }
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

function confirm(services: Services, conversation: Conversation, { time, amount, currency }: Payment): Reply {
  const texts = TEXTS[conversation.language]
  const thanks = texts.paid(formatAmount(amount, currency))
  if (time === null) return { content: thanks }
  const when = sayWhen(time.start, readerOf(conversation, services))
  return { content: [thanks, texts.booked(when)].join('\n') }
}

/** The money counts: the student chooses another time without paying again. */
async function askForAnotherTime(
  services: Services,
  conversation: Conversation,
  { order, time, amount, currency }: Payment,
  problem: keyof typeof PROBLEMS,
  { signal }: HandlerContext,
): Promise<Reply> {
  const at = time !== null ? ` of ${sayWhen(time.start, tutorReader(services))}` : ''
  const note = `The lesson${at} is paid (order ${order}) but not in the calendar: ${PROBLEMS[problem]}.`
  if (!isUndisturbed(conversation, order)) {
    const thanks = TEXTS[conversation.language].paid(formatAmount(amount, currency))
    return { content: thanks, note: `${note} Please find a time with the student, who is booking another lesson.` }
  }
  const { minutes } = time === null ? kindOf(conversation) : { minutes: (time.end - time.start) / 60_000 }
  const booking: Booking = { services, conversation, kind: { type: 'regular', minutes }, signal }
  const offer = await offerTimes(booking, 'rebook', { before: [TEXTS[conversation.language].paidButTaken] })
  const next = offer.handsOver
    ? 'No other time is free either: please find one with the student.'
    : 'The student has been asked to choose another time.'
  const attributes = { ...BOOKED, ...offer.attributes, pending_intent: 'rebook', order_id: order }
  return forSilence(conversation, { ...offer, note: `${note} ${next}`, attributes, since: stateOf(conversation) })
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
  const isOfThis = attributes.payment_intent_id === payment.id || attributes.order_id === payment.order
  if (attributes.payment_status === 'paid' && isOfThis) return
  await replyOnce(services, client, conversation, `payment:${payment.id}:failed`, context, async () =>
    forSilence(conversation, await offerAgain(services, conversation, payment, delivery, context)),
  )
}

/** A new link for the same lesson, other times if that one is taken, or just the news where nothing can be sold. */
async function offerAgain(
  services: Services,
  conversation: Conversation,
  { id, order, time }: Payment,
  delivery: Delivery,
  { signal, log, once }: HandlerContext,
): Promise<Reply> {
  const { paymentFailed } = TEXTS[conversation.language]
  if (!isUndisturbed(conversation, order)) return { content: paymentFailed }
  // It was held until its lesson begins, which is longer than a new link lasts. Once: what is held below stays.
  await once(`payment:${id}:released`, () => services.calendar.release(order, Number.MAX_SAFE_INTEGER, signal))
  const failed: Reply = {
    since: stateOf(conversation),
    content: paymentFailed,
    attributes: { ...NO_ORDER, pending_intent: 'menu', payment_status: 'failed', payment_intent_id: id },
    labels: { add: ['payment:failed'], remove: ['status:awaiting_pay'] },
  }
  if (time === null) return failed
  const kind = { type: 'regular' as const, minutes: (time.end - time.start) / 60_000 }
  const booking: Booking = { services, conversation, kind, signal }
  try {
    const isInTime = isPlanned(booking, time.start)
    const reserved = isInTime ? await reserve(booking, { id: order, start: time.start, delivery }) : null
    const next = reserved ?? (await offerTimes(booking, 'slot'))
    return {
      ...failed,
      ...next,
      content: [paymentFailed, next.content].join('\n'),
      attributes: { ...failed.attributes, ...next.attributes },
      // The label says what happened last: it goes when the new link is paid.
      labels: reserved === null ? failed.labels : { add: ['payment:failed', 'status:awaiting_pay'] },
    }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    log.warn({ err: error }, 'no payment link is offered again')
    return failed
  }
}
