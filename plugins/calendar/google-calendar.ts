import { createHash, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { auth, type calendar_v3, calendar as createApi } from '@googleapis/calendar'
import { PermanentError, TransientError } from '../inbox/errors.ts'
import { retryAfterMs } from '../retry-after.ts'
import { OptionError } from '../webhooks.ts'
import type { Calendar, Hold, Interval, Lesson } from './contract.ts'

/**
 * A Google calendar that its owner shares with a service account, with the right to change events.
 * Calendar API v3: https://developers.google.com/workspace/calendar/api/v3/reference
 */

/*
 * How an order gets a time, so that of two who want it at the same moment, here or in another instance, one gets it:
 *
 * 1. Look (events.list): who is there already, has it. 2. Insert a claim. 3. Look again: give way to what is settled
 * (holds, lessons, appointments) and to claims with a smaller id; delete claims with a larger id. 4. Settle: the claim
 * becomes a hold or a lesson. What 3 and 4 change must be as it was seen (If-Match), else it begins again at 3.
 *
 * Never both: of two claims, the one inserted later sees the other in 3. It gives way, or deletes it. A claim that was
 * deleted can't be settled any more, and one that was settled can't be deleted: then the later one looks again, and
 * gives way. What has lapsed is deleted like a larger claim, for its order may just be settling it anew.
 * Never neither: who gives way to a claim has nothing there that counts, or the larger id, and so has not deleted it.
 * Only a third can do that.
 *
 * Who was first can't be told from `created`: Google gives it in whole seconds. What this needs of Google: that a list
 * shows what was written before it, unique ids (of deleted events too), and conditional changes:
 * https://developers.google.com/workspace/calendar/api/guides/version-resources
 */

export interface GoogleCalendarOptions {
  /** The service account's key file as Google gives it: a path to it, or the JSON itself. */
  serviceAccount: string
  /** Under "Integrate calendar" in the calendar's settings, such as `…@group.calendar.google.com`. */
  calendarId: string
  /** Where Google is, if not at Google: a proxy, a test. Token requests go there too. */
  apiBase?: string
  /** The longest that a call of the API may take, with the token request that it may need, ms. Default 10,000. */
  timeoutMs?: number
}

type Event = calendar_v3.Schema$Event
type Page = { items: Event[]; nextPageToken?: string }
type FreeBusy = { calendars: Record<string, calendar_v3.Schema$FreeBusyCalendar> }
type Signal = { signal: AbortSignal }

/** A claim becomes a hold or a lesson within one operation; a hold becomes a lesson. `other`: none of ours. */
type Kind = 'claim' | 'hold' | 'lesson' | 'other'

/** An event, as far as it matters here. */
interface Entry extends Interval {
  id: string
  /** Of this version of it. */
  etag: string
  kind: Kind
  /** undefined: none of ours. */
  order: string | undefined
  /** The time that it was made for, see slotOf; the tutor may have moved it since. */
  slot: string | undefined
  /** When it lapses, Unix ms. Infinity: never. */
  until: number
  takesTime: boolean
}

/** What an order wants. */
interface Wish extends Interval {
  order: string
  /** What must be free for it. */
  free: Interval
  /** What the order's claim or hold becomes; null: it is that already. */
  settled(own: Entry): Event | null
}

/** Of what was to be changed or deleted. */
type Outcome = 'done' | 'gone' | 'changed'

/** No more than what events.list, insert, get, update and delete, and freebusy.query need. */
const SCOPES = [
  'https://www.googleapis.com/auth/calendar.events',
  'https://www.googleapis.com/auth/calendar.events.freebusy',
]

/** How long a claim keeps others away that was left behind by a process that died, ms. */
const CLAIM_MS = 60_000

/** How often an order looks: twice if nobody else asks, once more for each change by others in between. */
const MAX_LOOKS = 10

/** The largest page there is. */
const PAGE = 2_500

/**
 * A calendar at Google. Calls throw PermanentError, or TransientError where trying again can help.
 * @throws {OptionError} that names the option which is missing or malformed
 */
export function createGoogleCalendar(options: GoogleCalendarOptions, clock: { now(): number }): Calendar {
  const events = createEvents(options)

  /** Gets a time for an order, as the comment above says. false: something else is there, and nothing is left of it. */
  async function take(wish: Wish, signal: AbortSignal): Promise<boolean> {
    for (let look = 0; look < MAX_LOOKS; look++) {
      const answer = await lookAndAct(wish, signal)
      if (answer !== undefined) return answer
    }
    throw new TransientError(`Google Calendar: what is on the time of order ${wish.order} keeps changing`)
  }

  /** undefined: something was changed, so look again. */
  async function lookAndAct(wish: Wish, signal: AbortSignal): Promise<boolean | undefined> {
    const now = clock.now()
    const entries = await events.within(wish.free, signal)
    const own = entries.find(entry => entry.order === wish.order && isAt(entry, wish))
    if (own?.kind === 'lesson') return true
    const stands = own !== undefined && own.until > now
    if (stands && own.kind === 'hold') return settle(wish, own, signal)

    const rivals = entries.filter(({ order, takesTime }) => takesTime && order !== wish.order)
    const blocks = ({ kind, id, until }: Entry) => until > now && !(stands && kind === 'claim' && id > own.id)
    if (rivals.some(blocks)) return giveWay(own, signal)
    if (own === undefined) return claim(wish, signal)
    for (const rival of rivals) {
      if ((await events.remove(rival, signal)) === 'changed') return undefined
    }
    return settle(wish, own, signal)
  }

  async function settle(wish: Wish, own: Entry, signal: AbortSignal): Promise<true | undefined> {
    const event = wish.settled(own)
    if (event === null) return true
    return (await events.update(own, event, signal)) === 'done' ? true : undefined
  }

  async function giveWay(own: Entry | undefined, signal: AbortSignal): Promise<false | undefined> {
    if (own === undefined) return false
    return (await events.remove(own, signal)) === 'changed' ? undefined : false
  }

  /**
   * An id is used up even by what is deleted, so it may take a second one. (Changing a deleted event back is answered
   * with 403 at times: https://github.com/googleapis/google-api-ruby-client/issues/1811.)
   */
  async function claim(wish: Wish, signal: AbortSignal, attempt = 0): Promise<undefined> {
    const id = idOf(wish, attempt)
    const event = eventOf('claim', wish, HOLD_TEXTS, clock.now() + CLAIM_MS)
    if (await events.insert({ ...event, id }, signal)) return
    const existing = await events.get(id, signal)
    if (existing === undefined || !isAt(existing, wish)) await claim(wish, signal, attempt + 1)
  }

  /** Gets a time for an order, and gives up what else it has. */
  async function move(wish: Wish, signal: AbortSignal): Promise<boolean> {
    const owned = await events.of(wish.order, signal)
    const lesson = owned.find(({ kind }) => kind === 'lesson')
    if (lesson !== undefined) mustBeFor(lesson, wish)
    const got = lesson !== undefined || (await take(wish, signal))
    for (const entry of owned) {
      if (entry !== lesson && !isAt(entry, wish)) await events.remove(entry, signal)
    }
    return got
  }

  return {
    async busy(from, to, signal) {
      const range = checked({ start: from, end: to })
      const ours: Interval[] = []
      for (const entry of await events.within(range, signal)) {
        if (entry.order === undefined || !entry.takesTime) continue
        // One that was changed just now has been renewed.
        if (entry.until <= clock.now() && (await events.remove(entry, signal)) !== 'changed') continue
        ours.push({ start: entry.start, end: entry.end })
      }
      // Google joins what touches: of what is ours it is known where one ends and the next begins.
      const others = without(ours, await events.freeBusy(range, signal))
      return [...ours, ...others].sort((one, other) => one.start - other.start)
    },

    async hold(hold, signal) {
      const { order, start, end, until, margin } = checkedHold(hold)
      const free = { start: start - margin.before, end: end + margin.after }
      const isLongEnough = (own: Entry) => own.kind === 'hold' && own.until >= until
      const settled = (own: Entry) => (isLongEnough(own) ? null : eventOf('hold', hold, HOLD_TEXTS, until))
      return move({ order, start, end, free, settled }, signal)
    },

    async release(order, until, signal) {
      for (const entry of await events.of(order, signal)) {
        if (entry.until <= until) await events.remove(entry, signal)
      }
    },

    async book(lesson, signal) {
      const { order, start, end } = checked(lesson)
      const settled = () => eventOf('lesson', lesson, textsOf(lesson))
      const booked = await move({ order, start, end, free: { start, end }, settled }, signal)
      return booked ? 'booked' : 'taken'
    },

    async cancel(order, signal) {
      let time: Interval | null = null
      for (const entry of (await events.of(order, signal)).sort(lessonsLast)) {
        const outcome = await events.remove(entry, signal)
        // A hold that has become a lesson, say: that would be cancelled without a word.
        if (outcome === 'changed') throw new TransientError(`Google Calendar: order ${order} was changed meanwhile`)
        if (outcome === 'done' && entry.kind === 'lesson') time = { start: entry.start, end: entry.end }
      }
      return time
    },
  }
}

function lessonsLast(one: Entry, other: Entry): number {
  return Number(one.kind === 'lesson') - Number(other.kind === 'lesson')
}

/** What of the blocks is not covered by the parts. */
function without(parts: Interval[], blocks: Interval[]): Interval[] {
  const cut = (rest: Interval[], { start, end }: Interval) =>
    rest.flatMap(block => [
      { start: block.start, end: Math.min(block.end, start) },
      { start: Math.max(block.start, end), end: block.end },
    ])
  return parts.reduce(cut, blocks).filter(({ start, end }) => start < end)
}

function checked<T extends Interval>(interval: T): T {
  const { start, end } = interval
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start < end) return interval
  throw new PermanentError(`There is no time from ${start} to ${end}: start and end must be Unix ms, start before end`)
}

function checkedHold(hold: Hold): Hold {
  const { until, margin } = hold
  if (!Number.isSafeInteger(until)) throw new PermanentError(`A hold's until must be Unix ms, not ${until}`)
  if ([margin.before, margin.after].some(ms => !Number.isSafeInteger(ms) || ms < 0)) {
    throw new PermanentError(`A hold's margins must be ms from 0 up, not ${margin.before} and ${margin.after}`)
  }
  return checked(hold)
}

function isAt(entry: Interval, { start, end }: Interval): boolean {
  return entry.start === start && entry.end === end
}

/** @throws {PermanentError} if the lesson is for another time: what is asked for afterwards does not move it */
function mustBeFor(lesson: Entry, wish: Wish): void {
  if (lesson.slot === slotOf(wish)) return
  throw new PermanentError(`Order ${wish.order} has a lesson on ${iso(lesson.start)}; cancel that first`)
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

function slotOf({ start, end }: Interval): string {
  return `${iso(start)}/${iso(end)}`
}

/** The same wish has the same id, so that it can't be inserted twice. Google allows the digits of base32hex. */
function idOf({ order, start, end }: Wish, attempt: number): string {
  const hash = createHash('sha256').update(JSON.stringify([order, start, end, attempt]))
  return BigInt(`0x${hash.digest('hex')}`)
    .toString(32)
    .padStart(52, '0')
}

interface Texts {
  summary: string
  /** What is taken for HTML. */
  description: string
}

const HOLD_TEXTS: Texts = { summary: 'Held until it is paid', description: '' }

function textsOf({ student, service, payment, conversation }: Lesson): Texts {
  const lines = [
    `Student: ${student}`,
    `Service: ${service}`,
    `Payment: ${payment ?? 'none, a free trial lesson'}`,
    `Conversation: ${conversation}`,
  ]
  return { summary: `${service}: ${student}`, description: lines.map(escaped).join('\n') }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function eventOf(kind: Kind, wish: Interval & { order: string }, { summary, description }: Texts, until = 0): Event {
  return {
    summary,
    description: `${description}\nOrder: ${escaped(wish.order)}`.trim(),
    start: { dateTime: iso(wish.start) },
    end: { dateTime: iso(wish.end) },
    status: kind === 'lesson' ? 'confirmed' : 'tentative',
    transparency: 'opaque',
    extendedProperties: {
      private: {
        tutorbotKind: kind,
        tutorbotOrder: wish.order,
        tutorbotSlot: slotOf(wish),
        tutorbotUntil: String(until),
      },
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
    slot: own.tutorbotSlot,
    until: kind === 'claim' || kind === 'hold' ? Number(own.tutorbotUntil) : Number.POSITIVE_INFINITY,
    takesTime: takesTime(event),
  }
}

/** Unix ms. Of an appointment that is all day long, midnight in UTC: whether it overlaps is Google's to say. */
function timeOf(time: Event['start']): number {
  const { dateTime, date } = time as calendar_v3.Schema$EventDateTime
  return Date.parse(String(dateTime ?? date))
}

/** As Google's own free/busy sees it. */
function takesTime({ transparency, attendees }: Event): boolean {
  if (transparency === 'transparent') return false
  return attendees?.some(({ self, responseStatus }) => self && responseStatus === 'declined') !== true
}

/** Google refused a call for good. */
class GoogleRefusedError extends PermanentError {
  override name = 'GoogleRefusedError'
  readonly status: number
  /** Google's word for it. */
  readonly reason: string
  constructor(message: string, status: number, reason: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/** For catch: the given answer, if Google refused a call with one of these statuses or reasons. */
function when<T>(causes: (number | string)[], answer: T): (error: unknown) => T {
  return error => {
    if (!(error instanceof GoogleRefusedError)) throw error
    if (!causes.includes(error.status) && !causes.includes(error.reason)) throw error
    return answer
  }
}

/** The calls of the API that are needed, in terms of entries. */
function createEvents(options: GoogleCalendarOptions) {
  const { calendarId, apiBase, timeoutMs = 10_000 } = options
  const account = readServiceAccount(options.serviceAccount)
  if (!calendarId) throw new OptionError('calendar.google.calendarId (GCAL_CALENDAR_ID) is missing')
  const client = createClient(account, validBase(apiBase), timeoutMs)
  const api = createApi({ version: 'v3', auth: client })
  const call = createCall(client, account.email, timeoutMs)

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
    /** What overlaps a range. Milliseconds are ignored; all times are whole minutes. */
    within({ start, end }: Interval, signal: AbortSignal) {
      return list({ timeMin: iso(start), timeMax: iso(end), singleEvents: true }, signal)
    },

    /** What an order has, past and future, wherever the tutor moved it to. */
    async of(order: string, signal: AbortSignal) {
      const entries = await list({ privateExtendedProperty: [`tutorbotOrder=${order}`] }, signal)
      // Should Google compare less exactly than to the letter.
      return entries.filter(entry => entry.order === order)
    },

    /** undefined: it is deleted. */
    async get(eventId: string, signal: AbortSignal): Promise<Entry | undefined> {
      const request = (options: Signal) => api.events.get({ calendarId, eventId }, options)
      const found = call<Event>('events.get', 'calendar#event', request, signal)
      const event = await found.catch(when([404, 410], undefined))
      return event === undefined || event.status === 'cancelled' ? undefined : entryOf(event)
    },

    /** false: the id has been used. */
    async insert(event: Event, signal: AbortSignal): Promise<boolean> {
      const request = (options: Signal) => api.events.insert({ calendarId, requestBody: event }, options)
      const inserted = call<Event>('events.insert', 'calendar#event', request, signal)
      return inserted.then(() => true).catch(when([409], false))
    },

    /** Replaces an event, if it is as it was seen. (What was deleted is refused with `forbidden` at times.) */
    async update({ id, etag }: Entry, event: Event, signal: AbortSignal): Promise<Outcome> {
      const params = { calendarId, eventId: id, requestBody: event }
      const request = (options: Signal) => api.events.update(params, { ...options, headers: { 'If-Match': etag } })
      const updated = call<Event>('events.update', 'calendar#event', request, signal)
      return updated.then((): Outcome => 'done').catch(when([404, 410, 412, 'forbidden'], 'changed'))
    },

    /** Deletes an event, if it is as it was seen. */
    async remove({ id, etag }: Entry, signal: AbortSignal): Promise<Outcome> {
      const params = { calendarId, eventId: id }
      const request = (options: Signal) => api.events.delete(params, { ...options, headers: { 'If-Match': etag } })
      const removed = call<unknown>('events.delete', '', request, signal).then((): Outcome => 'done')
      return removed.catch(when<Outcome>([404, 410], 'gone')).catch(when<Outcome>([412], 'changed'))
    },

    /** What is taken within a range of at most 90 days: https://github.com/calcom/cal.diy/pull/11962 */
    async freeBusy({ start, end }: Interval, signal: AbortSignal): Promise<Interval[]> {
      const requestBody = { timeMin: iso(start), timeMax: iso(end), items: [{ id: calendarId }] }
      const request = (options: Signal) => api.freebusy.query({ requestBody }, options)
      const answer = await call<FreeBusy>('freebusy.query', 'calendar#freeBusy', request, signal)
      const [found] = Object.values(answer.calendars)
      if (found?.busy === undefined || found.errors !== undefined) {
        throw refusal('freebusy.query', 200, { error: found }, null, account.email)
      }
      return found.busy.map(period => ({
        start: Date.parse(String(period.start)),
        end: Date.parse(String(period.end)),
      }))
    },
  }
}

type Client = InstanceType<typeof auth.JWT>

/** A client that gets its own tokens, and tries nothing twice: the inbox does that. */
function createClient({ email, key }: ServiceAccount, base: URL | undefined, timeoutMs: number): Client {
  const client = new auth.JWT({
    email,
    key,
    scopes: SCOPES,
    // No redirect: it would hand the token on to wherever it leads.
    transporterOptions: { timeout: timeoutMs, retryConfig: { retry: 0 }, redirect: 'error' },
  })
  // The token's URL is a constant of the library (gtoken/getToken.js): only an interceptor can send it elsewhere.
  if (base !== undefined) {
    client.transporter.interceptors.request.add({
      resolved: async config => Object.assign(config, { url: new URL(config.url.pathname + config.url.search, base) }),
    })
  }
  return client
}

/** One call, and what its outcome means. `kind` is what the answer says that it is; '' for an empty answer. */
function createCall(client: Client, email: string, timeoutMs: number) {
  return async <T>(
    name: string,
    kind: string,
    request: (options: Signal) => Promise<{ data: unknown }>,
    signal: AbortSignal,
  ): Promise<T> => {
    const timeout = AbortSignal.timeout(timeoutMs)
    const limit = AbortSignal.any([signal, timeout])
    let data: unknown
    try {
      limit.throwIfAborted()
      // A token request can't be given a signal, and others may wait for it too: it is left to its own timeout.
      data = (await Promise.race([request({ signal: limit }), abortOf(limit)])).data
    } catch (error) {
      if (timeout.aborted) throw new TransientError(`Google did not answer ${name} within ${timeoutMs} ms`)
      if (signal.aborted) throw new TransientError(`Google: ${name} was aborted`)
      throw translate(name, error as Failure, client, email)
    }
    if ((Object(data).kind ?? data) === kind) return data as T
    throw new TransientError(`The answer to ${name} is not Google's`)
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** A token that was refused is of no use any more; the next call gets a new one. */
function forgetToken(client: Client): void {
  client.setCredentials({ refresh_token: 'jwt-placeholder', expiry_date: 1 })
}

/** An error of gaxios, as far as it is looked at. It carries keys and tokens: it goes nowhere else. */
interface Failure extends Error {
  code?: string | number
  /** Absent: it is not an error of gaxios. */
  config?: { url: URL }
  response?: { status: number; data: unknown; headers: Headers }
}

function translate(name: string, failure: Failure, client: Client, email: string): Error {
  const { code, config, response } = failure
  if (config === undefined) return failure
  const isOfToken = config.url.pathname === '/token'
  const step = isOfToken ? `the token request of ${name}` : name
  if (response === undefined) return new TransientError(`Google could not be reached for ${step}: ${code}`)
  const { status, data, headers } = response
  if (status === 401 && !isOfToken) {
    forgetToken(client)
    return new TransientError(`Google refused the token for ${name}`)
  }
  return refusal(step, status, data, headers.get('retry-after'), email)
}

/** What passes: https://developers.google.com/workspace/calendar/api/guides/errors */
const PASSING_REASONS = new Set([
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'quotaExceeded',
  'dailyLimitExceeded',
  'internalError',
])
const PASSING_STATUSES = new Set([408, 429])
/** What Google says where the calendar is not shared, or only to be read. */
const NOT_SHARED = new Set(['notFound', 'forbidden', 'requiredAccessLevel'])

function refusal(name: string, status: number, data: unknown, retryAfter: string | null, email: string): Error {
  const { reason, message } = reasonOf(data)
  const text = `Google refused ${name}: ${[status, reason, message].filter(Boolean).join(' ')}`
  if (status >= 500 || PASSING_STATUSES.has(status) || PASSING_REASONS.has(reason)) {
    return new TransientError(text, { retryAfterMs: retryAfterMs(retryAfter) })
  }
  const hint = NOT_SHARED.has(reason) ? ` (share the calendar with ${email}, with the right to change events)` : ''
  return new GoogleRefusedError(text + hint, status, reason)
}

/** Google's word and text for an error; the API's errors and those of the token endpoint (RFC 6749, 5.2) differ. */
function reasonOf(data: unknown): { reason: string; message: string } {
  const { error, error_description } = Object(data)
  if (typeof error === 'string') return { reason: error, message: readable(error_description) }
  return { reason: String(error?.errors?.[0]?.reason ?? ''), message: readable(error?.message) }
}

/** A word that is longer than any word could be a token that somebody repeats. */
function readable(text: unknown): string {
  return String(text ?? '')
    .replace(/\S{60,}/g, '…')
    .slice(0, 200)
}

interface ServiceAccount {
  email: string
  /** PEM. */
  key: string
}

/** @throws {OptionError} without any part of the option in it: a key could be anywhere */
function readServiceAccount(option: string): ServiceAccount {
  const parsed = parse(/^\s*\{/.test(option) ? option : readFile(option))
  const { client_email: email, private_key: key } = Object(parsed)
  if (typeof email !== 'string' || email === '') throw accountError('has no client_email')
  if (typeof key !== 'string' || key === '') throw accountError('has no private_key')
  if (!isRsaKey(key))
    throw accountError('has a private_key that is not an RSA key in PEM; its line ends are \\n in JSON')
  return { email, key }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw accountError(`is neither JSON nor the path of a file that can be read (${code})`)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw accountError('is not JSON')
  }
}

function isRsaKey(key: string): boolean {
  try {
    return createPrivateKey(key).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

function accountError(problem: string): OptionError {
  return new OptionError(`calendar.google.serviceAccount (GCAL_SERVICE_ACCOUNT_JSON) ${problem}`)
}

function validBase(apiBase: string | undefined): URL | undefined {
  if (apiBase === undefined) return undefined
  const url = URL.canParse(apiBase) ? new URL(apiBase) : null
  if (url !== null && /^https?:$/.test(url.protocol) && url.pathname === '/') return url
  throw new OptionError('calendar.google.apiBase (GCAL_API_BASE) must be an http or https URL without a path')
}
