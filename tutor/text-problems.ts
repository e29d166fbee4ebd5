import { LANGUAGE_CODES, type LanguageCode, TEXTS } from '../handlers/texts/index.ts'
import { didYouMean } from '../inbox/nearest-name.ts'
import type { Problem } from './problems.ts'
import type { ByLanguage, TutorSettings } from './settings.ts'
import { NEEDED, PLACEHOLDERS, placeholdersIn } from './texts.ts'
import { wholeOf } from './whole.ts'

/** What a schema can't say about languages, texts and the menu. */

export function languageProblems(settings: TutorSettings): Problem[] {
  const { languages, defaultLanguage } = wholeOf(settings)
  if (languages.includes(defaultLanguage)) return []
  return [['defaultLanguage', `must be one of languages, ${languages.join(', ')}, not "${defaultLanguage}"`]]
}

export function textProblems(settings: TutorSettings): Problem[] {
  const { texts = {}, name } = settings
  return LANGUAGE_CODES.flatMap(code => {
    const { choices: _, paidPage: __, ...plain } = texts[code] ?? {}
    const path = `texts.${code}`
    return [
      ...Object.entries(plain).flatMap(([text, written]) =>
        placeholderProblems(`${path}.${text}`, text as keyof typeof PLACEHOLDERS, written, name),
      ),
      ...titleProblems(code, settings),
    ]
  })
}

function placeholderProblems(
  path: string,
  text: keyof typeof PLACEHOLDERS,
  written: string,
  tutor: string | undefined,
): Problem[] {
  const known = [...new Set<string>([...PLACEHOLDERS[text], 'tutor'])]
  const used = placeholdersIn(written)
  const unknown = used.filter(each => !known.includes(each))
  const needed = NEEDED[text]
  return [
    ...unknown.map((each): Problem => {
      const near = didYouMean(each, known) || `: it can have ${known.map(name => `{${name}}`).join(', ')}`
      return [path, `has {${each}}, which is not known there${near}`]
    }),
    ...(needed === undefined || used.includes(needed)
      ? []
      : [[path, `lacks {${needed}}: without it a student can’t go on`] as const]),
    ...(used.includes('tutor') && tutor === undefined ? [[path, 'has {tutor}, but name is not set'] as const] : []),
  ]
}

/** A student answers with a title. */
function titleProblems(code: LanguageCode, { texts = {}, menu = [] }: TutorSettings): Problem[] {
  const choices = Object.entries({ ...TEXTS[code].choices, ...texts[code]?.choices })
  const titles = [
    ...choices.map(([step, title]) => [`texts.${code}.choices.${step}`, title] as const),
    ...menu.map(
      (item, index) => [`menu[${index}].title.${code}`, typeof item === 'string' ? '' : item.title[code]] as const,
    ),
  ].flatMap(([path, title = '']) => (title === '' ? [] : [{ path, title: title.trim().toLowerCase() }]))
  return titles.flatMap(({ path, title }, index): Problem[] => {
    const same = titles.slice(0, index).find(other => other.title === title)
    return same === undefined ? [] : [[path, `is the same as ${same.path}: a student could not choose`]]
  })
}

export function menuProblems(settings: TutorSettings): Problem[] {
  const { menu, languages } = wholeOf(settings)
  const names = menu.map(item => (typeof item === 'string' ? item : `own_${item.id}`))
  const items = menu.flatMap((item, index): Problem[] => {
    const path = `menu[${index}]`
    if (names.indexOf(names[index] as string) < index) return [[path, 'is there twice: leave one']]
    if (typeof item === 'string') return []
    const { title, answer, person = false } = item
    const lacks = (texts: ByLanguage, name: string): Problem[] => {
      const missing = languages.filter(code => texts[code] === undefined)
      return missing.length === 0
        ? []
        : [[`${path}.${name}`, `lacks ${missing.join(', ')}: students are answered in that too`]]
    }
    return [
      ...lacks(title, 'title'),
      ...(answer === undefined ? [] : lacks(answer, 'answer')),
      ...((answer === undefined) === person ? [] : [[path, 'must have an answer, or "person": true'] as const]),
    ]
  })
  if (names.includes('human')) return items
  return [...items, ['menu', 'lacks "human": whoever can’t go on must be able to ask for a person']]
}
