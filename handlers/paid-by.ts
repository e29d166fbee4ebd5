import type { HandlerContext } from '../inbox/drain.ts'
import { readLessonPayment } from './lesson-payment.ts'
import type { Services } from './services.ts'
import { resultOf } from './unsold.ts'

/** What pays for an order: one payment, a package, or the tutor's word. Whatever comes second is told as that. */

/**
 * What pays for an order: the package that its lesson was paid from, else the first payment to ask, or the first after a
 * mark that was taken back.
 * @param payment its id, or `markedAsPaid`
 * @returns a payment, or a lesson's `payment` that names a package
 */
export async function paidBy(
  services: Services,
  order: string,
  payment: string,
  context: HandlerContext,
): Promise<string> {
  let key = paidByKey(order)
  for (;;) {
    const first = await context.once(key, async () => (await packageOf(services, order, context)) ?? payment)
    if (first === payment || !isMarkedAsPaid(first)) return first
    // Recorded: what was a second payment stays one, so that its refund never cancels the lesson.
    if (!(await context.once(`${key}:${payment}:is-after`, () => isTakenBack(first, context)))) {
      if (!isMarkedAsPaid(payment)) await context.once(besidesKey(first), () => payment)
      return first
    }
    key = afterKey(order, first)
  }
}

/** Of a lesson that is booked: its `payment`, if a package has paid it; null: none has. */
async function packageOf({ calendar }: Services, order: string, { signal }: HandlerContext): Promise<string | null> {
  const lesson = (await calendar.lessonOf?.(order, signal)) ?? null
  if (lesson === null || lesson.cancelledAt !== undefined) return null
  return readLessonPayment(lesson.payment).kind === 'package' ? lesson.payment : null
}

/** What pays for an order so far; null: nothing that is known. */
export async function paidSoFar(order: string, context: HandlerContext): Promise<string | null> {
  let key = paidByKey(order)
  for (;;) {
    const first = (await resultOf<string>(key, context))?.result ?? null
    if (first === null || !isMarkedAsPaid(first) || !(await isTakenBack(first, context))) return first
    key = afterKey(order, first)
  }
}

/** The payment at Stripe that came (first) while a mark stood; null: none. */
export async function paidBesides(mark: string, context: HandlerContext): Promise<string | null> {
  return (await resultOf<string>(besidesKey(mark), context))?.result ?? null
}

/** The order can be paid again. */
export async function takeBack(mark: string, { once }: HandlerContext): Promise<void> {
  await once(takenBackKey(mark), () => true)
}

async function isTakenBack(mark: string, context: HandlerContext): Promise<boolean> {
  return (await resultOf(takenBackKey(mark), context)) !== null
}

const paidByKey = (order: string) => `order:${order}:paid-by`
const afterKey = (order: string, mark: string) => `${paidByKey(order)}:after:${mark}`
const besidesKey = (mark: string) => `${mark}: paid besides`
const takenBackKey = (mark: string) => `${mark}: taken back`

/** In place of a payment at Stripe: the tutor's word for it. @param delivery the id of what asked for it */
export function markedAsPaid(delivery: string): string {
  return `${MARKED}${delivery}`
}

export function isMarkedAsPaid(first: string): boolean {
  return first.startsWith(MARKED)
}

const MARKED = 'marked as paid, '
