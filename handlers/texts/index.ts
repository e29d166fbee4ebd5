import type { Json } from '../../sources/json.ts'
import type { Language } from './language.ts'
import * as languages from './languages.ts'
import type { Texts } from './texts.ts'

export type { Language, Texts }

export type LanguageCode = keyof typeof languages

export const LANGUAGES: Readonly<Record<LanguageCode, Language>> = languages

export const LANGUAGE_CODES = Object.keys(LANGUAGES) as LanguageCode[]

/** In which students are answered. */
export interface OfferedLanguages {
  languages: readonly LanguageCode[]
  /** One of them: for students whose language is unknown, or another one. */
  defaultLanguage: LanguageCode
}

export const ALL_LANGUAGES: OfferedLanguages = { languages: LANGUAGE_CODES, defaultLanguage: 'nl' }

/** What students read, by language, where the tutor's settings have nothing else. */
export const TEXTS = Object.fromEntries(LANGUAGE_CODES.map(code => [code, LANGUAGES[code].texts])) as Readonly<
  Record<LanguageCode, Texts>
>

/**
 * The language to write in: the one that the student has asked for in this conversation, else the contact's attribute,
 * else the one that the student writes in, else the browser's (the web widget puts it into the conversation's additional
 * attributes), else the default.
 */
export function languageOf(
  contactAttributes: Json,
  additionalAttributes: Json,
  { language_asked, language }: Json = {},
  { languages, defaultLanguage }: OfferedLanguages = ALL_LANGUAGES,
): LanguageCode {
  const browser = /^\w+/.exec(String(additionalAttributes.browser_language))?.[0].toLowerCase()
  const known = [language_asked, contactAttributes.language, language, browser].map(name =>
    languageCalled(name, languages),
  )
  return known.find(code => code !== undefined) ?? defaultLanguage
}

/** undefined: students are not answered in it. */
export function languageCalled(name: unknown, languages: readonly LanguageCode[]): LanguageCode | undefined {
  return languages.find(code => LANGUAGES[code].codes.some(known => known === name))
}
