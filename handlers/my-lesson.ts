import type { BookedLesson } from '../calendar/contract.ts'
import { unpaidOrderOf } from './booking.ts'
import { handOverFor } from './hand-over.ts'
import { kindOfBooked, whereOf } from './lesson-kind.ts'
import { movedFromTo } from './move-from-to.ts'
import { askCancel } from './my-lesson-cancel.ts'
import { startMove } from './my-lesson-move.ts'
import { type LessonDialogue, lessonDialogueOf } from './my-lesson-state.ts'
import {
  askAbout,
  giveLessonToPerson,
  giveWeeklyToPerson,
  linesOf,
  mayCancel,
  mayMove,
  showAsItIs,
  showLesson,
  showPayLink,
  whenOf,
} from './my-lesson-view.ts'
import { pupilLines, pupilsNamedIn, pupilsOf } from './pupils.ts'
import { askAgain, backTo } from './question.ts'
import type { Reply } from './reply.ts'
import type { TimeSaid } from './spoken-offer.ts'
import { shiftIn } from './time-shift.ts'
import { type Turn, textsOf } from './turn.ts'
import { lessonOfStudent, lessonsOfStudent } from './whose-lesson.ts'
import type { LessonWish } from './wishes.ts'

/** What students want of a lesson that is booked: to see it, to move it, to cancel it. */

/** WhatsApp's list has ten rows. */
const MAX_LESSONS = 7

/** What is wanted, and of which lesson. */
export interface AboutLesson {
  lesson: LessonWish
  /** Which one; else it is found out. */
  order?: string
  /** A time that is said beside it. */
  time?: TimeSaid
  /** The time by which it is named, where the question was which one. */
  names?: TimeSaid
  /** The time that an older offer was for, Unix ms. */
  moveTo?: number
}

/** @param given the student's lessons, if they are known */
export async function aboutLesson(turn: Turn, about: AboutLesson, given?: BookedLesson[]): Promise<Reply> {
  const lessons = given ?? (await lessonsOfStudent(turn))
  const { order, lesson: wish, time, moveTo } = about
  if (wish === 'weekly') return giveWeeklyToPerson(turn)
  // Where none can be paid now, it is the link at which a lesson is.
  if (wish === 'pay')
    return (await showPayLink(turn, lessons)) ?? aboutLesson(turn, { ...about, lesson: 'where' }, lessons)
  if (order !== undefined && !lessons.some(each => each.order === order)) return showAsItIs(turn, order)
  if (lessons.length === 0) return handOverFor(turn.services, reasonOf(wish), textsOf(turn), turn.conversation)
  const possible = order === undefined ? ofNamedPupil(turn, lessons) : lessons
  const moved = wish === 'move' && order === undefined ? movedFromTo(turn, possible) : undefined
  if (moved !== undefined) return startMove(turn, moved.lesson, moved)
  // `dinsdag een uur later`: the day names the lesson.
  const shift = wish === 'move' && moveTo === undefined ? shiftIn(turn.text) : undefined
  const isNamed = shift !== undefined && possible.some(({ start }) => time?.spoken.isMeant(start))
  const one = lessonMeant(turn, lessons, possible, isNamed && time ? { ...about, names: time } : about)
  if (one === undefined) return askWhich(turn, possible, wish)
  if (shift !== undefined && (isNamed || time === undefined))
    return startMove(turn, one, { moveTo: one.start + shift * 60_000 })
  return answerAbout(turn, one, wish, about)
}

/** `annuleer de les van Bob`: Bob's; all of them where nobody is named, or who has none. */
function ofNamedPupil(turn: Turn, lessons: BookedLesson[]): BookedLesson[] {
  const names = pupilsNamedIn(textsOf(turn), turn.conversation.attributes)
  const theirs = lessons.filter(({ student }) => names.includes(student))
  return theirs.length > 0 ? theirs : lessons
}

function answerAbout(
  turn: Turn,
  lesson: BookedLesson,
  wish: Exclude<LessonWish, 'weekly' | 'pay'>,
  about: AboutLesson,
): Promise<Reply> | Reply {
  switch (wish) {
    case 'see':
      return showLesson(turn, lesson, wish)
    case 'where': {
      const { services, conversation } = turn
      const where = whereOf(services, kindOfBooked(services, lesson), conversation.language)
      return where.length > 0 ? showLesson(turn, lesson, wish) : giveLessonToPerson(turn, lesson, 'lesson')
    }
    case 'change':
      return mayMove(turn, lesson) || mayCancel(turn, lesson)
        ? showLesson(turn, lesson, wish)
        : giveLessonToPerson(turn, lesson, 'cancel')
    case 'move':
      return startMove(turn, lesson, about)
    case 'cancel':
      return askCancel(turn, lesson)
  }
}

const reasonOf = (wish: LessonWish) => (wish === 'see' || wish === 'where' ? 'lesson' : 'cancel')

/** undefined: it may be another one. */
function lessonMeant(
  turn: Turn,
  all: readonly BookedLesson[],
  lessons: readonly BookedLesson[],
  { order, lesson: wish, time, names }: AboutLesson,
): BookedLesson | undefined {
  const { conversation } = turn
  const dialogue = lessonDialogueOf(conversation.attributes)
  const shown = dialogue?.intent === 'lessons' ? undefined : dialogue?.lessons[0]?.order
  const known = lessons.find(each => each.order === (order ?? shown))
  if (known !== undefined) return known
  const isOfUnpaid = wish !== 'see' && wish !== 'where' && unpaidOrderOf(conversation, all) !== undefined
  if (isOfUnpaid && names === undefined) return undefined
  if (lessons.length === 1 && names === undefined) return lessons[0]
  const of = (names ?? time)?.spoken
  // `donderdag kan niet`: the lesson of that day. Any other time that goes with moving is the new one.
  const isRefused = names === undefined && of?.wanted.length === 0
  if (of === undefined || (wish === 'move' && names === undefined && !isRefused)) return undefined
  const atTime = lessons.filter(({ start }) => of.isMeant(start) !== isRefused)
  return atTime.length === 1 ? atTime[0] : undefined
}

function askWhich(turn: Turn, lessons: readonly BookedLesson[], wish: LessonWish): Reply {
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const named = lessons.slice(0, MAX_LESSONS)
  const isTold = wish === 'see' || wish === 'where' || pupilsOf(conversation.attributes).length > 1
  const lineOf = (lesson: BookedLesson) =>
    [linesOf(turn, lesson)[0], ...pupilLines(conversation, services.tutor, lesson.student)].join(' ')
  const shown = isTold ? named.map(lineOf) : []
  return askAbout(turn, { intent: 'lessons', wish, lessons: named }, [...shown, texts.whichLesson].join('\n'))
}

/** The question about booked lessons that the student has not answered yet, as it is now; undefined: there is none. */
export function lessonQuestion(turn: Turn): Promise<Reply> | undefined {
  const { services, conversation } = turn
  const dialogue = lessonDialogueOf(conversation.attributes)
  if (dialogue === undefined) return undefined
  const [lesson] = dialogue.lessons
  const wish = dialogue.wish as LessonWish
  switch (dialogue.intent) {
    case 'lessons':
      return aboutLesson(turn, { lesson: wish })
    case 'lesson':
      return aboutLesson(turn, { lesson: 'see', order: lesson.order })
    case 'move': {
      const { my_lesson } = conversation.attributes
      const texts = services.tutor.texts[conversation.language]
      return Promise.resolve({ ...askAgain(turn, texts.moveTo(whenOf(turn, lesson))), attributes: { my_lesson } })
    }
    case 'cancel':
      return aboutLesson(turn, { lesson: 'cancel', order: lesson.order })
  }
}

/** Back to what was open before; undefined: it is not about a booked lesson. */
export function leaveLesson(turn: Turn): Promise<Reply> | undefined {
  return lessonDialogueOf(turn.conversation.attributes) === undefined ? undefined : backTo(turn, {})
}

/** The lesson stays as it is. */
export async function keepLesson(turn: Turn): Promise<Reply> {
  const { services, conversation } = turn
  // It is a choice of questions about a lesson only.
  const { lessons } = lessonDialogueOf(conversation.attributes) as LessonDialogue
  const [lesson] = lessons
  const current = await lessonOfStudent(turn, lesson.order)
  if (current === null || current.cancelledAt !== undefined) return showAsItIs(turn, lesson.order)
  const content = services.tutor.texts[conversation.language].lessonKept(whenOf(turn, current))
  return backTo(turn, { content, attributes: { cancel_asked: null } })
}

/** What is wanted of the lesson that the student was asked about. */
export function lessonWishOf({ conversation }: Turn): LessonWish | undefined {
  return lessonDialogueOf(conversation.attributes)?.wish as LessonWish | undefined
}
