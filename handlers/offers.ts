import type { Interval } from '../calendar/contract.ts'
import { asText, type Json } from '../sources/json.ts'
import { askedTime, offeredOf } from './asked-time.ts'
import { type Booking, freeTimes, giveToPerson, lengthsOf, readerOf, situationOf } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { choicesOf } from './dialogue.ts'
import { lessonDialogue } from './my-lesson-state.ts'
import { soldPackages } from './packages.ts'
import type { Reply } from './reply.ts'
import { pickSlots } from './slots.ts'
import type { Texts } from './texts/index.ts'
import { formatWhen, isoTime } from './times.ts'

/** Which times are offered, and what is remembered of it in the conversation's attributes. */

/** How many times are offered per message. */
const MAX_OFFERED = 6
/** Also where there are many packages: with more choices than WhatsApp lists, they stand in the text. */
const MIN_OFFERED = 2
/** WhatsApp's limit, less the choices that are always beside the times. */
const MAX_TIMES_AND_LENGTHS = 8
const MINUTE = 60_000

/** For what a time is chosen. */
export type ChoiceOfTime = 'slot' | 'rebook' | 'move'

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
  intent: ChoiceOfTime,
  { before = [], isNext = false, only }: Offer = {},
): Promise<Reply> {
  const { services, conversation } = booking
  const { zone } = services
  const texts = services.tutor.texts[conversation.language]
  const free = only ?? (await freeTimes(booking))
  const shown = isNext ? shownOf(conversation) : new Set<number>()
  const left = free.filter(({ start }) => !shown.has(start))
  const isOver = isNext && left.length === 0
  if (isOver) shown.clear()
  const besides = lengthsOf(services).length + soldPackages(services, conversation).length
  const most = Math.min(MAX_OFFERED, Math.max(MIN_OFFERED, MAX_TIMES_AND_LENGTHS - besides))
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
    whenOf(booking, texts),
    ...(reader.zone === zone ? [] : [texts.inZone(reader.zone)]),
  ]
  const offered = slots.map(({ start }) => start)
  return {
    content: lines.join('\n'),
    items: choicesOf(situationOf({ isWeekly: false, ...booking }, intent, offered)),
    attributes: {
      ...stateOfChoice(booking, intent),
      offered_slots: offered.map(at => isoTime(at, zone)).join(' '),
      shown_slots: toShown([...shown, ...offered]),
      ...(conversation.attributes.asked_time != null && { asked_time: null }),
    },
  }
}

/** The question. */
function whenOf({ moving, kind, conversation, services }: Booking, texts: Texts): string {
  if (moving === undefined) return texts.chooseTime(kind.minutes)
  return texts.moveTo(formatWhen(moving.start, readerOf(conversation, services)))
}

/** What is open before a booked lesson is moved stays so, but the choice of another one's time. */
function stateOfChoice({ moving, kind, conversation }: Booking, intent: ChoiceOfTime): Json {
  if (moving === undefined) return { pending_intent: intent, lesson_type: kind.type, lesson_minutes: kind.minutes }
  const isOfOther = conversation.attributes.pending_intent === 'slot'
  return { ...lessonDialogue('move', 'move', [moving]), ...(isOfOther && { pending_intent: 'menu' }) }
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

/** Asks whether it shall be this time; yes is an answer then. @param before lines that come first */
export async function askForTime(booking: Booking, time: Interval, before: readonly string[] = []): Promise<Reply> {
  const { services, conversation, kind, moving } = booking
  const offer = await offerTimes(booking, moving === undefined ? 'slot' : 'move', { only: [time] })
  const reader = readerOf(conversation, services)
  const when = formatWhen(time.start, reader)
  const texts = services.tutor.texts[conversation.language]
  return {
    ...offer,
    content: [
      ...before,
      moving === undefined
        ? texts.thisTime(when, kind.minutes)
        : texts.moveToThis(formatWhen(moving.start, reader), when),
    ].join('\n'),
    attributes: { ...offer.attributes, offered_slots: askedTime(time.start, services.zone) },
  }
}
