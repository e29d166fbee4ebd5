import { DateTime, IANAZone, Info } from 'luxon'
import { type Language, TEXTS } from './texts/index.ts'

/** Times as students read and write them. */

/** Whose clock a text is for. */
export interface Reader {
  language: Language
  /** The reader's IANA time zone. */
  zone: string
  /** The tutor's, if the reader's is another: then texts name the zone. */
  tutorZone: string
}

/** The zone that a contact's attribute `timezone` names, else the tutor's. */
export function zoneOf(timezone: unknown, tutorZone: string): string {
  return typeof timezone === 'string' && IANAZone.isValidZone(timezone) ? timezone : tutorZone
}

/** A time to choose, such as `di 24 nov 17:00`. @param at Unix ms */
export function choiceTitle(at: number, { language, zone }: Reader): string {
  return inZone(at, zone, language).toFormat(TEXTS[language].formats.choice).replaceAll('.', '')
}

/** A date and a time of day in a sentence, such as `dinsdag 24 november om 17:00`. @param at Unix ms */
export function sayWhen(at: number, { language, zone, tutorZone }: Reader): string {
  const { formats, when } = TEXTS[language]
  const time = inZone(at, zone, language)
  return when(time.toFormat(formats.date), time.toFormat(formats.time), zone === tutorZone ? null : zone)
}

/** A time of day, such as `17:40`. @param at Unix ms */
export function sayTime(at: number, { language, zone }: Reader): string {
  return inZone(at, zone, language).toFormat(TEXTS[language].formats.time)
}

function inZone(at: number, zone: string, locale: string): DateTime {
  return DateTime.fromMillis(at, { zone, locale })
}

/** An ISO 8601 time with an offset, as Unix ms; undefined: it is none. */
export function parseTime(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/T.*(Z|[+-]\d\d(:?\d\d)?)$/.test(text)) return undefined
  const time = DateTime.fromISO(text)
  return time.isValid ? time.toMillis() : undefined
}

/** @param at Unix ms */
export function isoTime(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toISO({ suppressMilliseconds: true }) as string
}

/** What a text says about a time. */
export interface SpokenTime {
  /** Whether it can mean a time. @param at Unix ms */
  isMeant(at: number): boolean
  /** It says nothing else, and only one time: `dinsdag 17:00 graag`, but not `dinsdag 17:00 kan ik niet`. */
  isCertain: boolean
}

/** What a text says of a day or an hour; what it does not say fits any. */
interface Parts {
  /** 1: Monday. */
  weekday?: number
  /** Days from today. */
  inDays?: number
  day?: number
  month?: number
  hours?: number[]
  minute?: number
}

const IN_DAYS = new Map([
  ['vandaag', 0],
  ['today', 0],
  ['morgen', 1],
  ['tomorrow', 1],
  ['overmorgen', 2],
])

/** A picture can say no. */
const NOT_YES = /(?!👍|✅|👌|🙏|😀|😊|🙂)\p{Extended_Pictographic}/u

/** Words that change nothing about the time beside them. */
const FILLERS = new Set(
  'op om de het kan graag liefst dan is prima goed ok oke oké ja on at the can it be please then fine good yes'.split(
    ' ',
  ),
)

/**
 * What a text says about a time (`dinsdag 17:00`, `di 24 nov`, `tomorrow 5 pm`); undefined: nothing.
 * @param now Unix ms
 * @param zone of who writes
 */
export function spokenTime(text: string, now: number, zone: string): SpokenTime | undefined {
  const { hour, rest, isOne } = spokenHour(text.toLowerCase())
  const { day, left } = spokenDay(rest)
  const spoken: Parts = { ...day, ...hour }
  if (Object.keys(spoken).length === 0) return undefined
  const today = DateTime.fromMillis(now, { zone }).startOf('day')
  return {
    isCertain: isOne && left.every(word => FILLERS.has(word)) && !NOT_YES.test(text),
    isMeant(at) {
      const time = DateTime.fromMillis(at, { zone })
      const inDays = time.startOf('day').diff(today, 'days').days
      const fits = (wanted: number | undefined, is: number) => wanted === undefined || wanted === is
      // `dinsdag` is the coming one, unless a date says more.
      const isComing = spoken.weekday === undefined || spoken.day !== undefined || inDays <= 7
      return (
        isComing &&
        fits(spoken.weekday, time.weekday) &&
        fits(spoken.inDays, inDays) &&
        fits(spoken.day, time.day) &&
        fits(spoken.month, time.month) &&
        (spoken.hours === undefined || spoken.hours.includes(time.hour)) &&
        fits(spoken.minute, time.minute)
      )
    },
  }
}

/** The names of weekdays and months in every language, with their numbers. */
const WEEKDAYS = namesOf(locale => [Info.weekdays('long', { locale })])
/** These are words of their own too (`do`, `zo`, `sun`): they are names only before a number, or alone. */
const SHORT_WEEKDAYS = namesOf(locale => [Info.weekdays('short', { locale })])
const MONTHS = namesOf(locale => [Info.months('long', { locale }), Info.months('short', { locale })])

function namesOf(listsOf: (locale: string) => string[][]): Map<string, number> {
  const names = Object.keys(TEXTS).flatMap(locale =>
    listsOf(locale).flatMap(list => list.map((name, index) => [wordOf(name), index + 1] as const)),
  )
  return new Map(names)
}

/** Short names may end with a dot. */
function wordOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}

/** The first day that is named; `left`: the words that say something else, or name another day. */
function spokenDay(text: string): { day: Parts; left: string[] } {
  const day: Parts = {}
  const words = text.match(/[\p{L}]+|\d+|#/gu) ?? []
  const isNumber = (word: string | undefined) => word !== undefined && /^[\d#]/.test(word)
  const left = words.filter((word, index) => {
    if (word === '#') return false
    const isShort = words.length === 1 || isNumber(words[index + 1])
    const weekday = WEEKDAYS.get(word) ?? (isShort ? SHORT_WEEKDAYS.get(word) : undefined)
    if (weekday !== undefined) return !setOnce(day, 'weekday', weekday)
    const inDays = IN_DAYS.get(word)
    if (inDays !== undefined) return !setOnce(day, 'inDays', inDays)
    const month = MONTHS.get(word)
    const isDate = [words[index - 1], words[index + 1]].some(isDayOfMonth)
    if (month !== undefined && isDate) return !setOnce(day, 'month', month)
    const isBesideMonth = [words[index - 1], words[index + 1]].some(beside => MONTHS.has(beside ?? ''))
    return !(isDayOfMonth(word) && isBesideMonth && setOnce(day, 'day', Number(word)))
  })
  return { day, left }
}

function isDayOfMonth(word: string | undefined): boolean {
  return Number(word) >= 1 && Number(word) <= 31
}

/** false: it has been set to something else. */
function setOnce(day: Parts, part: 'weekday' | 'inDays' | 'month' | 'day', value: number): boolean {
  day[part] ??= value
  return day[part] === value
}

/** `17:00`, `17.00 uur`, `17u30`, `5 pm`, `3 uur`. */
const HOUR = /(?<!\d)(\d{1,2})(?:\s?[:.u]\s?(\d{2})(?!\d)(?:\s?(uur|am|pm)\b)?|\s?(uur|u|h|am|pm)\b)/g

/** The first time of day that is named; `rest`: the text with a # in the place of each. */
function spokenHour(text: string): { hour: Parts; rest: string; isOne: boolean } {
  const [first, ...others] = text.matchAll(HOUR)
  const rest = text.replaceAll(HOUR, ' # ')
  const written = Number(first?.[1])
  if (first === undefined) return { hour: {}, rest, isOne: true }
  const minute = Number(first[2] ?? 0)
  // A date, most likely: `24.11`, `1.12`.
  if (written > 23 || minute % 5 !== 0) return { hour: {}, rest, isOne: false }
  const half = first[3] ?? first[4]
  // `5 uur` is said of the afternoon too: nobody teaches at five in the morning. `05:30` is not.
  const isMorning = half === 'am' || written >= 12 || first[1]?.startsWith('0')
  const hours = [...(half === 'pm' ? [] : [written]), ...(isMorning ? [] : [written + 12])]
  const hour = { hours: half === 'pm' && written === 12 ? [12] : hours, minute }
  return { hour, rest, isOne: others.length === 0 }
}
