import { setImmediate } from 'node:timers/promises'
import { DateTime } from 'luxon'
import type { BookedLesson } from '../../calendar/contract.ts'
import { readLessonPayment } from '../../handlers/lesson-payment.ts'
import { type Money, majorUnits } from '../../handlers/money.ts'
import { BadFilterError } from '../filter.ts'
import { type LessonDesk, listOf } from './desk.ts'
import { stateOf } from './view.ts'

/** The lessons of a month and how they are paid, for the tutor's books. */

export interface Month {
  /** `2026-11` */
  name: string
  /** Its beginning and end in the tutor's zone, Unix ms. */
  start: number
  end: number
}

/** A month; without one, this month. @throws {BadFilterError} */
export function monthOf(given: string | undefined, now: number, zone: string): Month {
  const text = given || DateTime.fromMillis(now, { zone }).toFormat('yyyy-MM')
  const first = /^\d{4}-\d\d$/.test(text) ? DateTime.fromISO(`${text}-01`, { zone }) : undefined
  // Luxon and SQLite agree on these.
  if (!first?.isValid || first.year < 1970 || first.year >= 9999) {
    throw new BadFilterError('month', 'must be a month such as 2026-11')
  }
  return { name: text, start: first.toMillis(), end: first.plus({ months: 1 }).toMillis() }
}

/** Rows that are made in one turn of the event loop. */
const PART_SIZE = 100

const COLUMNS = [
  'date',
  'time',
  'minutes',
  'student',
  'state',
  'paid',
  'amount',
  'currency',
  'reference',
  'order',
  'conversation',
]

/**
 * Rows of CSV (RFC 4180) without their line ends, the heading first: the lessons that begin in the month, cancelled ones
 * too, in order, in the tutor's zone. Incoming requests go first after every few of them.
 * @throws 409 this calendar can't list its lessons
 */
export function booksOf(desk: Pick<LessonDesk, 'calendar' | 'zone'>, { start, end }: Month): AsyncIterable<string> {
  const lessons = listOf(desk)
  // `2026-11-25 10:00`: Luxon takes ten times as long.
  const localTime = new Intl.DateTimeFormat('sv-SE', { timeZone: desk.zone, dateStyle: 'short', timeStyle: 'short' })
  async function* rows(): AsyncGenerator<string> {
    yield rowOf(COLUMNS)
    const read = await lessons(start, end, { withCancelled: true })
    // What began before is in the month before.
    const ofMonth = read.filter(lesson => lesson.start >= start).sort((one, other) => one.start - other.start)
    for (const [index, lesson] of ofMonth.entries()) {
      if (index % PART_SIZE === 0) await setImmediate()
      yield rowOf(fieldsOf(lesson, localTime.format(lesson.start)))
    }
  }
  return rows()
}

/** @param localTime when it begins, such as `2026-11-25 10:00` */
function fieldsOf(lesson: BookedLesson, localTime: string): string[] {
  const { order, start, end, student, payment, conversation } = lesson
  const { paid, money, reference } = paidIn(payment)
  return [
    localTime.slice(0, 10),
    localTime.slice(11),
    `${(end - start) / 60_000}`,
    student,
    stateOf(lesson),
    paid,
    money === undefined ? '' : majorUnits(money.amount, money.currency),
    money?.currency ?? '',
    reference,
    order,
    conversation,
  ]
}

/** @returns the reference: Stripe's id, the package's order, who has paid, or what the tutor has written */
function paidIn(payment: string | null): { paid: string; money?: Money | undefined; reference: string } {
  const read = readLessonPayment(payment)
  switch (read.kind) {
    case 'free':
      return { paid: 'free', reference: '' }
    case 'open':
      return { paid: 'open', reference: '' }
    case 'stripe':
      return { paid: read.isUnderWay ? 'Stripe, under way' : 'Stripe', money: read.money, reference: read.id }
    case 'otherwise':
      return { paid: read.how, money: read.money, reference: read.payer }
    case 'package':
      return { paid: 'package', reference: read.order }
    case 'text':
      return { paid: 'other', money: read.money, reference: read.text }
  }
}

function rowOf(fields: readonly string[]): string {
  return fields.map(fieldOf).join(',')
}

/**
 * Spreadsheets run a cell that begins so as a formula, quoted or not; an apostrophe makes it a text:
 * https://owasp.org/www-community/attacks/CSV_Injection. Where they separate cells by semicolons, as Excel does in Dutch
 * and German, a cell also begins behind each semicolon of a field.
 */
const FORMULA = /(^|;)([\s"]*[=+\-@＝＋－＠])/g

function fieldOf(text: string): string {
  // A name has one line; and it must not control a terminal.
  const line = text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
  const safe = line.replace(FORMULA, "$1'$2")
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
