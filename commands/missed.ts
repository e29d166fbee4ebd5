import { setTimeout } from 'node:timers/promises'
import type { ChatwootClient, ChatwootConversation, ChatwootMessage } from '../clients/chatwoot.ts'
import type { EventPage, StripeClient } from '../clients/stripe.ts'
import { toConversation } from '../handlers/conversation.ts'
import type { Services } from '../handlers/services.ts'
import { stripeHandlers } from '../handlers/stripe.ts'
import { ALL_LANGUAGES } from '../handlers/texts/index.ts'
import { isSilent } from '../handlers/who-has-it.ts'
import { TransientError } from '../inbox/errors.ts'
import { utcTime } from '../inbox/utc-time.ts'
import { readConversation } from '../sources/chatwoot-payloads.ts'
import { asArray, type Json } from '../sources/json.ts'

/** Fetches from Stripe and Chatwoot what we may have missed. */

/** A webhook as its sender would send it. */
export interface Missed {
  source: 'chatwoot' | 'stripe'
  event: string
  /** For display: the event's id, or conversation and message. */
  what: string
  /** Unix ms. */
  at: number
  body: Json
}

/** Timeout per call, ms; the clients have shorter ones of their own. */
const CALL_MS = 30_000
/** Retries of a rate-limited call. */
const TIMES = 5

const INCOMING = 0
const ACTIVITY = 2

/** Stripe's events since a time (Unix ms) that have a handler, oldest first. */
export async function missedEvents(client: StripeClient, since: number): Promise<Missed[]> {
  // Only for the events' names: nothing is handled here.
  const types = Object.keys(stripeHandlers({} as Services))
  const events: Missed[] = []
  let page: EventPage
  let before: string | undefined
  do {
    page = await withRateLimitRetries(() => client.listEvents(types, since, AbortSignal.timeout(CALL_MS), before))
    for (const event of page.events) {
      const { type, id, created } = event
      events.push({ source: 'stripe', event: type, what: id, at: created * 1_000, body: { ...event } })
      before = id
    }
  } while (page.more && page.events.length > 0)
  return events.reverse()
}

/**
 * The last messages, since a time (Unix ms), of conversations that wait for the bot; oldest first.
 * @param handoffMs so long after a person's last message the bot has a conversation again
 */
export async function missedMessages(client: ChatwootClient, since: number, handoffMs: number): Promise<Missed[]> {
  const messages: Missed[] = []
  for (const conversation of await activeSince(client, since)) {
    const current = toConversation(readConversation(conversation, 'conversation'), { tutor: ALL_LANGUAGES })
    if (isSilent(current, { now: Date.now, handoffMs })) continue
    const message = await lastPublic(client, conversation)
    const event = message && eventOf(message)
    if (message === undefined || event === undefined) continue
    const at = (message.created_at ?? 0) * 1_000
    // A choice in the web widget updates the bot's question, which may be older.
    if (event === 'message_created' && at < since) continue
    const what = `conversation ${conversation.id}, message ${message.id}`
    messages.push({ source: 'chatwoot', event, what, at, body: webhookOf(client, conversation, message, event) })
  }
  return messages.sort((one, other) => one.at - other.at)
}

async function activeSince(client: ChatwootClient, since: number): Promise<ChatwootConversation[]> {
  const found = new Map<number, ChatwootConversation>()
  for (const status of ['pending', 'open'] as const) {
    for (let page = 1; ; page++) {
      const listed = await withRateLimitRetries(() =>
        client.listConversations(status, page, AbortSignal.timeout(CALL_MS)),
      )
      const active = listed.filter(
        ({ id, last_activity_at = 0 }) => last_activity_at * 1_000 >= since && !found.has(id),
      )
      for (const conversation of active) found.set(conversation.id, conversation)
      // Latest activity first; a conversation that moved between two pages appears twice.
      if (active.length === 0) break
    }
  }
  return [...found.values()]
}

/** The last message that the student wrote or can see. */
async function lastPublic(
  client: ChatwootClient,
  { id, last_non_activity_message: last }: ChatwootConversation,
): Promise<ChatwootMessage | undefined> {
  if (!last?.private) return last ?? undefined
  const messages = await withRateLimitRetries(() => client.listMessages(`${id}`, AbortSignal.timeout(CALL_MS)))
  return messages.findLast(({ private: isPrivate, message_type }) => !isPrivate && message_type !== ACTIVITY)
}

/** The event of a message that waits for an answer; undefined if it doesn't. */
function eventOf({ message_type, content_attributes }: ChatwootMessage): string | undefined {
  if (message_type === INCOMING) return 'message_created'
  return asArray(content_attributes?.submitted_values).length > 0 ? 'message_updated' : undefined
}

/** The webhook's body: what is read of it, with the same key as the real one. */
function webhookOf(
  { accountId }: ChatwootClient,
  { last_non_activity_message: _, ...conversation }: ChatwootConversation,
  message: ChatwootMessage,
  event: string,
): Json {
  const { id, content = null, content_type = 'text', content_attributes, created_at = 0, attachments } = message
  const incoming = message.message_type === INCOMING
  return {
    account: { id: Number(accountId) },
    content_attributes: content_attributes ?? {},
    content_type,
    content,
    conversation: { ...conversation, messages: [] },
    created_at: utcTime(created_at * 1_000),
    id,
    inbox: { id: conversation.inbox_id },
    message_type: incoming ? 'incoming' : 'outgoing',
    private: false,
    sender: incoming ? conversation.meta.sender : null,
    ...(attachments && { attachments }),
    event,
  }
}

/** Retries a rate-limited call (429) when it may. @param left retries */
export async function withRateLimitRetries<T>(call: () => Promise<T>, left = TIMES): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof TransientError) || error.retryAfterMs === 0 || left === 0) throw error
    await setTimeout(error.retryAfterMs)
    return withRateLimitRetries(call, left - 1)
  }
}
