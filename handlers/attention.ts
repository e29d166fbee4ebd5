import type { HandlerContext } from '../inbox/drain.ts'
import type { Services } from './services.ts'
import type { PaidLesson } from './stripe-event.ts'

/** A payment that a person has to look at. */
export interface PaymentProblem extends Pick<PaidLesson, 'conversation' | 'order' | 'student'> {
  /** The payment intent's id, or a substitute. */
  id: string
  /** Such as `60.00 EUR`. */
  sum: string
}

/**
 * Reports once per problem that a payment needs a person: in the log, the metrics and an alert. For what has no
 * conversation, or is too serious for a private note alone.
 * @param problem a code such as `conversation_gone`
 */
export async function alertPerson(
  { events }: Services,
  { id, sum, order, student, conversation }: PaymentProblem,
  problem: string,
  why: string,
  { once, log }: HandlerContext,
): Promise<void> {
  await once(`payment:${id}:attention:${problem}`, () => {
    log.error({ payment: id, amount: sum, order, student, conversation, problem }, `a payment needs a person: ${why}`)
    events.emit('attention', { payment: id, amount: sum, order, student, conversation, problem, why })
  })
}
