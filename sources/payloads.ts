import type { Handler } from '../inbox/drain.ts'
import type { ChatwootPayloads } from './chatwoot-payloads.ts'
import type { StripePayloads } from './stripe-payloads.ts'

/**
 * What each source's events bring: the type of `delivery.payload` in their handlers. A host adds its own sources:
 *
 *     declare module 'tutorbot-webhooks' {
 *       interface WebhookPayloads {
 *         calcom: { BOOKING_CREATED: { payload: { uid: string } } }
 *       }
 *     }
 */
export interface WebhookPayloads {
  chatwoot: ChatwootPayloads
  stripe: StripePayloads
}

/** Handlers of one source, by event. */
export type SourceHandlers<Source extends keyof WebhookPayloads> = {
  [Event in keyof WebhookPayloads[Source]]?: Handler<WebhookPayloads[Source][Event]>
}
