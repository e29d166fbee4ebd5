import { Phrases, splitPhrases, wordsIn } from '../phrases.ts'
import { LANGUAGE_CODES, LANGUAGES, type LanguageCode } from './index.ts'
import { OTHER_LANGUAGE_CODES, OTHER_SCRIPTS, OTHER_WORDS } from './other-languages.ts'

/** Which language a text is written in, and which one it asks for. */

/** `other`: one without texts. */
export type Recognised = LanguageCode | 'other'

const ENOUGH = 2
/** How much a word says for its language. */
const WEIGHTS = weights()

function weights(): ReadonlyMap<string, { language: Recognised; weight: number }> {
  const lists = [
    ...LANGUAGE_CODES.flatMap(code => {
      const { surely, perhaps } = LANGUAGES[code].recognisedBy
      return [
        { language: code, words: surely, weight: ENOUGH },
        { language: code, words: perhaps, weight: 1 },
      ]
    }),
    { language: 'other' as const, words: OTHER_WORDS, weight: 1 },
  ]
  const found = new Map<string, { language: Recognised; weight: number }>()
  for (const { language, words, weight } of lists) {
    for (const word of words.trim().split(/\s+/)) {
      const isShared = (found.get(word)?.language ?? language) !== language
      found.set(word, { language, weight: isShared ? 0 : weight })
    }
  }
  return found
}

/** The language that a text is written in; undefined: too little is said, or it is in two. */
export function writtenIn(text: string): Recognised | undefined {
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  if (letters > 0 && (text.match(OTHER_SCRIPTS)?.length ?? 0) * 2 > letters) return 'other'
  const scores = new Map<Recognised, number>()
  for (const word of new Set(wordsIn(text))) {
    const found = WEIGHTS.get(word)
    if (found !== undefined) scores.set(found.language, (scores.get(found.language) ?? 0) + found.weight)
  }
  const [best, second] = [...scores].sort(([, a], [, b]) => b - a)
  if (best === undefined || best[1] < ENOUGH || best[1] === second?.[1]) return undefined
  return best[0]
}

/** The names of a language, in all languages that there are and in its own, as words. */
function namesOf(code: string): string[] {
  const locales = [...LANGUAGE_CODES.map(known => LANGUAGES[known].locale), code]
  const names = locales.map(locale => wordsIn(nameOf(code, locale)).join(' '))
  return [...new Set(names)].filter(name => /^\S+$/.test(name))
}

function nameOf(code: string, locale: string): string {
  return new Intl.DisplayNames(locale, { type: 'language' }).of(code) as string
}

type Kind = 'inside' | 'alone' | 'lacks'

const phrasesFor = (kind: Kind, names: readonly string[]) =>
  new Phrases(
    LANGUAGE_CODES.flatMap(code => splitPhrases(LANGUAGES[code].asking[kind])).flatMap(phrase =>
      names.map(name => phrase.replace('@', name)),
    ),
  )

const NAMED: readonly { language: Recognised; own: Phrases; names: readonly string[] }[] = [
  ...LANGUAGE_CODES.map(code => ({ language: code, codes: [LANGUAGES[code].locale] })),
  { language: 'other' as const, codes: OTHER_LANGUAGE_CODES },
].map(({ language, codes }) => ({
  language,
  own: new Phrases(codes.map(code => wordsIn(nameOf(code, code)).join(' '))),
  names: codes.flatMap(namesOf),
}))

const ASKED = NAMED.map(({ language, own, names }) => ({
  language,
  own,
  inside: phrasesFor('inside', names),
  alone: phrasesFor('alone', names),
}))
const LACKING = phrasesFor(
  'lacks',
  NAMED.flatMap(({ names }) => names),
)

const setOf = (words: (code: LanguageCode) => string) =>
  new Set(LANGUAGE_CODES.flatMap(code => words(code).split(/\s+/)))
const FILLERS = setOf(code => LANGUAGES[code].asking.fillers)
const SUBJECTS = setOf(code => LANGUAGES[code].asking.subjects)

/** The language that a text asks to be answered in; undefined: it asks for none. */
export function askedFor(text: string): Recognised | undefined {
  const words = wordsIn(text)
  if (LACKING.isIn(words)) return writtenIn(text)
  const parts = text.split(/[.,;:!?\n]+/).map(wordsIn)
  const isOfSubject = words.some(word => SUBJECTS.has(word))
  return ASKED.find(
    ({ own, alone, inside }) =>
      own.isAll(words, NONE) || (!isOfSubject && inside.isIn(words)) || parts.some(part => alone.isAll(part, FILLERS)),
  )?.language
}

const NONE: ReadonlySet<string> = new Set()

/** The names of languages, in one of them: `Nederlands, Engels en Duits`. */
export function languageNames(language: LanguageCode, languages: readonly LanguageCode[]): string {
  const { locale } = LANGUAGES[language]
  const names = languages.map(code => nameOf(LANGUAGES[code].locale, locale))
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(names)
}
