import { Info } from 'luxon'
import { LANGUAGES, type Language, type LanguageCode } from './texts/index.ts'
import type { SpelledTimes } from './texts/language.ts'

/** The words of time that the students of a language use, ready to be looked for. */
export interface TimeVocabulary {
  /** Names, in lower case, with their numbers. 1: Monday, January. */
  weekdays: ReadonlyMap<string, number>
  /** These are words of their own too (`do`, `zo`, `sun`): they are names only before a number, or alone. */
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
  /** A number that may be an hour, with the groups `before`, `hour`, `minute` and `unit`, of which `hour` alone is sure. */
  hour: RegExp
}

const NEVER = '(?!)'

const known = new Map<LanguageCode, TimeVocabulary>()

/** Those of the language and of the languages that its students use too. */
export function timeVocabularyOf(code: LanguageCode): TimeVocabulary {
  const vocabulary = known.get(code) ?? vocabularyOf(LANGUAGES[code])
  known.set(code, vocabulary)
  return vocabulary
}

function vocabularyOf(own: Language): TimeVocabulary {
  const ownFillers = new Set(own.times.fillers.split(' '))
  const all = [own, ...own.times.alsoReads.map(code => LANGUAGES[code])]
  /** Words of all these languages, except where another's word is a filler here. */
  const words = (wordsOf: (language: Language) => readonly string[]) =>
    new Set(all.flatMap(language => wordsOf(language).filter(word => language === own || !ownFillers.has(word))))
  /** The student's own language last, for it counts where two differ. */
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

/** The longest first: `viertel nach` before `viertel`. Never the empty string, also of no words. */
function oneOf(words: Iterable<string>): string {
  const longestFirst = [...words].sort((a, b) => b.length - a.length)
  return `(?:${[...longestFirst, NEVER].join('|')})`
}
