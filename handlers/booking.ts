import { hash } from 'node:crypto'
import type { BookedLesson, Busy, Interval, Lesson } from '../calendar/contract.ts'
import type { Checkout, CheckoutPage, StripeClient } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asText } from '../sources/json.ts'
import type { Price } from '../tutor/tutor.ts'
import { isWeeklyAsked } from './asked-time.ts'
import { cancelAskedOf, confirmItem } from './cancel-asked.ts'
import type { Conversation } from './conversation.ts'
import { baseIntentOf, type Intent, lengthStep, packageSteps, type Situation, type Step } from './dialogue.ts'
import { type LessonKind, sale, soldLengths, usualKind } from './lesson-kind.ts'
import { lessonIn, metadataFor } from './lesson-of.ts'
import { type Money, moneyIn } from './money.ts'
import { lessonDialogueOf } from './my-lesson-state.ts'
import { soldPackages } from './packages.ts'
import { type PlanningProfile, profileOf } from './planning.ts'
import { checkPrice, forgetPrice } from './price-check.ts'
import { pupilLines, pupilsToChoose } from './pupils.ts'
import type { Reply } from './reply.ts'
import { segmentOf } from './segment.ts'
import type { Services } from './services.ts'
import { freeSlots, lessonsByDay } from './slots.ts'
import { LANGUAGES } from './texts/index.ts'
import { formatTime, formatWhen, isoTime, parseTime, type Reader, zoneOf } from './times.ts'
import { dayOf } from './wall-clock.ts'

/** From free times to a reserved, paid or booked lesson; shared by messages and payments. */

/** How long a payment link lasts at least: Stripe's minimum of 30 min, plus time for retries of the handler. */
export const MIN_PAYMENT_MS = 36 * 60_000
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
  /** A booked lesson that is moved, instead of another one being booked. */
  moving?: BookedLesson
  /** One each week is asked about. Default: as the conversation was asked. */
  isWeekly?: boolean
  /** What the lesson is called. Default: as the conversation says. */
  named?: Pick<Lesson, 'student' | 'service'>
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
  { services, conversation, kind, isWeekly = isWeeklyAsked(conversation) }: Omit<Booking, 'signal'>,
  intent: Intent,
  offered: readonly number[],
): Situation {
  const { attributes } = conversation
  const reader = readerOf(conversation, services)
  const asked = cancelAskedOf(attributes)
  return {
    intent,
    offered,
    tutor: services.tutor,
    without: withoutSteps(services, conversation, kind, isWeekly),
    numbersShown: attributes.numbers_shown === true,
    base: baseIntentOf(attributes),
    lessons: lessonDialogueOf(attributes)?.lessons ?? [],
    pupils: pupilsToChoose(attributes),
    confirm: asked && confirmItem(asked, services.tutor.texts, reader, conversation),
    reader,
  }
}

/** Whether a lesson is booked and still to come, as far as the conversation knows. */
export function hasLesson(conversation: Conversation, services: Services): boolean {
  const { attributes, isLessonAhead = false } = conversation
  return namesLesson(conversation, services) || (isLessonAhead && attributes.pending_intent !== 'rebook')
}

/** Whether the lesson that its attributes name is booked and still to come. */
export function namesLesson({ attributes }: Conversation, { now }: Services): boolean {
  const { lesson_start, payment_status, trial_booked, pending_intent } = attributes
  const isBooked =
    payment_status === 'paid' || payment_status === 'open' || (payment_status == null && trial_booked === true)
  return isBooked && pending_intent !== 'rebook' && Number(parseTime(lesson_start)) > now()
}

/** Whether a lesson is reserved and not paid yet. */
export function isReserved({ attributes }: Conversation): boolean {
  return asText(attributes.checkout_session) !== undefined
}

/**
 * The order of a lesson that awaits its payment, beside those that are booked. undefined: there is none, or its payment is
 * under way, so that the calendar has it.
 */
export function unpaidOrderOf(
  { attributes }: Conversation,
  booked: readonly { order: string }[] = lessonDialogueOf(attributes)?.lessons ?? [],
): string | undefined {
  const order = asText(attributes.order_id)
  const isOpen = baseIntentOf(attributes) === 'pay' && asText(attributes.checkout_session) !== undefined
  return isOpen && !booked.some(each => each.order === order) ? order : undefined
}

/** Steps that make no sense for this contact or the chosen lesson. */
function withoutSteps(services: Services, conversation: Conversation, kind: LessonKind, isWeekly: boolean): Set<Step> {
  const { attributes, contactAttributes } = conversation
  const without = new Set<Step>()
  const { has_paid_lesson, lesson_booked, trial_lesson_completed } = contactAttributes
  // Conversation attributes too: a bot's token may not write the contact's.
  const hadTrial = has_paid_lesson || lesson_booked || trial_lesson_completed || attributes.trial_booked
  if (hadTrial || services.tutor.trial === undefined) without.add('trial')
  const sold = soldLengths(services, conversation)
  if (!sold.includes(usualKind(services).minutes)) without.add('book')
  if (sold.length === 0) without.add('prices')
  if (!hasLesson(conversation, services)) without.add('my_lesson')
  if (unpaidOrderOf(conversation) === undefined) without.add('unpaid_lesson')
  if (!isWeekly) without.add('every_week')
  const ofPackages = soldPackages(services, conversation).map(({ step }) => step)
  for (const step of packageSteps(services.tutor)) if (!ofPackages.includes(step)) without.add(step)
  if (ofPackages.length === 0) without.add('packages')
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
  const busy = withoutMoving(booking, await services.calendar.busy(now - 24 * 60 * MINUTE, until, signal))
  const slots = freeSlots(profile, busy, now, services.zone)
  return slots.filter(({ start }) => start !== booking.moving?.start)
}

/** The time of a lesson that is moved is free for it. */
function withoutMoving({ moving }: Booking, busy: readonly Busy[]): Busy[] {
  return busy.filter(({ start, end }) => start !== moving?.start || end !== moving.end)
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
export async function reserve(booking: Booking, order: Order): Promise<Reply | null> {
  const { services, conversation, kind } = booking
  const { id, start, delivery } = order
  // What can't be sold is not held.
  sale(booking)
  const from = linkFrom(services, delivery)
  const payMs = services.tutor.payment.minutesToPay * MINUTE
  const until = from + Math.min(payMs, Math.max(MIN_PAYMENT_MS, start - from))
  if (!(await hold(booking, id, start, until))) return null
  const session = await paymentLink(booking, order, until).catch(async (error: unknown) => {
    if (!(error instanceof PermanentError)) throw error
    await services.calendar.release(id, Number.MAX_SAFE_INTEGER, booking.signal)
    throw new SaleRefusedError(`no payment link can be made: ${error.message}`, { cause: error })
  })
  const { zone } = services
  const { language } = conversation
  const reader = readerOf(conversation, services)
  return {
    content: [
      ...pupilLines(conversation, services.tutor),
      services.tutor.texts[language].payFirst(
        formatWhen(start, reader),
        session.url,
        formatTime(until, reader),
        moneyIn(language, session.money),
      ),
    ].join('\n'),
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

/** From when a payment link lasts, Unix ms: counted from acceptance, so that every attempt computes the same. */
export function linkFrom({ now }: Services, { receivedAt }: Delivery<unknown>): number {
  return now() - receivedAt < LATE_HANDLER_MS ? receivedAt : now()
}

/** The payment link of a lesson. @param until when it expires, Unix ms @throws {PermanentError} it can't be sold */
export async function paymentLink(
  booking: Booking,
  { id, start, delivery }: Order,
  until: number,
): Promise<{ id: string; url: string; money: Money }> {
  const { services, conversation, signal } = booking
  const { client, price } = sale(booking)
  const { language } = conversation
  const checkout = {
    order: id,
    attempt: delivery.id,
    price: price.id,
    expiresAt: until,
    returnUrl: services.returnUrl(language),
    locale: LANGUAGES[language].stripeLocale,
    metadata: metadataFor(booking, id, await services.installationId(), {
      minutes: String(booking.kind.minutes),
      lesson_start: isoTime(start, services.zone),
    }),
    page: pageOf(booking, start - linkFrom(services, delivery)),
  }
  return sell(client, price, checkout, signal)
}

/** What the payment page does. @param ahead until the lesson begins, ms */
export function pageOf({ services, conversation }: Booking, ahead: number): CheckoutPage {
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
export async function sell(
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
  if (await isDayFull(booking, order, start)) return false
  const end = start + booking.kind.minutes * MINUTE
  return booking.services.calendar.hold({ order, start, end, until, margin: marginOf(booking) }, booking.signal)
}

/** What else must be free before and after a lesson, ms. */
export function marginOf(booking: Booking): { before: number; after: number } {
  const { bufferBefore, bufferAfter } = planningOf(booking)
  return { before: bufferBefore * MINUTE, after: bufferAfter * MINUTE }
}

/** Whether the day has all the lessons that it may have, without this order's, which an earlier attempt may hold. */
export async function isDayFull(booking: Booking, order: string, start: number): Promise<boolean> {
  const { maxPerDay } = planningOf(booking)
  if (maxPerDay === Infinity) return false
  const { calendar, zone } = booking.services
  const busy = await calendar.busy(start - LONGEST_DAY_MS, start + LONGEST_DAY_MS, booking.signal)
  const lessons = lessonsByDay(withoutMoving(booking, busy), zone).get(dayOf(start, zone)) ?? 0
  if (lessons < maxPerDay) return false
  return booking.moving !== undefined || !(await calendar.has(order, booking.signal))
}

/** Holds a time for as long as booking it takes. false: it is taken. */
export function holdTime(booking: Booking, order: string, start: number): Promise<boolean> {
  return hold(booking, order, start, booking.services.now() + MINUTE)
}

/** Books a free or paid lesson. false: the time is taken. */
export async function book(booking: Booking, order: string, start: number, payment: string | null): Promise<boolean> {
  const { services, kind, signal } = booking
  // Only a hold has margins; booking alone would not check them.
  if (!(await holdTime(booking, order, start))) return false
  const time = { start, end: start + kind.minutes * MINUTE }
  return (await services.calendar.book(lessonIn(booking, order, time, payment), signal)) === 'booked'
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
