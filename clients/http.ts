/** Shared by calls to any outside system: deadlines, transient statuses, Retry-After, and what proves an outage. */

/** What a client asks before each call, and tells after it: see inbox/breaker.ts. */
export interface Gate {
  /** Resolves when the call may be made. Rejects with a TransientError while the system is held. */
  enter(signal: AbortSignal): Promise<void> | void
  /** The system itself has answered. */
  answered(): void
}

export const OPEN_GATE: Gate = { enter() {}, answered() {} }

/**
 * Aborts a call by its caller's signal, or by a timeout from now.
 * @param timeoutMs for the whole call, including the response body, ms
 */
export function deadline(caller: AbortSignal, timeoutMs: number): { signal: AbortSignal; timedOut(): boolean } {
  const timeout = AbortSignal.timeout(timeoutMs)
  return { signal: AbortSignal.any([caller, timeout]), timedOut: () => timeout.aborted }
}

/** Whether a retry can help after a status (RFC 9110, 15; RFC 8470 for 425; RFC 6585 for 429). */
export function isTransientStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

/** Whether a status is about the system, not about this call. */
export function isOutageStatus(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

/** Codes of connections that could not be made; one that breaks may be about what was sent over it. */
const UNREACHABLE = new Set<unknown>([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Whether the system could not be reached at all. @param error what a connection failed with, or its cause */
export function isUnreachable(error: unknown): boolean {
  return UNREACHABLE.has((error as NodeJS.ErrnoException).code)
}

/** An http(s) URL without user and password, which fetch refuses and quotes; undefined: not one. */
export function httpUrl(text: unknown): URL | undefined {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password === '' ? url : undefined
}

/** Like `httpUrl`, without a path. */
export function serverUrl(text: unknown): URL | undefined {
  const url = httpUrl(text)
  return url?.pathname === '/' ? url : undefined
}

/** Longest accepted Retry-After, ms. */
const MAX_RETRY_AFTER_MS = 60 * 60 * 1_000

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** The three date formats of HTTP (RFC 9110, 5.6.7), all in GMT. */
const DATES = [
  /^\w{3}, (?<day>\d{2}) (?<month>\w{3}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^\w{6,9}, (?<day>\d{2})-(?<month>\w{3})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^\w{3} (?<month>\w{3}) (?<day>[\d ]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
]

/**
 * A Retry-After header in ms, an hour at most; it is in seconds or a date (RFC 9110, 10.2.3). 0: absent, past or
 * malformed.
 */
export function retryAfterMs(header: string | null | undefined): number {
  const text = header?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1_000, MAX_RETRY_AFTER_MS)
  const at = parseDate(text)
  if (at === undefined) return 0
  return Math.min(Math.max(0, at - Date.now()), MAX_RETRY_AFTER_MS)
}

/** Unix ms. Date.parse would read the format without GMT as local time, and even accept `soon 5`. */
function parseDate(text: string): number | undefined {
  const { day, month, year, time } = DATES.map(form => form.exec(text)?.groups).find(Boolean) ?? {}
  const index = MONTHS.indexOf(String(month))
  if (index === -1) return undefined
  // Two-digit years are of this century: nobody asks for a retry in the last one.
  const at = Date.parse(
    `${String(year).padStart(4, '20')}-${`${index + 1}`.padStart(2, '0')}-${String(day).trim().padStart(2, '0')}T${time}Z`,
  )
  return Number.isNaN(at) ? undefined : at
}
