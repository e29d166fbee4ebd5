import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { withoutCopies } from './handlers/copied-message.ts'
import { messageHandlers } from './handlers/message.ts'
import { asObject } from './handlers/payload.ts'
import type { Services } from './handlers/services.ts'
import { stripeHandlers as ownStripeHandlers } from './handlers/stripe.ts'
import { withThinEvents } from './handlers/thin-event.ts'
import { systemClock } from './inbox/contracts.ts'
import type { Handler } from './inbox/drain.ts'
import { OptionError } from './inbox/errors.ts'
import { checkOptionNames, type WebhooksOptions } from './options.ts'
import alerts from './plugins/alerts.ts'
import { type BodyBudget, createBodyBudget, SMALL_BODY_BYTES } from './plugins/body-budget.ts'
import calendar, { validTimeZone } from './plugins/calendar.ts'
import chatwootClient from './plugins/chatwoot.ts'
import dedup from './plugins/dedup.ts'
import { eventsOf } from './plugins/events.ts'
import inbox from './plugins/inbox.ts'
import { lingerAfterAnswer } from './plugins/linger.ts'
import logging, { note } from './plugins/logging.ts'
import stripeClient from './plugins/stripe.ts'
import verification from './plugins/verification.ts'
import chatwootRoute from './routes/chatwoot.ts'
import stripeRoute from './routes/stripe.ts'

export type { BookResult, Calendar, Hold, Interval, Lesson } from './calendar/contract.ts'
export type { GoogleCalendarOptions } from './calendar/google/client.ts'
export type { ChatwootClient, ChatwootOptions } from './clients/chatwoot.ts'
export type { Checkout, StripeClient, StripeOptions } from './clients/stripe.ts'
export type { PriceIds } from './handlers/services.ts'
export type {
  Clock,
  Commit,
  Delivery,
  DeliveryFilter,
  DeliveryState,
  NewDelivery,
  StoredDelivery,
} from './inbox/contracts.ts'
export { deliveryId } from './inbox/delivery-id.ts'
export type { Handler, HandlerContext, HandlerFunction } from './inbox/drain.ts'
export { OptionError, PermanentError, StoreOpenError, TransientError } from './inbox/errors.ts'
export type {
  AnsweredEvent,
  AttentionEvent,
  ForeignEvent,
  HandledEvent,
  WebhookEvents,
} from './inbox/events.ts'
export type { Inbox } from './inbox/inbox.ts'
export type { AlertMessage, AlertsOptions } from './operator/alerts.ts'
export type { WebhooksOptions } from './options.ts'
export type { CalendarOptions } from './plugins/calendar.ts'
export type { InboxOptions } from './plugins/inbox.ts'
export {
  type ChatwootVerification,
  type StripeVerification,
  signChatwoot,
  type VerificationOptions,
} from './plugins/verification.ts'
export type { Webhooks } from './plugins/webhooks.ts'
export type { OperatorOptions } from './routes/operator/index.ts'
export { calendar, chatwootClient, dedup, inbox, logging, stripeClient, verification }

/** The largest body, bytes: Chatwoot's longest message is 2.7 MB once it is escaped. */
const BODY_LIMIT = 4 * 1024 * 1024

/**
 * Receives Chatwoot's and Stripe's webhooks: the plugins first, then the routes in a scope of their own, so that a
 * host's parsers, error handler and routes stay as they are. Reads no environment.
 */
async function webhooks(app: FastifyInstance, options: WebhooksOptions): Promise<void> {
  const { chatwoot = {}, stripe = {}, handlers = {} } = options
  checkOptionNames(options)
  checkHandlers(handlers)
  await app.register(logging)
  await app.register(verification, { chatwoot, stripe })
  await app.register(chatwootClient, chatwoot)
  await app.register(stripeClient, stripe)
  await app.register(inbox, { ...options.inbox, store: options.store })
  const clock = options.inbox?.clock ?? systemClock
  await app.register(calendar, { ...options.calendar, store: options.store, clock })
  await app.register(dedup)
  if (options.alerts !== undefined) await app.register(alerts, { ...options.alerts, clock })

  const services: Services = {
    chatwoot: app.webhooks.chatwoot,
    stripe: app.webhooks.stripe,
    calendar: app.webhooks.calendar,
    prices: stripe.prices ?? {},
    zone: validTimeZone(options.calendar?.timeZone),
    // Without Chatwoot nothing asks for it.
    returnUrl: stripe.returnUrl ?? chatwoot.url ?? '',
    handoffAgentId: chatwoot.handoffAgentId,
    installationId: () => app.webhooks.inbox.installationId(),
    events: eventsOf(app),
    now: () => clock.now(),
  }
  const own = Object.entries(handlers)
  const chatwootHandlers: Record<string, Handler> = {
    ...messageHandlers(services),
    ...Object.fromEntries(own.filter(([event]) => !event.includes('.'))),
  }
  chatwootHandlers.message_created = withoutCopies(chatwootHandlers.message_created as Handler)
  const stripeHandlers = Object.fromEntries(
    [...Object.entries(ownStripeHandlers(services)), ...own.filter(([event]) => event.includes('.'))].map(
      ([event, handler]) => [event, withThinEvents(handler, services)],
    ),
  )

  await app.register(
    async scope => {
      scope.removeAllContentTypeParsers()
      // The bytes as they came: nothing is parsed before the signature is verified.
      const bodies = createBodyBudget({ bodyLimit: BODY_LIMIT })
      scope.addContentTypeParser('application/json', bodies.read)
      // Neither a host's serializer nor its schema compiler (Zod's refuses JSON Schema) meets our answers.
      scope.setReplySerializer(payload => JSON.stringify(payload))
      scope.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, bodies))
      const { accountId } = chatwoot
      await scope.register(chatwootRoute, { path: chatwoot.path, accountId, handlers: chatwootHandlers })
      await scope.register(stripeRoute, { path: stripe.path, accountId, handlers: stripeHandlers })
    },
    { prefix: options.prefix ?? '' },
  )
  if (options.operator !== undefined) {
    // Loaded only if it is used: its packages take a seventh of the start.
    const { default: operatorRoutes } = await import('./routes/operator/index.ts')
    const { zone } = services
    await app.register(operatorRoutes, { ...options.operator, zone, clock, prefix: options.prefix ?? '' })
  }
}

export default fp(webhooks, { name: 'tutorbot-webhooks', fastify: '5.x' })

/** What can't be called would be found out by its first webhook, which has got its 200 by then. */
function checkHandlers(handlers: Record<string, unknown>): void {
  for (const [event, handler] of Object.entries(handlers)) {
    const { handle, gaveUp } = asObject(handler)
    const parts = typeof handler === 'function' ? [handler] : [handle, gaveUp]
    if (parts.some(part => typeof part !== 'function'))
      throw new OptionError(`handlers.${event} must be a function, or { handle, gaveUp } of two functions`)
  }
}

/**
 * Fastify's error shape, with a stable code. Whatever goes wrong on our side is a 500, never a 503: Chatwoot's bots
 * try again after 429 and 500 only. Its message is for the log, not for the sender.
 */
function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply, bodies: BodyBudget): void {
  const app = request.server
  const respond = () => {
    const status =
      error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : 500
    const known = status < 500 || error.code?.startsWith('WEBHOOK_')
    const code = known ? error.code : 'WEBHOOK_FAILED'
    note(request, { reason: code })
    if (status === 500) request.log.error(error, 'a webhook could not be stored')
    if (status === 429) reply.header('retry-after', '1')
    if (isLargeBodyComing(request)) {
      reply.header('connection', 'close')
      bodies.drop(request)
    }
    lingerAfterAnswer(request.raw)
    void reply.code(status).send({
      statusCode: status,
      code,
      error: STATUS_CODES[status],
      message: known ? error.message : 'Something went wrong here; send it again',
    })
  }
  // A body that could not even be read (too large, of a wrong type) never came to the preHandlers.
  if (request.deliveryLine === undefined) app.logDelivery(request, reply, respond)
  else respond()
}

/** A body that is refused is not waited for; a small one has come by now, or does in a moment. */
function isLargeBodyComing({ raw, headers }: FastifyRequest): boolean {
  return raw.complete === false && !(Number(headers['content-length']) <= SMALL_BODY_BYTES)
}
