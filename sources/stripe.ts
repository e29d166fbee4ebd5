import createError from '@fastify/error'
import type Stripe from 'stripe'
import type { Logger, Payload } from '../inbox/contracts.ts'
import { checkedVerifier } from './check.ts'
import { asId, asObject, asText, isObject } from './json.ts'
import { conversationKey } from './keys.ts'
import type { Scheme } from './scheme.ts'
import { secretKeys, signatureVerifier, validTolerance, warnIfLong } from './signature.ts'
import type { Identified, Source, Verifier } from './source.ts'
import { STRIPE_EVENTS } from './stripe-events.ts'
import { conversationOfMetadata } from './stripe-payloads.ts'
import { STRIPE_THIN_EVENTS } from './stripe-thin-events.ts'
import { thinEventOf } from './thin-event.ts'

export interface StripeVerification {
  /**
   * The endpoint's `whsec_…`; several during a rotation, or for test and live mode. None: all deliveries are refused.
   */
  secrets?: readonly string[]
  /**
   * Maximum age of a signature, s, from 30 to 86,400; default 300. Raise it for gateways that forward late: whoever
   * obtains a signed request can replay it for that long.
   */
  toleranceSeconds?: number | undefined
  /** Replaces both. */
  verify?: Verifier
}

export interface StripeSourceOptions {
  /** Default `/webhook/payments`. */
  path?: string | undefined
  verify: Verifier
  /** The Chatwoot account that the conversations named in metadata belong to. */
  accountId?: string | undefined
  /** Of the secret key; undefined: no key. */
  livemode?: boolean | undefined
  log: Logger
}

export const SecretMissingError = createError<[]>(
  'WEBHOOK_SECRET_MISSING',
  'There is no secret to verify this with; set STRIPE_WEBHOOK_SECRET (stripe.secrets)',
  401,
)

/**
 * The version of the SDK's types, as a literal so that a process without a key need not load the SDK; the compiler
 * checks it.
 */
const STRIPE_API_VERSION: typeof Stripe.API_VERSION = '2026-10-28.endive'

/** `Stripe-Signature: t=<Unix time>,v1=<hex>[,v1=<hex>]` */
const SCHEME: Scheme = {
  headers: ['Stripe-Signature'],
  algorithm: 'sha256',
  encoding: 'hex',
  items: ',',
  pair: '=',
  key: 'v1',
  template: '{timestamp}.{body}',
  timestamp: { key: 't', unit: 's' },
  // As Stripe's own library requires.
  lowerCase: true,
}

const SIGNATURE_HEADERS = SCHEME.headers.map(name => name.toLowerCase())

/** @param now Unix time, ms @throws {OptionError} */
export function stripeVerifier(options: StripeVerification, log: Logger, now = Date.now): Verifier {
  const keys = secretKeys('stripe.secrets', options.secrets)
  const tolerance = validTolerance('stripe.toleranceSeconds (STRIPE_TOLERANCE_SECONDS)', options.toleranceSeconds)
  if (options.verify !== undefined) return checkedVerifier('stripe.verify', options.verify)
  if (keys.length === 0) return Object.assign(() => new SecretMissingError(), { signatureHeaders: SIGNATURE_HEADERS })
  warnIfLong(log, tolerance, 'STRIPE_TOLERANCE_SECONDS')
  return signatureVerifier({ scheme: SCHEME, keys, tolerance, now })
}

export function stripeSource(options: StripeSourceOptions): Source {
  const { path = '/webhook/payments', verify, accountId, livemode, log } = options
  const checkVersion = versionCheck(log)
  return {
    name: 'stripe',
    path,
    verify,
    events: [...STRIPE_EVENTS, ...STRIPE_THIN_EVENTS],
    identify(received) {
      const { payload } = received
      const event = thinEventOf(payload)?.event ?? asText(payload.type)
      if (event === undefined) return { event }
      if (livemode !== undefined && typeof payload.livemode === 'boolean' && payload.livemode !== livemode) {
        return { event, ignored: `livemode ${payload.livemode}, unlike STRIPE_SECRET_KEY`, warn: true }
      }
      checkVersion(payload.api_version)
      return identifyStripe(event, accountId, payload, () => received.hash(), livemode !== undefined)
    },
  }
}

/**
 * Identifies a Stripe event: its id is the key; its ordering key is that of the paying conversation, else of the
 * payment.
 * @param hasKey Stripe can be asked for a thin event's object
 */
export function identifyStripe(
  event: string,
  accountId: string | undefined,
  payload: Payload,
  bodyHash: () => string,
  hasKey = true,
): Identified {
  const thin = thinEventOf(payload)
  if (thin?.id !== undefined) {
    const related = asId(thin.related.id)
    const kind = event.startsWith('payment_intent.') ? 'payment_intent' : 'stripe_object'
    const orderingKey = related && `${kind}:${related}`
    const unreadable = hasKey ? undefined : 'a thin event: set STRIPE_SECRET_KEY, and replay it'
    return { event, key: thin.id, orderingKey, unreadable }
  }
  const id = asId(payload.id)
  const object = asObject(payload.data).object
  if (id === undefined || !isObject(object)) {
    const key = `unreadable:${bodyHash()}_${event}`
    const unreadable = id === undefined ? 'id is missing or not an id' : 'data.object is missing or not an object'
    return { event, key, unreadable }
  }
  const conversation = conversationOfMetadata(object.metadata)
  const payment = event.startsWith('payment_intent.') ? asId(object.id) : asId(object.payment_intent)
  const orderingKey =
    conversation === undefined || accountId === undefined
      ? payment && `payment_intent:${payment}`
      : conversationKey(accountId, conversation)
  return { event, key: id, orderingKey }
}

/**
 * Warns once if the endpoint sends another API release than the SDK's types are for; dates within a release are
 * compatible (docs.stripe.com/webhooks/versioning).
 */
function versionCheck(log: Logger): (version: unknown) => void {
  const release = (version: string) => version.split('.')[1]
  let warned = false
  return version => {
    if (warned || typeof version !== 'string' || release(version) === release(STRIPE_API_VERSION)) return
    warned = true
    log.warn(
      `Stripe sends events of API version ${version}, this program is made for ${STRIPE_API_VERSION}: set that version at the webhook endpoint`,
    )
  }
}
