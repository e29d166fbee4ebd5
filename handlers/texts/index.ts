import { asObject } from '../payload.ts'
import { en, type Texts } from './en.ts'
import { nl } from './nl.ts'

export type { Texts }

export type Language = 'nl' | 'en'

export const TEXTS: Record<Language, Texts> = { nl, en }

/** A contact's language: its attribute, else its browser's if that is English, else Dutch. */
export function languageOf(contact: unknown): Language {
  const { custom_attributes, additional_attributes } = asObject(contact)
  const { language } = asObject(custom_attributes)
  if (language === 'nl' || language === 'en') return language
  return String(asObject(additional_attributes).browser_language ?? '').startsWith('en') ? 'en' : 'nl'
}
