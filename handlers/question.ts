import { askedTimeOf, isWeeklyAsked, offeredOf } from './asked-time.ts'
import { readerOf, situationOf } from './booking.ts'
import { baseIntentOf, choicesOf, intentOf } from './dialogue.ts'
import { offerTimes } from './offers.ts'
import type { Reply } from './reply.ts'
import { formatTime, formatWeekday, formatWhen, parseTime } from './times.ts'
import type { Turn } from './turn.ts'

/** The questions of the dialogue, but those about a lesson that is booked. */

export function showMenu(turn: Turn): Reply {
  return {
    content: turn.services.tutor.texts[turn.conversation.language].menu,
    items: choicesOf(situationOf(turn, 'menu', [])),
    attributes: { pending_intent: 'menu' },
  }
}

/** The question that the student has not answered yet. */
export function openQuestion(turn: Turn): Reply {
  const { services, conversation, kind } = turn
  const texts = services.tutor.texts[conversation.language]
  const intent = baseIntentOf(conversation.attributes)
  if (intent === 'menu') return showMenu(turn)
  const asked = intent === 'slot' ? askedTimeOf(conversation) : undefined
  if (asked !== undefined) return askAgain(turn, askedOf(turn, asked))
  if (intent !== 'pay') return askAgain(turn, texts.chooseTime(kind.minutes))
  const start = parseTime(conversation.attributes.lesson_start)
  if (start === undefined) return showMenu(turn)
  return askAgain(turn, texts.awaitsPayment(formatWhen(start, readerOf(conversation, services))))
}

/** Whether it shall be that time, once or every week. */
function askedOf({ services, conversation, kind }: Turn, at: number): string {
  const { thisTime, thisWeekly } = services.tutor.texts[conversation.language]
  const reader = readerOf(conversation, services)
  const when = formatWhen(at, reader)
  if (!isWeeklyAsked(conversation)) return thisTime(when, kind.minutes)
  return thisWeekly(formatWeekday(at, reader), formatTime(at, reader), kind.minutes, when)
}

/** Repeats the choices under a text. */
export function askAgain(turn: Turn, content: string): Reply {
  const { conversation } = turn
  return {
    content,
    items: choicesOf(situationOf(turn, intentOf(conversation.attributes), offeredOf(conversation))),
  }
}

/**
 * What was said about a booked lesson is done: what was open before comes back after it. The choice of a time does not:
 * nothing was reserved.
 */
export async function backTo(turn: Turn, told: Reply): Promise<Reply> {
  const { my_lesson: _, ...attributes } = turn.conversation.attributes
  const base = baseIntentOf(attributes)
  const ended = { my_lesson: null }
  if (base !== 'pay' && base !== 'rebook') {
    if (told.content === undefined) return showMenu(turn)
    return { ...told, attributes: { pending_intent: 'menu', offered_slots: null, ...ended, ...told.attributes } }
  }
  const before: Turn = { ...turn, conversation: { ...turn.conversation, attributes } }
  const question = base === 'pay' ? openQuestion(before) : await offerTimes(before, 'rebook')
  return {
    ...question,
    ...told,
    content: [told.content, question.content].filter(Boolean).join('\n\n'),
    ...(question.items && { items: question.items }),
    attributes: { ...question.attributes, ...ended, ...told.attributes },
  }
}
