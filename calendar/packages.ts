import { PermanentError } from '../inbox/errors.ts'
import type { LessonsOf } from './contract.ts'

/**
 * The ledger of lessons that are paid ahead: packages, in minutes, and their entries, which are only ever added. A
 * package's minutes and the entry that changes them are one commit, and never go below zero.
 */

/** Several lessons bought at once. */
export interface LessonPackage {
  /** The order that bought it. */
  id: string
  /** As in a lesson: Chatwoot's display id of the conversation, and its contact's id; empty and absent: not known. */
  conversation: string
  contact?: string | undefined
  student: string
  /** The length of the lessons that were sold. */
  lessonMinutes: number
  /** Bought. */
  minutes: number
  left: number
  /** Whose money is paid back, and that lessons have used: so many are taken once they are given back. */
  refundDue: number
  /** How it was paid, as a lesson's `payment`: `500.00 EUR, pi_…`. */
  payment: string
  /** In the currency's minor unit. */
  amount: number
  currency: string
  /** Unix ms. */
  boughtAt: number
}

export type EntryWhy =
  | 'bought'
  /** Taken by a lesson. */
  | 'lesson'
  /** That lesson was cancelled. */
  | 'returned'
  /** Its money was paid back. */
  | 'refunded'
  /** By the tutor; `note` says why. */
  | 'corrected'

/** Who changed it. */
export type EntryWho = 'student' | 'tutor' | 'stripe'

/** A change of a package. */
export interface PackageEntry {
  /** What happens once, such as `lesson:ORDER`. */
  key: string
  /** The package's id. */
  package: string
  /** From 1, in order. */
  number: number
  /** Added; negative: taken. */
  minutes: number
  why: EntryWhy
  who: EntryWho
  /** Unix ms. */
  at: number
  /** The lesson's order; null: it is about none. */
  order: string | null
  note: string | null
  /** The minutes left after it. */
  left: number
}

/** Who does something, and when (Unix ms). */
export interface By {
  who: EntryWho
  at: number
}

export type NewPackage = Omit<LessonPackage, 'left' | 'refundDue'>

export interface Taking extends By {
  whose: LessonsOf
  /** The lesson's. */
  order: string
  minutes: number
}

export interface Correction extends By {
  key: string
  package: string
  /** Added; negative: taken. */
  minutes: number
  /** Why. */
  note: string
}

export type CorrectResult =
  | { kind: 'corrected'; entry: PackageEntry }
  /** It has only so many minutes left; nothing has changed. */
  | { kind: 'short'; left: number }
  | { kind: 'unknown' }

/** All changes are idempotent: made again, with the same key, they change nothing and answer the same. */
export interface Packages {
  /** Records a package, with its first entry. One that is known stays as it is. Returns it as it is now. */
  buy(bought: NewPackage, who: EntryWho): Promise<LessonPackage>
  /**
   * Takes a lesson's minutes from the oldest package that has enough of them left.
   * @returns null: none has, or the order's minutes were taken and given back
   */
  take(taking: Taking): Promise<PackageEntry | null>
  /**
   * Gives back what a lesson took, except as much as a refund of its package had to leave.
   * @returns null: the lesson took nothing
   */
  giveBack(lesson: By & { order: string }): Promise<PackageEntry | null>
  /**
   * Takes what is left, up to the minutes whose money has been paid back so far; what lessons have used is taken as
   * soon as they are given back.
   * @returns null: there is no such package
   */
  refund(refunded: By & { package: string; minutes: number }): Promise<LessonPackage | null>
  correct(correction: Correction): Promise<CorrectResult>
  /** null: there is none. */
  find(id: string): Promise<LessonPackage | null>
  /** At most `limit` of the ids that begin so, in order. @param beginning not empty */
  idsBeginningWith(beginning: string, limit: number): Promise<string[]>
  /** Oldest first. */
  of(whose: LessonsOf): Promise<LessonPackage[]>
  /** Newest first. @param after an id: only those that come after it */
  list(limit: number, after?: LessonPackage): Promise<LessonPackage[]>
  /** A package's, in order. */
  entries(id: string): Promise<PackageEntry[]>
  /** What a lesson took; null: nothing. */
  takenFor(order: string): Promise<PackageEntry | null>
  /**
   * Erases names and notes in the packages of these conversations; minutes and sums stay. Returns how many packages. A
   * file's bytes are gone after the next `eraseStudent`.
   */
  erase(conversations: readonly string[]): Promise<number>
}

export const keyOfLesson = (order: string): string => `lesson:${order}`
export const keyOfReturn = (order: string): string => `returned:${order}`
/** @param taken all minutes that refunds have taken from the package, with these */
export const keyOfRefund = (id: string, taken: number): string => `refunded:${id}:${taken}`

/** @throws {PermanentError} */
export function checkPackage({ id, minutes, lessonMinutes, amount, boughtAt }: NewPackage): void {
  for (const [name, value] of Object.entries({ minutes, lessonMinutes })) checkMinutes(value, `its ${name}`)
  if (!Number.isSafeInteger(amount) || amount < 0) throw new PermanentError(`A package's amount can't be ${amount}`)
  if (!Number.isSafeInteger(boughtAt)) throw new PermanentError(`A package's boughtAt must be Unix ms, not ${boughtAt}`)
  if (id === '') throw new PermanentError('A package needs the order that bought it')
}

/** @throws {PermanentError} */
export function checkMinutes(minutes: number, what = 'them'): void {
  if (Number.isSafeInteger(minutes) && minutes > 0) return
  throw new PermanentError(`Minutes must be whole and more than 0: ${what} can't be ${minutes}`)
}

/** @throws {PermanentError} */
export function checkCorrection({ minutes }: Correction): void {
  if (Number.isSafeInteger(minutes) && minutes !== 0) return
  throw new PermanentError(`A correction must be of whole minutes, more or less than 0, not ${minutes}`)
}

/** A `payment` without the name that a tutor may have added to it: `500.00 EUR, cash, Mrs Jansen`. */
export function withoutName(payment: string): string {
  return payment.split(', ').slice(0, 2).join(', ')
}
