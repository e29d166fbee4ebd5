import { isDeepStrictEqual } from 'node:util'
import type { ChatwootClient, MenuItem } from '../clients/chatwoot.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { Json } from '../sources/json.ts'
import { type Conversation, fetchConversation, isSilent, updateContact } from './conversation.ts'
import type { Services } from './services.ts'

/** Everything that is done in Chatwoot as the outcome of one delivery. */
export interface Reply {
  /** Attributes of the conversation to set; null deletes one's value. */
  attributes?: Json
  /** Attributes of the contact to set. */
  contact?: Json
  labels?: { add?: string[]; remove?: string[] }
  /** For the tutor: a private note. */
  note?: string
  /** For the student. */
  content?: string
  items?: MenuItem[]
  /** A human goes on from here. */
  handsOver?: boolean
  /** Where the dialogue was when this was decided: if it is elsewhere by now, only the note is made. */
  since?: DialogueState
}

/** The attributes that say where a dialogue is. */
const STATE = ['pending_intent', 'offered_slots', 'order_id', 'checkout_session'] as const
type DialogueState = Record<(typeof STATE)[number], unknown>

export function stateOf({ attributes }: { attributes: Json }): DialogueState {
  return Object.fromEntries(STATE.map(name => [name, attributes[name] ?? null])) as DialogueState
}

/** Neither where it was, nor where the reply has brought it in an earlier attempt. */
function hasGoneOn(current: Conversation, { since, attributes }: Reply): boolean {
  const ends = [since, stateOf({ attributes: { ...since, ...attributes } })]
  return !ends.some(end => isDeepStrictEqual(end, stateOf(current)))
}

/** Where the bot has to keep silent, the tutor reads what it would have said. */
export function forSilence(conversation: Conversation, reply: Reply): Reply {
  const { content, items: _, note, handsOver: __, ...rest } = reply
  if (!isSilent(conversation) || content === undefined) return reply
  const unsaid = `TutorBot is silent here, and has not told the student: "${content}"`
  return { ...rest, note: note === undefined ? unsaid : `${note}\n${unsaid}` }
}

/**
 * Decides on a reply and carries it out, once for its key: Stripe may tell of one fact in several events, and an old one
 * must not undo what has happened since.
 */
export async function replyOnce(
  services: Services,
  client: ChatwootClient,
  conversation: Conversation,
  key: string,
  context: HandlerContext,
  decide: () => Promise<Reply | null> | Reply | null,
): Promise<void> {
  await context.once(`${key}:done`, async () => {
    const reply = await context.once(`${key}:reply`, decide)
    if (reply !== null) await publish(services, client, conversation, reply, key, context)
  })
}

/**
 * Carries out a reply. It can be repeated from the start: attributes and labels are merged, notes and messages carry a
 * marker. What the student reads comes after what it relies on.
 * @param key tells this reply from every other
 */
export async function publish(
  services: Services,
  client: ChatwootClient,
  { id, contactId }: Conversation,
  reply: Reply,
  key: string,
  context: HandlerContext,
): Promise<void> {
  const isPassed = reply.since !== undefined && hasGoneOn(await fetchConversation(client, id, context.signal), reply)
  const { attributes, contact, labels, note, content, items, handsOver } = isPassed ? { note: reply.note } : reply
  if (attributes !== undefined) await client.mergeAttributes(id, attributes, context.signal)
  if (contact !== undefined && contactId !== undefined) await updateIfThere(client, contactId, contact, context)
  if (labels !== undefined) await client.changeLabels(id, labels, context.signal)
  if (note !== undefined) await sayOnce(client, 'sendPrivateNote', id, { content: note }, `${key}:note`, context)
  if (content !== undefined) await sayOnce(client, 'sendMessage', id, { content, items }, `${key}:message`, context)
  if (handsOver) await handOver(services, client, id, key, context)
}

/** A contact may be merged or deleted at any moment: nothing else that is done must fail for it. */
async function updateIfThere(client: ChatwootClient, id: string, attributes: Json, context: HandlerContext) {
  try {
    await updateContact(client, id, attributes, context)
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError)) throw error
    context.log.warn({ err: error }, 'the contact is not updated: Chatwoot refuses')
  }
}

/** Says something once for its key, to the student or (`sendPrivateNote`) to the agents. */
export async function sayOnce(
  client: ChatwootClient,
  how: 'sendMessage' | 'sendPrivateNote',
  conversation: string,
  { content, items }: { content: string; items?: MenuItem[] | undefined },
  key: string,
  { signal, once }: HandlerContext,
): Promise<void> {
  await once(key, async () => {
    // An earlier attempt may have sent it, and died before it could record that.
    if (await client.wasSent(conversation, key, signal)) return
    await client[how](conversation, content, signal, { items, marker: key })
  })
}

/** Gives a conversation to a human. @param key tells this hand-over from every other */
export async function handOver(
  { handoffAgentId }: Services,
  client: ChatwootClient,
  conversation: string,
  key: string,
  { signal, once }: HandlerContext,
): Promise<void> {
  // Asked first, and once: Chatwoot assigns a conversation to the agent whose token opens it.
  const assigned = await once(`${key}:assigned`, async () => {
    return (await fetchConversation(client, conversation, signal)).assigned
  })
  await client.setStatus(conversation, 'open', signal)
  await client.changeLabels(conversation, { add: ['intent:handoff'] }, signal)
  if (handoffAgentId !== undefined && !assigned) await client.assign(conversation, handoffAgentId, signal)
}
