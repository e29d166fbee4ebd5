import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { auth } from '@googleapis/calendar'
import { deadline, isTransientStatus, retryAfterMs, serverUrl } from '../../clients/http.ts'
import { OptionError, PermanentError, TransientError } from '../../inbox/errors.ts'

/** The way to Google: the service account's tokens, time limits, and what errors mean. */

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

export type Signal = { signal: AbortSignal }

/** No more than what events.list, insert, get, update and delete, and freebusy.query need. */
const SCOPES = [
  'https://www.googleapis.com/auth/calendar.events',
  'https://www.googleapis.com/auth/calendar.events.freebusy',
]

/** @throws {OptionError} that names the option which is missing or malformed */
export function createGoogleClient({ serviceAccount, calendarId, apiBase, timeoutMs = 10_000 }: GoogleCalendarOptions) {
  const { email, key } = readServiceAccount(serviceAccount)
  if (!calendarId) throw new OptionError('calendar.google.calendarId (GCAL_CALENDAR_ID) is missing')
  const client = createClient({ email, key }, validBase(apiBase), timeoutMs)
  return { client, email, call: createCall(client, email, timeoutMs) }
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
export function when<T>(causes: (number | string)[], answer: T): (error: unknown) => T {
  return error => {
    if (!(error instanceof GoogleRefusedError)) throw error
    if (!causes.includes(error.status) && !causes.includes(error.reason)) throw error
    return answer
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
    const limit = deadline(signal, timeoutMs)
    let data: unknown
    try {
      limit.signal.throwIfAborted()
      // A token request can't be given a signal, and others may wait for it too: it is left to its own timeout.
      data = (await Promise.race([request({ signal: limit.signal }), abortOf(limit.signal)])).data
    } catch (error) {
      if (limit.timedOut()) throw new TransientError(`Google did not answer ${name} within ${timeoutMs} ms`)
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
/** What Google says where the calendar is not shared, or only to be read. */
const NOT_SHARED = new Set(['notFound', 'forbidden', 'requiredAccessLevel'])

export function refusal(name: string, status: number, data: unknown, retryAfter: string | null, email: string): Error {
  const { reason, message } = reasonOf(data)
  const text = `Google refused ${name}: ${[status, reason, message].filter(Boolean).join(' ')}`
  if (isTransientStatus(status) || PASSING_REASONS.has(reason)) {
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
  const url = serverUrl(apiBase)
  if (url !== undefined) return url
  throw new OptionError('calendar.google.apiBase (GCAL_API_BASE) must be an http or https URL without a path')
}
