import type { FastifyInstance } from 'fastify'
import type { OpenSpan, Tracing } from '../inbox/tracing.ts'
import type { SpanSource } from '../tracing/tracing.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** undefined: nothing is traced. */
    tracing?: Tracing
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's span, which ends with its log line. */
    span?: OpenSpan | undefined
  }
}

/** Turns traces on, if there is something that records them; OpenTelemetry's API is loaded only then. */
export async function traceWith(app: FastifyInstance, source: SpanSource | undefined): Promise<void> {
  if (source === undefined) return
  const { createTracing } = await import('../tracing/tracing.ts')
  addToWebhooks(app, { tracing: createTracing(source) })
}

/**
 * Begins a span with each request of these routes. A `traceparent` of the sender is not read: it comes from outside, and
 * is not signed. Anybody could mix traces, or decide which are recorded.
 */
export function traceRequests(app: FastifyInstance): void {
  const { tracing } = app.webhooks
  if (tracing === undefined) return
  app.addHook('onRequest', (request, _reply, done) => {
    request.span = tracing.request(request.method, request.routeOptions.url as string)
    done()
  })
}
