import { setImmediate } from 'node:timers/promises'
import createError from '@fastify/error'
import { DateTime } from 'luxon'
import type { Block, BookedLesson, Calendar, LocalCalendar } from '../../calendar/contract.ts'
import { MAX_CANDIDATES, someOf } from '../candidates.ts'
import { BadFilterError } from '../filter.ts'
import { plain } from '../plain.ts'
import { type LessonState, stateOf } from './view.ts'

/** Finds lessons: those of a week, those that match a filter, one by its id. All of it reads a bounded time only. */

export const UnknownLessonError = createError<[string]>('OPERATOR_UNKNOWN_LESSON', 'There is no lesson %s', 404)
const AmbiguousError = createError<[string, string]>(
  'OPERATOR_AMBIGUOUS_ID',
  '%s fits several lessons: %s. Give more of the id',
  409,
)
/** Something that this calendar can't do. */
export const NotHereError = createError<[string]>('OPERATOR_NOT_IN_THIS_CALENDAR', '%s', 409)

/** Which lessons: all given fields must match. */
export interface LessonFilter {
  /** Those that begin at this time or later, Unix ms. */
  from: number
  /** Those that begin before it, Unix ms. */
  to: number
  /** Part of the student's name, whatever its case and accents. */
  student?: string
  state?: LessonState
  /** Those that are booked and not paid. */
  open?: true
}

/** `next`: where the following page begins; null at the end. */
export interface LessonPage {
  lessons: BookedLesson[]
  next: string | null
}

const DAY = 24 * 60 * 60_000
/** Read at once, first: pages begin with the next lessons, whatever else is booked. Then each time twice as much. */
const FIRST_WINDOW = 31 * DAY
/** So that what reads a long time holds the event loop for a few ms at once. */
const MAX_WINDOW = 8 * FIRST_WINDOW

/** One page, in order of start. @param cursor `next` of the page before */
export async function pageOfLessons(
  lessons: LocalCalendar['lessons'],
  { from, to, student, state }: LessonFilter,
  limit: number,
  cursor?: string,
): Promise<LessonPage> {
  const after = cursor === undefined ? undefined : readCursor(cursor)
  const name = student === undefined ? '' : plain(student)
  const isMeant = (lesson: BookedLesson) =>
    lesson.start >= from &&
    (after === undefined || isAfter(lesson, after)) &&
    (state === undefined || stateOf(lesson) === state) &&
    (name === '' || plain(lesson.student).includes(name))
  const found: BookedLesson[] = []
  let window = FIRST_WINDOW
  for (let at = Math.max(from, after?.start ?? from); at < to; ) {
    const until = Math.min(to, at + window)
    const read = await lessons(at, until, { withCancelled: true })
    // What began earlier was in the window before.
    found.push(...read.filter(lesson => lesson.start >= at && isMeant(lesson)).sort(byStart))
    if (found.length > limit) return { lessons: found.slice(0, limit), next: cursorOf(found[limit - 1] as Place) }
    at = until
    window = Math.min(2 * window, MAX_WINDOW)
    // Incoming requests go first.
    await setImmediate()
  }
  return { lessons: found, next: null }
}

interface Place {
  start: number
  order: string
}

function byStart(one: Place, other: Place): number {
  return one.start - other.start || (one.order < other.order ? -1 : 1)
}

function isAfter(lesson: Place, place: Place): boolean {
  return byStart(lesson, place) > 0 && lesson.order !== place.order
}

function cursorOf({ start, order }: Place): string {
  return `${start}.${order}`
}

function readCursor(cursor: string): Place {
  const [, start, order = ''] = /^(\d{1,15})\.(.+)$/s.exec(cursor) ?? []
  if (start === undefined) throw new BadFilterError('cursor', 'must be that of another page of this list')
  return { start: Number(start), order }
}

/** A week, Monday first. Times are Unix ms, dates are ISO 8601. */
export interface Week {
  start: number
  end: number
  days: { date: string; start: number; end: number }[]
  /** Mondays. */
  previous: string
  next: string
}

/** The week of a date; without one, this week. @throws {BadFilterError} */
export function weekOf(date: string | undefined, now: number, zone: string): Week {
  const day = date === undefined || date === '' ? DateTime.fromMillis(now, { zone }) : dateIn(date, zone)
  const monday = day.startOf('week')
  const dayAt = (index: number) => monday.plus({ days: index })
  const isoDate = (at: DateTime) => at.toISODate() as string
  return {
    start: monday.toMillis(),
    end: dayAt(7).toMillis(),
    days: Array.from({ length: 7 }, (_, index) => ({
      date: isoDate(dayAt(index)),
      start: dayAt(index).toMillis(),
      end: dayAt(index + 1).toMillis(),
    })),
    previous: isoDate(dayAt(-7)),
    next: isoDate(dayAt(7)),
  }
}

function dateIn(date: string, zone: string): DateTime {
  const day = /^\d{4}-\d\d-\d\d$/.test(date) ? DateTime.fromISO(date, { zone }) : undefined
  // Luxon and SQLite agree on these.
  if (day?.isValid && day.year >= 1970 && day.year < 9999) return day
  throw new BadFilterError('week', 'must be a date such as 2026-11-23')
}

/** Lessons and blocked times of a week. */
export async function readWeek(
  { lessons, blocks }: { lessons: LocalCalendar['lessons']; blocks: LocalCalendar['blocks'] | undefined },
  { start, end }: Week,
): Promise<{ lessons: BookedLesson[]; blocks: Block[] }> {
  const [all, blocked] = await Promise.all([lessons(start, end, { withCancelled: true }), blocks?.(start, end) ?? []])
  return { lessons: all.sort(byStart), blocks: blocked }
}

/**
 * A lesson, also a cancelled one, by its id (the order), or by the first characters of it.
 * @throws 404, 409 several fit, or this calendar can't say
 */
export async function findLesson(
  calendar: Partial<Pick<LocalCalendar, 'lessonOf' | 'ordersBeginningWith'>>,
  id: string,
  signal: AbortSignal,
): Promise<BookedLesson> {
  if (calendar.lessonOf === undefined) throw new NotHereError('This calendar can’t say what lesson an order has')
  const exact = await calendar.lessonOf(id, signal)
  if (exact !== null || id === '') return exact ?? unknown(id)
  const orders = (await calendar.ordersBeginningWith?.(id, MAX_CANDIDATES)) ?? []
  const only = oneOf(id, orders) ?? unknown(id)
  return (await calendar.lessonOf(only, signal)) ?? unknown(id)
}

/** Whether a time is held for this order of a student, which awaits its payment and is no lesson yet. */
export async function isReserved(calendar: Pick<Calendar, 'has'>, id: string, signal: AbortSignal): Promise<boolean> {
  return conversationIn(id) !== '' && (await calendar.has(id, signal))
}

/** Orders of students begin with their conversation's id. */
export function conversationIn(order: string): string {
  return /^(\d{1,15})-/.exec(order)?.[1] ?? ''
}

function unknown(id: string): never {
  throw new UnknownLessonError(shown(id))
}

/** The one of these that begin so; undefined: none. @throws 409 several do */
export function oneOf(id: string, fitting: readonly string[]): string | undefined {
  if (fitting.length < 2) return fitting[0]
  throw new AmbiguousError(shown(id), someOf(fitting))
}

export function shown(id: string): string {
  return id.slice(0, 100)
}
