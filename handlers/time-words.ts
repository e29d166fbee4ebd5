import { Info } from 'luxon'
import { LANGUAGES, type Language, type LanguageCode } from './texts/index.ts'
import type { SpelledTimes } from './texts/language.ts'

/** The time words of a language's students, prepared for matching. */
export interface TimeVocabulary {
  /** Names, in lower case, with their numbers. 1: Monday, January. */
  weekdays: ReadonlyMap<string, number>
  /** Often other words too (`do`, `zo`, `sun`): taken as weekdays only before a number, or alone. */
  shortWeekdays: ReadonlyMap<string, number>
  months: ReadonlyMap<string, number>
  inDays: ReadonlyMap<string, number>
  fillers: ReadonlySet<string>
  am: ReadonlySet<string>
  pm: ReadonlySet<string>
  /** Of the student's own language alone: `half` differs. */
  spelled: SpelledTimes
  date: RegExp
  /** The words of `spelled.beforeHour`. */
  beforeHour: RegExp
  /** A possible hour, with the group `hour` and optionally `before`, `minute` and `unit`. */
  hour: RegExp
}

const NEVER = '(?!)'

const known = new Map<LanguageCode, TimeVocabulary>()

/** Includes the words of the languages in `alsoReads`. */
export function timeVocabularyOf(code: LanguageCode): TimeVocabulary {
  const vocabulary = known.get(code) ?? vocabularyOf(LANGUAGES[code])
  known.set(code, vocabulary)
  return vocabulary
}

function vocabularyOf(own: Language): TimeVocabulary {
  const ownFillers = new Set(own.times.fillers.split(' '))
  const all = [own, ...own.times.alsoReads.map(code => LANGUAGES[code])]
  /** Words of all these languages, except those that are fillers in the student's own. */
  const words = (wordsOf: (language: Language) => readonly string[]) =>
    new Set(all.flatMap(language => wordsOf(language).filter(word => language === own || !ownFillers.has(word))))
  /** The student's own language last, so that it wins. */
  const numbers = (entriesOf: (language: Language) => [string, number][]) =>
    new Map(
      all
        .toReversed()
        .flatMap(entriesOf)
        .filter(([word]) => !ownFillers.has(word)),
    )
  const am = words(({ times }) => times.halves.am)
  const pm = words(({ times }) => times.halves.pm)
  const { spelled } = own.times
  return {
    weekdays: numbers(({ locale }) => numbered(Info.weekdays('long', { locale }))),
    shortWeekdays: numbers(({ locale }) => numbered(Info.weekdays('short', { locale }))),
    months: numbers(({ locale }) => [
      ...numbered(Info.months('long', { locale })),
      ...numbered(Info.months('short', { locale })),
    ]),
    inDays: numbers(({ times }) => Object.entries(times.inDays)),
    fillers: words(({ times }) => times.fillers.split(' ')),
    am,
    pm,
    spelled,
    date: spelled.date ?? new RegExp(NEVER, 'g'),
    beforeHour: new RegExp(oneOf(Object.keys(spelled.beforeHour)), 'gu'),
    hour: hourPattern({
      separators: words(({ times }) => times.separators),
      afterHour: new Set([...words(({ times }) => times.afterHour), ...am, ...pm]),
      afterMinutes: new Set([...words(({ times }) => times.afterMinutes), ...am, ...pm]),
      hours: Object.keys(spelled.hours),
      beforeHour: Object.keys(spelled.beforeHour),
    }),
  }
}

/** Short names may end with a dot. */
function numbered(names: string[]): [string, number][] {
  return names.map((name, index) => [name.toLowerCase().replace(/\.$/, ''), index + 1])
}

/** `17:00`, `17.00 uur`, `17u30`, `5 pm`, `3 uur`, `halb drei`. */
function hourPattern(
  parts: Record<'separators' | 'afterHour' | 'afterMinutes' | 'hours' | 'beforeHour', Iterable<string>>,
): RegExp {
  const before = `(?<before>(?:(?<![\\p{L}\\d])${oneOf(parts.beforeHour)}\\s+)*)`
  const hour = `(?<hour>(?<!\\d)\\d{1,2}|(?<!\\p{L})${oneOf(parts.hours)}(?!\\p{L}))`
  const end = '(?![\\p{L}\\d_])'
  const withMinutes = `\\s?${oneOf([':', '\\.', ...parts.separators])}\\s?(?<minute>\\d{2})(?!\\d)(?:\\s?(?<unit>${oneOf(parts.afterMinutes)})${end})?`
  const fullHour = `\\s?(?<unit>${oneOf(parts.afterHour)})${end}`
  return new RegExp(`${before}${hour}(?:${withMinutes}|${fullHour})?`, 'gu')
}

/** Longest first: `viertel nach` before `viertel`. Without words it matches nothing, not the empty string. */
function oneOf(words: Iterable<string>): string {
  const longestFirst = [...words].sort((a, b) => b.length - a.length)
  return `(?:${[...longestFirst, NEVER].join('|')})`
}
