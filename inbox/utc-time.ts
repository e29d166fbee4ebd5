/** The first and last time that ISO 8601 writes with a four-digit year, Unix ms. */
const MIN_TIME = Date.parse('0000-01-01T00:00:00.000Z')
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * The nearest time that can be displayed: a value from a host or a wrong clock may not be a valid Date, and must not
 * break a page, a feed or a list. @param at Unix ms
 */
export function showableTime(at: number): number {
  return Math.min(Math.max(at, MIN_TIME), MAX_TIME)
}

/** ISO 8601 in UTC, clamped to what can be displayed; never throws for a number. @param at Unix ms */
export function utcTime(at: number): string {
  return new Date(showableTime(at)).toISOString()
}
