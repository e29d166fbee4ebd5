import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { alertPerson } from './attention.ts'
import { type Decision, settle } from './cancellation.ts'
import { paidAtStripe } from './lesson-payment.ts'
import { moneyIn } from './money.ts'
import type { Claim } from './ownership.ts'
import { fullyRefunded } from './refund.ts'
import { replyOnce } from './reply.ts'
import type { Services } from './services.ts'
import type { Payment } from './stripe-event.ts'

/** A payment that arrives after its lesson was cancelled: nothing is booked, and it is paid back. */
export async function paidLate(
  services: Services,
  client: ChatwootClient,
  claim: Claim,
  payment: Payment,
  decision: Decision,
  context: HandlerContext,
): Promise<void> {
  const { id, order, sum, student, conversation: of } = payment
  // Held by an event of before, or booked at the same moment.
  await services.calendar.cancel(order, context.signal)
  const lesson = { order, payment: paidAtStripe(payment), student, conversation: of }
  const before = await settle(services, lesson, decision, context)
  if (before.refunded !== null || payment.refunded) {
    context.log.info({ payment: id }, 'its lesson is cancelled and paid back: nothing is booked')
    return
  }
  const mayPayBack = decision.refund && before.person === undefined
  const now = mayPayBack ? await settle(services, lesson, decision, context, ':arrived') : before
  if (now.refunded !== null) return fullyRefunded(services, client, claim, payment, context)
  const why = now.person ?? (decision.refund ? undefined : `It was cancelled without paying back: decide about ${id}.`)
  // Somebody else has paid it back meanwhile, which Stripe reports.
  if (why === undefined) return
  const note = `A payment has arrived after its lesson was cancelled: ${sum}, order ${order}. It is not paid back. ${why}`
  await alertPerson(services, payment, 'paid_after_cancelling', note, context)
  const { conversation } = await claim.payer()
  if (conversation === null) return
  const texts = services.tutor.texts[conversation.language]
  await replyOnce(services, client, conversation, `payment:${id}:late`, context, () => ({
    content: [texts.paid(moneyIn(conversation.language, payment.seen)), texts.handoff].join('\n'),
    note,
    handsOver: true,
  }))
}
