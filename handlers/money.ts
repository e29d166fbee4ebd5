import type Stripe from 'stripe'
import type { Price } from '../tutor/tutor.ts'
import { LANGUAGES, type LanguageCode } from './texts/index.ts'

/**
 * Currencies whose Stripe amounts are not in hundredths: https://docs.stripe.com/currencies#minor-units (ISK and UGX
 * have no minor unit, but Stripe counts them in hundredths).
 */
const NO_DECIMALS = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '))
const THREE_DECIMALS = new Set('BHD JOD KWD OMR TND'.split(' '))

/** An amount in a currency's minor unit, as a plain decimal: 6000 EUR is `60.00`, 6000 JPY `6000`. */
export function majorUnits(minor: number, currency: string): string {
  const digits = digitsOf(currency.toUpperCase())
  return (minor / 10 ** digits).toFixed(digits)
}

/** The other way round; also with a decimal comma. undefined: it is no such amount. */
export function minorUnits(major: string, currency: string): number | undefined {
  const digits = digitsOf(currency.toUpperCase())
  const [, whole = '', fraction = ''] = /^(\d{1,9})(?:[.,](\d{1,3}))?$/.exec(major) ?? []
  if (whole === '' || fraction.length > digits) return undefined
  return Number(`${whole}${fraction.padEnd(digits, '0')}`)
}

function digitsOf(code: string): number {
  if (NO_DECIMALS.has(code)) return 0
  return THREE_DECIMALS.has(code) ? 3 : 2
}

/** A sum of money. */
export interface Money {
  /** In the currency's minor unit. */
  amount: number
  currency: string
}

/** A sum as a student's language writes it: `€ 60,00`, `€60.00`, `60,00 €`. */
export function moneyIn(language: LanguageCode, { amount, currency }: Money): string {
  const code = currency.toUpperCase()
  const digits = digitsOf(code)
  const parts = { style: 'currency', currency: code, currencyDisplay: 'narrowSymbol' } as const
  const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  const format = new Intl.NumberFormat(LANGUAGES[language].locale, { ...parts, ...fixed })
  // Students copy it, and search for it: a plain space.
  return format.format(amount / 10 ** digits).replaceAll(/[\u00a0\u202f]/g, ' ')
}

/** An amount in a currency's minor unit, with its code: `60.00 EUR`. */
export function formatAmount(minor: number, currency: string): string {
  return `${majorUnits(minor, currency)} ${currency.toUpperCase()}`
}

/** The sum at the beginning of a lesson's `payment`, as `formatAmount` writes it; undefined: none is there. */
export function paidSum(payment: string): Money | undefined {
  const [, sum = '', code = ''] = /^(\d+(?:\.\d+)?) ([A-Z]{3})\b/.exec(payment) ?? []
  return sum === '' ? undefined : { amount: Math.round(Number(sum) * 10 ** digitsOf(code)), currency: code }
}

/** A sellable price's sum. */
export function moneyOf({ unit_amount, currency }: Stripe.Price): Money {
  return { amount: Number(unit_amount), currency }
}

/** Why a lesson can't be sold at a Stripe price; null if it can. @param expected what the tutor's settings say of it */
export function whyUnsellable(
  { id, active, type, unit_amount, currency }: Stripe.Price,
  { from, money }: Pick<Price, 'from' | 'money'>,
): string | null {
  if (!active) return `${id} is not active: activate it, or set another price`
  if (type !== 'one_time') return `${id} is a subscription price: set a one-time price`
  // Tiered, chosen by the customer, or in fractions of a cent.
  if (unit_amount === null) return `${id} has no unit_amount: set a price with a fixed amount`
  const [sum, expected] = [formatAmount(unit_amount, currency), money && formatAmount(money.amount, money.currency)]
  if (expected === undefined || sum === expected) return null
  return `${id} is ${sum} at Stripe, but ${expected} in ${from}: correct one of them`
}
