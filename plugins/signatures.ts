import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import createError from '@fastify/error'
import { OptionError } from '../inbox/errors.ts'

/** What a request's headers say of its signature, before its body is read: both schemes, and what is wrong with them. */

/** Sender and receiver may differ by this much unless an option says otherwise, s: what Chatwoot advises and Stripe uses. */
export const DEFAULT_TOLERANCE_SECONDS = 300
const MIN_TOLERANCE_SECONDS = 30
const MAX_TOLERANCE_SECONDS = 24 * 60 * 60
/** Stripe sends one for each secret that is valid: two while one is rolled. */
const MAX_SIGNATURES = 16

/** What a sender claims to have signed: `prefix` and then the body; one of the signatures has to be right. */
export interface Claim {
  prefix: string
  /** Hex. */
  signatures: string[]
}

export interface Scheme {
  /** s */
  tolerance: number
  /** Unix time, ms. */
  now: () => number
}

const refuse = (code: string, message: string) => createError<[]>(code, message, 401)

const SignatureMissingError = createError<[string]>('WEBHOOK_SIGNATURE_MISSING', 'The header %s is missing', 401)
const SignatureMalformedError = createError<[string, string]>(
  'WEBHOOK_SIGNATURE_MALFORMED',
  'The header %s is not of the form %s',
  401,
)
export const SignatureMismatchError = refuse(
  'WEBHOOK_SIGNATURE_MISMATCH',
  'The signature fits none of the secrets; the sender has another one, or the body was changed on its way',
)
const TimestampInvalidError = createError<[string]>(
  'WEBHOOK_TIMESTAMP_INVALID',
  'The header %s is missing or not a Unix time in seconds',
  401,
)
const TimestampOutsideError = createError<[number]>(
  'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
  'The timestamp is more than %d s away from the time here',
  401,
)

/**
 * `X-Chatwoot-Signature: sha256=<hex>` and `X-Chatwoot-Timestamp`; with `legacy` also the original TutorBot's bare hex,
 * without a timestamp.
 */
export function readChatwootHeaders(headers: IncomingHttpHeaders, scheme: Scheme, legacy: boolean): Claim | Error {
  const signature = headers['x-chatwoot-signature']
  if (typeof signature !== 'string' || signature === '') return new SignatureMissingError('X-Chatwoot-Signature')
  if (legacy && /^[0-9a-f]{64}$/i.test(signature)) return { prefix: '', signatures: [signature] }
  if (!/^sha256=[0-9a-f]{64}$/i.test(signature)) {
    return new SignatureMalformedError('X-Chatwoot-Signature', 'sha256=<64 hex digits>')
  }
  const timestamp = headers['x-chatwoot-timestamp']
  const problem = problemOfTime(typeof timestamp === 'string' ? timestamp : '', 'X-Chatwoot-Timestamp', scheme)
  return problem ?? { prefix: `${timestamp}.`, signatures: [signature.slice('sha256='.length)] }
}

/** `Stripe-Signature: t=<Unix time>,v1=<hex>[,v1=<hex>]` */
export function readStripeHeaders(headers: IncomingHttpHeaders, scheme: Scheme): Claim | Error {
  const header = headers['stripe-signature']
  if (typeof header !== 'string' || header === '') return new SignatureMissingError('Stripe-Signature')
  const signature = parseStripeSignature(header)
  if (signature === null) return new SignatureMalformedError('Stripe-Signature', 't=<Unix time>,v1=<64 hex digits>')
  const { timestamp, v1 } = signature
  return problemOfTime(timestamp, 'Stripe-Signature (t=)', scheme) ?? { prefix: `${timestamp}.`, signatures: v1 }
}

/**
 * What is neither `t` nor a well-formed `v1` belongs to other schemes, or to nobody, and is passed over as Stripe's own
 * library does. null: no time, no v1, or two times: two headers, which Node joins with a comma and a space.
 */
function parseStripeSignature(header: string): { timestamp: string; v1: string[] } | null {
  const parts = header.split(',').map(part => part.split('=', 2))
  const timestamps = parts.filter(([name = '']) => name.trim() === 't')
  const [[name, timestamp] = []] = timestamps
  if (timestamps.length !== 1 || name !== 't' || timestamp === undefined) return null
  const v1: string[] = []
  for (const [name, value = ''] of parts) {
    // In small letters, as Stripe's own library demands.
    if (name === 'v1' && /^[0-9a-f]{64}$/.test(value)) v1.push(value)
  }
  return v1.length === 0 ? null : { timestamp, v1: v1.slice(0, MAX_SIGNATURES) }
}

function problemOfTime(timestamp: string, header: string, { tolerance, now }: Scheme): Error | undefined {
  if (!/^\d{1,12}$/.test(timestamp)) return new TimestampInvalidError(header)
  const ageSeconds = now() / 1_000 - Number(timestamp)
  // A gateway forwards late, never before.
  const isCurrent = ageSeconds <= tolerance && -ageSeconds <= Math.min(tolerance, DEFAULT_TOLERANCE_SECONDS)
  return isCurrent ? undefined : new TimestampOutsideError(tolerance)
}

/** Whether one of the signatures is the HMAC-SHA256 of prefix and body with one of the keys; in constant time. */
export function isSigned(keys: readonly KeyObject[], { prefix, signatures }: Claim, body: Buffer | string): boolean {
  const given = signatures.map(signature => Buffer.from(signature, 'hex'))
  return keys.some(key => {
    const expected = createHmac('sha256', key).update(prefix).update(body).digest()
    return given.some(signature => timingSafeEqual(signature, expected))
  })
}

/** @throws {OptionError} that names the option */
export function secretKeys(option: string, secrets: readonly string[] = []): KeyObject[] {
  if (!Array.isArray(secrets)) throw new OptionError(`${option} must be a list`)
  return secrets.map((secret, index) => {
    if (typeof secret !== 'string' || secret.trim() === '') throw new OptionError(`${option}[${index}] is empty`)
    return createSecretKey(secret, 'utf8')
  })
}

/** @throws {OptionError} that names the option and its variable */
export function validTolerance(option: string, variable: string, seconds: number = DEFAULT_TOLERANCE_SECONDS): number {
  if (Number.isInteger(seconds) && seconds >= MIN_TOLERANCE_SECONDS && seconds <= MAX_TOLERANCE_SECONDS) return seconds
  throw new OptionError(
    `${option} (${variable}) must be a whole number of seconds from ${MIN_TOLERANCE_SECONDS} to ${MAX_TOLERANCE_SECONDS}`,
  )
}
