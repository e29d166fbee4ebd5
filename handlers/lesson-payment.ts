import { type BookedLesson, PAID_HOW, UNPAID } from '../calendar/contract.ts'
import { formatAmount, type Money, paidSum } from './money.ts'

/** How a lesson is paid, as its `payment` in the calendar says it: read and written here only. */

export { PAID_HOW, UNPAID }
export type PaidHow = (typeof PAID_HOW)[number]

export type LessonPayment =
  /** `null`: such as a trial lesson. */
  | { kind: 'free' }
  /** `unpaid`. */
  | { kind: 'open' }
  /** `60.00 EUR, pi_…`, `60.00 EUR, pi_…, under way`; the id may be a checkout session's. */
  | { kind: 'stripe'; id: string; money?: Money; isUnderWay?: true }
  /** `60.00 EUR, cash, Mrs Jansen`; the payer's name may be empty. */
  | { kind: 'otherwise'; how: PaidHow; money: Money; payer: string }
  /** `package, ORDER`: from the package that was bought by that order. */
  | { kind: 'package'; order: string }
  /** What a tutor has written, or an earlier version. */
  | { kind: 'text'; text: string; money?: Money }

/** One that we know all of. Free is `null`. */
export type PaymentToWrite =
  | Exclude<LessonPayment, { kind: 'free' | 'stripe' | 'text' }>
  | { kind: 'stripe'; id: string; money: Money; isUnderWay?: true }

const OTHERWISE = new RegExp(`^\\d+(?:\\.\\d+)? [A-Z]{3}, (${PAID_HOW.join('|')})(?:, (.*))?$`)
const PACKAGE = /^package, (.+)$/
/** A payment intent's id, or a checkout session's, anywhere in what a tutor may have written. */
const STRIPE_ID = /(?:^|[\s,])((?:pi|cs)_\w+)/

export function readLessonPayment(payment: string | null): LessonPayment {
  if (payment === null) return { kind: 'free' }
  if (payment === UNPAID) return { kind: 'open' }
  const [, order] = PACKAGE.exec(payment) ?? []
  if (order !== undefined) return { kind: 'package', order }
  const money = paidSum(payment)
  const [, how, payer = ''] = OTHERWISE.exec(payment) ?? []
  if (money !== undefined && how !== undefined) return { kind: 'otherwise', how: how as PaidHow, money, payer }
  const sum = money !== undefined && { money }
  const [, id] = STRIPE_ID.exec(payment) ?? []
  if (id === undefined) return { kind: 'text', text: payment, ...sum }
  return { kind: 'stripe', id, ...sum, ...(payment.endsWith(UNDER_WAY) && { isUnderWay: true }) }
}

const UNDER_WAY = ', under way'

/** As the calendar keeps it. */
export function writeLessonPayment(payment: PaymentToWrite): string {
  switch (payment.kind) {
    case 'open':
      return UNPAID
    case 'package':
      return `package, ${payment.order}`
    case 'stripe':
      return `${sumOf(payment)}, ${payment.id}${payment.isUnderWay === true ? UNDER_WAY : ''}`
    case 'otherwise':
      return [sumOf(payment), payment.how, ...(payment.payer === '' ? [] : [oneLine(payment.payer)])].join(', ')
  }
}

/** As the calendar keeps a payment at Stripe. */
export function paidAtStripe(
  { id, amount, currency }: Money & { id: string },
  underWay: { isUnderWay?: true } = {},
): string {
  return writeLessonPayment({ kind: 'stripe', id, money: { amount, currency }, ...underWay })
}

function sumOf({ money }: { money: Money }): string {
  return formatAmount(money.amount, money.currency)
}

/** A name as it can be read back. */
function oneLine(name: string): string {
  return name.replaceAll(/\p{Cc}+/gu, ' ').trim()
}

/** Why a lesson can't be marked as paid; null: it can. One that has begun can: it may be paid there. */
export function whyNotPayable({ payment, isHeld, cancelledAt }: BookedLesson): string | null {
  if (cancelledAt !== undefined) return 'it is cancelled'
  if (isHeld) return 'its payment at Stripe is under way: look at it again once that is decided'
  const read = readLessonPayment(payment)
  if (read.kind === 'free') return 'it is free: nothing is to be paid'
  // What a tutor has written may be about how it will be paid.
  if (read.kind === 'open' || read.kind === 'text') return null
  return `it is paid already (${withoutPayer(payment)})`
}

/** Without a name, where nobody is forgotten. */
export function withoutPayer(payment: string | null): string {
  const read = readLessonPayment(payment)
  return read.kind === 'otherwise' ? writeLessonPayment({ ...read, payer: '' }) : `${payment}`
}

/** Why it can't be said that a lesson is not paid after all, and what to do instead; null: it can. */
export function whyNotUnpaid({ payment, cancelledAt }: BookedLesson): string | null {
  if (cancelledAt !== undefined) return 'it is cancelled'
  const read = readLessonPayment(payment)
  switch (read.kind) {
    case 'otherwise':
      return null
    case 'open':
      return 'it is not paid anyway'
    case 'free':
      return 'it is free: nothing is to be paid'
    case 'stripe':
      return `Stripe is paid for it (${payment}): cancel it with the money back, or refund it in Stripe`
    case 'package':
      return `it is paid from the package of order ${read.order}: cancel it with the money back, and its minutes are back there`
    case 'text':
      return 'it was not marked as paid here: what its payment says was written by hand'
  }
}

/** A payment intent's id, or a checkout session's; undefined: it was not paid at Stripe. */
export function paymentIdOf(payment: string): string | undefined {
  const read = readLessonPayment(payment)
  return read.kind === 'stripe' ? read.id : undefined
}
