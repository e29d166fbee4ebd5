import type { StripeClient } from '../clients/stripe.ts'
import { createStripeClient } from '../clients/stripe-client.ts'
import type { Env } from '../environment.ts'
import { formatAmount, whyUnsellable } from '../handlers/money.ts'
import { webhooksOptions } from '../server.ts'
import { type Price, pricesByName, type Tutor, tutorOf } from '../tutor/tutor.ts'
import { type Check, ok, warn, wrong } from './check.ts'

/** What `doctor` asks Stripe. */

/** Timeout per call, ms. */
const CALL_TIMEOUT_MS = 10_000
const DAY_MS = 24 * 60 * 60 * 1_000
const VARIABLES = [
  'STANDARD_PRICE_ID_60',
  'STANDARD_PRICE_ID_90',
  'WEEKEND_PRICE_ID_60',
  'WEEKEND_PRICE_ID_90',
] as const

export async function checkStripe(config: Env): Promise<Check[]> {
  const client = createStripeClient({ secretKey: config.STRIPE_SECRET_KEY, apiBase: config.STRIPE_API_BASE })
  if (client === null)
    return [warn('Stripe', 'no payment links, and events are not checked against Stripe: set STRIPE_SECRET_KEY')]
  const checks: Check[] = await checkPrices(client, config)
  const mode = client.livemode ? 'live' : 'test'
  try {
    await client.listEvents(['charge.refunded'], Date.now() - DAY_MS, AbortSignal.timeout(CALL_TIMEOUT_MS))
    checks.unshift(ok('Stripe', `accepts the key (${mode} mode); events can be listed`))
  } catch (error) {
    const says = `${(error as Error).message}: a restricted key needs read access to events for catch-up`
    // If a price was read, the key is accepted.
    const isAccepted = checks.some(({ state, says }) => state === 'ok' && says.includes(': '))
    checks.unshift((isAccepted ? warn : wrong)('Stripe', says))
  }
  if (tutorIn(config).cancellation.refund === 'automatic') checks.push(await checkRefunds(client))
  if (config.PUBLIC_URL === undefined && config.CHECKOUT_RETURN_URL === undefined) {
    checks.push(warn('Stripe', 'after paying, students land on Chatwoot’s log-in: set PUBLIC_URL'))
  }
  return checks
}

function tutorIn(config: Env): Tutor {
  const { tutor = {}, stripe } = webhooksOptions(config)
  return tutorOf(tutor, config.TZ, stripe?.prices)
}

/** Reads only: that refunds can be made shows with the first. */
async function checkRefunds(client: StripeClient): Promise<Check> {
  try {
    await client.listRefunds(null, AbortSignal.timeout(CALL_TIMEOUT_MS))
    return ok('Stripe', 'refunds can be read (cancellation.refund: automatic)')
  } catch (error) {
    const why = 'cancellation.refund is automatic: let a restricted key write charges and refunds'
    return wrong('Stripe', `${(error as Error).message}: ${why}`)
  }
}

async function checkPrices(client: StripeClient, config: Env): Promise<Check[]> {
  const prices = pricesByName(tutorIn(config))
  const checks: Check[] = []
  for (const [name, price] of prices) checks.push(await checkPrice(client, name, price))
  const unused = VARIABLES.filter(name => config[name] !== undefined && !prices.has(name))
  return [...checks, ...unused.map(name => warn('Stripe', `${name} is not used: there is no lesson of that length`))]
}

async function checkPrice(client: StripeClient, name: string, price: Price | undefined): Promise<Check> {
  if (price === undefined) return warn('Stripe', `${name} is not set: this lesson is not for sale`)
  try {
    const found = await client.getPrice(price.id, AbortSignal.timeout(CALL_TIMEOUT_MS))
    const problem = whyUnsellable(found, price)
    if (problem !== null) return wrong('Stripe', `${name}: ${problem}`)
    return ok('Stripe', `${name}: ${price.id} is ${formatAmount(Number(found.unit_amount), found.currency)}`)
  } catch (error) {
    return wrong('Stripe', `${name}: ${(error as Error).message}`)
  }
}
