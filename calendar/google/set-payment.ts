import { TransientError } from '../../inbox/errors.ts'
import type { PaymentChange, PaymentResult } from '../contract.ts'
import { lessonIn, paidEvent } from './event-of.ts'
import type { Events } from './events.ts'

/** How often a lesson is looked at: once, and once more for each change by others. */
const MAX_LOOKS = 5

/** Changes how an order's lesson is paid, if its event is as it was seen (If-Match). */
export function createSetPayment(events: Events) {
  return async ({ order, from, to }: PaymentChange, signal: AbortSignal): Promise<PaymentResult> => {
    for (let look = 0; look < MAX_LOOKS; look++) {
      const owned = await events.having('tutorbotOrder', order, signal)
      const entry = owned.find(({ kind }) => kind === 'lesson')
      if (entry === undefined) return 'changed'
      const { payment } = lessonIn(entry)
      if (payment === to) return 'set'
      if (payment !== from) return 'changed'
      if ((await events.patch(entry, paidEvent(entry, to), signal)) === 'done') return 'set'
    }
    throw new TransientError(`Google Calendar: the lesson of order ${order} keeps changing`)
  }
}
