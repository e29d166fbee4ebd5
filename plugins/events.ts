import { EventEmitter } from 'node:events'
import type { FastifyInstance } from 'fastify'
import type { WebhookEvents } from '../inbox/events.ts'
import { addToWebhooks } from './webhooks.ts'

/** `fastify.webhooks.events`, created on first use. */
export function eventsOf(app: FastifyInstance): EventEmitter<WebhookEvents> {
  if (!app.hasDecorator('webhooks') || app.webhooks.events === undefined) {
    addToWebhooks(app, { events: new EventEmitter<WebhookEvents>() })
  }
  return app.webhooks.events
}
