import { presets, type Source } from '../app.ts'

/** A Shopify shop: the secret is the app's, or the one shown in its notification settings. */
export const shopify = (secret: string): Source => ({
  name: 'shopify',
  path: '/shopify',
  verify: presets.shopify({ secrets: [secret] }),
  identify: request => ({
    event: request.header('x-shopify-topic'),
    key: request.header('x-shopify-webhook-id'),
    orderingKey: request.field('admin_graphql_api_id'),
  }),
})
