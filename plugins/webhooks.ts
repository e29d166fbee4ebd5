import type { EventEmitter } from 'node:events'
import type { FastifyInstance } from 'fastify'
import type { WebhookEvents } from '../inbox/events.ts'

/** What the plugins put on `fastify.webhooks`; each adds its own part, and declares it beside itself. */
export interface Webhooks {
  /** Listeners run within the service's own work: they must be quick, and throw nothing. */
  events: EventEmitter<WebhookEvents>
}

declare module 'fastify' {
  interface FastifyInstance {
    webhooks: Webhooks
  }
}

/** Adds a part to `fastify.webhooks`, and the object itself if this is the first part. */
export function addToWebhooks(app: FastifyInstance, part: Partial<Webhooks>): void {
  if (!app.hasDecorator('webhooks')) app.decorate('webhooks', {} as Webhooks)
  Object.assign(app.webhooks, part)
}
