import type { LocalCalendar } from '../../calendar/contract.ts'
import { formatAmount } from '../../handlers/money.ts'
import { type LessonDesk, listOf } from './desk.ts'
import { type LessonFilter, NotHereError } from './find.ts'

/** Lessons that are booked and not paid. */

/** The most that are read: more than a tutor can have forgotten. */
const MAX_OPEN = 1_000

/** What is open. */
export interface OpenSummary {
  count: number
  /** There are more than are counted. */
  isMore: boolean
  /** What they cost, such as `120.00 EUR`, by currency. */
  sums: string[]
  /** How many of them have no price in the settings, or not one price for everybody. */
  unpriced: number
}

/** null: this calendar can't tell. */
export async function openSummary({
  calendar,
  prices,
}: Pick<LessonDesk, 'calendar' | 'prices'>): Promise<OpenSummary | null> {
  const lessons = await calendar.unpaid?.(MAX_OPEN + 1)
  if (lessons === undefined) return null
  const counted = lessons.slice(0, MAX_OPEN)
  const sums = new Map<string, number>()
  let unpriced = 0
  for (const { start, end } of counted) {
    const price = prices.get((end - start) / 60_000)
    if (price === undefined) unpriced++
    else sums.set(price.currency, (sums.get(price.currency) ?? 0) + price.amount)
  }
  return {
    count: counted.length,
    isMore: lessons.length > MAX_OPEN,
    sums: [...sums].map(([currency, amount]) => formatAmount(amount, currency)),
    unpriced,
  }
}

/** `3 open: 120.00 EUR, and 1 whose price is not known` */
export function openWords({ count, isMore, sums, unpriced }: OpenSummary): string {
  const unknown = unpriced === 0 ? '' : `${unpriced} whose price is not known`
  const all = [sums.join(' + '), unknown].filter(part => part !== '').join(', and ')
  return `${count}${isMore ? ' or more' : ''} open${all === '' ? '' : `: ${all}`}`
}

/** Reads what a list is made of: all lessons, or those that are open. @throws 409 this calendar can't */
export async function readerFor(
  desk: Pick<LessonDesk, 'calendar'>,
  { open }: LessonFilter,
): Promise<LocalCalendar['lessons']> {
  if (!open) return listOf(desk)
  if (desk.calendar.unpaid === undefined) throw new NotHereError('This calendar can’t list what is open')
  const unpaid = await desk.calendar.unpaid(MAX_OPEN)
  return async (from, to) => unpaid.filter(({ start, end }) => start < to && end > from)
}
