/**
 * Fields of a payload that open doors: Chatwoot's events carry pubsub_token and an inbox's secret and hmac_token,
 * Stripe's objects client_secret; the others are what such fields are usually called, in any writing (`apiKey`).
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

/** A field, up to its value. Inside a JSON text every quote is escaped, so this never begins within a value. */
const SECRET_FIELD = new RegExp(`"(?:${NAMES})"[ \\t\\r\\n]*:[ \\t\\r\\n]*`, 'gi')
/** Any field, up to its value. */
const FIELD = /"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*/g
/** A letter, `_` or `-` as an escape: nobody writes that but to hide it. Rails escapes `<`, `>` and `&`. */
const ESCAPED_LETTER = /\\u00(?:2[dD]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])/

/**
 * Overwrites, in place, the values of secret fields in the bytes of a JSON text, at any depth: texts with asterisks,
 * numbers with 0 and spaces; of a list or an object, all that is in it. On the bytes, because walking through the parsed
 * object and writing it again costs as much as parsing it.
 */
export function redactSecrets(json: Buffer): void {
  // In latin1 every byte is a character, so that a place in the text is the same place in the bytes.
  const text = json.toString('latin1')
  coverValues(json, text, SECRET_FIELD)
  if (ESCAPED_LETTER.test(text)) coverValues(json, text, FIELD, isHiddenSecret)
}

function coverValues(json: Buffer, text: string, field: RegExp, isSecret?: (name: string) => boolean): void {
  field.lastIndex = 0
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    if (isSecret !== undefined && !isSecret(match[1] as string)) continue
    // What is within a secret value is covered with it: once is enough, however deep they are nested.
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

/** Covers the value that begins at a place, and gives where it ends. Character by character: it may be 4 MiB long. */
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

/** After the closing quote; one after the text's end if there is none. */
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
