import type { Interval } from '../calendar/contract.ts'
import { freeTimes, planningOf, readerOf } from './booking.ts'
import { soldLengths } from './lesson-kind.ts'
import { type ChoiceOfTime, offerTimes } from './offers.ts'
import type { Reply } from './reply.ts'
import { isExact, type SpokenTime, type SpokenTimes } from './spoken-time.ts'
import { type Turn, writtenAt } from './turn.ts'
import { whyNot } from './why-not.ts'

/** Offers for a time that is said in words. */

/** What is said about a time, and what else is said about lessons. */
export interface TimeSaid {
  spoken: SpokenTime
  said: SpokenTimes
}

export const NEAREST_TIMES = 6

/** The same for a lesson as long as is said, or what to say of a length that is not sold. */
export function withLength(turn: Turn, { minutes }: SpokenTimes): { turn: Turn; notSold: string[] } {
  const { services, conversation, kind } = turn
  if (minutes === undefined || minutes === kind.minutes || kind.type === 'trial') return { turn, notSold: [] }
  const sold = soldLengths(services, conversation)
  if (sold.includes(minutes)) return { turn: { ...turn, kind: { type: 'regular', minutes } }, notSold: [] }
  return { turn, notSold: [services.tutor.texts[conversation.language].otherLengths(sold)] }
}

/** Offers the free times that are meant, else the nearest ones, with why. @param first lines that come first */
export async function offerNear(
  asked: Turn,
  intent: ChoiceOfTime,
  { spoken, said }: TimeSaid,
  first?: readonly string[],
): Promise<Reply> {
  const { conversation, services } = asked
  const { turn, notSold } = intent === 'slot' ? withLength(asked, said) : { turn: asked, notSold: [] }
  const { isMeant } = spoken
  const texts = services.tutor.texts[conversation.language]
  const rhythm = said.isOtherRhythm ? [texts.otherRhythm] : said.isWeekly ? [texts.weekly] : []
  const before = [...notSold, ...(first ?? rhythm)]
  const free = await freeTimes(turn)
  const meant = free.filter(({ start }) => isMeant(start))
  if (meant.length === 0) {
    before.push(whyNot(spoken, planningOf(turn), services.now(), readerOf(conversation, services), texts))
  }
  const near = meant.length > 0 ? meant : nearest(free, spoken)
  return withAsked(turn, spoken, await offerTimes(turn, intent, { before, only: near }))
}

function nearest(free: readonly Interval[], { distance }: SpokenTime): Interval[] {
  const byDistance = free.map(slot => ({ slot, away: distance(slot.start) }))
  byDistance.sort((one, other) => one.away - other.away)
  const near = byDistance.slice(0, NEAREST_TIMES).map(({ slot }) => slot)
  return near.sort((one, other) => one.start - other.start)
}

/** A day without an hour (or with a part of the day), or an hour without a day: the next message may complete it. */
function withAsked({ text, delivery }: Turn, { wanted }: SpokenTime, reply: Reply): Reply {
  const isHalf = wanted.length > 0 && wanted.every(({ days, spans }) => days === undefined || !isExact(spans))
  if (!isHalf || reply.attributes === undefined) return reply
  const asked_time = `${new Date(writtenAt(delivery)).toISOString()} ${text.replaceAll('\n', ' ')}`.toWellFormed()
  return { ...reply, attributes: { ...reply.attributes, asked_time } }
}
