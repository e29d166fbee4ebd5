import type { Interval } from '../calendar/contract.ts'
import { asText } from '../sources/json.ts'
import { type Booking, freeTimes, giveToPerson, lengthsOf, readerOf, situationOf } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf } from './dialogue.ts'
import type { Reply } from './reply.ts'
import { pickSlots } from './slots.ts'
import { formatWhen, isoTime, parseTime } from './times.ts'

/** Which times are offered, and what is remembered of it in the conversation's attributes. */

/** How many times are offered per message. */
const MAX_OFFERED = 6
/** WhatsApp's limit, less the choices that are always beside the times. */
const MAX_TIMES_AND_LENGTHS = 8
const MINUTE = 60_000

/** Which times to offer. */
export interface Offer {
  /** Lines that come first. */
  before?: string[]
  /** Others than those that were shown already, starting over when there are none. */
  isNext?: boolean
  /** These, in order; else all free times. */
  only?: Interval[]
}

/** Offers times to choose from. */
export async function offerTimes(
  booking: Booking,
  intent: 'slot' | 'rebook',
  { before = [], isNext = false, only }: Offer = {},
): Promise<Reply> {
  const { services, conversation, kind } = booking
  const { zone } = services
  const texts = services.tutor.texts[conversation.language]
  const free = only ?? (await freeTimes(booking))
  const shown = isNext ? shownOf(conversation) : new Set<number>()
  const left = free.filter(({ start }) => !shown.has(start))
  const isOver = isNext && left.length === 0
  if (isOver) shown.clear()
  const most = Math.min(MAX_OFFERED, MAX_TIMES_AND_LENGTHS - lengthsOf(services).length)
  const slots = pickSlots(free, most, zone, shown)
  if (slots.length === 0) {
    return {
      ...giveToPerson(services, conversation, 'no time is free in the coming days'),
      content: [...before, texts.noTimes].join('\n'),
    }
  }
  const isLast = isNext && !isOver && left.length === slots.length
  const reader = readerOf(conversation, services)
  const lines = [
    ...before,
    ...(isOver ? [texts.allShown] : isLast ? [texts.lastTimes] : []),
    texts.chooseTime(kind.minutes),
    ...(reader.zone === zone ? [] : [texts.inZone(reader.zone)]),
  ]
  const offered = slots.map(({ start }) => start)
  return {
    content: lines.join('\n'),
    items: choicesOf(situationOf(booking, intent, offered)),
    attributes: {
      pending_intent: intent,
      offered_slots: offered.map(at => isoTime(at, zone)).join(' '),
      shown_slots: toShown([...shown, ...offered]),
      ...(conversation.attributes.asked_time != null && { asked_time: null }),
      lesson_type: kind.type,
      lesson_minutes: kind.minutes,
    },
  }
}

/** Chatwoot refuses an attribute of more than 1,500 characters. */
const MAX_SHOWN = 240

/** Short: the minutes since 1970, in base 36. */
function toShown(times: readonly number[]): string {
  return times
    .slice(-MAX_SHOWN)
    .map(at => (at / MINUTE).toString(36))
    .join(' ')
}

/** Start times that were offered since the choice of a time began, Unix ms. */
function shownOf(conversation: Conversation): Set<number> {
  const written = asText(conversation.attributes.shown_slots)?.split(' ') ?? []
  return new Set([...written.map(minutes => Number.parseInt(minutes, 36) * MINUTE), ...offeredOf(conversation)])
}

/** Start times offered last, Unix ms. */
export function offeredOf({ attributes }: Conversation): number[] {
  const texts = asText(attributes.offered_slots)?.split(' ') ?? []
  return texts.map(parseTime).filter(at => at !== undefined)
}

/** Asks whether it shall be this time; yes is an answer then. */
export async function askForTime(booking: Booking, time: Interval): Promise<Reply> {
  const { services, conversation, kind } = booking
  const offer = await offerTimes(booking, 'slot', { only: [time] })
  const when = formatWhen(time.start, readerOf(conversation, services))
  return {
    ...offer,
    content: services.tutor.texts[conversation.language].thisTime(when, kind.minutes),
    attributes: { ...offer.attributes, offered_slots: `${isoTime(time.start, services.zone)}${ASKED}` },
  }
}

/** After the only time in `offered_slots`: the student was asked whether it shall be this one. */
const ASKED = ' ?'

/** The time that the last question was about, Unix ms. */
export function askedTimeOf(conversation: Conversation): number | undefined {
  return asText(conversation.attributes.offered_slots)?.endsWith(ASKED) ? offeredOf(conversation)[0] : undefined
}
