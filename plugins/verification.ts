import { createHmac } from 'node:crypto'
import { type IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
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
import { type Clock, type Logger, systemClock } from '../inbox/contracts.ts'
import type { RefusedRequest } from '../inbox/quarantine.ts'
import { type ChatwootVerification, chatwootVerifier, UnsignedRefusedError } from '../sources/chatwoot.ts'
import { firstHeader, SignatureMismatchError } from '../sources/signature.ts'
import type { BodyCheck, Source, SourceRequest, Verdict, Verifier } from '../sources/source.ts'
import { SecretMissingError, type StripeVerification, stripeVerifier } from '../sources/stripe.ts'

export interface VerificationOptions {
  chatwoot?: ChatwootVerification
  stripe?: StripeVerification
  /** Unix time, ms. */
  now?: () => number
  /** Tests set it. */
  clock?: Pick<Clock, 'after'>
  /** The body of a signed request is read also if there is no secret yet: it may be quarantined. Default false. */
  quarantines?: boolean
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
    /** The body was read, and its signature refused. */
    isSignatureRefused?: boolean | undefined
  }
}

const RefusedError = createError<[string]>('WEBHOOK_REFUSED', '%s', 401)
const VerifierTimeoutError = createError<[string, number]>(
  'WEBHOOK_VERIFIER_TIMEOUT',
  'The verifier of %s did not answer within %d ms',
  500,
)
const UnprovenError = createError<[]>(
  'WEBHOOK_UNPROVEN',
  'What comes now is accepted without a signature, which proves nothing about this one; set the secret',
  401,
)
const RawBodyMissingError = createError<[]>(
  'WEBHOOK_RAW_BODY_MISSING',
  'The raw body is gone: give this route the hook `preParsing: fastify.keepRawBody`',
  500,
)

async function verificationPlugin(app: FastifyInstance, options: VerificationOptions): Promise<void> {
  const { chatwoot = {}, stripe = {}, now, clock = systemClock, quarantines = false } = options
  const checkSourceHeaders = (verify: Verifier) => createHeaderCheck(verify, quarantines)
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

function createHeaderCheck(verify: Verifier, quarantines: boolean): onRequestHookHandler {
  return (request, _reply, done) => {
    const verdict = beforeBody(verify, request, request.log)
    const isKept = quarantines && isWithoutSecret(verdict) && isSigned(verify, request.headers)
    const result = isKept ? () => verdict : verdict
    request.headerCheck = { verify, result }
    done(typeof result === 'function' ? undefined : refusalOf(result))
  }
}

/** Nobody's signature could be verified: also that of whose secret was forgotten here. */
function isWithoutSecret(verdict: unknown): verdict is Error {
  return verdict instanceof SecretMissingError || verdict instanceof UnsignedRefusedError
}

/** Whether a request has one of the headers that hold a signature. */
export function isSigned({ signatureHeaders = [] }: Verifier, headers: IncomingHttpHeaders): boolean {
  return firstHeader(headers, signatureHeaders) !== undefined
}

function createPreHandler(verify: Verifier, clock: Pick<Clock, 'after'>): preHandlerHookHandler {
  return (request, _reply, done) => {
    const { headerCheck } = request
    const check = headerCheck?.verify === verify ? headerCheck.result : beforeBody(verify, request, request.log)
    if (typeof check !== 'function') return done(refusalOf(check))
    const body = rawBodyOf(request)
    if (body === undefined) return done(new RawBodyMissingError())
    const verdict = withBody(check, typeof body === 'string' ? Buffer.from(body) : body, request.log)
    const end = (settled: Verdict) => {
      const refusal = refusalOf(settled)
      if (refusal !== undefined) request.isSignatureRefused = true
      done(refusal)
    }
    const { webhookSource = 'this route' } = request.routeOptions.config
    if (verdict instanceof Promise) void inTime(verdict, webhookSource, clock).then(end)
    else end(verdict)
  }
}

/**
 * Verifies a quarantined request again, with the secrets of today; its age is judged as of when it came. Only a signature
 * counts: a verifier that takes it without one (unsigned ones are allowed now) proves nothing about it.
 * @returns why it is still refused; undefined: it is genuine
 */
export async function verifyAgain(
  { verify, name, path }: Pick<Source, 'verify' | 'name' | 'path'>,
  { headers, body, receivedAt }: Pick<RefusedRequest, 'headers' | 'body' | 'receivedAt'>,
  { log, clock }: { log: Logger; clock: Pick<Clock, 'after'> },
): Promise<Error | undefined> {
  const raw = Object.assign(new IncomingMessage(new Socket()), { method: 'POST', url: path, headers })
  const request = { method: 'POST', url: path, headers, query: {}, raw, quarantinedAt: receivedAt }
  const check = beforeBody(verify, request, log)
  if (check === true) return new UnprovenError()
  if (typeof check !== 'function') return refusalOf(check)
  const verdict = withBody(check, body, log)
  return refusalOf(verdict instanceof Promise ? await inTime(verdict, name, clock) : verdict)
}

function inTime(verdict: Promise<Verdict>, webhookSource: string, clock: Pick<Clock, 'after'>): Promise<Verdict> {
  return new Promise(resolve => {
    const cancelTimer = clock.after(VERIFIER_MS, () => resolve(new VerifierTimeoutError(webhookSource, VERIFIER_MS)))
    void verdict.then(resolve).finally(cancelTimer)
  })
}

function beforeBody(verify: Verifier, request: SourceRequest, log: Logger): Verdict | BodyCheck {
  try {
    const verdict: unknown = verify(request)
    if (!(verdict instanceof Promise)) return verdict as Verdict | BodyCheck
    verdict.catch(() => {})
    return mismatch(log, new TypeError('verify gave a promise; only its function of the body may'))
  } catch (error) {
    return mismatch(log, error)
  }
}

function withBody(check: BodyCheck, body: Buffer, log: Logger): Verdict | Promise<Verdict> {
  try {
    const verdict = check(body)
    return verdict instanceof Promise ? verdict.catch(error => mismatch(log, error)) : verdict
  } catch (error) {
    return mismatch(log, error)
  }
}

/** Libraries throw for a signature that is wrong; so does a mistake in a host's function, which is seen in the log. */
function mismatch(log: Logger, thrown: unknown): Error {
  // The error itself may hold the body, as Stripe's does.
  log.warn({ error: String(thrown).slice(0, 200) }, 'the verifier threw: the request is refused')
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
