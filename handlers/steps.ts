import { PermanentError } from '../inbox/errors.ts'
import { asText } from '../sources/json.ts'
import type { OwnItem } from '../tutor/tutor.ts'
import { offeredOf } from './asked-time.ts'
import {
  BOOKED,
  type Booking,
  book,
  freeTimes,
  isPlanned,
  isReserved,
  NO_ORDER,
  namesLesson,
  newOrder,
  plannedTimes,
  readerOf,
  tutorReader,
} from './booking.ts'
import { choiceValue, type FixedStep, intentOf, lengthIn, ownItem, packageIn, type Step } from './dialogue.ts'
import { handOverFor } from './hand-over.ts'
import { sale, soldLengths, trialKind, usualKind, whereOf } from './lesson-kind.ts'
import { offerLink } from './link-expiry.ts'
import { moneyIn, moneyOf, whyUnsellable } from './money.ts'
import { aboutLesson, keepLesson, leaveLesson, lessonQuestion, lessonWishOf } from './my-lesson.ts'
import { moveLesson } from './my-lesson-move.ts'
import { askForTime, type ChoiceOfTime, offerTimes } from './offers.ts'
import { bookFromPackage } from './package-lesson.ts'
import { packagePrices } from './package-sale.ts'
import { askForPackage, tellLessonsLeft } from './package-steps.ts'
import { hasPackageFor } from './packages.ts'
import { checkPrice } from './price-check.ts'
import { askForWhom, askOtherName, pupilQuestion } from './pupil-question.ts'
import { isPupilUnknown, pupilLines, withoutPupil } from './pupils.ts'
import { openQuestion, showMenu } from './question.ts'
import { remind, remindersSet } from './reminders.ts'
import type { Reply } from './reply.ts'
import { NEAREST_TIMES, offerNear, type TimeSaid, withLength } from './spoken-offer.ts'
import type { SpokenTime, SpokenTimes } from './spoken-time.ts'
import { formatTime, formatWhen, isoTime, parseTime } from './times.ts'
import { type Turn, textsOf } from './turn.ts'
import { endSession } from './unsold.ts'
import { askWeekly, askWeeklyAgain, bookWeekly, isWeeklyOffered } from './weekly-asked.ts'

/**
 * Does a step of the dialogue. It may run again until its reply is recorded.
 * @throws {PermanentError} if it can't be done: the student is handed over
 */
export function takeStep(turn: Turn, step: Step): Promise<Reply> | Reply {
  const minutes = lengthIn(step)
  const own = ownItem(step, turn.services.tutor)
  if (own !== undefined) return takeOwnItem(turn, own)
  if (step === 'confirm_cancel') return aboutLesson(turn, { lesson: 'cancel' })
  if (step.startsWith('lesson_')) {
    return aboutLesson(turn, { lesson: lessonWishOf(turn) ?? 'see', order: step.slice('lesson_'.length) })
  }
  if (step === 'packages' || packageIn(step) !== undefined) return askForPackage(turn, step, tellAlso)
  if (step === 'lessons_left') return tellLessonsLeft(turn, tellAlso)
  if (minutes === undefined) return STEPS[step as FixedStep](turn)
  return askWeeklyAgain(turn, minutes) ?? startBooking(turn, { type: 'regular', minutes })
}

const STEPS: Record<FixedStep, (turn: Turn) => Promise<Reply> | Reply> = {
  menu: turn => leaveLesson(turn) ?? showMenu(turn),
  prices: tellPrices,
  human: turn => handOverFor(turn.services, 'person', textsOf(turn), turn.conversation),
  book: turn => startBooking(turn, usualKind(turn.services)),
  trial: turn => startBooking(turn, trialKind(turn.services)),
  other_time: turn => startBooking(turn, turn.kind),
  other_times: turn => offerTimes(turn, intentOfChoice(turn), { isNext: true }),
  pay_link: sendLinkAgain,
  my_lesson: turn => aboutLesson(turn, { lesson: 'see' }),
  move_lesson: turn => aboutLesson(turn, { lesson: 'move' }),
  cancel_lesson: turn => aboutLesson(turn, { lesson: 'cancel' }),
  keep_lesson: keepLesson,
  every_week: bookWeekly,
  other_pupil: askOtherName,
  unpaid_lesson: turn => (lessonWishOf(turn) === 'cancel' ? stopBooking(turn) : startBooking(turn, turn.kind)),
}

/** The question that the student has not answered yet. */
export function whereWeAre(turn: Turn): Promise<Reply> | Reply {
  return pupilQuestion(turn) ?? lessonQuestion(turn) ?? openQuestion(turn)
}

/** The student does not want what is under way: releases what is held. */
export async function stopBooking(turn: Turn): Promise<Reply> {
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  const menu = showMenu(turn)
  return withoutOrder(turn, { ...menu, attributes: { ...menu.attributes, offered_slots: null } })
}

async function tellPrices(turn: Turn): Promise<Reply> {
  return tell(turn, await prices(turn))
}

/** An item of the tutor's own: its answer, or a person. */
function takeOwnItem(turn: Turn, { answers }: OwnItem): Promise<Reply> | Reply {
  const { services, conversation } = turn
  if (answers === undefined) return handOverFor(services, 'person', textsOf(turn), conversation)
  return tell(turn, answers[conversation.language])
}

/** A text, and then the question that the student has not answered yet. */
async function tell(turn: Turn, told: string): Promise<Reply> {
  if (intentOf(turn.conversation.attributes) === 'menu') return { ...showMenu(turn), content: told }
  const question = await whereWeAre(turn)
  return { ...question, content: `${told}\n\n${question.content}` }
}

/** The same beside what is open; where nothing is, alone. */
async function tellAlso(turn: Turn, told: Reply & { content: string }): Promise<Reply> {
  if (intentOf(turn.conversation.attributes) === 'menu') return told
  const { attributes, ...question } = await tell(turn, told.content)
  return { ...told, ...question, attributes: { ...attributes, ...told.attributes } }
}

/** Reminders of lessons, for good. */
export async function setReminders(turn: Turn, to: 'on' | 'off'): Promise<Reply> {
  const { services, conversation } = turn
  const isNone = services.tutor.reminders.hours.length === 0
  if (to === 'on' && isNone) return whereWeAre(turn)
  const { remindersOn, remindersOff } = services.tutor.texts[conversation.language]
  const told = to === 'on' ? remindersOn : remindersOff
  const { attributes, contact } = remindersSet(to)
  if (intentOf(conversation.attributes) === 'menu') return { content: told, attributes, contact }
  const question = await whereWeAre(turn)
  const content = `${told}\n\n${question.content}`
  return { ...question, content, attributes: { ...question.attributes, ...attributes }, contact }
}

async function prices(turn: Turn): Promise<string> {
  const { services, conversation, signal } = turn
  const texts = services.tutor.texts[conversation.language]
  const lines: string[] = []
  const problems: string[] = []
  for (const minutes of soldLengths(services, conversation)) {
    const { client, price } = sale({ ...turn, kind: { type: 'regular', minutes } })
    const found = await client.getPrice(price.id, signal)
    const problem = whyUnsellable(found, price)
    if (problem !== null) problems.push(problem)
    else lines.push(texts.price(minutes, moneyIn(conversation.language, moneyOf(found))))
  }
  const ofPackages = await packagePrices(turn)
  lines.push(...ofPackages.lines)
  problems.push(...ofPackages.problems)
  if (lines.length > 0) return texts.prices(lines)
  const why = problems.join('; ') || 'STRIPE_SECRET_KEY or a price id is not set'
  throw new PermanentError(`no prices can be told: ${why}`)
}

/** Offers times for a lesson of this kind; it replaces a reserved one. */
async function startBooking(turn: Turn, kind: Turn['kind']): Promise<Reply> {
  const booking = { ...turn, kind }
  if (isNewForSomebody(turn)) return askForWhom(turn)
  if (kind.type === 'regular') await checkSale(booking)
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  return withoutOrder(turn, await offerTimes(booking, 'slot'))
}

/** Whether a lesson is begun of which it is not known for whom it is. */
function isNewForSomebody({ conversation }: Turn): boolean {
  const intent = intentOf(conversation.attributes)
  return (intent === 'menu' || intent === 'pupil') && isPupilUnknown(conversation)
}

/** @throws {PermanentError} the lesson can't be sold. While Stripe can't be reached, that is found out when it is. */
async function checkSale(booking: Booking): Promise<void> {
  const { client, price } = sale(booking)
  await checkPrice(client, price, booking.signal).catch((error: unknown) => {
    if (error instanceof PermanentError) throw error
  })
}

/** Adds to a reply that the conversation has no order any more. */
function withoutOrder(turn: Turn, reply: Reply): Reply {
  const labels = isReserved(turn.conversation) ? { remove: ['status:awaiting_pay'] } : undefined
  return { ...reply, ...(labels && { labels }), attributes: { ...NO_ORDER, ...reply.attributes } }
}

/** The reservation can't be cancelled: it is being paid. */
function sayUnderWay({ services, conversation }: Turn): Reply {
  return { content: services.tutor.texts[conversation.language].paymentUnderWay }
}

/** Ends a reserved lesson's checkout session and releases its hold. false: it is being paid. */
async function cancelReservation(turn: Turn): Promise<boolean> {
  const { services, conversation, signal } = turn
  const { checkout_session, order_id } = conversation.attributes
  if (!isReserved(turn.conversation) || services.stripe === null) return true
  if (!(await endSession(services.stripe, String(checkout_session), turn))) return false
  await services.calendar.release(String(order_id), Number.MAX_SAFE_INTEGER, signal)
  return true
}

/**
 * Sends the payment link again; once it has expired, holds the lesson again if its time is free. A package that was
 * bought since then pays instead.
 */
async function sendLinkAgain(turn: Turn): Promise<Reply> {
  const { services, conversation, delivery, signal } = turn
  const { payment_link, payment_expires, lesson_start, order_id, checkout_session } = conversation.attributes
  const [id, url, session] = [order_id, payment_link, checkout_session].map(asText)
  const [start, until] = [parseTime(lesson_start), parseTime(payment_expires)]
  if (id === undefined || start === undefined || session === undefined) return startBooking(turn, turn.kind)
  const mayTake = await hasPackageFor(turn, await newOrder(services, conversation.id, delivery))
  if (mayTake && isPlanned(turn, start)) return reserveInstead(turn, start)
  const { client } = sale(turn)
  const texts = services.tutor.texts[conversation.language]
  const { status, amount_total, currency } = await client.getSession(session, signal)
  if (status === 'open' && url !== undefined && until !== undefined && services.now() < until) {
    const reader = readerOf(conversation, services)
    const money = moneyIn(conversation.language, { amount: Number(amount_total), currency: String(currency) })
    return { content: texts.payFirst(formatWhen(start, reader), url, formatTime(until, reader), money) }
  }
  // A second link must not exist beside one that can still be paid.
  if (!(await endSession(client, session, turn))) return { content: texts.paymentUnderWay }
  const reserved = isPlanned(turn, start) ? await offerLink(turn, { id, start, delivery }, turn.context) : null
  return reserved ?? withoutOrder(turn, await offerOthers(turn, 'slot'))
}

/** A student chooses a time: trial and paid lessons are booked, others reserved instead of what is reserved now. */
export async function chooseTime(turn: Turn, start: number): Promise<Reply> {
  const { services, conversation, moving } = turn
  if (moving !== undefined) return moveLesson(turn, moving, start)
  const isThatTime = parseTime(conversation.attributes.lesson_start) === start
  if (isThatTime && namesLesson(turn.conversation, turn.services)) {
    return {
      content: services.tutor.texts[conversation.language].booked(formatWhen(start, readerOf(conversation, services))),
    }
  }
  if (!isReserved(turn.conversation)) return takeTime(turn, start)
  return isThatTime ? sendLinkAgain(turn) : reserveInstead(turn, start)
}

/** A lesson awaits its payment, for somebody else than it is for now: it is reserved anew. */
export function reserveForPupil(turn: Turn): Promise<Reply> | Reply {
  const start = parseTime(turn.conversation.attributes.lesson_start)
  return start === undefined ? whereWeAre(turn) : reserveInstead(turn, start)
}

/** In place of what is reserved now. */
async function reserveInstead(turn: Turn, start: number): Promise<Reply> {
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  const reply = await takeTime(turn, start)
  return reply.attributes?.order_id === undefined ? withoutOrder(turn, reply) : reply
}

async function takeTime(turn: Turn, start: number): Promise<Reply> {
  const { delivery, conversation } = turn
  const intent = intentOfChoice(turn)
  if (!isPlanned(turn, start)) return offerOthers(turn, intent)
  if (intent === 'slot' && isPupilUnknown(conversation)) return askForWhom(turn, choiceValue(start))
  if (intent === 'rebook') return (await bookPaid(turn, start)) ?? offerOthers(turn, intent)
  const id = await newOrder(turn.services, conversation.id, delivery)
  if (turn.kind.type === 'trial') return (await bookTrial(turn, id, start)) ?? offerOthers(turn, intent)
  const booked = await bookFromPackage(turn, id, start)
  const paid = booked === 'none' ? await offerLink(turn, { id, start, delivery }, turn.context) : booked
  return paid === null || paid === 'taken' ? offerOthers(turn, intent) : paid
}

/** A student writes a time: taken if it is certain and fits one slot, else the times nearest to it are offered. */
export async function chooseSpokenTime(turn: Turn, { spoken, said }: TimeSaid): Promise<Reply> {
  const { isMeant, isCertain } = spoken
  const mayBeWeekly = turn.kind.type === 'regular' && intentOfChoice(turn) === 'slot' && isWeeklyOffered(turn.services)
  if (said.isWeekly && mayBeWeekly) return askWeekly(turn, { spoken, said })
  const [only, ...others] = plannedTimes(turn).filter(({ start }) => isMeant(start))
  // The calendar decides whether it is free: the hold may be from an earlier attempt at this message.
  if (isCertain && only !== undefined && others.length === 0) return chooseTime(turn, only.start)
  return offerNear(turn, intentOfChoice(turn), { spoken, said })
}

/** How long the lesson shall be, that any time will do, or that an earlier one is wanted. */
export async function answerSaid(turn: Turn, { minutes, wants, isOtherRhythm }: SpokenTimes): Promise<Reply> {
  const intent = intentOfChoice(turn)
  const texts = turn.services.tutor.texts[turn.conversation.language]
  if (isOtherRhythm) return offerTimes(turn, intent, { before: [texts.otherRhythm] })
  if (minutes !== undefined && intent === 'slot') {
    if (minutes === turn.kind.minutes) return offerTimes(turn, intent)
    const sold = soldLengths(turn.services, turn.conversation)
    if (sold.includes(minutes)) return startBooking(turn, { type: 'regular', minutes })
    return offerTimes(turn, intent, {
      before: [texts.otherLengths(turn.kind.type === 'trial' ? [turn.kind.minutes] : sold)],
    })
  }
  const free = await freeTimes(turn)
  const [first = Infinity] = offeredOf(turn.conversation)
  const earlier = wants === 'earlier' ? free.filter(({ start }) => start < first) : []
  if (earlier.length > 0) return offerTimes(turn, intent, { only: earlier.slice(-NEAREST_TIMES) })
  return offerTimes(turn, intent, {
    before: wants === 'earlier' ? [texts.noEarlier] : [],
    only: free.slice(0, NEAREST_TIMES),
  })
}

/** A time is written while the menu is open: the lesson is asked about, at that time if it is free. */
export async function startAt(turn: Turn, { spoken, said }: TimeSaid, isTrial: boolean): Promise<Reply> {
  const { services } = turn
  const usual: Turn = { ...turn, kind: isTrial ? trialKind(services) : usualKind(services) }
  const { turn: booking, notSold } = withLength(usual, said)
  if (isNewForSomebody(turn)) return askForWhom(turn)
  if (!isTrial) await checkSale(booking)
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  const [only, ...others] = (await freeTimes(booking)).filter(({ start }) => spoken.isMeant(start))
  const isOne = only !== undefined && others.length === 0 && !said.isWeekly && !said.isOtherRhythm
  const reply = isOne
    ? askForTime(booking, only, notSold)
    : chooseSpokenTime(booking, { spoken: { ...spoken, isCertain: false }, said })
  return withoutOrder(turn, await reply)
}

/** Another time is written while a lesson awaits its payment: changes to it if it is one that there is. */
export function changeToSpokenTime(turn: Turn, { isMeant }: SpokenTime): Promise<Reply> | Reply {
  const [only, ...others] = plannedTimes(turn).filter(({ start }) => isMeant(start))
  return only === undefined || others.length > 0 ? whereWeAre(turn) : chooseTime(turn, only.start)
}

function intentOfChoice({ conversation, moving }: Turn): ChoiceOfTime {
  if (moving !== undefined) return 'move'
  return intentOf(conversation.attributes) === 'rebook' ? 'rebook' : 'slot'
}

function offerOthers(turn: Turn, intent: ChoiceOfTime): Promise<Reply> {
  return offerTimes(turn, intent, { before: [turn.services.tutor.texts[turn.conversation.language].taken] })
}

/** null: the time is taken. */
async function bookTrial(turn: Turn, order: string, start: number): Promise<Reply | null> {
  const { services, conversation } = turn
  if (!(await book(turn, order, start, null))) return null
  const reader = readerOf(conversation, services)
  await remind(services, order, turn.context, reader.zone)
  const when = formatWhen(start, reader)
  return {
    content: [
      services.tutor.texts[conversation.language].trialBooked(when),
      ...pupilLines(conversation, services.tutor),
      ...whereOf(services, turn.kind, conversation.language),
    ].join('\n'),
    note: `Trial lesson booked: ${formatWhen(start, tutorReader(services))}`,
    attributes: {
      ...BOOKED,
      order_id: order,
      lesson_start: isoTime(start, services.zone),
      trial_booked: true,
      ...withoutPupil(conversation.attributes),
    },
    contact: { lesson_booked: true },
    labels: { add: ['status:booked'] },
  }
}

/** Books a paid lesson. null: the time is taken. */
async function bookPaid(turn: Turn, start: number): Promise<Reply | null> {
  const { services, conversation } = turn
  const { order_id, payment_amount, payment_currency, payment_intent_id } = conversation.attributes
  const payment = `${payment_amount} ${payment_currency}, ${payment_intent_id}`
  const order = asText(order_id)
  if (order === undefined) throw new PermanentError('the order of the paid lesson (order_id) is not known any more')
  if (!(await book(turn, order, start, payment))) return null
  const reader = readerOf(conversation, services)
  await remind(services, order, turn.context, reader.zone)
  const booked = services.tutor.texts[conversation.language].booked(formatWhen(start, reader))
  return {
    content: [
      booked,
      ...pupilLines(conversation, services.tutor),
      ...whereOf(services, turn.kind, conversation.language),
    ].join('\n'),
    note: `Lesson booked: ${formatWhen(start, tutorReader(services))}, paid by order ${order}`,
    attributes: { ...BOOKED, lesson_start: isoTime(start, services.zone), ...withoutPupil(conversation.attributes) },
    contact: { lesson_booked: true },
    labels: { add: ['status:booked'] },
  }
}
