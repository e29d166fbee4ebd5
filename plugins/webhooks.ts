import type { FastifyInstance } from 'fastify'

/** What the plugins put on `fastify.webhooks`; each adds its own part, and declares it beside itself. */
// biome-ignore lint/suspicious/noEmptyInterface: plugins fill it by declaration merging
export interface Webhooks {}

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
