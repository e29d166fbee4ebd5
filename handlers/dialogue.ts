import type { MenuItem } from '../clients/chatwoot.ts'
import type { Json } from '../sources/json.ts'
import type { OwnItem, Tutor } from '../tutor/tutor.ts'
import { LANGUAGE_CODES, LANGUAGES, type LanguageCode, type Texts } from './texts/index.ts'
import { choiceTitle, parseTime, type Reader } from './times.ts'

/** What a student can ask for: implemented in handlers/steps.ts, titled in texts/. */
export type Step = FixedStep | LengthStep | OwnStep

export type FixedStep = keyof Texts['choices']

/** Another length of the lesson, in minutes. */
export type LengthStep = `minutes_${number}`

/** An item that the tutor has put into the menu. */
export type OwnStep = `own_${string}`

/** What the bot waits for: the conversation's attribute `pending_intent`. */
export type Intent = 'menu' | 'slot' | 'pay' | 'rebook'

interface Branch {
  /** Whether the times offered last can be chosen. */
  times?: boolean
  /** `menu_items`: what the tutor has in the menu; `lengths`: what else a lesson can last. */
  answers: readonly (FixedStep | 'lengths' | 'menu_items')[]
  /** Understood but not shown. */
  also?: readonly FixedStep[]
  /** Places are not understood: the choices are not always shown, so a number may answer an earlier question. */
  withoutPlaces?: boolean
}

/**
 * Which answers each intent understands. For a new branch of the dialogue add an entry; the compiler then names the
 * missing steps and texts.
 */
export const DIALOGUE: Record<Intent, Branch> = {
  menu: { answers: ['menu_items'], also: ['menu'] },
  /** Choosing a time for a lesson to be paid, or a trial lesson. */
  slot: { times: true, answers: ['other_times', 'lengths', 'menu', 'human'] },
  /** A lesson is reserved and awaits payment. */
  pay: { answers: ['pay_link', 'other_time', 'human'], also: ['book', 'menu'], withoutPlaces: true },
  /** Paid but without a time: choosing another one. */
  rebook: { times: true, answers: ['other_times', 'human'] },
}

/** Where a dialogue stands. */
export interface Situation {
  intent: Intent
  /** Start times offered last, in order, Unix ms. */
  offered: readonly number[]
  /** The menu, the lessons and the texts that there are. */
  tutor: Pick<Tutor, 'menu' | 'lessons' | 'texts'>
  /** Steps that make no sense here, such as a trial lesson for a customer. */
  without: ReadonlySet<Step>
  /** The choices stand in the text, numbered: a number is an answer to them. */
  numbersShown?: boolean
  reader: Reader
}

/** What a message means; null if not understood. */
export type Meaning = { step: Step } | { time: number } | null

export function intentOf(attributes: Json): Intent {
  const { pending_intent } = attributes
  return (Object.keys(DIALOGUE).find(intent => intent === pending_intent) as Intent | undefined) ?? 'menu'
}

/** The choices, in the order in which they are shown and numbered. */
export function choicesOf({ intent, offered, tutor, without, reader }: Situation): MenuItem[] {
  const { times = false, answers } = DIALOGUE[intent]
  const steps = answers.flatMap((answer): Step | Step[] => {
    if (answer === 'menu_items') return tutor.menu.map(item => (typeof item === 'string' ? item : item.step))
    return answer === 'lengths' ? lengthSteps(tutor) : answer
  })
  return [
    ...(times ? offered.map(at => ({ title: choiceTitle(at, reader), value: choiceValue(at) })) : []),
    ...itemsOf(
      steps.filter(step => !without.has(step)),
      reader,
      tutor,
    ),
  ]
}

function itemsOf(steps: readonly Step[], { language }: Reader, tutor: Situation['tutor']): MenuItem[] {
  return steps.map(step => ({ title: titleOf(step, language, tutor), value: step }))
}

function titleOf(step: Step, language: LanguageCode, tutor: Situation['tutor']): string {
  const { choices, otherLength } = tutor.texts[language]
  const minutes = lengthIn(step)
  if (minutes !== undefined) return otherLength(minutes)
  return ownItem(step, tutor)?.titles[language] ?? choices[step as FixedStep]
}

/** What a step of the tutor's own does; undefined: it is another step, or is not in the menu any more. */
export function ownItem(step: string, { menu }: Pick<Tutor, 'menu'>): OwnItem | undefined {
  return menu.find((item): item is OwnItem => typeof item === 'object' && item.step === step)
}

function lengthSteps({ lessons }: Pick<Tutor, 'lessons'>): LengthStep[] {
  return lessons.map(({ minutes }) => lengthStep(minutes))
}

export function lengthStep(minutes: number): LengthStep {
  return `minutes_${minutes}`
}

/** The minutes of a step that changes the length; undefined: it is another step. */
export function lengthIn(step: string): number | undefined {
  const [, minutes] = /^minutes_(\d{1,4})$/.exec(step) ?? []
  return minutes === undefined ? undefined : Number(minutes)
}

/** @param at Unix ms */
function choiceValue(at: number): string {
  return new Date(at).toISOString()
}

/** Longer than any title: writing out the times that are offered, to compare them, takes half of understanding a text. */
const MAX_TITLE_LENGTH = 100

/**
 * Understands a choice by its value, its title in any language, or its number; and a request for a person anywhere.
 */
export function understand(text: string, situation: Situation): Meaning {
  const said = wordsOf(text)
  const { also = [] } = DIALOGUE[situation.intent]
  const numbered = isNumberPlace(situation) && /^[1-9]\d?$/.test(said) ? choiceAt(Number(said), situation) : null
  if (numbered !== null) return numbered
  for (const language of said.length > MAX_TITLE_LENGTH ? [] : LANGUAGE_CODES) {
    const reader = { ...situation.reader, language }
    const isMeant = ({ title, value }: MenuItem) => [wordsOf(value), wordsOf(title)].includes(said)
    const chosen = [...choicesOf({ ...situation, reader }), ...itemsOf(also, reader, situation.tutor)].find(isMeant)
    if (chosen !== undefined) return meaningOf(chosen, situation)
  }
  return LANGUAGE_CODES.some(language => LANGUAGES[language].personWords.test(text)) ? { step: 'human' } : null
}

/** Whether a number alone is a choice's place. Where times are asked for, it is an hour unless numbers were shown. */
export function isNumberPlace({ intent, numbersShown = false }: Situation): boolean {
  const { times = false, withoutPlaces = false } = DIALOGUE[intent]
  return numbersShown || !(times || withoutPlaces)
}

/** The choice at a place, from 1 on, as in `option 2`. null: there is none, or places are not understood here. */
export function choiceAt(place: number, situation: Situation): Meaning {
  if (DIALOGUE[situation.intent].withoutPlaces && !situation.numbersShown) return null
  const chosen = choicesOf(situation)[place - 1]
  return chosen === undefined ? null : meaningOf(chosen, situation)
}

function meaningOf({ value }: MenuItem, { offered }: Situation): Exclude<Meaning, null> {
  const time = offered.find(at => choiceValue(at) === value)
  return time === undefined ? { step: value as Step } : { time }
}

/**
 * What the choices of older questions do in each state, by their step; what is not listed can't be done there. Older
 * buttons stay clickable in WhatsApp and in the widget.
 */
const OLDER: Record<Intent, Partial<Record<FixedStep | 'lengths', FixedStep | 'lengths'>>> = {
  menu: { other_times: 'other_times', other_time: 'other_times', lengths: 'lengths' },
  slot: { book: 'book', trial: 'trial', prices: 'prices', other_time: 'other_times' },
  pay: { trial: 'trial', prices: 'prices', lengths: 'lengths', other_times: 'other_time' },
  rebook: { prices: 'prices', other_time: 'other_times' },
}

/** Understands a choice of an older question by its value or its title in any language. `here`: it can't be done now. */
export function understandOlder(text: string, { intent, tutor, without }: Situation): Meaning | 'here' {
  const value = text.trim()
  const time = /^\d{4}-\d\d-\d\dT\S+$/.test(value) ? parseTime(value) : undefined
  if (time !== undefined) return { time }
  const said = wordsOf(text)
  const own = tutor.menu.flatMap(item => (typeof item === 'string' ? [] : item.step))
  const steps = [...(Object.keys(tutor.texts.en.choices) as FixedStep[]), ...lengthSteps(tutor), ...own]
  const isMeant = (step: Step) =>
    [step, ...LANGUAGE_CODES.map(code => wordsOf(titleOf(step, code, tutor)))].includes(said)
  const chosen = steps.find(isMeant)
  if (chosen === undefined) return lengthIn(said) === undefined && !/^own_\w+$/.test(said) ? null : 'here'
  if (ownItem(chosen, tutor) !== undefined) return { step: chosen }
  // Not shown because it is not sold: who wants it all the same is told so.
  if (without.has(chosen) && UNSOLD.has(chosen)) return null
  const older = OLDER[intent][lengthIn(chosen) === undefined ? (chosen as FixedStep) : 'lengths']
  const step = older === 'lengths' ? chosen : older
  return step === undefined || without.has(step) ? 'here' : { step }
}

/** What is only shown if it is sold. */
export const UNSOLD: ReadonlySet<Step> = new Set(['book', 'prices'])

/** Longer than any answer. The rest is ignored: a message could be crafted to make matching slow. */
export const MAX_ANSWER_LENGTH = 300

/** Without case and final punctuation, in which a retyped choice may differ. */
function wordsOf(text: string): string {
  return text
    .slice(0, MAX_ANSWER_LENGTH)
    .trim()
    .toLowerCase()
    .replace(/[.!?)]+$/, '')
}
