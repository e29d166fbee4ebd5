import type { Interval, Lesson } from '../calendar/contract.ts'
import type { StripeClient } from '../clients/stripe.ts'
import { PermanentError } from '../inbox/errors.ts'
import type { Price, Tutor, TutorLesson } from '../tutor/tutor.ts'
import type { Conversation } from './conversation.ts'
import { segmentOf } from './segment.ts'
import type { Services } from './services.ts'
import type { LanguageCode } from './texts/index.ts'

/** Which lessons there are, and what they cost: the tutor's settings, for one contact. */

/** What kind of lesson a conversation is about. */
export interface LessonKind {
  type: 'trial' | 'regular'
  minutes: number
}

/** The lesson kind in a conversation's attributes, else that of the first lesson. */
export function kindOf({ attributes }: Conversation, { tutor }: Services): LessonKind {
  const isTrial = attributes.lesson_type === 'trial'
  const minutes = Number(attributes.lesson_minutes)
  const isKnown = Number.isInteger(minutes) && minutes > 0
  const [first] = tutor.lessons
  const { minutes: usual } = (isTrial && tutor.trial) || first
  return { type: isTrial ? 'trial' : 'regular', minutes: isKnown ? minutes : usual }
}

/** How long the lessons are that this contact can buy, in the tutor's order. */
export function soldLengths({ tutor, stripe }: Services, { contactAttributes }: Conversation): number[] {
  const segment = segmentOf(contactAttributes)
  const sold = stripe === null ? [] : tutor.lessons.filter(({ prices }) => prices[segment] !== undefined)
  return sold.map(({ minutes }) => minutes)
}

/** What who asks for a lesson gets. */
export function usualKind({ tutor }: Services): LessonKind {
  return { type: 'regular', minutes: tutor.lessons[0].minutes }
}

/** That of a paid lesson. */
export function kindOfPaid({ start, end }: Interval): LessonKind {
  return { type: 'regular', minutes: (end - start) / 60_000 }
}

/** That of a lesson in the calendar: a free one as long as a trial lesson is one. */
export function kindOfBooked(
  { tutor }: Pick<Services, 'tutor'>,
  { payment, ...time }: Pick<Lesson, 'start' | 'end' | 'payment'>,
): LessonKind {
  const kind = kindOfPaid(time)
  return payment === null && tutor.trial?.minutes === kind.minutes ? { ...kind, type: 'trial' } : kind
}

/** Only where a trial lesson is offered. */
export function trialKind({ tutor }: Services): LessonKind {
  const { minutes } = tutor.trial as TutorLesson
  return { type: 'trial', minutes }
}

/** The client and the price of a lesson. @throws {PermanentError} that names what is not set */
export function sale({ services, conversation, kind }: SaleOf): { client: StripeClient; price: Price } {
  const { stripe, tutor } = services
  if (stripe === null) throw new PermanentError('no payment link can be made: STRIPE_SECRET_KEY is not set')
  const segment = segmentOf(conversation.contactAttributes)
  const lesson = tutor.lessons.find(({ minutes }) => minutes === kind.minutes)
  if (lesson === undefined)
    throw new PermanentError(`no payment link can be made: no lesson has ${kind.minutes} minutes`)
  const price = lesson.prices[segment]
  if (price !== undefined) return { client: stripe, price }
  throw new PermanentError(`no payment link can be made: ${lesson.priceNames[segment]} is not set`)
}

interface SaleOf {
  services: Services
  conversation: Conversation
  kind: LessonKind
}

/** Where a lesson is, as a line to say; none: nothing is set. */
export function whereOf({ tutor }: Services, kind: LessonKind, language: LanguageCode): string[] {
  const lesson = lessonOfKind(tutor, kind)
  const texts = tutor.texts[language]
  if (lesson?.link !== undefined) return [texts.online(lesson.link)]
  return lesson?.place === undefined ? [] : [texts.atPlace(lesson.place)]
}

/** Where a booked lesson is; neither: nothing is set. */
export function whereBooked(
  tutor: Tutor,
  lesson: Interval & { payment: string | null },
): { link?: string; place?: string } {
  return lessonOfKind(tutor, kindOfBooked({ tutor }, lesson)) ?? {}
}

function lessonOfKind({ lessons, trial }: Tutor, kind: LessonKind): TutorLesson | undefined {
  return kind.type === 'trial' ? trial : lessons.find(({ minutes }) => minutes === kind.minutes)
}
