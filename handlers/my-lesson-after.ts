import type { BookedLesson } from '../calendar/contract.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import { NO_ORDER } from './booking.ts'
import { fetchConversation } from './conversation.ts'
import { paymentIdOf, UNPAID } from './lesson-payment.ts'
import { majorUnits, paidSum } from './money.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { isoTime } from './times.ts'
import type { Turn } from './turn.ts'

/** What a conversation says of its lesson once that is moved or cancelled. */

type Changed = Pick<Reply, 'attributes' | 'labels' | 'contact'>

/** It says the next lesson that was booked in it, if there is one. @param left its other lessons @param isRefunded the payment */
export function afterCancelling(
  services: Services,
  lesson: BookedLesson,
  left: readonly BookedLesson[],
  isRefunded: boolean,
): Changed {
  const next = left.find(({ isHeld }) => !isHeld)
  const isTrial = lesson.payment === null
  const paid = lesson.isHeld ? null : statusOf(lesson.payment)
  return {
    attributes: {
      ...NO_ORDER,
      pending_intent: 'menu',
      lesson_type: null,
      lesson_minutes: null,
      payment_status: isRefunded ? 'refunded' : paid === 'open' ? null : paid,
      ...(isTrial && { trial_booked: null }),
      ...(next && attributesOf(services, next)),
    },
    labels: {
      remove: [
        'status:awaiting_pay',
        ...(next === undefined ? ['status:booked'] : []),
        ...(isRefunded && next === undefined ? ['payment:paid'] : []),
      ],
    },
    ...(next === undefined && { contact: { lesson_booked: false } }),
  }
}

function attributesOf({ zone }: Services, { order, start, payment }: BookedLesson): Reply['attributes'] {
  const sum = payment === null ? undefined : paidSum(payment)
  return {
    order_id: order,
    lesson_start: isoTime(start, zone),
    payment_status: statusOf(payment),
    payment_intent_id: payment === null ? null : (paymentIdOf(payment) ?? null),
    ...(sum && { payment_amount: majorUnits(sum.amount, sum.currency), payment_currency: sum.currency }),
  }
}

/** `open`: booked, and not paid yet. */
function statusOf(payment: string | null): 'paid' | 'open' | null {
  if (payment === null) return null
  return payment === UNPAID ? 'open' : 'paid'
}

/** Changes the conversation in which a lesson was booked, if it is another one and still about it. It may be gone. */
export async function tellBookedIn(
  { services, conversation, signal, log }: Turn,
  { order, conversation: id }: BookedLesson,
  { attributes, labels }: Changed,
): Promise<void> {
  const { chatwoot } = services
  if (chatwoot === null || id === conversation.id || id === '') return
  try {
    const other = await fetchConversation(chatwoot, id, signal, services)
    if (other.attributes.order_id !== order) return
    // Labels first: without the order an attempt after this one would not come so far.
    if (labels) await chatwoot.changeLabels(id, labels, signal, other.read)
    if (attributes) await chatwoot.mergeAttributes(id, attributes, signal, other.read)
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError)) throw error
    log.info({ err: error, conversation: id }, 'the conversation in which the lesson was booked is not updated')
  }
}
