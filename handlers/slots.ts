import type { Busy, Interval } from '../calendar/contract.ts'
import type { HourSpan } from '../tutor/days.ts'
import type { PlanningProfile } from './planning.ts'
import { dayOf, momentOf, wallAt, weekdayOf } from './wall-clock.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** In an offer, as long as other days have slots. */
const MAX_SLOTS_PER_DAY = 2

/**
 * The slots that can be offered at `now` (Unix ms), in order, in an IANA time zone. A slot begins a whole number of
 * steps after a span of the day's hours begins, by the clock, and ends by the end of that span. The days are today and
 * the `daysAhead` that follow in the calendar, whatever their length.
 *
 * When clocks go forward, skipped times are no slots, and a lesson across the change ends an hour later by the clock.
 * When they go back, a time that occurs twice is offered once: the first.
 *
 * `busy`: in any order; empty or reversed intervals are ignored. Buffers may touch busy times.
 */
export function freeSlots(profile: PlanningProfile, busy: readonly Busy[], now: number, zone: string): Interval[] {
  const earliest = now + profile.leadMinutes * MINUTE
  const today = dayOf(now, zone)
  const lessons = lessonsByDay(busy, zone)
  const isTaken = collisionsWith([...busy], { before: profile.bufferBefore, after: profile.bufferAfter })
  const isClosed = collisionsWith([...profile.closed], { before: 0, after: 0 })
  return Array.from({ length: profile.daysAhead + 1 }, (_, ahead) => today + ahead * DAY)
    .filter(day => (lessons.get(day) ?? 0) < profile.maxPerDay)
    .flatMap(day => (profile.hours[weekdayOf(day)] ?? []).flatMap(span => slotsOf(day, span, profile, zone)))
    .filter(slot => slot.start >= earliest && !isClosed(slot) && !isTaken(slot))
}

/** How many lessons and holds begin on a day, by the wall time of its midnight. */
export function lessonsByDay(busy: readonly Busy[], zone: string): Map<number, number> {
  const lessons = busy.filter(({ start, end, isOther }) => !isOther && start < end)
  return new Map([...Map.groupBy(lessons, ({ start }) => dayOf(start, zone))].map(([day, each]) => [day, each.length]))
}

/** Whether a slot, with so many minutes before and after it, collides with one of the intervals. */
function collisionsWith(intervals: Interval[], { before, after }: { before: number; after: number }) {
  const taken: Interval[] = []
  for (const { start, end } of intervals
    .filter(each => each.start < each.end)
    .sort((one, other) => one.start - other.start)) {
    const last = taken.at(-1)
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end)
    else taken.push({ start, end })
  }
  return (slot: Interval): boolean => {
    const [from, to] = [slot.start - before * MINUTE, slot.end + after * MINUTE]
    const next = taken[firstEndingAfter(taken, from)]
    return next !== undefined && next.start < to
  }
}

/** The place of the first interval that ends after a moment. @param intervals apart from each other, in order */
function firstEndingAfter(intervals: readonly Interval[], moment: number): number {
  let [low, high] = [0, intervals.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((intervals[middle] as Interval).end > moment) high = middle
    else low = middle + 1
  }
  return low
}

/** Pupils are free then, minutes of the day: the first time of a day to be offered is the one nearest to it. */
const AFTERNOON = 16 * 60

/**
 * At most `count` slots to offer, of slots in order and without those that begin at a time in `shown` (Unix ms): spread
 * over the days, two of each before any third, and over each day. In order.
 */
export function pickSlots(
  slots: readonly Interval[],
  count: number,
  zone: string,
  shown: ReadonlySet<number> = new Set(),
): Interval[] {
  const days = [...Map.groupBy(slots, ({ start }) => dayOf(start, zone)).values()].map(ofDay =>
    spreadOverDay(ofDay, zone),
  )
  const ranked = days.flatMap((ofDay, day) =>
    ofDay.map((slot, index) => ({ slot, day, round: Math.floor(index / MAX_SLOTS_PER_DAY) })),
  )
  return ranked
    .filter(({ slot }) => !shown.has(slot.start))
    .sort((one, other) => one.round - other.round || one.day - other.day)
    .slice(0, count)
    .map(({ slot }) => slot)
    .sort((one, other) => one.start - other.start)
}

/** First the one nearest to the afternoon, then each time the one that is furthest from those before. */
function spreadOverDay(slots: readonly Interval[], zone: string): Interval[] {
  const left = slots.map(slot => ({ slot, at: wallAt(slot.start, zone) }))
  const spread: Interval[] = []
  // The first: as if all but the afternoon were taken.
  let distances = left.map(({ at }) => -Math.abs((at % DAY) - AFTERNOON * MINUTE))
  while (left.length > 0) {
    const index = distances.indexOf(Math.max(...distances))
    const [next] = left.splice(index, 1) as [(typeof left)[number]]
    const before = spread.length === 0 ? left.map(() => Infinity) : distances.toSpliced(index, 1)
    distances = left.map(({ at }, each) => Math.min(before[each] as number, Math.abs(at - next.at)))
    spread.push(next.slot)
  }
  return spread
}

/** @param day the wall time of its midnight */
function slotsOf(day: number, [from, to]: HourSpan, profile: PlanningProfile, zone: string): Interval[] {
  const slots: Interval[] = []
  const closing = day + to * MINUTE
  const closesAt = momentOf(closing, zone) ?? Number.POSITIVE_INFINITY
  for (let wall = day + from * MINUTE; wall < closing; wall += profile.stepMinutes * MINUTE) {
    const start = momentOf(wall, zone)
    if (start === undefined) continue
    const end = start + profile.minutes * MINUTE
    // The last millisecond: at the end itself the clock may have jumped from midnight to one o'clock. Both: clocks that
    // go back show a time before the closing again, after it.
    if (wallAt(end - 1, zone) < closing && end <= closesAt) slots.push({ start, end })
  }
  return slots
}
