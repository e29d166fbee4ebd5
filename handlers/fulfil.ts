import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { alertPerson } from './attention.ts'
import { BOOKED, type Booking, readerOf, tutorReader } from './booking.ts'
import { cancellationOf } from './cancellation.ts'
import { type Conversation, isOrderCurrent } from './conversation.ts'
import { kindOf, kindOfPaid, whereOf } from './lesson-kind.ts'
import { paidAtStripe, readLessonPayment, UNPAID } from './lesson-payment.ts'
import { linkIsPaid } from './link-expiry.ts'
import { majorUnits, moneyIn } from './money.ts'
import { offerTimes } from './offers.ts'
import { type Claim, claimOf, lessonToBook } from './ownership.ts'
import { isOfPackage, packagePaid, recordPackage } from './package-paid.ts'
import { isMarkedAsPaid, paidBy } from './paid-by.ts'
import { paidLate } from './paid-late.ts'
import { pupilLines, withoutPupil } from './pupils.ts'
import { fullyRefunded } from './refund.ts'
import { remind } from './reminders.ts'
import { publish, type Reply, replyOnce, respectingSilence, stateOf } from './reply.ts'
import { paidAttributes } from './segment.ts'
import type { Services } from './services.ts'
import type { Payment } from './stripe-event.ts'
import { formatWhen, isoTime } from './times.ts'

/** Fulfils a payment: records the money and books the lesson first, then tells student and tutor. */

/** Why a paid lesson could not be booked. */
const PROBLEMS = {
  taken: 'its time is not free any more',
  past: 'its time has passed',
  unknown: 'its lesson_start or minutes in Stripe make no sense',
}

/** `was booked`: without being paid. `refused: …` has the calendar's error. */
type Outcome = 'booked' | 'was booked' | keyof typeof PROBLEMS | `refused: ${string}`
type Done = Extract<Outcome, 'booked' | 'was booked'>
type Problem = Exclude<Outcome, Done>

/** Every step can be repeated; messages and notes are sent once. */
export async function fulfil(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  delivery: Delivery<unknown>,
  context: HandlerContext,
): Promise<void> {
  const claim = await claimOf(services, client, payment, context)
  if (claim === null) return
  if (isOfPackage(payment)) return packagePaid(services, client, claim, payment, delivery, context)
  const first = await paidBy(services, payment.order, payment.id, context)
  const isFirst = first === payment.id
  const cancellation = () => (isFirst ? cancellationOf(services, payment.order, context) : null)
  const before = await cancellation()
  if (before !== null) return paidLate(services, client, claim, payment, before, context)
  if (payment.refunded) {
    context.log.warn({ payment: payment.id }, 'the payment was refunded before it was handled: nothing is booked')
    return fullyRefunded(services, client, claim, payment, context)
  }
  const key = `payment:${payment.id}`
  const outcome = isFirst ? await bookOnce(services, claim, payment, context) : 'booked'
  // Cancelled at the same moment elsewhere, or since an earlier attempt.
  const meanwhile = await cancellation()
  if (meanwhile !== null) return paidLate(services, client, claim, payment, meanwhile, context)

  const payer = await claim.payer()
  if (payer.conversation === null) {
    const lesson = isFirst ? lessonNote(services, payment, outcome) : paidTwiceNote(payment, first)
    return alertPerson(services, payment, payer.problem, `${payer.why}. ${lesson}`, context)
  }
  const { conversation } = payer
  if (!isFirst)
    return publish(services, client, conversation, paidTwice(services, conversation, payment, first), key, context)
  if (isRefunded(conversation, payment)) {
    await services.calendar.cancel(payment.order, context.signal)
    return context.log.warn(
      { payment: payment.id },
      'the payment was refunded before it was handled: nothing is booked',
    )
  }
  if (outcome === 'booked') await remind(services, payment.order, context, readerOf(conversation, services).zone)
  if (isOrderCurrent(conversation, payment.order)) await linkIsPaid(conversation, context)
  const recorded = recordPayment(services, conversation, payment, delivery, outcome)
  await publish(services, client, conversation, recorded, key, context)
  await replyOnce(services, client, conversation, `${key}:lesson`, context, async () => {
    const reply = isDone(outcome)
      ? confirm(services, conversation, payment, outcome)
      : await askForAnotherTime(services, conversation, payment, outcome, context)
    // From when it came in: Stripe may report a payment again days later.
    return { ...reply, answers: { at: delivery.receivedAt, language: conversation.language } }
  })
}

/** Books the lesson, while the conversation waits for Chatwoot. The rest is done in the payment's turn. */
export async function bookAhead(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  context: HandlerContext,
): Promise<void> {
  const claim = await claimOf(services, client, payment, context)
  if (claim === null || payment.refunded) return
  if (isOfPackage(payment)) {
    await recordPackage(services, payment, context)
    return
  }
  if ((await cancellationOf(services, payment.order, context)) !== null) return
  const first = await paidBy(services, payment.order, payment.id, context)
  if (first === payment.id) await bookOnce(services, claim, payment, context)
}

function bookOnce(services: Services, claim: Claim, payment: Payment, context: HandlerContext): Promise<Outcome> {
  return context.once(`payment:${payment.id}:lesson`, () => bookLesson(services, claim, payment, context))
}

/** From the conversation, since without a key Stripe can't be asked. */
function isRefunded({ attributes }: Conversation, { id }: Payment): boolean {
  return attributes.payment_status === 'refunded' && attributes.payment_intent_id === id
}

async function bookLesson(
  services: Services,
  claim: Claim,
  payment: Payment,
  context: HandlerContext,
): Promise<Outcome> {
  const { isTimed, time } = payment
  if (await payBooked(services, payment, context)) return 'was booked'
  // A session made elsewhere names no time.
  if (!isTimed) return 'booked'
  if (time === null) return 'unknown'
  if (time.start <= services.now()) return 'past'
  const lesson = lessonToBook(services, claim, payment, time, paidAtStripe(payment))
  try {
    return await services.calendar.book(lesson, context.signal)
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    await alertPerson(services, payment, 'calendar_refuses', error.message, context)
    return `refused: ${error.message}`
  }
}

/** A lesson that was booked before it was paid stays where it is by now. false: there is none. */
async function payBooked({ calendar }: Services, payment: Payment, { signal, once }: HandlerContext): Promise<boolean> {
  const { id, order } = payment
  const isUnpaid = async () => (await calendar.lessonOf?.(order, signal))?.payment === UNPAID
  // Recorded first: once it is set, a lesson looks as if this payment had booked it.
  if (!(await once(`payment:${id}:was-unpaid`, isUnpaid))) return false
  return (await calendar.setPayment?.({ order, from: UNPAID, to: paidAtStripe(payment) }, signal)) === 'set'
}

/** Two links of one order were paid: the second payment gets no lesson; the tutor decides. */
function paidTwice(services: Services, conversation: Conversation, payment: Payment, first: string): Reply {
  return {
    content: services.tutor.texts[conversation.language].paid(moneyIn(conversation.language, payment.seen)),
    note: paidTwiceNote(payment, first),
  }
}

function paidTwiceNote({ id, order, sum }: Payment, first: string): string {
  if (isMarkedAsPaid(first))
    return `Order ${order} was paid a second time: ${sum} by ${id}, after you had marked it as paid. Please refund ${id} in Stripe, or pay back the other.`
  const paid = readLessonPayment(first)
  if (paid.kind === 'package')
    return `Order ${order} was paid a second time: ${sum} by ${id}; its lesson is paid from the package of order ${paid.order}. Please refund ${id} in Stripe.`
  return `Order ${order} was paid a second time: ${sum} by ${id}, after ${first}. Please refund ${id} in Stripe: refunding ${first} would cancel the lesson.`
}

function recordPayment(
  services: Services,
  conversation: Conversation,
  { id, order, time, amount, currency, sum }: Payment,
  { receivedAt }: Delivery<unknown>,
  outcome: Outcome,
): Reply {
  const isBooked = outcome === 'booked'
  // Another order's state is left alone.
  const isCurrent = isOrderCurrent(conversation, order)
  return {
    ...(isCurrent && {
      attributes: {
        payment_status: 'paid',
        payment_intent_id: id,
        payment_amount: majorUnits(amount, currency),
        payment_currency: currency.toUpperCase(),
        ...(isDone(outcome) &&
          conversation.attributes.order_id === order && { ...BOOKED, ...withoutPupil(conversation.attributes) }),
        ...(isBooked && time !== null && { order_id: order, lesson_start: isoTime(time.start, services.zone) }),
      },
    }),
    contact: {
      ...paidAttributes(conversation.contactAttributes, receivedAt),
      ...(isBooked && { lesson_booked: true }),
    },
    labels: {
      add: ['payment:paid', ...(isBooked ? ['status:booked'] : [])],
      remove: isCurrent ? ['status:awaiting_pay', 'payment:failed'] : [],
    },
    note: `Payment received: ${sum}, order ${order}`,
  }
}

function confirm(
  services: Services,
  conversation: Conversation,
  { time, seen, student }: Payment,
  outcome: Done,
): Reply {
  const texts = services.tutor.texts[conversation.language]
  const amount = moneyIn(conversation.language, seen)
  const paid = texts.paid(amount)
  if (time === null || outcome === 'was booked') return { content: paid, about: { text: 'paid', values: [amount] } }
  const when = formatWhen(time.start, readerOf(conversation, services))
  const where = whereOf(services, kindOfPaid(time), conversation.language)
  const whose = pupilLines(conversation, services.tutor, student)
  return {
    content: [paid, texts.booked(when), ...whose, ...where].join('\n'),
    about: { text: 'booked', values: [amount, when] },
  }
}

/** For the tutor: whether the paid lesson is in the calendar. */
function lessonNote(services: Services, { order, time }: Payment, outcome: Outcome): string {
  const at = time === null ? '' : ` of ${formatWhen(time.start, tutorReader(services))}`
  if (outcome === 'was booked') return 'Its lesson was booked before.'
  if (outcome === 'booked') return time === null ? 'No lesson was to be booked.' : `The lesson${at} is booked.`
  return `The lesson${at} is paid (order ${order}) but not in the calendar: ${problemOf(outcome)}.`
}

function isDone(outcome: Outcome): outcome is Done {
  return outcome === 'booked' || outcome === 'was booked'
}

function problemOf(outcome: Problem): string {
  return outcome in PROBLEMS
    ? PROBLEMS[outcome as keyof typeof PROBLEMS]
    : `the calendar refuses it (${outcome.slice(9)})`
}

/** The student chooses another time without paying again. */
async function askForAnotherTime(
  services: Services,
  conversation: Conversation,
  payment: Payment,
  problem: Problem,
  { signal }: HandlerContext,
): Promise<Reply> {
  const { order, time, seen } = payment
  const texts = services.tutor.texts[conversation.language]
  const paid = texts.paid(moneyIn(conversation.language, seen))
  const note = lessonNote(services, payment, problem)
  if (problem.startsWith('refused: ')) {
    const content = [paid, texts.personBooks].join('\n')
    return { content, note: `${note} Please put it in by hand, and tell the student.`, handsOver: true }
  }
  if (!isOrderCurrent(conversation, order)) {
    return {
      content: paid,
      note: `${note} Please find a time with the student, who is booking another lesson.`,
    }
  }
  const { minutes } = time === null ? kindOf(conversation, services) : kindOfPaid(time)
  const booking: Booking = { services, conversation, kind: { type: 'regular', minutes }, signal }
  const before = [problem === 'past' ? texts.paidButPast : texts.paidButTaken]
  const offer = await offerTimes(booking, 'rebook', { before })
  const next = offer.handsOver
    ? 'No other time is free either: please find one with the student.'
    : 'The student has been asked to choose another time.'
  const attributes = { ...BOOKED, ...offer.attributes, pending_intent: 'rebook', order_id: order }
  return respectingSilence(services, conversation, {
    ...offer,
    note: `${note} ${next}`,
    attributes,
    since: stateOf(conversation),
  })
}
