import type { Env } from '../environment.ts'
import { readTutorFile } from '../tutor/file.ts'
import { pricesByName, tutorOf } from '../tutor/tutor.ts'
import type { StripeApi } from './stripe-api.ts'

/** What lessons cost in the sandbox: as the tutor's settings say, if there are any. */

/** In cents, by the variable of the price: where the settings have none. */
const PRICES: Record<string, number> = {
  STANDARD_PRICE_ID_60: 5_000,
  STANDARD_PRICE_ID_90: 7_500,
  WEEKEND_PRICE_ID_60: 6_000,
  WEEKEND_PRICE_ID_90: 9_000,
}
/** Of a price that the settings name without its amount. */
const EXAMPLE = { amount: 5_000, currency: 'eur' }

/** Makes the prices at the stand-in. The variables of those that the settings do not have. @throws {OptionError} */
export function makePrices({ TUTOR_FILE, TZ }: Env, stripe: Pick<StripeApi, 'addPrice'>): Record<string, string> {
  const tutor = tutorOf(TUTOR_FILE === undefined ? {} : readTutorFile(TUTOR_FILE), TZ)
  const variables: Record<string, string> = {}
  for (const [name, price] of pricesByName(tutor)) {
    const cents = PRICES[name]
    if (price !== undefined) {
      const { amount, currency } = price.money ?? EXAMPLE
      stripe.addPrice(price.id, amount, currency.toLowerCase())
    } else if (cents !== undefined) {
      variables[name] = `price_${name.toLowerCase()}`
      stripe.addPrice(variables[name], cents)
    }
  }
  return variables
}
