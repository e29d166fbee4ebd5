import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { IANAZone } from 'luxon'
import type { Backend } from '../backends/contract.ts'
import { openCalendar } from '../backends/index.ts'
import { type Calendar, checkCalendar, type LocalCalendar } from '../calendar/contract.ts'
import type { GoogleCalendarOptions } from '../calendar/google/client.ts'
import type { Breakers } from '../inbox/breaker.ts'
import { type Clock, systemClock } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import { breakersOf, gateOf } from './breakers.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    calendar: WebhooksCalendar
  }
}

export interface WebhooksCalendar extends Calendar {
  /** The lessons that overlap a range (Unix ms), in order, for a calendar feed; not every calendar has them. */
  lessons?: LocalCalendar['lessons']
  /** Finds a lesson by the beginning of its order. */
  ordersBeginningWith?: LocalCalendar['ordersBeginningWith']
  /** Times without lessons; not every calendar of ours blocks them. */
  block?: LocalCalendar['block']
  unblock?: LocalCalendar['unblock']
  blocks?: LocalCalendar['blocks']
}

export interface CalendarOptions {
  /** The tutor's IANA time zone. Default Europe/Amsterdam. */
  timeZone?: string
  /** Keeps lessons in a Google calendar. Default: in the store. */
  google?: GoogleCalendarOptions | undefined
  /** Keeps lessons in the host's own calendar, which the host opens and closes. */
  backend?: Calendar | undefined
}

export interface CalendarPluginOptions extends CalendarOptions {
  /** The inbox's file or database, which the inbox has already opened. */
  store?: string | undefined
  /** Instead of `store`: opens the calendar of an open backend. */
  local?: Backend['calendar']
  /** Tests set it. */
  clock?: Clock
}

/** Validates the time zone. @throws {OptionError} */
export function validTimeZone(timeZone = 'Europe/Amsterdam'): string {
  if (IANAZone.isValidZone(timeZone)) return timeZone
  throw new OptionError(`calendar.timeZone (TZ) must be an IANA time zone such as Europe/Amsterdam, not ${timeZone}`)
}

/** Stands still during an outage: no reservation lapses while its payment, or its student, can't be heard. */
function lapseClock(breakers: Breakers, clock: { now(): number }) {
  return { now: () => clock.now() - breakers.heldMs() }
}

/** Decorates webhooks.calendar: where lessons are kept. */
async function calendarPlugin(app: FastifyInstance, options: CalendarPluginOptions): Promise<void> {
  const { google, backend, store } = options
  const breakers = breakersOf(app, options.clock ?? systemClock)
  const clock = lapseClock(breakers, options.clock ?? systemClock)
  const { local = (ofCalendar: { now(): number }) => openCalendar(store, ofCalendar) } = options
  validTimeZone(options.timeZone)
  if (backend !== undefined) {
    if (google !== undefined) throw new OptionError('calendar.google and calendar.backend are two calendars: give one')
    return addToWebhooks(app, { calendar: checkCalendar(backend, 'calendar.backend') })
  }
  if (google !== undefined) {
    // Loaded only when used: its client is large.
    const { createGoogleCalendar } = await import('../calendar/google/calendar.ts')
    const { probe, ...calendar } = createGoogleCalendar(google, clock, gateOf(breakers, 'google'))
    breakers.watch('google', probe)
    // Google has no ledger: it stays in the store.
    const beside = await local(clock)
    app.addHook('onClose', async () => beside.close())
    return addToWebhooks(app, { calendar: { ...calendar, packages: beside.packages } })
  }
  const calendar = await local(clock)
  app.addHook('onClose', async () => calendar.close())
  addToWebhooks(app, { calendar })
}

export default fp(calendarPlugin, { name: 'tutorbot-calendar', fastify: '5.x' })
