import { OptionError } from '../inbox/errors.ts'
import type { Packages } from './packages.ts'
import type { WeeklyTimes } from './weekly.ts'

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

/** The payment of a lesson that is booked and not paid yet. */
export const UNPAID = 'unpaid'

/** How a lesson is paid if not at Stripe: `60.00 EUR, cash, Mrs Jansen`. Who is erased loses the payer's name, too. */
export const PAID_HOW = ['cash', 'transfer', 'invoice'] as const

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
  /** Chatwoot's display id of the conversation; empty: there is none. */
  conversation: string
  /** Chatwoot's id of the contact when it was booked; absent: not known. */
  contact?: string
}

/** A lesson as a calendar has it. */
export interface BookedLesson extends Lesson {
  /** Its payment is being processed; the time is held until the lesson begins. */
  isHeld?: true
  /** When it was booked or last changed, Unix ms; null: from a version that did not record it. */
  changedAt: number | null
  /** Its revision (RFC 5545, 3.8.7.4): 0 while it is held; it rises when it is booked, moved and cancelled. */
  sequence: number
  /** When it was cancelled, Unix ms; absent: it was not. A cancelled lesson takes no time. */
  cancelledAt?: number
}

/** Whose lessons are meant. */
export interface LessonsOf {
  /** Those that were booked in this conversation (display id). */
  conversation: string
  /** And all of this contact. Only where the channel proves who writes. */
  contact?: string | undefined
}

export interface Move {
  order: string
  /** When the lesson begins now: it is not moved if somebody else has moved it meanwhile. */
  from: number
  to: Interval
  /** What else must be free at the new time: this long before and after it, ms. */
  margin: { before: number; after: number }
}

export type MoveResult =
  | 'moved'
  /** The new time is taken; the lesson stays. */
  | 'taken'
  /** It does not begin at `from` any more, is cancelled, or is only held. */
  | 'changed'

/** How a booked lesson is paid from now on. */
export interface PaymentChange {
  order: string
  /** Its payment as it was seen. */
  from: string | null
  to: string
}

/** A pupil's name is another. */
export interface Renaming {
  /** Chatwoot's display id. */
  conversation: string
  from: string
  to: string
}

export type PaymentResult =
  /** It is `to`, perhaps already. */
  | 'set'
  /** It is neither, or the lesson is cancelled, only held, or not there. */
  | 'changed'

/** Time without lessons that the tutor has blocked. */
export interface Block extends Interval {
  id: string
  /** For the tutor; may be empty. */
  reason: string
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
  /**
   * These let students see, move and cancel their lessons, and the tutor too. Without them (a host's calendar)
   * a person does it. An order's lesson or kept time, also when it is cancelled; null: there is none.
   */
  lessonOf?(order: string, signal: AbortSignal): Promise<BookedLesson | null>
  /** Lessons and kept times that end after a moment (Unix ms), without cancelled ones, in order of start. */
  lessonsOf?(whose: LessonsOf, after: number, signal: AbortSignal): Promise<BookedLesson[]>
  /** Moves a booked lesson. One that is at the new time already counts as moved. */
  move?(move: Move, signal: AbortSignal): Promise<MoveResult>
  /** Changes how a booked lesson is paid. Without it, a lesson's payment stays as it was booked. */
  setPayment?(change: PaymentChange, signal: AbortSignal): Promise<PaymentResult>
  /**
   * Renames a pupil in the conversation's lessons that end after a moment (Unix ms), and in its weekly times. Without it
   * what is booked keeps its name.
   */
  renameStudent?(renaming: Renaming, after: number, signal: AbortSignal): Promise<void>
  /** Without it a person sees to lessons of each week. */
  weekly?: WeeklyTimes
  /** The ledger of lessons that are paid ahead. Without it none are sold. */
  packages?: Packages
}

/** One whose lessons can be seen, moved and cancelled here. */
export type ChangeableCalendar = Required<Omit<Calendar, 'renameStudent' | 'weekly' | 'packages'>>

type Optional = 'lessonOf' | 'lessonsOf' | 'move' | 'setPayment' | 'renameStudent' | 'weekly' | 'packages'

/** The compiler checks them against the interface. */
const METHODS: Record<Exclude<keyof Calendar, Optional>, true> = {
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
export interface LocalCalendar extends Required<Calendar> {
  /** The lessons, and kept times, that overlap a range (Unix ms), in order of start. */
  lessons(from: number, to: number, options?: { withCancelled?: boolean }): Promise<BookedLesson[]>
  /**
   * At most `limit` of the orders with a lesson or a kept time, also a cancelled one, that begin so, in order.
   * @param beginning not empty
   */
  ordersBeginningWith(beginning: string, limit: number): Promise<string[]>
  /** At most `limit` of the booked lessons that are not paid (`UNPAID`), past ones too, in order of start. */
  unpaid(limit: number): Promise<BookedLesson[]>
  /** Blocks a time: no lesson is booked or moved there. What is booked already stays. Again with its id: no change. */
  block(block: Block): Promise<void>
  /** false: there is no such block (any more). */
  unblock(id: string): Promise<boolean>
  /** The blocks that overlap a range (Unix ms), in order of start. */
  blocks(from: number, to: number): Promise<Block[]>
  /**
   * Erases the student's name in the lessons of these conversations (display ids), and ends their weekly times. Returns
   * how many lessons.
   */
  eraseStudent(conversations: readonly string[]): Promise<number>
  close(): void | Promise<void>
}
