import { hash } from 'node:crypto'
import type { Interval, Lesson } from '../calendar/contract.ts'
import type { Checkout, StripeClient } from '../clients/stripe.ts'
import type { Delivery } from '../inbox/contracts.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asText } from '../sources/json.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf, type Intent, type Situation, type Step } from './dialogue.ts'
import { whyUnsellable } from './money.ts'
import { type PlanningProfile, profileOf } from './planning.ts'
import type { Reply } from './reply.ts'
import { type Segment, segmentOf } from './segment.ts'
import type { PriceIds, Services } from './services.ts'
import { freeSlots, pickSlots } from './slots.ts'
import { ORIGIN } from './stripe-event.ts'
import { LANGUAGES, TEXTS } from './texts/index.ts'
import { isoTime, parseTime, type Reader, sayTime, sayWhen, zoneOf } from './times.ts'

/** From free times to a reserved, paid or booked lesson: what messages and payments have in common. */

/** Times that are offered at once. */
const OFFERED = 6
/** A payment link and its hold last this long, ms: Stripe's 30 min, and time for a handler that is tried again. */
const TO_PAY = 40 * 60_000
/** A handler that is later than this takes the time from now, ms. */
const LATE = 5 * 60_000
const MINUTE = 60_000

/** What kind of lesson a conversation is about. */
export interface LessonKind {
  type: 'trial' | 'regular'
  minutes: number
}

/** A conversation that is being booked in. */
export interface Booking {
  services: Services
  conversation: Conversation
  kind: LessonKind
  signal: AbortSignal
}

/** What the conversation's attributes say of its lesson. */
export function kindOf({ attributes }: Conversation): LessonKind {
  if (attributes.lesson_type === 'trial') return { type: 'trial', minutes: 30 }
  const minutes = Number(attributes.lesson_minutes)
  return { type: 'regular', minutes: Number.isInteger(minutes) && minutes > 0 ? minutes : 60 }
}

/** Who reads the private notes, which are in English. */
export function tutorReader({ zone }: Services): Reader {
  return { language: 'en', zone, tutorZone: zone }
}

export function readerOf({ language, contactAttributes }: Conversation, { zone }: Services): Reader {
  return { language, zone: zoneOf(contactAttributes.timezone, zone), tutorZone: zone }
}

/** The dialogue of a conversation, waiting for an answer to what was offered. */
export function situationOf(
  { services, conversation, kind }: Omit<Booking, 'signal'>,
  intent: Intent,
  offered: readonly number[],
): Situation {
  return {
    intent,
    offered,
    without: withoutSteps(services.prices, conversation, kind),
    reader: readerOf(conversation, services),
  }
}

/** Steps that make no sense for a contact, or for the lesson that is chosen. */
function withoutSteps(prices: PriceIds, { attributes, contactAttributes }: Conversation, kind: LessonKind): Set<Step> {
  const segment = segmentOf(contactAttributes)
  const without = new Set<Step>()
  const { has_paid_lesson, lesson_booked, trial_lesson_completed } = contactAttributes
  // The conversation's own as well: a bot's token may not write the contact's.
  if (has_paid_lesson || lesson_booked || trial_lesson_completed || attributes.trial_booked) without.add('trial')
  for (const minutes of [60, 90] as const) {
    const isOther = kind.type === 'regular' && kind.minutes !== minutes
    if (!isOther || priceOf(prices, segment, minutes) === undefined) without.add(`minutes_${minutes}`)
  }
  return without
}

/** The Stripe price id of a lesson; undefined: there is none. */
export function priceOf(prices: PriceIds, segment: Segment, minutes: number): string | undefined {
  const { standard60, standard90, weekend60, weekend90 } = prices
  if (minutes === 60) return segment === 'weekend' ? weekend60 : standard60
  return minutes === 90 ? (segment === 'weekend' ? weekend90 : standard90) : undefined
}

/** What a lesson is sold with. @throws {PermanentError} that names the variable which is not set */
export function sale({ services, conversation, kind }: Omit<Booking, 'signal'>): {
  client: StripeClient
  price: string
} {
  const segment = segmentOf(conversation.contactAttributes)
  const price = priceOf(services.prices, segment, kind.minutes)
  if (services.stripe === null) throw new PermanentError('no payment link can be made: STRIPE_SECRET_KEY is not set')
  if (price !== undefined) return { client: services.stripe, price }
  const variable = `${segment === 'weekend' ? 'WEEKEND' : 'STANDARD'}_PRICE_ID_${kind.minutes}`
  throw new PermanentError(`no payment link can be made: ${variable} is not set`)
}

/** The student gets a person, and the tutor reads why. */
export function giveToPerson({ language }: Conversation, problem: string): Reply {
  const note = `TutorBot could not go on by itself: ${problem}. Please help this student.`
  return { content: TEXTS[language].handoff, note, handsOver: true }
}

function planningOf({ conversation, kind }: Pick<Booking, 'conversation' | 'kind'>): PlanningProfile {
  return profileOf(segmentOf(conversation.contactAttributes), kind)
}

/** All times that can be chosen now, in order. */
export async function freeTimes(booking: Booking): Promise<Interval[]> {
  const { services, signal } = booking
  const profile = planningOf(booking)
  const now = services.now()
  // A day more at each end: the planning counts in local days, and buffers reach beyond a lesson.
  const until = now + (profile.daysAhead + 2) * 24 * 60 * MINUTE
  const busy = await services.calendar.busy(now - 24 * 60 * MINUTE, until, signal)
  return freeSlots(profile, busy, now, services.zone)
}

/**
 * Offers times to choose from: the first ones after a time (from the beginning where none are left), or those given.
 * @param before what is said first
 */
export async function offerTimes(
  booking: Booking,
  intent: 'slot' | 'rebook',
  { before = [], after, only }: { before?: string[]; after?: number | undefined; only?: Interval[] } = {},
): Promise<Reply> {
  const { services, conversation, kind } = booking
  const texts = TEXTS[conversation.language]
  const free = only ?? (await freeTimes(booking))
  const later = pickSlots(free, OFFERED, services.zone, after)
  const slots = later.length > 0 ? later : pickSlots(free, OFFERED, services.zone)
  if (slots.length === 0) {
    return {
      ...giveToPerson(conversation, 'no time is free in the coming days'),
      content: [...before, texts.noTimes].join('\n'),
    }
  }
  const offered = slots.map(({ start }) => start)
  return {
    content: [...before, texts.chooseTime(kind.minutes)].join('\n'),
    items: choicesOf(situationOf(booking, intent, offered)),
    attributes: {
      pending_intent: intent,
      offered_slots: offered.map(at => isoTime(at, services.zone)).join(' '),
      lesson_type: kind.type,
      lesson_minutes: kind.minutes,
    },
  }
}

/** Starts of the times that were offered last, Unix ms. */
export function offeredOf({ attributes }: Conversation): number[] {
  const texts = asText(attributes.offered_slots)?.split(' ') ?? []
  return texts.map(parseTime).filter(at => at !== undefined)
}

/** All times that the planning allows now, free or not. */
export function plannedTimes(booking: Booking): Interval[] {
  const { services } = booking
  return freeSlots(planningOf(booking), [], services.now(), services.zone)
}

export function isPlanned(booking: Booking, at: number): boolean {
  return plannedTimes(booking).some(({ start }) => start === at)
}

/** An order of a lesson that has to be paid. */
export interface Order {
  id: string
  /** Unix ms. */
  start: number
  /** What asks for the link. */
  delivery: Delivery<unknown>
}

/** Stripe refuses to sell a lesson: its price is deleted or archived, say. What was held for it is free again. */
export class SaleRefusedError extends PermanentError {
  override name = 'SaleRefusedError'
}

/** Reserves a lesson and asks for its payment. null: the time is taken. */
export async function reserve(booking: Booking, { id, start, delivery }: Order): Promise<Reply | null> {
  const { services, conversation, kind, signal } = booking
  const { zone, now } = services
  const { client, price } = sale(booking)
  // From when the webhook came: the same at each attempt to handle it.
  const until = (now() - delivery.receivedAt < LATE ? delivery.receivedAt : now()) + TO_PAY
  if (!(await hold(booking, id, start, until))) return null
  const { language } = conversation
  const checkout = {
    order: id,
    attempt: delivery.id,
    price,
    expiresAt: until,
    returnUrl: services.returnUrl,
    locale: LANGUAGES[language].stripeLocale,
    metadata: metadataOf(booking, id, start, await services.installationId()),
  }
  const session = await sell(client, checkout, signal).catch(async (error: unknown) => {
    if (!(error instanceof PermanentError)) throw error
    await services.calendar.release(id, Number.MAX_SAFE_INTEGER, signal)
    throw new SaleRefusedError(`no payment link can be made: ${error.message}`, { cause: error })
  })
  const reader = readerOf(conversation, services)
  return {
    content: TEXTS[language].payFirst(sayWhen(start, reader), session.url, sayTime(until, reader)),
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
    // What the labels said of an order before this one is over.
    labels: { add: ['status:awaiting_pay'], remove: ['payment:failed', 'payment:paid', 'status:booked'] },
  }
}

/** Stripe itself would sell a price without an amount, for whatever the student likes to pay. */
async function sell(client: StripeClient, checkout: Checkout, signal: AbortSignal) {
  const problem = whyUnsellable(await client.getPrice(checkout.price, signal))
  if (problem !== null) throw new PermanentError(problem)
  return client.createSession(checkout, signal)
}

/** A new order of a conversation, the same at each attempt to handle its message, and no other installation's. */
export async function newOrder(
  { installationId }: Services,
  conversation: string,
  delivery: Delivery<unknown>,
): Promise<string> {
  const origin = await installationId()
  return `${conversation}-${hash('sha256', `${origin} ${delivery.id}`).slice(0, 8)}`
}

/** Holds a time for an order, and what its planning wants to be free around it. @param until Unix ms */
function hold(booking: Booking, order: string, start: number, until: number): Promise<boolean> {
  const { bufferBefore, bufferAfter } = planningOf(booking)
  const margin = { before: bufferBefore * MINUTE, after: bufferAfter * MINUTE }
  const end = start + booking.kind.minutes * MINUTE
  return booking.services.calendar.hold({ order, start, end, until, margin }, booking.signal)
}

/** Books a lesson that needs no payment any more. false: the time is taken. */
export async function book(booking: Booking, order: string, start: number, payment: string | null): Promise<boolean> {
  const { services, conversation, kind, signal } = booking
  // A lesson has no margins of its own: they are kept free by the hold that goes before it.
  if (!(await hold(booking, order, start, services.now() + MINUTE))) return false
  const time = { start, end: start + kind.minutes * MINUTE }
  return (await services.calendar.book(lessonOf(conversation, order, time, payment), signal)) === 'booked'
}

/** What the payment's webhook needs to book the lesson. Stripe keeps 500 characters of each. */
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
    service: serviceOf(conversation),
    minutes: String(kind.minutes),
    lesson_start: isoTime(start, services.zone),
  }
  const given = Object.entries(all).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return Object.fromEntries(given.map(([name, value]) => [name, value.slice(0, 200).toWellFormed()]))
}

/** What the calendar shows of a lesson. @param payment null: a trial lesson */
function lessonOf(conversation: Conversation, order: string, time: Interval, payment: string | null): Lesson {
  const { id, contactName } = conversation
  return { order, ...time, student: contactName, service: serviceOf(conversation), payment, conversation: id }
}

function serviceOf({ attributes, language }: Conversation): string {
  return asText(attributes.service) ?? TEXTS[language].lesson
}

/** What a conversation's attributes lose when no order is pending in it any more. */
export const NO_ORDER = {
  order_id: null,
  payment_status: null,
  payment_link: null,
  payment_expires: null,
  checkout_session: null,
  lesson_start: null,
}

/** What a conversation's attributes lose when its lesson is booked. */
export const BOOKED = {
  pending_intent: 'menu',
  offered_slots: null,
  payment_link: null,
  payment_expires: null,
  checkout_session: null,
}
