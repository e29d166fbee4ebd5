import { PermanentError } from '../inbox/errors.ts'
import { askedTime, askedTimeOf } from './asked-time.ts'
import { BOOKED, freeTimes, newOrder, plannedTimes, readerOf, tutorReader } from './booking.ts'
import { whereOf } from './lesson-kind.ts'
import { namedIn } from './lesson-of.ts'
import { offerTimes } from './offers.ts'
import { minutesLeft, packagesOfStudent } from './packages.ts'
import { askForWhom } from './pupil-question.ts'
import { isPupilUnknown, pupilLines, withoutPupil } from './pupils.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { offerNear, type TimeSaid } from './spoken-offer.ts'
import { formatWhen, isoTime } from './times.ts'
import type { Turn } from './turn.ts'
import { inWords, makeLessons, skippedIn, skippedNote } from './weekly.ts'
import { weeklyAt } from './weekly-times.ts'

/** A student asks for a lesson each week at one time, and says yes to it. */

export function isWeeklyOffered({ calendar, tutor }: Services): boolean {
  return calendar.weekly !== undefined && tutor.weekly.offered
}

/** Asks whether it shall be that time every week, if one is meant that is free at least once. */
export async function askWeekly(turn: Turn, time: TimeSaid): Promise<Reply> {
  const { services, conversation, kind } = turn
  const { zone, tutor } = services
  const texts = tutor.texts[conversation.language]
  const [only, ...others] = plannedTimes(turn).filter(({ start }) => time.spoken.isMeant(start))
  if (only === undefined || others.length > 0) return offerNear(turn, 'slot', time, [texts.weeklyHow])
  const { weekday, time: minute } = weeklyAt(only.start, zone)
  const first = (await freeTimes(turn)).find(({ start }) => {
    const at = weeklyAt(start, zone)
    return at.weekday === weekday && at.time === minute
  })
  if (first === undefined) return offerNear(turn, 'slot', time, [texts.weeklyTaken])
  const offer = await offerTimes({ ...turn, isWeekly: true }, 'slot', { only: [first] })
  const [day, clock] = inWords(services, conversation, first.start)
  return {
    ...offer,
    content: texts.thisWeekly(day, clock, kind.minutes, formatWhen(first.start, readerOf(conversation, services))),
    attributes: { ...offer.attributes, offered_slots: askedTime(first.start, zone, true) },
  }
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
