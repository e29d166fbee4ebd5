import type { BookedLesson } from '../calendar/contract.ts'
import type { LessonPackage } from '../calendar/packages.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError, TransientError } from '../inbox/errors.ts'
import { alertPerson } from './attention.ts'
import { endLinkOf, paymentByNow } from './lesson-link.ts'
import { paymentIdOf } from './lesson-payment.ts'
import type { Money } from './money.ts'
import {
  type CancelledBy,
  isFromPackage,
  NOT_IN_LEDGER,
  numberKey,
  owedFor,
  type PaidBack,
  payBack,
  whyCapped,
} from './pay-back.ts'
import type { Services } from './services.ts'
import { resultOf } from './unsold.ts'

/** Cancels a lesson and pays it back. Who tells the student and the tutor is up to the caller. */

/** What cancelling a lesson now would pay back. */
export type RefundOf =
  /** All of this, at once; `underWay`: it has not arrived yet, and is stopped, or paid back when it arrives. */
  | { money: Money; underWay?: true }
  /** A person must decide: what is wrong, and how to fix it. `money`: what is left of the payment, if known. */
  | { person: string; money?: Money }
  /** So many go back into the package from which it was paid, whatever the rule about money is; 0: it is refunded. */
  | { minutes: number }
  /** Nothing was paid, all of it is paid back, or the tutor's rule is that nothing is. */
  | 'nothing'

/**
 * Asks Stripe what cancelling a lesson now would pay back. Changes nothing.
 * @param by a tutor is bound by neither the rule `cancellation.refund` nor the day's most
 * @throws {TransientError} if Stripe does not answer
 */
export async function refundOf(
  services: Services,
  lesson: Pick<BookedLesson, 'order' | 'payment' | 'sequence'>,
  context: HandlerContext,
  by: CancelledBy = 'student',
): Promise<RefundOf> {
  if (isFromPackage(lesson)) {
    const { packages } = services.calendar
    const taken = await packages?.takenFor(lesson.order)
    if (packages === undefined || !taken) return { person: NOT_IN_LEDGER }
    const { refundDue } = (await packages.find(taken.package)) as LessonPackage
    return { minutes: Math.max(0, -taken.minutes - refundDue) }
  }
  const { refund } = services.tutor.cancellation
  if (by === 'student' && refund === 'none') return 'nothing'
  const payment = await paymentByNow(services, lesson, context)
  const owed = await owedFor(services, { order: lesson.order, payment }, context.signal)
  if (owed.kind === 'nothing' || owed.kind === 'made') return 'nothing'
  if (owed.kind === 'person') return { person: owed.why }
  const { money, intent } = owed
  if (by === 'student' && refund === 'ask') {
    return {
      person: `You decide about refunds (cancellation.refund is "ask"): refund ${intent} in Stripe if it is right.`,
      money,
    }
  }
  if (by === 'student' && !(await hasRefundsLeft(services, context)))
    return { person: whyCapped(services, intent), money }
  return { money, ...(owed.kind === 'under way' && { underWay: true }) }
}

/** Whether students may set off another refund today. Of two that ask at once, only one may get it. */
async function hasRefundsLeft(services: Services, context: HandlerContext): Promise<boolean> {
  const { maxRefundsPerDay } = services.tutor.cancellation
  for (let number = 1; number <= maxRefundsPerDay; number++) {
    if ((await resultOf(numberKey(services, services.now(), number), context)) === null) return true
  }
  return false
}

export interface Cancellation {
  /** As the calendar has it: if it has been moved or cancelled since it was read, nothing is done. */
  lesson: BookedLesson
  by: CancelledBy
  /** Pay back what is left of its payment. */
  refund: boolean
}

export interface Cancelled extends PaidBack {
  /**
   * false: the lesson was not there (any more) as given: somebody else has cancelled it (the rest is what came of
   * that), or it was moved. Every attempt of one delivery gets the same.
   */
  cancelled: boolean
}

/** Recorded before anything is done: whoever comes second, or again, goes on with it. */
export interface Decision {
  /** Whose: `context.run`. */
  run: string
  by: CancelledBy
  refund: boolean
  /** Unix ms. */
  at: number
}

/** The lesson is not there as given. */
const CHANGED = new Error('changed')

/**
 * Cancels a lesson in the calendar, ends its payment link, and pays back what is left of its payment, each once,
 * whatever is interrupted where, and whoever else does it at the same time. If nothing can be paid back, the lesson stays
 * cancelled, and the result says why; an alert too.
 * @throws {TransientError} to be tried again: it goes on where it was
 */
export async function cancelLesson(
  services: Services,
  { lesson, by, refund }: Cancellation,
  context: HandlerContext,
): Promise<Cancelled> {
  const { calendar } = services
  const { signal, run } = context
  if (calendar.lessonOf === undefined) {
    throw new PermanentError('the calendar (option calendar) has no lessonOf(): cancel the lesson there by hand')
  }
  let decision: Decision
  try {
    decision = await context.once(decisionKey(lesson.order), async (): Promise<Decision> => {
      const current = await calendar.lessonOf?.(lesson.order, signal)
      if (current?.cancelledAt !== undefined || current?.start !== lesson.start) throw CHANGED
      return { run, by, refund, at: services.now() }
    })
  } catch (error) {
    if (error === CHANGED) return { cancelled: false, refunded: null }
    throw error
  }
  await calendar.cancel(lesson.order, signal)
  const isOver = await endLinkOf(services, lesson, context)
  // Paid by its link at this moment: what is under way is part of its money.
  const payment = isOver ? lesson.payment : await paymentByNow(services, lesson, context)
  const paidBack = await settle(services, { ...lesson, payment }, decision, context)
  return { cancelled: decision.run === run, ...paidBack }
}

/** The decision to cancel an order's lesson; null: there is none. */
export async function cancellationOf(
  { calendar }: Services,
  order: string,
  context: HandlerContext,
): Promise<Decision | null> {
  // Nothing is cancelled here in a calendar without it.
  if (calendar.lessonOf === undefined) return null
  const recorded = await resultOf<Decision>(decisionKey(order), context)
  if (recorded !== null) return recorded.result
  // What was decided is forgotten in time; or it was cancelled because all of it was paid back.
  const at = (await calendar.lessonOf(order, context.signal))?.cancelledAt
  return at === undefined ? null : { run: '', by: 'tutor', refund: false, at }
}

function decisionKey(order: string): string {
  return `cancel:${order}`
}

/**
 * The money of a lesson that is cancelled: the first to ask moves it, and everybody gets what came of it.
 * @param again the payment has arrived since then
 */
export async function settle(
  services: Services,
  lesson: Pick<BookedLesson, 'order' | 'payment' | 'student' | 'conversation'>,
  { by, refund, at }: Decision,
  context: HandlerContext,
  again: '' | ':arrived' = '',
): Promise<PaidBack> {
  if (!refund) return { refunded: null }
  const { order } = lesson
  const paidBack = await context.once(`${decisionKey(order)}:money${again}`, async () => {
    try {
      return await payBack(services, { lesson, by, at }, context)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      const { message, retryAfterMs } = error
      const why = `The lesson of order ${order} is cancelled, but its money is not paid back yet: ${message}`
      throw new TransientError(why, { cause: error, retryAfterMs })
    }
  })
  const { person } = paidBack
  if (person !== undefined)
    await alertPerson(services, problemOf(lesson), 'not_refunded', whyAlert(order, person), context)
  return paidBack
}

function problemOf({ payment, ...lesson }: Pick<BookedLesson, 'order' | 'payment' | 'student' | 'conversation'>) {
  const paid = payment as string
  const [sum = paid] = paid.split(',')
  return { ...lesson, id: paymentIdOf(paid) ?? lesson.order, sum }
}

function whyAlert(order: string, person: string): string {
  return `The lesson of order ${order} is cancelled, but its money is not paid back. ${person}`
}
