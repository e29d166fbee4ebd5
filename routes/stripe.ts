import type { FastifyInstance } from 'fastify'
import { accepted, identifyBy, type SourceRouteOptions } from './deliveries.ts'
import { withAndWithoutSlash } from './paths.ts'

/** The path of a Stripe webhook from its request to the inbox. */
export default async function stripeRoute(app: FastifyInstance, options: SourceRouteOptions): Promise<void> {
  const { source } = options
  const identify = identifyBy(app, options)

  const preHandler = [app.logDelivery, app.verifyStripe, identify, app.deduplicate]
  const config = { webhookSource: source.name }
  for (const url of withAndWithoutSlash(app, source.path))
    app.post(url, { config, onRequest: app.checkStripeHeaders, preHandler }, accepted)
}
