import type { ChatwootApi } from './chatwoot-api.ts'
import type { StripeApi } from './stripe-api.ts'

export interface StandIns {
  chatwoot: Pick<ChatwootApi, 'url' | 'accountId' | 'tokens'>
  stripe: Pick<StripeApi, 'url' | 'secretKey'>
}

/** The settings of a service that uses stand-ins for Chatwoot and Stripe. @param secrets of its webhooks */
export function standInSettings({ chatwoot, stripe }: StandIns, secrets: { chatwoot: string; stripe: string }) {
  return {
    CW_URL: chatwoot.url,
    CW_ACC_ID: chatwoot.accountId,
    CW_TOKEN: chatwoot.tokens.bot,
    CW_ADMIN_TOKEN: chatwoot.tokens.admin,
    CW_CALLS_PER_MINUTE: '0',
    CW_HMAC_SECRET: secrets.chatwoot,
    STRIPE_API_BASE: stripe.url,
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_WEBHOOK_SECRET: secrets.stripe,
  }
}
