import { Info } from 'luxon'
import { Spelling, splitPhrases, wordsIn } from './phrases.ts'
import { LANGUAGES, type Language, type LanguageCode } from './texts/index.ts'
import type { TimeWord, TimeWords } from './texts/language.ts'

/** What a word or phrase says about a time. Parts of the day are in hours, `before` and `duration` in minutes. */
export type Sense =
  /** 1: Monday. */
  | { is: 'weekdays'; weekdays: readonly number[]; isShort?: boolean }
  | { is: 'days'; days: number }
  | { is: 'weeks'; weeks: number; weekdays?: readonly number[] }
  | { is: 'month'; month: number }
  | { is: 'part'; from: number; to: number }
  | { is: 'hour'; hour: number; isArticle: boolean }
  | { is: 'before'; minutes: number; isUnsure: boolean }
  | { is: 'duration'; minutes: number }
  /** The text may mean something else by what it says. */
  | { is: 'unsure' }
  /** Beside `weekdays`: `Tuesdays`. */
  | { is: 'eachWeekday' }
  | { is: 'from' | 'until'; ofDays?: DayLimit }
  | { is: Exclude<TimeWord, 'from' | 'until'> }

/** Whether the day is meant too: `bis Donnerstag`, `before Thursday`. */
export type DayLimit = 'included' | 'excluded'

/** The time words of a language's students. */
export interface TimeVocabulary {
  /** By their first word: the longest phrase first. */
  phrases: ReadonlyMap<string, readonly { words: readonly string[]; senses: readonly Sense[] }[]>
  /** Corrects the names of weekdays. */
  spelling: Spelling
  /** Names of days, at the start of a word that ends with a part of the day: `dinsdagmiddag`. */
  dayNames: ReadonlyMap<string, readonly Sense[]>
}

const known = new Map<LanguageCode, TimeVocabulary>()

/** Includes the words of the languages in `alsoReads`. */
export function timeVocabularyOf(code: LanguageCode): TimeVocabulary {
  const vocabulary = known.get(code) ?? vocabularyOf(LANGUAGES[code])
  known.set(code, vocabulary)
  return vocabulary
}

/** Of the student's own language alone, since another one's differ: `half`. */
const OWN_ONLY: ReadonlySet<Sense['is']> = new Set(['hour', 'before'])

function vocabularyOf(own: Language): TimeVocabulary {
  const senses = new Map<string, Sense[]>()
  const dayNames = new Map<string, readonly Sense[]>()
  const names: string[] = []
  // The student's own language first: where two differ, it wins.
  for (const language of [own, ...own.times.alsoReads.map(code => LANGUAGES[code])]) {
    const isOwn = language === own
    for (const [phrase, all] of sensesOf(language)) {
      if (senses.has(phrase) || (!isOwn && all.some(({ is }) => OWN_ONLY.has(is)))) continue
      senses.set(phrase, all)
      const [sense] = all
      if (sense?.is === 'days' || sense?.is === 'morning' || (sense?.is === 'weekdays' && !sense.isShort))
        dayNames.set(phrase, all)
      if (sense?.is === 'weekdays' && !sense.isShort && !phrase.includes(' ')) names.push(phrase)
    }
  }
  return { phrases: indexed(senses), spelling: new Spelling(names), dayNames }
}

function indexed(senses: ReadonlyMap<string, readonly Sense[]>): TimeVocabulary['phrases'] {
  const all = [...senses].map(([phrase, senses]) => ({ words: phrase.split(' '), senses }))
  all.sort((one, other) => other.words.length - one.words.length)
  return Map.groupBy(all, ({ words }) => words[0] as string)
}

/** A language's phrases in plain words, the first meaning of each. */
function sensesOf({ locale, times }: Language): [phrase: string, senses: Sense[]][] {
  const plain = (phrase: string) => wordsIn(phrase).join(' ')
  const all = <T>(entries: Readonly<Record<string, T>>, toSense: (value: T, phrase: string) => Sense[]) =>
    Object.entries(entries).map(([phrase, value]): [string, Sense[]] => [plain(phrase), toSense(value, phrase)])
  const weekday =
    (isShort: boolean) =>
    (name: string, index: number): [string, Sense[]] => [
      plain(name),
      [{ is: 'weekdays', weekdays: [index + 1], isShort }],
    ]
  const month = (name: string, index: number): [string, Sense[]] => [plain(name), [{ is: 'month', month: index + 1 }]]
  return [
    ...all(times.hours, (hour, word) => [{ is: 'hour', hour, isArticle: times.articles.includes(word) }]),
    ...all(times.beforeHour, (minutes, phrase) => [{ is: 'before', minutes, isUnsure: times.unsure.includes(phrase) }]),
    ...all(times.inDays, days => [{ is: 'days', days }]),
    ...all(times.inWeeks, weeks => [{ is: 'weeks', weeks }]),
    ...all(times.inWeekParts, ([weeks, ...weekdays]) => [{ is: 'weeks', weeks, weekdays }]),
    ...all(times.parts, ([from, to]) => [{ is: 'part', from, to }]),
    ...all(times.dayParts, ([days, from, to]): Sense[] => [
      { is: 'days', days },
      { is: 'part', from, to },
    ]),
    ...all(times.durations, minutes => [{ is: 'duration', minutes }]),
    ...wordSenses(times),
    ...all(times.eachWeekday, weekdays => [{ is: 'eachWeekday' }, { is: 'weekdays', weekdays }]),
    ...all(times.weekdays, weekdays => [{ is: 'weekdays', weekdays }]),
    ...Info.weekdays('long', { locale }).map(weekday(false)),
    ...Info.weekdays('short', { locale }).map(weekday(true)),
    ...all(times.shortWeekdays, weekday => [{ is: 'weekdays', weekdays: [weekday], isShort: true }]),
    ...Info.months('long', { locale }).map(month),
    ...Info.months('short', { locale }).map(month),
    ...all(times.months, month => [{ is: 'month', month }]),
  ]
}

/** One word may be of several kinds: `u` stands after an hour, and before minutes. */
function wordSenses({ words, dayLimits }: TimeWords): Map<string, Sense[]> {
  const senses = new Map<string, Sense[]>()
  const limits = new Map<string, DayLimit>()
  for (const [ofDays, phrases] of Object.entries(dayLimits) as [DayLimit, string][]) {
    for (const phrase of splitPhrases(phrases)) limits.set(wordsIn(phrase).join(' '), ofDays)
  }
  for (const [is, phrases] of Object.entries(words) as [TimeWord, string][]) {
    for (const phrase of splitPhrases(phrases).filter(Boolean)) {
      const plain = wordsIn(phrase).join(' ')
      const ofDays = is === 'from' || is === 'until' ? limits.get(plain) : undefined
      senses.set(plain, [...(senses.get(plain) ?? []), { is, ...(ofDays && { ofDays }) } as Sense])
    }
  }
  return senses
}
