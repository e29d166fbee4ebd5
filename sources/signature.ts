import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import createError from '@fastify/error'
import type { Logger } from '../inbox/contracts.ts'
import { OptionError } from '../inbox/errors.ts'
import {
  type Algorithm,
  type Around,
  formOf,
  itemsReader,
  type Scheme,
  type Timestamp,
  templateFiller,
} from './scheme.ts'
import type { SourceRequest, Verifier } from './source.ts'

/** HMAC signatures: the check, and the errors of all verifiers. */

/** Default tolerance, s: what Chatwoot advises and Stripe uses. */
const DEFAULT_TOLERANCE_SECONDS = 300
const MIN_TOLERANCE_SECONDS = 30
const MAX_TOLERANCE_SECONDS = 24 * 60 * 60

const SignatureMissingError = createError<[string]>('WEBHOOK_SIGNATURE_MISSING', 'The header %s is missing', 401)
const SignatureMalformedError = createError<[string, string]>(
  'WEBHOOK_SIGNATURE_MALFORMED',
  'The header %s is not of the form %s',
  401,
)
export const SignatureMismatchError = createError<[]>(
  'WEBHOOK_SIGNATURE_MISMATCH',
  'The signature matches none of the secrets; the sender uses another secret, or the body was changed in transit',
  401,
)
const TimestampInvalidError = createError<[string, string]>(
  'WEBHOOK_TIMESTAMP_INVALID',
  'The header %s is missing or not a Unix time in %s',
  401,
)
const TimestampOutsideError = createError<[number]>(
  'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
  'The timestamp differs from the server time by more than %d s',
  401,
)
const IdInvalidError = createError<[string]>(
  'WEBHOOK_ID_INVALID',
  'The header %s is missing or not an id: up to 255 printable ASCII characters without a dot',
  401,
)

export interface Check {
  scheme: Scheme
  keys: readonly KeyObject[]
  /** s */
  tolerance: number
  /** Unix time, ms. */
  now: () => number
}

/** Accepts requests signed with one of the keys, with a timestamp within the tolerance. */
export function signatureVerifier({ scheme, keys, tolerance, now }: Check): Verifier {
  const { headers: names, algorithm, timestamp, id } = scheme
  const readItems = itemsReader(scheme)
  const fill = templateFiller(scheme)
  const shownName = names.join(' or ')
  const form = formOf(scheme)
  const lowerNames = lowerCase(names)
  const timeNames = timestamp?.headers && lowerCase(timestamp.headers)
  const idNames = id && lowerCase(id)
  const problemOfTime = timestamp && timeCheck(timestamp, shownName, tolerance)

  const verify = ({ method, headers, quarantinedAt }: SourceRequest) => {
    const header = firstHeader(headers, lowerNames)
    if (header === undefined) return new SignatureMissingError(shownName)
    const { signatures, timestamp: timeInHeader } = readItems(header)
    const lacksTime = timestamp?.key !== undefined && timeInHeader === undefined
    if (signatures.length === 0 || lacksTime) return new SignatureMalformedError(shownName, form)
    const sentAt = timeNames === undefined ? timeInHeader : firstHeader(headers, timeNames)
    const problem = problemOfTime?.(sentAt, quarantinedAt ?? now())
    if (problem !== undefined) return problem
    const sentId = idNames && firstHeader(headers, idNames)
    // A dot in the id would make it ambiguous where the id ends in the signed text.
    if (id !== undefined && !/^[\x21-\x2d\x2f-\x7e]{1,255}$/.test(sentId ?? ''))
      return new IdInvalidError(id.join(' or '))
    const around = fill({ method, timestamp: sentAt, id: sentId })
    return (body: Buffer) => isSigned(keys, algorithm, around, signatures, body) || new SignatureMismatchError()
  }
  return Object.assign(verify, { signatureHeaders: lowerNames })
}

function lowerCase(names: readonly string[]): string[] {
  return names.map(name => name.toLowerCase())
}

/** The first header that is present and not empty. @param names in lower case */
export function firstHeader(headers: IncomingHttpHeaders, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}

/** The check of a timestamp at a time, Unix ms. */
function timeCheck({ headers, key, unit }: Timestamp, signature: string, tolerance: number) {
  const name = headers?.join(' or ') ?? `${signature} (${key}=)`
  const [wellFormed, perSecond, unitName] =
    unit === 's' ? ([/^\d{1,12}$/, 1, 'seconds'] as const) : ([/^\d{1,15}$/, 1_000, 'milliseconds'] as const)
  return (time = '', at: number): Error | undefined => {
    if (!wellFormed.test(time)) return new TimestampInvalidError(name, unitName)
    const ageSeconds = at / 1_000 - Number(time) / perSecond
    // A gateway delays webhooks, so only the past is extended.
    const isCurrent = ageSeconds <= tolerance && -ageSeconds <= Math.min(tolerance, DEFAULT_TOLERANCE_SECONDS)
    return isCurrent ? undefined : new TimestampOutsideError(tolerance)
  }
}

/** The HMAC of a body and the template around it. */
export function sign(algorithm: Algorithm, key: KeyObject, { before, after }: Around, body: Buffer | string) {
  return createHmac(algorithm, key).update(before).update(body).update(after)
}

/** Whether one of the signatures matches one of the keys; in constant time. */
function isSigned(
  keys: readonly KeyObject[],
  algorithm: Algorithm,
  around: Around,
  signatures: readonly Buffer[],
  body: Buffer,
): boolean {
  return keys.some(key => {
    const expected = sign(algorithm, key, around, body).digest()
    return signatures.some(signature => timingSafeEqual(signature, expected))
  })
}

/** @throws {OptionError} that names the option */
export function secretKeys(option: string, secrets: readonly string[] = []): KeyObject[] {
  return checkedSecrets(option, secrets).map(secret => createSecretKey(secret, 'utf8'))
}

/** @throws {OptionError} that names the option */
export function checkedSecrets(option: string, secrets: unknown): string[] {
  if (!Array.isArray(secrets)) throw new OptionError(`${option} must be a list`)
  return secrets.map((secret, index) => {
    if (typeof secret !== 'string' || secret.trim() === '') throw new OptionError(`${option}[${index}] is empty`)
    return secret
  })
}

/** @param option its name, for the error @throws {OptionError} */
export function validTolerance(option: string, seconds: number = DEFAULT_TOLERANCE_SECONDS): number {
  if (Number.isInteger(seconds) && seconds >= MIN_TOLERANCE_SECONDS && seconds <= MAX_TOLERANCE_SECONDS) return seconds
  throw new OptionError(
    `${option} must be a whole number of seconds from ${MIN_TOLERANCE_SECONDS} to ${MAX_TOLERANCE_SECONDS}`,
  )
}

/** @param variable its environment variable */
export function warnIfLong(log: Logger, tolerance: number, variable: string): void {
  if (tolerance <= DEFAULT_TOLERANCE_SECONDS) return
  log.warn(
    `${variable} is ${tolerance}: whoever gets hold of a signed webhook can send it again for ${tolerance} s, not ${DEFAULT_TOLERANCE_SECONDS}`,
  )
}
