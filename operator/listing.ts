import type { DeliveryFilter, DeliveryPage } from '../inbox/contracts.ts'
import type { Inbox } from '../inbox/inbox.ts'
import { isNamed, NO_SUMMARY, type Summary, summaryOf } from './summary.ts'
import type { Listed } from './views.ts'

/** The lists of the API, the page and the commands: deliveries with what they are about, also by the student's name. */

export type ListedDelivery = Listed & Summary

/** The store's filter, and what it can't tell without reading payloads. */
export interface OperatorFilter extends DeliveryFilter {
  /** Words of the student's name, in any case, with or without accents. */
  name?: string
}

export interface DeliveryList {
  /** Newest first. */
  deliveries: ListedDelivery[]
  /** Where the following page begins; null at the end. */
  next: number | null
  /** Deliveries whose names were looked at; null: no name was sought. */
  searched: number | null
}

/** Deliveries read at once. */
const READ_AT_ONCE = 25
/** What is searched for one page: some 0.2 s of work, a little at a time. Deliveries, and bytes of their payloads. */
const MAX_SEARCHED = 5_000
const MAX_SEARCHED_BYTES = 16 * 1024 * 1024

type Reading = Pick<Inbox, 'browse' | 'payloads'>

/**
 * At most `limit` deliveries before acceptance number `before`, newest first. A search by name stops after some
 * thousand deliveries: a page may be short or empty without being the last.
 */
export async function listDeliveries(
  inbox: Reading,
  { name, ...filter }: OperatorFilter,
  limit: number,
  before?: number,
): Promise<DeliveryList> {
  if (name !== undefined) return search(inbox, { ...filter, name }, limit, before)
  const { deliveries, next } = await inbox.browse(filter, limit, before)
  return { deliveries: (await withSummaries(inbox, deliveries)).listed, next, searched: null }
}

async function search(
  inbox: Reading,
  { name, ...filter }: OperatorFilter & { name: string },
  limit: number,
  before?: number,
): Promise<DeliveryList> {
  const found: ListedDelivery[] = []
  let searched = 0
  let searchedBytes = 0
  let from = before
  for (;;) {
    const page = await inbox.browse(filter, READ_AT_ONCE, from)
    const { listed, bytes } = await withSummaries(inbox, page.deliveries)
    for (const delivery of listed) {
      searched++
      if (isNamed(delivery.student, name)) found.push(delivery)
      if (found.length < limit) continue
      const isLast = delivery.seq === page.deliveries.at(-1)?.seq
      return { deliveries: found, next: isLast ? page.next : delivery.seq, searched }
    }
    searchedBytes += bytes
    const isEnough = searched >= MAX_SEARCHED || searchedBytes >= MAX_SEARCHED_BYTES
    // A short page: the filter is searching on by itself.
    if (page.next === null || page.deliveries.length < READ_AT_ONCE || isEnough)
      return { deliveries: found, next: page.next, searched }
    from = page.next
  }
}

/** Those whose student has this name. */
export async function named(
  inbox: Pick<Inbox, 'payloads'>,
  deliveries: DeliveryPage['deliveries'],
  name: string,
): Promise<ListedDelivery[]> {
  return (await withSummaries(inbox, deliveries)).listed.filter(({ student }) => isNamed(student, name))
}

async function withSummaries(
  inbox: Pick<Inbox, 'payloads'>,
  deliveries: DeliveryPage['deliveries'],
): Promise<{ listed: ListedDelivery[]; bytes: number }> {
  let bytesRead = 0
  const byId = new Map(deliveries.map(delivery => [delivery.id, { ...delivery, ...NO_SUMMARY }]))
  for await (const { id, payload, bytes } of inbox.payloads([...byId.keys()])) {
    const delivery = byId.get(id) as ListedDelivery
    Object.assign(delivery, summaryOf(delivery, payload))
    bytesRead += bytes
  }
  return { listed: [...byId.values()], bytes: bytesRead }
}
