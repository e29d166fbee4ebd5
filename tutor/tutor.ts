import type { Interval } from '../calendar/contract.ts'
import { type HourSpan, parseClosed, parseSpan } from './days.ts'
import { DEFAULTS, type WholePlanning } from './defaults.ts'
import { checkTutor } from './problems.ts'
import { type PlanningName, type TutorSettings, WEEKDAYS, type Weekday } from './settings.ts'

/** The tutor's settings as the handlers use them: everything is there, and parsed. */
export interface Tutor {
  planning: Readonly<Record<PlanningName, Planning>>
}

/** When lessons can be had, in the tutor's time zone. */
export interface Planning {
  /** By ISO weekday (1 is Monday), in order, without overlaps. A slot fits into one of them. */
  hours: Readonly<Record<number, readonly HourSpan[]>>
  /** When there are none. */
  closed: readonly Interval[]
  /** Minimum from now to the first slot. */
  leadMinutes: number
  /** 0: today only. */
  daysAhead: number
  /** Minutes between the starts of two slots, from the beginning of the span; above 0. */
  stepMinutes: number
  /** Minutes that must also be free before a lesson. */
  bufferBefore: number
  /** Minutes that must also be free after a lesson. */
  bufferAfter: number
  /** Lessons and holds of a day; Infinity: no limit. */
  maxPerDay: number
}

/** Every setting in its written form: the given ones, and the defaults for the rest. */
export interface WholeSettings {
  planning: Record<PlanningName, WholePlanning>
  closed: readonly string[]
}

/** @param zone the tutor's, IANA @throws {OptionError} with a line for each problem */
export function tutorOf(options: TutorSettings, zone: string): Tutor {
  if (Object.keys(options).length > 0) checkTutor(options, 'tutor.')
  const { planning, closed } = wholeOf(options)
  const closedSpans = closed.map(span => parseClosed(span, zone))
  return { planning: mapValues(planning, each => toPlanning(each, closedSpans)) }
}

/** @param options checked */
export function wholeOf(options: TutorSettings): WholeSettings {
  // Without what is undefined.
  const { planning: given = {}, closed = DEFAULTS.closed }: TutorSettings = JSON.parse(JSON.stringify(options))
  return {
    planning: mapValues(DEFAULTS.planning, (preset, name) => ({ ...preset, ...given.all, ...given[name] })),
    closed,
  }
}

function toPlanning(whole: WholePlanning, closed: readonly Interval[]): Planning {
  const { hours, leadMinutes, daysAhead, stepMinutes, bufferBeforeMinutes, bufferAfterMinutes } = whole
  return {
    hours: Object.fromEntries(
      Object.entries(hours).map(([day, spans]) => [isoWeekday(day), spans.map(parseSpan).sort(byStart)]),
    ),
    closed,
    leadMinutes,
    daysAhead,
    stepMinutes,
    bufferBefore: bufferBeforeMinutes,
    bufferAfter: bufferAfterMinutes,
    maxPerDay: whole.maxLessonsPerDay ?? Infinity,
  }
}

function isoWeekday(day: string): number {
  return WEEKDAYS.indexOf(day as Weekday) + 1
}

const byStart = ([one]: HourSpan, [other]: HourSpan) => one - other

function mapValues<Name extends string, From, To>(
  record: Readonly<Record<Name, From>>,
  map: (value: From, name: Name) => To,
): Record<Name, To> {
  const entries = Object.entries(record) as [Name, From][]
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value, name)])) as Record<Name, To>
}
