import { isDeepStrictEqual } from 'node:util'
import type { BookedLesson } from '../calendar/contract.ts'
import { readerOf, situationOf, tutorReader } from './booking.ts'
import { type CancelAsked, cancelAsked, cancelAskedOf, isConfirmation, type MoneyTold } from './cancel-asked.ts'
import { type Cancelled, cancelLesson, refundOf } from './cancellation.ts'
import { choicesOf } from './dialogue.ts'
import { UNPAID } from './lesson-payment.ts'
import { formatAmount, moneyIn } from './money.ts'
import { afterCancelling, tellBookedIn } from './my-lesson-after.ts'
import { lessonDialogueOf } from './my-lesson-state.ts'
import { askAbout, giveLessonToPerson, mayCancel, paidLines, showAsItIs, whenOf } from './my-lesson-view.ts'
import { leftOf, packagesOfStudent } from './packages.ts'
import { pupilLines } from './pupils.ts'
import { backTo } from './question.ts'
import type { Reply } from './reply.ts'
import { formatWhen } from './times.ts'
import { type Turn, writtenAt } from './turn.ts'
import { lessonOfStudent, lessonsOfStudent } from './whose-lesson.ts'

/**
 * Cancelling a booked lesson. A lesson is cancelled, and money moves, only by the one choice that names it: within 15
 * minutes of the question, for the lesson and the money as they were then. Whatever else is said gets the question again.
 */

/** From when it was asked to when the choice was written, ms. */
const GOOD_FOR_MS = 15 * 60_000
/** Chatwoot's times are whole seconds, rounded down, ms. */
const ROUNDED_MS = 1_000

/** Asks whether a lesson shall be cancelled, and says what becomes of the money. @param before lines that come first */
export async function askCancel(turn: Turn, lesson: BookedLesson, before: string[] = []): Promise<Reply> {
  if (!mayCancel(turn, lesson)) return giveLessonToPerson(turn, lesson, 'cancel')
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const { told } = await moneyOfLesson(turn, lesson)
  const { order, start, sequence } = lesson
  const asked: CancelAsked = { order, start, sequence, at: services.now(), told }
  const content = [
    ...before,
    texts.askCancel(whenOf(turn, lesson)),
    ...pupilLines(conversation, services.tutor, lesson.student),
    ...moneyLines(turn, lesson, told),
    texts.onlyByChoice,
  ]
  const question = { intent: 'cancel', wish: 'cancel', lessons: [lesson] } as const
  return askAbout(turn, question, content.join('\n'), cancelAsked(asked))
}

/** What becomes of the money; `why` a person decides, for the tutor. */
async function moneyOfLesson(turn: Turn, lesson: BookedLesson): Promise<{ told: MoneyTold; why?: string }> {
  const refund = await refundOf(turn.services, lesson, turn.context)
  if (refund === 'nothing') return { told: { how: 'nothing' } }
  if ('minutes' in refund) return { told: { how: refund.minutes > 0 ? 'package' : 'repaid' } }
  if ('person' in refund) return { told: { how: 'person' }, why: refund.person }
  return { told: { how: refund.underWay ? 'stopped' : 'refund', money: refund.money } }
}

function moneyLines(turn: Turn, lesson: BookedLesson, told: MoneyTold): string[] {
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const paid = lesson.isHeld ? [] : paidLines(turn, lesson)
  switch (told.how) {
    case 'refund':
      return [texts.willRefund(moneyIn(conversation.language, told.money))]
    case 'stopped':
      return [texts.willStopPayment(moneyIn(conversation.language, told.money))]
    case 'package':
      return [texts.willReturnToPackage]
    case 'repaid':
      return [...paid, texts.packageRefunded]
    case 'person':
      return [...paid, texts.personRefunds]
    case 'nothing':
      return wasPaid(lesson) ? [...paid, texts.noRefund] : paid
  }
}

/** The question whose choice a message is: alone, by its value, its title, or its number where choices are numbered. */
export function confirmedIn(turn: Turn): CancelAsked | undefined {
  const { services, conversation, written, text } = turn
  const { attributes } = conversation
  const asked = cancelAskedOf(attributes)
  if (asked === undefined || written.length !== 1) return undefined
  if (isConfirmation(text, asked, services.tutor.texts, readerOf(conversation, services), conversation)) return asked
  const isShown = lessonDialogueOf(attributes)?.intent === 'cancel' && attributes.numbers_shown === true
  const place = isShown ? /^(\d)[.)]?$/.exec(text.trim())?.[1] : undefined
  if (place === undefined) return undefined
  const situation = situationOf(turn, 'cancel', [])
  return choicesOf(situation)[Number(place) - 1]?.value === situation.confirm?.value ? asked : undefined
}

/** What the choice does now. `why`: for the tutor, if a person decides about the money. */
type Decided =
  | { is: 'cancel'; lesson: BookedLesson; why?: string }
  /** The question is asked again: it is too old, the lesson was moved, or its money is another. */
  | { is: 'again'; lesson: BookedLesson; says: 'questionOver' | 'lessonChanged' | null }
  | { is: 'late'; lesson: BookedLesson }
  /** There is none (any more). */
  | { is: 'gone' }

async function decide(turn: Turn, asked: CancelAsked): Promise<Decided> {
  const lesson = await lessonOfStudent(turn, asked.order)
  if (lesson === null || lesson.cancelledAt !== undefined) return { is: 'gone' }
  if (!mayCancel(turn, lesson)) return { is: 'late', lesson }
  if (lesson.start !== asked.start) return { is: 'again', lesson, says: 'lessonChanged' }
  const after = writtenAt(turn.delivery) - asked.at
  if (after > GOOD_FOR_MS) return { is: 'again', lesson, says: 'questionOver' }
  const { told, why } = await moneyOfLesson(turn, lesson)
  // Written before the question was there; or something has changed since.
  const isAnswer = after > -ROUNDED_MS && lesson.sequence === asked.sequence && isDeepStrictEqual(told, asked.told)
  if (!isAnswer) return { is: 'again', lesson, says: null }
  return { is: 'cancel', lesson, ...(why !== undefined && { why }) }
}

/** The choice is made: cancels the lesson, if it still may be. */
export async function confirmCancel(turn: Turn, asked: CancelAsked): Promise<Reply> {
  const { services, conversation, delivery, once } = turn
  const texts = services.tutor.texts[conversation.language]
  // Recorded: a later attempt finds the lesson as this one has left it.
  const decided = await once(`${delivery.id}:cancel`, () => decide(turn, asked))
  switch (decided.is) {
    case 'gone':
      return showAsItIs(turn, asked.order)
    case 'late':
      return giveLessonToPerson(turn, decided.lesson, 'cancel')
    case 'again':
      return askCancel(turn, decided.lesson, decided.says === null ? [] : [texts[decided.says]])
    case 'cancel':
      return cancel(turn, decided.lesson, asked.told, decided.why)
  }
}

async function cancel(turn: Turn, lesson: BookedLesson, told: MoneyTold, why: string | undefined): Promise<Reply> {
  const { services, conversation, context } = turn
  const texts = services.tutor.texts[conversation.language]
  const refund = told.how !== 'person' && told.how !== 'nothing'
  const outcome = await cancelLesson(services, { lesson, by: 'student', refund }, context)
  if (!outcome.cancelled) return showAsItIs(turn, lesson.order)
  const person = outcome.person ?? why
  const lessons = await lessonsOfStudent(turn)
  const left = lessons.filter(each => each.conversation === lesson.conversation && each.order !== lesson.order)
  const changed = afterCancelling(services, lesson, left, outcome.refunded !== null)
  await tellBookedIn(turn, lesson, changed)
  const isHere = conversation.attributes.order_id === lesson.order
  const reply: Reply = {
    content: [
      texts.cancelled(whenOf(turn, lesson)),
      ...outcomeLines(turn, lesson, told, outcome),
      ...(outcome.returned === undefined ? [] : [await leftLine(turn)]),
    ].join('\n'),
    note: noteOf(turn, lesson, outcome, person),
    ...(isHere && changed),
    attributes: { my_lesson: null, ...(isHere && changed.attributes) },
  }
  if (person !== undefined) return { ...reply, handsOver: true }
  if (!isHere) return backTo(turn, reply)
  // What awaited its payment was this one.
  const attributes = { ...conversation.attributes, ...changed.attributes }
  return backTo({ ...turn, conversation: { ...conversation, attributes } }, reply)
}

/** What has become of the money. */
function outcomeLines(turn: Turn, lesson: BookedLesson, told: MoneyTold, outcome: Cancelled): string[] {
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const { refunded, underWay, returned, person } = outcome
  if (returned !== undefined) return [returned > 0 ? texts.returnedToPackage : texts.packageRefunded]
  if (refunded !== null) return [texts.refunded(moneyIn(conversation.language, refunded))]
  if (underWay === 'stopped') return [texts.paymentStopped]
  if ('money' in told && underWay === 'awaited')
    return [texts.refundAwaited(moneyIn(conversation.language, told.money))]
  if (person !== undefined || told.how === 'person') return [texts.personRefunds]
  return wasPaid(lesson) && told.how === 'nothing' ? [texts.noRefund] : []
}

/** Nobody asks for money back that was never paid. */
function wasPaid({ payment }: BookedLesson): boolean {
  return payment !== null && payment !== UNPAID
}

/** What is left of the student's packages now. */
async function leftLine(turn: Turn): Promise<string> {
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const left = leftOf(services.tutor, await packagesOfStudent(turn), conversation.language)
  return left === undefined ? texts.noLessonsLeft : texts.lessonsLeft(left)
}

/** For the tutor. */
function noteOf({ services }: Turn, lesson: BookedLesson, outcome: Cancelled, person: string | undefined): string {
  const { refunded, underWay, returned } = outcome
  const when = formatWhen(lesson.start, tutorReader(services))
  const paid = lesson.payment === null ? 'free' : lesson.payment
  const ofPayment = {
    stopped: ' Its payment has been stopped.',
    awaited: ' Its payment is paid back when it arrives.',
    none: '',
  }[underWay ?? 'none']
  const money = refunded === null ? ofPayment : ` Paid back: ${formatAmount(refunded.amount, refunded.currency)}.`
  const minutes = returned === undefined ? '' : ` ${returned} minutes are back in the package.`
  const decide = person === undefined ? '' : ` Please decide about the money. ${person}`
  return `The student has cancelled a lesson: ${when}, order ${lesson.order}, ${paid}.${money}${minutes}${decide}`
}
