import type { Segment } from './segment.ts'

/** When lessons can be booked. Hours and weekdays are in the tutor's time zone. */
export interface PlanningProfile {
  /** Duration of a lesson. */
  minutes: number
  /** When the first slot of a day begins: 0 to 23. */
  earliestHour: number
  /** By when the last slot of a day ends: 1 to 24 (midnight). */
  latestHour: number
  /** Minimum from now to the first slot. */
  leadMinutes: number
  /** Minutes that must also be free before a lesson. */
  bufferBefore: number
  /** Minutes that must also be free after a lesson. */
  bufferAfter: number
  /** 0: today only. */
  daysAhead: number
  /** Minutes between the starts of two slots; above 0. */
  stepMinutes: number
  /** ISO: 1 is Monday, 7 is Sunday. */
  weekdays: readonly number[]
}

const WORKDAYS = [1, 2, 3, 4, 5]
const WEEKEND = [6, 7]

type Planning = Omit<PlanningProfile, 'minutes'>

const NEW: Planning = {
  earliestHour: 10,
  latestHour: 20,
  leadMinutes: 720,
  bufferBefore: 15,
  bufferAfter: 15,
  daysAhead: 10,
  stepMinutes: 60,
  weekdays: WORKDAYS,
}

const EXISTING: Planning = {
  earliestHour: 9,
  latestHour: 21,
  leadMinutes: 360,
  bufferBefore: 10,
  bufferAfter: 10,
  daysAhead: 14,
  stepMinutes: 60,
  weekdays: WORKDAYS,
}

const PLANNING: Record<Segment, Planning> = {
  new: NEW,
  existing: EXISTING,
  returning_broadcast: EXISTING,
  weekend: { ...EXISTING, earliestHour: 10, latestHour: 18, leadMinutes: 180, daysAhead: 7, weekdays: WEEKEND },
}

/** Half an hour on a workday between 17:00 and 19:00, for every segment. */
const TRIAL: PlanningProfile = { ...NEW, minutes: 30, earliestHour: 17, latestHour: 19, stepMinutes: 30 }

/** When a contact of a segment can have a lesson. A trial is always 30 minutes. */
export function profileOf(segment: Segment, lesson: { type: 'trial' | 'regular'; minutes: number }): PlanningProfile {
  return lesson.type === 'trial' ? TRIAL : { ...PLANNING[segment], minutes: lesson.minutes }
}
