import { PermanentError } from '../inbox/errors.ts'
import { utcTime } from '../inbox/utc-time.ts'
import type { Hold, Interval } from './contract.ts'

/** Checks shared by all calendars. */

/** @throws {PermanentError} */
export function checkInterval({ start, end }: Interval): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start < end) return
  throw new PermanentError(`There is no time from ${start} to ${end}: start and end must be Unix ms, start before end`)
}

/** @throws {PermanentError} */
export function checkHold({ until, margin, ...time }: Hold): void {
  checkInterval(time)
  if (!Number.isSafeInteger(until)) throw new PermanentError(`A hold's until must be Unix ms, not ${until}`)
  const { before, after } = margin
  if ([before, after].some(ms => !Number.isSafeInteger(ms) || ms < 0)) {
    throw new PermanentError(`A hold's margins must be ms from 0 up, not ${before} and ${after}`)
  }
}

/** Whether an order's hold or lesson is at this time. */
export function isAt(slot: Interval | undefined, { start, end }: Interval): boolean {
  return slot?.start === start && slot.end === end
}

/** @throws {PermanentError} the lesson is at another time: a later request does not move it */
export function mustBeAt(lesson: Interval, order: string, time: Interval): void {
  if (isAt(lesson, time)) return
  throw new PermanentError(`Order ${order} has a lesson on ${utcTime(lesson.start)}; cancel that first`)
}
