import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyReply, FastifyRequest } from 'fastify'

export const SignedOutError = createError<[]>('OPERATOR_SIGNED_OUT', 'You are signed out; nothing was changed', 401)
const ForeignError = createError<[]>(
  'OPERATOR_FOREIGN_FORM',
  'This form did not come from this page, or from before you signed in: nothing was changed. Open the page again',
  403,
)

const COOKIE = 'tutorbot_operator'
/** Lifetime of a session, s. */
const LIFE_S = 12 * 60 * 60

/** A sign-in with the token. */
export interface Session {
  /** Sent with every form, against cross-site request forgery. */
  formToken: string
  /** Unix ms. */
  expiresAt: number
}

declare module 'fastify' {
  interface FastifyRequest {
    /** On the operator's page only. */
    operatorSession: Session | null
  }
}

export type Sessions = ReturnType<typeof createSessions>

/**
 * Stateless sessions in a signed cookie: valid on every instance with the same token, and ended by changing it.
 * @param paths the only ones that get the cookie, so that a host's routes don't see it
 * @param now Unix ms
 */
export function createSessions(token: string, paths: string[], now: () => number = Date.now) {
  const key = Buffer.from(hkdfSync('sha256', token, '', "tutorbot-webhooks: the operator's sessions", 32))
  const sign = (purpose: string, text: string) =>
    createHmac('sha256', key).update(`${purpose}:${text}`).digest('base64url')

  function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, maxAge: number): void {
    const attributes = `Max-Age=${maxAge}; HttpOnly; SameSite=Strict${request.protocol === 'https' ? '; Secure' : ''}`
    reply.header(
      'set-cookie',
      paths.map(path => `${COOKIE}=${value}; Path=${path}; ${attributes}`),
    )
  }

  /** The session in a request's cookie; null if missing, invalid or expired. */
  function read(request: FastifyRequest): Session | null {
    const pattern = new RegExp(`(?:^|; *)${COOKIE}=([\\w-]+)\\.(\\d+)\\.([\\w-]+)`)
    const [, id, expiresAt, signature] = pattern.exec(request.headers.cookie ?? '') ?? []
    if (id === undefined || signature === undefined) return null
    if (!same(signature, sign('session', `${id}.${expiresAt}`)) || Number(expiresAt) <= now()) return null
    return { formToken: sign('form', id), expiresAt: Number(expiresAt) }
  }

  return {
    read,
    begin(request: FastifyRequest, reply: FastifyReply): void {
      const session = `${randomBytes(16).toString('base64url')}.${now() + LIFE_S * 1_000}`
      setCookie(request, reply, `${session}.${sign('session', session)}`, LIFE_S)
    },
    end(request: FastifyRequest, reply: FastifyReply): void {
      setCookie(request, reply, '', 0)
    },
    isOver: ({ expiresAt }: Session) => expiresAt <= now(),
    /**
     * Checks a form that changes something: it must be from this session.
     * @throws 401 without a session, 403 for another session's form
     */
    checkForm(request: FastifyRequest, given: unknown): void {
      const session = request.operatorSession
      if (session === null) throw new SignedOutError()
      if (typeof given !== 'string' || !same(given, session.formToken)) throw new ForeignError()
    },
  }
}

/** Refuses requests that another site's page made. @throws 403 */
export function refuseForeign(request: FastifyRequest): void {
  const { 'sec-fetch-site': site, origin } = request.headers
  // Browsers send sec-fetch-site to https and localhost only.
  const own = site !== undefined ? site === 'same-origin' : origin === undefined || hostOf(origin) === request.host
  if (!own) throw new ForeignError()
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host
}

/** Constant-time comparison. */
function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
