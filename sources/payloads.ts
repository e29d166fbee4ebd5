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

/** The handler of one event: `HandlerOf<'chatwoot', 'message_created'>`. */
export type HandlerOf<Source extends keyof WebhookPayloads, Event extends keyof WebhookPayloads[Source]> = Handler<
  WebhookPayloads[Source][Event]
>

/** Handlers of one source, by event: each gets the payload of its event. */
export type SourceHandlers<Source extends keyof WebhookPayloads> = {
  [Event in keyof WebhookPayloads[Source]]?: Handler<WebhookPayloads[Source][Event]>
}

/** A handler of an untyped payload. */
// biome-ignore lint/suspicious/noExplicitAny: handlers of every payload must fit
export type AnyHandler = Handler<any>

/** By source and event. Payloads of sources not in WebhookPayloads are unchecked (`any`). */
export type Handlers = { [Source in keyof WebhookPayloads]?: SourceHandlers<Source> } & {
  [source: string]: Record<string, AnyHandler | undefined> | AnyHandler | undefined
}
