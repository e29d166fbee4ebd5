import type { MenuItem } from '../clients/chatwoot.ts'
import type { Json } from '../sources/json.ts'
import { LANGUAGE_CODES, LANGUAGES, TEXTS, type Texts } from './texts/index.ts'
import { choiceTitle, type Reader } from './times.ts'

/** What a student can ask for. handlers/steps.ts has what each does, texts/ its title. */
export type Step = keyof Texts['choices']

/** What the bot waits for: the conversation's attribute `pending_intent`. */
export type Intent = 'menu' | 'slot' | 'pay' | 'rebook'

interface Branch {
  /** The times that were offered last can be chosen. */
  times?: boolean
  answers: readonly Step[]
  /** Understood too, without being shown. */
  also?: readonly Step[]
  /** The question is not always shown, so that a number alone may be the answer to the one before. */
  withoutNumbers?: boolean
}

/**
 * Which intent understands which answers. A new branch of the dialogue is an entry here; the compiler then asks for the
 * steps and the texts that are missing.
 */
export const DIALOGUE: Record<Intent, Branch> = {
  menu: { answers: ['book', 'trial', 'prices', 'human'], also: ['menu'] },
  /** A time for a lesson that is still to be paid, or for a trial lesson. */
  slot: { times: true, answers: ['other_times', 'minutes_60', 'minutes_90', 'menu', 'human'] },
  /** A lesson is reserved, and to be paid. */
  pay: { answers: ['pay_link', 'other_time', 'human'], also: ['book', 'menu'], withoutNumbers: true },
  /** Paid, but without a time: another is chosen without paying. */
  rebook: { times: true, answers: ['other_times', 'human'] },
}

/** Where a dialogue stands. */
export interface Situation {
  intent: Intent
  /** Starts of the times that were offered last, in their order, Unix ms. */
  offered: readonly number[]
  /** Steps that make no sense here, such as a trial lesson for a customer. */
  without: ReadonlySet<Step>
  reader: Reader
}

/** What a message means. null: it is not understood. */
export type Meaning = { step: Step } | { time: number } | null

export function intentOf(attributes: Json): Intent {
  const { pending_intent } = attributes
  return (Object.keys(DIALOGUE).find(intent => intent === pending_intent) as Intent | undefined) ?? 'menu'
}

/** The choices of a situation, in the order in which they are shown and numbered. */
export function choicesOf({ intent, offered, without, reader }: Situation): MenuItem[] {
  const { times = false, answers } = DIALOGUE[intent]
  return [
    ...(times ? offered.map(at => ({ title: choiceTitle(at, reader), value: choiceValue(at) })) : []),
    ...itemsOf(
      answers.filter(step => !without.has(step)),
      reader,
    ),
  ]
}

function itemsOf(steps: readonly Step[], { language }: Reader): MenuItem[] {
  return steps.map(step => ({ title: TEXTS[language].choices[step], value: step }))
}

/** What a choice of a time sends back. @param at Unix ms */
function choiceValue(at: number): string {
  return new Date(at).toISOString()
}

/**
 * What a message means in a situation: a choice by its value, its title in any language, or its number. A person can be
 * asked for anywhere.
 */
export function understand(text: string, situation: Situation): Meaning {
  const said = wordsOf(text)
  const { also = [], withoutNumbers = false } = DIALOGUE[situation.intent]
  for (const language of LANGUAGE_CODES) {
    const reader = { ...situation.reader, language }
    const choices = choicesOf({ ...situation, reader })
    const isMeant = ({ title, value }: MenuItem) => [wordsOf(value), wordsOf(title)].includes(said)
    const numbered = withoutNumbers ? undefined : choices.find((_, index) => said === `${index + 1}`)
    const chosen = numbered ?? [...choices, ...itemsOf(also, reader)].find(isMeant)
    if (chosen === undefined) continue
    const time = situation.offered.find(at => choiceValue(at) === chosen.value)
    return time === undefined ? { step: chosen.value as Step } : { time }
  }
  return LANGUAGE_CODES.some(language => LANGUAGES[language].personWords.test(text)) ? { step: 'human' } : null
}

/** Longer than any answer. What is behind that is not looked at: somebody may have made it to be slow to look at. */
export const MAX_ANSWER_LENGTH = 300

/** Without what a person adds or leaves out when writing it over. */
function wordsOf(text: string): string {
  return text
    .slice(0, MAX_ANSWER_LENGTH)
    .trim()
    .toLowerCase()
    .replace(/[.!?)]+$/, '')
}
