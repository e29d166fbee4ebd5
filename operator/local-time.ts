import { IANAZone } from 'luxon'

/** Local times: without an offset, they are in a given time zone. */

/** Which instant a time in a repeated hour means: ranges begin with the first and end with the second. */
export type Occurrence = 'first' | 'second'

/** Larger than any zone's offset; no zone changes twice within twice this time, ms. */
const DAY_MS = 24 * 60 * 60 * 1_000

/** The machine's own IANA time zone. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/**
 * Parses an ISO 8601 time to Unix ms; a date alone means midnight. Without an offset it is in the zone: a repeated time
 * is the given occurrence, a skipped one the moment of the change.
 * @returns undefined if it is not a time
 */
export function readTime(text: string, zone: string, occurrence: Occurrence): number | undefined {
  const pattern = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i
  const [, date, time = '00:00', seconds = ':00', offset] = pattern.exec(text.trim()) ?? []
  if (date === undefined) return undefined
  const wall = Date.parse(`${date}T${time}${seconds}Z`)
  // Date.parse reads 30 February as a day in March.
  if (Number.isNaN(wall) || !new Date(wall - (time === '24:00' ? 1 : 0)).toISOString().startsWith(date))
    return undefined
  return offset === undefined ? instantOf(wall, IANAZone.create(zone), occurrence) : wall - offsetMs(offset)
}

/** The form value of an instant, which parses to the same instant again. */
export function timeField(at: number, zone: string, occurrence: Occurrence): { type: string; value: string } {
  const local = new Date(at + offsetAt(IANAZone.create(zone), at)).toISOString().slice(0, -1)
  const value = local.replace(/(:00)?\.000$/, '')
  if (readTime(value, zone, occurrence) === at) return { type: 'datetime-local', value }
  // The other occurrence in a repeated hour, which a datetime-local field can't express.
  return { type: 'text', value: new Date(at).toISOString() }
}

/** @param wall local time, as if it were UTC */
function instantOf(wall: number, zone: IANAZone, occurrence: Occurrence): number {
  const [before, after] = [wall - DAY_MS, wall + DAY_MS].map(at => offsetAt(zone, at)) as [number, number]
  const instants = [wall - before, wall - after].filter(at => at + offsetAt(zone, at) === wall)
  if (instants.length > 0) return occurrence === 'first' ? Math.min(...instants) : Math.max(...instants)
  // Skipped: the clocks went forward between these two.
  let [early, late] = [wall - after, wall - before]
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2)
    if (offsetAt(zone, middle) === before) early = middle
    else late = middle
  }
  return late
}

/** The zone's offset from UTC, ms. */
function offsetAt(zone: IANAZone, at: number): number {
  return Math.round(zone.offset(at) * 60_000)
}

function offsetMs(offset: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(offset) ?? []
  if (sign === undefined) return 0
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
