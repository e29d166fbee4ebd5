import type { KeepResult } from '../calendar/contract.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { alertPerson } from './attention.ts'
import { readerOf, tutorReader } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { paidAtStripe, UNPAID } from './lesson-payment.ts'
import { claimOf, lessonToBook, type Payer } from './ownership.ts'
import { type Reply, replyOnce } from './reply.ts'
import type { Services } from './services.ts'
import type { Payment } from './stripe-event.ts'
import { formatWhen } from './times.ts'

/**
 * Payments by a delayed method, such as bank debit, transfer or voucher, take days: the lesson's time is held until it
 * begins or another event decides; student and tutor are told.
 */

/** `none`: the payment names no future time, or its lesson is booked. */
type Kept = KeepResult | 'none'

/** For the tutor. */
const NOTES: Record<KeepResult, (when: string) => string> = {
  kept: when => ` The lesson of ${when} is held until it begins.`,
  taken: when => ` The time of its lesson, ${when}, is not free any more.`,
  another: when =>
    ` The time of its lesson, ${when}, is not reserved until the money is in: another payment of this conversation is under way, which has its own time.`,
}

export async function paymentUnderWay(
  services: Services,
  client: ChatwootClient,
  payment: Payment,
  context: HandlerContext,
): Promise<void> {
  const { id, time } = payment
  context.log.info({ payment: id }, 'not paid yet (delayed payment method): waiting for a further event')
  if (!payment.underWay) return
  const claim = await claimOf(services, client, payment, context)
  if (claim === null) return
  // With a key the payment is current; without one, its outcome may have been handled already.
  if (services.stripe === null && isDecided(await claim.payer(), payment)) return
  // The lesson may have been cancelled since an earlier attempt.
  const lesson = await services.calendar.lessonOf?.(payment.order, context.signal)
  if (lesson?.cancelledAt !== undefined) return
  // Where it is by now, whether it is paid or not.
  const isBooked = lesson?.payment === UNPAID
  let kept: Kept = 'none'
  if (!isBooked && time !== null && time.start > services.now()) {
    const toKeep = lessonToBook(services, claim, payment, time, paidAtStripe(payment, { isUnderWay: true }))
    kept = await services.calendar.keep(toKeep, context.signal)
  }
  const payer = await claim.payer()
  if (payer.conversation === null) {
    const why = `${payer.why}. ${noteOf(services, payment, kept)}`
    return alertPerson(services, payment, `under_way_${payer.problem}`, why, context)
  }
  const { conversation } = payer
  await replyOnce(services, client, conversation, `payment:${id}:under-way`, context, () =>
    underWay(services, conversation, payment, kept),
  )
}

function isDecided({ conversation }: Payer, { id }: Payment): boolean {
  return conversation?.attributes.payment_intent_id === id
}

/** For the tutor. */
function noteOf(services: Services, { order, time, sum }: Payment, kept: Kept): string {
  const note = `A payment is under way: ${sum}, order ${order}. Its method takes longer: a bank debit or transfer, or a voucher.`
  return time === null || kept === 'none' ? note : note + NOTES[kept](formatWhen(time.start, tutorReader(services)))
}

function underWay(services: Services, conversation: Conversation, payment: Payment, kept: Kept): Reply {
  const { time } = payment
  const texts = services.tutor.texts[conversation.language]
  const note = noteOf(services, payment, kept)
  if (time === null || kept === 'none') return { content: texts.paymentUnderWay, note }
  const told = (kept === 'kept' ? texts.timeKept : texts.timeNotKept)(
    formatWhen(time.start, readerOf(conversation, services)),
  )
  return { content: [texts.paymentUnderWay, told].join('\n'), note }
}
