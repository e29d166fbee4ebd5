import { DateTime } from 'luxon'
import { BadFilterError, OCCURRENCES, textOf } from '../filter.ts'
import { localZone, readTime } from '../local-time.ts'
import type { LessonFilter } from './find.ts'
import { LESSON_STATES } from './view.ts'

/** The filters of the lessons' list in the API, on the page and in the command, and their validation. */

/** As JSON Schema, for the API's documentation. */
export const LESSON_FILTER_SCHEMA = {
  from: {
    type: 'string',
    description:
      'Lessons that begin at or after this time (ISO 8601, or a date; in the tutor’s time zone). Default: today',
  },
  to: {
    type: 'string',
    description: 'Lessons that begin before this time; a date: until the end of that day. Default: a year after from',
  },
  student: { type: 'string', description: 'Part of the student’s name' },
  open: {
    type: 'string',
    enum: ['yes'],
    description: 'Lessons that are booked and not paid, by default past ones too',
  },
  state: { type: 'string', enum: LESSON_STATES, description: 'Lessons in this state; held: the payment is under way' },
} as const

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 200
/** How far back what is open is listed by default. */
const OPEN_YEARS = 5
/** The longest time that one list covers. */
const MAX_YEARS = 10

/**
 * Parses a filter from untrusted strings; empty ones are omitted.
 * @param now Unix ms
 * @param zone the IANA time zone of times without an offset
 * @throws {BadFilterError} that names the field
 */
export function readLessonFilter(given: Record<string, unknown>, now: number, zone = localZone()): LessonFilter {
  const [fromText, toText] = [textOf(given, 'from'), textOf(given, 'to')]
  const to = toText === undefined ? undefined : timeOf('to', toText, zone)
  const today = DateTime.fromMillis(now, { zone }).startOf('day').toMillis()
  const isPast = to !== undefined && to <= today
  const open = isOpen(textOf(given, 'open'))
  const usual = open ? yearsFrom(today, -OPEN_YEARS, zone) : isPast ? yearsFrom(to, -1, zone) : today
  const from = fromText === undefined ? usual : timeOf('from', fromText, zone)
  const filter: LessonFilter = { from, to: to ?? yearsFrom(open ? Math.max(from, today) : from, 1, zone) }
  if (filter.to <= from) throw new BadFilterError('to', 'must be after from')
  if (filter.to > yearsFrom(from, MAX_YEARS, zone)) {
    throw new BadFilterError('to', `must not be more than ${MAX_YEARS} years after from`)
  }
  const [student, state] = [textOf(given, 'student'), textOf(given, 'state')]
  if (student !== undefined) filter.student = student
  if (state !== undefined) filter.state = stateIn(state)
  if (open) filter.open = true
  return filter
}

/** Parses limit and cursor. @throws {BadFilterError} that names the field */
export function readLessonPage(given: Record<string, unknown>): { limit: number; cursor: string | undefined } {
  const limit = textOf(given, 'limit') ?? `${DEFAULT_LIMIT}`
  if (!/^\d{1,9}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    throw new BadFilterError('limit', `must be a whole number from 1 to ${MAX_LIMIT}`)
  }
  return { limit: Number(limit), cursor: textOf(given, 'cursor') }
}

/** A date alone includes all of its day. */
function timeOf(field: 'from' | 'to', text: string, zone: string): number {
  const time = readTime(text, zone, OCCURRENCES[field])
  if (time === undefined) throw new BadFilterError(field, 'must be a date, or a time such as 2026-11-23T10:00')
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text.trim())
  return field === 'to' && isDate ? DateTime.fromMillis(time, { zone }).plus({ days: 1 }).toMillis() : time
}

function yearsFrom(at: number, years: number, zone: string): number {
  return DateTime.fromMillis(at, { zone }).plus({ years }).toMillis()
}

function isOpen(value: string | undefined): boolean {
  if (value === undefined || value === 'yes') return value === 'yes'
  throw new BadFilterError('open', 'must be yes')
}

function stateIn(value: string): (typeof LESSON_STATES)[number] {
  const state = LESSON_STATES.find(each => each === value)
  if (state === undefined) throw new BadFilterError('state', `must be one of ${LESSON_STATES.join(', ')}`)
  return state
}
