import type { HandlerContext } from '../inbox/drain.ts'
import { askForPayment } from './payment-due.ts'
import { remind } from './reminders.ts'
import type { Services } from './services.ts'

/**
 * What a lesson that is booked, or has been moved, needs later: its reminders, and its payment if it is open. Can be
 * repeated.
 * @param zone the student's, IANA
 * @throws {TransientError} the calendar can't be read now
 */
export async function followUp(
  services: Services,
  order: string,
  context: Pick<HandlerContext, 'signal' | 'schedule' | 'log'>,
  zone: string,
): Promise<void> {
  await remind(services, order, context, zone)
  await askForPayment(services, order, context, zone)
}
