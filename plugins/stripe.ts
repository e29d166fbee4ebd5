import fp from 'fastify-plugin'
import type { StripeClient, StripeOptions } from '../clients/stripe.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: there is no key, so Stripe can't be asked. */
    stripe: StripeClient | null
  }
}

/** Stripe's package takes a sixth of a start: without a key it is not loaded. */
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
