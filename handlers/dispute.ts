import type Stripe from 'stripe'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { SourceHandlers } from '../sources/payloads.ts'
import { alertPerson } from './attention.ts'
import { tutorReader } from './booking.ts'
import { paymentGivenUp, requireChatwoot } from './given-up.ts'
import { formatAmount, moneyIn } from './money.ts'
import { claimOf } from './ownership.ts'
import { isStatusOf } from './refund.ts'
import { type Reply, replyOnce } from './reply.ts'
import type { Services } from './services.ts'
import { idOf, logNotOurs, objectIdOf, type PaymentEvent, presentedOf, traceLesson } from './stripe-event.ts'
import type { Texts } from './texts/index.ts'
import { formatWhen } from './times.ts'

/** Failed refunds and disputes: a person has to act. */

interface Trouble {
  /** A code; also the new `payment_status`. */
  status: 'refund_failed' | 'disputed' | 'dispute_won' | 'dispute_lost' | 'dispute_closed'
  /** For the tutor. @param what amount and order @param bought `lesson` or `package` */
  note: (what: string, bought: string) => string
  /** For the student, unless it only concerns the tutor and the bank. */
  content?: (texts: Texts, money: string) => string
}

type TroubleEvent = Extract<PaymentEvent, { data: { object: Stripe.Refund | Stripe.Dispute } }>

export function disputeHandlers(services: Services) {
  const handle = <Event extends TroubleEvent>(troubleOf: (object: Event['data']['object']) => Trouble | null) => {
    const handler = (delivery: Delivery<Event>, context: HandlerContext) => {
      const trouble = troubleOf(delivery.payload.data.object)
      if (trouble === null) return context.log.info('refund updated, not failed: nothing to do')
      return reportTrouble(services, trouble, delivery, context)
    }
    return { handle: handler, gaveUp: paymentGivenUp(services) }
  }
  return {
    'refund.failed': handle(refundFailed),
    // Predates `refund.failed`, and is still sent alongside it.
    'charge.refund.updated': handle(refund => (refund.status === 'failed' ? refundFailed(refund) : null)),
    'charge.dispute.created': handle(dispute => disputed(services, dispute)),
    'charge.dispute.closed': handle(closed),
  } satisfies SourceHandlers<'stripe'>
}

function refundFailed({ failure_reason }: Stripe.Refund): Trouble {
  const why = failure_reason || 'unknown'
  return {
    status: 'refund_failed',
    note: what =>
      `A refund failed: ${what}, reason: ${why}. The money is on your Stripe balance again, and the student was told that it is being sorted out: please pay it back another way.`,
    content: (texts, money) => texts.refundFailed(money),
  }
}

function disputed(services: Services, { reason, evidence_details }: Stripe.Dispute): Trouble {
  const due = evidence_details.due_by ?? 0
  const until = due > 0 ? ` by ${formatWhen(due * 1_000, tutorReader(services))}` : ''
  return {
    status: 'disputed',
    note: (what, bought) =>
      `A payment is disputed: ${what}, reason: ${reason || 'unknown'}. Please answer in Stripe${until}; the ${bought} stays as it is.`,
  }
}

function closed({ status }: Stripe.Dispute): Trouble {
  return {
    // A closed inquiry (`warning_closed`) is not a won dispute.
    status: status === 'won' ? 'dispute_won' : status === 'lost' ? 'dispute_lost' : 'dispute_closed',
    note: what => `A dispute is closed: ${what}, outcome: ${status || 'unknown'}.`,
  }
}

async function reportTrouble(
  services: Services,
  trouble: Trouble,
  delivery: Delivery<TroubleEvent>,
  context: HandlerContext,
) {
  const { object } = delivery.payload.data
  const { status, note, content } = trouble
  const id = idOf(object.payment_intent) ?? idOf(object.charge) ?? objectIdOf(delivery)
  const sum = formatAmount(object.amount, object.currency)
  const traced = await traceLesson(object, id, services.stripe, context.signal)
  if (traced === null) {
    if (services.stripe !== null) return logNotOurs(context)
    const why = `${note(sum, 'lesson')} Whose it is can't be told without STRIPE_SECRET_KEY.`
    return alertPerson(services, { id, sum, order: '', student: '', conversation: '' }, status, why, context)
  }
  const client = requireChatwoot(services.chatwoot)
  const claim = await claimOf(services, client, { ...traced, id, sum }, context)
  if (claim === null) return
  const why = note(`${sum}, order ${traced.order}`, traced.package === undefined ? 'lesson' : 'package')
  const payer = await claim.payer()
  const said = payer.conversation === null ? `${payer.why}. ${why}` : why
  if (status !== 'dispute_won' || payer.conversation === null) {
    await alertPerson(services, { ...traced, id, sum }, status, said, context)
  }
  if (payer.conversation === null) return
  const { conversation } = payer
  const key = `${status}:${objectIdOf(delivery)}`
  await replyOnce(services, client, conversation, key, context, (): Reply => {
    return {
      note: why,
      ...(content && {
        content: content(
          services.tutor.texts[conversation.language],
          moneyIn(conversation.language, presentedOf(object) ?? object),
        ),
      }),
      // A package is no lesson of the conversation's.
      ...(traced.package === undefined &&
        isStatusOf(conversation, { ...traced, id }) && { attributes: { payment_status: status } }),
    }
  })
}
