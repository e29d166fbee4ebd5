import { PermanentError } from '../inbox/errors.ts'
import type { LessonsOf } from './contract.ts'

/** The times that students have each week, until that is ended. Each of their lessons is one of the calendar's own. */

export interface WeeklyTime {
  /** An order's id: the lessons' orders begin with it. */
  id: string
  /** ISO: 1 is Monday. */
  weekday: number
  /** When the lesson begins by the tutor's clock, in minutes since midnight. */
  time: number
  /** How long it lasts, in minutes. */
  minutes: number
  /** When the first lesson begins, Unix ms. */
  first: number
  student: string
  service: string
  /** Chatwoot's display id. */
  conversation: string
  /** Chatwoot's id; absent: not known. */
  contact?: string
}

/** The operations can be repeated. They throw TransientError if a retry can help. */
export interface WeeklyTimes {
  /**
   * `taken`: another one that has not ended has some of its time. Again with its id: no change, even if it has ended.
   * @throws {PermanentError} it is no time of a week
   */
  add(weekly: WeeklyTime): Promise<'added' | 'taken'>
  /** null: there is none, or it has ended. */
  get(id: string): Promise<WeeklyTime | null>
  /** Those that have not ended, in order of the week. */
  of(whose: LessonsOf): Promise<WeeklyTime[]>
  /** The same of everybody. */
  all(): Promise<WeeklyTime[]>
  /** false: there is none, or it has ended before. */
  end(id: string): Promise<boolean>
}

const DAY_MINUTES = 24 * 60
export const WEEK_MINUTES = 7 * DAY_MINUTES

/** From Monday's midnight on, in minutes; the end may lie in the next week. @throws {PermanentError} */
export function inWeek({ weekday, time, minutes }: Pick<WeeklyTime, 'weekday' | 'time' | 'minutes'>) {
  const isTime = [weekday, time, minutes].every(Number.isInteger)
  if (
    !isTime ||
    weekday < 1 ||
    weekday > 7 ||
    time < 0 ||
    time >= DAY_MINUTES ||
    minutes < 1 ||
    minutes > DAY_MINUTES
  ) {
    throw new PermanentError(`There is no weekly time on day ${weekday} at minute ${time} for ${minutes} minutes`)
  }
  const start = (weekday - 1) * DAY_MINUTES + time
  return { start, end: start + minutes }
}
