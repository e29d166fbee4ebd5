import { setImmediate } from 'node:timers/promises'
import type { DeliveryFilter, DeliveryPage, Store } from './contracts.ts'

/** Looks into the store for one page: a million deliveries, or so. */
const MAX_LOOKS = 100

/** Looks on where the store has stopped, until a page is full. */
export async function browse(
  store: Pick<Store, 'browse'>,
  filter: DeliveryFilter = {},
  limit = 100,
  before?: number,
): Promise<DeliveryPage> {
  const deliveries: DeliveryPage['deliveries'] = []
  let next = before
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const page = await store.browse(filter, limit - deliveries.length, next)
    deliveries.push(...page.deliveries)
    if (page.next === null || deliveries.length === limit) return { deliveries, next: page.next }
    next = page.next
    // What has come in meanwhile goes first.
    await setImmediate()
  }
  return { deliveries, next: next as number }
}
