import type { Json } from '../payload.ts'
import { en, type Texts } from './en.ts'
import { nl } from './nl.ts'

export type { Texts }

export type Language = 'nl' | 'en'

export const TEXTS: Record<Language, Texts> = { nl, en }

/**
 * The language to write in: the contact's attribute, else English for an English browser (the web widget puts its
 * language into the conversation's additional attributes), else Dutch.
 */
export function languageOf(contactAttributes: Json, additionalAttributes: Json): Language {
  const { language } = contactAttributes
  if (language === 'nl' || language === 'en') return language
  return /^en\b/i.test(String(additionalAttributes.browser_language)) ? 'en' : 'nl'
}
