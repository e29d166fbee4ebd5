import type { ChatwootClient } from '../clients/chatwoot.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { type ChatwootConversation, readConversation } from '../sources/chatwoot-payloads.ts'
import type { Json } from '../sources/json.ts'
import { type LanguageCode, languageOf } from './texts/index.ts'

/** A conversation, as far as the bot looks at it. */
export interface Conversation {
  /** The display id, which the API takes. */
  id: string
  attributes: Json
  contactId: string | undefined
  contactName: string
  contactAttributes: Json
  language: LanguageCode
  /** A human has it. */
  assigned: boolean
  /** It is open, and the bot has asked for a human. */
  awaitsHuman: boolean
}

/** What the bot looks at, of an event or from the API. */
export function conversationOf(conversation: ChatwootConversation): Conversation {
  const { id, custom_attributes, additional_attributes, meta, status, labels } = conversation
  const contact = meta.sender
  const contactAttributes = contact?.custom_attributes ?? {}
  return {
    id: String(id),
    attributes: custom_attributes,
    contactId: contact === null ? undefined : String(contact.id),
    contactName: contact?.name ?? '',
    contactAttributes,
    language: languageOf(contactAttributes, additional_attributes),
    // A bot can be the assignee too ('AgentBot', 'Captain::Assistant'); versions without assignee_type name humans only.
    assigned: meta.assignee !== null && (meta.assignee_type ?? 'User') === 'User',
    awaitsHuman: status === 'open' && labels.includes('intent:handoff'),
  }
}

/** The conversation as it is now. */
export async function fetchConversation(
  client: ChatwootClient,
  id: string,
  signal: AbortSignal,
): Promise<Conversation> {
  return conversationOf(readConversation(await client.getConversation(id, signal), 'conversation'))
}

/** A person may have made the attribute a text. */
export function isSwitchedOff({ bot_disabled }: Json): boolean {
  return bot_disabled === true || bot_disabled === 'true'
}

/** Whether the bot keeps out: it is switched off here, or a human has the conversation or was asked to take it. */
export function isSilent({ attributes, assigned, awaitsHuman }: Conversation): boolean {
  return isSwitchedOff(attributes) || assigned || awaitsHuman
}

/** Whether an order is the conversation's current one, or there is none that waits for something. */
export function isUndisturbed({ attributes }: Conversation, order: string): boolean {
  const { order_id, checkout_session, pending_intent } = attributes
  return order_id === order || (checkout_session == null && pending_intent !== 'pay' && pending_intent !== 'rebook')
}

/** Sets attributes of a contact. A bot's token may not: that is said, and nothing else fails for it. */
export async function updateContact(
  client: ChatwootClient,
  contact: string,
  attributes: Json,
  { signal, log }: HandlerContext,
): Promise<void> {
  try {
    await client.updateContact(contact, attributes, signal)
  } catch (error) {
    if (!(error instanceof ChatwootRefusedError) || ![401, 403].includes(error.status)) throw error
    log.warn({ err: error }, 'the contact is not updated: set CW_ADMIN_TOKEN, an administrator’s token')
  }
}
