import { createHmac } from 'node:crypto'
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
import { type Clock, systemClock } from '../inbox/contracts.ts'
import { type ChatwootVerification, chatwootVerifier } from '../sources/chatwoot.ts'
import { SignatureMismatchError } from '../sources/signature.ts'
import type { BodyCheck, Verdict, Verifier } from '../sources/source.ts'
import { type StripeVerification, stripeVerifier } from '../sources/stripe.ts'

export interface VerificationOptions {
  chatwoot?: ChatwootVerification
  stripe?: StripeVerification
  /** Unix time, ms. */
  now?: () => number
  /** Tests set it. */
  clock?: Pick<Clock, 'after'>
}

/** A verifier's time limit, ms: Chatwoot waits no longer for a response, and a hung one must not hold its requests. */
const VERIFIER_MS = 5_000

declare module 'fastify' {
  interface FastifyInstance {
    /** Makes an onRequest hook: 401 with a code, before the body is read, where that tells that it can't be genuine. */
    checkSourceHeaders: (verify: Verifier) => onRequestHookHandler
    /** Makes a preHandler: 401 with a code unless the verifier takes the request as genuine. */
    verifySource: (verify: Verifier) => preHandlerHookHandler
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
    /** What a verifier said before the body was read: it is asked once. */
    headerCheck?: { verify: Verifier; result: Verdict | BodyCheck } | undefined
  }
}

const RefusedError = createError<[string]>('WEBHOOK_REFUSED', '%s', 401)
const VerifierTimeoutError = createError<[string, number]>(
  'WEBHOOK_VERIFIER_TIMEOUT',
  'The verifier of %s did not answer within %d ms',
  500,
)
const RawBodyMissingError = createError<[]>(
  'WEBHOOK_RAW_BODY_MISSING',
  'The raw body is gone: give this route the hook `preParsing: fastify.keepRawBody`',
  500,
)

async function verificationPlugin(app: FastifyInstance, options: VerificationOptions): Promise<void> {
  const { chatwoot = {}, stripe = {}, now, clock = systemClock } = options
  const verifySource = (verify: Verifier) => createPreHandler(verify, clock)
  const verifyChatwoot = chatwootVerifier(chatwoot, app.log, now)
  const verifyStripe = stripeVerifier(stripe, app.log, now)
  app.decorate('keepRawBody', keepRawBody)
  app.decorate('checkSourceHeaders', checkSourceHeaders)
  app.decorate('verifySource', verifySource)
  app.decorate('checkChatwootHeaders', checkSourceHeaders(verifyChatwoot))
  app.decorate('verifyChatwoot', verifySource(verifyChatwoot))
  app.decorate('checkStripeHeaders', checkSourceHeaders(verifyStripe))
  app.decorate('verifyStripe', verifySource(verifyStripe))
}

export default fp(verificationPlugin, { name: 'tutorbot-verification', fastify: '5.x' })

function checkSourceHeaders(verify: Verifier): onRequestHookHandler {
  return (request, _reply, done) => {
    const verdict = beforeBody(verify, request)
    request.headerCheck = { verify, result: verdict }
    done(typeof verdict === 'function' ? undefined : refusalOf(verdict))
  }
}

function createPreHandler(verify: Verifier, clock: Pick<Clock, 'after'>): preHandlerHookHandler {
  return (request, _reply, done) => {
    const { headerCheck } = request
    const check = headerCheck?.verify === verify ? headerCheck.result : beforeBody(verify, request)
    if (typeof check !== 'function') return done(refusalOf(check))
    const body = rawBodyOf(request)
    if (body === undefined) return done(new RawBodyMissingError())
    const verdict = withBody(check, typeof body === 'string' ? Buffer.from(body) : body, request)
    if (verdict instanceof Promise) void inTime(verdict, request, clock).then(settled => done(refusalOf(settled)))
    else done(refusalOf(verdict))
  }
}

function inTime(verdict: Promise<Verdict>, request: FastifyRequest, clock: Pick<Clock, 'after'>): Promise<Verdict> {
  const { webhookSource = 'this route' } = request.routeOptions.config
  return new Promise(resolve => {
    const cancelTimer = clock.after(VERIFIER_MS, () => resolve(new VerifierTimeoutError(webhookSource, VERIFIER_MS)))
    void verdict.then(resolve).finally(cancelTimer)
  })
}

function beforeBody(verify: Verifier, request: FastifyRequest): Verdict | BodyCheck {
  try {
    const verdict: unknown = verify(request)
    if (!(verdict instanceof Promise)) return verdict as Verdict | BodyCheck
    verdict.catch(() => {})
    return mismatch(request, new TypeError('verify gave a promise; only its function of the body may'))
  } catch (error) {
    return mismatch(request, error)
  }
}

function withBody(check: BodyCheck, body: Buffer, request: FastifyRequest): Verdict | Promise<Verdict> {
  try {
    const verdict = check(body)
    return verdict instanceof Promise ? verdict.catch(error => mismatch(request, error)) : verdict
  } catch (error) {
    return mismatch(request, error)
  }
}

/** Libraries throw for a signature that is wrong; so does a mistake in a host's function, which is seen in the log. */
function mismatch(request: FastifyRequest, thrown: unknown): Error {
  // The error itself may hold the body, as Stripe's does.
  request.log.warn({ error: String(thrown).slice(0, 200) }, 'the verifier threw: the request is refused')
  return new SignatureMismatchError()
}

/** undefined: genuine. Whatever is neither true nor an Error is no proof. */
function refusalOf(verdict: unknown): Error | undefined {
  if (verdict === true) return undefined
  if (!(verdict instanceof Error)) return new SignatureMismatchError()
  return 'statusCode' in verdict ? verdict : new RefusedError(verdict.message)
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
  const { at, signature } = signed(body, secret, timestamp)
  return {
    'content-type': 'application/json',
    'x-chatwoot-timestamp': String(at),
    'x-chatwoot-signature': `sha256=${signature}`,
  }
}

/**
 * The headers with which Stripe sends a body: for tests of what receives it.
 * @param timestamp Unix time, s; default: now
 */
export function signStripe(body: string | Buffer, secret: string, timestamp?: number): Record<string, string> {
  const { at, signature } = signed(body, secret, timestamp)
  return { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${signature}` }
}

/** Both sign the time, a full stop and the body, and write it as hex. */
function signed(body: string | Buffer, secret: string, at = Math.floor(Date.now() / 1_000)) {
  return { at, signature: createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex') }
}
