import type { Conversation } from './conversation.ts'
import { handOverFor } from './hand-over.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { type LanguageCode, languageCalled } from './texts/index.ts'
import { askedFor, languageNames, type Recognised, writtenIn } from './texts/recognise.ts'

/** In which language a student is answered. */

/** What a message says about the language. */
export interface LanguageSaid {
  /** To answer in. */
  language: LanguageCode
  /** What to remember of it. */
  kept: Pick<Reply, 'attributes' | 'contact'>
  /** One with texts is asked for. */
  isAsked: boolean
  /** It is written in a language without texts, or asks for one. */
  isOther: boolean
}

/**
 * What a student writes in decides, unless the contact has a language that was not found so: then only what is asked for.
 * A bot's token may not write the contact, so the conversation remembers it too.
 */
export function languageSaidIn({ tutor }: Services, text: string, conversation: Conversation): LanguageSaid {
  const { languages } = tutor
  const { attributes, contactAttributes } = conversation
  const asked = askedFor(text)
  const written = asked ?? writtenIn(text)
  const isAsked = isOffered(asked, languages)
  // Who was told which languages there are, and goes on in one of them, has chosen it.
  const isPrompted = attributes.language_prompted === true
  const ofContact = languageCalled(contactAttributes.language, languages)
  const isFree = isPrompted || ofContact === undefined || ofContact === languageCalled(attributes.language, languages)
  const mayDecide = isAsked || (isFree && languageCalled(attributes.language_asked, languages) === undefined)
  if (!isOffered(written, languages)) {
    return { language: conversation.language, kept: {}, isAsked: false, isOther: written !== undefined }
  }
  if (!mayDecide) return { language: conversation.language, kept: {}, isAsked: false, isOther: false }
  const name = isAsked || isPrompted ? 'language_asked' : 'language'
  const isKept = attributes[name] === written
  const kept = isKept ? {} : { attributes: { [name]: written }, contact: { language: written } }
  return { language: written, kept, isAsked, isOther: false }
}

function isOffered(language: Recognised | undefined, languages: readonly LanguageCode[]): language is LanguageCode {
  return languages.some(code => code === language)
}

/** Adds to a reply what is to be remembered. */
export function rememberingLanguage(reply: Reply, { kept }: Pick<LanguageSaid, 'kept'>): Reply {
  if (kept.attributes === undefined) return reply
  return {
    ...reply,
    attributes: { ...kept.attributes, ...reply.attributes },
    contact: { ...kept.contact, ...reply.contact },
  }
}

/** A language without texts: tells once which there are, in English if it is one of them, and in the default; then a person comes. */
export function answerOtherLanguage(services: Services, conversation: Conversation, text: string): Reply {
  const { languages, defaultLanguage, texts } = services.tutor
  if (conversation.attributes.language_prompted === true) return handOverFor(services, 'language', [text], conversation)
  const read = new Set(languages.includes('en') ? ['en' as const, defaultLanguage] : [defaultLanguage])
  const told = [...read].map(code => texts[code].languages(languageNames(code, languages)))
  return { content: told.join('\n\n'), attributes: { language_prompted: true } }
}
