import createError from '@fastify/error'

/**
 * Fields of a payload that open doors: Chatwoot's events carry pubsub_token and an inbox's secret and hmac_token,
 * Stripe's objects client_secret; the others are what such fields are usually called.
 */
const SECRET_FIELDS = new Set([
  'pubsub_token',
  'client_secret',
  'hmac_token',
  'secret',
  'access_token',
  'api_access_token',
  'refresh_token',
  'token',
  'password',
])
/** Deeper JSON would overflow the stack when it is written again; Chatwoot and Stripe stay below 20. */
const DEEPEST = 200

export const REDACTED = '[redacted]'

export const TooDeepError = createError('WEBHOOK_MALFORMED', `The body is nested more than ${DEEPEST} levels deep`, 400)

/**
 * Replaces, in place and at any depth, the values of secret fields.
 * @throws {TooDeepError} for a payload that is nested too deep to be stored.
 */
export function redactSecrets(payload: object, depth = 0): void {
  if (depth > DEEPEST) throw new TooDeepError()
  const fields = payload as Record<string, unknown>
  for (const field in fields) {
    const value = fields[field]
    if (value === null) continue
    if (SECRET_FIELDS.has(field)) fields[field] = REDACTED
    else if (typeof value === 'object') redactSecrets(value as object, depth + 1)
  }
}
