/**
 * Fields of a payload that open doors: Chatwoot's events carry pubsub_token and an inbox's secret and hmac_token,
 * Stripe's objects client_secret; the others are what such fields are usually called.
 */
const SECRET_FIELDS = [
  'pubsub_token',
  'client_secret',
  'hmac_token',
  'secret',
  'access_token',
  'api_access_token',
  'refresh_token',
  'token',
  'password',
]

/** A field and its text. Inside a JSON text every quote is escaped, so this never begins within a value. */
const SECRETS = new RegExp(`"(?:${SECRET_FIELDS.join('|')})"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)"`, 'g')

/**
 * Overwrites, in place, the values of secret fields in the bytes of a JSON text with asterisks, at any depth. On the
 * bytes, because walking through the parsed object and writing it again costs as much as parsing it.
 */
export function redactSecrets(json: Buffer): void {
  // In latin1 every byte is a character, so that a match's place in the text is its place in the bytes.
  for (const match of json.toString('latin1').matchAll(SECRETS)) {
    const end = match.index + match[0].length - 1
    json.fill('*', end - (match[1] as string).length, end)
  }
}
