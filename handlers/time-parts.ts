import type { LanguageCode } from './texts/index.ts'
import { type Sense, type TimeVocabulary, timeVocabularyOf } from './time-words.ts'

/** The parts of a text that say when: the times and dates in it are put together from words, numbers and signs. */
export type TimePart =
  | Exclude<Sense, { is: 'hour' | 'before' | 'month' | 'days' }>
  | { is: 'days'; days: number }
  /** After a word that says when something begins. 1: January. */
  | { is: 'month'; month: number }
  /** A day of a month. `month`: 1 is January; undefined: the next such day. */
  | { is: 'date'; day: number; month?: number | undefined }
  /** Minutes of the day: more than one where morning and afternoon are both meant. */
  | { is: 'time'; minutes: readonly number[] }
  /** A number that may be an hour. */
  | { is: 'number'; minutes: readonly number[] }
  | { is: 'sign'; sign: string }
  /** Not about a time. */
  | { is: 'else' }

/** A word or phrase with its senses, a number, or a sign. */
interface Token {
  text: string
  /** Nothing stands between it and the one before. */
  isJoined: boolean
  senses: readonly Sense[]
}

/** Emoji that change nothing about a time. */
const YES = /^(?:👍|✅|👌|🙏|😀|😊|🙂|[\u{1F3FB}-\u{1F3FF}]|\uFE0F)$/u

export function timePartsOf(text: string, language: LanguageCode): TimePart[] {
  const tokens = tokensOf(text, timeVocabularyOf(language))
  const parts: TimePart[] = []
  for (let at = 0; at < tokens.length; ) {
    const found =
      durationAt(tokens, at) ??
      rhythmAt(tokens, at) ??
      dateAt(tokens, at) ??
      monthAt(tokens, at) ??
      timeAt(tokens, at) ??
      whileAt(tokens, at)
    parts.push(...(found?.parts ?? ordinary(tokens, at)))
    at = found?.end ?? at + 1
  }
  return parts
}

function tokensOf(text: string, vocabulary: TimeVocabulary): Token[] {
  const plain = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/['’]ll\b/gu, '')
    .replace(/\bt\/m\b/gu, 'tm')
    .replace(/[\p{M}'’‘`´]/gu, '')
    .replaceAll('ß', 'ss')
    // `bi-weekly` is not `weekly`.
    .replace(/(?<=[\p{L}\d])-(?=we+k|woch|maand|month|monat|daag|tagig)/gu, ' ')
  const all = [...plain.matchAll(/\p{L}+|\d+|\S/gu)].map(match => match[0])
  const joined = [...plain.matchAll(/(\s*)(?:\p{L}+|\d+|\S)/gu)].map(([, space]) => space === '')
  const tokens: Token[] = []
  for (let at = 0; at < all.length; ) {
    const { length, senses } = sensesAt(all, at, vocabulary)
    tokens.push({ text: all.slice(at, at + length).join(' '), isJoined: joined[at] === true && at > 0, senses })
    at += length
  }
  return tokens
}

function sensesAt(
  all: readonly string[],
  at: number,
  vocabulary: TimeVocabulary,
): { length: number; senses: readonly Sense[] } {
  const word = all[at] as string
  const phrase = vocabulary.phrases
    .get(word)
    ?.find(({ words }) => words.every((each, index) => all[at + index] === each))
  if (phrase !== undefined) return { length: phrase.words.length, senses: phrase.senses }
  return { length: 1, senses: joinedSenses(word, vocabulary) ?? misspelt(word, vocabulary) }
}

/** `dinsdagmiddag` */
function joinedSenses(word: string, { phrases, dayNames }: TimeVocabulary): readonly Sense[] | undefined {
  for (let length = 4; length < word.length - 2; length++) {
    const [day, rest] = [word.slice(0, length), word.slice(length).replace(/^(morgen|fruh)$/, 'morgens')]
    const part = phrases.get(rest)?.find(({ words }) => words.length === 1)?.senses
    const name = dayNames.get(day)
    if (name !== undefined && part?.[0]?.is === 'part') return [...name, ...part]
  }
  return undefined
}

function misspelt(word: string, { spelling, phrases }: TimeVocabulary): readonly Sense[] {
  const right = spelling.correct(word)
  const senses = right === word ? undefined : phrases.get(right)?.at(-1)?.senses
  // A typing error is never certain.
  return senses === undefined ? [] : [...senses, { is: 'unsure' }]
}

interface Found {
  parts: TimePart[]
  end: number
}

function has<Kind extends Sense['is']>(token: Token | undefined, is: Kind): (Sense & { is: Kind }) | undefined {
  return token?.senses.find((sense): sense is Sense & { is: Kind } => sense.is === is)
}

const isNumber = (token: Token | undefined, max: number): token is Token =>
  token !== undefined && /^\d{1,2}$/.test(token.text) && Number(token.text) <= max

const isSign = (token: Token | undefined, signs: string): boolean =>
  token !== undefined && token.text.length === 1 && signs.includes(token.text)

/** `1,5 uur`, `2 Stunden`, `90 min`, `2 uur les`, `les van 2 uur`. */
function durationAt(tokens: readonly Token[], at: number): Found | undefined {
  const isOf = has(tokens[at], 'lessonOf') !== undefined
  const start = isOf ? at + 1 : at
  const [first, mark, fraction] = [tokens[start], tokens[start + 1], tokens[start + 2]]
  const hour = has(first, 'hour')
  if (!/^\d{1,3}$/.test(first?.text ?? '') && hour === undefined) return undefined
  const isHalf = isSign(mark, ',.') && mark?.isJoined === true && fraction?.text === '5' && fraction.isJoined
  const end = start + (isHalf ? 3 : 1)
  const count = (hour?.hour ?? Number(first?.text)) + (isHalf ? 0.5 : 0)
  const unit = tokens[end]
  const isLesson = has(tokens[end + 1], 'lesson') !== undefined
  const inHours = has(unit, 'hours') ?? (isHalf || isOf || isLesson ? has(unit, 'clock') : undefined)
  const minutes = inHours === undefined ? (has(unit, 'minutes') === undefined ? undefined : count) : count * 60
  if (minutes === undefined) return undefined
  if (minutes < 15 || minutes > 240) return { parts: [{ is: 'else' }], end: end + 1 }
  return { parts: [{ is: 'duration', minutes }], end: end + 1 + (isLesson ? 1 : 0) }
}

/** `2026-11-24`, `24/11`, `24-11-26`, `24.11.`, `24 nov`, `Nov 24`, `24e`. */
function dateAt(tokens: readonly Token[], at: number): Found | undefined {
  return digitsDateAt(tokens, at) ?? monthDateAt(tokens, at) ?? ordinalAt(tokens, at)
}

function digitsDateAt(tokens: readonly Token[], at: number): Found | undefined {
  const [first, mark, second, end, year] = tokens.slice(at, at + 5)
  if (!mark?.isJoined || !second?.isJoined) return undefined
  if (/^20\d\d$/.test((first as Token).text) && isSign(mark, '-') && isNumber(year, 31) && isNumber(second, 12)) {
    return { parts: [{ is: 'date', day: Number(year.text), month: Number(second.text) }], end: at + 5 }
  }
  // `5-6pm`
  const isHour = (['clock', 'am', 'pm'] as const).some(is => has(tokens[at + 3], is))
  if (!isNumber(first, 31) || !isNumber(second, 31) || !isSign(mark, '/-.') || isHour) return undefined
  const isEnded = isSign(end, mark.text) && end?.isJoined === true
  // `17.30` is a time, `24.11` is none.
  const isTime =
    isSign(mark, '.') &&
    !isEnded &&
    Number(first.text) < 24 &&
    second.text.length === 2 &&
    Number(second.text) % 5 === 0
  // `15-18` is from three to six.
  const [day, month] = Number(second.text) > 12 ? [second, first] : [first, second]
  if (isTime || Number(month.text) > 12 || Number(day.text) === 0 || Number(month.text) === 0) return undefined
  const isYear = /^20\d\d$/.test(year?.text ?? '') || (year?.isJoined === true && /^\d\d$/.test(year.text))
  const isRead = isEnded && isYear && !isSign(tokens[at + 5], ':.')
  const isUnsure = !isEnded && !isSign(mark, '/-')
  const date: TimePart = { is: 'date', day: Number(day.text), month: Number(month.text) }
  return { parts: isUnsure ? [date, { is: 'unsure' }] : [date], end: at + 3 + (isEnded ? 1 : 0) + (isRead ? 1 : 0) }
}

/** The day of a month, and whether something of it stands between: `24th of`, `24.` */
function dayOfMonthAt(
  tokens: readonly Token[],
  at: number,
): { day: number; end: number; isOrdinal: boolean } | undefined {
  const token = tokens[at]
  if (!isNumber(token, 31) || Number(token.text) === 0) return undefined
  const after = tokens[at + 1]
  const isOrdinal = after?.isJoined === true && has(after, 'ordinal') !== undefined
  const isDotted = isSign(after, '.') && after?.isJoined === true
  return { day: Number(token.text), end: at + (isOrdinal || isDotted ? 2 : 1), isOrdinal }
}

function monthDateAt(tokens: readonly Token[], at: number): Found | undefined {
  const before = has(tokens[at], 'month')
  if (before !== undefined) {
    const found = dayOfMonthAt(tokens, at + (isSign(tokens[at + 1], '.') ? 2 : 1))
    // `Nov 24`, but not `24 nov 17:00`: that one was found by its day.
    if (found === undefined || isSign(tokens[found.end], ':')) return undefined
    return { parts: [{ is: 'date', day: found.day, month: before.month }], end: found.end }
  }
  const found = dayOfMonthAt(tokens, at)
  if (found === undefined) return undefined
  const end = tokens[found.end]?.text === 'of' && found.isOrdinal ? found.end + 1 : found.end
  const month = has(tokens[end], 'month')
  if (month === undefined) return undefined
  const hasDot = isSign(tokens[end + 1], '.') && tokens[end + 1]?.isJoined === true
  const year = /^20\d\d$/.test(tokens[end + 1]?.text ?? '')
  return { parts: [{ is: 'date', day: found.day, month: month.month }], end: end + (hasDot || year ? 2 : 1) }
}

/** `vanaf januari`, `in May`, but not the verb; `from 2027`. */
function monthAt(tokens: readonly Token[], at: number): Found | undefined {
  const month = has(tokens[at], 'month')
  const isBegin = (['from', 'begins', 'inAWhile'] as const).some(is => has(tokens[at - 1], is))
  if (isBegin && /^20\d\d$/.test((tokens[at] as Token).text)) return { parts: [{ is: 'nextYear' }], end: at + 1 }
  return month === undefined || !isBegin ? undefined : { parts: [{ is: 'month', month: month.month }], end: at + 1 }
}

function ordinalAt(tokens: readonly Token[], at: number): Found | undefined {
  const found = dayOfMonthAt(tokens, at)
  if (found === undefined) return undefined
  // `am 3.`, but not `am 3.12.`
  const isAfterDot = found.end === at + 2 && tokens[found.end]?.isJoined !== true
  const isDotted = isAfterDot && has(tokens[at - 1], 'onDate') !== undefined
  return found.isOrdinal || isDotted ? { parts: [{ is: 'date', day: found.day }], end: found.end } : undefined
}

const HOUR = 60
const DAY = 24 * HOUR

/** `17:00`, `17.00 uur`, `17u30`, `5 pm`, `drie uur`, `half 5`, `fünf vor halb drei`, a bare number. */
function timeAt(tokens: readonly Token[], at: number): Found | undefined {
  if (has(tokens[at], 'noon')) return { parts: [{ is: 'time', minutes: [12 * HOUR] }], end: at + 1 }
  let start = at
  let shift = 0
  let isUnsure = false
  for (let before = has(tokens[start], 'before'); before !== undefined; before = has(tokens[start], 'before')) {
    shift += before.minutes
    isUnsure ||= before.isUnsure
    start++
  }
  const token = tokens[start]
  const word = has(token, 'hour')
  // `10 weken`
  if ((!isNumber(token, 24) && word === undefined) || has(tokens[start + 1], 'weekUnit')) return undefined
  const minute = minuteAt(tokens, start + 1)
  const after = minute?.end ?? start + 1
  const half = (['am', 'pm', 'clock'] as const).find(is => has(tokens[after], is))
  const isClock = start > at || minute !== undefined || half !== undefined
  if (
    word?.isArticle &&
    (start === at || (minute === undefined && tokens[start - 1]?.text === 'om' && half === undefined))
  )
    return undefined
  const named = { hour: word?.hour ?? Number(token?.text), isPadded: token?.text.startsWith('0') === true }
  const minutes = minutesOf(named, shift + (minute?.minute ?? 0), half)
  if (minutes === undefined) return undefined
  const end = after + (half === undefined ? 0 : 1)
  const parts: TimePart[] = [isClock ? { is: 'time', minutes } : { is: 'number', minutes }]
  return { parts: isUnsure ? [...parts, { is: 'unsure' }] : parts, end }
}

function minuteAt(tokens: readonly Token[], at: number): { minute: number; end: number } | undefined {
  const [mark, minute, after] = tokens.slice(at, at + 3)
  const isSeparator = has(mark, 'separator') !== undefined || (isSign(mark, ':.') && minute?.isJoined === true)
  if (!isSeparator || !/^[0-5]\d$/.test(minute?.text ?? '')) return undefined
  // `17 Uhr 25. November`
  const isDate =
    has(after, 'month') !== undefined ||
    (isSign(after, './-') && after?.isJoined === true && has(mark, 'separator') !== undefined)
  return isDate ? undefined : { minute: Number(minute?.text), end: at + 2 }
}

/** undefined: not a time of day. */
function minutesOf(
  { hour, isPadded }: { hour: number; isPadded: boolean },
  more: number,
  half: 'am' | 'pm' | 'clock' | undefined,
): number[] | undefined {
  const isTwelve = hour === 12
  const first = (half === 'am' && isTwelve ? 0 : hour * HOUR) + more
  if (hour > 24 || first % 5 !== 0 || (hour > 12 && (half === 'am' || half === 'pm'))) return undefined
  const minutes = (first + DAY) % DAY
  if (half === 'am') return [minutes]
  if (half === 'pm') return [isTwelve ? minutes : (first + DAY / 2 + DAY) % DAY]
  // `5 uur` can mean the afternoon, `05:30` can't; `half een` is after noon or after midnight.
  if (hour > 12 || hour === 0 || isPadded) return [minutes]
  return isTwelve && more >= 0 ? [minutes] : [minutes, (minutes + DAY / 2) % DAY]
}

/** `over 3 dagen`, `in two weeks` */
function whileAt(tokens: readonly Token[], at: number): Found | undefined {
  const [before, count, unit] = tokens.slice(at, at + 3)
  if (!has(before, 'inAWhile')) return undefined
  const number = has(count, 'hour')?.hour ?? (isNumber(count, 31) ? Number(count.text) : undefined)
  if (number === undefined) return undefined
  if (has(unit, 'weekUnit')) return { parts: [{ is: 'weeks', weeks: number }], end: at + 3 }
  return has(unit, 'dayUnit') ? { parts: [{ is: 'days', days: number }, { is: 'unsure' }], end: at + 3 } : undefined
}

/** `elke 5 weken`, `every 4th Tuesday`, `jeden 3. Dienstag`: no lesson each week. */
function rhythmAt(tokens: readonly Token[], at: number): Found | undefined {
  const [, count, next, after] = tokens.slice(at, at + 4)
  const isCount = isNumber(count, 31) || has(count, 'hour') !== undefined
  if (!has(tokens[at], 'weekly') || !isCount) return undefined
  const isUnit = (token: Token | undefined) =>
    (['weekUnit', 'dayUnit', 'weekdays'] as const).some(is => has(token, is)) ||
    /^monat|^maand|^month/.test(token?.text ?? '')
  const isOrdinal = next?.isJoined === true && (isSign(next, '.') || has(next, 'ordinal') !== undefined)
  const end = isUnit(next) ? at + 2 : isOrdinal && isUnit(after) ? at + 3 : undefined
  return end === undefined ? undefined : { parts: [{ is: 'otherRhythm' }], end }
}

/** Senses that say nothing without a number beside them. */
const IDLE: ReadonlySet<string> = new Set([
  'clock',
  'separator',
  'am',
  'pm',
  'ordinal',
  'hours',
  'minutes',
  'dayUnit',
  'weekUnit',
  'before',
  'month',
  'inAWhile',
  'lessonOf',
  'onDate',
  'unsure',
])

function ordinary(tokens: readonly Token[], at: number): TimePart[] {
  const token = tokens[at] as Token
  if (YES.test(token.text)) return []
  if (token.senses.length === 0)
    return [
      /^[\p{L}\d]/u.test(token.text) || /\p{Extended_Pictographic}/u.test(token.text)
        ? { is: 'else' }
        : { is: 'sign', sign: token.text },
    ]
  const [sense] = token.senses as [Sense]
  if (token.senses.some(({ is }) => is === 'filler')) return [{ is: 'filler' }]
  if (sense.is === 'hour') return [sense.isArticle ? { is: 'filler' } : { is: 'else' }]
  if (sense.is === 'weekdays' && sense.isShort && !isShortWeekday(tokens, at)) return [{ is: 'else' }]
  if (IDLE.has(sense.is) && token.text !== 'om' && token.text !== 'um' && token.text !== 'at') return [{ is: 'else' }]
  return token.senses.map(sense =>
    IDLE.has(sense.is) && sense.is !== 'unsure' ? { is: 'filler' } : sense,
  ) as TimePart[]
}

/** A short name is often another word: a weekday only alone, or before or between what says when. */
function isShortWeekday(tokens: readonly Token[], at: number): boolean {
  const isDotted = isSign(tokens[at + 1], '.')
  const after = tokens[at + (isDotted || isSign(tokens[at + 1], ',') ? 2 : 1)]
  if (tokens.every((token, index) => index === at || /^[^\p{L}\d]$/u.test(token.text))) return true
  // `zo rond 5 uur` and `so um 5` mean about five.
  const isRisky = /^[zs]o$/.test((tokens[at] as Token).text)
  if (/^\d/.test(after?.text ?? '')) return true
  if (isRisky && !isDotted) return false
  const isNear = (token: Token | undefined) =>
    (['before', 'from', 'until', 'between', 'around', 'part', 'weekdays', 'or', 'noon'] as const).some(is =>
      has(token, is),
    )
  const before = tokens[at - 1]
  return isNear(after) || (has(before, 'or') !== undefined && has(tokens[at - 2], 'weekdays') !== undefined)
}
