import type { HistoryEntry, StoredDelivery } from '../inbox/contracts.ts'
import { utcTime } from '../inbox/utc-time.ts'

/** Deliveries as shown by the API, the page and the commands. */

export type Listed = Omit<StoredDelivery, 'payload'>

export interface DeliveryView {
  id: string
  state: StoredDelivery['state']
  /** A handler is running, or its process died meanwhile. */
  inFlight: boolean
  source: string
  event: string
  key: string
  orderingKey: string
  attempts: number
  error: string | null
  /** Times in ISO 8601. */
  receivedAt: string
  settledAt: string | null
  nextAttemptAt: string | null
}

export function viewOf(delivery: Listed): DeliveryView {
  const { id, state, startedAt, source, event, key, orderingKey, attempts, error } = delivery
  return {
    id,
    state,
    inFlight: startedAt !== null,
    source,
    event,
    key,
    orderingKey,
    attempts,
    error,
    receivedAt: utcTime(delivery.receivedAt),
    settledAt: isoOrNull(delivery.settledAt),
    nextAttemptAt: isoOrNull(delivery.nextAttemptAt),
  }
}

export interface TimelineEntry {
  at: string
  what: 'accepted' | 'scheduled' | HistoryEntry['what'] | 'started' | 'done' | 'due'
  attempt: number | null
  /** The attempt's duration, ms. */
  ms: number | null
  detail: string | null
}

/** A delivery's history, from acceptance to the next attempt. */
export function timelineOf(delivery: Listed, history: readonly HistoryEntry[]): TimelineEntry[] {
  const plain = (what: TimelineEntry['what'], at: number, detail: string | null = null): TimelineEntry => ({
    at: utcTime(at),
    what,
    attempt: null,
    ms: null,
    detail,
  })
  const { state, attempts, startedAt, nextAttemptAt } = delivery
  const timeline = [plain(state === 'scheduled' ? 'scheduled' : 'accepted', delivery.receivedAt)]
  // An unreadable delivery is dead from the start.
  if (attempts === 0 && delivery.error !== null && state === 'dead') {
    timeline.push(plain('dead', delivery.receivedAt, delivery.error))
  }
  for (const { what, at, attempt, startedAt: begunAt, detail } of history) {
    timeline.push({ at: utcTime(at), what, attempt, ms: begunAt === null ? null : at - begunAt, detail })
  }
  if (state === 'done') {
    timeline.push({ ...plain('done', delivery.settledAt as number), attempt: attempts })
  }
  if (startedAt !== null) timeline.push({ ...plain('started', startedAt), attempt: attempts })
  else if (nextAttemptAt !== null) timeline.push(plain('due', nextAttemptAt))
  return timeline
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : utcTime(at)
}
