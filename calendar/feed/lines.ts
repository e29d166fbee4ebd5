import { showableTime } from '../../inbox/utc-time.ts'

/** The lines of an iCalendar file (RFC 5545, 3.1). Each function returns whole ones, with their CR LF. */

/** The longest line, in octets, without its CR LF. */
const MAX_OCTETS = 75

/** A line as it is. @param line ends by nothing, and its value is escaped as its type needs */
export function line(text: string): string {
  return `${folded(text)}\r\n`
}

/** A property whose value is a text of one or several lines (3.3.11). */
export function textLine(name: string, ...texts: string[]): string {
  const escaped = texts.map(text => oneLine(text).replace(/[\\;,]/g, '\\$&'))
  return line(`${name}:${escaped.join('\\n')}`)
}

/** A property whose value is a moment. Always in UTC: readers differ about time zones. @param at Unix ms */
export function timeLine(name: string, at: number): string {
  const utc = new Date(showableTime(at)).toISOString()
  return `${name}:${utc.slice(0, 19).replace(/[-:]/g, '')}Z\r\n`
}

/**
 * What every reader takes for one line. iCalendar allows no control characters in it; JavaScript readers end lines at
 * U+2028 and U+2029; and several read an escaped backslash before an n as a line break.
 */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll('\\', '/')
}

/** Between characters: several readers decode each line by itself. */
function folded(text: string): string {
  if (Buffer.byteLength(text) <= MAX_OCTETS) return text
  let lines = ''
  let begin = 0
  let octets = 0
  for (let index = 0; index < text.length; ) {
    const code = text.codePointAt(index) as number
    const more = octetsOf(code)
    if (octets + more > MAX_OCTETS) {
      lines += `${text.slice(begin, index)}\r\n `
      begin = index
      // The space counts.
      octets = 1
    }
    octets += more
    index += code > 0xffff ? 2 : 1
  }
  return lines + text.slice(begin)
}

/** How many octets a character has in UTF-8. */
function octetsOf(code: number): number {
  if (code < 0x80) return 1
  if (code < 0x800) return 2
  return code < 0x1_0000 ? 3 : 4
}
