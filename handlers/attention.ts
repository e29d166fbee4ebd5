import type { HandlerContext } from '../inbox/drain.ts'
import type { Services } from './services.ts'
import type { PaidLesson } from './stripe-event.ts'

/** A payment that a person has to look at. */
export interface Troubled extends Pick<PaidLesson, 'conversation' | 'order' | 'student'> {
  /** The payment intent's id, or what stands in for it. */
  id: string
  /** Such as `60.00 EUR`. */
  sum: string
}

/**
 * Says that a payment needs a person, once for its problem: in the log, in the metrics, and by an alert where those are
 * set up. For what can't be said in a conversation, or is too grave for a note alone.
 * @param problem a code for it, `conversation_gone` say
 */
export async function needsPerson(
  { events }: Services,
  { id, sum, order, student, conversation }: Troubled,
  problem: string,
  why: string,
  { once, log }: HandlerContext,
): Promise<void> {
  await once(`payment:${id}:attention:${problem}`, () => {
    log.error({ payment: id, amount: sum, order, student, conversation, problem }, `a payment needs a person: ${why}`)
    events.emit('attention', { payment: id, amount: sum, order, student, conversation, problem, why })
  })
}
