import { hash } from 'node:crypto'
import createError from '@fastify/error'
import type { BookedLesson, Interval } from '../../calendar/contract.ts'
import { whyNotPayable, whyNotUnpaid } from '../../handlers/lesson-payment.ts'
import {
  LESSON_EVENTS,
  type LessonToCancel,
  type LessonToMove,
  type LessonToPay,
  type LessonToReopen,
  lessonMailbox,
  OUTCOMES,
  type WeeklyToEnd,
} from '../../handlers/lesson-requests.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { LATER_SOURCE } from '../../inbox/later.ts'
import type { LessonDesk } from './desk.ts'
import { conversationIn, findLesson, isReserved, NotHereError, UnknownLessonError } from './find.ts'
import { type Given, readAdd, readPaid, readRefund, readSeen, readStart } from './input.ts'
import { formatLocal } from './view.ts'

/**
 * Asks for lessons to be added, moved, cancelled and marked as paid or not paid: each is a delivery of our own, which the
 * running server handles in the order of the student's conversation. What is wrong already now is said at once.
 */

const ConflictError = createError<[string]>('OPERATOR_CONFLICT', '%s', 409)

/** What was asked for. */
export interface Asked {
  /** The lesson's order. */
  order: string
  /** The delivery's id. */
  delivery: string
}

/**
 * @param key the same for every attempt at one request: with the same content it is asked once
 * @throws 400 that names the field, 409 the time is taken
 */
export async function askToAdd(desk: LessonDesk, given: Given, key: string): Promise<Asked> {
  const wanted = readAdd(given, { now: desk.now(), zone: desk.zone }, desk.usual)
  const { conversation } = wanted
  const request = keyOf('add', key, wanted)
  const order = `${conversation || 'tutor'}-${deliveryId(LATER_SOURCE, request).slice(0, 8)}`
  // Asked again, it is there already.
  if (!(await isKnown(desk, request))) await mustBeFree(desk, wanted)
  return ask(desk, LESSON_EVENTS.add, request, conversation, { ...wanted, order })
}

/** @param id the lesson's, or its first characters @throws 400, 404, 409 */
export async function askToMove(desk: LessonDesk, id: string, given: Given, key: string, signal: AbortSignal) {
  const lesson = await findLesson(desk.calendar, id, signal)
  const seen = readSeen(given)
  const to = readStart(given, { now: desk.now(), zone: desk.zone })
  const wanted = { ...seenOf(lesson, seen), to } satisfies LessonToMove
  const request = keyOf('move', key, wanted)
  if (!(await isKnown(desk, request))) {
    if (desk.calendar.move === undefined) throw new NotHereError('This calendar can’t move lessons: move it there')
    mustBeChangeable(desk, lesson, seen)
    if (lesson.isHeld) throw new ConflictError('Its payment is under way: it can be moved once that has arrived')
    if (to === lesson.start) throw new ConflictError('It begins then already')
    await mustBeFree(desk, { start: to, end: to + (lesson.end - lesson.start) }, lesson.order)
  }
  return ask(desk, LESSON_EVENTS.move, request, lesson.conversation, wanted)
}

/** @param id the lesson's, or its first characters @throws 400, 404, 409 */
export async function askToCancel(desk: LessonDesk, id: string, given: Given, key: string, signal: AbortSignal) {
  const lesson = await findLesson(desk.calendar, id, signal)
  const seen = readSeen(given)
  const wanted = { ...seenOf(lesson, seen), refund: readRefund(given) } satisfies LessonToCancel
  const request = keyOf('cancel', key, wanted)
  if (!(await isKnown(desk, request))) mustBeChangeable(desk, lesson, seen)
  return ask(desk, LESSON_EVENTS.cancel, request, lesson.conversation, wanted)
}

/**
 * Also of an order for which a time is only reserved: it is booked then.
 * @param id the lesson's, or its first characters; all of it if it is only reserved
 * @throws 400, 404, 409
 */
export async function askToPay(desk: LessonDesk, id: string, given: Given, key: string, signal: AbortSignal) {
  const paid = readPaid(given)
  const lesson = await findLesson(desk.calendar, id, signal).catch(async error => {
    if (error instanceof UnknownLessonError && (await isReserved(desk.calendar, id, signal))) return null
    throw error
  })
  const { order, conversation } = lesson ?? { order: id, conversation: conversationIn(id) }
  const wanted = { order, conversation, ...paid } satisfies LessonToPay
  const request = keyOf('pay', key, wanted)
  if (!(await isKnown(desk, request))) {
    mustSetPayments(desk)
    const why = lesson && whyNotPayable(lesson)
    if (why !== null) throw new ConflictError(`It can’t be marked as paid: ${why}`)
  }
  return ask(desk, LESSON_EVENTS.pay, request, conversation, wanted)
}

/** @param id the lesson's, or its first characters @throws 400, 404, 409 */
export async function askToReopen(desk: LessonDesk, id: string, _: Given, key: string, signal: AbortSignal) {
  const lesson = await findLesson(desk.calendar, id, signal)
  const { order, conversation } = lesson
  const wanted = { order, conversation } satisfies LessonToReopen
  const request = keyOf('reopen', key, wanted)
  if (!(await isKnown(desk, request))) {
    mustSetPayments(desk)
    const why = whyNotUnpaid(lesson)
    if (why !== null) throw new ConflictError(`It can’t be marked as not paid: ${why}`)
  }
  return ask(desk, LESSON_EVENTS.reopen, request, conversation, wanted)
}

function mustSetPayments({ calendar }: LessonDesk): void {
  if (calendar.setPayment === undefined)
    throw new NotHereError('This calendar can’t say how a lesson is paid: write it there')
}

/** Sent twice, a form is one request; changed and sent again, it is another. */
export function keyOf(kind: keyof typeof LESSON_EVENTS, key: string, content: object): string {
  return `lesson:${kind}:${hash('sha256', `${key} ${JSON.stringify(content)}`).slice(0, 32)}`
}

/** Whether it has been asked for already. */
export async function isKnown({ inbox }: LessonDesk, request: string): Promise<boolean> {
  return (await inbox.get(deliveryId(LATER_SOURCE, request))) !== null
}

function seenOf({ order, start, sequence, conversation }: BookedLesson, seen = { start, sequence }) {
  return { order, conversation, ...seen }
}

function mustBeChangeable(
  desk: LessonDesk,
  lesson: BookedLesson,
  seen = { start: lesson.start, sequence: lesson.sequence },
) {
  if (lesson.cancelledAt !== undefined) throw new ConflictError('The lesson is cancelled')
  if (lesson.start !== seen.start || lesson.sequence !== seen.sequence) {
    const now = formatLocal(lesson.start, desk.zone)
    throw new ConflictError(`The lesson has been changed meanwhile: it is on ${now} now. Look at it again`)
  }
  if (lesson.start <= desk.now()) throw new ConflictError('The lesson has begun')
}

/** A first look, for a clear answer: the calendar itself decides when it is done. @param order that may be there */
async function mustBeFree({ calendar, zone }: LessonDesk, { start, end }: Interval, order?: string): Promise<void> {
  const [lessons, blocks] = await Promise.all([calendar.lessons?.(start, end), calendar.blocks?.(start, end)])
  const lesson = lessons?.find(each => each.order !== order)
  if (lesson !== undefined) {
    const who = `the lesson of ${lesson.student || 'no name'} (${lesson.order})`
    throw new ConflictError(`That time is not free: ${who} begins on ${formatLocal(lesson.start, zone)}`)
  }
  const block = blocks?.[0]
  if (block !== undefined) {
    throw new ConflictError(`That time is blocked (${block.reason || block.id}): unblock it first, or take another`)
  }
}

export async function ask(
  { inbox, accountId, now }: LessonDesk,
  event: string,
  key: string,
  conversation: string,
  payload: LessonToMove | LessonToCancel | LessonToPay | WeeklyToEnd | { order: string },
): Promise<Asked> {
  await inbox.schedule({
    key,
    event,
    orderingKey: lessonMailbox(accountId, conversation),
    payload: { ...payload },
    at: now(),
  })
  return { order: payload.order, delivery: deliveryId(LATER_SOURCE, key) }
}

/** What came of a request. asked: not yet handled. failed: a person has to look at it. */
export interface ChangeView {
  /** The delivery's id. */
  id: string
  /** The lesson's order. */
  lesson: string | null
  state: 'asked' | 'done' | 'refused' | 'failed'
  /** What was done, or why not. */
  why: string | null
  /** Done, but the student has not been told yet: why; null: there is no such trouble. */
  trouble: string | null
}

/** null: there is no such request. @param id the delivery's */
export async function changeOf({ inbox }: Pick<LessonDesk, 'inbox'>, id: string): Promise<ChangeView | null> {
  const delivery = await inbox.get(id)
  if (delivery === null || !(Object.values(LESSON_EVENTS) as string[]).includes(delivery.event)) return null
  const { state, error, payload } = delivery
  const order = payload?.order
  const view = { id, lesson: typeof order === 'string' ? order : null }
  const trouble = state === 'done' ? null : error
  const notes = (await inbox.history(id)).filter(({ what }) => what === 'noted').map(({ detail }) => `${detail}`)
  for (const outcome of ['done', 'refused'] as const) {
    const note = notes.find(each => each.startsWith(OUTCOMES[outcome]))
    if (note !== undefined) return { ...view, state: outcome, why: note.slice(OUTCOMES[outcome].length), trouble }
  }
  const isOver = ['parked', 'dead', 'discarded'].includes(state)
  return { ...view, state: isOver ? 'failed' : 'asked', why: isOver ? error : null, trouble: isOver ? null : trouble }
}
