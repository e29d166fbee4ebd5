import type { Conversation } from './conversation.ts'
import type { Reply } from './reply.ts'
import { TEXTS } from './texts/index.ts'
import type { PersonReason } from './wishes.ts'

/** Gives a conversation to a person because of what the student wrote. */

const WHY = {
  person: 'The student asks for a person',
  ill: 'The student is ill, or something has happened',
  cancel: 'The student wants to cancel, move or miss a lesson',
  money: 'The student writes about money back, or a payment that went wrong',
  complaint: 'The student complains',
  invoice: 'The student asks for an invoice or a receipt',
  lesson: 'The student asks about a booked lesson',
  misunderstood: 'TutorBot has not understood the student',
  repeated: 'The student, or a machine, has written the same three times',
  endless: 'TutorBot has answered 30 times within ten minutes, perhaps a machine',
  language: 'The student writes in a language that TutorBot does not know',
  file: 'The student has sent something that TutorBot can neither listen to nor look at',
} satisfies Record<PersonReason | 'misunderstood' | 'repeated' | 'endless' | 'language' | 'file', string>

/** Every hand-over's note quotes what the student wrote. */
export function withQuotes<R extends Reply>(reply: R, written: readonly string[]): R {
  const { note = '', handsOver = false } = reply
  const missing = written.map(quote).filter(text => !note.includes(text))
  return handsOver && missing.length > 0
    ? { ...reply, note: [note, 'The student wrote:', ...missing].join('\n') }
    : reply
}

const quote = (text: string) => `"${text.toWellFormed()}"`

/** @param written what the student wrote, the oldest first */
export function handOverFor(
  why: keyof typeof WHY,
  written: readonly string[],
  { language, attributes }: Conversation,
): Reply {
  const texts = TEXTS[language]
  const quoted = written.map(quote).join('\n')
  return {
    content: why === 'file' ? texts.cannotListen : texts.handoff,
    note: `${WHY[why]}:\n${quoted}`,
    ...(Boolean(attributes.misunderstood) && { attributes: NO_MISSES }),
    handsOver: true,
  }
}

/** Nothing is misunderstood any more. */
export const NO_MISSES = { misunderstood: 0, misunderstood_texts: null }
