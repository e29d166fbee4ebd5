import type { FastifyInstance } from 'fastify'
import type { Verifier } from '../sources/source.ts'
import { accepted, identifyBy, type SourceRouteOptions } from './deliveries.ts'
import { withAndWithoutSlash } from './paths.ts'

/** The path of any other source's webhook from its request to the inbox. */
export default async function sourceRoute(app: FastifyInstance, options: SourceRouteOptions): Promise<void> {
  const { source } = options
  const verifier: Verifier = request => source.verify(request)
  const verify = app.verifySource(verifier)
  const identify = identifyBy(app, options)

  const preHandler = [app.logDelivery, verify, identify, app.deduplicate]
  const config = { webhookSource: source.name }
  for (const url of withAndWithoutSlash(app, source.path))
    app.post(url, { config, onRequest: app.checkSourceHeaders(verifier), preHandler }, accepted)
}
