import type { BookedLesson } from '../calendar/contract.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { UNPAID, whyNotUnpaid, withoutPayer } from './lesson-payment.ts'
import type { Changed, LessonToReopen } from './lesson-requests.ts'
import { isMarkedAsPaid, paidBesides, paidSoFar, takeBack } from './paid-by.ts'
import { isRefundTold } from './refund.ts'
import type { Services } from './services.ts'

/** A lesson that the tutor has marked as paid, and that is not paid after all: it is open again. */

type Checked = { refused: string } | { lesson: BookedLesson; mark: string | null }

export async function markAsUnpaid(
  services: Services,
  { order }: LessonToReopen,
  { id }: Delivery<unknown>,
  context: HandlerContext,
): Promise<Changed> {
  const { calendar } = services
  const checked = await context.once(`${id}:lesson`, () => lessonToReopen(services, order, context))
  if ('refused' in checked) return checked
  const { lesson, mark } = checked
  const { start, end, conversation, payment } = lesson
  // Recorded: once it is open, Stripe may be paid for it before an attempt after this one.
  const result = await context.once(`${id}:set`, () =>
    calendar.setPayment?.({ order, from: payment, to: UNPAID }, context.signal),
  )
  if (result !== 'set') return { refused: 'it has been changed meanwhile: look at it again' }
  if (mark !== null) await takeBack(mark, context)
  const was = withoutPayer(payment)
  return {
    done: `not paid after all: ${was} is taken back`,
    news: { what: 'unpaid', lesson: { order, start, end, conversation }, was },
  }
}

async function lessonToReopen({ calendar }: Services, order: string, context: HandlerContext): Promise<Checked> {
  if (calendar.lessonOf === undefined || calendar.setPayment === undefined)
    return { refused: 'this calendar can’t say how a lesson is paid: write it there by hand' }
  const lesson = await calendar.lessonOf(order, context.signal)
  if (lesson === null) return { refused: 'there is no such lesson any more' }
  const why = whyNotUnpaid(lesson)
  if (why !== null) return { refused: why }
  const first = await paidSoFar(order, context)
  // Its entry in the calendar was written by hand.
  if (first !== null && !isMarkedAsPaid(first)) return { refused: `it was paid at Stripe, too (${first})` }
  const besides = first && (await paidBesides(first, context))
  // Open, it would be asked for a second time.
  if (besides !== null && !(await isRefundTold(besides, context)))
    return {
      refused: `Stripe has been paid for it since (${besides}): leave it as paid, or refund that in Stripe first`,
    }
  return { lesson, mark: first }
}
