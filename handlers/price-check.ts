import type { StripeClient } from '../clients/stripe.ts'
import { PermanentError } from '../inbox/errors.ts'
import { whyUnsellable } from './money.ts'

/**
 * Prices found sellable. Stripe never changes a price's type and amount (docs.stripe.com/api/prices/update), and itself
 * refuses to sell one that has been archived since.
 */
const sellable = new WeakMap<StripeClient, Set<string>>()

/** Asks Stripe about each price once. @throws {PermanentError} that says why it can't be sold */
export async function checkPrice(client: StripeClient, price: string, signal: AbortSignal): Promise<void> {
  const known = sellable.get(client) ?? new Set()
  if (known.has(price)) return
  const problem = whyUnsellable(await client.getPrice(price, signal))
  if (problem !== null) throw new PermanentError(problem)
  sellable.set(client, known.add(price))
}

/** The price was refused: it is asked about again. */
export function forgetPrice(client: StripeClient, price: string): void {
  sellable.get(client)?.delete(price)
}
