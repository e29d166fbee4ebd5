import type { FastifyInstance } from 'fastify'
import { accepted, identifyBy, type SourceRouteOptions } from './deliveries.ts'
import { withAndWithoutSlash } from './paths.ts'

/** The path of a Chatwoot webhook from its request to the inbox. */
export default async function chatwootRoute(app: FastifyInstance, options: SourceRouteOptions): Promise<void> {
  const { source } = options
  const identify = identifyBy(app, options)

  const preHandler = [app.logDelivery, app.verifyChatwoot, identify, app.deduplicate]
  const config = { webhookSource: source.name }
  for (const url of withAndWithoutSlash(app, source.path))
    app.post(url, { config, onRequest: app.checkChatwootHeaders, preHandler }, accepted)
}
