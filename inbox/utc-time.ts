/** The first and the last time that ISO 8601 writes with a year of four digits, Unix ms. */
const MIN_TIME = Date.parse('0000-01-01T00:00:00.000Z')
const MAX_TIME = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * The nearest time that everything can show: what a host or a wrong clock has put into a store may be none that a Date
 * can be, and must not make a page, a feed or a list fail. @param at Unix ms
 */
export function showableTime(at: number): number {
  return Math.min(Math.max(at, MIN_TIME), MAX_TIME)
}

/** ISO 8601, in UTC. Never throws for a number; what is out of range is the nearest time that can be shown. @param at Unix ms */
export function utcTime(at: number): string {
  return new Date(showableTime(at)).toISOString()
}
