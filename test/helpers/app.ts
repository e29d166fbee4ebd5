import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type InjectOptions, LogController } from 'fastify'
import type { Test } from 'tap'
import webhooks, { type WebhooksOptions } from '../../app.ts'
import { railsJson } from '../../commands/samples.ts'
import { signChatwoot, signStripe } from '../../plugins/verification.ts'
import { type CapturedLog, captureLog } from './log.ts'

export const CHATWOOT_SECRET = 'the-secret-of-the-chatwoot-webhook'
export const STRIPE_SECRET = 'whsec_theSecretOfTheStripeEndpoint'

export interface TestApp {
  app: FastifyInstance
  log: CapturedLog
  /** The store's file. */
  store: string
}

/** What is starting, or its error once what it would have used is closed: an open server holds up a test file that fails. */
export async function closedIfItFails<T>(starting: Promise<T>, close: () => Promise<unknown>): Promise<T> {
  try {
    return await starting
  } catch (error) {
    await close()
    throw error
  }
}

/** The webhooks in a bare app, with their own store on disk and a captured log; closed when the test ends. */
export async function webhookApp(t: Test, options: WebhooksOptions = {}, level = 'info'): Promise<TestApp> {
  const store = join(t.testdir(), 'webhooks.db')
  const log = captureLog()
  const logController = new LogController({ disableRequestLogging: true })
  const app = Fastify({ logger: { level, stream: log.stream }, logController })
  t.teardown(() => app.close())
  await app.register(webhooks, {
    store,
    ...options,
    chatwoot: { secrets: [CHATWOOT_SECRET], callsPerMinute: 0, messageQuietMs: 0, ...options.chatwoot },
    stripe: { secrets: [STRIPE_SECRET], ...options.stripe },
  })
  return { app, log, store }
}

/** Listens on a free port of this machine and returns it. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** A delivery as Chatwoot sends it; a string is sent unchanged. */
export function chatwootRequest(
  payload: object | string,
  uuid?: string,
  url = '/cw',
): InjectOptions & { payload: string } {
  const body = typeof payload === 'string' ? payload : railsJson(payload)
  const headers = { ...signChatwoot(body, CHATWOOT_SECRET), ...(uuid && { 'x-chatwoot-delivery': uuid }) }
  return { method: 'POST', url, headers, payload: body }
}

/** A delivery as Stripe sends it; a string is sent unchanged. */
export function stripeRequest(
  payload: object | string,
  url = '/webhook/payments',
): InjectOptions & { payload: string; headers: Record<string, string> } {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
  return { method: 'POST', url, headers: stripeHeaders(body), payload: body }
}

export function stripeHeaders(body: string, secret = STRIPE_SECRET): Record<string, string> {
  return signStripe(body, secret)
}
