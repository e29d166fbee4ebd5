import { asText, type Json } from '../sources/json.ts'
import { parseTime } from './times.ts'

/** Which booked lesson a conversation is about: its attributes `my_lesson` and `cancel_asked`. */

/**
 * What the bot waits for about a lesson that is booked, whatever else it waits for: `lessons`: which one is meant;
 * `lesson`: one is shown; `move`: to when; `cancel`: whether it shall be cancelled.
 */
export type LessonIntent = (typeof LESSON_INTENTS)[number]

export const LESSON_INTENTS = ['lessons', 'lesson', 'move', 'cancel'] as const

/** A lesson as it was when the student was asked about it. */
export interface LessonRef {
  order: string
  /** Unix ms. */
  start: number
}

/** What the last question about booked lessons was. */
export interface LessonDialogue {
  intent: LessonIntent
  /** What is wanted of the one that is chosen. */
  wish: string
  /** One; several where the question is which. */
  lessons: readonly [LessonRef, ...LessonRef[]]
}

/** undefined: the last question was none about a booked lesson. */
export function lessonDialogueOf({ my_lesson }: Json): LessonDialogue | undefined {
  const [name, wish = '', ...refs] = asText(my_lesson)?.split(' ') ?? []
  const intent = LESSON_INTENTS.find(each => each === name)
  const [first, ...others] = refs.map(parseRef).filter(ref => ref !== undefined)
  return intent && first && { intent, wish, lessons: [first, ...others] }
}

/** The attribute `my_lesson`: short enough for Chatwoot, which takes 1,500 characters. */
export function lessonDialogue(intent: LessonIntent, wish: string, lessons: readonly LessonRef[]): Json {
  return { my_lesson: [intent, wish, ...lessons.map(writeRef)].join(' ') }
}

/** Orders of other systems may have any character. */
export function writeRef({ order, start }: LessonRef): string {
  return `${encodeURIComponent(order)}@${new Date(start).toISOString()}`
}

export function parseRef(written: string): LessonRef | undefined {
  const [order = '', at] = written.split('@')
  const start = parseTime(at)
  return start === undefined ? undefined : { order: decodeURIComponent(order), start }
}
