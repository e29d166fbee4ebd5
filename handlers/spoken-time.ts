import { DateTime } from 'luxon'
import { type TimeVocabulary, timeVocabularyOf } from './time-words.ts'
import type { Reader } from './times.ts'

/** What a text says about a time. */
export interface SpokenTime {
  /** Whether the text can mean this time. @param at Unix ms */
  isMeant(at: number): boolean
  /** The text names one time and says nothing else: `dinsdag 17:00 graag`, but not `dinsdag 17:00 kan ik niet`. */
  isCertain: boolean
}

/** The day and hour in a text; a missing part matches any. */
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

/** Emoji that may mean no. */
const NOT_YES = /(?!👍|✅|👌|🙏|😀|😊|🙂)\p{Extended_Pictographic}/u

/**
 * What a text says about a time (`dinsdag 17:00`, `di 24 nov`, `tomorrow 5 pm`); undefined: nothing.
 * @param now Unix ms
 */
export function spokenTime(
  text: string,
  now: number,
  { zone, language }: Pick<Reader, 'zone' | 'language'>,
): SpokenTime | undefined {
  const words = timeVocabularyOf(language)
  const date = spokenDate(text.toLowerCase(), words)
  const { hour, rest, isOne } = spokenHour(date.rest, words)
  const { day, left } = spokenDay(rest, date.day, words)
  const spoken: Parts = { ...day, ...hour }
  if (Object.keys(spoken).length === 0) return undefined
  const today = DateTime.fromMillis(now, { zone }).startOf('day')
  return {
    isCertain: date.isOne && isOne && left.every(word => words.fillers.has(word)) && !NOT_YES.test(text),
    isMeant(at) {
      const time = DateTime.fromMillis(at, { zone })
      const inDays = time.startOf('day').diff(today, 'days').days
      const fits = (wanted: number | undefined, is: number) => wanted === undefined || wanted === is
      // `dinsdag` means the next one, unless there is a date too.
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

/** The first date in digits; `rest`: the text with # in place of each. */
function spokenDate(text: string, vocabulary: TimeVocabulary): { day: Parts; rest: string; isOne: boolean } {
  const [first, ...others] = text.matchAll(vocabulary.date)
  const { day, month } = first?.groups ?? {}
  return {
    day: first === undefined ? {} : { day: Number(day), month: Number(month) },
    rest: text.replaceAll(vocabulary.date, ' # '),
    isOne: others.length === 0,
  }
}

/** The first day named; `left`: words that say something else or name another day. */
function spokenDay(text: string, date: Parts, known: TimeVocabulary): { day: Parts; left: string[] } {
  const { weekdays, shortWeekdays, months, inDays, spelled } = known
  const day = { ...date }
  const words = text.match(/[\p{L}]+|\d+|#/gu) ?? []
  const isNumber = (word: string | undefined) => word !== undefined && /^[\d#]/.test(word)
  const left = words.filter((word, index) => {
    if (word === '#') return false
    const [before = '', after = ''] = [words[index - 1], words[index + 1]]
    const isShort = words.length === 1 || isNumber(after)
    const weekday = weekdays.get(word) ?? (isShort ? shortWeekdays.get(word) : undefined)
    if (weekday !== undefined) return !setOnce(day, 'weekday', weekday)
    if (weekdays.has(before) && spelled.afterWeekday.includes(word)) return true
    const days = inDays.get(word)
    if (days !== undefined) return !setOnce(day, 'inDays', days)
    const month = months.get(word)
    const isDate = [before, after].some(isDayOfMonth)
    if (month !== undefined && isDate) return !setOnce(day, 'month', month)
    const isBesideMonth = [before, after].some(beside => months.has(beside))
    return !(isDayOfMonth(word) && isBesideMonth && setOnce(day, 'day', Number(word)))
  })
  return { day, left }
}

function isDayOfMonth(word: string): boolean {
  return Number(word) >= 1 && Number(word) <= 31
}

/** false: already set to something else. */
function setOnce(day: Parts, part: 'weekday' | 'inDays' | 'month' | 'day', value: number): boolean {
  day[part] ??= value
  return day[part] === value
}

/** The first time of day named; `rest`: the text with # in place of each. */
function spokenHour(text: string, words: TimeVocabulary): { hour: Parts; rest: string; isOne: boolean } {
  const { spelled } = words
  const found: HourGroups[] = []
  const rest = text.replaceAll(words.hour, (match, ...args) => {
    const groups = args.at(-1) as HourGroups
    const isArticle = spelled.articles.includes(groups.hour)
    if (groups.before === '' && (isArticle || (groups.minute ?? groups.unit) === undefined)) return match
    found.push(groups)
    return ' # '
  })
  const [first, ...others] = found
  if (first === undefined) return { hour: {}, rest, isOne: true }
  const phrases = first.before.match(words.beforeHour) ?? []
  const hour = hourOf(first, phrases, words)
  // Most likely a date: `24.11`, `1.12`.
  if (hour === undefined) return { hour: {}, rest, isOne: false }
  return { hour, rest, isOne: others.length === 0 && !phrases.some(phrase => spelled.unsure.includes(phrase)) }
}

interface HourGroups {
  before: string
  hour: string
  minute: string | undefined
  unit: string | undefined
}

const DAY_MINUTES = 24 * 60

/** undefined: not a time of day. */
function hourOf(
  { hour, minute: written = '0', unit = '' }: HourGroups,
  phrases: readonly string[],
  words: TimeVocabulary,
): Parts | undefined {
  const { spelled, am, pm } = words
  const named = spelled.hours[hour] ?? Number(hour)
  const minutes = named * 60 + Number(written) + sum(phrases.map(phrase => Number(spelled.beforeHour[phrase])))
  if (named > 23 || minutes % 5 !== 0) return undefined
  const hours = Math.floor(((minutes + DAY_MINUTES) % DAY_MINUTES) / 60)
  const minute = (minutes + DAY_MINUTES) % 60
  if (pm.has(unit) && hours === 12) return { hours: [12], minute }
  // `5 uur` can mean the afternoon, `05:30` can't.
  const isMorning = am.has(unit) || hours >= 12 || hour.startsWith('0')
  return { hours: [...(pm.has(unit) ? [] : [hours]), ...(isMorning ? [] : [hours + 12])], minute }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
