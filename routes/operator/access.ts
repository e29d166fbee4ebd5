import { hash, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'

const MissingError = createError<[]>(
  'OPERATOR_TOKEN_MISSING',
  'Send ADMIN_TOKEN (or, for /metrics, METRICS_TOKEN) as Authorization: Bearer …',
  401,
)
const WrongError = createError<[]>('OPERATOR_TOKEN_WRONG', 'Wrong token', 401)
const TooManyError = createError<[]>(
  'OPERATOR_TOO_MANY_ATTEMPTS',
  'Too many wrong tokens from this address; the right one is still accepted',
  429,
)

/** Wrong tokens allowed per address and purpose within WINDOW_MS. */
const MAX_WRONG = 10
const WINDOW_MS = 60_000
/** Limit of addresses tracked. */
const MAX_ADDRESSES = 10_000

export type Access = ReturnType<typeof createAccess>

type Token = string | undefined

/** Counted separately: Prometheus with an old token must not block a sign-in from the same address. */
type Purpose = 'operator' | 'metrics'

/**
 * Access by token alone, whatever else comes from the same address (behind a proxy everybody shares one). The token's
 * length protects against guessing; the rate limit only keeps guesses out of the log.
 * @param now a monotonic clock, ms
 */
export function createAccess(token: Token, now: () => number = () => performance.now()) {
  const wrong = new LRUCache<string, number>({
    max: MAX_ADDRESSES,
    ttl: WINDOW_MS,
    noUpdateTTL: true,
    perf: { now },
    ttlResolution: 0,
  })

  /** Whether this is one of the tokens, in constant time. @throws 429 after too many wrong ones */
  function isOneOf(accepted: Token[], purpose: Purpose, given: string, request: FastifyRequest, reply: FastifyReply) {
    if (accepted.some(one => one !== undefined && timingSafeEqual(digest(given), digest(one)))) return true
    const sender = `${purpose} ${request.ip}`
    const before = wrong.get(sender) ?? 0
    if (before >= MAX_WRONG) {
      reply.header('retry-after', Math.ceil(wrong.getRemainingTTL(sender) / 1_000))
      throw new TooManyError()
    }
    wrong.set(sender, before + 1)
    request.log.warn({ ip: request.ip }, "wrong token for the operator's routes")
    return false
  }

  /** An onRequest hook: 401 without one of the tokens as a bearer token, 429 after too many wrong ones. */
  const requireOneOf =
    (accepted: Token[], purpose: Purpose) => async (request: FastifyRequest, reply: FastifyReply) => {
      const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
      reply.header('cache-control', 'no-store')
      if (given !== undefined && isOneOf(accepted, purpose, given, request, reply)) return
      reply.header('www-authenticate', 'Bearer')
      throw given === undefined ? new MissingError() : new WrongError()
    }

  return {
    /** For signing in. @throws 429 */
    isToken: (given: string, request: FastifyRequest, reply: FastifyReply) =>
      isOneOf([token], 'operator', given, request, reply),
    /** For the operator. */
    requireToken: requireOneOf([token], 'operator'),
    /** For metrics: its own token or the operator's. */
    requireMetricsToken: (metricsToken: Token) => requireOneOf([token, metricsToken], 'metrics'),
  }
}

/** Of fixed length, as timingSafeEqual requires. */
function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
