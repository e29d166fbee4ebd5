import type { Interval } from '../calendar/contract.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import type { Once } from '../inbox/once.ts'
import { asText } from '../sources/json.ts'
import type { OwnItem } from '../tutor/tutor.ts'
import {
  BOOKED,
  type Booking,
  book,
  freeTimes,
  isPlanned,
  NO_ORDER,
  newOrder,
  plannedTimes,
  planningOf,
  readerOf,
  reserve,
  situationOf,
  tutorReader,
} from './booking.ts'
import { choicesOf, type FixedStep, type Intent, intentOf, lengthIn, ownItem, type Step } from './dialogue.ts'
import { handOverFor } from './hand-over.ts'
import { sale, soldLengths, trialKind, usualKind, whereOf } from './lesson-kind.ts'
import { moneyIn, moneyOf, whyUnsellable } from './money.ts'
import { occurredAt } from './occurred-at.ts'
import { askForTime, offeredOf, offerTimes } from './offers.ts'
import { checkPrice } from './price-check.ts'
import type { Reply } from './reply.ts'
import { isExact, type SpokenTime, type SpokenTimes } from './spoken-time.ts'
import { formatTime, formatWhen, isoTime, parseTime } from './times.ts'
import { endSession } from './unsold.ts'
import { whyNot } from './why-not.ts'

/** One message of a student, and its conversation. */
export interface Turn extends Booking {
  delivery: Delivery<unknown>
  /** What the student wrote. */
  text: string
  /** Each message, if it wrote several, with its delivery's id. */
  written: readonly { id: string; text: string }[]
  once: Once
  log: HandlerContext['log']
  note: HandlerContext['note']
}

/**
 * Does a step of the dialogue. It may run again until its reply is recorded.
 * @throws {PermanentError} if it can't be done: the student is handed over
 */
export function takeStep(turn: Turn, step: Step): Promise<Reply> | Reply {
  const minutes = lengthIn(step)
  const own = ownItem(step, turn.services.tutor)
  if (own !== undefined) return takeOwnItem(turn, own)
  return minutes === undefined ? STEPS[step as FixedStep](turn) : startBooking(turn, { type: 'regular', minutes })
}

const STEPS: Record<FixedStep, (turn: Turn) => Promise<Reply> | Reply> = {
  menu: turn => showMenu(turn),
  prices: tellPrices,
  human: turn => handOverFor(turn.services, 'person', textsOf(turn), turn.conversation),
  book: turn => startBooking(turn, usualKind(turn.services)),
  trial: turn => startBooking(turn, trialKind(turn.services)),
  other_time: turn => startBooking(turn, turn.kind),
  other_times: turn => offerTimes(turn, intentOfChoice(turn), { isNext: true }),
  pay_link: sendLinkAgain,
}

/** What the student wrote, message by message. */
export function textsOf({ written }: Turn): string[] {
  return written.map(({ text }) => text)
}

export function showMenu(turn: Turn): Reply {
  return {
    content: turn.services.tutor.texts[turn.conversation.language].menu,
    items: choicesOf(situationOf(turn, 'menu', [])),
    attributes: { pending_intent: 'menu' },
  }
}

/** The question that the student has not answered yet. */
export function whereWeAre(turn: Turn): Reply {
  const { services, conversation, kind } = turn
  const texts = services.tutor.texts[conversation.language]
  const intent = intentOf(conversation.attributes)
  if (intent === 'menu') return showMenu(turn)
  if (intent !== 'pay') return askAgain(turn, texts.chooseTime(kind.minutes))
  const start = parseTime(conversation.attributes.lesson_start)
  if (start === undefined) return showMenu(turn)
  return askAgain(turn, texts.awaitsPayment(formatWhen(start, readerOf(conversation, services))))
}

/** The student does not want what is under way: releases what is held. */
export async function stopBooking(turn: Turn): Promise<Reply> {
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  const menu = showMenu(turn)
  return withoutOrder(turn, { ...menu, attributes: { ...menu.attributes, offered_slots: null } })
}

/** Repeats the choices under a text. */
export function askAgain(turn: Turn, content: string): Reply {
  const { conversation } = turn
  return {
    content,
    items: choicesOf(situationOf(turn, intentOf(conversation.attributes), offeredOf(conversation))),
  }
}

async function tellPrices(turn: Turn): Promise<Reply> {
  return tell(turn, await prices(turn))
}

/** An item of the tutor's own: its answer, or a person. */
function takeOwnItem(turn: Turn, { answers }: OwnItem): Reply {
  const { services, conversation } = turn
  if (answers === undefined) return handOverFor(services, 'person', textsOf(turn), conversation)
  return tell(turn, answers[conversation.language])
}

/** A text, and then the question that the student has not answered yet. */
function tell(turn: Turn, told: string): Reply {
  if (intentOf(turn.conversation.attributes) === 'menu') return { ...showMenu(turn), content: told }
  const question = whereWeAre(turn)
  return { ...question, content: `${told}\n\n${question.content}` }
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
  if (lines.length > 0) return texts.prices(lines)
  const why = problems.join('; ') || 'STRIPE_SECRET_KEY or a price id is not set'
  throw new PermanentError(`no prices can be told: ${why}`)
}

/** Offers times for a lesson of this kind; it replaces a reserved one. */
async function startBooking(turn: Turn, kind: Turn['kind']): Promise<Reply> {
  const booking = { ...turn, kind }
  if (kind.type === 'regular') await checkSale(booking)
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  return withoutOrder(turn, await offerTimes(booking, 'slot'))
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
  const labels = isReserved(turn) ? { remove: ['status:awaiting_pay'] } : undefined
  return { ...reply, ...(labels && { labels }), attributes: { ...NO_ORDER, ...reply.attributes } }
}

/** Whether a lesson is reserved and not paid yet. */
function isReserved({ conversation: { attributes } }: Turn): boolean {
  return asText(attributes.checkout_session) !== undefined
}

/** The reservation can't be cancelled: it is being paid. */
function sayUnderWay({ services, conversation }: Turn): Reply {
  return { content: services.tutor.texts[conversation.language].paymentUnderWay }
}

/** Ends a reserved lesson's checkout session and releases its hold. false: it is being paid. */
async function cancelReservation(turn: Turn): Promise<boolean> {
  const { services, conversation, signal } = turn
  const { checkout_session, order_id } = conversation.attributes
  if (!isReserved(turn) || services.stripe === null) return true
  if (!(await endSession(services.stripe, String(checkout_session), turn))) return false
  await services.calendar.release(String(order_id), Number.MAX_SAFE_INTEGER, signal)
  return true
}

/** Sends the payment link again; once it has expired, holds the lesson again if its time is free. */
async function sendLinkAgain(turn: Turn): Promise<Reply> {
  const { services, conversation, delivery, signal } = turn
  const { payment_link, payment_expires, lesson_start, order_id, checkout_session } = conversation.attributes
  const [id, url, session] = [order_id, payment_link, checkout_session].map(asText)
  const [start, until] = [parseTime(lesson_start), parseTime(payment_expires)]
  if (id === undefined || start === undefined || session === undefined) return startBooking(turn, turn.kind)
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
  const reserved = isPlanned(turn, start) ? await reserve(turn, { id, start, delivery }) : null
  return reserved ?? withoutOrder(turn, await offerOthers(turn, 'slot'))
}

/** A student chooses a time: trial and paid lessons are booked, others reserved instead of what is reserved now. */
export async function chooseTime(turn: Turn, start: number): Promise<Reply> {
  const { services, conversation } = turn
  const isThatTime = parseTime(conversation.attributes.lesson_start) === start
  if (isThatTime && hasLesson(turn)) {
    return {
      content: services.tutor.texts[conversation.language].booked(formatWhen(start, readerOf(conversation, services))),
    }
  }
  if (!isReserved(turn)) return takeTime(turn, start)
  if (isThatTime) return sendLinkAgain(turn)
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  const reply = await takeTime(turn, start)
  return reply.attributes?.order_id === undefined ? withoutOrder(turn, reply) : reply
}

/** Whether a lesson is booked and still to come. */
export function hasLesson({ services, conversation: { attributes } }: Turn): boolean {
  const { lesson_start, payment_status, trial_booked, pending_intent } = attributes
  const isBooked = payment_status === 'paid' || (payment_status == null && trial_booked === true)
  return isBooked && pending_intent !== 'rebook' && Number(parseTime(lesson_start)) > services.now()
}

async function takeTime(turn: Turn, start: number): Promise<Reply> {
  const { delivery, conversation } = turn
  const intent = intentOfChoice(turn)
  if (!isPlanned(turn, start)) return offerOthers(turn, intent)
  if (intent === 'rebook') return (await bookPaid(turn, start)) ?? offerOthers(turn, intent)
  const id = await newOrder(turn.services, conversation.id, delivery)
  const reply =
    turn.kind.type === 'trial' ? await bookTrial(turn, id, start) : await reserve(turn, { id, start, delivery })
  return reply ?? offerOthers(turn, intent)
}

/** A student writes a time: taken if it is certain and fits one slot, else the times nearest to it are offered. */
export async function chooseSpokenTime(turn: Turn, { spoken, said }: TimeSaid): Promise<Reply> {
  const { isMeant, isCertain } = spoken
  const [only, ...others] = plannedTimes(turn).filter(({ start }) => isMeant(start))
  // The calendar decides whether it is free: the hold may be from an earlier attempt at this message.
  if (isCertain && only !== undefined && others.length === 0) return chooseTime(turn, only.start)
  const { conversation, services } = turn
  const texts = services.tutor.texts[conversation.language]
  const before = said.isWeekly ? [texts.weekly] : []
  const free = await freeTimes(turn)
  const meant = free.filter(({ start }) => isMeant(start))
  if (meant.length === 0) {
    before.push(whyNot(spoken, planningOf(turn), services.now(), readerOf(conversation, services), texts))
  }
  const near = meant.length > 0 ? meant : nearest(free, spoken)
  return withAsked(turn, spoken, await offerTimes(turn, intentOfChoice(turn), { before, only: near }))
}

/** What is said about a time, and what else is said about lessons. */
export interface TimeSaid {
  spoken: SpokenTime
  said: SpokenTimes
}

const NEAREST_TIMES = 6

function nearest(free: readonly Interval[], { distance }: SpokenTime): Interval[] {
  const byDistance = free.map(slot => ({ slot, away: distance(slot.start) }))
  byDistance.sort((one, other) => one.away - other.away)
  const near = byDistance.slice(0, NEAREST_TIMES).map(({ slot }) => slot)
  return near.sort((one, other) => one.start - other.start)
}

/** A day without an hour (or with a part of the day), or an hour without a day: the next message may complete it. */
function withAsked({ text, delivery }: Turn, { wanted }: SpokenTime, reply: Reply): Reply {
  const isHalf = wanted.length > 0 && wanted.every(({ days, spans }) => days === undefined || !isExact(spans))
  if (!isHalf || reply.attributes === undefined) return reply
  const asked_time = `${new Date(writtenAt(delivery)).toISOString()} ${text.replaceAll('\n', ' ')}`.toWellFormed()
  return { ...reply, attributes: { ...reply.attributes, asked_time } }
}

/** When a message was written, Unix ms: what `tomorrow` in it is relative to. */
export function writtenAt({ payload, receivedAt }: Delivery<unknown>): number {
  return Math.min(occurredAt(payload) ?? receivedAt, receivedAt)
}

/** How long the lesson shall be, that any time will do, or that an earlier one is wanted. */
export async function answerSaid(turn: Turn, { minutes, wants }: SpokenTimes): Promise<Reply> {
  const intent = intentOfChoice(turn)
  const texts = turn.services.tutor.texts[turn.conversation.language]
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
  const booking: Turn = { ...turn, kind: isTrial ? trialKind(services) : usualKind(services) }
  if (!isTrial) await checkSale(booking)
  if (!(await cancelReservation(turn))) return sayUnderWay(turn)
  const [only, ...others] = (await freeTimes(booking)).filter(({ start }) => spoken.isMeant(start))
  const isOne = only !== undefined && others.length === 0 && !said.isWeekly
  const reply = isOne
    ? askForTime(booking, only)
    : chooseSpokenTime(booking, { spoken: { ...spoken, isCertain: false }, said })
  return withoutOrder(turn, await reply)
}

/** Another time is written while a lesson awaits its payment: changes to it if it is one that there is. */
export function changeToSpokenTime(turn: Turn, { isMeant }: SpokenTime): Promise<Reply> | Reply {
  const [only, ...others] = plannedTimes(turn).filter(({ start }) => isMeant(start))
  return only === undefined || others.length > 0 ? whereWeAre(turn) : chooseTime(turn, only.start)
}

function intentOfChoice({ conversation }: Turn): 'slot' | 'rebook' {
  const intent: Intent = intentOf(conversation.attributes)
  return intent === 'rebook' ? 'rebook' : 'slot'
}

function offerOthers(turn: Turn, intent: 'slot' | 'rebook'): Promise<Reply> {
  return offerTimes(turn, intent, { before: [turn.services.tutor.texts[turn.conversation.language].taken] })
}

/** null: the time is taken. */
async function bookTrial(turn: Turn, order: string, start: number): Promise<Reply | null> {
  const { services, conversation } = turn
  if (!(await book(turn, order, start, null))) return null
  const when = formatWhen(start, readerOf(conversation, services))
  return {
    content: [
      services.tutor.texts[conversation.language].trialBooked(when),
      ...whereOf(services, turn.kind, conversation.language),
    ].join('\n'),
    note: `Trial lesson booked: ${formatWhen(start, tutorReader(services))}`,
    attributes: { ...BOOKED, order_id: order, lesson_start: isoTime(start, services.zone), trial_booked: true },
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
  const booked = services.tutor.texts[conversation.language].booked(formatWhen(start, readerOf(conversation, services)))
  return {
    content: [booked, ...whereOf(services, turn.kind, conversation.language)].join('\n'),
    note: `Lesson booked: ${formatWhen(start, tutorReader(services))}, paid by order ${order}`,
    attributes: { ...BOOKED, lesson_start: isoTime(start, services.zone) },
    contact: { lesson_booked: true },
    labels: { add: ['status:booked'] },
  }
}
