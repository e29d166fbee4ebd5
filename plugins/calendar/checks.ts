import { PermanentError } from '../inbox/errors.ts'
import type { Hold, Interval } from './contract.ts'

/** What no calendar can keep. */

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
