import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { IANAZone } from 'luxon'
import type { BookedLesson, Calendar } from '../calendar/contract.ts'
import type { GoogleCalendarOptions } from '../calendar/google/client.ts'
import type { PostgresCalendar } from '../calendar/postgres.ts'
import { openLocalCalendar } from '../calendar/sqlite.ts'
import { systemClock } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { isPostgresUrl } from '../inbox/postgres/url.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    calendar: WebhooksCalendar
  }
}

export interface WebhooksCalendar extends Calendar {
  /** Of the calendar that is kept here: the lessons that overlap a range (Unix ms), in order, for its feed. */
  lessons?(from: number, to: number): Promise<BookedLesson[]>
}

export interface CalendarOptions {
  /** The tutor's IANA time zone. Default Europe/Amsterdam. */
  timeZone?: string
  /** Keeps the lessons in a Google calendar. Default: in the store. */
  google?: GoogleCalendarOptions
}

export interface CalendarPluginOptions extends CalendarOptions {
  /** The inbox's file or database, which the inbox has opened before. */
  store?: string
  /** The time; tests move it by hand. */
  clock?: { now(): number }
}

/** Europe/Amsterdam, unless told otherwise. @throws {OptionError} */
export function validTimeZone(timeZone = 'Europe/Amsterdam'): string {
  if (IANAZone.isValidZone(timeZone)) return timeZone
  throw new OptionError(`calendar.timeZone (TZ) must be an IANA time zone such as Europe/Amsterdam, not ${timeZone}`)
}

/** webhooks.calendar: where lessons are kept. */
async function calendarPlugin(app: FastifyInstance, options: CalendarPluginOptions): Promise<void> {
  const { google, store = 'data/webhooks.db', clock = systemClock } = options
  validTimeZone(options.timeZone)
  if (google !== undefined) {
    // Its client is large, and most have no use for it.
    const { createGoogleCalendar } = await import('../calendar/google/calendar.ts')
    return addToWebhooks(app, { calendar: createGoogleCalendar(google, clock) })
  }
  const calendar = isPostgresUrl(store) ? await openPostgres(store, clock) : openLocalCalendar(store, clock)
  app.addHook('onClose', async () => calendar.close())
  addToWebhooks(app, { calendar })
}

async function openPostgres(url: string, clock: { now(): number }): Promise<PostgresCalendar> {
  const { openPostgresCalendar } = await import('../calendar/postgres.ts')
  return openPostgresCalendar(url, clock)
}

export default fp(calendarPlugin, { name: 'tutorbot-calendar', fastify: '5.x' })
