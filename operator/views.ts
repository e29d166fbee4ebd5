import type { HistoryEntry, StoredDelivery } from '../inbox/contracts.ts'
import { traceIdOf } from '../inbox/tracing.ts'
import { utcTime } from '../inbox/utc-time.ts'
import { conversationOfKey } from '../sources/keys.ts'
import { conversationUrl } from './conversation-url.ts'
import type { ListedDelivery } from './listing.ts'
import { summaryOf } from './summary.ts'

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
  /** Chatwoot's display id of the conversation; null: it is of none. */
  conversation: string | null
  /** The conversation in Chatwoot; null: there is none, or CW_URL is not set. */
  conversationUrl: string | null
  /** The student's name; null: not known, or deleted. */
  student: string | null
  /** The first words of the message, after the writer's name if that is not the student; of a payment its amount. */
  words: string | null
  attempts: number
  error: string | null
  /** What the error is grouped by; null: nothing has failed. */
  cause: string | null
  /** Its trace; null: traces were off, or it is not recorded. */
  traceId: string | null
  /** Times in ISO 8601. */
  receivedAt: string
  settledAt: string | null
  nextAttemptAt: string | null
}

/** @param chatwootUrl Chatwoot's base URL, to link to it */
export function viewOf(delivery: ListedDelivery, chatwootUrl: string | undefined): DeliveryView {
  const { id, state, startedAt, source, event, key, orderingKey, student, words, attempts, error, cause } = delivery
  const conversation = conversationOfKey(orderingKey)
  return {
    id,
    state,
    inFlight: startedAt !== null,
    source,
    event,
    key,
    orderingKey,
    conversation: conversation.id ?? null,
    conversationUrl: conversationUrl({ url: chatwootUrl, accountId: conversation.account }, conversation.id),
    student,
    words,
    attempts,
    error,
    cause,
    traceId: traceIdOf(delivery.trace),
    receivedAt: utcTime(delivery.receivedAt),
    settledAt: isoOrNull(delivery.settledAt),
    nextAttemptAt: isoOrNull(delivery.nextAttemptAt),
  }
}

/** The same of one delivery, read with its payload. */
export function viewOfOne({ payload, ...delivery }: StoredDelivery, chatwootUrl: string | undefined): DeliveryView {
  return viewOf({ ...delivery, ...summaryOf(delivery, payload) }, chatwootUrl)
}

export interface TimelineEntry {
  at: string
  what: 'accepted' | 'scheduled' | 'refused' | HistoryEntry['what'] | 'started' | 'done' | 'due'
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
  if (state === 'quarantined') {
    const { receivedAt, settledAt, error } = delivery
    const again = settledAt === null ? [] : [{ ...plain('refused', settledAt, error), attempt: attempts }]
    return [plain('refused', receivedAt, settledAt === null ? error : null), ...again]
  }
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
