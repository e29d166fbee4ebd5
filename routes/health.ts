import type { FastifyInstance } from 'fastify'

/** For supervisors and load balancers, on the standalone server only: hosts have their own. */
export default async function healthRoutes(app: FastifyInstance): Promise<void> {
  /** The process is alive. */
  app.get('/health', async () => ({ status: 'ok' }))

  /** The store is writable. The backlog doesn't matter: new deliveries are stored, and wait. */
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
