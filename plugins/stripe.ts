import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { StripeClient, StripeOptions } from '../clients/stripe.ts'
import { breakersOf, gateOf } from './breakers.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: no key, so no calls to Stripe. */
    stripe: StripeClient | null
  }
}

/** Loaded only with a key: Stripe's package takes a sixth of the start. */
async function connect(app: FastifyInstance, options: StripeOptions): Promise<StripeClient> {
  const { createStripeClient } = await import('../clients/stripe-client.ts')
  const breakers = breakersOf(app)
  const client = createStripeClient(options, gateOf(breakers, 'stripe')) as StripeClient
  breakers.watch('stripe', client.probe)
  return client
}

export default fp<StripeOptions>(
  async (app, options) => {
    addToWebhooks(app, { stripe: options.secretKey === undefined ? null : await connect(app, options) })
  },
  { name: 'tutorbot-stripe', fastify: '5.x' },
)
