import type { LessonPackage } from '../calendar/packages.ts'
import type { Price, Tutor } from '../tutor/tutor.ts'
import type { Booking } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { type PackageStep, packageStep } from './dialogue.ts'
import { segmentOf } from './segment.ts'
import type { Services } from './services.ts'
import type { LanguageCode } from './texts/index.ts'
import { whoseLessons } from './whose-lesson.ts'

/** Packages of lessons: which are for sale, and what a student has left of those that are bought. */

/** Several lessons at once, as a contact can buy them. */
export interface PackageForSale {
  step: PackageStep
  lessons: number
  /** The length of each. */
  minutes: number
  price: Price
}

/** In the tutor's order. None without a key for Stripe, or a ledger. */
export function soldPackages(
  { tutor, stripe, calendar }: Services,
  { contactAttributes }: Pick<Conversation, 'contactAttributes'>,
): PackageForSale[] {
  if (stripe === null || calendar.packages === undefined) return []
  const segment = segmentOf(contactAttributes)
  return tutor.lessons.flatMap(({ minutes, packages }) =>
    packages.flatMap(({ lessons, prices }) => {
      const price = prices[segment]
      return price === undefined ? [] : [{ step: packageStep(minutes, lessons), lessons, minutes, price }]
    }),
  )
}

/** What a student has bought, the oldest first. */
export async function packagesOfStudent({
  services,
  conversation,
}: Pick<Booking, 'services' | 'conversation'>): Promise<LessonPackage[]> {
  return (await services.calendar.packages?.of(whoseLessons(conversation))) ?? []
}

/** Whether a package has enough left for a lesson, or an earlier attempt has taken the last ones for it. */
export async function hasPackageFor(booking: Booking, order: string): Promise<boolean> {
  const packages = await packagesOfStudent(booking)
  if (packages.some(({ left }) => left >= booking.kind.minutes)) return true
  return ((await booking.services.calendar.packages?.takenFor(order)) ?? null) !== null
}

export function minutesLeft(packages: readonly LessonPackage[]): number {
  return packages.reduce((sum, { left }) => sum + left, 0)
}

/**
 * `9 lessen van 60 minuten`, in what the student counts in: the lessons of the package that is used next.
 * @returns undefined: nothing is left
 */
export function leftOf(
  { texts }: Pick<Tutor, 'texts'>,
  packages: readonly LessonPackage[],
  language: LanguageCode,
): string | undefined {
  const { lessonMinutes } = packages.find(({ left }) => left > 0) ?? {}
  if (lessonMinutes === undefined) return undefined
  const all = minutesLeft(packages)
  return texts[language].lessonsAndMinutes(Math.floor(all / lessonMinutes), lessonMinutes, all % lessonMinutes)
}
