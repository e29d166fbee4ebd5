import { type Gate, OPEN_GATE } from '../../clients/http.ts'
import { TransientError } from '../../inbox/errors.ts'
import { checkHold, checkInterval } from '../checks.ts'
import type { Busy, ChangeableCalendar, Interval } from '../contract.ts'
import type { GoogleCalendarOptions } from './client.ts'
import { cancelledEvent, holdEvent, keptEvent, lessonEvent, lessonIn } from './event-of.ts'
import { createEvents, type Entry, type Outcome } from './events.ts'
import { createMoveLesson } from './move-lesson.ts'
import { createSetPayment } from './set-payment.ts'
import { createTakeTime } from './take-time.ts'

/**
 * A Google calendar that its owner shares with a service account, with the right to change events.
 * Calendar API v3: https://developers.google.com/workspace/calendar/api/v3/reference
 */

export interface GoogleCalendar extends ChangeableCalendar {
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
  const time = createTakeTime(events, clock)
  const isKept = ({ kind, conversation }: Entry) => kind === 'hold' && conversation !== undefined
  const isLesson = (entry: Entry) => entry.kind === 'lesson' || (isKept(entry) && entry.until > clock.now())

  /** What an order has, and what of it is cancelled, the newest last. */
  async function entriesOf(order: string, signal: AbortSignal): Promise<{ owned: Entry[]; cancelled: Entry[] }> {
    const all = await events.having('tutorbotOrder', order, signal)
    const cancelled = all.filter(({ kind }) => kind === 'cancelled')
    return {
      owned: all.filter(({ kind }) => kind !== 'cancelled'),
      cancelled: cancelled.sort((one, other) => one.sequence - other.sequence),
    }
  }

  async function removeAll(entries: Entry[], signal: AbortSignal): Promise<void> {
    for (const entry of entries) await events.remove(entry, signal)
  }

  /** What was a lesson stays as a cancelled one. `gone`: somebody else has cancelled it meanwhile. */
  async function cancelEntry(entry: Entry, signal: AbortSignal): Promise<Outcome> {
    if (entry.kind !== 'lesson' && !isKept(entry)) return events.remove(entry, signal)
    if ((await events.patch(entry, cancelledEvent(entry, clock.now()), signal)) === 'done') return 'done'
    const now = await events.get(entry.id, signal)
    return now === undefined || now.kind === 'cancelled' ? 'gone' : 'changed'
  }

  return {
    probe: events.probe,
    move: createMoveLesson(events, time, clock),
    setPayment: createSetPayment(events),

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
      const settled = (own: Entry) => (isLongEnough(own) ? null : holdEvent('hold', hold, until))
      const { owned } = await entriesOf(order, signal)
      return time.takeTime({ order, start, end, free, settled }, owned, signal)
    },

    async keep(lesson, signal) {
      checkInterval(lesson)
      const { order, start, end, conversation } = lesson
      const { owned, cancelled } = await entriesOf(order, signal)
      if (owned.some(({ kind }) => kind === 'lesson')) return 'kept'
      const kept = await events.having('tutorbotConversation', conversation, signal)
      const isAnother = (entry: Entry) => entry.kind === 'hold' && entry.order !== order && entry.until > clock.now()
      if (kept.some(isAnother)) return 'another'
      const last = cancelled.at(-1)
      const sequence = last === undefined ? 0 : last.sequence + 1
      const settled = (own: Entry) => (own.conversation === conversation ? null : keptEvent(lesson, sequence))
      const got = await time.takeTime({ order, start, end, free: { start, end }, settled }, owned, signal)
      if (!got) return 'taken'
      await removeAll(cancelled, signal)
      return 'kept'
    },

    async release(order, until, signal) {
      const { owned } = await entriesOf(order, signal)
      await removeAll(
        owned.filter(entry => entry.until <= until),
        signal,
      )
    },

    async book(lesson, signal) {
      checkInterval(lesson)
      const { order, start, end } = lesson
      const { owned, cancelled } = await entriesOf(order, signal)
      const last = cancelled.at(-1)?.sequence ?? 0
      const settled = (own: Entry) => lessonEvent(lesson, Math.max(own.sequence, last) + 1)
      const got = await time.takeTime({ order, start, end, free: { start, end }, settled }, owned, signal)
      if (!got) return 'taken'
      await removeAll(cancelled, signal)
      return 'booked'
    },

    async has(order, signal) {
      return (await entriesOf(order, signal)).owned.length > 0
    },

    async find(order, signal) {
      const lesson = (await entriesOf(order, signal)).owned.find(({ kind }) => kind === 'lesson')
      return lesson === undefined ? null : { start: lesson.start, end: lesson.end }
    },

    async cancel(order, signal) {
      let time: Interval | null = null
      const { owned } = await entriesOf(order, signal)
      for (const entry of owned.sort(lessonsLast)) {
        const outcome = await cancelEntry(entry, signal)
        // It may have become a lesson, which must not be cancelled silently.
        if (outcome === 'changed') throw new TransientError(`Google Calendar: order ${order} was changed meanwhile`)
        if (outcome === 'done' && entry.kind === 'lesson') time = { start: entry.start, end: entry.end }
      }
      return time
    },

    async lessonOf(order, signal) {
      const { owned, cancelled } = await entriesOf(order, signal)
      const found = owned.sort(lessonsLast).findLast(isLesson) ?? cancelled.at(-1)
      return found === undefined ? null : lessonIn(found)
    },

    async lessonsOf({ conversation, contact = '' }, after, signal) {
      const lists = await Promise.all([
        conversation === '' ? [] : events.having('tutorbotBookedIn', conversation, signal, after),
        contact === '' ? [] : events.having('tutorbotContact', contact, signal, after),
      ])
      const found = new Map(lists.flat().map(entry => [entry.id, entry]))
      return [...found.values()]
        .filter(entry => isLesson(entry) && entry.end > after)
        .map(lessonIn)
        .sort((one, other) => one.start - other.start)
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
