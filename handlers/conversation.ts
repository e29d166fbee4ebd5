import type { ChatwootConversation as ApiConversation, ChatwootClient } from '../clients/chatwoot.ts'
import { ChatwootRefusedError, isForbidden } from '../clients/chatwoot-api.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { type ChatwootConversation, readConversation } from '../sources/chatwoot-payloads.ts'
import { asObject, type Json } from '../sources/json.ts'
import { type LanguageCode, languageOf, type OfferedLanguages } from './texts/index.ts'
import { parseTime } from './times.ts'

/** Whose languages are offered: `Services`. */
interface OfferedBy {
  tutor: OfferedLanguages
}

/** The parts of a conversation that the bot uses. */
export interface Conversation {
  /** The display id, which the API takes. */
  id: string
  attributes: Json
  contactId: string | undefined
  contactName: string
  /** undefined: none, or not one that could be written to. */
  contactEmail: string | undefined
  contactAttributes: Json
  /** The website has proven who the contact is, by a signature: not what a visitor has typed. */
  isVerified: boolean
  language: LanguageCode
  /** Such as `Channel::Whatsapp`; null: not said. */
  channel: string | null
  /** false: its channel takes templates only (WhatsApp, 24 hours after the student's last message). */
  canReply: boolean
  /** `pending`: it is the bot's turn. */
  status: string
  /** Assigned to a person. */
  assigned: boolean
  /** A team has it. */
  hasTeam: boolean
  /** Labelled as handed over to a person. */
  isHandedOver: boolean
  /** When a person last wrote to the student, Unix ms; undefined: no person has, or the bot has it again. */
  personWroteAt: number | undefined
  /** A lesson is to come that the attributes do not name. Absent: not known. */
  isLessonAhead?: boolean
  /** As Chatwoot's API gave it, if it was read: what is written back need not be read again. */
  read?: ApiConversation
}

export function toConversation(conversation: ChatwootConversation, { tutor }: OfferedBy): Conversation {
  const { id, custom_attributes, additional_attributes, meta, status, labels, channel, can_reply } = conversation
  const { contact_inbox } = conversation
  const contact = meta.sender
  const contactAttributes = contact?.custom_attributes ?? {}
  return {
    id: String(id),
    attributes: custom_attributes,
    contactId: contact === null ? undefined : String(contact.id),
    contactName: contact?.name ?? '',
    contactEmail: addressIn(contact?.email),
    contactAttributes,
    isVerified: meta.hmac_verified || contact_inbox.hmac_verified,
    language: languageOf(contactAttributes, additional_attributes, custom_attributes, tutor),
    channel: channel ?? meta.channel,
    canReply: can_reply,
    status,
    // Bots can be assignees too ('AgentBot', 'Captain::Assistant'); versions without assignee_type say `agent_bot`.
    assigned:
      meta.assignee !== null &&
      (meta.assignee_type ?? 'User') === 'User' &&
      asObject(meta.assignee).type !== 'agent_bot',
    hasTeam: meta.team !== null,
    isHandedOver: labels.includes('intent:handoff'),
    personWroteAt: parseTime(custom_attributes.person_wrote_at),
  }
}

/** Longer ones there are not (RFC 5321, 4.5.3.1.3). */
const MAX_ADDRESS = 254

function addressIn(text: string | null | undefined): string | undefined {
  const address = text?.trim() ?? ''
  return address.length <= MAX_ADDRESS && /^[^\s@<>(),:;"\\[\]]+@[\w-]+(\.[\w-]+)+$/.test(address) ? address : undefined
}

/** The conversation's current state. */
export async function fetchConversation(
  client: ChatwootClient,
  id: string,
  signal: AbortSignal,
  services: OfferedBy,
): Promise<Conversation> {
  const read = await client.getConversation(id, signal)
  return { ...toConversation(readConversation(read, 'conversation'), services), read }
}

/** null: Chatwoot has no such conversation (any more). */
export async function fetchIfThere(
  client: ChatwootClient,
  id: string,
  signal: AbortSignal,
  services: OfferedBy,
): Promise<Conversation | null> {
  try {
    return await fetchConversation(client, id, signal, services)
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError) || error.status !== 404) throw error
    return null
  }
}

/** Where the token may not read a conversation (a bot's, before Chatwoot's PR 14655), it is as the event told it. */
export async function fetchIfAllowed(
  client: ChatwootClient,
  told: Conversation,
  signal: AbortSignal,
  services: OfferedBy,
) {
  try {
    return await fetchConversation(client, told.id, signal, services)
  } catch (error) {
    if (!isForbidden(error)) throw error
    return told
  }
}

/** For a hand-over, which must not depend on being able to read. */
export async function fetchIfPossible(
  client: ChatwootClient,
  told: Conversation,
  { signal, log }: HandlerContext,
  services: OfferedBy,
) {
  try {
    return await fetchIfAllowed(client, told, signal, services)
  } catch (error) {
    // Chatwoot says that it is not there.
    if (error instanceof ChatwootRefusedError) throw error
    log.info({ err: error }, 'the conversation can’t be read: it is taken to be as the webhook told')
    return told
  }
}

/** Whether an order is the conversation's current one, or no other is in progress. */
export function isOrderCurrent({ attributes }: Conversation, order: string): boolean {
  const { order_id, checkout_session, pending_intent } = attributes
  return order_id === order || (checkout_session == null && pending_intent !== 'pay' && pending_intent !== 'rebook')
}

/** Sets a contact's attributes. A bot's token may not: logs that instead of failing. */
export async function updateContact(
  client: ChatwootClient,
  contact: string,
  attributes: Json,
  { signal, log }: HandlerContext,
): Promise<void> {
  try {
    await client.updateContact(contact, attributes, signal)
  } catch (error) {
    if (!isForbidden(error)) throw error
    log.warn({ err: error }, 'contact not updated: set CW_ADMIN_TOKEN to an administrator’s token')
  }
}
