import type { BookedLesson, Lesson } from '../calendar/contract.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { tutorReader } from './booking.ts'
import { cancelLesson } from './cancellation.ts'
import { fetchIfThere } from './conversation.ts'
import type { Changed, LessonSeen, LessonToAdd, LessonToCancel, LessonToMove } from './lesson-requests.ts'
import { formatAmount } from './money.ts'
import type { PaidBack } from './pay-back.ts'
import { studentOf } from './pupils.ts'
import type { Services } from './services.ts'
import { formatWhen } from './times.ts'

/** The steps of a change by the tutor. Each can be repeated: what it was based on is recorded first. */

const NO_MARGIN = { before: 0, after: 0 }
/** What takes a time. */
const TAKEN = 'another lesson, a reservation or a blocked time is there'

export async function addLesson(
  services: Services,
  wanted: LessonToAdd,
  { id }: Delivery<unknown>,
  context: HandlerContext,
): Promise<Changed> {
  const checked = await context.once(`${id}:lesson`, () => lessonToBook(services, wanted, context))
  if ('refused' in checked) return checked
  const { lesson } = checked
  const when = whenOf(services, lesson.start)
  if ((await services.calendar.book(lesson, context.signal)) === 'taken') {
    return { refused: `${when} is not free: ${TAKEN}` }
  }
  const { order, start, end, conversation } = lesson
  return { done: `added on ${when}`, news: { what: 'added', lesson: { order, start, end, conversation } } }
}

type Checked = { refused: string } | { lesson: Lesson }

async function lessonToBook(services: Services, wanted: LessonToAdd, { signal }: HandlerContext): Promise<Checked> {
  const { chatwoot, now } = services
  const { conversation: id, start } = wanted
  if (start <= now()) return { refused: `${whenOf(services, start)} has passed` }
  if (id === '') return { lesson: wanted }
  if (chatwoot === null) return { refused: 'the student can’t be told: set CW_TOKEN, or add it without a conversation' }
  const conversation = await fetchIfThere(chatwoot, id, signal, services)
  if (conversation === null) return { refused: `there is no conversation ${id} in Chatwoot` }
  const { contactId } = conversation
  const student = wanted.student || studentOf(conversation)
  return { lesson: { ...wanted, student, ...(contactId !== undefined && { contact: contactId }) } }
}

export async function moveLesson(
  services: Services,
  wanted: LessonToMove,
  { id }: Delivery<unknown>,
  context: HandlerContext,
): Promise<Changed> {
  const { calendar, now } = services
  const { order, to: start } = wanted
  const checked = await context.once(`${id}:lesson`, async () => {
    if (calendar.move === undefined) return { refused: 'this calendar can’t move lessons: move it there by hand' }
    if (start <= now()) return { refused: `${whenOf(services, start)} has passed` }
    const found = await lessonToChange(services, wanted, context)
    if ('lesson' in found && found.lesson.isHeld)
      return { refused: 'its payment is under way: it can be moved once that has arrived' }
    return found
  })
  if ('refused' in checked) return checked
  const { lesson } = checked
  const to = { start, end: start + (lesson.end - lesson.start) }
  const result = await calendar.move?.({ order, from: lesson.start, to, margin: NO_MARGIN }, context.signal)
  const [before, after] = [whenOf(services, lesson.start), whenOf(services, start)]
  if (result === 'taken') return { refused: `${after} is not free: ${TAKEN}` }
  if (result === 'changed') return { refused: CHANGED }
  const { conversation } = lesson
  const news = { what: 'moved', lesson: { order, ...to, conversation }, before: lesson.start } as const
  return { done: `moved from ${before} to ${after}`, news }
}

const CHANGED = 'it has been moved or cancelled meanwhile: look at it again'

/** The lesson as it is, if it is still as it was seen. */
async function lessonToChange(
  services: Services,
  { order, start, sequence }: LessonSeen,
  { signal }: HandlerContext,
): Promise<{ refused: string } | { lesson: BookedLesson }> {
  const { calendar, now } = services
  if (calendar.lessonOf === undefined)
    return { refused: 'this calendar can’t say what lesson an order has: change it there by hand' }
  const lesson = await calendar.lessonOf(order, signal)
  if (lesson === null) return { refused: 'there is no such lesson any more' }
  if (lesson.cancelledAt !== undefined) return { refused: 'it is cancelled' }
  if (lesson.start !== start || lesson.sequence !== sequence) return { refused: CHANGED }
  if (lesson.start <= now()) return { refused: 'it has begun' }
  return { lesson }
}

export async function cancelByTutor(
  services: Services,
  wanted: LessonToCancel,
  { id }: Delivery<unknown>,
  context: HandlerContext,
): Promise<Changed> {
  const checked = await context.once(`${id}:lesson`, () => lessonToChange(services, wanted, context))
  if ('refused' in checked) return checked
  const { lesson } = checked
  const given = { lesson, by: 'tutor', refund: wanted.refund } as const
  const { cancelled, ...paidBack } = await cancelLesson(services, given, context)
  if (!cancelled) return { refused: CHANGED }
  const { order, start, end, conversation } = lesson
  const { refunded, returned, person } = paidBack
  return {
    done: [`cancelled on ${whenOf(services, start)}`, ...moneyOf(paidBack)].join('; '),
    news: {
      what: 'cancelled',
      lesson: { order, start, end, conversation },
      ...(refunded !== null && { refunded }),
      ...(returned !== undefined && { returned }),
      ...(person !== undefined && { person }),
    },
  }
}

/** What became of the money, for the tutor. */
function moneyOf({ refunded, underWay, returned, person }: PaidBack): string[] {
  if (person !== undefined) return [`not paid back: ${person}`]
  if (returned !== undefined) return [`${returned} minutes are back in its package`]
  if (underWay === 'stopped') return ['its payment, which was under way, is stopped']
  if (underWay === 'awaited') return ['its payment is under way, and is paid back when it arrives']
  return refunded === null ? [] : [`${formatAmount(refunded.amount, refunded.currency)} paid back`]
}

function whenOf(services: Services, at: number): string {
  return formatWhen(at, tutorReader(services))
}
