import { asText, type Json } from '../sources/json.ts'
import type { Tutor } from '../tutor/tutor.ts'
import type { Conversation } from './conversation.ts'
import { tokensOf } from './pupil-vocabulary.ts'
import { MAX_NAME_LENGTH } from './pupil-words.ts'
import { parseTime } from './times.ts'

/**
 * The pupils of a conversation in which somebody else pays: its attributes `pupils` (all of them, with commas between),
 * `pupil` (for whom the lesson is that is being booked), and `pupil_asked` (what the bot waits for).
 */

/** WhatsApp's list has ten rows: with another pupil, a person, and one that is not known yet. */
export const MAX_PUPILS = 7

export function pupilsOf({ pupils }: Json): string[] {
  const names =
    asText(pupils)
      ?.split(',')
      .map(name => name.trim()) ?? []
  return [...new Set(names.filter(isName))].slice(0, MAX_PUPILS)
}

/** The attribute may have been written by hand: what is no name is left out. */
function isName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && /^\p{L}[\p{L}\p{M}'’. -]*$/u.test(name)
}

/** Those of them that are named anywhere in what was written, with an s too: `Bobs les`, `Bob’s lesson`. */
export function pupilsNamedIn(texts: readonly string[], attributes: Json): string[] {
  const written = texts.map(text => tokensOf(text).map(({ plain }) => plain))
  return pupilsOf(attributes).filter(name => {
    const words = tokensOf(name).map(({ plain }) => plain)
    const isAt = (tokens: readonly string[], from: number) =>
      words.every((word, at) => tokens[from + at] === word || tokens[from + at] === `${word}s`)
    return written.some(tokens => tokens.some((_, from) => isAt(tokens, from)))
  })
}

/** For whom the lesson is that is being booked; undefined: not said, or the contact's own. */
export function pupilOf(attributes: Json): string | undefined {
  const all = pupilsOf(attributes)
  return all.find(name => name === attributes.pupil) ?? (all.length === 1 ? all[0] : undefined)
}

/** The name that a lesson has: the pupil's where one is known, else the contact's. */
export function studentOf({ attributes, contactName }: Pick<Conversation, 'attributes' | 'contactName'>): string {
  return pupilOf(attributes) ?? contactName
}

/** Whether it has to be asked for whom the lesson is, or has been and is not answered. */
export function isPupilUnknown({ attributes }: Pick<Conversation, 'attributes'>): boolean {
  const isOneOfSeveral = pupilsOf(attributes).length > 1 && pupilOf(attributes) === undefined
  return isOneOfSeveral || pupilQuestionOf(attributes)?.is === 'which'
}

/** Attributes once a lesson is booked: for whom the next one is, is asked again. */
export function withoutPupil({ pupil }: Json): Json {
  return pupil == null ? {} : { pupil: null }
}

/** Whose a lesson is, as a line; none where there are not several pupils. */
export function pupilLines({ attributes, language }: Conversation, tutor: Tutor, student?: string): string[] {
  const all = pupilsOf(attributes)
  const name = student === undefined ? pupilOf(attributes) : all.find(each => each === student)
  return all.length > 1 && name !== undefined ? [tutor.texts[language].pupilIs(name)] : []
}

/** What the bot waits for. */
export interface PupilQuestion {
  /** which: for whom it is. name: of somebody who has been mentioned. */
  is: 'which' | 'name'
  /** What was written before the question, and is answered after it; empty: nothing. */
  text: string
  /** When that was written, Unix ms. */
  at: number
  /** A name that is not known yet: to be added if it is chosen. */
  added?: string
}

/** undefined: nothing is asked. */
export function pupilQuestionOf({ pupil_asked }: Json): PupilQuestion | undefined {
  const [, is, written, added = '', text = ''] =
    /^(which|name) (\S+) (\S+) ?(.*)$/s.exec(asText(pupil_asked) ?? '') ?? []
  const at = parseTime(written)
  if (at === undefined) return undefined
  const name = added === NONE ? undefined : decoded(added)
  return { is: is as 'which' | 'name', at, text, ...(name !== undefined && isName(name) && { added: name }) }
}

const NONE = '-'

function decoded(name: string): string {
  return name.replaceAll('_', ' ')
}

/** @returns the attribute, short enough for Chatwoot, which takes 1,500 characters */
export function pupilAsked({ is, at, text, added }: PupilQuestion): Json {
  const name = added === undefined ? NONE : added.replaceAll(' ', '_')
  return { pupil_asked: `${is} ${new Date(at).toISOString()} ${name} ${text}`.trim().toWellFormed() }
}

/** The names that can be chosen. */
export function pupilsToChoose(attributes: Json): string[] {
  const added = pupilQuestionOf(attributes)?.added
  return [...(added === undefined ? [] : [added]), ...pupilsOf(attributes)]
}
