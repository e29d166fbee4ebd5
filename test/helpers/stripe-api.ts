import { type Answer, type Call, type StandIn, startStandIn } from './stand-in.ts'

/** Stands in for Stripe's API: what of it the client reads, with Stripe's error shapes. */
export interface StripeApi extends StandIn {
  secretKey: string
  sessions: Map<string, Session>
  prices: Map<string, object>
}

/** As commands/samples.ts makes them. */
type Session = object & { id: string; payment_intent: string | null }

const SECRET_KEY = 'sk_test_keyOfTheStandIn'

/** An answer as Stripe refuses a call: https://docs.stripe.com/api/errors */
export function stripeError(status: number, type: string, message: string, headers = {}): Answer {
  return { status, headers, body: { error: { type, message } } }
}

export async function startStripeApi(): Promise<StripeApi> {
  const sessions = new Map<string, Session>()
  const prices = new Map<string, object>()

  function answerTo({ method, path, headers }: Call): Answer {
    if (headers.authorization !== `Bearer ${SECRET_KEY}`) {
      return stripeError(401, 'invalid_request_error', 'Invalid API Key provided: sk_test_****else')
    }
    const { pathname, searchParams } = new URL(path, 'http://localhost')
    if (method === 'GET' && pathname === '/v1/checkout/sessions') return list(searchParams)
    const [, collection, id = ''] = /^\/v1\/(checkout\/sessions|prices)\/([^/]+)$/.exec(pathname) ?? []
    const found = collection === 'prices' ? prices.get(id) : sessions.get(id)
    if (method !== 'GET' || found === undefined) {
      return stripeError(404, 'invalid_request_error', `No such ${collection}: '${id}'`)
    }
    return { status: 200, body: found }
  }

  function list(query: URLSearchParams): Answer {
    const data = [...sessions.values()].filter(session => session.payment_intent === query.get('payment_intent'))
    const limit = Number(query.get('limit') ?? 10)
    const body = { object: 'list', url: '/v1/checkout/sessions', has_more: data.length > limit }
    return { status: 200, body: { ...body, data: data.slice(0, limit) } }
  }

  return { ...(await startStandIn(answerTo)), secretKey: SECRET_KEY, sessions, prices }
}
