import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { needsPerson } from './attention.ts'
import { tutorReader } from './booking.ts'
import { needed, paymentGivenUp } from './given-up.ts'
import { formatAmount } from './money.ts'
import { claimOf } from './ownership.ts'
import { asId, asObject, asText, type Json } from './payload.ts'
import { isStatusOf } from './refund.ts'
import { type Reply, replyOnce } from './reply.ts'
import type { Services } from './services.ts'
import { objectIdOf, objectOf, sayNotOurs, traceLesson } from './stripe-event.ts'
import { TEXTS, type Texts } from './texts/index.ts'
import { sayWhen } from './times.ts'

/** Money that comes back to the tutor after a refund, or is claimed back from the tutor: a person has to act. */

interface Trouble {
  /** A code, and what `payment_status` becomes. */
  status: 'refund_failed' | 'disputed' | 'dispute_won' | 'dispute_lost' | 'dispute_closed'
  /** For the tutor, before and after the amount and the order. */
  note: (what: string) => string
  /** For the student; none: it is between the tutor and the bank. */
  content?: (texts: Texts, sum: string) => string
}

export function disputeHandlers(services: Services): Record<string, HandlerPair> {
  const handle = (troubleOf: (object: Json) => Trouble | null) => {
    const handler = (delivery: Delivery, context: HandlerContext) => {
      const trouble = troubleOf(objectOf(delivery))
      if (trouble === null) return context.log.info('a refund that goes its way')
      return tellOf(services, trouble, delivery, context)
    }
    return { handle: handler, gaveUp: paymentGivenUp(services) }
  }
  return {
    'refund.failed': handle(refundFailed),
    // What came before `refund.failed`, and comes beside it.
    'charge.refund.updated': handle(refund => (refund.status === 'failed' ? refundFailed(refund) : null)),
    'charge.dispute.created': handle(dispute => disputed(services, dispute)),
    'charge.dispute.closed': handle(closed),
  }
}

function refundFailed({ failure_reason }: Json): Trouble {
  const why = asText(failure_reason) ?? 'unknown'
  return {
    status: 'refund_failed',
    note: what =>
      `A refund failed: ${what}, reason: ${why}. The money is on your Stripe balance again, and the student reads that it is being sorted out: please pay it back another way.`,
    content: (texts, sum) => texts.refundFailed(sum),
  }
}

function disputed(services: Services, { reason, evidence_details }: Json): Trouble {
  const due = Number(asObject(evidence_details).due_by)
  const until = due > 0 ? ` by ${sayWhen(due * 1_000, tutorReader(services))}` : ''
  return {
    status: 'disputed',
    note: what =>
      `A payment is disputed: ${what}, reason: ${asText(reason) ?? 'unknown'}. Please answer in Stripe${until}; the lesson stays as it is.`,
  }
}

function closed({ status }: Json): Trouble {
  return {
    // An inquiry that came to nothing (`warning_closed`) was not won.
    status: status === 'won' ? 'dispute_won' : status === 'lost' ? 'dispute_lost' : 'dispute_closed',
    note: what => `A dispute is closed: ${what}, outcome: ${asText(status) ?? 'unknown'}.`,
  }
}

async function tellOf(services: Services, trouble: Trouble, delivery: Delivery, context: HandlerContext) {
  const object = objectOf(delivery)
  const { status, note, content } = trouble
  const id = asId(object.payment_intent) ?? asId(object.charge) ?? objectIdOf(delivery)
  const sum = formatAmount(Number(object.amount), String(object.currency))
  const traced = await traceLesson(object, id, services.stripe, context.signal)
  if (traced === null) {
    if (services.stripe !== null) return sayNotOurs(context)
    const why = `${note(sum)} Whose it is can't be told without STRIPE_SECRET_KEY.`
    return needsPerson(services, { id, sum, order: '', student: '', conversation: '' }, status, why, context)
  }
  const client = needed(services.chatwoot)
  const claim = await claimOf(services, client, { ...traced, id, sum }, context)
  if (claim === null) return
  const why = note(`${sum}, order ${traced.order}`)
  const payer = await claim.payer()
  const said = payer.conversation === null ? `${payer.why}. ${why}` : why
  if (status !== 'dispute_won' || payer.conversation === null) {
    await needsPerson(services, { ...traced, id, sum }, status, said, context)
  }
  if (payer.conversation === null) return
  const { conversation } = payer
  const key = `${status}:${objectIdOf(delivery)}`
  await replyOnce(services, client, conversation, key, context, (): Reply => {
    return {
      note: why,
      ...(content && { content: content(TEXTS[conversation.language], sum) }),
      ...(isStatusOf(conversation, { ...traced, id }) && { attributes: { payment_status: status } }),
    }
  })
}
