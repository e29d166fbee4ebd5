import { wordsIn } from './phrases.ts'
import { LANGUAGE_CODES, LANGUAGES } from './texts/index.ts'
import type { PupilWords } from './texts/pupils.ts'
import { timeVocabularyOf } from './time-words.ts'

/** The words about pupils of all languages, as students mix them, and a text's words with their places. */

const listOf = (of: (words: PupilWords) => string) =>
  new Set(LANGUAGE_CODES.flatMap(code => of(LANGUAGES[code].pupils).split(' ')))
const phrasesOf = (of: (words: PupilWords) => string) =>
  LANGUAGE_CODES.flatMap(code => of(LANGUAGES[code].pupils).split(','))
    .map(wordsIn)
    .sort((one, other) => other.length - one.length)

export const BEFORE = listOf(({ before }) => before)
export const MY = listOf(({ my }) => my)
export const CHILDREN = listOf(({ children }) => children)
export const RELATIONS = new Set([...CHILDREN, ...listOf(({ relations }) => relations)])
export const AND = new Set([...listOf(({ and }) => and), '&', '+', ','])
export const NOT = listOf(({ not }) => not)
export const BUT = new Set([...listOf(({ but }) => but), ','])
export const AGED = listOf(({ aged }) => aged)
export const YEARS = new Set([...listOf(({ years }) => years), ...listOf(({ yearsOld }) => yearsOld), '-'])
export const FILLERS = listOf(({ fillers }) => fillers)
export const NO_NAMES = listOf(({ noNames }) => noNames)
export const CALLED = phrasesOf(({ called }) => called)
export const IS_REALLY = phrasesOf(({ isReally }) => isReally)
export const OTHER = phrasesOf(({ other }) => other)
export const NAME_IS = phrasesOf(({ nameIs }) => nameIs)
/** After these anything can follow: `mijn zoon is ziek`. */
export const IS = new Set(['is', 'ist'])
/** Names that are other words too: only where a name must follow. */
export const AMBIGUOUS = new Set([
  'jan',
  'mei',
  'may',
  'june',
  'april',
  'august',
  'will',
  'bo',
  'max',
  'mark',
  'grace',
  'hope',
  'summer',
])
export const GERMAN_MY = new Set(LANGUAGES.de.pupils.my.split(' '))
export const TIME_WORDS = new Set(LANGUAGE_CODES.flatMap(code => [...timeVocabularyOf(code).phrases.keys()]))
/** Between a first name and another one. */
export const PARTICLES = new Set(['de', 'van', 'der', 'den', 'von', 'el', 'al', 'ten', 'ter', 'la', 'le'])

export interface Token {
  raw: string
  /** As handlers/phrases.ts reads it; a sign stays as it is. */
  plain: string
  from: number
  to: number
}

export function tokensOf(text: string): Token[] {
  return [...text.matchAll(/\p{L}[\p{L}\p{M}'’-]*|\d+|\S/gu)].map(({ 0: raw, index: from }) => {
    const plain = wordsIn(raw.replace(/['’]s$/, '')).join(' ')
    return { raw, plain: plain || raw, from, to: from + raw.length }
  })
}

/** What makes a number before it an hour. */
export const TIME_AFTER = new Set([
  'uur',
  'u',
  'h',
  'hrs',
  'uhr',
  'tot',
  'until',
  'till',
  'to',
  'bis',
  'am',
  'pm',
  'oclock',
  'o',
  'en',
  'and',
  'und',
  'of',
  'or',
  'oder',
])

export function isCapital(token: Token | undefined): token is Token {
  return token !== undefined && /^\p{Lu}/u.test(token.raw)
}

/** As a name is written: `bob`, `BOB` and `Bob` are one. */
export function written(name: string): string {
  const plain = name.replace(/\s+/g, ' ').replaceAll('’', "'")
  if (plain !== plain.toLowerCase() && plain !== plain.toUpperCase()) return plain
  return plain.toLowerCase().replace(/(?<![\p{L}\p{M}'])\p{L}/gu, letter => letter.toUpperCase())
}
