import type { BookedLesson } from '../calendar/contract.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { keyPart } from '../sources/keys.ts'
import { paidAtStripe, UNPAID } from './lesson-payment.ts'
import type { Services } from './services.ts'
import { endSession, isEnded, resultOf } from './unsold.ts'

/**
 * The payment link of a lesson that is booked and not paid. Only the last one can be paid: before another is made it is
 * ended, and when the lesson is cancelled. A lesson that is moved keeps it: it pays for the lesson wherever that is.
 */

export interface Link {
  order: string
  /** The lesson's revision when it was made: it rises when the lesson is moved. */
  sequence: number
  /** Hours before the lesson. */
  hours: number
}

/** The key of the delivery that makes it. */
export function linkKey({ order, sequence, hours }: Link): string {
  return `lesson:${keyPart(order)}:${sequence}:pay:${hours}`
}

/** Where its checkout session is recorded. */
function sessionKey(link: Link): string {
  return `${linkKey(link)}:session`
}

export function recordLink(link: Link, session: string, { once }: HandlerContext): Promise<string> {
  return once(sessionKey(link), () => session)
}

/** Whether it has been recorded, by an earlier attempt. */
export async function isLinkMade(link: Link, context: HandlerContext): Promise<boolean> {
  return (await resultOf(sessionKey(link), context)) !== null
}

type Linked = Pick<BookedLesson, 'order' | 'sequence' | 'payment'>

/** The session of a lesson's last link, of before it was moved too; undefined: none was made. */
export async function linkOf(
  { tutor }: Services,
  { order, sequence: latest }: Pick<Linked, 'order' | 'sequence'>,
  context: HandlerContext,
): Promise<string | undefined> {
  const lastFirst = [...tutor.payment.linkHours].sort((one, other) => one - other)
  for (let sequence = latest; sequence > 0; sequence--) {
    for (const hours of lastFirst) {
      const made = await resultOf<string>(sessionKey({ order, sequence, hours }), context)
      if (made !== null) return made.result
    }
  }
  return undefined
}

/**
 * Ends an unpaid lesson's link, if it has one and there is a key to do it with. Can be repeated.
 * @returns false: it is paid, or its payment is under way
 * @throws {TransientError} Stripe does not answer
 */
export async function endLinkOf(services: Services, lesson: Linked, context: HandlerContext): Promise<boolean> {
  const { stripe } = services
  if (lesson.payment !== UNPAID || stripe === null) return true
  const session = await linkOf(services, lesson, context)
  return session === undefined || endSession(stripe, session, context)
}

/**
 * How a lesson is paid, as Stripe knows it before the calendar does: by a link whose payment is made or under way.
 * @throws {TransientError} Stripe does not answer
 */
export async function paymentByNow(
  services: Services,
  lesson: Linked,
  context: HandlerContext,
): Promise<Linked['payment']> {
  const { stripe } = services
  const { payment } = lesson
  if (payment !== UNPAID || stripe === null) return payment
  const session = await linkOf(services, lesson, context)
  if (session === undefined || (await isEnded(session, context))) return payment
  const { status, amount_total, currency } = await stripe.getSession(session, context.signal)
  if (status !== 'complete') return payment
  return paidAtStripe({ id: session, amount: Number(amount_total), currency: String(currency) })
}
