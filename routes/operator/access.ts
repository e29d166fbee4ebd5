import { hash, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'

const MissingError = createError<[]>(
  'OPERATOR_TOKEN_MISSING',
  'Send the token that is set for this (ADMIN_TOKEN; for /metrics METRICS_TOKEN too) as Authorization: Bearer …',
  401,
)
const WrongError = createError<[]>('OPERATOR_TOKEN_WRONG', 'That is not the token that is set for this', 401)
const TooManyError = createError<[]>(
  'OPERATOR_TOO_MANY_ATTEMPTS',
  'Too many wrong tokens from this address; try again in a minute',
  429,
)

/** Wrong tokens that an address may send within WINDOW_MS. */
const MOST_WRONG = 10
const WINDOW_MS = 60_000
/** Addresses whose wrong tokens are counted. */
const ADDRESSES = 10_000

export type Access = ReturnType<typeof createAccess>

type Token = string | undefined

/** Who may operate: whoever has the token; without one nobody. @param now a monotonic clock, ms */
export function createAccess(token: Token, now: () => number = () => performance.now()) {
  const wrong = new LRUCache<string, number>({
    max: ADDRESSES,
    ttl: WINDOW_MS,
    noUpdateTTL: true,
    perf: { now },
    ttlResolution: 0,
  })

  /** Whether this is the token, in a time that does not tell how much of it is. @throws 429 after too many that are not */
  function check(given: string, request: FastifyRequest, reply: FastifyReply, accepted: Token[] = [token]): boolean {
    const before = wrong.get(request.ip) ?? 0
    if (before >= MOST_WRONG) {
      reply.header('retry-after', Math.ceil(wrong.getRemainingTTL(request.ip) / 1_000))
      throw new TooManyError()
    }
    if (accepted.some(one => one !== undefined && timingSafeEqual(digest(given), digest(one)))) return true
    wrong.set(request.ip, before + 1)
    request.log.warn({ ip: request.ip }, "a wrong token for the operator's routes")
    return false
  }

  /** An onRequest hook: 401 without one of the tokens as a bearer token, 429 after too many wrong ones. */
  const requireOneOf = (accepted: Token[]) => async (request: FastifyRequest, reply: FastifyReply) => {
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
    reply.header('cache-control', 'no-store')
    if (given !== undefined && check(given, request, reply, accepted)) return
    reply.header('www-authenticate', 'Bearer')
    throw given === undefined ? new MissingError() : new WrongError()
  }

  return { check, requireOneOf, requireToken: requireOneOf([token]) }
}

/** Of one length, however long the text is: what timingSafeEqual needs. */
function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
