import type { DayEnd } from './time-groups.ts'
import type { TimePart } from './time-parts.ts'

/** From when on lessons each week shall be: `vanaf volgende week elke dinsdag`, `every Tuesday starting December 8`. */

export interface StartsOn {
  day: DayEnd['day'] | MonthPart
  /** Whether that day is one of them: not after `na`. */
  isIncluded: boolean
  /** It is said that lessons begin then: else it may be when one of them is. */
  isBeginning: boolean
  /** It says which day of the week it is: none is said elsewhere. */
  isDay: boolean
}

type MonthPart = { is: 'month'; month: number } | { is: 'nextMonth' | 'nextYear' }

const IS_START: ReadonlySet<string> = new Set(['weeks', 'days', 'date', 'month', 'nextMonth', 'nextYear'])
const isStart = (part: TimePart | undefined): part is TimePart & StartsOn['day'] =>
  part !== undefined && IS_START.has(part.is)
const isWeekday = (part: TimePart | undefined) => part?.is === 'weekdays'
const isMark = (part: TimePart | undefined) => part?.is === 'from' || part?.is === 'begins'
/** Not `van`, which says whose or which one too. */
const isBeginning = (part: TimePart | undefined) => isMark(part) && !(part?.is === 'from' && part.ofDays === undefined)

/**
 * Takes the start out of what is said about lessons each week; what is left says which day of the week, and at what time.
 * Until when they shall be is not asked.
 */
export function takeStart(said: readonly TimePart[]): { parts: TimePart[]; start?: StartsOn } {
  const parts = withoutEnd(said).map((part, index, all): TimePart => {
    return part.is === 'morning' && isMark(all[index - 1]) ? { is: 'days', days: 1 } : part
  })
  // `niet volgende week`
  const isDenied = parts.some(({ is }) => is === 'not' || is === 'except')
  const isSeveral = parts.filter(isWeekday).length > 1
  const at = parts.findIndex((part, index) => {
    const isBegun = isMark(parts[beginOf(parts, index)])
    return isStart(part) ? isBegun || !isDenied : isWeekday(part) && isBegun && isSeveral && !isStart(parts[index + 1])
  })
  const day = parts[at]
  // `vanaf dinsdag`, `volgende dinsdag`: there is no other day.
  if (day === undefined) return { parts: parts.filter((_, index) => !isBeforeWeekday(parts, index)) }
  const begin = beginOf(parts, at)
  const end = isWeekday(parts[at + 1]) ? at + 2 : at + 1
  const mark = parts[begin]
  const others = [...parts.slice(0, begin), ...parts.slice(end)]
  const hasOther = others.some(isWeekday)
  const own = hasOther ? [] : parts.slice(begin, end).filter(isWeekday)
  // `na nieuwjaar` is on its second day.
  const isIncluded = !(mark?.is === 'from' && mark.ofDays === 'excluded') || day.is === 'nextYear'
  return {
    parts: [...parts.slice(0, begin), ...own, ...parts.slice(end)],
    start: {
      day: day as StartsOn['day'],
      isIncluded,
      isBeginning: isBeginning(mark) || day.is === 'month',
      isDay: !hasOther && own.length === 0 && (day.is === 'date' || day.is === 'days'),
    },
  }
}

/** Whether a day or a week of the calendar is named, but not as the start. */
export function isDated(parts: readonly TimePart[]): boolean {
  return parts.some((part, index) => isStart(part) && !isBeginning(parts[beginOf(parts, index)]))
}

/** Where the words about a start begin: `vanaf` of `vanaf dinsdag 1 december`. */
function beginOf(parts: readonly TimePart[], at: number): number {
  let begin = at
  if (isWeekday(parts[begin - 1])) begin--
  if (parts[begin - 1]?.is === 'next') begin--
  return isMark(parts[begin - 1]) ? begin - 1 : begin
}

function isBeforeWeekday(parts: readonly TimePart[], at: number): boolean {
  const isNext = parts[at]?.is === 'next'
  return (isNext || isMark(parts[at])) && (isWeekday(parts[at + 1]) || (!isNext && isBeforeWeekday(parts, at + 1)))
}

/** `tot 1 maart` */
function withoutEnd(parts: readonly TimePart[]): TimePart[] {
  const isOfEnd = (part: TimePart, index: number) =>
    (part.is === 'until' && isStart(parts[index + 1])) || (isStart(part) && parts[index - 1]?.is === 'until')
  return parts.filter((part, index) => !isOfEnd(part, index))
}
