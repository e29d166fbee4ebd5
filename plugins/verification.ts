import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { Transform } from 'node:stream'
import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest, preHandlerHookHandler, preParsingHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { OptionError } from './webhooks.ts'

/** Sender and receiver may differ by this much, s: what Chatwoot advises and Stripe uses. */
const TOLERANCE_SECONDS = 300

export interface VerificationOptions {
  chatwoot?: ChatwootVerification
  stripe?: StripeVerification
  /** Unix time, ms. */
  now?: () => number
}

export interface ChatwootVerification {
  /** Each webhook, bot and API inbox has its own; a rotated secret stays here until the new one is in use. */
  secrets?: readonly string[]
  /** Also accept the original TutorBot's scheme, a bare hex HMAC of the body without a timestamp. Default true. */
  legacySignature?: boolean
  /** Without a secret: accept anything from anywhere. Default false: only direct requests from this machine. */
  allowUnsigned?: boolean
}

export interface StripeVerification {
  /** The endpoint's `whsec_…`; several while one is rolled, or for test and live mode. None: every delivery is refused. */
  secrets?: readonly string[]
}

declare module 'fastify' {
  interface FastifyInstance {
    /** A preHandler: 401 with a code unless the request is signed with one of Chatwoot's secrets. */
    verifyChatwoot: preHandlerHookHandler
    /** A preHandler: 401 with a code unless the request is signed with one of Stripe's endpoint secrets. */
    verifyStripe: preHandlerHookHandler
    /** A preParsing hook for a host's own routes: keeps the exact bytes as `request.rawBody`, and lets them be parsed. */
    keepRawBody: preParsingHookHandler
  }
  interface FastifyRequest {
    /** The body's exact bytes, where keepRawBody kept them. */
    rawBody?: Buffer | string | undefined
  }
}

const refuse = (code: string, message: string) => createError<[]>(code, message, 401)

const SignatureMissingError = createError<[string]>('WEBHOOK_SIGNATURE_MISSING', 'The header %s is missing', 401)
const SignatureMalformedError = createError<[string, string]>(
  'WEBHOOK_SIGNATURE_MALFORMED',
  'The header %s is not of the form %s',
  401,
)
const SignatureMismatchError = refuse(
  'WEBHOOK_SIGNATURE_MISMATCH',
  'The signature fits none of the secrets; the sender has another one, or the body was changed on its way',
)
const TimestampInvalidError = createError<[string]>(
  'WEBHOOK_TIMESTAMP_INVALID',
  'The header %s is missing or not a Unix time in seconds',
  401,
)
const TimestampOutsideError = refuse(
  'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE',
  `The timestamp is more than ${TOLERANCE_SECONDS} s away from the time here`,
)
const UnsignedRefusedError = refuse(
  'WEBHOOK_UNSIGNED_REFUSED',
  'There is no secret to verify this with, and only direct requests from this machine are accepted so; set CW_HMAC_SECRET (chatwoot.secrets)',
)
const SecretMissingError = refuse(
  'WEBHOOK_SECRET_MISSING',
  'There is no secret to verify this with; set STRIPE_WEBHOOK_SECRET (stripe.secrets)',
)
const RawBodyMissingError = createError<[]>(
  'WEBHOOK_RAW_BODY_MISSING',
  'The raw body is gone: give this route the hook `preParsing: fastify.keepRawBody`',
  500,
)

async function verificationPlugin(app: FastifyInstance, options: VerificationOptions): Promise<void> {
  app.decorate('keepRawBody', keepRawBody)
  app.decorate('verifyChatwoot', chatwootVerifier(app, options))
  app.decorate('verifyStripe', stripeVerifier(options))
}

export default fp(verificationPlugin, { name: 'tutorbot-verification', fastify: '5.x' })

function chatwootVerifier(
  app: FastifyInstance,
  { chatwoot = {}, now = Date.now }: VerificationOptions,
): preHandlerHookHandler {
  const keys = secretKeys('chatwoot.secrets', chatwoot.secrets)
  const { legacySignature = true, allowUnsigned = false } = chatwoot
  if (keys.length > 0) {
    return (request, _reply, done) => done(verify(request))
  }
  app.log.warn(
    allowUnsigned
      ? 'Chatwoot deliveries are NOT verified, from wherever they come: CW_ALLOW_UNSIGNED is set'
      : 'Chatwoot deliveries are not verified, and accepted from this machine only: CW_HMAC_SECRET is not set',
  )
  return (request, _reply, done) =>
    done(allowUnsigned || isDirectLoopback(request) ? undefined : new UnsignedRefusedError())

  function verify(request: FastifyRequest): Error | undefined {
    const body = rawBodyOf(request)
    if (body === undefined) return new RawBodyMissingError()
    const header = request.headers['x-chatwoot-signature']
    if (typeof header !== 'string' || header === '') return new SignatureMissingError('X-Chatwoot-Signature')
    if (legacySignature && /^[0-9a-f]{64}$/i.test(header)) {
      return isSigned(keys, '', body, [header]) ? undefined : new SignatureMismatchError()
    }
    if (!/^sha256=[0-9a-f]{64}$/i.test(header)) {
      return new SignatureMalformedError('X-Chatwoot-Signature', 'sha256=<64 hex digits>')
    }
    const timestamp = request.headers['x-chatwoot-timestamp']
    if (typeof timestamp !== 'string' || !isUnixTime(timestamp))
      return new TimestampInvalidError('X-Chatwoot-Timestamp')
    if (!isCurrent(timestamp, now())) return new TimestampOutsideError()
    return isSigned(keys, `${timestamp}.`, body, [header.slice('sha256='.length)])
      ? undefined
      : new SignatureMismatchError()
  }
}

function stripeVerifier({ stripe = {}, now = Date.now }: VerificationOptions): preHandlerHookHandler {
  const keys = secretKeys('stripe.secrets', stripe.secrets)
  return (request, _reply, done) => done(verify(request))

  function verify(request: FastifyRequest): Error | undefined {
    if (keys.length === 0) return new SecretMissingError()
    const body = rawBodyOf(request)
    if (body === undefined) return new RawBodyMissingError()
    const header = request.headers['stripe-signature']
    if (typeof header !== 'string' || header === '') return new SignatureMissingError('Stripe-Signature')
    const signature = parseStripeSignature(header)
    if (signature === null) return new SignatureMalformedError('Stripe-Signature', 't=<Unix time>,v1=<64 hex digits>')
    if (!isUnixTime(signature.timestamp)) return new TimestampInvalidError('Stripe-Signature (t=)')
    if (!isCurrent(signature.timestamp, now())) return new TimestampOutsideError()
    const signed = isSigned(keys, `${signature.timestamp}.`, body, signature.v1)
    return signed ? undefined : new SignatureMismatchError()
  }
}

/**
 * `t=<time>,v1=<hex>[,v1=<hex>]`; what is not t or v1 belongs to other schemes and is passed over. null: malformed,
 * or two headers (which Node joins with a comma and a space).
 */
function parseStripeSignature(header: string): { timestamp: string; v1: string[] } | null {
  const timestamps: string[] = []
  const v1: string[] = []
  for (const part of header.split(',')) {
    const [name, value] = part.split('=', 2)
    if (value === undefined || part.includes(' ')) return null
    if (name === 't') timestamps.push(value)
    if (name === 'v1') {
      // In small letters, as Stripe's own library demands.
      if (!/^[0-9a-f]{64}$/.test(value)) return null
      v1.push(value)
    }
  }
  const [timestamp] = timestamps
  return timestamp === undefined || timestamps.length > 1 || v1.length === 0 ? null : { timestamp, v1 }
}

/** Whether one of the hex signatures is the HMAC-SHA256 of prefix and body with one of the keys; in constant time. */
function isSigned(
  keys: readonly KeyObject[],
  prefix: string,
  body: Buffer | string,
  signatures: readonly string[],
): boolean {
  const given = signatures.map(signature => Buffer.from(signature, 'hex'))
  return keys.some(key => {
    const expected = createHmac('sha256', key).update(prefix).update(body).digest()
    return given.some(signature => timingSafeEqual(signature, expected))
  })
}

function isUnixTime(text: string): boolean {
  return /^\d{1,12}$/.test(text)
}

function isCurrent(timestamp: string, now: number): boolean {
  return Math.abs(now / 1_000 - Number(timestamp)) <= TOLERANCE_SECONDS
}

function secretKeys(option: string, secrets: readonly string[] = []): KeyObject[] {
  if (!Array.isArray(secrets)) throw new OptionError(`${option} must be a list`)
  return secrets.map((secret, index) => {
    if (typeof secret !== 'string' || secret.trim() === '') throw new OptionError(`${option}[${index}] is empty`)
    return createSecretKey(secret, 'utf8')
  })
}

/** The exact bytes of a body: what keepRawBody kept, or what a parser left as a Buffer. undefined: they are gone. */
export function rawBodyOf(request: FastifyRequest): Buffer | string | undefined {
  // null: a host's own decorateRequest('rawBody', null).
  if (request.rawBody != null) return request.rawBody
  if (Buffer.isBuffer(request.body)) return request.body
  // A request without a body has no parser either; whatever was parsed is no longer what was sent.
  return request.body === undefined ? '' : undefined
}

/** From this machine, and not through a proxy on it, which would let the whole world in. */
function isDirectLoopback(request: FastifyRequest): boolean {
  const { remoteAddress = '' } = request.socket
  const local = /^(127\.|::1$|::ffff:127\.)/.test(remoteAddress)
  return local && !Object.keys(request.headers).some(name => /^(forwarded|x-forwarded-.*|x-real-ip|via)$/.test(name))
}

const keepRawBody: preParsingHookHandler = (request, _reply, payload, done) => {
  const chunks: Buffer[] = []
  const copy = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      chunks.push(chunk)
      next(null, chunk)
    },
    flush(next) {
      request.rawBody = Buffer.concat(chunks)
      next()
    },
  })
  payload.once('error', error => copy.destroy(error))
  done(null, payload.pipe(copy))
}

/**
 * The headers with which Chatwoot sends a body: for tests of what receives it.
 * @param timestamp Unix time, s; default: now
 */
export function signChatwoot(body: string | Buffer, secret: string, timestamp?: number): Record<string, string> {
  const at = timestamp ?? Math.floor(Date.now() / 1_000)
  const signature = createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')
  return {
    'content-type': 'application/json',
    'x-chatwoot-timestamp': String(at),
    'x-chatwoot-signature': `sha256=${signature}`,
  }
}
