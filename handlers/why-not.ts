import { Info } from 'luxon'
import type { PlanningProfile } from './planning.ts'
import { freeSlots } from './slots.ts'
import { dayAt, type SpokenTime } from './spoken-time.ts'
import { LANGUAGES } from './texts/index.ts'
import { formatDay, formatWhen, type Reader } from './times.ts'

const DAY = 24 * 60 * 60_000
/** Fine enough for the times that people name. */
const FINE_STEP = 15

/** Why none of the times that a student means is free, in the student's language. @param now Unix ms */
export function whyNot(spoken: SpokenTime, profile: PlanningProfile, now: number, reader: Reader): string {
  const { texts, locale } = LANGUAGES[reader.language]
  const slots = (changes: Partial<PlanningProfile>) => freeSlots({ ...profile, ...changes }, [], now, reader.tutorZone)
  const isMeant = (changes: Partial<PlanningProfile>) => slots(changes).some(({ start }) => spoken.isMeant(start))
  const last = now + profile.daysAhead * DAY
  const isTooFar = spoken.wanted.every(({ days = [0] }) => days.every(day => day > dayAt(last, reader.zone)))
  if (isTooFar && spoken.wanted.length > 0) return texts.tooFar(formatDay(last, reader))
  if (isMeant({})) return texts.taken
  const fine = { stepMinutes: FINE_STEP }
  if (isMeant(fine)) return texts.notThen
  const soon = { ...fine, leadMinutes: 0 }
  if (isMeant(soon)) {
    const [first] = slots({})
    return first === undefined ? texts.notThen : texts.tooSoon(formatWhen(first.start, reader))
  }
  const anyDay = { ...soon, weekdays: [1, 2, 3, 4, 5, 6, 7] }
  const weekdays = Info.weekdays('long', { locale })
  const [from, until] = [profile.weekdays[0], profile.weekdays.at(-1)].map(day => weekdays[Number(day) - 1] as string)
  if (isMeant(anyDay)) return texts.notOnThatDay(from as string, until as string)
  const isAtAll = isMeant({ ...anyDay, earliestHour: 0, latestHour: 24 })
  return isAtAll ? texts.notAtThatHour(`${profile.earliestHour}:00`, `${profile.latestHour}:00`) : texts.notThen
}
