import type { BookedLesson, Calendar } from '../calendar/contract.ts'
import { freeTimes, isDayFull, isPlanned, marginOf, readerOf, tutorReader } from './booking.ts'
import { followUp } from './follow-up.ts'
import { kindOfBooked, whereOf } from './lesson-kind.ts'
import { tellBookedIn } from './my-lesson-after.ts'
import type { LessonRef } from './my-lesson-state.ts'
import { giveLessonToPerson, mayMove, showAsItIs, whenOf } from './my-lesson-view.ts'
import { askForTime, offerTimes } from './offers.ts'
import { backTo } from './question.ts'
import type { Reply } from './reply.ts'
import { offerNear, type TimeSaid } from './spoken-offer.ts'
import { isExact } from './spoken-time.ts'
import { formatWhen, isoTime } from './times.ts'
import type { Turn } from './turn.ts'
import { lessonOfStudent } from './whose-lesson.ts'

/** Moving a booked lesson to another time: the order, the payment and the calendar's event stay the same. */

/** When it shall be, if that is said. */
interface To {
  time?: TimeSaid
  /** Unix ms. */
  moveTo?: number
}

/** Offers times for a booked lesson. Nothing is moved before one is chosen. */
export async function startMove(turn: Turn, lesson: BookedLesson, { time, moveTo }: To): Promise<Reply> {
  if (!mayMove(turn, lesson)) return giveLessonToPerson(turn, lesson, 'cancel')
  const moving = movingTurn(turn, lesson)
  if (moveTo === undefined && time === undefined) return offerTimes(moving, 'move')
  const isMeant = (start: number) => (moveTo === undefined ? time?.spoken.isMeant(start) : start === moveTo)
  const [only, ...others] = (await freeTimes(moving)).filter(({ start }) => isMeant(start))
  if (only !== undefined && others.length === 0 && !time?.said.isWeekly) return askForTime(moving, only)
  if (time === undefined) return offerOthers(moving)
  return only === undefined && isAt(lesson, time) ? offerTimes(moving, 'move') : offerNear(moving, 'move', time)
}

/** `de les van donderdag 16:00`, `donderdag 16:00 toch?`: no other time is said. */
function isAt({ start }: BookedLesson, { spoken: { wanted, isMeant } }: TimeSaid): boolean {
  return isMeant(start) && wanted.every(({ days, spans }) => days !== undefined && isExact(spans))
}

function movingTurn(turn: Turn, lesson: BookedLesson): Turn {
  return { ...turn, moving: lesson, kind: kindOfBooked(turn.services, lesson) }
}

function offerOthers(turn: Turn): Promise<Reply> {
  return offerTimes(turn, 'move', { before: [turn.services.tutor.texts[turn.conversation.language].taken] })
}

/** While the time of a booked lesson is chosen: answers what is said about times. @param asked the lesson, as it was then */
export async function whileMoving(
  turn: Turn,
  asked: LessonRef,
  answer: (moving: Turn) => Promise<Reply> | Reply,
): Promise<Reply> {
  // As it was at the first attempt: a later one may come after the move itself.
  const lesson = await turn.once(`${turn.delivery.id}:lesson`, () => lessonOfStudent(turn, asked.order))
  const isSame = lesson !== null && lesson.cancelledAt === undefined && lesson.start === asked.start
  if (!isSame) return showAsItIs(turn, asked.order)
  if (!mayMove(turn, lesson)) return giveLessonToPerson(turn, lesson, 'cancel')
  return answer(movingTurn(turn, lesson))
}

/** Moves a lesson. @param start Unix ms */
export async function moveLesson(turn: Turn, lesson: BookedLesson, start: number): Promise<Reply> {
  const { services, conversation, delivery, signal, once } = turn
  const { calendar, tutor, zone } = services
  const texts = tutor.texts[conversation.language]
  if (start === lesson.start) return backTo(turn, { content: texts.lessonKept(whenOf(turn, lesson)) })
  const isPossible = await once(`${delivery.id}:possible`, async () => {
    return isPlanned(turn, start) && !(await isDayFull(turn, lesson.order, start))
  })
  if (!isPossible) return offerOthers(turn)
  const to = { start, end: start + (lesson.end - lesson.start) }
  const move = { order: lesson.order, from: lesson.start, to, margin: marginOf(turn) }
  // It is there: else the student would have no lesson that is known.
  const result = await (calendar as Required<Calendar>).move(move, signal)
  if (result === 'taken') return offerOthers(turn)
  if (result !== 'moved') return showAsItIs(turn, lesson.order)
  await followUp(services, lesson.order, turn.context, readerOf(conversation, services).zone)
  const changed = { lesson_start: isoTime(start, zone) }
  await tellBookedIn(turn, lesson, { attributes: changed })
  const [from, until] = [lesson, { order: lesson.order, start }].map(each => whenOf(turn, each)) as [string, string]
  const inNote = [lesson.start, start].map(at => formatWhen(at, tutorReader(services)))
  return backTo(turn, {
    content: [texts.moved(from, until), ...whereOf(services, turn.kind, conversation.language)].join('\n'),
    note: `The student has moved a lesson: ${inNote.join(' → ')}, order ${lesson.order}`,
    attributes: {
      asked_time: null,
      ...(conversation.attributes.order_id === lesson.order && changed),
    },
  })
}
