import { IANAZone } from 'luxon'

/** Times as people write them: without an offset they are of a time zone. */

/** Which of its two instants a time of a repeated hour is: a range takes the first for its beginning, the second for its end. */
export type Occurrence = 'first' | 'second'

/** No zone is further from UTC, and none changes twice within twice of it, ms. */
const DAY_MS = 24 * 60 * 60 * 1_000

/** The machine's own IANA time zone. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

/**
 * A time in ISO 8601, as Unix ms; a date alone is its beginning. Without an offset it is of the zone: one that the clocks
 * pass twice is the occurrence that is asked for, one that they leave out is the instant at which they do.
 * @returns undefined: it is no time
 */
export function readTime(text: string, zone: string, occurrence: Occurrence): number | undefined {
  const pattern = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/i
  const [, date, time = '00:00', seconds = ':00', offset] = pattern.exec(text.trim()) ?? []
  if (date === undefined) return undefined
  const wall = Date.parse(`${date}T${time}${seconds}Z`)
  // Date.parse takes the 30th of February for a day of March.
  if (Number.isNaN(wall) || !new Date(wall - (time === '24:00' ? 1 : 0)).toISOString().startsWith(date))
    return undefined
  return offset === undefined ? instantOf(wall, IANAZone.create(zone), occurrence) : wall - offsetMs(offset)
}

/** What a form shows for an instant, so that the form gives the same instant when it is sent as it is. */
export function timeField(at: number, zone: string, occurrence: Occurrence): { type: string; value: string } {
  const local = new Date(at + offsetAt(IANAZone.create(zone), at)).toISOString().slice(0, -1)
  const value = local.replace(/(:00)?\.000$/, '')
  if (readTime(value, zone, occurrence) === at) return { type: 'datetime-local', value }
  // The other one of a repeated hour: a browser's own field has no place for the offset.
  return { type: 'text', value: new Date(at).toISOString() }
}

/** @param wall what the clocks show, as if it were UTC */
function instantOf(wall: number, zone: IANAZone, occurrence: Occurrence): number {
  const [before, after] = [wall - DAY_MS, wall + DAY_MS].map(at => offsetAt(zone, at)) as [number, number]
  const instants = [wall - before, wall - after].filter(at => at + offsetAt(zone, at) === wall)
  if (instants.length > 0) return occurrence === 'first' ? Math.min(...instants) : Math.max(...instants)
  // Left out: between these two, the clocks were put forward.
  let [early, late] = [wall - after, wall - before]
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2)
    if (offsetAt(zone, middle) === before) early = middle
    else late = middle
  }
  return late
}

/** ms that the zone's clocks are ahead of UTC. */
function offsetAt(zone: IANAZone, at: number): number {
  return Math.round(zone.offset(at) * 60_000)
}

function offsetMs(offset: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(offset) ?? []
  if (sign === undefined) return 0
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
