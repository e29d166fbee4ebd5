import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'

export interface OpenApiOptions {
  /** Lets in who may read it. */
  access: onRequestAsyncHookHandler
}

/**
 * The API's documentation at `/docs`, from the schemas of the routes that are registered after it. A host that has
 * @fastify/swagger itself finds our routes in its own.
 */
async function openApi(app: FastifyInstance, { access }: OpenApiOptions): Promise<void> {
  if (app.hasDecorator('swagger')) return
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'tutorbot-webhooks',
        description: 'Webhooks that were accepted: look at them, and replay or discard what failed.',
        version: '1',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN' } } },
      security: [{ token: [] }],
    },
  })
  await app.register(async page => {
    page.addHook('onRequest', access)
    await page.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  })
}

export default fp(openApi, { name: 'tutorbot-open-api', fastify: '5.x' })
