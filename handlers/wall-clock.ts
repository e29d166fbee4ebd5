import { IANAZone } from 'luxon'

/**
 * What clocks in a zone show, as the Unix ms at which UTC shows the same: such days all have 24 hours. Intl is asked
 * once per day and zone, as it takes 10 µs, and free times are thousands.
 */

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** The offset of one day of UTC, ms; clocks change once a day at most. */
interface Offsets {
  before: number
  after: number
  /** Unix ms. */
  changeAt: number
}

/** By zone, and days since 1970. */
const known = new Map<string, Map<number, Offsets>>()
/** Forgotten are all at once. Days; about 100 bytes each. */
const MAX_KNOWN = 20_000
let count = 0

/** Offset from UTC, ms. @param zone IANA */
export function offsetAt(moment: number, zone: string): number {
  const day = Math.floor(moment / DAY)
  const { before, after, changeAt } = known.get(zone)?.get(day) ?? learn(zone, day)
  return moment < changeAt ? before : after
}

function learn(zone: string, day: number): Offsets {
  if (++count > MAX_KNOWN) {
    known.clear()
    count = 1
  }
  const offset = (at: number) => IANAZone.create(zone).offset(at) * MINUTE
  const [start, end] = [day * DAY, (day + 1) * DAY]
  const [before, after] = [offset(start), offset(end - 1)]
  const offsets = {
    before,
    after,
    changeAt: before === after ? end : changeIn(start, end, at => offset(at) === before),
  }
  const ofZone = known.get(zone) ?? new Map<number, Offsets>()
  known.set(zone, ofZone.set(day, offsets))
  return offsets
}

/** The first moment at which it is not as at the start. */
function changeIn(start: number, end: number, isAsBefore: (at: number) => boolean): number {
  let [from, to] = [start, end - 1]
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2)
    if (isAsBefore(middle)) from = middle
    else to = middle
  }
  return to
}

/** What the clock shows at a moment. */
export function wallAt(moment: number, zone: string): number {
  return moment + offsetAt(moment, zone)
}

/** The wall time of midnight on a moment's day. */
export function dayOf(moment: number, zone: string): number {
  return Math.floor(wallAt(moment, zone) / DAY) * DAY
}

/**
 * The moment of a wall time: the first of two, undefined if skipped. luxon's own conversion moves skipped times, and
 * which of two moments it picks depends on today's season.
 */
export function momentOf(wall: number, zone: string): number | undefined {
  return [wall - DAY, wall + DAY].map(near => wall - offsetAt(near, zone)).find(moment => wallAt(moment, zone) === wall)
}

/** ISO: 1 is Monday. */
export function weekdayOf(wall: number): number {
  // 1970 began with a Thursday.
  return ((((Math.floor(wall / DAY) + 3) % 7) + 7) % 7) + 1
}
