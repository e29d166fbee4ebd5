import type { MenuItem } from '../clients/chatwoot.ts'
import type { Json } from '../sources/json.ts'
import type { OwnItem, Tutor } from '../tutor/tutor.ts'
import { type LessonIntent, type LessonRef, lessonDialogueOf } from './my-lesson-state.ts'
import { pupilQuestionOf } from './pupils.ts'
import { LANGUAGE_CODES, LANGUAGES, type LanguageCode, type Texts } from './texts/index.ts'
import { choiceTitle, parseTime, type Reader } from './times.ts'

/** What a student can ask for: implemented in handlers/steps.ts, titled in texts/. */
export type Step = FixedStep | LengthStep | PackageStep | OwnStep | LessonStep | PupilStep | UntitledStep

export type FixedStep = keyof Texts['choices']

/** Another length of the lesson, in minutes. */
export type LengthStep = `minutes_${number}`

/** Several lessons at once: of so many minutes, so many. */
export type PackageStep = `package_${number}x${number}`

/** What is no choice by itself. `packages`: which there are; `lessons_left`: of those that are bought. */
export type UntitledStep = 'confirm_cancel' | 'packages' | 'lessons_left'

/** An item that the tutor has put into the menu. */
export type OwnStep = `own_${string}`

/** A booked lesson, by its order. */
export type LessonStep = `lesson_${string}`

/** For whom a lesson is: a pupil, by name. */
export type PupilStep = `pupil_${string}`

/** What the bot waits for: the conversation's attribute `pending_intent`. */
export type BaseIntent = 'menu' | 'slot' | 'pay' | 'rebook'

/** For whom a new lesson is, or about a lesson that is booked: that comes first. */
export type Intent = BaseIntent | LessonIntent | 'pupil'

interface Branch {
  /** Whether the times offered last can be chosen. */
  times?: boolean
  /**
   * `menu_items`: what the tutor has in the menu; `lengths`: what else a lesson can last; `packages`: each that is sold;
   * `my_lessons`: those that are booked; `confirm_cancel`: the only choice that cancels one; `pupils`: their names.
   */
  answers: readonly (FixedStep | 'lengths' | 'packages' | 'menu_items' | 'my_lessons' | 'confirm_cancel' | 'pupils')[]
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
  slot: { times: true, answers: ['every_week', 'other_times', 'lengths', 'packages', 'menu', 'human'] },
  /** A lesson is reserved and awaits payment. */
  pay: { answers: ['pay_link', 'other_time', 'human'], also: ['book', 'menu'], withoutPlaces: true },
  /** Paid but without a time: choosing another one. */
  rebook: { times: true, answers: ['other_times', 'human'] },
  lessons: { answers: ['my_lessons', 'unpaid_lesson', 'menu', 'human'] },
  lesson: { answers: ['move_lesson', 'cancel_lesson', 'menu', 'human'] },
  move: { times: true, answers: ['other_times', 'keep_lesson', 'human'] },
  /** Four: WhatsApp's lists have longer titles than its buttons. */
  pupil: { answers: ['pupils', 'other_pupil', 'human'], also: ['menu'] },
  cancel: { answers: ['confirm_cancel', 'move_lesson', 'keep_lesson', 'human'], withoutPlaces: true },
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
  /** What comes back once it is not about a booked lesson any more. Default: the intent. */
  base?: BaseIntent
  /** The booked lessons that were named last. */
  lessons?: readonly LessonRef[]
  /** The pupils whose names can be chosen. */
  pupils?: readonly string[]
  /** The choice that cancels the lesson that was asked about. */
  confirm?: MenuItem | undefined
  reader: Reader
}

/** What a message means; null if not understood. `moveTo`: a time that was offered for a booked lesson, earlier. */
export type Meaning = { step: Step } | { time: number } | { moveTo: number } | null

export function intentOf(attributes: Json): Intent {
  if (pupilQuestionOf(attributes)?.is === 'which') return 'pupil'
  return lessonDialogueOf(attributes)?.intent ?? baseIntentOf(attributes)
}

export function baseIntentOf({ pending_intent }: Json): BaseIntent {
  return BASE_INTENTS.find(intent => intent === pending_intent) ?? 'menu'
}

const BASE_INTENTS = ['menu', 'slot', 'pay', 'rebook'] as const satisfies BaseIntent[]

/** The choices, in the order in which they are shown and numbered. */
export function choicesOf(situation: Situation): MenuItem[] {
  const { intent, offered, without, reader } = situation
  const { times = false, answers } = DIALOGUE[intent]
  const timeValue = intent === 'move' ? moveValue : choiceValue
  return [
    ...(times ? offered.map(at => ({ title: choiceTitle(at, reader), value: timeValue(at) })) : []),
    ...answers.flatMap(answer => itemsFor(answer, situation)).filter(({ value }) => !without.has(value as Step)),
  ]
}

function itemsFor(answer: Branch['answers'][number], situation: Situation): MenuItem[] {
  const { tutor, reader, lessons = [], confirm, offered, pupils = [] } = situation
  switch (answer) {
    case 'menu_items':
      return itemsOf(
        tutor.menu.flatMap((item): Step[] => {
          if (item === 'packages') return packageSteps(tutor)
          return [typeof item === 'string' ? item : item.step]
        }),
        reader,
        tutor,
      )
    case 'lengths':
      return itemsOf(lengthSteps(tutor), reader, tutor)
    case 'packages':
      return itemsOf(packageSteps(tutor), reader, tutor)
    case 'my_lessons':
      return lessons.map(({ order, start }) => ({ title: choiceTitle(start, reader), value: `lesson_${order}` }))
    case 'pupils':
      return pupils.map(name => ({ title: name, value: `pupil_${name}` }))
    case 'confirm_cancel':
      return confirm === undefined ? [] : [confirm]
    case 'every_week':
      // Asked about one time only.
      return offered.length === 1 ? itemsOf([answer], reader, tutor) : []
    default:
      return itemsOf([answer], reader, tutor)
  }
}

function itemsOf(steps: readonly Step[], { language }: Reader, tutor: Situation['tutor']): MenuItem[] {
  return steps.map(step => ({ title: titleOf(step, language, tutor), value: step }))
}

function titleOf(step: Step, language: LanguageCode, tutor: Situation['tutor']): string {
  const { choices, otherLength, packageChoice } = tutor.texts[language]
  const minutes = lengthIn(step)
  if (minutes !== undefined) return otherLength(minutes)
  const sold = packageIn(step)
  if (sold !== undefined) return packageChoice(sold.lessons, sold.minutes)
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

/** Of all packages, whoever can buy them. */
export function packageSteps({ lessons }: Pick<Tutor, 'lessons'>): PackageStep[] {
  return lessons.flatMap(({ minutes, packages }) => packages.map(({ lessons }) => packageStep(minutes, lessons)))
}

export function packageStep(minutes: number, lessons: number): PackageStep {
  return `package_${minutes}x${lessons}`
}

/** What a step sells; undefined: it is another step. */
export function packageIn(step: string): { minutes: number; lessons: number } | undefined {
  const [, minutes, lessons] = /^package_(\d{1,4})x(\d{1,4})$/.exec(step) ?? []
  return minutes === undefined ? undefined : { minutes: Number(minutes), lessons: Number(lessons) }
}

/** The minutes of a step that changes the length; undefined: it is another step. */
export function lengthIn(step: string): number | undefined {
  const [, minutes] = /^minutes_(\d{1,4})$/.exec(step) ?? []
  return minutes === undefined ? undefined : Number(minutes)
}

/** @param at Unix ms */
export function choiceValue(at: number): string {
  return new Date(at).toISOString()
}

/** Pressed later, it must not book another lesson. */
function moveValue(at: number): string {
  return `move_${choiceValue(at)}`
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

function meaningOf({ value }: MenuItem, { offered, confirm }: Situation): Exclude<Meaning, null> {
  // Whether it cancels is decided elsewhere: see handlers/my-lesson-cancel.ts.
  if (value === confirm?.value) return { step: 'confirm_cancel' }
  const time = offered.find(at => choiceValue(at) === value || moveValue(at) === value)
  return time === undefined ? { step: value as Step } : { time }
}

/**
 * What the choices of older questions do in each state, by their step; what is not listed can't be done there. Older
 * buttons stay clickable in WhatsApp and in the widget.
 */
const OLDER: Record<BaseIntent | 'lesson', Partial<Record<FixedStep | 'lengths', FixedStep | 'lengths'>>> = {
  menu: { other_times: 'other_times', other_time: 'other_times', lengths: 'lengths' },
  slot: { book: 'book', trial: 'trial', prices: 'prices', other_time: 'other_times' },
  pay: { trial: 'trial', prices: 'prices', lengths: 'lengths', other_times: 'other_time' },
  rebook: { prices: 'prices', other_time: 'other_times' },
  /** While it is about a booked lesson, and nothing else is open. */
  lesson: {
    book: 'book',
    trial: 'trial',
    prices: 'prices',
    lengths: 'lengths',
    menu: 'menu',
    other_time: 'move_lesson',
    other_times: 'move_lesson',
  },
}

/** About booked lessons: they can be chosen at any time. */
const OF_LESSONS: ReadonlySet<Step> = new Set(['my_lesson', 'move_lesson', 'cancel_lesson'])

/** What a choice about a booked lesson means by its value, whenever it is chosen. */
function understandOfLesson(value: string): Meaning {
  if (value.startsWith('lesson_')) return { step: value as LessonStep }
  if (/^confirm_\w+$/.test(value)) return { step: 'confirm_cancel' }
  const moveTo = value.startsWith('move_') ? parseTime(value.slice('move_'.length)) : undefined
  return moveTo === undefined ? null : { moveTo }
}

/** Understands a choice of an older question by its value or its title in any language. `here`: it can't be done now. */
export function understandOlder(text: string, situation: Situation): Meaning | 'here' {
  const { intent, tutor, without } = situation
  const value = text.trim()
  const ofLesson = understandOfLesson(value)
  if (ofLesson !== null) return ofLesson
  const time = /^\d{4}-\d\d-\d\dT\S+$/.test(value) ? parseTime(value) : undefined
  if (time !== undefined) return intent === 'move' ? { moveTo: time } : { time }
  const said = wordsOf(text)
  const own = tutor.menu.flatMap(item => (typeof item === 'string' ? [] : item.step))
  const steps = [
    ...(Object.keys(tutor.texts.en.choices) as FixedStep[]),
    ...lengthSteps(tutor),
    ...packageSteps(tutor),
    ...own,
  ]
  const isMeant = (step: Step) =>
    [step, ...LANGUAGE_CODES.map(code => wordsOf(titleOf(step, code, tutor)))].includes(said)
  const chosen = steps.find(isMeant)
  if (chosen === undefined) return lengthIn(said) === undefined && !/^(own|package)_\w+$/.test(said) ? null : 'here'
  // It changes nothing else.
  if (packageIn(chosen) !== undefined) return { step: without.has(chosen) ? 'packages' : chosen }
  if (ownItem(chosen, tutor) !== undefined || OF_LESSONS.has(chosen)) return { step: chosen }
  // Not shown because it is not sold: who wants it all the same is told so.
  if (without.has(chosen) && UNSOLD.has(chosen)) return null
  const older = olderIn(situation, lengthIn(chosen) === undefined ? (chosen as FixedStep) : 'lengths')
  const step = older === 'lengths' ? chosen : older
  return step === undefined || without.has(step) ? 'here' : { step }
}

function olderIn({ intent, base = intent as BaseIntent }: Situation, chosen: FixedStep | 'lengths') {
  if (base === intent) return OLDER[base][chosen]
  // About a booked lesson: what is open besides can be answered too.
  if (base === 'menu' || base === 'slot') return OLDER.lesson[chosen]
  return DIALOGUE[base].answers.includes(chosen) ? chosen : OLDER[base][chosen]
}

/** What is only shown if it is sold. */
export const UNSOLD: ReadonlySet<Step> = new Set(['book', 'prices', 'packages'])

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
