import type { Test } from 'tap'
import type { ChangeableCalendar } from '../../calendar/contract.ts'
import { askForPayment } from '../../handlers/payment-due.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import { goOn } from './later.ts'
import { MINUTE, setUp } from './lesson-story.ts'

/** A lesson that is booked and not paid. */

export const HOUR = 60 * MINUTE
/** In Amsterdam. */
export const at = (local: string) => Date.parse(`2026-11-${local}+01:00`)
export const LESSON = at('27T10:00')
export const LINK =
  /^Je les op vrijdag 27 november om 10:00 is nog niet betaald\. Betaal € 60,00 uiterlijk (.*) hier: https:/

type Options = Parameters<typeof setUp>[1]

/** Renée has a lesson on Friday at 10:00, which the tutor has booked. */
export async function open(
  t: Test,
  options: Options = {},
  { minutes = 60, conversation = '4100042', zone = 'Europe/Amsterdam', askedAt = 0 } = {},
) {
  const tutor = await setUp(t, { ...options, tutor: { reminders: { hours: [] }, ...options?.tutor } })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  const { inbox } = tutor.app.webhooks
  const calendar = tutor.app.webhooks.calendar as ChangeableCalendar
  const signal = AbortSignal.timeout(60_000)
  const order = '4100042-ab'
  const time = { start: LESSON, end: LESSON + minutes * MINUTE }
  await calendar.book({ order, ...time, student: 'Renée', service: 'Bijles', payment: 'unpaid', conversation }, signal)
  const context = { signal, schedule: given => inbox.schedule({ orderingKey: 'x', ...given }) } as HandlerContext
  const ask = () => askForPayment(tutor.services, order, context, zone)
  tutor.clock.advance(Math.max(0, askedAt - tutor.clock.now()))
  await ask()
  return {
    ...tutor,
    renee,
    order,
    calendar,
    signal,
    context,
    ask,
    scheduled: async () => (await inbox.list({ state: 'scheduled' })).map(({ nextAttemptAt }) => nextAttemptAt),
    /** Time goes on. Returns what the student has been told meanwhile. */
    async goOn(until: number) {
      const before = renee.read().length
      await goOn(tutor, until)
      return renee.read().slice(before)
    },
    why: () => tutor.log.lines.findLast(({ msg }) => msg.startsWith('a payment is not'))?.msg,
  }
}
