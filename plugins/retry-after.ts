/** What a Retry-After header asks for, in ms: it is in seconds or an HTTP date (RFC 9110, 10.2.3). 0: nothing. */
export function retryAfterMs(header: string | null | undefined): number {
  if (header == null) return 0
  const seconds = Number(header)
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1_000
  return Number.isNaN(ms) ? 0 : Math.max(0, ms)
}
