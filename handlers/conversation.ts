import type { ChatwootClient, ChatwootConversation } from '../clients/chatwoot.ts'
import { ChatwootRefusedError } from '../clients/chatwoot-api.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asArray, asId, asObject, asText, type Json } from './payload.ts'
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

/** From an event or from the API, which have the same shape here. @throws {PermanentError} if it has no id */
export function conversationOf(conversation: Json | ChatwootConversation): Conversation {
  const id = asId(conversation.id)
  if (id === undefined) throw new PermanentError('The conversation has no id')
  const meta = asObject(conversation.meta)
  const contact = asObject(meta.sender)
  const contactAttributes = asObject(contact.custom_attributes)
  return {
    id,
    attributes: asObject(conversation.custom_attributes),
    contactId: asId(contact.id),
    contactName: asText(contact.name) ?? '',
    contactAttributes,
    language: languageOf(contactAttributes, asObject(conversation.additional_attributes)),
    // A bot can be the assignee too ('AgentBot', 'Captain::Assistant'); versions without assignee_type name humans only.
    assigned: asId(asObject(meta.assignee).id) !== undefined && (meta.assignee_type ?? 'User') === 'User',
    awaitsHuman: conversation.status === 'open' && asArray(conversation.labels).includes('intent:handoff'),
  }
}

/** The conversation as it is now. */
export async function readConversation(client: ChatwootClient, id: string, signal: AbortSignal): Promise<Conversation> {
  return conversationOf(await client.getConversation(id, signal))
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
