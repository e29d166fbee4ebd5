import { type Gate, OPEN_GATE } from '../../clients/http.ts'
import { TransientError } from '../../inbox/errors.ts'
import { checkHold, checkInterval } from '../checks.ts'
import type { Busy, Calendar, Interval } from '../contract.ts'
import type { GoogleCalendarOptions } from './client.ts'
import { eventOf, HOLD_TEXTS, keptTextsOf, textsOf } from './event-of.ts'
import { createEvents, type Entry } from './events.ts'
import { createTakeTime } from './take-time.ts'

/**
 * A Google calendar that its owner shares with a service account, with the right to change events.
 * Calendar API v3: https://developers.google.com/workspace/calendar/api/v3/reference
 */

export interface GoogleCalendar extends Calendar {
  /** Reads something harmless, also while Google is held. Rejects with a TransientError if it can't be reached. */
  probe(signal: AbortSignal): Promise<void>
}

/**
 * A calendar at Google. Calls throw PermanentError, or TransientError if a retry can help.
 * @throws {OptionError} that names the missing or malformed option
 */
export function createGoogleCalendar(
  options: GoogleCalendarOptions,
  clock: { now(): number },
  gate: Gate = OPEN_GATE,
): GoogleCalendar {
  const events = createEvents(options, gate)
  const takeTime = createTakeTime(events, clock)

  return {
    probe: events.probe,

    async busy(from, to, signal) {
      const range = { start: from, end: to }
      checkInterval(range)
      const ours: Interval[] = []
      for (const entry of await events.within(range, signal)) {
        if (entry.order === undefined || !entry.takesTime) continue
        // If it changed just now, it was extended.
        if (entry.until <= clock.now() && (await events.remove(entry, signal)) !== 'changed') continue
        ours.push({ start: entry.start, end: entry.end })
      }
      // Google merges adjacent times; for our own events the borders are known.
      const others = without(ours, await events.freeBusy(range, signal))
      const taken: Busy[] = [...ours, ...others.map(other => ({ ...other, isOther: true as const }))]
      return taken.sort((one, other) => one.start - other.start)
    },

    async hold(hold, signal) {
      checkHold(hold)
      const { order, start, end, until, margin } = hold
      const free = { start: start - margin.before, end: end + margin.after }
      const isLongEnough = (own: Entry) => own.kind === 'hold' && own.until >= until
      const settled = (own: Entry) => (isLongEnough(own) ? null : eventOf('hold', hold, HOLD_TEXTS, until))
      return takeTime({ order, start, end, free, settled }, signal)
    },

    async keep(lesson, signal) {
      checkInterval(lesson)
      const { order, start, end, conversation } = lesson
      const owned = await events.of(order, signal)
      if (owned.some(({ kind }) => kind === 'lesson')) return 'kept'
      const kept = await events.keptFor(conversation, signal)
      if (kept.some(entry => entry.order !== order && entry.until > clock.now())) return 'another'
      const settled = (own: Entry) =>
        own.conversation === conversation ? null : eventOf('hold', lesson, keptTextsOf(lesson), start, conversation)
      return (await takeTime({ order, start, end, free: { start, end }, settled }, signal)) ? 'kept' : 'taken'
    },

    async release(order, until, signal) {
      for (const entry of await events.of(order, signal)) {
        if (entry.until <= until) await events.remove(entry, signal)
      }
    },

    async book(lesson, signal) {
      checkInterval(lesson)
      const { order, start, end } = lesson
      const settled = () => eventOf('lesson', lesson, textsOf(lesson))
      const booked = await takeTime({ order, start, end, free: { start, end }, settled }, signal)
      return booked ? 'booked' : 'taken'
    },

    async has(order, signal) {
      return (await events.of(order, signal)).length > 0
    },

    async find(order, signal) {
      const lesson = (await events.of(order, signal)).find(({ kind }) => kind === 'lesson')
      return lesson === undefined ? null : { start: lesson.start, end: lesson.end }
    },

    async cancel(order, signal) {
      let time: Interval | null = null
      for (const entry of (await events.of(order, signal)).sort(lessonsLast)) {
        const outcome = await events.remove(entry, signal)
        // It may have become a lesson, which must not be cancelled silently.
        if (outcome === 'changed') throw new TransientError(`Google Calendar: order ${order} was changed meanwhile`)
        if (outcome === 'done' && entry.kind === 'lesson') time = { start: entry.start, end: entry.end }
      }
      return time
    },
  }
}

function lessonsLast(one: Entry, other: Entry): number {
  return Number(one.kind === 'lesson') - Number(other.kind === 'lesson')
}

/** The parts of the blocks that are not covered. */
function without(parts: Interval[], blocks: Interval[]): Interval[] {
  const cut = (rest: Interval[], { start, end }: Interval) =>
    rest.flatMap(block => [
      { start: block.start, end: Math.min(block.end, start) },
      { start: Math.max(block.start, end), end: block.end },
    ])
  return parts.reduce(cut, blocks).filter(({ start, end }) => start < end)
}
