import { hash } from 'node:crypto'
import type { Interval, Lesson } from '../calendar/contract.ts'
import type { Checkout, CheckoutPage, StripeClient } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asText } from '../sources/json.ts'
import type { Price } from '../tutor/tutor.ts'
import type { Conversation } from './conversation.ts'
import { type Intent, lengthStep, type Situation, type Step } from './dialogue.ts'
import { type LessonKind, sale, soldLengths, usualKind } from './lesson-kind.ts'
import { type Money, moneyIn } from './money.ts'
import { type PlanningProfile, profileOf } from './planning.ts'
import { checkPrice, forgetPrice } from './price-check.ts'
import type { Reply } from './reply.ts'
import { segmentOf } from './segment.ts'
import type { Services } from './services.ts'
import { freeSlots, lessonsByDay } from './slots.ts'
import { ORIGIN } from './stripe-event.ts'
import { LANGUAGES } from './texts/index.ts'
import { formatTime, formatWhen, isoTime, type Reader, zoneOf } from './times.ts'
import { dayOf } from './wall-clock.ts'

/** From free times to a reserved, paid or booked lesson; shared by messages and payments. */

/** How long a payment link lasts at least: Stripe's minimum of 30 min, plus time for retries of the handler. */
const MIN_PAYMENT_MS = 36 * 60_000
/** A handler later than this counts the payment window from now instead of from acceptance. */
const LATE_HANDLER_MS = 5 * 60_000
const MINUTE = 60_000
/** Where clocks go back by an hour. */
const LONGEST_DAY_MS = 25 * 60 * MINUTE

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

export function lengthsOf({ tutor }: Services): number[] {
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
  checkout: Checkout & { page: CheckoutPage },
  signal: AbortSignal,
): Promise<{ id: string; url: string; money: Money }> {
  const money = await checkPrice(client, price, signal)
  try {
    return { ...(await client.createSession(checkout, signal)), money }
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    const { email, ...page } = checkout.page
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
  const busy = await calendar.busy(start - LONGEST_DAY_MS, start + LONGEST_DAY_MS, booking.signal)
  const lessons = lessonsByDay(busy, zone).get(dayOf(start, zone)) ?? 0
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
