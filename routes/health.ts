import type { FastifyInstance } from 'fastify'

/** For supervisors and load balancers; the standalone server has them, an embedding app has its own. */
export default async function healthRoutes(app: FastifyInstance): Promise<void> {
  /** The process is alive. */
  app.get('/health', async () => ({ status: 'ok' }))

  /** The store is writable. A backlog of any length does not matter: new deliveries are stored, and wait. */
  app.get('/ready', async (_request, reply) => {
    try {
      await app.webhooks.inbox.checkWritable()
      return { status: 'ready', backlog: await app.webhooks.inbox.backlog() }
    } catch (error) {
      app.log.error(error, 'the store is not writable')
      return reply.code(503).send({ status: 'not ready', reason: 'the store is not writable' })
    }
  })
}
