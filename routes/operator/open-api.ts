import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import fp from 'fastify-plugin'

export interface OpenApiOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
}

/**
 * The API's documentation at `/docs`, from the schemas of routes registered after it. With its own @fastify/swagger, a
 * host gets our routes in its documentation instead.
 */
async function openApi(app: FastifyInstance, { access }: OpenApiOptions): Promise<void> {
  if (app.hasDecorator('swagger')) return
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'tutorbot-webhooks',
        description:
          'View accepted webhooks; replay or discard those that failed. See who has a conversation; give it back to the bot. See, add, move and cancel lessons; block time.',
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
