import type { FastifyInstance } from 'fastify'
import type { Source } from '../sources/source.ts'
import { accepted, identifyBy } from './deliveries.ts'
import { withAndWithoutSlash } from './paths.ts'

/** The path of a Chatwoot webhook from its request to the inbox. */
export default async function chatwootRoute(app: FastifyInstance, { source }: { source: Source }): Promise<void> {
  const identify = identifyBy(app, source)

  const preHandler = [app.logDelivery, app.verifyChatwoot, identify, app.deduplicate]
  const config = { webhookSource: source.name }
  for (const url of withAndWithoutSlash(app, source.path))
    app.post(url, { config, onRequest: app.checkChatwootHeaders, preHandler }, accepted)
}
