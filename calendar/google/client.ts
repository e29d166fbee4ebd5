import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { auth } from '@googleapis/calendar'
import {
  deadline,
  type Gate,
  isOutageStatus,
  isTransientStatus,
  isUnreachable,
  OPEN_GATE,
  retryAfterMs,
  serverUrl,
} from '../../clients/http.ts'
import { OptionError, PermanentError, TransientError } from '../../inbox/errors.ts'
import { traced } from '../../inbox/tracing.ts'

/** Calls to Google: the service account's tokens, timeouts and errors. */

export interface GoogleCalendarOptions {
  /** The service account's key file from Google: a path, or the JSON itself. */
  serviceAccount: string
  /** Under "Integrate calendar" in the calendar's settings, such as `…@group.calendar.google.com`. */
  calendarId: string
  /** Base URL of Google's API (for a proxy or tests). Token requests go there too. */
  apiBase?: string
  /** Timeout of an API call, including the token request it may need, ms. Default 10,000. */
  timeoutMs?: number
}

export type Signal = { signal: AbortSignal }

/** Just enough for events.list, insert, get, update and delete, and freebusy.query. */
const SCOPES = [
  'https://www.googleapis.com/auth/calendar.events',
  'https://www.googleapis.com/auth/calendar.events.freebusy',
]

/** @throws {OptionError} that names the missing or malformed option */
export function createGoogleClient(
  { serviceAccount, calendarId, apiBase, timeoutMs = 10_000 }: GoogleCalendarOptions,
  gate: Gate,
) {
  const { email, key } = readServiceAccount(serviceAccount)
  if (!calendarId) throw new OptionError('calendar.google.calendarId (GCAL_CALENDAR_ID) is missing')
  const client = createClient({ email, key }, validBase(apiBase), timeoutMs)
  const parts = { client, email, timeoutMs }
  return { client, email, call: createCall({ ...parts, gate }), callAnyway: createCall({ ...parts, gate: OPEN_GATE }) }
}

/** Google refused a call. */
class GoogleRefusedError extends PermanentError {
  override name = 'GoogleRefusedError'
  readonly system = 'google'
  readonly status: number
  /** Google's reason code. */
  readonly reason: string
  constructor(message: string, status: number, reason: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/** For catch: returns `answer` if Google refused a call with one of these statuses or reasons. */
export function when<T>(causes: (number | string)[], answer: T): (error: unknown) => T {
  return error => {
    if (!(error instanceof GoogleRefusedError)) throw error
    if (!causes.includes(error.status) && !causes.includes(error.reason)) throw error
    return answer
  }
}

/** For catch: Google has answered, if only by a refusal. */
export function unlessRefused(error: unknown): void {
  if (!(error instanceof GoogleRefusedError)) throw error
}

type Client = InstanceType<typeof auth.JWT>

/** A client that fetches its own tokens, and doesn't retry: the inbox does that. */
function createClient({ email, key }: ServiceAccount, base: URL | undefined, timeoutMs: number): Client {
  const client = new auth.JWT({
    email,
    key,
    scopes: SCOPES,
    // No redirects: they would forward the token.
    transporterOptions: {
      timeout: timeoutMs,
      retryConfig: { retry: 0 },
      redirect: 'error',
      adapter: (config, send) => traced(config.method ?? 'GET', config.url, () => send(config)),
    },
  })
  // The token's URL is a constant of the library (gtoken/getToken.js): only an interceptor can send it elsewhere.
  if (base !== undefined) {
    client.transporter.interceptors.request.add({
      resolved: async config => Object.assign(config, { url: new URL(config.url.pathname + config.url.search, base) }),
    })
  }
  return client
}

interface CallOptions {
  client: Client
  email: string
  timeoutMs: number
  gate: Gate
}

/** A failure of Google's, not of one call of ours. */
const PROOF = { system: 'google', isProof: true } as const
/** A failure that may be of this call alone. */
const FAILURE = { system: 'google', isProof: false } as const

/** Makes calls and translates their errors. `kind`: what the answer must say it is; '' for an empty answer. */
function createCall({ client, email, timeoutMs, gate }: CallOptions) {
  return async <T>(
    name: string,
    kind: string,
    request: (options: Signal) => Promise<{ data: unknown }>,
    signal: AbortSignal,
  ): Promise<T> => {
    await gate.enter(signal)
    const limit = deadline(signal, timeoutMs)
    let data: unknown
    try {
      limit.signal.throwIfAborted()
      // A token request takes no signal, and other calls may wait for it too: it has its own timeout.
      data = (await Promise.race([request({ signal: limit.signal }), abortOf(limit.signal)])).data
    } catch (error) {
      if (signal.aborted) throw new TransientError(`Google: ${name} was aborted`)
      if (limit.timedOut()) {
        throw new TransientError(`Google did not answer ${name} within ${timeoutMs} ms`, {
          outage: { ...FAILURE, code: 'timeout' },
        })
      }
      const translated = translate(name, error as Failure, client, email)
      if (translated instanceof GoogleRefusedError) gate.answered()
      throw translated
    }
    if ((Object(data).kind ?? data) !== kind) {
      throw new TransientError(`The answer to ${name} is not Google's`, { outage: PROOF })
    }
    gate.answered()
    return data as T
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

/** A refused token is useless; the next call fetches a new one. */
function forgetToken(client: Client): void {
  client.setCredentials({ refresh_token: 'jwt-placeholder', expiry_date: 1 })
}

/** The used part of gaxios errors. They carry keys and tokens, so they are not passed on. */
interface Failure extends Error {
  code?: string | number
  /** Absent: not a gaxios error. */
  config?: { url: URL }
  response?: { status: number; data: unknown; headers: Headers }
}

function translate(name: string, failure: Failure, client: Client, email: string): Error {
  const { code, config, response } = failure
  if (config === undefined) return failure
  const isOfToken = config.url.pathname === '/token'
  const step = isOfToken ? `the token request of ${name}` : name
  if (response === undefined) {
    const outage = isUnreachable(failure) ? PROOF : FAILURE
    return new TransientError(`Google could not be reached for ${step}: ${code}`, { outage: { ...outage, code } })
  }
  const { status, data, headers } = response
  if (status === 401 && !isOfToken) {
    forgetToken(client)
    return new TransientError(`Google refused the token for ${name}`, { outage: { ...FAILURE, code: status } })
  }
  return refusal(step, status, data, headers.get('retry-after'), email)
}

/** Transient reasons: https://developers.google.com/workspace/calendar/api/guides/errors */
const TRANSIENT_REASONS = new Set([
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'quotaExceeded',
  'dailyLimitExceeded',
  'internalError',
])
/** Reasons if the calendar is not shared, or only for reading. */
const NOT_SHARED = new Set(['notFound', 'forbidden', 'requiredAccessLevel'])

export function refusal(name: string, status: number, data: unknown, retryAfter: string | null, email: string): Error {
  const { reason, message } = reasonOf(data)
  const text = `Google refused ${name}: ${[status, reason, message].filter(Boolean).join(' ')}`
  if (isTransientStatus(status) || TRANSIENT_REASONS.has(reason)) {
    const outage = isOutageStatus(status) || status === 403 ? PROOF : FAILURE
    return new TransientError(text, { retryAfterMs: retryAfterMs(retryAfter), outage: { ...outage, code: status } })
  }
  const hint = NOT_SHARED.has(reason) ? ` (share the calendar with ${email}, with the right to change events)` : ''
  return new GoogleRefusedError(text + hint, status, reason)
}

/** Google's reason and message; the API's errors and those of the token endpoint (RFC 6749, 5.2) differ. */
function reasonOf(data: unknown): { reason: string; message: string } {
  const { error, error_description } = Object(data)
  if (typeof error === 'string') return { reason: error, message: readable(error_description) }
  return { reason: String(error?.errors?.[0]?.reason ?? ''), message: readable(error?.message) }
}

/** Long words are cut: they could be a repeated token. */
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

/** @throws {OptionError} without any part of the option: it may contain a key */
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
  const url = serverUrl(apiBase)
  if (url !== undefined) return url
  throw new OptionError('calendar.google.apiBase (GCAL_API_BASE) must be an http or https URL without a path')
}
