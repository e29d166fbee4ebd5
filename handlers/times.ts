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

/** What a text says about a time; what it does not say fits any. */
interface SpokenTime {
  /** 1: Monday. */
  weekday?: number
  /** Days from today. */
  inDays?: number
  day?: number
  month?: number
  hours?: number[]
  minute?: number
}

const IN_DAYS: Record<string, number> = { vandaag: 0, today: 0, morgen: 1, tomorrow: 1, overmorgen: 2 }

/**
 * A test of times for what a text says (`dinsdag 17:00`, `di 24 nov`, `tomorrow 5 pm`); undefined: it says nothing about
 * a time.
 * @param now Unix ms
 */
export function spokenTime(text: string, now: number, zone: string): ((at: number) => boolean) | undefined {
  const spoken = { ...spokenDay(text), ...spokenHour(text) }
  if (Object.keys(spoken).length === 0) return undefined
  const today = DateTime.fromMillis(now, { zone }).startOf('day')
  return at => {
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
  }
}

/** The names of weekdays and months in every language, with their numbers. */
const WEEKDAYS = namesOf(locale => [Info.weekdays('long', { locale })])
/** These are words of their own too (`do`, `zo`, `sun`): they are names only beside a number, or alone. */
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

function spokenDay(text: string): SpokenTime {
  const spoken: SpokenTime = {}
  const words = text.toLowerCase().match(/[\p{L}]+|\d+/gu) ?? []
  const shortCounts = words.length === 1 || words.some(word => /^\d/.test(word))
  for (const [index, word] of words.entries()) {
    spoken.weekday ??= WEEKDAYS.get(word) ?? (shortCounts ? SHORT_WEEKDAYS.get(word) : undefined)
    spoken.inDays ??= IN_DAYS[word]
    const month = MONTHS.get(word)
    const beside = [words[index - 1], words[index + 1]].map(Number).find(day => day >= 1 && day <= 31)
    if (month === undefined || beside === undefined) continue
    spoken.month ??= month
    spoken.day ??= beside
  }
  return withoutUndefined(spoken)
}

function spokenHour(text: string): SpokenTime {
  const [, clockHour, clockMinute] = /(?<!\d)(\d{1,2})\s?[:.u]\s?(\d{2})(?!\d)/i.exec(text) ?? []
  const [, hour, half] = /(?<!\d)(\d{1,2})\s?(uur|u|h|am|pm)\b/i.exec(text) ?? []
  const written = Number(clockHour ?? hour)
  if (Number.isNaN(written) || written > 24) return {}
  const isAfternoon = /\d\s?pm\b/i.test(text)
  const isMorning = half?.toLowerCase() === 'am'
  // `5 uur` is said of the afternoon too: nobody teaches at five in the morning.
  const hours = [...(isAfternoon ? [] : [written]), ...(isMorning || written >= 12 ? [] : [written + 12])]
  return { hours: isAfternoon && written === 12 ? [12] : hours, minute: Number(clockMinute ?? 0) }
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}
