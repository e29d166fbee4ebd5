import type { FastifyInstance } from 'fastify'

export const OPERATOR_TOKEN = 'the-token-of-the-operator'

/** A browser at the operator's page, and a client of the API. */
export function operator(app: FastifyInstance) {
  let cookie = ''
  let token = ''
  const page = (url: string) => app.inject({ url, headers: { cookie } })
  const post = (url: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url,
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: `${new URLSearchParams(fields)}`,
    })
  return {
    page,
    post,
    /** Sends a form of this session. */
    form: (url: string, fields: Record<string, string> = {}) => post(url, { form: token, ...fields }),
    /** Returns what the session's forms carry. */
    async signIn(): Promise<string> {
      const answer = await post('/dashboard/sign-in', { token: OPERATOR_TOKEN })
      cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] as string
      token = /name="form" value="([\w-]+)"/.exec((await page('/dashboard/lessons/list')).body)?.[1] as string
      return token
    },
    async api(method: 'GET' | 'POST' | 'DELETE', url: string, body?: object) {
      const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` }
      const response = await app.inject({ method, url, headers, ...(body && { payload: body }) })
      return { status: response.statusCode, ...response.json() }
    },
  }
}
