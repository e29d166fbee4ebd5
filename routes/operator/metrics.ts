import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { type Clock, systemClock } from '../../inbox/contracts.ts'
import { createMetrics } from '../../operator/metrics.ts'

export interface MetricsRouteOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
  clock?: Clock | undefined
}

/** `/metrics` for Prometheus. Counts from registration on. */
export default async function metricsRoute(
  app: FastifyInstance,
  { access, clock = systemClock }: MetricsRouteOptions,
): Promise<void> {
  const { inbox, breakers, events } = app.webhooks
  const metrics = createMetrics({ inbox, breakers, events, clock, log: app.log })

  app.get('/metrics', { onRequest: access }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.scrape())
  })
}
