import { createHmac, type KeyObject } from 'node:crypto'
import { Transform } from 'node:stream'
import createError from '@fastify/error'
import type {
  FastifyInstance,
  FastifyRequest,
  onRequestHookHandler,
  preHandlerHookHandler,
  preParsingHookHandler,
} from 'fastify'
import fp from 'fastify-plugin'
import { isDirectLoopback } from './direct.ts'
import {
  type Claim,
  DEFAULT_TOLERANCE_SECONDS,
  isSigned,
  readChatwootHeaders,
  readStripeHeaders,
  SignatureMismatchError,
  secretKeys,
  validTolerance,
} from './signatures.ts'

export interface VerificationOptions {
  chatwoot?: ChatwootVerification
  stripe?: StripeVerification
  /** Unix time, ms. */
  now?: () => number
}

interface Tolerance {
  /**
   * How old a signature may be, s, from 30 to 86,400; default 300. More is for gateways that forward late: whoever gets
   * hold of a signed request can send it again for as long.
   */
  toleranceSeconds?: number | undefined
}

export interface ChatwootVerification extends Tolerance {
  /** Each webhook, bot and API inbox has its own; a rotated secret stays here until the new one is in use. */
  secrets?: readonly string[]
  /** Also accept the original TutorBot's scheme, a bare hex HMAC of the body without a timestamp. Default true. */
  legacySignature?: boolean
  /** Without a secret: accept anything from anywhere. Default false: only direct requests from this machine. */
  allowUnsigned?: boolean
}

export interface StripeVerification extends Tolerance {
  /** The endpoint's `whsec_…`; several while one is rolled, or for test and live mode. None: every delivery is refused. */
  secrets?: readonly string[]
}

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook: 401 with a code, before the body is read, where the headers tell that it can't be genuine. */
    checkChatwootHeaders: onRequestHookHandler
    /** A preHandler: 401 with a code unless the request is signed with one of Chatwoot's secrets. */
    verifyChatwoot: preHandlerHookHandler
    /** An onRequest hook: 401 with a code, before the body is read, where the headers tell that it can't be genuine. */
    checkStripeHeaders: onRequestHookHandler
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

const UnsignedRefusedError = createError<[]>(
  'WEBHOOK_UNSIGNED_REFUSED',
  'There is no secret to verify this with, and only direct requests from this machine, to localhost or 127.0.0.1, are accepted so; set CW_HMAC_SECRET (chatwoot.secrets)',
  401,
)
const SecretMissingError = createError<[]>(
  'WEBHOOK_SECRET_MISSING',
  'There is no secret to verify this with; set STRIPE_WEBHOOK_SECRET (stripe.secrets)',
  401,
)
const RawBodyMissingError = createError<[]>(
  'WEBHOOK_RAW_BODY_MISSING',
  'The raw body is gone: give this route the hook `preParsing: fastify.keepRawBody`',
  500,
)

async function verificationPlugin(app: FastifyInstance, options: VerificationOptions): Promise<void> {
  const chatwoot = chatwootVerifier(app, options)
  const stripe = stripeVerifier(app, options)
  app.decorate('keepRawBody', keepRawBody)
  app.decorate('checkChatwootHeaders', chatwoot.checkHeaders)
  app.decorate('verifyChatwoot', chatwoot.verify)
  app.decorate('checkStripeHeaders', stripe.checkHeaders)
  app.decorate('verifyStripe', stripe.verify)
}

export default fp(verificationPlugin, { name: 'tutorbot-verification', fastify: '5.x' })

/** Of a request's headers: what its sender claims to have signed; null: nothing has to be; or what is wrong. */
type ReadClaim = (request: FastifyRequest) => Claim | null | Error

function verifier(keys: readonly KeyObject[], readClaim: ReadClaim) {
  const checkHeaders: onRequestHookHandler = (request, _reply, done) => {
    const claim = readClaim(request)
    done(claim instanceof Error ? claim : undefined)
  }
  const verify: preHandlerHookHandler = (request, _reply, done) => done(problemOf(request))

  function problemOf(request: FastifyRequest): Error | undefined {
    const claim = readClaim(request)
    if (claim === null) return undefined
    if (claim instanceof Error) return claim
    const body = rawBodyOf(request)
    if (body === undefined) return new RawBodyMissingError()
    return isSigned(keys, claim, body) ? undefined : new SignatureMismatchError()
  }
  return { checkHeaders, verify }
}

function chatwootVerifier(app: FastifyInstance, { chatwoot = {}, now = Date.now }: VerificationOptions) {
  const { secrets, legacySignature = true, allowUnsigned = false, toleranceSeconds } = chatwoot
  const keys = secretKeys('chatwoot.secrets', secrets)
  const tolerance = validTolerance('chatwoot.toleranceSeconds', 'CW_TOLERANCE_SECONDS', toleranceSeconds)
  if (keys.length > 0) {
    warnIfLong(app, tolerance, 'CW_TOLERANCE_SECONDS')
    return verifier(keys, ({ headers }) => readChatwootHeaders(headers, { tolerance, now }, legacySignature))
  }
  app.log.warn(
    allowUnsigned
      ? 'Chatwoot deliveries are NOT verified, from wherever they come: CW_ALLOW_UNSIGNED is set'
      : 'Chatwoot deliveries are not verified, and accepted from this machine only: CW_HMAC_SECRET is not set',
  )
  return verifier(keys, request => (allowUnsigned || isDirectLoopback(request) ? null : new UnsignedRefusedError()))
}

function stripeVerifier(app: FastifyInstance, { stripe = {}, now = Date.now }: VerificationOptions) {
  const keys = secretKeys('stripe.secrets', stripe.secrets)
  const tolerance = validTolerance('stripe.toleranceSeconds', 'STRIPE_TOLERANCE_SECONDS', stripe.toleranceSeconds)
  if (keys.length === 0) return verifier(keys, () => new SecretMissingError())
  warnIfLong(app, tolerance, 'STRIPE_TOLERANCE_SECONDS')
  return verifier(keys, ({ headers }) => readStripeHeaders(headers, { tolerance, now }))
}

function warnIfLong(app: FastifyInstance, tolerance: number, variable: string): void {
  if (tolerance <= DEFAULT_TOLERANCE_SECONDS) return
  app.log.warn(
    `${variable} is ${tolerance}: whoever gets hold of a signed webhook can send it again for ${tolerance} s, not ${DEFAULT_TOLERANCE_SECONDS}`,
  )
}

/** The exact bytes of a body: what keepRawBody kept, or what a parser left as a Buffer. undefined: they are gone. */
export function rawBodyOf(request: FastifyRequest): Buffer | string | undefined {
  // null: a host's own decorateRequest('rawBody', null).
  if (request.rawBody != null) return request.rawBody
  if (Buffer.isBuffer(request.body)) return request.body
  // A request without a body has no parser either; whatever was parsed is no longer what was sent.
  return request.body === undefined ? '' : undefined
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
