import type { BookedLesson, Interval, LocalCalendar } from '../calendar/contract.ts'
import type { WeeklyTime } from '../calendar/weekly.ts'
import { dayOf, momentOf, wallAt, weekdayOf } from './wall-clock.ts'

/** When the lessons of a weekly time are: by the tutor's clock, whatever happens to it. */

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const WEEK = 7 * DAY

/** One lesson of a weekly time. */
export interface WeeklyLesson {
  /** Of the lesson: that of the weekly time, and the day. */
  order: string
  /** undefined: clocks go forward then, and skip it. */
  time: Interval | undefined
  /** Unix ms: its start, or where its start would be. */
  at: number
}

/** The weekday and the time of day at which a lesson begins. @param start Unix ms @param zone the tutor's, IANA */
export function weeklyAt(start: number, zone: string): Pick<WeeklyTime, 'weekday' | 'time'> {
  const wall = wallAt(start, zone)
  return { weekday: weekdayOf(wall), time: (wall - dayOf(start, zone)) / MINUTE }
}

/**
 * The lessons of a weekly time that begin from `from` on and before `to`, both Unix ms. Where clocks go back and show a
 * time twice, it is the first.
 * @param zone the tutor's, IANA
 */
export function weeklyLessons(weekly: WeeklyTime, from: number, to: number, zone: string): WeeklyLesson[] {
  const { id, weekday, time, minutes } = weekly
  const earliest = Math.max(from, weekly.first)
  const begin = dayOf(earliest, zone)
  const first = begin + ((weekday - weekdayOf(begin) + 7) % 7) * DAY
  const lessons: WeeklyLesson[] = []
  const dayAfter = dayOf(to, zone) + DAY
  for (let day = first; day < dayAfter; day += WEEK) {
    const wall = day + time * MINUTE
    const start = momentOf(wall, zone)
    // Skipped: an hour later clocks show a time again.
    const at = start ?? (momentOf(wall + 60 * MINUTE, zone) as number)
    const order = `${id}-${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`
    if (at >= earliest && at < to)
      lessons.push({ order, at, time: start === undefined ? undefined : { start, end: start + minutes * MINUTE } })
  }
  return lessons
}

/** Its lessons that are booked and have not ended. @param now Unix ms */
export async function bookedOfWeekly(
  calendar: Pick<LocalCalendar, 'lessonsOf'>,
  { id, conversation }: Pick<WeeklyTime, 'id' | 'conversation'>,
  now: number,
  signal: AbortSignal,
): Promise<BookedLesson[]> {
  const lessons = await calendar.lessonsOf({ conversation }, now, signal)
  return lessons.filter(({ order }) => order.startsWith(`${id}-`))
}
