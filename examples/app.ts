import Fastify, { type FastifyServerOptions } from 'fastify'
import webhooks, { type WebhooksOptions } from '../app.ts'
import { calcom } from './calcom.ts'
import { github } from './github.ts'
import { shopify } from './shopify.ts'

/** An app with three more sources. In your app, import from `tutorbot-webhooks`. */
export async function buildApp(
  options: WebhooksOptions,
  secrets: { calcom: string; github: string; shopify: string },
  logger: FastifyServerOptions['logger'] = true,
) {
  const app = Fastify({ logger })
  await app.register(webhooks, {
    ...options,
    sources: [calcom(secrets.calcom), github(secrets.github), shopify(secrets.shopify)],
    handlers: {
      calcom: { BOOKING_CREATED: async (delivery, { log }) => log.info(delivery.payload, 'booked') },
      github: { push: async (delivery, { log }) => log.info(`${delivery.payload.ref} was pushed`) },
      shopify: { 'orders/create': async (delivery, { log }) => log.info(`order ${delivery.payload.name}`) },
    },
  })
  return app
}
