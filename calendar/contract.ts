import { OptionError } from '../inbox/errors.ts'

/** What a calendar does, whichever backend keeps it. Times are Unix ms; an interval holds its start, not its end. */

export interface Interval {
  start: number
  end: number
}

/** Stands where a student's name was. */
export const ERASED = 'erased'

/** A slot held for an order until it is paid, or until the hold lapses. */
export interface Hold extends Interval {
  /** The order: one order has one hold or one lesson at a time. */
  order: string
  /** The hold lapses then. */
  until: number
  /** What else must be free: this long before and after, ms. */
  margin: { before: number; after: number }
}

/** A lesson, as it stands in the calendar. */
export interface Lesson extends Interval {
  order: string
  student: string
  /** What is taught. */
  service: string
  /** Such as `60.00 EUR, pi_…`; null: a free trial lesson. */
  payment: string | null
  /** Chatwoot's display id of the conversation. */
  conversation: string
}

/** A lesson that a calendar of ours keeps. */
export interface BookedLesson extends Lesson {
  /** Its payment is under way, and the time held until it begins. */
  isHeld?: true
  /** When it was booked, or last changed after that, Unix ms; null: by a version that did not keep it. */
  changedAt: number | null
}

export type BookResult =
  | 'booked'
  /** The time is not free any more, and no lesson was made. */
  | 'taken'

export type KeepResult =
  | 'kept'
  /** Something else is there. */
  | 'taken'
  /** Another order of the conversation is kept already. */
  | 'another'

/**
 * Every operation can be repeated after an unknown outcome: the second does no more than the first. They throw
 * PermanentError, or TransientError where trying again can help.
 */
export interface Calendar {
  /** What is taken between two times: lessons, holds that have not lapsed, other appointments. In order of start. */
  busy(from: number, to: number, signal: AbortSignal): Promise<Interval[]>
  /**
   * Holds a slot, or holds it for longer (never for shorter). Of two orders that ask at the same moment one gets it.
   * false: something else is there, and nothing is held.
   */
  hold(hold: Hold, signal: AbortSignal): Promise<boolean>
  /**
   * Holds a lesson's time until it begins, shown as tentative: its payment is under way. At most one order of a
   * conversation is kept; a hold that another one has stays as it is. A lesson that is booked counts as kept.
   */
  keep(lesson: Lesson, signal: AbortSignal): Promise<KeepResult>
  /**
   * Gives up an order's hold unless it was renewed beyond `until`, the end of the hold that is meant. A lesson stays.
   * No such hold: nothing happens.
   */
  release(order: string, until: number, signal: AbortSignal): Promise<void>
  /**
   * Makes a lesson: of the order's hold on this time, else if the time is free (without margins). A hold of the order
   * on another time is given up. A lesson that the order has at this time already counts as booked.
   */
  book(lesson: Lesson, signal: AbortSignal): Promise<BookResult>
  /** Whether an order has a lesson or a hold here; one that has lapsed may count. */
  has(order: string, signal: AbortSignal): Promise<boolean>
  /** An order's lesson; null: it has none. */
  find(order: string, signal: AbortSignal): Promise<Interval | null>
  /** Cancels an order's lesson or hold. The lesson's time; null: it has no lesson, or no longer. */
  cancel(order: string, signal: AbortSignal): Promise<Interval | null>
}

/** Held against the interface by the compiler. */
const METHODS: Record<keyof Calendar, true> = {
  busy: true,
  hold: true,
  keep: true,
  release: true,
  book: true,
  has: true,
  find: true,
  cancel: true,
}

/** A calendar that a host gave. @throws {OptionError} that names the methods it lacks */
export function checkCalendar(calendar: Calendar, option: string): Calendar {
  const isObject = typeof calendar === 'object' && calendar !== null
  const missing = Object.keys(METHODS).filter(
    name => !isObject || typeof calendar[name as keyof Calendar] !== 'function',
  )
  if (missing.length === 0) return calendar
  throw new OptionError(
    `${option} lacks ${missing.map(name => `${name}()`).join(', ')}: it must have every method of Calendar`,
  )
}

/** A calendar in the inbox's own database, for a tutor who has no other one. */
export interface LocalCalendar extends Calendar {
  /** The lessons that overlap a range (Unix ms), and those that are kept, in order of start: for the calendar feed. */
  lessons(from: number, to: number): Promise<BookedLesson[]>
  /** Takes the student's name out of the lessons of these conversations (display ids). How many lessons. */
  eraseStudent(conversations: readonly string[]): Promise<number>
  close(): void | Promise<void>
}
