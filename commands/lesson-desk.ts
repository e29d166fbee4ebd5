import { DateTime } from 'luxon'
import { openCalendar } from '../backends/index.ts'
import type { LocalCalendar } from '../calendar/contract.ts'
import type { Env } from '../environment.ts'
import type { Store } from '../inbox/contracts.ts'
import { scheduleIn } from '../inbox/later.ts'
import { knownPrices, type LessonDesk, usualLesson } from '../operator/lessons/desk.ts'
import { linksOf } from '../operator/lessons/view.ts'
import { webhooksOptions } from '../server.ts'
import { tutorOf } from '../tutor/tutor.ts'
import { CommandError, type Context } from './output.ts'
import { withStore } from './store.ts'

/** Opens the lessons in the server's store, does something with them, closes it. @throws {CommandError} they are elsewhere */
export async function withLessons<T>(context: Context, run: (desk: LessonDesk) => Promise<T>): Promise<T> {
  return withStore(context, async (store, config) => {
    mustBeHere(config)
    const calendar = await openCalendar(config.DATABASE_URL, Date, 'keep')
    try {
      return await run(deskOf(calendar, store, config))
    } finally {
      await calendar.close()
    }
  })
}

function deskOf(calendar: LocalCalendar, store: Store, config: Env): LessonDesk {
  const { tutor: settings = {} } = webhooksOptions(config)
  const tutor = tutorOf(settings, config.TZ)
  return {
    calendar,
    zone: config.TZ,
    now: Date.now,
    links: linksFor(config),
    accountId: config.CW_ACC_ID,
    usual: usualLesson(tutor),
    prices: knownPrices(tutor),
    inbox: {
      schedule: delivery => scheduleIn(store, delivery, Date.now()),
      get: id => store.get(id),
      history: id => store.history(id),
    },
  }
}

function mustBeHere({ GCAL_CALENDAR_ID }: Env): void {
  if (GCAL_CALENDAR_ID === undefined) return
  throw new CommandError(
    `the lessons are in the Google calendar ${GCAL_CALENDAR_ID}: see them there, and change them on the operator's page`,
  )
}

export function linksFor({ CW_URL, CW_ACC_ID, STRIPE_SECRET_KEY }: Env) {
  const livemode = STRIPE_SECRET_KEY === undefined ? undefined : /^[sr]k_live_/.test(STRIPE_SECRET_KEY)
  return linksOf({ chatwootUrl: CW_URL, accountId: CW_ACC_ID, livemode })
}

/** `Wed 2026-11-25 10:00`. @param at in ISO 8601 */
export function localWhen(at: string, zone: string): string {
  return DateTime.fromISO(at, { zone, locale: 'en-GB' }).toFormat('ccc yyyy-MM-dd HH:mm')
}
