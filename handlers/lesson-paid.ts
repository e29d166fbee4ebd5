import type { Lesson } from '../calendar/contract.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { asText } from '../sources/json.ts'
import { tutorReader, unpaidOrderOf } from './booking.ts'
import { type Conversation, fetchIfThere } from './conversation.ts'
import { kindOf } from './lesson-kind.ts'
import { linkOf } from './lesson-link.ts'
import { lessonIn } from './lesson-of.ts'
import { whyNotPayable, writeLessonPayment } from './lesson-payment.ts'
import type { Changed, LessonToPay } from './lesson-requests.ts'
import { markedAsPaid, paidBy } from './paid-by.ts'
import type { Services } from './services.ts'
import { formatWhen, parseTime } from './times.ts'
import { endSession } from './unsold.ts'

/**
 * A lesson that is paid otherwise than at Stripe, as the tutor says: one that is booked, or one that is reserved and
 * awaits its payment, which is booked then. Each step can be repeated.
 */

/** How long a reserved time is held at least, while it is booked, ms. */
const HOLD_MS = 10 * 60_000
const NO_MARGIN = { before: 0, after: 0 }
const BEING_PAID = 'it is just being paid at Stripe: nothing has been changed, and Stripe tells what comes of it'
const CHANGED = 'it has been paid or cancelled meanwhile: look at it again'
const UNKNOWN = 'there is no such lesson, and no time is reserved for it (any more)'

/** A lesson that can be marked as paid. */
interface Payable {
  lesson: Lesson
  /** It is not booked yet. */
  isReserved?: true
  /** The checkout session that could still pay it. */
  session?: string
}

type Checked = { refused: string } | Payable

export async function markAsPaid(
  services: Services,
  wanted: LessonToPay,
  { id }: Delivery<unknown>,
  context: HandlerContext,
): Promise<Changed> {
  const checked = await context.once(`${id}:lesson`, () => lessonToPay(services, wanted, context))
  if ('refused' in checked) return checked
  const { lesson, isReserved, session } = checked
  if (session !== undefined && !(await endOf(services, session, context))) return { refused: BEING_PAID }
  const { order, start, end, conversation } = lesson
  const first = await paidBy(services, order, markedAsPaid(id), context)
  if (first !== markedAsPaid(id)) return { refused: `it has been paid already (${first})` }
  const { how, amount, currency, payer } = wanted
  const paid = { kind: 'otherwise', how, money: { amount, currency }, payer } as const
  const payment = writeLessonPayment(paid)
  const why = await (isReserved ? bookPaid : setPaid)(services, lesson, payment, context)
  if (why !== null) return { refused: why }
  const when = formatWhen(start, tutorReader(services))
  return {
    done: `paid: ${writeLessonPayment({ ...paid, payer: '' })}${isReserved ? `; booked on ${when}` : ''}`,
    news: {
      what: 'paid',
      lesson: { order, start, end, conversation },
      paid: { amount, currency, how, isBooked: isReserved === true },
    },
  }
}

/** @returns whether it can't be paid any more */
async function endOf({ stripe }: Services, session: string, context: HandlerContext): Promise<boolean> {
  // Checked: it is there.
  return stripe !== null && endSession(stripe, session, context)
}

type Step = (services: Services, lesson: Lesson, payment: string, context: HandlerContext) => Promise<string | null>

/** Why not; null: it is done. */
const bookPaid: Step = async ({ calendar }, lesson, payment, { signal }) => {
  const result = await calendar.book({ ...lesson, payment }, signal)
  return result === 'booked' ? null : 'its time is not free any more'
}

const setPaid: Step = async ({ calendar }, { order, payment: from }, to, { signal }) => {
  const result = await calendar.setPayment?.({ order, from, to }, signal)
  return result === 'set' ? null : CHANGED
}

async function lessonToPay(services: Services, wanted: LessonToPay, context: HandlerContext): Promise<Checked> {
  const { calendar, chatwoot, stripe } = services
  const { order } = wanted
  if (calendar.lessonOf === undefined || calendar.setPayment === undefined)
    return { refused: 'this calendar can’t say how a lesson is paid: write it there by hand' }
  const booked = await calendar.lessonOf(order, context.signal)
  const why = booked && whyNotPayable(booked)
  if (why !== null) return { refused: why }
  const id = booked?.conversation ?? wanted.conversation
  const conversation = chatwoot && id !== '' ? await fetchIfThere(chatwoot, id, context.signal, services) : null
  const found = booked === null ? await reservedIn(services, conversation, order, context) : { lesson: booked }
  if ('refused' in found) return found
  const session = (booked && (await linkOf(services, booked, context))) ?? sessionOf(conversation, order)
  if (session === undefined) return found
  if (stripe === null)
    return { refused: `STRIPE_SECRET_KEY is not set: end its payment link (${session}) in Stripe first` }
  return { ...found, session }
}

/** The session that could pay a reserved order. */
function sessionOf(conversation: Conversation | null, order: string): string | undefined {
  return conversation?.attributes.order_id === order ? asText(conversation.attributes.checkout_session) : undefined
}

/** The lesson for which a conversation has been sent a payment link; its time is held from now on. */
async function reservedIn(
  services: Services,
  conversation: Conversation | null,
  order: string,
  { signal }: HandlerContext,
): Promise<Checked> {
  const { calendar, now } = services
  if (conversation === null || unpaidOrderOf(conversation, []) !== order) return { refused: UNKNOWN }
  const start = Number(parseTime(conversation.attributes.lesson_start))
  if (!(start > now())) return { refused: 'its time has passed' }
  const time = { start, end: start + kindOf(conversation, services).minutes * 60_000 }
  const lesson = lessonIn({ services, conversation }, order, time, null)
  const held = await calendar.hold({ order, ...time, until: now() + HOLD_MS, margin: NO_MARGIN }, signal)
  return held ? { lesson, isReserved: true } : { refused: 'its time is not free any more' }
}
