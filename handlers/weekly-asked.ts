import { isDeepStrictEqual } from 'node:util'
import type { Interval } from '../calendar/contract.ts'
import { PermanentError } from '../inbox/errors.ts'
import { askedTime, askedTimeOf, isWeeklyAsked } from './asked-time.ts'
import { BOOKED, freeTimes, newOrder, plannedTimes, planningOf, readerOf, tutorReader } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { whereOf } from './lesson-kind.ts'
import { namedIn } from './lesson-of.ts'
import { showLesson } from './my-lesson-view.ts'
import { offerTimes } from './offers.ts'
import { minutesLeft, packagesOfStudent } from './packages.ts'
import { askForWhom } from './pupil-question.ts'
import { isPupilUnknown, pupilLines, withoutPupil } from './pupils.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { offerNear, type TimeSaid, withLength } from './spoken-offer.ts'
import { dayAt, exactTime, isExact, type SpokenTime } from './spoken-time.ts'
import { formatDay, formatWhen, isoTime } from './times.ts'
import type { Turn } from './turn.ts'
import { inWords, makeLessons, skippedIn, skippedNote } from './weekly.ts'
import { weeklyAt } from './weekly-times.ts'
import { lessonsOfStudent } from './whose-lesson.ts'
import { isTooFar } from './why-not.ts'

const DAY_MS = 24 * 60 * 60_000

/** A student asks for a lesson each week at one time, and says yes to it. */

export function isWeeklyOffered({ calendar, tutor }: Services): boolean {
  return calendar.weekly !== undefined && tutor.weekly.offered
}

/** Asks whether it shall be that time every week, if one is meant that is free at least once. */
export async function askWeekly(asked: Turn, time: TimeSaid): Promise<Reply> {
  const { services, conversation } = asked
  const { zone, tutor } = services
  const texts = tutor.texts[conversation.language]
  const { said } = time
  const { turn, notSold } = withLength(asked, said)
  const { kind } = turn
  const reader = readerOf(conversation, services)
  const { spoken, except } = exceptIn(conversation, time.spoken, reader.zone)
  const last = services.now() + planningOf(turn).daysAhead * DAY_MS
  if (isTooFar(spoken, last, reader)) {
    return offerTimes(turn, 'slot', { before: [texts.weeklyTooFar(formatDay(last, reader))] })
  }
  const meant = plannedTimes(turn).filter(({ start }) => spoken.isMeant(start))
  const [only] = meant
  if (only === undefined) return offerNear(turn, 'slot', time, [texts.weeklyHow])
  const isSame = ({ start }: Interval) => isDeepStrictEqual(weeklyAt(start, zone), weeklyAt(only.start, zone))
  if (!meant.every(isSame)) {
    const isNamed =
      spoken.wanted.length > 0 && spoken.wanted.every(({ days, spans }) => days !== undefined && isExact(spans))
    return offerNear(turn, 'slot', time, [isNamed ? texts.weeklyOneByOne : texts.weeklyHow])
  }
  const first = (await freeTimes(turn)).find(time => isSame(time) && time.start >= only.start)
  if (first === undefined) {
    const { student } = namedIn(services, conversation)
    const theirs = (await lessonsOfStudent(turn)).find(lesson => isSame(lesson) && lesson.student === student)
    if (theirs !== undefined) return showLesson(turn, theirs, 'see')
    return offerNear(turn, 'slot', time, [texts.weeklyTaken])
  }
  const offer = await offerTimes({ ...turn, isWeekly: true }, 'slot', { only: [first] })
  const [day, clock] = inWords(services, conversation, first.start)
  return {
    ...offer,
    content: [
      ...notSold,
      ...(except ? [texts.weeklyExcept] : []),
      texts.thisWeekly(day, clock, kind.minutes, formatWhen(first.start, reader)),
    ].join('\n'),
    attributes: { ...offer.attributes, offered_slots: askedTime(first.start, zone, true) },
  }
}

/** How many weeks are looked at for one that is left out. */
const WEEKS_EXCEPTED = 6

/** `elke dinsdag 17:00, maar niet volgende week`, or the second half as the answer to the question: still each week. */
function exceptIn(conversation: Conversation, spoken: SpokenTime, zone: string) {
  const asked = isWeeklyAsked(conversation) && spoken.wanted.length === 0 ? askedTimeOf(conversation) : undefined
  const first = spoken.wanted[0]?.days?.[0] ?? (asked === undefined ? undefined : dayAt(asked, zone))
  if (first === undefined) return { spoken, except: false }
  const weeks = Array.from({ length: WEEKS_EXCEPTED }, (_, week) => first + week * 7)
  const refused = weeks.filter(day => spoken.refused.some(({ days }) => days?.includes(day)))
  const except = refused.length > 0 && refused.length < weeks.length
  return { spoken: except && asked !== undefined ? exactTime(asked, zone) : spoken, except }
}

/** The same with lessons of another length; undefined: no time was asked about. @param minutes that are sold */
export function askWeeklyAgain(turn: Turn, minutes: number): Promise<Reply> | undefined {
  const { services, conversation } = turn
  const start = isWeeklyAsked(conversation) ? askedTimeOf(conversation) : undefined
  if (start === undefined) return undefined
  const said = { minutes, isWeekly: true, isOnlyWeekly: true, isOne: false, isOtherRhythm: false }
  return askWeekly(turn, { spoken: exactTime(start, readerOf(conversation, services).zone), said })
}

/** Books the time that was asked about, every week. */
export async function bookWeekly(turn: Turn): Promise<Reply> {
  const { services, conversation, kind, delivery, context } = turn
  const { calendar, zone, tutor } = services
  const texts = tutor.texts[conversation.language]
  const start = askedTimeOf(conversation)
  // A choice of long ago, or of before the tutor has turned it off.
  if (start === undefined || calendar.weekly === undefined) return offerTimes(turn, 'slot')
  if (isPupilUnknown(conversation)) return askForWhom(turn, 'every_week')
  const { id: conversationId, contactId } = conversation
  const weekly = {
    id: await newOrder(services, conversationId, delivery),
    ...weeklyAt(start, zone),
    minutes: kind.minutes,
    first: start,
    ...namedIn(services, conversation),
    conversation: conversationId,
    ...(contactId !== undefined && { contact: contactId }),
  }
  const taken = () => offerTimes(turn, 'slot', { before: [texts.weeklyTaken] })
  if ((await calendar.weekly.add(weekly)) === 'taken') return taken()
  // An earlier attempt was given up, which has ended it.
  if ((await calendar.weekly.get(weekly.id)) === null)
    throw new PermanentError(`the weekly time ${weekly.id} was given up`)
  const { booked, skipped } = await context.once(`${delivery.id}:weekly`, () =>
    makeLessons(turn, weekly, { from: start, at: delivery.receivedAt }, context),
  )
  const [first] = booked
  if (first === undefined) {
    await calendar.weekly.end(weekly.id)
    return taken()
  }
  const [day, clock] = inWords(services, conversation, first.at)
  const [forStudent, forTutor] = [readerOf(conversation, services), tutorReader(services)]
  return {
    content: [
      texts.weeklyBooked(day, clock, formatWhen(first.at, forStudent)),
      ...pupilLines(conversation, tutor),
      ...(skipped.length > 0 ? [skippedIn(services, conversation, skipped)] : []),
      ...whereOf(services, kind, conversation.language),
      minutesLeft(await packagesOfStudent(turn)) >= kind.minutes ? texts.weeklyFromPackage : texts.weeklyPaid,
    ].join('\n'),
    note: [
      `Weekly lesson booked: ${formatWhen(first.at, forTutor)}, and every week from then on at that time, order ${weekly.id}. ${booked.length} of them are in the calendar.`,
      ...(skipped.length > 0 ? [skippedNote(services, skipped)] : []),
    ].join('\n'),
    attributes: {
      ...BOOKED,
      order_id: first.order,
      payment_status: 'open',
      payment_intent_id: null,
      lesson_type: kind.type,
      lesson_minutes: kind.minutes,
      lesson_start: isoTime(first.at, zone),
      ...withoutPupil(conversation.attributes),
    },
    contact: { lesson_booked: true },
    labels: { add: ['status:booked'], remove: ['status:awaiting_pay', 'payment:failed', 'payment:paid'] },
  }
}
