import { DateTime } from 'luxon'

/** Nobody is woken up by a reminder: from 22:00 to 8:00 of the student's day there is none. */

const FROM_HOUR = 22
const TO_HOUR = 8
/** So long before them what would fall into them is sent: its handler may be late, min. */
const BEFORE_MINUTES = 5
/** At their end only if the lesson begins at least so long after it, ms. */
const MIN_NOTICE_MS = 30 * 60_000

/**
 * When a reminder is sent that is due in the quiet hours: the evening before them, or at their end if that evening is
 * over.
 * @param due Unix ms, as all times
 * @param start of the lesson
 * @param zone the student's, IANA
 * @returns `due` outside the quiet hours; undefined: there is no good time
 */
export function outsideQuietHours(due: number, start: number, zone: string, now: number): number | undefined {
  const at = DateTime.fromMillis(due, { zone })
  const isEvening = at.hour >= FROM_HOUR
  if (!isEvening && at.hour >= TO_HOUR) return due
  const begin = at
    .minus({ days: isEvening ? 0 : 1 })
    .startOf('day')
    .set({ hour: FROM_HOUR })
  const before = begin.minus({ minutes: BEFORE_MINUTES }).toMillis()
  if (before > now) return before
  const end = begin.plus({ days: 1 }).set({ hour: TO_HOUR }).toMillis()
  return end + MIN_NOTICE_MS <= start ? end : undefined
}
