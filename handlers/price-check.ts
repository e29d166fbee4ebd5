import type { StripeClient } from '../clients/stripe.ts'
import { PermanentError } from '../inbox/errors.ts'
import type { Price } from '../tutor/tutor.ts'
import { type Money, moneyOf, whyUnsellable } from './money.ts'

/**
 * Prices found sellable. Stripe never changes a price's type and amount (docs.stripe.com/api/prices/update), and itself
 * refuses to sell one that has been archived since.
 */
const sellable = new WeakMap<StripeClient, Map<string, Money>>()

/** What a price is: asks Stripe about each once. @throws {PermanentError} that says why it can't be sold */
export async function checkPrice(client: StripeClient, price: Price, signal: AbortSignal): Promise<Money> {
  const known = sellable.get(client) ?? new Map<string, Money>()
  const before = known.get(keyOf(price))
  if (before !== undefined) return before
  const found = await client.getPrice(price.id, signal)
  const problem = whyUnsellable(found, price)
  if (problem !== null) throw new PermanentError(problem)
  const money = moneyOf(found)
  sellable.set(client, known.set(keyOf(price), money))
  return money
}

/** The price was refused: it is asked about again. */
export function forgetPrice(client: StripeClient, price: Price): void {
  sellable.get(client)?.delete(keyOf(price))
}

/** Two settings may expect different sums of one price. */
function keyOf({ id, from }: Price): string {
  return `${id} ${from}`
}
