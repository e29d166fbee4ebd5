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
/** A session's life, s. */
const LIFE_S = 12 * 60 * 60

/** A person who has signed in with the token. */
export interface Session {
  /** What its forms carry, so that nobody else's do. */
  formToken: string
  /** Unix ms. */
  expiresAt: number
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the operator's page only. */
    operatorSession: Session | null
  }
}

export type Sessions = ReturnType<typeof createSessions>

/**
 * Sessions that live in a signed cookie alone: any instance with the same token knows them, and another token ends them.
 * @param paths where the cookie is sent, and nowhere else: a host's own routes need not see it
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

  /** The session that a request's cookie proves; null: none, or no longer. */
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
     * For whatever changes something: a form of this session's.
     * @throws 401 without a session, 403 a form of somebody else's
     */
    checkForm(request: FastifyRequest, given: unknown): void {
      const session = request.operatorSession
      if (session === null) throw new SignedOutError()
      if (typeof given !== 'string' || !same(given, session.formToken)) throw new ForeignError()
    },
  }
}

/** What a browser sends along from another site's page. @throws 403 */
export function refuseForeign(request: FastifyRequest): void {
  const { 'sec-fetch-site': site, origin } = request.headers
  // Browsers send the first to https and to this machine only.
  const own = site !== undefined ? site === 'same-origin' : origin === undefined || hostOf(origin) === request.host
  if (!own) throw new ForeignError()
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host
}

/** In a time that does not tell how much of it fits. */
function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
