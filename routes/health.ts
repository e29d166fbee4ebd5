import type { FastifyInstance } from 'fastify'
import type { BreakerState } from '../inbox/breaker.ts'

/** For supervisors and load balancers, on the standalone server only: hosts have their own. */
export default async function healthRoutes(app: FastifyInstance): Promise<void> {
  /** The process is alive. */
  app.get('/health', async () => ({ status: 'ok' }))

  /**
   * The store is writable. Neither the backlog nor an outage of Chatwoot or Stripe matters: new deliveries are stored,
   * and wait.
   */
  app.get('/ready', async (_request, reply) => {
    try {
      await app.webhooks.inbox.checkWritable()
      return { status: 'ready', backlog: await app.webhooks.inbox.backlog(), systems: systemsOf(app) }
    } catch (error) {
      app.log.error(error, 'the store is not writable')
      return reply.code(503).send({ status: 'not ready', reason: 'the store is not writable' })
    }
  })
}

/** By name: unknown (nothing heard since the start), available or unavailable. undefined: none is used. */
function systemsOf(app: FastifyInstance): Record<string, string> | undefined {
  const states = app.webhooks.breakers.states()
  if (states.length === 0) return undefined
  return Object.fromEntries(states.map(({ system, state }) => [system, WORDS[state]]))
}

const WORDS: Record<BreakerState, string> = {
  unverified: 'unknown',
  closed: 'available',
  open: 'unavailable',
  probing: 'unavailable',
}
