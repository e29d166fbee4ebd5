import { setImmediate } from 'node:timers/promises'
import type { DeliveryFilter, DeliveryPage, Store } from './contracts.ts'

/** Store queries for one page, at most: about a million deliveries. */
const MAX_QUERIES = 100

/** Queries the store again from where it stopped, until a page is full. */
export async function browse(
  store: Pick<Store, 'browse'>,
  filter: DeliveryFilter = {},
  limit = 100,
  before?: number,
): Promise<DeliveryPage> {
  const deliveries: DeliveryPage['deliveries'] = []
  let next = before
  for (let queries = 0; queries < MAX_QUERIES; queries++) {
    const page = await store.browse(filter, limit - deliveries.length, next)
    deliveries.push(...page.deliveries)
    if (page.next === null || deliveries.length === limit) return { deliveries, next: page.next }
    next = page.next
    // Incoming requests go first.
    await setImmediate()
  }
  return { deliveries, next: next as number }
}
