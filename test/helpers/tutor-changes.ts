import type { Test } from 'tap'
import { deliveryId } from '../../inbox/delivery-id.ts'
import {
  type Asked,
  askToAdd,
  askToCancel,
  askToMove,
  askToPay,
  askToReopen,
  changeOf,
} from '../../operator/lessons/changes.ts'
import type { LessonDesk } from '../../operator/lessons/desk.ts'
import { linksOf } from '../../operator/lessons/view.ts'
import { pay } from '../../sandbox/payments.ts'
import { reserved, setUp } from './lesson-story.ts'
import type { TutorOptions } from './tutor.ts'

const signal = new AbortController().signal

/** The service, and its tutor, who adds, moves, cancels and marks lessons as paid or not paid. */
export async function started(t: Test, options: TutorOptions = {}) {
  const tutor = await setUp(t, options)
  const { app, clock } = tutor
  const { calendar, inbox, chatwoot } = app.webhooks
  const desk: LessonDesk = {
    calendar,
    inbox,
    zone: 'Europe/Amsterdam',
    now: clock.now,
    links: linksOf({ chatwootUrl: undefined, accountId: undefined, livemode: undefined }),
    accountId: chatwoot?.accountId,
    usual: { minutes: 60, service: 'Bijles' },
    prices: new Map(),
  }
  let asked = 0
  /** Asks, waits until it is handled, and says what came of it. */
  async function outcome(asking: Promise<Asked>) {
    const { order, delivery } = await asking
    await tutor.ended(delivery)
    return { order, delivery, ...(await changeOf(desk, delivery)) }
  }
  const key = () => `form ${asked++}`
  return {
    ...tutor,
    desk,
    outcome,
    add: (given: object) => outcome(askToAdd(desk, { ...given }, key())),
    move: (id: string, given: object) => outcome(askToMove(desk, id, { ...given }, key(), signal)),
    paid: (id: string, given: object = {}) =>
      outcome(askToPay(desk, id, { how: 'cash', amount: '60', currency: 'EUR', ...given }, key(), signal)),
    unpaid: (id: string) => outcome(askToReopen(desk, id, {}, key(), signal)),
    cancel: (id: string, refund: boolean) => outcome(askToCancel(desk, id, { refund }, key(), signal)),
    /** As another process asked for it, without our first look. */
    async insist(event: string, payload: Record<string, unknown>) {
      const name = key()
      await inbox.schedule({
        key: name,
        event: event.startsWith('tutorbot.') ? event : `tutorbot.lesson_${event}`,
        orderingKey: 'lessons',
        payload,
        at: 0,
      })
      const id = deliveryId('inbox', name)
      await tutor.ended(id)
      return changeOf(desk, id)
    },
    async booked() {
      const renee = await reserved(tutor)
      await tutor.deliver(pay(tutor.session()).succeeded)
      return { renee, order: `${renee.conversation.custom_attributes?.order_id}` }
    },
  }
}
