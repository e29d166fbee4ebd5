import type { BookedLesson } from '../calendar/contract.ts'
import type { Json } from '../sources/json.ts'
import { offeredOf } from './asked-time.ts'
import { readerOf, situationOf } from './booking.ts'
import { choicesOf, intentOf } from './dialogue.ts'
import { handOverFor } from './hand-over.ts'
import { kindOfBooked, kindOfPaid, whereOf } from './lesson-kind.ts'
import { linkOf } from './lesson-link.ts'
import { readLessonPayment, UNPAID } from './lesson-payment.ts'
import { moneyIn, paidSum } from './money.ts'
import { type LessonIntent, type LessonRef, lessonDialogue } from './my-lesson-state.ts'
import { pupilLines } from './pupils.ts'
import { backTo } from './question.ts'
import type { Reply } from './reply.ts'
import { LANGUAGES } from './texts/index.ts'
import { formatTime, formatWeekday, formatWhen } from './times.ts'
import { type Turn, textsOf, writtenAt } from './turn.ts'
import { lessonOfStudent, whoseLessons } from './whose-lesson.ts'
import type { LessonWish } from './wishes.ts'

/** What a student is shown of a booked lesson, and when a person takes over. */

const HOUR = 60 * 60_000

/** A question about booked lessons. What is open besides stays so, but the choice of a time. */
export function askAbout(
  turn: Turn,
  { intent, wish, lessons }: { intent: LessonIntent; wish: LessonWish; lessons: readonly (LessonRef & Held)[] },
  content: string,
  more: Json = {},
): Reply {
  const isChoosing = turn.conversation.attributes.pending_intent === 'slot'
  const changed = { ...lessonDialogue(intent, wish, lessons), ...(isChoosing && { pending_intent: 'menu' }), ...more }
  const conversation = { ...turn.conversation, attributes: { ...turn.conversation.attributes, ...changed } }
  const situation = situationOf({ ...turn, conversation }, intentOf(conversation.attributes), offeredOf(conversation))
  // What is only held can't be moved.
  const isMovable = lessons.every(({ isHeld }) => !isHeld)
  const items = choicesOf(situation).filter(({ value }) => isMovable || value !== 'move_lesson')
  return { content, items, attributes: changed }
}

type Held = Pick<BookedLesson, 'isHeld'>

/** Shows a lesson, and what can be done with it. @param before lines that come first */
export function showLesson(turn: Turn, lesson: BookedLesson, wish: LessonWish, before: string[] = []): Reply {
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const lines = [...before, ...linesOf(turn, lesson), ...(wish === 'change' ? [texts.changeLesson] : [])]
  return askAbout(turn, { intent: 'lesson', wish, lessons: [lesson] }, lines.join('\n'))
}

/** When and where it is, and how it is paid for. */
export function linesOf(turn: Turn, lesson: BookedLesson): string[] {
  const { services, conversation } = turn
  const { language } = conversation
  const texts = services.tutor.texts[language]
  const { minutes } = kindOfPaid(lesson)
  return [
    texts.lessonAt(whenOf(turn, lesson), minutes),
    ...pupilLines(conversation, services.tutor, lesson.student),
    ...paidLines(turn, lesson),
    ...whereOf(services, kindOfBooked(services, lesson), language),
  ]
}

export function paidLines({ services, conversation }: Turn, { payment, isHeld }: BookedLesson): string[] {
  const texts = services.tutor.texts[conversation.language]
  if (isHeld) return [texts.lessonHeld]
  if (payment === null) return [texts.lessonFree]
  const { kind } = readLessonPayment(payment)
  if (kind === 'package') return [texts.paidFromPackage]
  if (kind === 'open') return [texts.lessonUnpaid]
  const sum = paidSum(payment)
  return sum === undefined ? [] : [texts.lessonPaid(moneyIn(conversation.language, sum))]
}

/** The link by which the next unpaid lesson can be paid, and where that is; null: there is none. */
export async function showPayLink(turn: Turn, lessons: readonly BookedLesson[]): Promise<Reply | null> {
  const { services, conversation, context, signal } = turn
  const { language } = conversation
  const { stripe, tutor } = services
  if (stripe === null) return null
  for (const lesson of lessons.filter(({ payment }) => payment === UNPAID)) {
    const id = await linkOf(services, lesson, context)
    if (id === undefined) continue
    const { status, url, expires_at, amount_total, currency } = await stripe.getSession(id, signal)
    if (status !== 'open' || url === null) continue
    const until = formatWhen(expires_at * 1_000, readerOf(conversation, services))
    const money = moneyIn(language, { amount: Number(amount_total), currency: String(currency) })
    const pay = tutor.texts[language].payLesson(whenOf(turn, lesson), url, until, money)
    const whose = pupilLines(conversation, tutor, lesson.student)
    return { content: [pay, ...whose, ...whereOf(services, kindOfBooked(services, lesson), language)].join('\n') }
  }
  return null
}

/** How a lesson is, now that something has happened to it meanwhile. */
export async function showAsItIs(turn: Turn, order: string): Promise<Reply> {
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const lesson = await lessonOfStudent(turn, order)
  if (lesson === null) return backTo(turn, { content: texts.lessonGone })
  if (lesson.cancelledAt !== undefined) return backTo(turn, { content: texts.cancelled(whenOf(turn, lesson)) })
  if (lesson.end <= services.now()) return backTo(turn, { content: texts.lessonBegun(whenOf(turn, lesson)) })
  return showLesson(turn, lesson, 'see', [texts.lessonChanged])
}

/** Its time, for the student. */
export function whenOf({ services, conversation }: Turn, { start }: LessonRef): string {
  return formatWhen(start, readerOf(conversation, services))
}

/** Whether it has not begun, and the student has written this long before it. @param hours before its beginning */
function isEarly({ services, delivery }: Turn, { start }: LessonRef, hours: number): boolean {
  return start > services.now() && start - writtenAt(delivery) >= hours * HOUR
}

/** Whether the tutor's rule lets the student move it. */
export function mayMove(turn: Turn, lesson: BookedLesson): boolean {
  const { untilHours, maxTimes } = turn.services.tutor.moving
  // 1 once it is booked.
  const moves = lesson.sequence - 1
  return lesson.isHeld === undefined && moves < maxTimes && isEarly(turn, lesson, untilHours)
}

/** Whether the tutor's rule lets the student cancel it. */
export function mayCancel(turn: Turn, lesson: BookedLesson): boolean {
  return isEarly(turn, lesson, turn.services.tutor.cancellation.untilHours)
}

/** A person decides: the note says which lesson it is about. */
export function giveLessonToPerson(turn: Turn, lesson: BookedLesson, why: 'cancel' | 'lesson'): Reply {
  const { services, conversation } = turn
  const { language } = conversation
  const reply = handOverFor(services, why, textsOf(turn), conversation)
  const inTutorZone = { language, zone: services.zone, tutorZone: services.zone }
  const about = LANGUAGES[language].aboutLesson(formatWhen(lesson.start, inTutorZone), lesson.order)
  const begun = lesson.start <= services.now() && services.tutor.texts[language].lessonBegun(whenOf(turn, lesson))
  return {
    ...reply,
    content: [begun, reply.content].filter(Boolean).join('\n'),
    note: `${reply.note}\n${about}`,
  }
}

/** A person ends or moves the lessons of each week: the note says which ones there are. */
export async function giveWeeklyToPerson(turn: Turn): Promise<Reply> {
  const { services, conversation } = turn
  const { language } = conversation
  const weekly = (await services.calendar.weekly?.of(whoseLessons(conversation))) ?? []
  const reply = handOverFor(services, weekly.length > 0 ? 'weekly' : 'cancel', textsOf(turn), conversation)
  const inTutorZone = { language, zone: services.zone, tutorZone: services.zone }
  const about = weekly.map(({ id, first }) =>
    LANGUAGES[language].aboutWeekly(formatWeekday(first, inTutorZone), formatTime(first, inTutorZone), id),
  )
  return { ...reply, note: [reply.note, ...about].join('\n') }
}
