import type { ChatwootClient } from '../clients/chatwoot.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import type { Delivery } from '../inbox/contracts.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { utcTime } from '../inbox/utc-time.ts'
import type { ChatwootConversationEvent, ChatwootMessage } from '../sources/chatwoot-payloads.ts'
import { type Conversation, fetchConversation, fetchIfAllowed, toConversation } from './conversation.ts'
import { occurredAt } from './occurred-at.ts'
import { publish, type Reply } from './reply.ts'
import type { Services } from './services.ts'
import { endWaiting } from './unanswered.ts'
import { isSwitchedOff, whoHas } from './who-has-it.ts'

/** A person writes to a student, and so has the conversation, until it goes back to the bot. */

/** The time of a person's last message is written down no more often than this, ms. */
const NOTED_EVERY_MS = 10 * 60_000

/** A person has written to the student: marks the conversation and opens it. No call where that is known. */
export async function takeOver(
  services: Services,
  client: ChatwootClient,
  delivery: Delivery<ChatwootMessage>,
  context: HandlerContext,
): Promise<void> {
  const { id, payload, receivedAt } = delivery
  const told = toConversation(payload.conversation, services)
  const { attributes, status, personWroteAt } = told
  const at = occurredAt(payload) ?? receivedAt
  await endWaiting(client, told.id, context)
  const isKnown = personWroteAt !== undefined && at - personWroteAt < NOTED_EVERY_MS && status !== 'pending'
  if (isSwitchedOff(attributes) || isKnown) return
  const current = await fetchIfAllowed(client, told, context.signal, services)
  // Given back between the person's message and its handling.
  if (status === 'open' && (current.status === 'pending' || current.status === 'resolved')) return
  // What a student writes next answers the person.
  const ended = told.attributes.my_lesson == null ? {} : { my_lesson: null }
  const reply = { attributes: { person_wrote_at: utcTime(at), ...ended }, labels: { add: ['intent:handoff'] } }
  // What may not be read can't be marked.
  if (current.read !== undefined) await publish(services, client, current, reply, `${id}:taken`, context)
  // Where it was pending, open is the sign for a person.
  if (current.status === 'pending') await client.setStatus(told.id, 'open', context.signal)
}

/**
 * A student has written where a person has the conversation whatever its status: switched off, or a team's. Pending it is
 * in nobody's queue, so it is opened. Without a mode nobody knows what pending means.
 */
export async function openForPerson(
  services: Services,
  client: ChatwootClient,
  told: Conversation,
  { signal, log }: HandlerContext,
): Promise<void> {
  if (services.mode === undefined || told.status !== 'pending') return
  try {
    const current = told.read === undefined ? await fetchIfAllowed(client, told, signal, services) : told
    const isPersons = whoHas(current, services) === 'person'
    if (isPersons && current.status === 'pending') await client.setStatus(told.id, 'open', signal)
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError)) throw error
    log.warn({ err: error }, 'a conversation that a person has was not opened')
  }
}

/** A conversation is resolved: whoever had it is done. One that is pending again is the bot's. */
export async function giveBack(
  services: Services,
  client: ChatwootClient,
  { id, payload }: Delivery<ChatwootConversationEvent>,
  context: HandlerContext,
): Promise<void> {
  const { personWroteAt, isHandedOver, ...told } = toConversation(payload, services)
  const isOver = payload.status === 'resolved' || payload.status === 'pending'
  if (isOver && isHandedOver) await endWaiting(client, told.id, context)
  if (payload.status !== 'resolved' || (personWroteAt === undefined && !isHandedOver)) return
  const current = await fetchConversation(client, told.id, context.signal, services)
  await publish(services, client, current, withoutPerson(current, {}), `${id}:given-back`, context)
  // Else the next message opens it with that person, who would have it again.
  if (services.mode === 'account' && current.assigned) await client.assign(told.id, null, context.signal)
}

/** Adds to the bot's reply that the conversation is not a person's any more. */
export function withoutPerson({ isHandedOver, personWroteAt, status }: Conversation, reply: Reply): Reply {
  const { handsOver = false, attributes, labels } = reply
  // Open and silent for long: the mark stays, as what tells that a person's part has ended.
  const isUnmarked = personWroteAt !== undefined && (status !== 'open' || handsOver)
  const isUnlabelled = isHandedOver && !handsOver
  return {
    ...reply,
    ...(isUnmarked && { attributes: { ...attributes, person_wrote_at: null } }),
    ...(isUnlabelled && { labels: { ...labels, remove: [...(labels?.remove ?? []), 'intent:handoff'] } }),
  }
}
