import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Stripe from 'stripe'
import { asId, asObject, asText, isObject } from '../handlers/payload.ts'
import { conversationOfMetadata } from '../handlers/stripe-event.ts'
import { thinEventOf } from '../handlers/thin-event.ts'
import type { NewDelivery, Payload } from '../inbox/contracts.ts'
import type { Handler } from '../inbox/drain.ts'
import { note } from '../plugins/logging.ts'
import { accepted, conversationKey, ignore, newDelivery, parseBody } from './deliveries.ts'
import { withAndWithoutSlash } from './paths.ts'

export interface StripeRouteOptions {
  /** Default `/webhook/payments`. */
  path?: string
  /** The Chatwoot account that the conversations named in metadata belong to. */
  accountId?: string | undefined
  /** What handles which event. */
  handlers: Record<string, Handler>
}

/** The way of a Stripe webhook, from its request to the inbox. */
export default async function stripeRoute(app: FastifyInstance, options: StripeRouteOptions): Promise<void> {
  const { path = '/webhook/payments', accountId, handlers } = options
  for (const [event, handler] of Object.entries(handlers)) app.webhooks.inbox.handle('stripe', event, handler)
  const checkVersion = versionCheck(app)

  const preHandler = [app.logDelivery, app.verifyStripe, identify, app.deduplicate]
  const config = { webhookSource: 'stripe' }
  for (const url of withAndWithoutSlash(app, path))
    app.post(url, { config, onRequest: app.checkStripeHeaders, preHandler }, accepted)

  async function identify(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const { body, payload } = parseBody(request)
    const event = thinEventOf(payload)?.event ?? asText(payload.type)
    if (event === undefined) return ignore(request, reply, 'it names no event')
    note(request, { event: event.slice(0, 64) })
    if (!app.webhooks.inbox.handles('stripe', event)) return ignore(request, reply, 'no handler for this event')
    const client = app.webhooks.stripe
    if (client && typeof payload.livemode === 'boolean' && payload.livemode !== client.livemode) {
      return ignore(request, reply, `livemode ${payload.livemode}, unlike STRIPE_SECRET_KEY`, true)
    }
    checkVersion(payload.api_version)
    request.delivery = {
      ...identifyStripe(event, accountId, payload, () => hash('sha256', body), client !== null),
      body,
    }
  }
}

/**
 * An event's id is its key; it stays in order with the conversation that pays, or with its payment.
 * @param hasKey Stripe can be asked what a thin event is about
 */
export function identifyStripe(
  event: string,
  accountId: string | undefined,
  payload: Payload,
  bodyHash: () => string,
  hasKey = true,
): NewDelivery {
  const thin = thinEventOf(payload)
  if (thin?.id !== undefined) {
    const related = asId(thin.related.id)
    const kind = event.startsWith('payment_intent.') ? 'payment_intent' : 'stripe_object'
    const orderingKey = related && `${kind}:${related}`
    const unreadable = hasKey ? undefined : 'a thin event: set STRIPE_SECRET_KEY, and replay it'
    return newDelivery({ source: 'stripe', event, key: thin.id, orderingKey, payload, unreadable })
  }
  const id = asId(payload.id)
  const object = asObject(payload.data).object
  if (id === undefined || !isObject(object)) {
    const key = `unreadable:${bodyHash()}_${event}`
    const unreadable = id === undefined ? 'id is missing or not an id' : 'data.object is missing or not an object'
    return newDelivery({ source: 'stripe', event, key, orderingKey: undefined, payload, unreadable })
  }
  const conversation = conversationOfMetadata(object.metadata)
  const payment = event.startsWith('payment_intent.') ? asId(object.id) : asId(object.payment_intent)
  const orderingKey =
    conversation === undefined || accountId === undefined
      ? payment && `payment_intent:${payment}`
      : conversationKey(accountId, conversation)
  return newDelivery({ source: 'stripe', event, key: id, orderingKey, payload })
}

/**
 * Warns once if the endpoint sends another release of the API than the SDK's types are made for; dates within a
 * release are compatible (docs.stripe.com/webhooks/versioning).
 */
function versionCheck(app: FastifyInstance): (version: unknown) => void {
  const release = (version: string) => version.split('.')[1]
  let warned = false
  return version => {
    if (warned || typeof version !== 'string' || release(version) === release(Stripe.API_VERSION)) return
    warned = true
    app.log.warn(
      `Stripe sends events of API version ${version}, this program is made for ${Stripe.API_VERSION}: set that version at the webhook endpoint`,
    )
  }
}
