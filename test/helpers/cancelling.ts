import type { Test } from 'tap'
import type { WebhooksOptions } from '../../app.ts'
import type { BookedLesson } from '../../calendar/contract.ts'
import {
  type Cancellation,
  type Cancelled,
  cancelLesson,
  type RefundOf,
  refundOf,
} from '../../handlers/cancellation.ts'
import { fetchConversation } from '../../handlers/conversation.ts'
import { replyOnce } from '../../handlers/reply.ts'
import type { Services } from '../../handlers/services.ts'
import type { Delivery } from '../../inbox/contracts.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import { pay } from '../../sandbox/payments.ts'
import { conversationKey } from '../../sources/keys.ts'
import { reserved, setUp } from './lesson-story.ts'
import type { TutorOptions } from './tutor.ts'

/** Lessons that are cancelled, whoever asks for it. */

export const CANCEL = 'test.cancel'
export const ASK = 'test.ask'
const CONVERSATION = conversationKey('1', '4100042')

/** What is asked, in place of a student's button or the tutor's page. */
type Asked = Pick<Cancellation, 'by' | 'refund'> & { order: string }

/** Cancels as asked, and tells student and tutor what came of it, once. */
export function cancelHandlers(services: () => Services, outcomes: { push(outcome: Cancelled): unknown }) {
  async function cancel({ id, payload }: Delivery<Asked>, context: HandlerContext): Promise<void> {
    const { calendar, chatwoot } = services()
    const { order, by, refund } = payload
    const lesson = await context.once(`${id}:lesson`, () => calendar.lessonOf?.(order, context.signal))
    const outcome = await cancelLesson(services(), { lesson: lesson as BookedLesson, by, refund }, context)
    if (chatwoot !== null && lesson?.conversation) {
      const conversation = await fetchConversation(chatwoot, lesson.conversation, context.signal, services())
      await replyOnce(services(), chatwoot, conversation, `${id}:told`, context, () => ({
        content: `told: ${JSON.stringify(outcome)}`,
        note: `noted: ${JSON.stringify(outcome)}`,
      }))
    }
    outcomes.push(outcome)
  }
  return { [CANCEL]: cancel as never }
}

export async function setUpCancelling(t: Test, options: TutorOptions = {}) {
  const outcomes: Cancelled[] = []
  const refunds: RefundOf[] = []
  const handlers: WebhooksOptions['handlers'] = {
    inbox: {
      ...cancelHandlers(() => tutor.services, outcomes),
      [ASK]: (async ({ payload }: Delivery<Asked>, context: HandlerContext) => {
        const lesson = await tutor.services.calendar.lessonOf?.(payload.order, context.signal)
        refunds.push(await refundOf(tutor.services, lesson as BookedLesson, context, payload.by))
      }) as never,
    },
  }
  const tutor = await setUp(t, { tutor: { cancellation: { refund: 'automatic' } }, ...options, handlers })
  let asked = 0

  /** Asks without waiting; returns the delivery's id. */
  async function ask(payload: Asked, event = CANCEL, orderingKey = CONVERSATION): Promise<string> {
    const key = `asked ${++asked}`
    await tutor.app.webhooks.inbox.schedule({ key, orderingKey, event, payload: { ...payload }, at: 0 })
    return deliveryId('inbox', key)
  }
  return {
    ...tutor,
    outcomes,
    ask,
    /** Cancels, and returns what came of it. @param mailbox another one is not in the conversation's order */
    async cancel(order: string, parts: Partial<Asked> = {}, mailbox = CONVERSATION) {
      await tutor.ended(await ask({ order, by: 'student', refund: true, ...parts }, CANCEL, mailbox))
      return outcomes.at(-1)
    },
    /** What cancelling would pay back. */
    async refundOf(order: string, by: Asked['by'] = 'student') {
      await tutor.ended(await ask({ order, by, refund: true }, ASK))
      return refunds.at(-1)
    },
    /** A student with a lesson that is paid, and its order. */
    async paid() {
      const renee = await reserved(tutor)
      await tutor.deliver(pay(tutor.session()).completed)
      return { renee, order: tutor.session().metadata?.order_id as string }
    },
  }
}
