/** What holds for a call to any outside system: its deadline, what passes by itself, how long to wait. */

/**
 * What ends a call: its caller's signal, or a time-out from now on.
 * @param timeoutMs for the whole call, up to the last byte of its answer, ms
 */
export function deadline(caller: AbortSignal, timeoutMs: number): { signal: AbortSignal; timedOut(): boolean } {
  const timeout = AbortSignal.timeout(timeoutMs)
  return { signal: AbortSignal.any([caller, timeout]), timedOut: () => timeout.aborted }
}

/** Whether a status passes by itself, so that trying again can help (RFC 9110, 15; RFC 8470 for 425; RFC 6585 for 429). */
export function isTransientStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

/** An http(s) URL without a user and a password, which fetch refuses, and quotes; undefined: it is none. */
export function httpUrl(text: unknown): URL | undefined {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password === '' ? url : undefined
}

/** As `httpUrl`, of a whole server: without a path. */
export function serverUrl(text: unknown): URL | undefined {
  const url = httpUrl(text)
  return url?.pathname === '/' ? url : undefined
}

/** A longer wait is not believed, ms. */
const MAX_RETRY_AFTER_MS = 60 * 60 * 1_000

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** The three forms of a date in HTTP (RFC 9110, 5.6.7), all of them in GMT. */
const DATES = [
  /^\w{3}, (?<day>\d{2}) (?<month>\w{3}) (?<year>\d{4}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^\w{6,9}, (?<day>\d{2})-(?<month>\w{3})-(?<year>\d{2}) (?<time>\d{2}:\d{2}:\d{2}) GMT$/,
  /^\w{3} (?<month>\w{3}) (?<day>[\d ]\d) (?<time>\d{2}:\d{2}:\d{2}) (?<year>\d{4})$/,
]

/**
 * What a Retry-After header asks for, ms, an hour at most: it is in seconds or a date (RFC 9110, 10.2.3).
 * 0: nothing, a time that is over, or nonsense.
 */
export function retryAfterMs(header: string | null | undefined): number {
  const text = header?.trim() ?? ''
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Number(text) * 1_000, MAX_RETRY_AFTER_MS)
  const at = parseDate(text)
  if (at === undefined) return 0
  return Math.min(Math.max(0, at - Date.now()), MAX_RETRY_AFTER_MS)
}

/** Unix ms. Date.parse would take the form without GMT for local time, and a time out of `soon 5`. */
function parseDate(text: string): number | undefined {
  const { day, month, year, time } = DATES.map(form => form.exec(text)?.groups).find(Boolean) ?? {}
  const index = MONTHS.indexOf(String(month))
  if (index === -1) return undefined
  // Of two digits, the year is the one of this century: nobody is asked to come back in the one before.
  const at = Date.parse(
    `${String(year).padStart(4, '20')}-${`${index + 1}`.padStart(2, '0')}-${String(day).trim().padStart(2, '0')}T${time}Z`,
  )
  return Number.isNaN(at) ? undefined : at
}
