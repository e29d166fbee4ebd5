import fp from 'fastify-plugin'
import { createStripeClient, type StripeClient, type StripeOptions } from '../clients/stripe.ts'
import { addToWebhooks } from './webhooks.ts'

declare module './webhooks.ts' {
  interface Webhooks {
    /** null: there is no key, so Stripe can't be asked. */
    stripe: StripeClient | null
  }
}

export default fp<StripeOptions>(
  async (app, options) => {
    addToWebhooks(app, { stripe: createStripeClient(options) })
  },
  { name: 'tutorbot-stripe', fastify: '5.x' },
)
