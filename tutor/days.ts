import { DateTime } from 'luxon'
import type { Interval } from '../calendar/contract.ts'

/** How hours and closed days are written in the tutor's settings. */

/** Minutes of the day; not including `to`. */
export type HourSpan = readonly [from: number, to: number]

export const SPAN_PATTERN = '^\\d{1,2}:\\d\\d ?[-–] ?\\d{1,2}:\\d\\d$'
export const CLOSED_PATTERN = '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d)?(/\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d)?)?$'

/** Parses `09:30-12:00`; a time that there is not is NaN. */
export function parseSpan(text: string): HourSpan {
  const [from, to] = text.split(/[-–]/).map(minutesOf)
  return [from as number, to as number]
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number) as [number, number]
  const all = hours * 60 + minutes
  return minutes < 60 && all <= 24 * 60 ? all : Number.NaN
}

/** Parses `2026-12-25`, `2026-07-01/2026-07-31` or the same with times; a time that there is not is NaN. */
export function parseClosed(text: string, zone: string): Interval {
  const [first, last = first] = text.split('/') as [string, string?]
  const to = DateTime.fromISO(last, { zone })
  const end = last.includes('T') ? to : to.plus({ days: 1 })
  return { start: DateTime.fromISO(first, { zone }).toMillis(), end: end.toMillis() }
}
