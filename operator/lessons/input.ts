import { randomUUID } from 'node:crypto'
import createError from '@fastify/error'
import { DateTime } from 'luxon'
import type { Interval } from '../../calendar/contract.ts'
import { PAID_HOW, UNPAID } from '../../handlers/lesson-payment.ts'
import type { LessonToAdd, LessonToPay } from '../../handlers/lesson-requests.ts'
import { majorUnits, minorUnits } from '../../handlers/money.ts'
import { readTime } from '../local-time.ts'

/** What the page's forms, the API and the commands give, and its validation. Each error begins with the field's name. */

export const BadLessonError = createError<[string, string]>('OPERATOR_BAD_LESSON', '%s %s', 400)

export type Given = Record<string, unknown>

/** When and where it is given. */
export interface GivenAt {
  /** Unix ms. */
  now: number
  /** The IANA time zone of times without an offset. */
  zone: string
}

const MAX_CHARACTERS = 200
/** The longest time that is blocked at once. */
const MAX_YEARS = 2

export const BLOCK_SCHEMA = {
  from: {
    type: 'string',
    description: 'Beginning (ISO 8601; in the tutor’s time zone if there is no offset), or a day: all of it',
  },
  to: { type: 'string', description: 'End, or the last day, which is blocked too. Default: the day that begins it' },
  reason: { type: 'string', description: 'For the tutor' },
} as const

export const ADD_SCHEMA = {
  start: { type: 'string', description: 'When it begins (ISO 8601; in the tutor’s time zone if there is no offset)' },
  minutes: { type: 'integer', description: 'How long it lasts. Default: as the first lesson in the tutor’s settings' },
  student: { type: 'string', description: 'The student’s name. Default: the contact’s, with a conversation' },
  service: { type: 'string', description: 'What is taught' },
  payment: { type: 'string', description: 'How it is paid, for the tutor; `unpaid`: it is listed as open until it is' },
  conversation: { type: 'string', description: 'Chatwoot’s id of the conversation in which the student is told' },
} as const

/** Money that came another way. */
export const PAID_SCHEMA = {
  how: { type: 'string', enum: PAID_HOW, description: 'How it was paid' },
  amount: { type: 'string', description: 'How much, such as 60.00' },
  currency: { type: 'string', description: 'Its currency, such as EUR' },
  name: { type: 'string', description: 'Who has paid, for the books' },
} as const

const SEEN_SCHEMA = {
  seen: {
    type: 'string',
    description:
      '`<start in Unix ms>.<sequence>` as you have seen it: refused if it has changed since. Default: as it is now',
  },
} as const

export const MOVE_SCHEMA = { start: ADD_SCHEMA.start, ...SEEN_SCHEMA } as const

export const CANCEL_SCHEMA = {
  refund: { type: 'boolean', description: 'Whether what is left of its payment is paid back; must be said' },
  ...SEEN_SCHEMA,
} as const

/** How a lesson is paid, if nothing is said: it is no free trial lesson. */
const ARRANGED = 'arranged with the tutor'
const MAX_MINUTES = 24 * 60

/** A lesson to add, without its order. @throws 400 that names the field */
export function readAdd(
  given: Given,
  { now, zone }: GivenAt,
  usual: { minutes: number; service: string },
): Omit<LessonToAdd, 'order'> {
  const start = readStart(given, { now, zone })
  const minutes = textOf({ minutes: numberText(given.minutes) }, 'minutes') || `${usual.minutes}`
  if (!/^\d{1,4}$/.test(minutes) || Number(minutes) < 1 || Number(minutes) > MAX_MINUTES) {
    throw new BadLessonError('minutes', `must be a whole number from 1 to ${MAX_MINUTES}`)
  }
  const conversation = textOf({ conversation: numberText(given.conversation) }, 'conversation')
  if (!/^(\d{1,15})?$/.test(conversation)) {
    throw new BadLessonError('conversation', 'must be a number, as shown in Chatwoot')
  }
  const student = textOf(given, 'student')
  if (student === '' && conversation === '') throw new BadLessonError('student', 'is missing')
  return {
    start,
    end: start + Number(minutes) * 60_000,
    student,
    service: textOf(given, 'service') || usual.service,
    payment: paymentIn(given),
    conversation,
  }
}

function paymentIn(given: Given): string {
  const text = textOf(given, 'payment')
  return text.toLowerCase() === UNPAID ? UNPAID : text || ARRANGED
}

/** What was paid, and by whom. @throws 400 that names the field */
export function readPaid(given: Given): Omit<LessonToPay, 'order' | 'conversation'> {
  const how = PAID_HOW.find(each => each === requiredText(given, 'how'))
  if (how === undefined) throw new BadLessonError('how', `must be one of ${PAID_HOW.join(', ')}`)
  const currency = requiredText(given, 'currency').toUpperCase()
  if (!isCurrency(currency)) throw new BadLessonError('currency', 'must be the code of a currency, such as EUR')
  const amount = minorUnits(requiredText({ amount: numberText(given.amount) }, 'amount'), currency)
  if (amount === undefined || amount === 0) {
    throw new BadLessonError(
      'amount',
      `must be an amount of ${currency} above 0, such as ${majorUnits(6000, currency)}`,
    )
  }
  return { how, amount, currency, payer: textOf(given, 'name') }
}

const CURRENCIES = new Set(Intl.supportedValuesOf('currency'))

/** @param code in capitals */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code)
}

/** When a lesson is to begin. @throws 400 that names the field */
export function readStart(given: Given, { now, zone }: GivenAt): number {
  const text = requiredText(given, 'start')
  if (isDate(text)) throw new BadLessonError('start', 'must be a time such as 2026-11-25T10:00, not a date')
  const start = readMoment('start', text, zone)
  if (start <= now) throw new BadLessonError('start', 'is in the past')
  return start
}

/** As in JSON. */
function numberText(value: unknown): unknown {
  return typeof value === 'number' ? `${value}` : value
}

/** Whether a cancelled lesson is paid back: said, never assumed. @throws 400 */
export function readRefund({ refund }: Given): boolean {
  if (refund === true || refund === 'yes') return true
  if (refund === false || refund === 'no') return false
  throw new BadLessonError('refund', 'must be said: true (yes) or false (no)')
}

/** The state in which a form showed a lesson: `start.sequence`; undefined: not given. @throws 400 */
export function readSeen(given: Given): { start: number; sequence: number } | undefined {
  const seen = textOf(given, 'seen')
  if (seen === '') return undefined
  const [, start, sequence] = /^(\d{1,15})\.(\d{1,9})$/.exec(seen) ?? []
  if (start === undefined) throw new BadLessonError('seen', 'must be as the page gave it')
  return { start: Number(start), sequence: Number(sequence) }
}

export const KEY_SCHEMA = {
  key: { type: 'string', description: 'Your own, the same whenever you repeat the request: it is done once' },
} as const

/** What identifies a request that is repeated; by default it is another one each time. @throws 400 */
export function keyIn(given: Given): string {
  return textOf(given, 'key') || randomUUID()
}

/** A time to block. @throws 400 that names the field */
export function readBlock(given: Given, { now, zone }: GivenAt): Interval & { reason: string } {
  const fromText = requiredText(given, 'from')
  const toText = textOf(given, 'to') || (isDate(fromText) ? fromText : requiredText(given, 'to'))
  const [start, last] = [readMoment('from', fromText, zone), readMoment('to', toText, zone)]
  const end = isDate(toText) ? DateTime.fromMillis(last, { zone }).plus({ days: 1 }).toMillis() : last
  if (end <= start) throw new BadLessonError('to', 'must be after from')
  if (end <= now) throw new BadLessonError('to', 'is in the past')
  if (end > DateTime.fromMillis(start, { zone }).plus({ years: MAX_YEARS }).toMillis()) {
    throw new BadLessonError('to', `must not be more than ${MAX_YEARS} years after from`)
  }
  return { start, end, reason: textOf(given, 'reason') }
}

/** '' if missing. @throws 400 */
export function textOf(given: Given, field: string): string {
  const value = given[field] ?? ''
  if (typeof value !== 'string') throw new BadLessonError(field, 'must be a string')
  const text = value.trim()
  if (text.length > MAX_CHARACTERS)
    throw new BadLessonError(field, `must not be longer than ${MAX_CHARACTERS} characters`)
  return text
}

export function requiredText(given: Given, field: string): string {
  const text = textOf(given, field)
  if (text === '') throw new BadLessonError(field, 'is missing')
  return text
}

/** Unix ms. A date alone means midnight; a time that occurs twice, when clocks go back, means the first. @throws 400 */
export function readMoment(field: string, text: string, zone: string): number {
  const at = readTime(text, zone, 'first')
  if (at === undefined) throw new BadLessonError(field, 'must be a time such as 2026-11-25T10:00, or a date')
  const [date, time] = [text.slice(0, 10), text.slice(11, 16)]
  const hasOffset = /(Z|[+-]\d\d(:?\d\d)?)$/i.test(text.slice(10))
  if (time === '' || time === '24:00' || hasOffset) return at
  if (DateTime.fromMillis(at, { zone }).toFormat('yyyy-MM-dd HH:mm') !== `${date} ${time}`) {
    throw new BadLessonError(field, `is a time that there is not in ${zone}: clocks go forward then`)
  }
  return at
}

export function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text)
}
