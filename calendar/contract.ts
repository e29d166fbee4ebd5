import { OptionError } from '../inbox/errors.ts'

/** The contract of a calendar, whatever its backend. Times are Unix ms; an interval includes its start, not its end. */

export interface Interval {
  start: number
  end: number
}

/** A time that is taken. */
export interface Busy extends Interval {
  /** An appointment: neither a lesson nor a hold. It does not count as one of its day. */
  isOther?: true
}

/** Replaces an erased student's name. */
export const ERASED = 'erased'

/** A slot held for an order until it is paid or the hold expires. */
export interface Hold extends Interval {
  /** The order: one order has one hold or one lesson at a time. */
  order: string
  /** When the hold expires. */
  until: number
  /** What else must be free: this long before and after it, ms. */
  margin: { before: number; after: number }
}

/** A lesson in the calendar. */
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
  /** Its payment is being processed; the time is held until the lesson begins. */
  isHeld?: true
  /** When it was booked or last changed, Unix ms; null: from a version that did not record it. */
  changedAt: number | null
}

export type BookResult =
  | 'booked'
  /** The time is no longer free; no lesson was created. */
  | 'taken'

export type KeepResult =
  | 'kept'
  /** The time is taken. */
  | 'taken'
  /** Another order of the conversation is already kept. */
  | 'another'

/**
 * All operations are idempotent, so they can be repeated after an unknown outcome. They throw PermanentError, or
 * TransientError if a retry can help.
 */
export interface Calendar {
  /** What is taken between two times: lessons, unexpired holds, other appointments. In order of start. */
  busy(from: number, to: number, signal: AbortSignal): Promise<Busy[]>
  /**
   * Holds a slot, or extends its hold (never shortens it). Of two concurrent orders one gets it. false: the time is
   * taken, and nothing is held.
   */
  hold(hold: Hold, signal: AbortSignal): Promise<boolean>
  /**
   * Holds a lesson's time until it begins, as tentative, while its payment is being processed. At most one order per
   * conversation is kept; another one's hold is left alone. A booked lesson counts as kept.
   */
  keep(lesson: Lesson, signal: AbortSignal): Promise<KeepResult>
  /**
   * Releases an order's hold, unless it was extended beyond `until`. A lesson stays. Without such a hold, does nothing.
   */
  release(order: string, until: number, signal: AbortSignal): Promise<void>
  /**
   * Books a lesson: from the order's hold on this time, else if the time is free (without margins). Releases the
   * order's hold on another time. An existing lesson of the order at this time counts as booked.
   */
  book(lesson: Lesson, signal: AbortSignal): Promise<BookResult>
  /** Whether an order has a lesson or a hold; an expired one may count. */
  has(order: string, signal: AbortSignal): Promise<boolean>
  /** An order's lesson; null: it has none. */
  find(order: string, signal: AbortSignal): Promise<Interval | null>
  /** Cancels an order's lesson or hold. Returns the lesson's time; null: it has no lesson (any more). */
  cancel(order: string, signal: AbortSignal): Promise<Interval | null>
}

/** The compiler checks them against the interface. */
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

/** Checks a host's calendar. @throws {OptionError} that names the missing methods */
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

/** A calendar in the inbox's own database. */
export interface LocalCalendar extends Calendar {
  /** The lessons, and kept times, that overlap a range (Unix ms), in order of start: for the calendar feed. */
  lessons(from: number, to: number): Promise<BookedLesson[]>
  /** Erases the student's name in the lessons of these conversations (display ids). Returns how many lessons. */
  eraseStudent(conversations: readonly string[]): Promise<number>
  close(): void | Promise<void>
}
