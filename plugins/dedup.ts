import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { InboxBusyError } from '../inbox/accepting.ts'
import type { NewDelivery } from '../inbox/contracts.ts'
import { note } from './logging.ts'
import { rawBodyOf } from './verification.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A preHandler: stores `request.delivery` durably unless its key is known. A known one is answered with 200
     * `duplicate` here; only a new one reaches the route.
     * @throws 429 WEBHOOK_INBOX_BUSY with Retry-After, 500 WEBHOOK_NOT_STORED: the sender will retry
     */
    deduplicate: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>
  }
  interface FastifyRequest {
    /** The delivery, once identified. */
    delivery?: NewDelivery | undefined
  }
}

export default fp(
  async app => {
    app.decorate('deduplicate', async (request, reply) => {
      const { delivery } = request
      if (delivery === undefined)
        throw new TypeError('deduplicate needs a preHandler before it that sets request.delivery')
      const span = app.webhooks.tracing?.commit(delivery, request.span)
      try {
        const kept = span?.traceparent === undefined ? delivery : { ...delivery, trace: span.traceparent }
        const result = await app.webhooks.inbox.accept(kept, bytesOf(request))
        span?.end({ 'webhook.outcome': result })
        note(request, { outcome: result })
        if (result === 'duplicate') return reply.send({ status: 'duplicate', id: delivery.id })
      } catch (error) {
        span?.end({}, error)
        if (error instanceof InboxBusyError) reply.header('retry-after', '1')
        throw error
      }
    })
  },
  { name: 'tutorbot-dedup', fastify: '5.x', dependencies: ['tutorbot-inbox'] },
)

/** A body's size: counted if its bytes were kept (chunked bodies declare none), else as declared. */
function bytesOf(request: FastifyRequest): number {
  return rawBodyOf(request)?.length ?? Number(request.headers['content-length'] ?? 0)
}
