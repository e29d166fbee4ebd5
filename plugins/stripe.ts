import fp from 'fastify-plugin'
import type { StripeClient, StripeOptions } from '../clients/stripe.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: no key, so no calls to Stripe. */
    stripe: StripeClient | null
  }
}

/** Loaded only with a key: Stripe's package takes a sixth of the start. */
async function connect(options: StripeOptions): Promise<StripeClient | null> {
  const { createStripeClient } = await import('../clients/stripe-client.ts')
  return createStripeClient(options)
}

export default fp<StripeOptions>(
  async (app, options) => {
    addToWebhooks(app, { stripe: options.secretKey === undefined ? null : await connect(options) })
  },
  { name: 'tutorbot-stripe', fastify: '5.x' },
)
