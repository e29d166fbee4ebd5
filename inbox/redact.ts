/**
 * Secret fields: Chatwoot's events carry pubsub_token and an inbox's secret and hmac_token, Stripe's objects
 * client_secret; the others are common names, in any spelling (`apiKey`).
 */
const SECRET_FIELDS = [
  'pubsub_token',
  'client_secret',
  'webhook_secret',
  'hmac_token',
  'secrets?',
  'access_token',
  'api_access_token',
  'refresh_token',
  'auth_token',
  'id_token',
  'tokens?',
  'password',
  'api_key',
  'private_key',
  'authorization',
]
const NAMES = SECRET_FIELDS.join('|').replaceAll('_', '[_-]?')
const SECRET_NAME = new RegExp(`^(?:${NAMES})$`, 'i')

/** A field, up to its value. Quotes inside JSON strings are escaped, so this never matches within a value. */
const SECRET_FIELD = new RegExp(`"(?:${NAMES})"[ \\t\\r\\n]*:[ \\t\\r\\n]*`, 'gi')
/** Any field, up to its value. */
const FIELD = /"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*/g
/** A letter, `_` or `-` as an escape: only somebody hiding it writes that. Rails escapes `<`, `>` and `&`. */
const ESCAPED_LETTER = /\\u00(?:2[dD]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])/

/**
 * Overwrites the values of secret fields in a JSON text in place, at any depth: strings with asterisks, numbers with 0
 * and spaces, everything inside lists and objects. On the bytes, because redacting the parsed object and serializing it
 * again costs as much as parsing it.
 */
export function redactSecrets(json: Buffer): void {
  // In latin1 every byte is one character, so positions in the string are positions in the buffer.
  const text = json.toString('latin1')
  coverValues(json, text, SECRET_FIELD)
  if (ESCAPED_LETTER.test(text)) coverValues(json, text, FIELD, isHiddenSecret)
}

function coverValues(json: Buffer, text: string, field: RegExp, isSecret?: (name: string) => boolean): void {
  field.lastIndex = 0
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    if (isSecret !== undefined && !isSecret(match[1] as string)) continue
    // A secret inside a secret value is already covered: deep nesting is scanned once.
    field.lastIndex = coverValue(json, text, field.lastIndex)
  }
}

function isHiddenSecret(name: string): boolean {
  if (!name.includes('\\u')) return false
  return SECRET_NAME.test(
    name.replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
  )
}

const [QUOTE, BACKSLASH, COLON, MINUS, ZERO, NINE] = [...'"\\:-09'].map(char => char.charCodeAt(0)) as Codes
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'[]{}'].map(char => char.charCodeAt(0)) as Codes
type Codes = [number, number, number, number, number, number]

/**
 * Covers the value that begins at `start`, and returns where it ends. By character, without recursion: it may be 4 MiB
 * long.
 */
function coverValue(json: Buffer, text: string, start: number): number {
  let at = start
  let depth = 0
  do {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfText(text, at)
      if (depth === 0 || !isName(text, end)) json.fill('*', at + 1, end - 1)
      at = end
    } else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(text, at)
      json[at] = ZERO
      if (end > at + 1) json.fill(' ', at + 1, end)
      at = end
    } else {
      if (code === OPEN_LIST || code === OPEN_OBJECT) depth++
      else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--
      at++
    }
  } while (depth > 0 && at < text.length)
  return at
}

/** The position after the closing quote; one past the end if there is none. */
function endOfText(text: string, start: number): number {
  let at = start + 1
  for (let code = text.charCodeAt(at); code !== QUOTE && at < text.length; code = text.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1
  }
  return Math.min(at, text.length) + 1
}

function isName(text: string, end: number): boolean {
  let at = end
  while (text.charCodeAt(at) <= 0x20) at++
  return text.charCodeAt(at) === COLON
}

const isDigit = (code: number) => code >= ZERO && code <= NINE

function endOfNumber(text: string, start: number): number {
  let at = start + 1
  while (isDigit(text.charCodeAt(at)) || '.eE+-'.includes(text.charAt(at) || ' ')) at++
  return at
}
