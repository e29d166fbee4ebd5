import { Info } from 'luxon'
import type { Interval } from '../calendar/contract.ts'
import type { HourSpan } from '../tutor/days.ts'
import type { PlanningProfile } from './planning.ts'
import { freeSlots } from './slots.ts'
import { dayAt, type SpokenTime } from './spoken-time.ts'
import { LANGUAGES, type Texts } from './texts/index.ts'
import { formatDay, formatWhen, type Reader } from './times.ts'
import { wallAt, weekdayOf } from './wall-clock.ts'

const DAY = 24 * 60 * 60_000
/** Fine enough for the times that people name. */
const FINE_STEP = 15
const WHOLE_DAY: readonly HourSpan[] = [[0, 24 * 60]]
const ISO_WEEKDAYS = [1, 2, 3, 4, 5, 6, 7]

/** Why none of the times that a student means is free, in the student's language. @param now Unix ms */
export function whyNot(
  spoken: SpokenTime,
  profile: PlanningProfile,
  now: number,
  reader: Reader,
  texts: Texts,
): string {
  const slots = (changes: Partial<PlanningProfile>) => freeSlots({ ...profile, ...changes }, [], now, reader.tutorZone)
  const meant = (changes: Partial<PlanningProfile>) => slots(changes).find(({ start }) => spoken.isMeant(start))
  const last = now + profile.daysAhead * DAY
  if (isTooFar(spoken, last, reader)) return texts.tooFar(formatDay(last, reader))
  if (meant({})) return texts.taken
  const fine = { stepMinutes: FINE_STEP }
  if (meant(fine)) return texts.notThen
  const soon = { ...fine, leadMinutes: 0 }
  if (meant(soon)) {
    const [first] = slots({})
    return first === undefined ? texts.notThen : texts.tooSoon(formatWhen(first.start, reader))
  }
  const open = { ...soon, closed: [] }
  const onHoliday = meant(open)
  if (onHoliday) return texts.closed(holidayOf(onHoliday, profile, reader))
  const openDays = ISO_WEEKDAYS.filter(day => (profile.hours[day] ?? []).length > 0)
  const allDay = (days: readonly number[]) => ({
    ...open,
    hours: Object.fromEntries(days.map(day => [day, WHOLE_DAY])),
  })
  const atOtherHour = meant(allDay(openDays))
  if (atOtherHour) return texts.notAtThatHour(hoursOf(atOtherHour, profile, reader))
  return meant(allDay(ISO_WEEKDAYS)) ? texts.notOnThatDay(weekdaysOf(openDays, reader)) : texts.notThen
}

/** Whether all days that are meant are later. @param last until when lessons can be booked, Unix ms */
export function isTooFar({ wanted }: SpokenTime, last: number, { zone }: Reader): boolean {
  const isLater = (day: number) => day > dayAt(last, zone)
  return wanted.length > 0 && wanted.every(({ days = [0] }) => days.every(isLater))
}

/** The holiday that a slot is in. */
function holidayOf(slot: Interval, { closed }: PlanningProfile, reader: Reader): string {
  const { start, end } = closed.find(span => slot.start < span.end && span.start < slot.end) as Interval
  const { texts } = LANGUAGES[reader.language]
  const inTutorZone = { ...reader, zone: reader.tutorZone }
  const [first, last] = [formatDay(start, inTutorZone), formatDay(end - 1, inTutorZone)]
  return first === last ? texts.onDays(first) : texts.dayRange(first, last)
}

/** The hours of a slot's weekday. */
function hoursOf({ start }: Interval, { hours }: PlanningProfile, reader: Reader): string {
  const { texts, locale } = LANGUAGES[reader.language]
  const spans = hours[weekdayOf(wallAt(start, reader.tutorZone))] as readonly HourSpan[]
  const said = spans.map(([from, to]) => texts.hourRange(timeOfDay(from), timeOfDay(to)))
  return new Intl.ListFormat(locale, { type: 'disjunction' }).format(said)
}

function timeOfDay(minutes: number): string {
  return `${Math.floor(minutes / 60)}:${`${minutes % 60}`.padStart(2, '0')}`
}

/** @param days ISO weekdays, in order */
function weekdaysOf(days: readonly number[], { language }: Reader): string {
  const { texts, locale } = LANGUAGES[language]
  const names = Info.weekdays('long', { locale })
  const said = days.map(day => names[day - 1] as string)
  const [first, last] = [days[0], days.at(-1)] as [number, number]
  const isRange = days.length > 1 && last - first === days.length - 1
  if (isRange) return texts.dayRange(names[first - 1] as string, names[last - 1] as string)
  return texts.onDays(new Intl.ListFormat(locale, { type: 'conjunction' }).format(said))
}
