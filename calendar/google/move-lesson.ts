import { TransientError } from '../../inbox/errors.ts'
import { checkInterval, isAt } from '../checks.ts'
import type { Interval, Move, MoveResult } from '../contract.ts'
import { holdEvent, movedEvent } from './event-of.ts'
import type { Entry, Events } from './events.ts'
import type { TakeTime } from './take-time.ts'

/*
 * How a lesson moves. 1. Its order holds the new time too, as any order does (take-time.ts). 2. The event itself gets the
 * new time, if it is as it was seen (If-Match): of two who move it, one does. 3. The hold is deleted. Who is stopped
 * after 1 leaves a hold that expires; after 2, one that the next attempt deletes, or that expires.
 */

/** How long the hold of a process that died keeps others away, ms. */
const HOLD_MS = 60_000
/** How often a lesson is looked at: once, and once more for each change by others. */
const MAX_LOOKS = 5

/** Moves an order's lesson. */
export function createMoveLesson(events: Events, { take }: TakeTime, clock: { now(): number }) {
  return moveLesson

  async function moveLesson(move: Move, signal: AbortSignal): Promise<MoveResult> {
    checkInterval(move.to)
    for (let look = 0; look < MAX_LOOKS; look++) {
      const result = await lookAndMove(move, look > 0, signal)
      if (result !== undefined) return result
    }
    throw new TransientError(`Google Calendar: the lesson of order ${move.order} keeps changing`)
  }

  /** @param holds the new time is held by now @returns undefined: the lesson has changed, look again */
  async function lookAndMove(move: Move, holds: boolean, signal: AbortSignal): Promise<MoveResult | undefined> {
    const { order, from, to, margin } = move
    const owned = await events.having('tutorbotOrder', order, signal)
    const lesson = owned.find(({ kind }) => kind === 'lesson')
    const isThere = isAt(lesson, to)
    if (lesson === undefined || isThere || lesson.start !== from) {
      // An order without a lesson may hold that time for one.
      if (holds || lesson !== undefined) await dropHold(owned, to, signal)
      return isThere ? 'moved' : 'changed'
    }
    const until = clock.now() + HOLD_MS
    const free = { start: to.start - margin.before, end: to.end + margin.after }
    const wish = { order, ...to }
    if (!(await take({ ...wish, free, settled: () => holdEvent('hold', wish, until) }, signal))) return 'taken'
    if ((await events.patch(lesson, movedEvent(to, lesson.sequence + 1), signal)) === 'changed') return undefined
    await dropHold(await events.having('tutorbotOrder', order, signal), to, signal)
    return 'moved'
  }

  /** Deletes the order's hold on the new time. */
  async function dropHold(owned: Entry[], to: Interval, signal: AbortSignal): Promise<void> {
    for (const entry of owned) {
      if (entry.kind === 'hold' && isAt(entry, to)) await events.remove(entry, signal)
    }
  }
}
