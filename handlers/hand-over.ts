import type { Conversation } from './conversation.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { LANGUAGES, type Language } from './texts/index.ts'

/** Gives a conversation to a person because of what the student wrote. */

/** Every hand-over's note quotes what the student wrote: those of `handOverFor` do, and have its language. */
export function withQuotes<R extends Reply>(reply: R, written: readonly string[]): R {
  const { note = '', noteLanguage, handsOver = false } = reply
  if (!handsOver || noteLanguage !== undefined) return reply
  return { ...reply, note: [note, 'The student wrote:', ...written.map(quote)].join('\n') }
}

const quote = (text: string) => `"${text.toWellFormed()}"`

/** The note is in the student's language, like what it quotes. @param written what the student wrote, the oldest first */
export function handOverFor(
  { tutor }: Services,
  why: keyof Language['handedOver'],
  written: readonly string[],
  { language, attributes }: Conversation,
): Reply {
  const texts = tutor.texts[language]
  const quoted = written.map(quote).join('\n')
  return {
    content: why === 'file' ? texts.cannotListen : texts.handoff,
    note: `${LANGUAGES[language].handedOver[why]}:\n${quoted}`,
    noteLanguage: language,
    ...(Boolean(attributes.misunderstood) && { attributes: NO_MISSES }),
    handsOver: true,
  }
}

/** Nothing is misunderstood any more. */
export const NO_MISSES = { misunderstood: 0, misunderstood_texts: null }
