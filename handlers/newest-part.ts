import type { ChatwootMessage } from '../sources/chatwoot-payloads.ts'
import { asObject, asText, type Json } from '../sources/json.ts'
import { MAX_ANSWER_LENGTH } from './dialogue.ts'
import { splitPhrases, wordsIn } from './phrases.ts'
import { LANGUAGE_CODES, LANGUAGES } from './texts/index.ts'

/**
 * What is new in an e-mail: without the messages that it quotes, and without a signature. The bot's own questions stand
 * among the former, and would be read as the student's answers.
 *
 * Own code: email-reply-parser 2.3.7 takes 3 s for 15,000 empty lines, during which nothing else is done.
 */

const MARKS = LANGUAGE_CODES.map(code => LANGUAGES[code].mail)
const INTRODUCTIONS = MARKS.map(({ on, wrote }) => ({ on, wrote: splitPhrases(wrote) }))
const SIGNATURES = MARKS.flatMap(({ signature }) => splitPhrases(signature)).map(wordsIn)
const HEADERS = new Set(MARKS.flatMap(({ headers }) => splitPhrases(headers)))
/** Words that may follow in a signature: a name, a phone's. */
const MAX_WORDS_SIGNED = 2
/** Mail programs wrap the line before a quotation. */
const MAX_WRAPPED = 3
/** Longer lines are text. */
const MAX_MARK_LENGTH = 200

/** What a message says, of which an e-mail's newest part. */
export function newestPart({ content, content_type, content_attributes, conversation }: ChatwootMessage): string {
  const { email } = content_attributes
  const isOfMailbox = (conversation.channel ?? conversation.meta.channel) === 'Channel::Email'
  // One may also answer what was asked in another channel.
  const isMail = isOfMailbox || content_type === 'incoming_email' || Object.keys(email).length > 0
  const text = content ?? ''
  return isMail ? withoutQuotations(cutByChatwoot(text.trim(), email)) : text
}

/**
 * Chatwoot cuts e-mails too, in more languages, but not where it says so: in its `quoted` is what is left without the
 * quotations, and in `reply` all of it; in old versions it was as their names say.
 */
function cutByChatwoot(content: string, { text_content, html_content }: Json): string {
  const parts = [text_content, html_content].map(asObject).flatMap(({ reply, quoted }) => [reply, quoted])
  const beginnings = parts.map(part => asText(part)?.trim()).filter(part => part && content.startsWith(part))
  return (beginnings as string[]).reduce((one, other) => (other.length < one.length ? other : one), content)
}

/** No more of it than is read. */
function withoutQuotations(text: string): string {
  const lines = text.split(/\r?\n/).map(line => line.trim())
  const kept: string[] = []
  let length = 0
  for (let at = 0; at < lines.length && length < MAX_ANSWER_LENGTH; at++) {
    const line = lines[at] as string
    if (line.startsWith('>')) continue
    const introduced = linesOfIntroduction(lines, at)
    const next = at + introduced
    // What is written below or between the quoted lines is new.
    const isQuoteNext = lines
      .slice(next, next + MAX_WRAPPED)
      .find(Boolean)
      ?.startsWith('>')
    if (introduced > 0 && isQuoteNext) at = next - 1
    else if (introduced > 0 || isEnd(line) || isHeaders(lines.slice(at, at + 5))) break
    else {
      kept.push(line)
      length += line.length
    }
  }
  return kept.join('\n').trim()
}

/** The length of `On 23 Nov 2026 at 11:00 Sam <sam@example.com> wrote:`, in lines; 0: it is not here. */
function linesOfIntroduction(lines: readonly string[], at: number): number {
  for (let count = 1; count <= MAX_WRAPPED; count++) {
    const line = lines[at + count - 1]
    if (!line || line.length > MAX_MARK_LENGTH) return 0
    if (line.endsWith(':')) return isIntroduction(lines.slice(at, at + count)) ? count : 0
  }
  return 0
}

function isIntroduction(lines: readonly string[]): boolean {
  const text = lines.join(' ')
  if (!/\d/.test(text)) return false
  const words = wordsIn(text)
  return INTRODUCTIONS.some(({ on, wrote }) => {
    const isNamed = wrote.some(word => words.includes(word))
    // `Sam <sam@example.com> wrote on 23 Nov:` is in one line; a line without an address is too short to be wrapped.
    return isNamed && [words[0] === on, text.includes('@'), lines.length === 1].filter(Boolean).length > 1
  })
}

/** A line of dashes, such as `-----Original Message-----`, or the beginning of a signature. */
function isEnd(line: string): boolean {
  if (line.length > MAX_MARK_LENGTH) return false
  if (/^[-_=*]{2,}$/.test(line) || /^-{2,}[^-]+-{2,}$/.test(line)) return true
  const words = wordsIn(line)
  return SIGNATURES.some(phrase => {
    return words.length <= phrase.length + MAX_WORDS_SIGNED && phrase.every((word, at) => words[at] === word)
  })
}

/** `From: …`, `Sent: …`, `To: …` one below the other, from the first line on. */
function isHeaders(lines: readonly string[]): boolean {
  const named = lines.map(line => HEADERS.has(/^[*_]*([^:*_]{2,20})[*_]*:/.exec(line)?.[1]?.trim().toLowerCase() ?? ''))
  return named[0] === true && named.filter(Boolean).length >= 3
}
