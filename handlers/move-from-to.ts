import type { BookedLesson } from '../calendar/contract.ts'
import { readerOf } from './booking.ts'
import type { TimeSaid } from './spoken-offer.ts'
import { dayAt, spokenTimes } from './spoken-time.ts'
import { type Turn, writtenAt } from './turn.ts'

/** Two times in one sentence: `de les van 1 december naar woensdag 2 december 16:00`. */

/** What stands between them, in every language. */
const TO = /\s(?:naar|to|auf)\s/giu

/** The lesson that the first one names, and where it shall go; undefined: not said so, or it may be another lesson. */
export function movedFromTo(
  { services, conversation, delivery, text }: Turn,
  lessons: readonly BookedLesson[],
): { lesson: BookedLesson; time: TimeSaid } | undefined {
  const reader = readerOf(conversation, services)
  const at = writtenAt(delivery)
  for (const { index, 0: word } of text.matchAll(TO)) {
    const from = spokenTimes(text.slice(0, index), at, reader).time
    if (from === undefined || from.wanted.length === 0) continue
    const [lesson, ...others] = lessons.filter(({ start }) => from.isMeant(start))
    if (lesson === undefined || others.length > 0) return undefined
    // `van 17:00 naar 18:00`: on that day.
    const before = { ...from, wanted: [{ days: [dayAt(lesson.start, reader.zone)] }] }
    const said = spokenTimes(text.slice(index + word.length), at, reader, { before })
    return said.time && { lesson, time: { spoken: said.time, said } }
  }
  return undefined
}
