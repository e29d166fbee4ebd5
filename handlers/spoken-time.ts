import {
  type DayEnd,
  type DayPart,
  type DayRange,
  type Group,
  groupsOf,
  inOneSentence,
  type Limit,
  type Span,
} from './time-groups.ts'
import { type TimePart, timePartsOf } from './time-parts.ts'
import { isDated, type StartsOn, takeStart } from './time-start.ts'
import type { Reader } from './times.ts'
import { wallAt } from './wall-clock.ts'

/** Days and times that go together; what is missing may be any. */
export interface Wanted {
  /** Days since 1970, by the reader's calendar. */
  days?: readonly number[]
  spans?: readonly Span[]
}

/** What a text says about when. */
export interface SpokenTime {
  /** One of them; none: any time but the refused ones. */
  wanted: readonly Wanted[]
  refused: readonly Wanted[]
  /** Whether the text can mean this time. @param at Unix ms */
  isMeant(at: number): boolean
  /** How far a time is from what the text means, in minutes; a day counts as two and a half hours. @param at Unix ms */
  distance(at: number): number
  /** The text names one day and one time and says nothing else: `dinsdag 17:00 graag`, but not `dinsdag 17:00 kan ik niet`. */
  isCertain: boolean
}

/** What a text says about a lesson's time and length. */
export interface SpokenTimes {
  time?: SpokenTime
  /** How long the lesson lasts. */
  minutes?: number
  /** A lesson every week: `time` is when the first one is, at the earliest. */
  isWeekly: boolean
  /** It says so in so many words, with one day of the week or a time, and nothing else. */
  isOnlyWeekly: boolean
  /** One lesson is meant, whatever is said of those each week: `deze keer`, `komende dinsdag`, a date. */
  isOne: boolean
  /** Lessons again and again, but not every week: `om de week`, `twice a week`. Never weekly too. */
  isOtherRhythm: boolean
  /** Any time will do, or one before those that were offered. */
  wants?: 'any' | 'earlier'
}

export interface Spoken {
  /** The question was when: a number alone is an hour. */
  isHourAsked?: boolean
  /** What was said before: a day without an hour, or an hour without a day; or the time that was asked about. */
  before?: SpokenTime | undefined
  /** The question was whether it shall be that time every week. */
  isWeeklyAsked?: boolean
}

type Locale = Pick<Reader, 'zone' | 'language'>

/**
 * What a text says about when (`dinsdag 17:00`, `di 24 nov`, `tomorrow after 5 pm`); undefined: nothing.
 * @param writtenAt Unix ms: what `morgen` is relative to
 */
export function spokenTime(text: string, writtenAt: number, locale: Locale, spoken?: Spoken): SpokenTime | undefined {
  return spokenTimes(text, writtenAt, locale, spoken).time
}

/** @param writtenAt Unix ms */
export function spokenTimes(
  text: string,
  writtenAt: number,
  { zone, language }: Locale,
  { isHourAsked = false, before, isWeeklyAsked = false }: Spoken = {},
): SpokenTimes {
  const all = timePartsOf(text, language).filter(({ is }) => is !== 'filler' && is !== 'lesson')
  const isSaid = (is: TimePart['is']) => all.some(part => part.is === is)
  const isOnce = isSaid('once') || isBeforeDay(all, ['only'])
  const named = all.filter(({ is }) => is !== 'coming' && is !== 'eachWeekday')
  const weekly = takeStart(named)
  const isEach = isSaid('eachWeekday') && isOneTime(weekly.parts)
  const isWeekly = (isSaid('weekly') || isEach || (isWeeklyAsked && !isOnce)) && !isSaid('otherRhythm')
  const { parts, start = undefined } = isWeekly ? weekly : { parts: named }
  const only = parts.filter(({ is }) => is !== 'sign')
  const [first] = only
  const number = only.length === 1 && first?.is === 'number' && isHourAsked ? first : undefined
  if (number !== undefined) parts.splice(parts.indexOf(number), 1, { ...number, is: 'time' })
  // `3` after `dinsdag` may be the third time of a list.
  const isPlace = number !== undefined && number.minutes.length > 1
  const groups = groupsOf(inOneSentence(parts))
  const today = dayAt(writtenAt, zone)
  const begin = start === undefined ? today : beginOf(start, today)
  const durations = only.filter(part => part.is === 'duration')
  const resolved = groups.all.map(group => ({ ...resolve(group, begin), isRefused: group.isRefused }))
  // `alleen deze keer`, `vanaf volgende week`: the time that was asked about.
  const isChanged = isWeeklyAsked && (isOnlyOnce(all) || (isWeekly && (start !== undefined || durations.length > 0)))
  const said: Read[] = resolved.length === 0 && (isChanged || start?.isDay) ? [ANY_TIME] : resolved
  // `elke week vanaf 1 december om 17:00`; but what was asked about keeps its day of the week.
  const isDay = start?.isDay && !(isWeeklyAsked && start.isBeginning)
  const read = isDay ? said.map(group => ({ days: [begin], ...group })) : said
  const wants = isSaid('earlier') ? 'earlier' : isSaid('any') && !isSaid('except') ? 'any' : undefined
  const isSure = !isWeekly && !isPlace && durations.length === 0 && read.every(({ isUnsure }) => !isUnsure)
  const asked = start && before ? sinceDay(before, begin) : before
  const time = read.length === 0 ? undefined : timeOf(read, groups.isPlain && isSure, asked, zone)
  return {
    ...(time && { time }),
    ...(durations.length === 1 && { minutes: durations[0]?.minutes as number }),
    isWeekly,
    isOnlyWeekly: isSaid('weekly') && isOnlyTime(all),
    isOtherRhythm: isSaid('otherRhythm'),
    isOne: isOnce || isDated(named) || isBeforeDay(all, ['coming', 'next'], ['weekdays']),
    ...(wants && { wants }),
  }
}

/** `Tuesdays at 5 pm`, but not `Tuesdays after 5`. */
function isOneTime(parts: readonly TimePart[]): boolean {
  const count = (...kinds: TimePart['is'][]) => parts.filter(({ is }) => kinds.includes(is)).length
  const isLimited = count('not', 'except', 'busy', 'from', 'until', 'between') > 0
  return count('weekdays') === 1 && count('time', 'number') === 1 && !isLimited
}

function isOnlyTime(parts: readonly TimePart[]): boolean {
  const isOfTime = (part: TimePart) =>
    part.is === 'weekly' ||
    part.is === 'weekdays' ||
    part.is === 'time' ||
    (part.is === 'sign' && /[,.!]/.test(part.sign))
  return parts.every(isOfTime) && parts.filter(({ is }) => is === 'weekdays').length <= 1
}

/** `nee, alleen deze keer`, but not `wat als we een keer niet kunnen?` */
function isOnlyOnce(parts: readonly TimePart[]): boolean {
  const isOfIt = ({ is }: TimePart, index: number) =>
    is === 'once' || is === 'only' || is === 'but' || is === 'sign' || (is === 'not' && index === 0)
  return parts.some(({ is }) => is === 'once') && parts.every(isOfIt)
}

/** Whether one of these words stands before a day: `alleen dinsdag`, `next Tuesday`. */
function isBeforeDay(
  parts: readonly TimePart[],
  words: readonly TimePart['is'][],
  days: readonly TimePart['is'][] = ['weekdays', 'weeks', 'days', 'morning', 'date', 'coming'],
): boolean {
  return parts.some(({ is }, index) => words.includes(is) && days.includes((parts[index + 1] ?? { is: 'else' }).is))
}

/** Exactly then. @param at Unix ms */
export function exactTime(at: number, zone: string): SpokenTime {
  const { day, minute } = momentOf(at, zone)
  return timeOf([{ ...ANY_TIME, days: [day], spans: [[minute, minute + 1]] }], false, undefined, zone)
}

interface Read extends Wanted {
  isRefused: boolean
  isUnsure: boolean
}

const ANY_TIME: Read = { isRefused: false, isUnsure: true }

function timeOf(
  read: readonly Read[],
  isPlain: boolean,
  before: Pick<SpokenTime, 'wanted'> | undefined,
  zone: string,
): SpokenTime {
  const now = read.filter(({ isRefused }) => !isRefused)
  const refused = read.filter(({ isRefused }) => isRefused)
  const wanted = refused.length === 0 && before !== undefined ? completed(now, before) : now
  const [only, ...others] = wanted
  const hours = only?.spans
  // `8 uur` may be in the morning or in the evening; nobody has a lesson at three in the night.
  const isDoubtful = hours !== undefined && hours.length > 1 && hours.some(([from]) => from >= 7 * 60 && from < 10 * 60)
  const isOneDay = others.length === 0 && refused.length === 0 && only?.days?.length === 1
  const isOne = isOneDay && isExact(hours) && !isDoubtful
  return {
    wanted,
    refused,
    isCertain: isPlain && isOne,
    isMeant(at) {
      const moment = momentOf(at, zone)
      const isIn = (group: Wanted) => distanceTo(group, moment) === 0
      return (wanted.length === 0 || wanted.some(isIn)) && !refused.some(isIn)
    },
    distance(at) {
      const moment = momentOf(at, zone)
      return Math.min(...(wanted.length === 0 ? [{}] : wanted).map(group => distanceTo(group, moment)))
    },
  }
}

/** Whether it is an hour, no part of the day. */
export function isExact(spans: Wanted['spans'] = []): boolean {
  return spans.length > 0 && spans.every(([from, to]) => to - from === 1)
}

/** `dinsdag`, and then `17:00`. */
function completed(now: readonly Read[], before: Pick<SpokenTime, 'wanted'>): Wanted[] {
  const days = before.wanted.flatMap(({ days = [] }) => days)
  const spans = before.wanted.flatMap(({ spans = [] }) => spans)
  return now.map(group => ({
    ...group,
    ...(group.days === undefined && days.length > 0 && { days }),
    ...(group.spans === undefined && spans.length > 0 && { spans }),
  }))
}

/** On the same days of the week, from a day on. */
function sinceDay({ wanted }: Pick<SpokenTime, 'wanted'>, begin: number): Pick<SpokenTime, 'wanted'> {
  const later = (day: number) => day + Math.max(0, Math.ceil((begin - day) / 7)) * 7
  return { wanted: wanted.map(({ days, ...group }) => ({ ...group, ...(days && { days: days.map(later) }) })) }
}

const DAY_MS = 24 * 60 * 60_000
const DAY_MINUTES = 24 * 60
/** How many minutes another day is away: less than what is left of the same one. */
const DAY_WEIGHT = 150

interface Moment {
  day: number
  minute: number
}

function momentOf(at: number, zone: string): Moment {
  const wall = wallAt(at, zone)
  const day = Math.floor(wall / DAY_MS)
  return { day, minute: Math.floor((wall - day * DAY_MS) / 60_000) }
}

/** Days since 1970 by the calendar of a zone. @param at Unix ms */
export function dayAt(at: number, zone: string): number {
  return momentOf(at, zone).day
}

function distanceTo({ days, spans }: Wanted, { day, minute }: Moment): number {
  const inDays = days === undefined ? 0 : Math.min(...days.map(each => Math.abs(each - day)))
  const inMinutes = spans === undefined ? 0 : Math.min(...spans.map(span => distanceToSpan(span, minute)))
  return inDays * DAY_WEIGHT + inMinutes
}

function distanceToSpan([from, to]: Span, minute: number): number {
  if (minute < from) return from - minute
  return minute < to ? 0 : minute - to + 1
}

/** 1: Monday. @param day days since 1970 */
export function weekdayOf(day: number): number {
  return ((day + 3) % 7) + 1
}

/** @param today days since 1970 */
function resolve(group: Group, today: number): Wanted & { isUnsure: boolean } {
  const days = daysOf(group, today)
  const spans = spansOf(group)
  return {
    ...(days.days && { days: days.days }),
    ...(spans.spans && { spans: spans.spans }),
    isUnsure: group.isUnsure || days.isUnsure || spans.isUnsure,
  }
}

const WEEK = [1, 2, 3, 4, 5, 6, 7]
/** How far ahead days are meant, at most. */
const MAX_DAYS_AHEAD = 366
const MAX_DAYS_REFUSED = 60

function daysOf(
  { days: parts, isRefused, times }: Pick<Group, 'days' | 'isRefused' | 'times'>,
  today: number,
): { days?: number[]; isUnsure: boolean } {
  if (parts.length === 0) return { isUnsure: false }
  const of = <Kind extends DayPart['is']>(is: Kind) =>
    parts.filter((part): part is DayPart & { is: Kind } => part.is === is)
  const weekdays = of('weekdays').flatMap(({ weekdays }) => weekdays)
  const onWeekdays = (days: readonly number[]) =>
    days.filter(day => weekdays.length === 0 || weekdays.includes(weekdayOf(day)))
  const coming = (ahead: number) => onWeekdays(Array.from({ length: ahead + 1 }, (_, index) => today + index))
  const ranges = of('range')
  if (ranges.length > 0) {
    const inRanges = ranges.flatMap(range => daysInRange(range, today))
    const others = parts.filter(({ is }) => is !== 'range' && is !== 'next')
    const { days: more = [] } = daysOf({ days: others, isRefused, times }, today)
    return { days: [...inRanges, ...more], isUnsure: true }
  }
  const fixed = [...of('days').map(({ days }) => today + days), ...of('date').flatMap(date => dayOfDate(date, today))]
  if (of('days').length + of('date').length > 0) {
    const days = onWeekdays(fixed)
    if (days.length > 0 || weekdays.length === 0) return { days, isUnsure: false }
    // `dinsdag of 27 november`, or a date that is not on that weekday.
    return { days: [...fixed, ...coming(7)], isUnsure: true }
  }
  const weeks = of('weeks')
  const monday = today - weekdayOf(today) + 1
  if (weeks.length > 0) {
    const days = weeks.flatMap(({ weeks, weekdays = WEEK }) =>
      weekdays.map(weekday => monday + weeks * 7 + weekday - 1),
    )
    const later = days.filter(day => day >= today)
    return { days: onWeekdays(later), isUnsure: true }
  }
  // `dinsdag kan ik niet`: no Tuesday.
  const ahead = isRefused && times.length === 0 ? MAX_DAYS_REFUSED : of('next').length > 0 ? 14 : 7
  return { days: coming(ahead), isUnsure: false }
}

/** `vanaf donderdag` ends as late as a refusal does. */
function daysInRange({ from, to }: DayRange, today: number): number[] {
  const first = from === undefined ? today : firstOf(from.day, today) + (from.isIncluded ? 0 : 1)
  const last = to === undefined ? today + MAX_DAYS_REFUSED : firstOf(to.day, first) - (to.isIncluded ? 0 : 1)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
}

/** The day from which on lessons each week shall be. */
function beginOf({ day, isIncluded }: StartsOn, today: number): number {
  const days = daysOfStart(day, today)
  if (days.length === 0) return today
  return isIncluded ? Math.min(...days) : Math.max(...days) + 1
}

/** Less than a year: this month is not the next one of its name, too. */
const MAX_MONTHS_AHEAD_DAYS = 330

function daysOfStart(day: StartsOn['day'], today: number): readonly number[] {
  const monthOf = (day: number) => new Date(day * DAY_MS).getUTCMonth() + 1
  switch (day.is) {
    case 'month':
      return daysOfMonth(day.month)
    case 'nextMonth':
      return daysOfMonth((monthOf(today) % 12) + 1)
    case 'nextYear':
      return daysOfMonth(1)
    default:
      return daysOf({ days: [day], isRefused: false, times: [] }, today).days as number[]
  }
  function daysOfMonth(month: number) {
    const ahead = Array.from({ length: MAX_MONTHS_AHEAD_DAYS }, (_, index) => today + index)
    return ahead.filter(day => monthOf(day) === month)
  }
}

/** The first such day from a day on. */
function firstOf(day: DayEnd['day'], from: number): number {
  return Math.min(...(daysOf({ days: [day], isRefused: false, times: [] }, from).days as number[]))
}

/** The next such day; none: there is no such date. */
function dayOfDate({ day, month }: { day: number; month?: number | undefined }, today: number): number[] {
  for (let ahead = today; ahead < today + MAX_DAYS_AHEAD; ahead++) {
    const date = new Date(ahead * DAY_MS)
    if (date.getUTCDate() === day && (month === undefined || date.getUTCMonth() + 1 === month)) return [ahead]
  }
  return []
}

function spansOf({ times, parts, limits }: Group): { spans?: Span[]; isUnsure: boolean } {
  const ranges = limits.map(limit => rangeOf(limit, parts))
  const isIn = (minute: number) =>
    (parts.length === 0 || parts.some(([from, to]) => minute >= from && minute < to)) &&
    ranges.every(([from, to]) => minute >= from && minute < to)
  if (times.length > 0) {
    const all = times.flat()
    const fitting = all.filter(isIn)
    const kept = fitting.length > 0 ? fitting : all
    return {
      spans: kept.map((minute): Span => [minute, minute + 1]),
      isUnsure: times.length > 1 || ranges.length > 0 || fitting.length === 0,
    }
  }
  if (parts.length === 0 && ranges.length === 0) return { isUnsure: false }
  const whole: Span[] = [[0, DAY_MINUTES]]
  const spans = (parts.length > 0 ? parts : whole).map((part): Span => {
    return [Math.max(part[0], ...ranges.map(([from]) => from)), Math.min(part[1], ...ranges.map(([, to]) => to))]
  })
  const possible = spans.filter(([from, to]) => from < to)
  return { spans: possible.length > 0 ? possible : ranges, isUnsure: true }
}

/** `tussen 3 en 5`: in the afternoon, unless a part of the day says otherwise. */
function rangeOf({ from, to }: Limit, parts: readonly Span[]): Span {
  const pick = (minutes: readonly number[]) => {
    const inPart = minutes.find(minute => parts.some(part => minute >= part[0] && minute < part[1]))
    const inDay = minutes.find(minute => minute >= 8 * 60 && minute < 20 * 60)
    return inPart ?? inDay ?? (minutes[0] as number)
  }
  const start = from === undefined ? 0 : pick(from)
  if (to === undefined) return [start, DAY_MINUTES]
  const end = pick(to)
  return [start, end > start ? end : Math.min(end + DAY_MINUTES / 2, DAY_MINUTES)]
}
