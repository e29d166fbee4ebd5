import { EventEmitter } from 'node:events'
import { type Answer, type Call, type StandIn, startStandIn } from './stand-in.ts'
import { answerAboutPayments, fieldsOf, intentIn, type Payments, type Refund } from './stripe-refunds.ts'

/** Stands in for Stripe's API: what of it the client uses, with Stripe's error shapes. */
export interface StripeApi extends StandIn {
  secretKey: string
  sessions: Map<string, Session>
  prices: Map<string, Price>
  /** A price that can be sold, in cents. */
  /** @param currency default eur */
  addPrice(id: string, unitAmount: number, currency?: string): void
  /** Payment intents that were made without a session, with their metadata. */
  intents: Map<string, Record<string, string>>
  /** Payment intents whose charge was given back in full. */
  refunded: Set<string>
  /** The oldest first. */
  refunds: Refund[]
  /** As commands/samples.ts makes them, the oldest first. */
  events: { id: string; type: string; created: number }[]
  /** Ends an open session. */
  expire(session: Session): void
  /** What calls do, `expire`, and `refundPayment`. */
  changes: EventEmitter<{ created: [Session]; expired: [Session]; refunded: [Session, Refund] }>
  /** Unix ms. */
  now: () => number
}

export interface StripeApiOptions {
  /** Unix ms. */
  now?: () => number
  secretKey?: string
  /** Where sessions are paid: their ids are added. */
  payUrl?: string
}

/** As commands/samples.ts makes them, and what only Stripe knows (see `shown`). */
export interface Session {
  id: string
  payment_intent: string | null
  status?: string
  url?: string | null
  metadata?: Record<string, string>
  /** Unix s. */
  expires_at?: number
  intent_metadata?: Record<string, string>
  intent_status?: string
  method?: 'card' | 'ideal' | 'sepa'
  /** All that was given back, in the currency's minor unit. */
  amount_refunded?: number
  dispute?: 'created' | 'won' | 'lost'
  [field: string]: unknown
}

/** A session as the API and events show it. */
export function shown(session: Session): Session {
  const { intent_metadata: _, intent_status: _s, method: _m, amount_refunded: _r, dispute: _d, ...rest } = session
  return rest
}

export interface Price {
  id: string
  unit_amount: number | null
  currency: string
  [field: string]: unknown
}

const SECRET_KEY = 'sk_test_keyOfTheStandIn'

/** An answer as Stripe refuses a call: https://docs.stripe.com/api/errors */
export function stripeError(status: number, type: string, message: string, headers = {}): Answer {
  return { status, headers, body: { error: { type, message } } }
}

const invalid = (status: number, message: string) => stripeError(status, 'invalid_request_error', message)

export async function startStripeApi(options: StripeApiOptions = {}): Promise<StripeApi> {
  const { now = Date.now, secretKey = SECRET_KEY, payUrl = 'https://checkout.stripe.com/c/pay' } = options
  const changes: StripeApi['changes'] = new EventEmitter()
  const sessions = new Map<string, Session>()
  const prices = new Map<string, Price>()
  const addPrice = (id: string, unit_amount: number, currency = 'eur') =>
    void prices.set(id, { id, object: 'price', active: true, type: 'one_time', currency, unit_amount })
  const intents = new Map<string, Record<string, string>>()
  const refunded = new Set<string>()
  const events: StripeApi['events'] = []
  const payments: Payments = { sessions, intents, refunded, refunds: [], changes, now }
  /** What was answered to an idempotency key, and to which request. */
  const answered = new Map<string, { request: string; answer: Answer }>()

  function answerTo(call: Call): Answer {
    const { method, path, headers, body } = call
    if (headers.authorization !== `Bearer ${secretKey}`)
      return invalid(401, 'Invalid API Key provided: sk_test_****else')
    const { pathname, searchParams } = new URL(path, 'http://localhost')
    if (method === 'GET' && pathname === '/v1/checkout/sessions') return list(searchParams)
    if (/^\/v1\/(payment_intents|refunds)(\/|$)/.test(pathname)) {
      const answer = () => answerAboutPayments(payments, call) ?? unknownPath(call)
      return method === 'POST' ? once(call, answer) : answer()
    }
    if (method === 'GET' && pathname === '/v1/events') return listEvents(searchParams)
    const event = method === 'GET' ? events.find(({ id }) => pathname === `/v1/events/${id}`) : undefined
    if (event !== undefined) return { status: 200, body: event }
    if (method === 'POST' && pathname === '/v1/checkout/sessions') return once(call, () => create(body))
    const [, collection, id = '', action = ''] =
      /^\/v1\/(checkout\/sessions|prices)\/([^/]+)(?:\/(expire))?$/.exec(pathname) ?? []
    if (collection === undefined) return unknownPath(call)
    const session = collection === 'checkout/sessions' ? sessions.get(id) : undefined
    if (session !== undefined && method === 'POST' && action === 'expire') return expireOpen(session)
    const found = collection === 'prices' ? prices.get(id) : session && show(session, searchParams.get('expand[0]'))
    if (method !== 'GET' || found === undefined)
      return invalid(404, `No such ${collection === 'prices' ? 'price' : collection}: '${id}'`)
    return { status: 200, body: found }
  }

  function unknownPath({ method, path }: Call): Answer {
    return invalid(404, `Unrecognized request URL (${method}: ${path.split('?')[0]}).`)
  }

  /** https://docs.stripe.com/api/idempotent_requests: a refused request is not kept. */
  function once({ headers, body }: Call, run: () => Answer): Answer {
    const key = headers['idempotency-key'] as string | undefined
    if (key === undefined) return run()
    const request = JSON.stringify(body)
    const before = answered.get(key)
    if (before !== undefined && before.request !== request) {
      return stripeError(
        400,
        'idempotency_error',
        'Keys for idempotent requests can only be used with the same parameters',
      )
    }
    if (before !== undefined) return before.answer
    const answer = run()
    if (answer.status === 200) answered.set(key, { request, answer })
    return answer
  }

  function create(body: Call['body']): Answer {
    const price = prices.get(String(body['line_items[0][price]']))
    if (price === undefined) return invalid(400, `No such price: '${body['line_items[0][price]']}'`)
    if (price.active === false) {
      return invalid(400, 'The price specified is inactive. This field only accepts active prices.')
    }
    if (price.unit_amount === null && !price.custom_unit_amount) {
      return invalid(400, 'The price specified has no unit_amount.')
    }
    if (body.success_url === undefined) return invalid(400, 'Missing required param: success_url.')
    const expires_at = Number(body.expires_at)
    if (expires_at * 1_000 < now() + 30 * 60_000) {
      return invalid(400, 'The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.')
    }
    const address = body.customer_email
    if (address !== undefined && !/^[\x21-\x7e]+$/.test(`${address}`))
      return invalid(400, `Invalid email address: ${address}`)
    const id = `cs_test_${sessions.size + 1}`
    const session: Session = {
      id,
      object: 'checkout.session',
      amount_total: price.unit_amount,
      success_url: body.success_url,
      client_secret: null,
      currency: price.currency,
      expires_at,
      livemode: false,
      locale: body.locale,
      metadata: fieldsOf(body, 'metadata'),
      mode: body.mode,
      payment_intent: null,
      payment_status: 'unpaid',
      status: 'open',
      url: `${payUrl}/${id}`,
      intent_metadata: fieldsOf(body, 'payment_intent_data[metadata]'),
      ...pageOf(body),
    }
    sessions.set(id, session)
    changes.emit('created', session)
    return { status: 200, body: show(session, null) }
  }

  function expire(session: Session): void {
    Object.assign(session, { status: 'expired', url: null })
    changes.emit('expired', session)
  }

  function expireOpen(session: Session): Answer {
    if (session.status !== 'open')
      return invalid(400, `Only Checkout Sessions with a status in ["open"] can be expired.`)
    expire(session)
    return { status: 200, body: show(session, null) }
  }

  /** With the payment intent and its charge, if that was asked for. */
  function show(session: Session, expand: string | null): object {
    if (expand === null || session.payment_intent === null) return shown(session)
    return { ...shown(session), payment_intent: intentIn(payments, session) }
  }

  function list(query: URLSearchParams): Answer {
    const data = [...sessions.values()].filter(session => session.payment_intent === query.get('payment_intent'))
    const limit = Number(query.get('limit') ?? 10)
    const body = { object: 'list', url: '/v1/checkout/sessions', has_more: data.length > limit }
    const shown = data.slice(0, limit).map(session => show(session, query.get('expand[0]')))
    return { status: 200, body: { ...body, data: shown } }
  }

  /** https://docs.stripe.com/api/events/list: the newest first. */
  function listEvents(query: URLSearchParams): Answer {
    const types = [...query].filter(([name]) => name.startsWith('types[')).map(([, type]) => type)
    const newest = events.toReversed()
    const from = newest.findIndex(({ id }) => id === query.get('starting_after')) + 1
    const fitting = newest
      .slice(from)
      .filter(({ type, created }) => types.includes(type) && created >= Number(query.get('created[gte]')))
    const data = fitting.slice(0, Number(query.get('limit') ?? 10))
    return { status: 200, body: { object: 'list', url: '/v1/events', has_more: data.length < fitting.length, data } }
  }

  return {
    ...(await startStandIn(answerTo)),
    secretKey,
    prices,
    addPrice,
    ...payments,
    events,
    expire,
  }
}

/** What was asked of the payment page; nothing that was not. */
function pageOf(body: Call['body']) {
  const { allow_promotion_codes, customer_email, 'invoice_creation[enabled]': invoice } = body
  const without = Object.entries(body).filter(([field]) => field.startsWith('excluded_payment_method_types['))
  return {
    ...(allow_promotion_codes === 'true' && { allow_promotion_codes: true }),
    ...(invoice === 'true' && { invoice_creation: { enabled: true } }),
    ...(without.length > 0 && { excluded_payment_method_types: without.map(([, method]) => method) }),
    ...(customer_email !== undefined && { customer_email }),
  }
}
