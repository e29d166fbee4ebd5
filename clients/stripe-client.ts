import { AsyncLocalStorage } from 'node:async_hooks'
import { hash } from 'node:crypto'
import Stripe from 'stripe'
import { OptionError, PermanentError, TransientError } from '../inbox/errors.ts'
import { traced } from '../inbox/tracing.ts'
import { deadline, type Gate, isOutageStatus, isUnreachable, OPEN_GATE, retryAfterMs, serverUrl } from './http.ts'
import { KeptFailureError, type StripeClient, type StripeOptions, StripeRefusedError } from './stripe.ts'

/** Creates a client, or null without a key. @throws {OptionError} that names the malformed option */
export function createStripeClient(
  { secretKey, apiBase, timeoutMs = 10_000 }: StripeOptions,
  gate: Gate = OPEN_GATE,
): StripeClient | null {
  if (secretKey === undefined) return null
  const mode = /^[sr]k_(test|live)_/.exec(secretKey)?.[1]
  if (mode === undefined)
    throw new OptionError('stripe.secretKey (STRIPE_SECRET_KEY) must begin with sk_test_ or sk_live_')
  const stripe = new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient(fetchWithinCall),
    // The inbox retries; the SDK's own retries would only use up the handler's time. Even with 0, its client over
    // Node's http resends a request (a POST with the same Idempotency-Key) if the connection breaks; over fetch it does
    // not.
    maxNetworkRetries: 0,
    telemetry: false,
    ...server(apiBase),
  })
  const call = createCall(timeoutMs, gate)
  const callAnyway = createCall(timeoutMs, OPEN_GATE)

  return {
    livemode: mode === 'live',
    getSession: (id, signal) => call(signal, () => stripe.checkout.sessions.retrieve(id, { expand: [CHARGE] })),
    findSession: async (paymentIntent, signal) => {
      const request = { payment_intent: paymentIntent, limit: 1, expand: [`data.${CHARGE}`] }
      const sessions = await call(signal, () => stripe.checkout.sessions.list(request).catch(unlessMissing))
      return sessions?.data[0]
    },
    findIntent: (id, signal) =>
      call(signal, () => stripe.paymentIntents.retrieve(id, WITH_CHARGE).catch(unlessMissing)),
    getPrice: (id, signal) => call(signal, () => stripe.prices.retrieve(id)),
    createSession: async ({ order, attempt, price, expiresAt, returnUrl, locale, metadata, page = {} }, signal) => {
      const { takesPromotionCodes, makesInvoice, withoutMethods = [], email } = page
      const request: Stripe.Checkout.SessionCreateParams = {
        mode: 'payment',
        line_items: [{ price, quantity: 1 }],
        client_reference_id: order,
        expires_at: Math.floor(expiresAt / 1_000),
        success_url: returnUrl,
        locale,
        metadata,
        payment_intent_data: { metadata },
        ...(takesPromotionCodes && { allow_promotion_codes: true }),
        ...(makesInvoice && { invoice_creation: { enabled: true, invoice_data: { metadata } } }),
        ...(withoutMethods.length > 0 && { excluded_payment_method_types: [...withoutMethods] }),
        ...(email !== undefined && { customer_email: email }),
      }
      // Includes what is requested: Stripe refuses a key used for a different request, and then nobody could pay.
      const idempotencyKey = `tutorbot:${order}:${attempt}:${hash('sha256', JSON.stringify(request)).slice(0, 16)}`
      const { id, url } = await call(signal, () => stripe.checkout.sessions.create(request, { idempotencyKey }))
      if (url === null) throw new PermanentError(`The checkout session ${id} has no URL`)
      return { id, url }
    },
    expireSession: async (id, signal) => {
      // Stripe refuses if it is not open; its status says why.
      const expired = await call(signal, () => stripe.checkout.sessions.expire(id).catch(unlessRefused))
      const { status } = expired ?? (await call(signal, () => stripe.checkout.sessions.retrieve(id)))
      return status === 'expired'
    },
    listRefunds: async (paymentIntent, signal) => {
      const request = paymentIntent === null ? { limit: 1 } : { payment_intent: paymentIntent, limit: 100 }
      return (await call(signal, () => stripe.refunds.list(request).catch(unlessMissing)))?.data ?? []
    },
    createRefund: ({ paymentIntent, amount, metadata, isRequested, attempt }, signal) => {
      const request: Stripe.RefundCreateParams = {
        payment_intent: paymentIntent,
        amount,
        metadata,
        ...(isRequested && { reason: 'requested_by_customer' }),
      }
      const idempotencyKey = `tutorbot:refund:${hash('sha256', JSON.stringify(request)).slice(0, 32)}:${attempt}`
      return call(signal, () => stripe.refunds.create(request, { idempotencyKey }))
    },
    // Repeated, it is refused: what its state is then, the caller reads.
    cancelIntent: async (id, signal) =>
      (await call(signal, () => stripe.paymentIntents.cancel(id)).catch(unlessNotAllowed)) !== undefined,
    getEvent: (id, signal) => call(signal, () => stripe.events.retrieve(id)),
    getRelated: (url, signal) => {
      if (!/^\/v[12]\/[\w/-]+$/.test(url))
        throw new PermanentError('related_object.url is missing or not a path of Stripe')
      return call(signal, () => stripe.rawRequest('GET', url))
    },
    listEvents: async (types, since, signal, before) => {
      const request = { types: [...types], created: { gte: Math.floor(since / 1_000) }, limit: 100 }
      const page = await call(signal, () =>
        stripe.events.list({ ...request, ...(before && { starting_after: before }) }),
      )
      return { events: page.data, more: page.has_more }
    },
    async probe(signal) {
      // A restricted key may lack the right to read prices: it is accepted even so.
      await callAnyway(signal, () => stripe.prices.list({ limit: 1 })).catch(unlessNotAllowed)
    },
  }
}

/** Its charge says whether a payment was refunded: https://docs.stripe.com/api/charges/object#charge_object-refunded */
const CHARGE = 'payment_intent.latest_charge'
const WITH_CHARGE = { expand: ['latest_charge'] }

/** Stripe refuses to show an unknown payment intent, or to list for it. */
function unlessMissing(error: unknown): undefined {
  if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing') return undefined
  throw error
}

function unlessRefused(error: unknown): undefined {
  if (error instanceof Stripe.errors.StripeInvalidRequestError) return undefined
  throw error
}

function unlessNotAllowed(error: unknown): undefined {
  if (!(error instanceof StripeRefusedError)) throw error
  return undefined
}

function server(apiBase: string | undefined): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  if (apiBase === undefined) return {}
  const url = serverUrl(apiBase)
  if (url === undefined) {
    throw new OptionError('stripe.apiBase (STRIPE_API_BASE) must be an http or https URL without a path')
  }
  const protocol = url.protocol === 'http:' ? 'http' : 'https'
  return { host: url.hostname, protocol, ...(url.port !== '' && { port: url.port }) }
}

/**
 * Transient: connection errors, the rate limit, Stripe's own errors (5xx, 409, an answer that is not JSON), and a key
 * that is refused, until somebody sets another one.
 */
const TRANSIENT = new Set([
  'StripeConnectionError',
  'StripeRateLimitError',
  'StripeAPIError',
  'StripeAuthenticationError',
])

/** The abort signal of the current call: the SDK takes none from its caller. */
const limits = new AsyncLocalStorage<AbortSignal>()

/** fetch for the SDK: replaces its signal, a timeout per attempt, with the call's. */
function fetchWithinCall(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  // Stripe doesn't redirect.
  const send = () => fetch(url, { ...init, redirect: 'manual', signal: limits.getStore() as AbortSignal })
  return traced(init?.method as string, url as string, send)
}

/** Makes calls to Stripe and translates their errors. */
function createCall(timeoutMs: number, gate: Gate) {
  return async <T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> => {
    await gate.enter(signal)
    const limit = deadline(signal, timeoutMs)
    try {
      const answer = await limits.run(limit.signal, request)
      gate.answered()
      return answer
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeError)) throw error
      const late = limit.timedOut() ? `no answer within ${timeoutMs} ms` : undefined
      const translated = translate(error, signal.aborted ? 'the call was aborted' : late)
      if (translated instanceof StripeRefusedError) gate.answered()
      throw translated
    }
  }
}

/**
 * Makes it permanent or transient: https://docs.stripe.com/api/errors @param cut why the call was aborted here, if it
 * was
 */
function translate(error: InstanceType<typeof Stripe.errors.StripeError>, cut?: string): Error {
  const { type, statusCode, headers, code } = error
  const text = [`Stripe: ${type}`, statusCode, cut ?? error.message].filter(Boolean).join(' ')
  if (!TRANSIENT.has(type)) return new StripeRefusedError(text, statusCode, code, { cause: error })
  const isKept = Number(statusCode) >= 500 && headers?.['idempotent-replayed'] === 'true'
  return new (isKept ? KeptFailureError : TransientError)(text, {
    cause: error,
    retryAfterMs: retryAfterMs(headers?.['retry-after']),
    outage:
      cut === 'the call was aborted'
        ? undefined
        : {
            system: 'stripe',
            isProof: cut === undefined && isProof(error),
            code: cut ? 'timeout' : (code ?? statusCode),
          },
  })
}

/** The key was revoked. Missing permissions are a StripePermissionError, and concern one kind of call. */
const KEY_REFUSED = 'StripeAuthenticationError'
/** Somebody else is changing this object: https://docs.stripe.com/rate-limits#object-lock-timeouts */
const OBJECT_LOCKED = 'lock_timeout'

/** Whether an error is about Stripe or our key, not about one call. */
function isProof({ type, statusCode, code, detail }: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  if (type === 'StripeConnectionError') return isUnreachable(Object(Object(detail).cause))
  if (type === KEY_REFUSED) return true
  return code !== OBJECT_LOCKED && (statusCode === undefined || statusCode < 300 || isOutageStatus(statusCode))
}
