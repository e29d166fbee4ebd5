import { createPublicKey, generateKeyPairSync, randomUUID, verify } from 'node:crypto'
import { DateTime } from 'luxon'
import { type Answer, type Call, type StandIn, startStandIn } from '../../sandbox/stand-in.ts'

/** A stand-in for Google over HTTP: the token endpoint, and the part of the Calendar API v3 that one client needs. */
export interface GoogleApi extends StandIn {
  /** The service account's key file. */
  serviceAccount: string
  email: string
  calendarId: string
  /** By id, including cancelled ones. Google's fields as far as they are used, always with `start` and `end`. */
  events: Map<string, EventState>
  /** The service account's access to the calendar: with `none` it can't see it. */
  role: 'writer' | 'reader' | 'none'
  /** Maximum page size, whatever is requested. */
  pageSize: number
  /** Adds somebody else's event. */
  addEvent(parts: Partial<EventState> & Pick<EventState, 'start' | 'end'>): EventState
  /** Changes an event as a person would in Google Calendar. */
  edit(id: string, parts: Partial<EventState>): void
  /** Events that are not cancelled. */
  current(): EventState[]
  /** Tokens issued so far. */
  tokens: Set<string>
  /** Revokes all tokens issued so far. */
  revokeTokens(): void
}

export interface Time {
  dateTime?: string
  /** All day; in the calendar's zone. */
  date?: string
}

export interface EventState {
  id: string
  etag: string
  status: string
  start: Time
  end: Time
  summary?: string
  description?: string
  transparency?: string
  /** `RRULE:FREQ=DAILY;COUNT=…` or WEEKLY; no other rule is supported. */
  recurrence?: string[]
  attendees?: { self?: boolean; responseStatus?: string }[]
  extendedProperties?: { private?: Record<string, string> }
  [other: string]: unknown
}

const CALENDAR = 'tutor@group.calendar.google.com'
const ZONE = 'Europe/Berlin'
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const SCOPE = 'https://www.googleapis.com/auth/calendar'

/** The API's error response: https://developers.google.com/workspace/calendar/api/guides/errors */
export function googleError(status: number, reason: string, message: string, headers = {}): Answer {
  return {
    status,
    headers,
    body: { error: { code: status, message, errors: [{ domain: 'global', reason, message }] } },
  }
}

/** The token endpoint's error response. */
export function oauthError(status: number, error: string, error_description: string): Answer {
  return { status, body: { error, error_description } }
}

type KeyPair = ReturnType<typeof createKey>

/** A key for a new service account. */
export function createKey() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
}

const NOT_FOUND = googleError(404, 'notFound', 'Not Found')
const GONE = googleError(410, 'deleted', 'Resource has been deleted')

/** Generating one takes a tenth of a second or more. */
let sharedKey: KeyPair | undefined

/**
 * @param key the service account's. Default: one shared by the whole process
 * @param now Unix ms, for `created` and `updated`
 */
export async function startGoogleApi(key?: KeyPair, now: () => number = Date.now): Promise<GoogleApi> {
  sharedKey ??= createKey()
  const { privateKey, publicKey } = key ?? sharedKey
  const email = 'bot@tutor-project.iam.gserviceaccount.com'
  const events = new Map<string, EventState>()
  const tokens = new Set<string>()
  let scopes: string[] = []
  let validTokens = new Set<string>()
  let version = 0

  function answerTo(call: Call): Answer {
    if (`${call.method} ${call.path}` === 'POST /token') return giveToken(call.body)
    const token = /^Bearer (.+)$/.exec(String(call.headers.authorization))?.[1]
    if (token === undefined || !validTokens.has(token)) return googleError(401, 'authError', 'Invalid Credentials')
    const { pathname, searchParams } = new URL(call.path, 'http://localhost')
    if (`${call.method} ${pathname}` === 'POST /calendar/v3/freeBusy') return freeBusy(call.body)
    const [, calendar = '', id = ''] = /^\/calendar\/v3\/calendars\/([^/]+)\/events(?:\/([^/]+))?$/.exec(pathname) ?? []
    if (decodeURIComponent(calendar) !== CALENDAR || api.role === 'none') return NOT_FOUND
    if (!scopes.some(scope => [SCOPE, `${SCOPE}.events`].includes(scope))) return insufficientScope()
    if (call.method !== 'GET' && api.role !== 'writer') {
      return googleError(403, 'requiredAccessLevel', 'You need to have writer access to this calendar.')
    }
    if (id === '') return call.method === 'GET' ? list(searchParams) : insert(call.body)
    return ofEvent(events.get(id), call)
  }

  /** https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests */
  function giveToken({ grant_type, assertion }: Call['body']): Answer {
    if (grant_type !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      return oauthError(400, 'unsupported_grant_type', `Invalid grant_type: ${grant_type}`)
    }
    const [header = '', claims = '', signature = ''] = String(assertion).split('.')
    const isSigned = verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      createPublicKey(publicKey),
      Buffer.from(signature, 'base64url'),
    )
    if (!isSigned) return oauthError(400, 'invalid_grant', 'Invalid JWT Signature.')
    const { iss, aud, scope, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString())
    if (iss !== email) return oauthError(400, 'invalid_grant', 'Invalid grant: account not found')
    if (aud !== TOKEN_URL || exp * 1_000 < Date.now()) return oauthError(400, 'invalid_grant', 'Invalid JWT')
    scopes = scope.split(' ')
    const token = `ya29.${`${randomUUID()}${randomUUID()}`.repeat(2)}`
    tokens.add(token)
    validTokens.add(token)
    return { status: 200, body: { access_token: token, expires_in: 3599, token_type: 'Bearer' } }
  }

  function insufficientScope(): Answer {
    return googleError(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.')
  }

  function list(query: URLSearchParams): Answer {
    const wanted = query.getAll('privateExtendedProperty').map(text => text.split(/=(.*)/s))
    const found = [...events.values()]
      .filter(({ status }) => status !== 'cancelled' || query.get('showDeleted') === 'true')
      .filter(event => wanted.every(([name = '', value = '']) => hasProperty(event, name, value)))
      .flatMap(event => (query.get('singleEvents') === 'true' ? instances(event) : [event]))
      .filter(event => overlaps(event, query.get('timeMin'), query.get('timeMax')))
    const from = Number(query.get('pageToken') ?? 0)
    const to = from + Math.min(api.pageSize, Number(query.get('maxResults') ?? 250))
    const more = to < found.length && { nextPageToken: String(to) }
    const body = { kind: 'calendar#events', timeZone: ZONE, accessRole: api.role, ...more }
    return { status: 200, body: { ...body, items: found.slice(from, to) } }
  }

  function insert(body: Call['body']): Answer {
    const id = String(body.id ?? randomUUID().replaceAll('-', ''))
    if (!/^[a-v0-9]{5,1024}$/.test(id)) return googleError(400, 'invalid', 'Invalid resource id value.')
    if (events.has(id)) return googleError(409, 'duplicate', 'The requested identifier already exists.')
    return { status: 200, body: store({ ...(body as EventState), id }) }
  }

  function ofEvent(event: EventState | undefined, { method, headers, body }: Call): Answer {
    if (event === undefined) return NOT_FOUND
    if (method === 'GET') return { status: 200, body: event }
    if (event.status === 'cancelled') {
      return method === 'DELETE' ? GONE : googleError(403, 'forbidden', 'Forbidden')
    }
    const condition = headers['if-match']
    if (condition !== undefined && condition !== event.etag) {
      return googleError(412, 'conditionNotMet', 'Precondition Failed')
    }
    if (method === 'DELETE') {
      store({ ...event, status: 'cancelled' })
      return { status: 204 }
    }
    const { id, created } = event
    const changed = method === 'PATCH' ? (merged(event, body) as EventState) : (body as EventState)
    return { status: 200, body: store({ ...changed, id, created }) }
  }

  /** A new version of an event. Google's `created` is in whole seconds, its `updated` is not. */
  function store(event: Partial<EventState> & Pick<EventState, 'id' | 'start' | 'end'>): EventState {
    const updated = new Date(now()).toISOString()
    const created = updated.replace(/\.\d+/, '.000')
    const etag = `"${++version}"`
    const stored = { kind: 'calendar#event', status: 'confirmed', created, ...event, updated, etag }
    events.set(event.id, stored)
    return stored
  }

  /** Adjacent blocks are merged, and clipped to the range. */
  function freeBusy({ timeMin, timeMax, items }: Call['body']): Answer {
    if (!scopes.some(scope => scope === SCOPE || scope.endsWith('freebusy'))) return insufficientScope()
    const [from, to] = [Date.parse(String(timeMin)), Date.parse(String(timeMax))]
    if (to - from > 90 * 86_400_000)
      return googleError(400, 'timeRangeTooLong', 'The requested time range is too long.')
    const [{ id }] = items as [{ id: string }]
    const errors = [{ domain: 'global', reason: 'notFound' }]
    const isThere = id === CALENDAR && api.role !== 'none'
    const found = isThere ? { busy: blocks(from, to) } : { errors, busy: [] }
    return { status: 200, body: { kind: 'calendar#freeBusy', timeMin, timeMax, calendars: { [id]: found } } }
  }

  function blocks(from: number, to: number): { start: string; end: string }[] {
    const joined: { start: number; end: number }[] = []
    const times = current()
      .flatMap(instances)
      .filter(takesTime)
      .map(({ start, end }) => ({ start: Math.max(millis(start), from), end: Math.min(millis(end), to) }))
      .filter(({ start, end }) => start < end)
      .sort((one, other) => one.start - other.start)
    for (const time of times) {
      const last = joined.at(-1)
      if (last !== undefined && time.start <= last.end) last.end = Math.max(last.end, time.end)
      else joined.push(time)
    }
    return joined.map(({ start, end }) => ({ start: seconds(start), end: seconds(end) }))
  }

  const current = () => [...events.values()].filter(({ status }) => status !== 'cancelled')

  const standIn = await startStandIn(answerTo)
  const api: GoogleApi = {
    ...standIn,
    serviceAccount: JSON.stringify({
      type: 'service_account',
      project_id: 'tutor-project',
      private_key_id: '0123456789abcdef',
      private_key: privateKey,
      client_email: email,
      token_uri: TOKEN_URL,
    }),
    email,
    calendarId: CALENDAR,
    events,
    role: 'writer',
    pageSize: 2_500,
    addEvent: parts => store({ id: randomUUID().replaceAll('-', ''), ...parts }),
    edit: (id, parts) => void store({ ...(events.get(id) as EventState), ...parts }),
    current,
    tokens,
    revokeTokens() {
      validTokens = new Set()
    },
  }
  return api
}

/** Patch semantics: fields that are given, at any depth; null removes one. */
function merged(value: unknown, patch: object): object {
  const fields = Object.entries(patch).map(([name, given]) => {
    const old = Object(value)[name]
    const isMap = typeof given === 'object' && given !== null && !Array.isArray(given)
    return [name, isMap ? merged(old, given) : given]
  })
  const all = { ...Object(value), ...Object.fromEntries(fields) }
  return Object.fromEntries(Object.entries(all).filter(([, each]) => each !== null))
}

/** Google doesn't document whether case matters, so it is ignored here. */
function hasProperty({ extendedProperties }: EventState, name: string, value: string): boolean {
  return extendedProperties?.private?.[name]?.toLowerCase() === value.toLowerCase()
}

/** Milliseconds are dropped: a range ends on whole seconds. */
function overlaps(event: EventState, timeMin: string | null, timeMax: string | null): boolean {
  const whole = (time: string) => Math.floor(Date.parse(time) / 1_000) * 1_000
  if (timeMin !== null && millis(event.end) <= whole(timeMin)) return false
  return timeMax === null || millis(event.start) < whole(timeMax)
}

function takesTime({ transparency, attendees }: EventState): boolean {
  const declined = attendees?.some(({ self, responseStatus }) => self && responseStatus === 'declined')
  return transparency !== 'transparent' && !declined
}

/** The occurrences of an event: the event itself unless it recurs. */
function instances(event: EventState): EventState[] {
  const { recurrence, ...single } = event
  const [, frequency, count] = /FREQ=(\w+);COUNT=(\d+)/.exec(recurrence?.[0] ?? '') ?? []
  if (frequency === undefined) return [event]
  const days = frequency === 'WEEKLY' ? 7 : 1
  return Array.from({ length: Number(count) }, (_, index) => {
    const shifted = (time: Time) => {
      const moved = DateTime.fromISO(String(time.dateTime), { zone: ZONE }).plus({ days: index * days })
      return { dateTime: seconds(moved.toMillis()) }
    }
    const start = shifted(event.start)
    const id = `${event.id}_${start.dateTime.replace(/[-:]/g, '')}`
    return { ...single, id, recurringEventId: event.id, start, end: shifted(event.end) } as EventState
  })
}

function millis({ dateTime, date }: Time): number {
  return DateTime.fromISO(String(dateTime ?? date), { zone: ZONE }).toMillis()
}

function seconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+/, '')
}
