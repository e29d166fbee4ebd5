import { DateTime } from 'luxon'
import type { Interval } from '../calendar/contract.ts'
import type { PlanningProfile } from './planning.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** As long as other days have slots to offer. */
const MAX_SLOTS_PER_DAY = 2

/**
 * The slots that can be offered at `now` (Unix ms), in order, in an IANA time zone. A slot begins a whole number of
 * steps after the earliest hour, by the clock, and ends by the latest hour of that day. The days are today and the
 * `daysAhead` that follow in the calendar, whatever their length.
 *
 * When clocks go forward, skipped times are no slots, and a lesson across the change ends an hour later by the clock.
 * When they go back, a time that occurs twice is offered once: the first.
 *
 * `busy`: in any order; empty or reversed intervals are ignored. Buffers may touch busy times.
 */
export function freeSlots(profile: PlanningProfile, busy: readonly Interval[], now: number, zone: string): Interval[] {
  const earliest = now + profile.leadMinutes * MINUTE
  const today = dayOf(now, zone)
  return Array.from({ length: profile.daysAhead + 1 }, (_, ahead) => today + ahead * DAY)
    .filter(day => profile.weekdays.includes(weekdayOf(day)))
    .flatMap(day => slotsOf(day, profile, zone))
    .filter(slot => slot.start >= earliest && !busy.some(taken => collide(slot, taken, profile)))
}

/**
 * At most `count` slots to offer, of slots in order: those that start after `after` (Unix ms), the first two of each
 * day before any third, so that a student can choose between days. In order.
 */
export function pickSlots(slots: readonly Interval[], count: number, zone: string, after = -Infinity): Interval[] {
  const later = slots.filter(slot => slot.start > after)
  const days = later.map(slot => dayOf(slot.start, zone))
  const isSpare = (index: number) => days[index] === days[index - MAX_SLOTS_PER_DAY]
  const spread = later.filter((_, index) => !isSpare(index))
  const spare = later.filter((_, index) => isSpare(index))
  return [...spread, ...spare].slice(0, count).sort((a, b) => a.start - b.start)
}

// A wall time is what the clock shows, as the Unix ms at which UTC shows the same. Its days all have 24 hours.

/** @param day the wall time of its midnight */
function slotsOf(day: number, profile: PlanningProfile, zone: string): Interval[] {
  const slots: Interval[] = []
  const closing = day + profile.latestHour * HOUR
  for (let wall = day + profile.earliestHour * HOUR; wall < closing; wall += profile.stepMinutes * MINUTE) {
    const start = momentOf(wall, zone)
    if (start === undefined) continue
    const end = start + profile.minutes * MINUTE
    // The last millisecond: at the end itself the clock may have jumped from midnight to one o'clock.
    if (wallAt(end - 1, zone) < closing) slots.push({ start, end })
  }
  return slots
}

function collide(slot: Interval, taken: Interval, profile: PlanningProfile): boolean {
  const start = slot.start - profile.bufferBefore * MINUTE
  const end = slot.end + profile.bufferAfter * MINUTE
  return Math.max(start, taken.start) < Math.min(end, taken.end)
}

/**
 * The moment of a wall time: the first of two, undefined if skipped. luxon's own conversion moves skipped times, and
 * which of two moments it picks depends on today's season.
 */
function momentOf(wall: number, zone: string): number | undefined {
  return [wall - DAY, wall + DAY].map(near => wall - offsetAt(near, zone)).find(moment => wallAt(moment, zone) === wall)
}

function wallAt(moment: number, zone: string): number {
  return moment + offsetAt(moment, zone)
}

/** The wall time of midnight on a moment's day. */
function dayOf(moment: number, zone: string): number {
  return Math.floor(wallAt(moment, zone) / DAY) * DAY
}

/** Offset from UTC, ms. */
function offsetAt(moment: number, zone: string): number {
  return DateTime.fromMillis(moment, { zone }).offset * MINUTE
}

function weekdayOf(wall: number): number {
  return DateTime.fromMillis(wall, { zone: 'utc' }).weekday
}
