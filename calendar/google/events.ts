import { type calendar_v3, calendar as createApi } from '@googleapis/calendar'
import type { Gate } from '../../clients/http.ts'
import type { Interval } from '../contract.ts'
import { createGoogleClient, type GoogleCalendarOptions, refusal, type Signal, unlessRefused, when } from './client.ts'

/** The calls of Google's Calendar API that we need, on entries instead of events. */

export type Event = calendar_v3.Schema$Event
type Page = { items: Event[]; nextPageToken?: string }
type FreeBusy = { calendars: Record<string, calendar_v3.Schema$FreeBusyCalendar> }

/**
 * A claim becomes a hold or a lesson within one operation; a hold becomes a lesson; a lesson, or a kept hold, becomes
 * cancelled. `other`: not ours.
 */
export type Kind = 'claim' | 'hold' | 'lesson' | 'cancelled' | 'other'

/** The part of an event that we use. */
export interface Entry extends Interval {
  id: string
  /** The version's ETag. */
  etag: string
  kind: Kind
  /** undefined: not ours. */
  order: string | undefined
  /** A hold whose payment is being processed. */
  conversation: string | undefined
  /** The time it was created for (see slotOf); the tutor may have moved it. */
  slot: string | undefined
  /** When it expires, Unix ms. Infinity: never. */
  until: number
  takesTime: boolean
  /** Its revision, see BookedLesson. */
  sequence: number
  /** When it was last changed, Unix ms: by us, or by the tutor. */
  changedAt: number
  summary: string
  description: string
  /** All of our properties. */
  own: Record<string, string>
}

/** The outcome of a change or deletion. */
export type Outcome = 'done' | 'gone' | 'changed'

/** What events are looked for by. */
export type Property = 'tutorbotOrder' | 'tutorbotConversation' | 'tutorbotBookedIn' | 'tutorbotContact'

/** Maximum page size. */
const PAGE = 2_500

export function iso(time: number): string {
  return new Date(time).toISOString()
}

export type Events = ReturnType<typeof createEvents>

export function createEvents(options: GoogleCalendarOptions, gate: Gate) {
  const { calendarId } = options
  const { client, call, callAnyway, email } = createGoogleClient(options, gate)
  const api = createApi({ version: 'v3', auth: client })

  async function list(query: calendar_v3.Params$Resource$Events$List, signal: AbortSignal): Promise<Entry[]> {
    const entries: Entry[] = []
    let pageToken: string | undefined
    do {
      const params = { calendarId, maxResults: PAGE, ...query, ...(pageToken !== undefined && { pageToken }) }
      const request = (options: Signal) => api.events.list(params, options)
      const page = await call<Page>('events.list', 'calendar#events', request, signal)
      entries.push(...page.items.map(entryOf))
      pageToken = page.nextPageToken
    } while (pageToken !== undefined)
    return entries
  }

  return {
    /** What overlaps a range. Google ignores milliseconds; all times are whole minutes. */
    within({ start, end }: Interval, signal: AbortSignal) {
      return list({ timeMin: iso(start), timeMax: iso(end), singleEvents: true }, signal)
    },

    /** The entries with a property, past and future, wherever the tutor moved them. @param from which end after it */
    async having(name: Property, value: string, signal: AbortSignal, from?: number) {
      const range = from === undefined ? {} : { timeMin: iso(from) }
      const entries = await list({ privateExtendedProperty: [`${name}=${value}`], ...range }, signal)
      // In case Google's comparison is not exact.
      return entries.filter(({ own }) => own[name] === value)
    },

    /** undefined: deleted. */
    async get(eventId: string, signal: AbortSignal): Promise<Entry | undefined> {
      const request = (options: Signal) => api.events.get({ calendarId, eventId }, options)
      const found = call<Event>('events.get', 'calendar#event', request, signal)
      const event = await found.catch(when([404, 410], undefined))
      return event === undefined || event.status === 'cancelled' ? undefined : entryOf(event)
    },

    /** false: the id was already used. */
    async insert(event: Event, signal: AbortSignal): Promise<boolean> {
      const request = (options: Signal) => api.events.insert({ calendarId, requestBody: event }, options)
      const inserted = call<Event>('events.insert', 'calendar#event', request, signal)
      return inserted.then(() => true).catch(when([409], false))
    },

    /** Replaces an event if unchanged. (For deleted ones Google sometimes says `forbidden`.) */
    async update({ id, etag }: Entry, event: Event, signal: AbortSignal): Promise<Outcome> {
      const params = { calendarId, eventId: id, requestBody: event }
      const request = (options: Signal) => api.events.update(params, { ...options, headers: { 'If-Match': etag } })
      const updated = call<Event>('events.update', 'calendar#event', request, signal)
      return updated.then((): Outcome => 'done').catch(when([404, 410, 412, 'forbidden'], 'changed'))
    },

    /** Changes some fields of an event if unchanged; what the tutor has written stays. */
    async patch({ id, etag }: Entry, event: Event, signal: AbortSignal): Promise<Outcome> {
      const params = { calendarId, eventId: id, requestBody: event }
      const request = (options: Signal) => api.events.patch(params, { ...options, headers: { 'If-Match': etag } })
      const patched = call<Event>('events.patch', 'calendar#event', request, signal)
      return patched.then((): Outcome => 'done').catch(when([404, 410, 412, 'forbidden'], 'changed'))
    },

    /** Deletes an event if unchanged. */
    async remove({ id, etag }: Entry, signal: AbortSignal): Promise<Outcome> {
      const params = { calendarId, eventId: id }
      const request = (options: Signal) => api.events.delete(params, { ...options, headers: { 'If-Match': etag } })
      const removed = call<unknown>('events.delete', '', request, signal).then((): Outcome => 'done')
      return removed.catch(when<Outcome>([404, 410], 'gone')).catch(when<Outcome>([412], 'changed'))
    },

    /** Reads something harmless, also while Google is held. */
    async probe(signal: AbortSignal): Promise<void> {
      const request = (options: Signal) => api.events.list({ calendarId, maxResults: 1 }, options)
      await callAnyway('events.list', 'calendar#events', request, signal).catch(unlessRefused)
    },

    /** Busy times within a range of at most 90 days: https://github.com/calcom/cal.diy/pull/11962 */
    async freeBusy({ start, end }: Interval, signal: AbortSignal): Promise<Interval[]> {
      const requestBody = { timeMin: iso(start), timeMax: iso(end), items: [{ id: calendarId }] }
      const request = (options: Signal) => api.freebusy.query({ requestBody }, options)
      const answer = await call<FreeBusy>('freebusy.query', 'calendar#freeBusy', request, signal)
      const [found] = Object.values(answer.calendars)
      if (found?.busy === undefined || found.errors !== undefined) {
        throw refusal('freebusy.query', 200, { error: found }, null, email)
      }
      return found.busy.map(period => ({
        start: Date.parse(String(period.start)),
        end: Date.parse(String(period.end)),
      }))
    },
  }
}

function entryOf(event: Event): Entry {
  const own = event.extendedProperties?.private ?? {}
  const kind = (own.tutorbotKind ?? 'other') as Kind
  return {
    id: String(event.id),
    etag: String(event.etag),
    start: timeOf(event.start),
    end: timeOf(event.end),
    kind,
    order: own.tutorbotOrder,
    conversation: own.tutorbotConversation,
    slot: own.tutorbotSlot,
    until: kind === 'claim' || kind === 'hold' ? Number(own.tutorbotUntil) : Number.POSITIVE_INFINITY,
    takesTime: takesTime(event),
    // Earlier versions did not record it.
    sequence: Number(own.tutorbotSequence ?? (kind === 'lesson' ? 1 : 0)),
    changedAt: Date.parse(String(event.updated)),
    summary: event.summary ?? '',
    description: event.description ?? '',
    own,
  }
}

/** Unix ms. For all-day events midnight UTC: Google decides whether they overlap. */
function timeOf(time: Event['start']): number {
  const { dateTime, date } = time as calendar_v3.Schema$EventDateTime
  return Date.parse(String(dateTime ?? date))
}

/** The same rule as Google's free/busy. */
function takesTime({ transparency, attendees }: Event): boolean {
  if (transparency === 'transparent') return false
  return attendees?.some(({ self, responseStatus }) => self && responseStatus === 'declined') !== true
}
