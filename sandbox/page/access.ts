import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isDirectLoopback } from '../../sources/direct.ts'
import { asObject } from '../../sources/json.ts'

const ForeignError = createError<[string]>('SANDBOX_FOREIGN_FORM', 'Nothing was done: %s. Open the page again', 403)

/** What each form of the page carries: a page of another site can neither read it nor guess it. */
export function createFormToken(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * Lets in who is at this machine: everybody else is told that there is no such page. Whatever changes something must come
 * from a form of the page.
 */
export function guard(app: FastifyInstance, formToken: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isDirectLoopback(request)) return
    // As Fastify answers where there is nothing.
    const message = `Route ${request.method}:${request.url} not found`
    return reply.code(404).send({ message, error: 'Not Found', statusCode: 404 })
  })
  app.addHook('preValidation', async request => {
    if (request.method === 'POST') checkForm(request, formToken)
  })
}

/** @throws 403 */
function checkForm(request: FastifyRequest, formToken: string): void {
  const { origin, host } = request.headers
  if (origin !== `http://${host}`) throw new ForeignError('the request is not from this page (Origin)')
  const { form } = asObject(request.body)
  if (typeof form !== 'string' || !isSame(form, formToken)) {
    throw new ForeignError('the form is from before the sandbox was started again')
  }
}

/** In a time that does not tell how much of it fits. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer')
  return timingSafeEqual(digest(given), digest(expected))
}
