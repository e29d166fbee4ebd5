import type { EventEmitter } from 'node:events'
import type { FastifyInstance } from 'fastify'
import type { WebhookEvents } from '../inbox/events.ts'

/** What is on `fastify.webhooks`; each plugin adds and declares its own part. */
export interface Webhooks {
  /** Listeners run synchronously within the service: they must be quick, and not throw. */
  events: EventEmitter<WebhookEvents>
}

declare module 'fastify' {
  interface FastifyInstance {
    webhooks: Webhooks
  }
}

/** Adds a part to `fastify.webhooks`, creating it if needed. */
export function addToWebhooks(app: FastifyInstance, part: Partial<Webhooks>): void {
  if (!app.hasDecorator('webhooks')) app.decorate('webhooks', {} as Webhooks)
  Object.assign(app.webhooks, part)
}
