import { describeError } from '../inbox/backoff.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext, HandlerPair } from '../inbox/drain.ts'
import { tellOfChange } from './lesson-change-news.ts'
import { addLesson, cancelByTutor, moveLesson } from './lesson-change-steps.ts'
import { markAsPaid } from './lesson-paid.ts'
import { type Changed, LESSON_EVENTS, OUTCOMES } from './lesson-requests.ts'
import { markAsUnpaid } from './lesson-unpaid.ts'
import { sayOnce } from './reply.ts'
import type { Services } from './services.ts'

/**
 * Lessons that the tutor adds, moves, cancels and marks as paid or not paid. Whoever asks for it only makes a delivery of our own: so
 * it is done in the order of the student's conversation, once, whatever is killed.
 */

type ChangeOf<P> = (services: Services, payload: P, delivery: Delivery<P>, context: HandlerContext) => Promise<Changed>

/** Handles what the tutor has asked for. */
export function lessonChangeHandlers(services: Services): Record<string, HandlerPair<never>> {
  return {
    [LESSON_EVENTS.add]: pairOf(services, addLesson, 'added'),
    [LESSON_EVENTS.move]: pairOf(services, moveLesson, 'moved'),
    [LESSON_EVENTS.cancel]: pairOf(services, cancelByTutor, 'cancelled'),
    [LESSON_EVENTS.pay]: pairOf(services, markAsPaid, 'marked as paid'),
    [LESSON_EVENTS.reopen]: pairOf(services, markAsUnpaid, 'marked as not paid'),
  }
}

function pairOf<P extends { order: string; conversation: string }>(
  services: Services,
  change: ChangeOf<P>,
  word: string,
): HandlerPair<P> {
  const { chatwoot } = services

  /** In the calendar, and the money. */
  async function changeOnce(delivery: Delivery<P>, context: HandlerContext): Promise<Changed> {
    const { id, payload } = delivery
    const changed = await context.once(`${id}:change`, () => change(services, payload, delivery, context))
    await context.once(`${id}:outcome`, () => context.note(outcomeOf(changed)))
    return changed
  }

  async function handle(delivery: Delivery<P>, context: HandlerContext): Promise<void> {
    const changed = await changeOnce(delivery, context)
    if ('refused' in changed)
      return context.log.info({ order: delivery.payload.order, ...changed }, 'lesson not changed')
    context.log.info({ order: delivery.payload.order }, `lesson ${word} by the tutor`)
    await tellOfChange(services, changed.news, delivery.id, context)
  }

  async function gaveUp({ id, payload }: Delivery<P>, context: HandlerContext): Promise<void> {
    const { order, conversation } = payload
    if (chatwoot === null || conversation === '') return
    const content = `A lesson was to be ${word} on the tutor’s request (order ${order}), and something failed: ${describeError(context.error)}. Please look at it; the delivery ${id} can be replayed.`
    await sayOnce(chatwoot, 'sendPrivateNote', conversation, { content }, `${id}:gave-up`, context)
  }

  return {
    handle,
    gaveUp,
    needs: ['chatwoot'],
    // A lesson's time does not wait for the chat.
    ahead: { handle: changeOnce },
  }
}

/** Read by whoever has asked for it. */
export function outcomeOf(changed: { refused: string } | { done: string }): string {
  return 'refused' in changed ? `${OUTCOMES.refused}${changed.refused}` : `${OUTCOMES.done}${changed.done}`
}
