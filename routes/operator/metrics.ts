import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { type Clock, systemClock } from '../../inbox/contracts.ts'
import { createMetrics } from '../../operator/metrics.ts'

export interface MetricsRouteOptions {
  /** Lets in who may scrape. */
  access: onRequestAsyncHookHandler
  clock?: Clock | undefined
}

/** What Prometheus scrapes. Counts from its registration on. */
export default async function metricsRoute(
  app: FastifyInstance,
  { access, clock = systemClock }: MetricsRouteOptions,
): Promise<void> {
  const { inbox, events } = app.webhooks
  const metrics = createMetrics({ inbox, events, clock, log: app.log })

  app.get('/metrics', { onRequest: access }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.scrape())
  })
}
