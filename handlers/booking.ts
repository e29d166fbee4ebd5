import { hash } from 'node:crypto'
import { DateTime } from 'luxon'
import type { Interval, Lesson } from '../calendar/contract.ts'
import type { Checkout, CheckoutPage, StripeClient } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asText } from '../sources/json.ts'
import type { Price } from '../tutor/tutor.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf, type Intent, lengthStep, type Situation, type Step } from './dialogue.ts'
import { type LessonKind, sale, soldLengths, usualKind } from './lesson-kind.ts'
import { type Money, moneyIn } from './money.ts'
import { type PlanningProfile, profileOf } from './planning.ts'
import { checkPrice, forgetPrice } from './price-check.ts'
import type { Reply } from './reply.ts'
import { segmentOf } from './segment.ts'
import type { Services } from './services.ts'
import { freeSlots, pickSlots } from './slots.ts'
import { ORIGIN } from './stripe-event.ts'
import { LANGUAGES } from './texts/index.ts'
import { formatTime, formatWhen, isoTime, parseTime, type Reader, zoneOf } from './times.ts'

/** From free times to a reserved, paid or booked lesson; shared by messages and payments. */

/** How many times are offered per message. */
const MAX_OFFERED = 6
/** WhatsApp's limit, less the choices that are always beside the times. */
const MAX_TIMES_AND_LENGTHS = 8
/** How long a payment link lasts at least: Stripe's minimum of 30 min, plus time for retries of the handler. */
const MIN_PAYMENT_MS = 36 * 60_000
/** A handler later than this counts the payment window from now instead of from acceptance. */
const LATE_HANDLER_MS = 5 * 60_000
const MINUTE = 60_000

/** A conversation in which a lesson is being booked. */
export interface Booking {
  services: Services
  conversation: Conversation
  kind: LessonKind
  signal: AbortSignal
}

/** The reader of private notes, which are in English. */
export function tutorReader({ zone }: Services): Reader {
  return { language: 'en', zone, tutorZone: zone }
}

export function readerOf({ language, contactAttributes }: Conversation, { zone }: Services): Reader {
  return { language, zone: zoneOf(contactAttributes.timezone, zone), tutorZone: zone }
}

/** Where a conversation's dialogue stands, given what was offered. */
export function situationOf(
  { services, conversation, kind }: Omit<Booking, 'signal'>,
  intent: Intent,
  offered: readonly number[],
): Situation {
  return {
    intent,
    offered,
    tutor: services.tutor,
    without: withoutSteps(services, conversation, kind),
    numbersShown: conversation.attributes.numbers_shown === true,
    reader: readerOf(conversation, services),
  }
}

/** Steps that make no sense for this contact or the chosen lesson. */
function withoutSteps(services: Services, conversation: Conversation, kind: LessonKind): Set<Step> {
  const { attributes, contactAttributes } = conversation
  const without = new Set<Step>()
  const { has_paid_lesson, lesson_booked, trial_lesson_completed } = contactAttributes
  // Conversation attributes too: a bot's token may not write the contact's.
  const hadTrial = has_paid_lesson || lesson_booked || trial_lesson_completed || attributes.trial_booked
  if (hadTrial || services.tutor.trial === undefined) without.add('trial')
  const sold = soldLengths(services, conversation)
  if (!sold.includes(usualKind(services).minutes)) without.add('book')
  if (sold.length === 0) without.add('prices')
  for (const minutes of lengthsOf(services)) {
    const isOther = kind.type === 'regular' && kind.minutes !== minutes
    if (!isOther || !sold.includes(minutes)) without.add(lengthStep(minutes))
  }
  return without
}

function lengthsOf({ tutor }: Services): number[] {
  return tutor.lessons.map(({ minutes }) => minutes)
}

/** Hands the student over, with a note that tells the tutor why. */
export function giveToPerson({ tutor }: Services, { language }: Conversation, problem: string): Reply {
  const note = `TutorBot could not go on by itself: ${problem}. Please help this student.`
  return { content: tutor.texts[language].handoff, note, handsOver: true }
}

export function planningOf({ services, conversation, kind }: Omit<Booking, 'signal'>): PlanningProfile {
  return profileOf(services.tutor, segmentOf(conversation.contactAttributes), kind)
}

/** All times that can be chosen now, in order. */
export async function freeTimes(booking: Booking): Promise<Interval[]> {
  const { services, signal } = booking
  const profile = planningOf(booking)
  const now = services.now()
  // One extra day at each end: planning counts local days, and buffers extend beyond lessons.
  const until = now + (profile.daysAhead + 2) * 24 * 60 * MINUTE
  const busy = await services.calendar.busy(now - 24 * 60 * MINUTE, until, signal)
  return freeSlots(profile, busy, now, services.zone)
}

/** Which times to offer. */
export interface Offer {
  /** Lines that come first. */
  before?: string[]
  /** Others than those that were shown already, starting over when there are none. */
  isNext?: boolean
  /** These, in order; else all free times. */
  only?: Interval[]
}

/** Offers times to choose from. */
export async function offerTimes(
  booking: Booking,
  intent: 'slot' | 'rebook',
  { before = [], isNext = false, only }: Offer = {},
): Promise<Reply> {
  const { services, conversation, kind } = booking
  const { zone } = services
  const texts = services.tutor.texts[conversation.language]
  const free = only ?? (await freeTimes(booking))
  const shown = isNext ? shownOf(conversation) : new Set<number>()
  const left = free.filter(({ start }) => !shown.has(start))
  const isOver = isNext && left.length === 0
  if (isOver) shown.clear()
  const most = Math.min(MAX_OFFERED, MAX_TIMES_AND_LENGTHS - lengthsOf(services).length)
  const slots = pickSlots(free, most, zone, shown)
  if (slots.length === 0) {
    return {
      ...giveToPerson(services, conversation, 'no time is free in the coming days'),
      content: [...before, texts.noTimes].join('\n'),
    }
  }
  const isLast = isNext && !isOver && left.length === slots.length
  const reader = readerOf(conversation, services)
  const lines = [
    ...before,
    ...(isOver ? [texts.allShown] : isLast ? [texts.lastTimes] : []),
    texts.chooseTime(kind.minutes),
    ...(reader.zone === zone ? [] : [texts.inZone(reader.zone)]),
  ]
  const offered = slots.map(({ start }) => start)
  return {
    content: lines.join('\n'),
    items: choicesOf(situationOf(booking, intent, offered)),
    attributes: {
      pending_intent: intent,
      offered_slots: offered.map(at => isoTime(at, zone)).join(' '),
      shown_slots: toShown([...shown, ...offered]),
      ...(conversation.attributes.asked_time != null && { asked_time: null }),
      lesson_type: kind.type,
      lesson_minutes: kind.minutes,
    },
  }
}

/** Chatwoot refuses an attribute of more than 1,500 characters. */
const MAX_SHOWN = 240

/** Short: the minutes since 1970, in base 36. */
function toShown(times: readonly number[]): string {
  return times
    .slice(-MAX_SHOWN)
    .map(at => (at / MINUTE).toString(36))
    .join(' ')
}

/** Start times that were offered since the choice of a time began, Unix ms. */
function shownOf(conversation: Conversation): Set<number> {
  const written = asText(conversation.attributes.shown_slots)?.split(' ') ?? []
  return new Set([...written.map(minutes => Number.parseInt(minutes, 36) * MINUTE), ...offeredOf(conversation)])
}

/** Start times offered last, Unix ms. */
export function offeredOf({ attributes }: Conversation): number[] {
  const texts = asText(attributes.offered_slots)?.split(' ') ?? []
  return texts.map(parseTime).filter(at => at !== undefined)
}

/** Asks whether it shall be this time; yes is an answer then. */
export async function askForTime(booking: Booking, time: Interval): Promise<Reply> {
  const { services, conversation, kind } = booking
  const offer = await offerTimes(booking, 'slot', { only: [time] })
  const when = formatWhen(time.start, readerOf(conversation, services))
  return {
    ...offer,
    content: services.tutor.texts[conversation.language].thisTime(when, kind.minutes),
    attributes: { ...offer.attributes, offered_slots: `${isoTime(time.start, services.zone)}${ASKED}` },
  }
}

/** After the only time in `offered_slots`: the student was asked whether it shall be this one. */
const ASKED = ' ?'

/** The time that the last question was about, Unix ms. */
export function askedTimeOf(conversation: Conversation): number | undefined {
  return asText(conversation.attributes.offered_slots)?.endsWith(ASKED) ? offeredOf(conversation)[0] : undefined
}

/** All times that the planning allows, free or not. */
export function plannedTimes(booking: Booking): Interval[] {
  const { services } = booking
  return freeSlots(planningOf(booking), [], services.now(), services.zone)
}

export function isPlanned(booking: Booking, at: number): boolean {
  return plannedTimes(booking).some(({ start }) => start === at)
}

/** An order for a lesson that has to be paid. */
export interface Order {
  id: string
  /** Unix ms. */
  start: number
  /** The delivery that asks for the link. */
  delivery: Delivery<unknown>
}

/** Stripe refuses to sell the lesson, for example at an archived price. Its hold has been released. */
export class SaleRefusedError extends PermanentError {
  override name = 'SaleRefusedError'
}

/** Holds a lesson and makes its payment link. null: the time is taken. */
export async function reserve(booking: Booking, { id, start, delivery }: Order): Promise<Reply | null> {
  const { services, conversation, kind, signal } = booking
  const { zone, now } = services
  const { client, price } = sale(booking)
  // Counted from acceptance, so that every attempt computes the same.
  const from = now() - delivery.receivedAt < LATE_HANDLER_MS ? delivery.receivedAt : now()
  const payMs = services.tutor.payment.minutesToPay * MINUTE
  const until = from + Math.min(payMs, Math.max(MIN_PAYMENT_MS, start - from))
  if (!(await hold(booking, id, start, until))) return null
  const { language } = conversation
  const checkout = {
    order: id,
    attempt: delivery.id,
    price: price.id,
    expiresAt: until,
    returnUrl: services.returnUrl(language),
    locale: LANGUAGES[language].stripeLocale,
    metadata: metadataOf(booking, id, start, await services.installationId()),
    page: pageOf(booking, start - from),
  }
  const session = await sell(client, price, checkout, signal).catch(async (error: unknown) => {
    if (!(error instanceof PermanentError)) throw error
    await services.calendar.release(id, Number.MAX_SAFE_INTEGER, signal)
    throw new SaleRefusedError(`no payment link can be made: ${error.message}`, { cause: error })
  })
  const reader = readerOf(conversation, services)
  return {
    content: services.tutor.texts[language].payFirst(
      formatWhen(start, reader),
      session.url,
      formatTime(until, reader),
      moneyIn(language, session.money),
    ),
    attributes: {
      pending_intent: 'pay',
      order_id: id,
      payment_status: 'pending',
      payment_link: session.url,
      payment_expires: isoTime(until, zone),
      checkout_session: session.id,
      lesson_type: 'regular',
      lesson_minutes: kind.minutes,
      lesson_start: isoTime(start, zone),
    },
    // Labels of an earlier order.
    labels: { add: ['status:awaiting_pay'], remove: ['payment:failed', 'payment:paid', 'status:booked'] },
  }
}

/** What the payment page does. @param ahead until the lesson begins, ms */
function pageOf({ services, conversation }: Booking, ahead: number): CheckoutPage {
  const { promotionCodes, invoice, settleDays, customerEmail } = services.tutor.payment
  const { contactEmail } = conversation
  const slow = Object.entries(settleDays).filter(([, days]) => ahead < days * 24 * 60 * MINUTE)
  return {
    takesPromotionCodes: promotionCodes,
    makesInvoice: invoice,
    withoutMethods: slow.map(([method]) => method),
    ...(customerEmail && contactEmail !== undefined && { email: contactEmail }),
  }
}

/** Checks the price first: Stripe itself would sell one without an amount for whatever the student likes to pay. */
async function sell(
  client: StripeClient,
  price: Price,
  checkout: Checkout,
  signal: AbortSignal,
): Promise<{ id: string; url: string; money: Money }> {
  const money = await checkPrice(client, price, signal)
  try {
    return { ...(await client.createSession(checkout, signal)), money }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    const { email, ...page } = checkout.page ?? {}
    // Chatwoot takes addresses that Stripe refuses.
    if (email !== undefined) return sell(client, price, { ...checkout, page }, signal)
    forgetPrice(client, price)
    // If the price is why, this says so in better words.
    await checkPrice(client, price, signal)
    throw error
  }
}

/** An order id: the same for every attempt at a message, different from other installations'. */
export async function newOrder(
  { installationId }: Services,
  conversation: string,
  delivery: Delivery<unknown>,
): Promise<string> {
  const origin = await installationId()
  return `${conversation}-${hash('sha256', `${origin} ${delivery.id}`).slice(0, 8)}`
}

/** Holds a time and its buffers for an order. @param until Unix ms */
async function hold(booking: Booking, order: string, start: number, until: number): Promise<boolean> {
  const { bufferBefore, bufferAfter } = planningOf(booking)
  if (await isDayFull(booking, order, start)) return false
  const margin = { before: bufferBefore * MINUTE, after: bufferAfter * MINUTE }
  const end = start + booking.kind.minutes * MINUTE
  return booking.services.calendar.hold({ order, start, end, until, margin }, booking.signal)
}

/** Whether the day has all the lessons that it may have, without this order's, which an earlier attempt may hold. */
async function isDayFull(booking: Booking, order: string, start: number): Promise<boolean> {
  const { maxPerDay } = planningOf(booking)
  if (maxPerDay === Infinity) return false
  const { calendar, zone } = booking.services
  const day = DateTime.fromMillis(start, { zone }).startOf('day')
  const [from, to] = [day.toMillis(), day.plus({ days: 1 }).toMillis()]
  const busy = await calendar.busy(from, to, booking.signal)
  const lessons = busy.filter(taken => !taken.isOther && taken.start >= from).length
  return lessons >= maxPerDay && !(await calendar.has(order, booking.signal))
}

/** Books a free or paid lesson. false: the time is taken. */
export async function book(booking: Booking, order: string, start: number, payment: string | null): Promise<boolean> {
  const { services, kind, signal } = booking
  // Only a hold has margins; booking alone would not check them.
  if (!(await hold(booking, order, start, services.now() + MINUTE))) return false
  const time = { start, end: start + kind.minutes * MINUTE }
  return (await services.calendar.book(lessonOf(booking, order, time, payment), signal)) === 'booked'
}

/** What the payment's webhook needs to book the lesson. Stripe allows 500 characters per value. */
function metadataOf(
  { services, conversation, kind }: Booking,
  order: string,
  start: number,
  origin: string,
): Record<string, string> {
  const all = {
    [ORIGIN]: origin,
    conversation_id: conversation.id,
    chatwoot_conversation_id: conversation.id,
    contact_id: conversation.contactId,
    order_id: order,
    student_name: conversation.contactName,
    service: serviceOf(services, conversation),
    minutes: String(kind.minutes),
    lesson_start: isoTime(start, services.zone),
  }
  const given = Object.entries(all).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return Object.fromEntries(given.map(([name, value]) => [name, value.slice(0, 200).toWellFormed()]))
}

/** The calendar's entry for a lesson. @param payment null: a trial lesson */
function lessonOf({ services, conversation }: Booking, order: string, time: Interval, payment: string | null): Lesson {
  const { id, contactName } = conversation
  return { order, ...time, student: contactName, service: serviceOf(services, conversation), payment, conversation: id }
}

function serviceOf({ tutor }: Services, { attributes, language }: Conversation): string {
  return asText(attributes.service) ?? tutor.texts[language].lesson
}

/** Clears a conversation's attributes when no order is pending any more. */
export const NO_ORDER = {
  order_id: null,
  payment_status: null,
  payment_link: null,
  payment_expires: null,
  checkout_session: null,
  lesson_start: null,
}

/** A conversation's attributes when its lesson is booked. */
export const BOOKED = {
  pending_intent: 'menu',
  misunderstood: 0,
  misunderstood_texts: null,
  offered_slots: null,
  payment_link: null,
  payment_expires: null,
  checkout_session: null,
}
