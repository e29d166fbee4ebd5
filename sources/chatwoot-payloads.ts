import type { Payload } from '../inbox/contracts.ts'
import {
  attributes,
  listOf,
  numberOrNull,
  numericId,
  numericIdOrNull,
  objectOf,
  type Read,
  text,
  textOrNull,
  withIdOrNull,
  yesOrNo,
} from './read.ts'

/** Chatwoot's payloads by event, as the serializers of 4.15 and 4.16 write them. */

export type ChatwootAttributes = Record<string, unknown>

/** An account or an inbox, as events refer to it. */
export interface ChatwootReference {
  id: number
  name: string
}

/** A student. */
export interface ChatwootContact {
  id: number
  name: string
  email: string | null
  /** E.164, such as `+31612345678`. */
  phone_number: string | null
  /** The website's own id for the user. */
  identifier: string | null
  custom_attributes: ChatwootAttributes
  /** `city`, `country`, `browser_language` and more. */
  additional_attributes: ChatwootAttributes
  blocked: boolean
}

/** Who wrote a message: a contact has no `type` or `contact`, an agent has `user`, a bot `agent_bot`. */
export interface ChatwootSender {
  id: number
  name: string
  type: string | null
  custom_attributes: ChatwootAttributes
}

export interface ChatwootConversation {
  /** The display id, which the API takes: unique in its account only. */
  id: number
  inbox_id: number | null
  /** `open`, `pending` (a bot has it), `resolved` or `snoozed`. */
  status: string
  /** Such as `Channel::Whatsapp`, `Channel::WebWidget`, `Channel::Api`. */
  channel: string | null
  /** false: the channel takes no message now, but for templates. true also where nothing is said. */
  can_reply: boolean
  labels: string[]
  priority: string | null
  custom_attributes: ChatwootAttributes
  /** From the web widget: `browser_language` and more. */
  additional_attributes: ChatwootAttributes
  unread_count: number | null
  /** Unix s. */
  created_at: number | null
  /** Unix s since when somebody has been waiting for a reply; 0 or null: nobody. */
  waiting_since: number | null
  meta: {
    sender: ChatwootContact | null
    assignee: ChatwootReference | null
    /** `User`, or a bot: `AgentBot`, `Captain::Assistant`. null also if the version does not say. */
    assignee_type: string | null
    team: ChatwootReference | null
    /** Some versions put it here instead. */
    channel: string | null
    /** The website has proven who the contact is, by a signature. */
    hmac_verified: boolean
  }
  /** In events. */
  contact_inbox: { hmac_verified: boolean }
}

/** A choice has a title, a form field a name. */
export interface ChatwootSubmittedValue {
  title: string | null
  name: string | null
  value: unknown
}

export interface ChatwootMessage {
  /** Unique in an installation. */
  id: number
  /** null if there are only attachments. */
  content: string | null
  /** `text`, `input_select`, `form`, `cards`, … */
  content_type: string
  content_attributes: {
    /** The choice made in the web widget. */
    submitted_values: ChatwootSubmittedValue[]
    is_reaction: boolean
    /** `story_mention`: an Instagram story. */
    image_type: string | null
    /** `auto_reply`: written by a machine. */
    email: ChatwootAttributes
  }
  /** `incoming`: a contact's. `outgoing`: an agent's or a bot's. `template`: one of Chatwoot's own. */
  message_type: string
  /** A note that only agents see. */
  private: boolean
  /** ISO 8601. */
  created_at: string | number | null
  /** The id of the message at WhatsApp, Telegram, … */
  source_id: string | null
  account: ChatwootReference | null
  inbox: ChatwootReference | null
  sender: ChatwootSender | null
  conversation: ChatwootConversation
  attachments: {
    /** `image`, `audio`, `video`, `file`, `location`, … */
    file_type: string | null
    data_url: string | null
    /** What is said in a voice message, where Chatwoot writes it down: some seconds later, in an update. */
    transcribed_text: string | null
  }[]
}

/** What changed, by name: `{ label_list: { previous_value, current_value } }`. */
export type ChatwootChange = Record<string, unknown>

export interface ChatwootConversationEvent extends ChatwootConversation {
  /** From Chatwoot 4.14.2 on. */
  account: ChatwootReference | null
  changed_attributes: ChatwootChange[]
}

export interface ChatwootContactEvent extends ChatwootContact {
  account: ChatwootReference | null
  changed_attributes: ChatwootChange[]
}

/** The web widget was opened. */
export interface ChatwootWidgetEvent {
  account: ChatwootReference | null
  inbox: ChatwootReference | null
  contact: ChatwootContact | null
  /** null: nothing written yet. */
  current_conversation: ChatwootConversation | null
}

/** Somebody is typing; the event has no id. */
export interface ChatwootTypingEvent {
  conversation: ChatwootConversation
  user: ChatwootSender | null
  is_private: boolean
}

/** Other fields depend on the channel. */
export interface ChatwootInboxEvent {
  id: number | null
  name: string
  account: ChatwootReference | null
}

/** Payloads by event. */
export interface ChatwootPayloads {
  message_created: ChatwootMessage
  message_updated: ChatwootMessage
  conversation_created: ChatwootConversationEvent
  conversation_updated: ChatwootConversationEvent
  conversation_status_changed: ChatwootConversationEvent
  conversation_opened: ChatwootConversationEvent
  conversation_resolved: ChatwootConversationEvent
  conversation_typing_on: ChatwootTypingEvent
  conversation_typing_off: ChatwootTypingEvent
  contact_created: ChatwootContactEvent
  contact_updated: ChatwootContactEvent
  webwidget_triggered: ChatwootWidgetEvent
  inbox_created: ChatwootInboxEvent
  inbox_updated: ChatwootInboxEvent
  /** Webhooks of macros and automation rules: never signed. */
  'macro.executed': ChatwootConversationEvent
  'automation_event.conversation_created': ChatwootConversationEvent
  'automation_event.conversation_updated': ChatwootConversationEvent
  'automation_event.conversation_opened': ChatwootConversationEvent
  'automation_event.conversation_resolved': ChatwootConversationEvent
  'automation_event.message_created': ChatwootConversationEvent
}

const REFERENCE = { id: numericId, name: text }
const reference = withIdOrNull<ChatwootReference>(REFERENCE)

const CONTACT = {
  id: numericId,
  name: text,
  email: textOrNull,
  phone_number: textOrNull,
  identifier: textOrNull,
  custom_attributes: attributes,
  additional_attributes: attributes,
  blocked: yesOrNo,
}
const contact = withIdOrNull<ChatwootContact>(CONTACT)

const sender = withIdOrNull<ChatwootSender>({
  id: numericId,
  name: text,
  type: textOrNull,
  custom_attributes: attributes,
})

const CONVERSATION = {
  id: numericId,
  inbox_id: numericIdOrNull,
  status: text,
  channel: textOrNull,
  can_reply: (value: unknown) => value !== false,
  labels: listOf(text),
  priority: textOrNull,
  custom_attributes: attributes,
  additional_attributes: attributes,
  unread_count: numberOrNull,
  created_at: numberOrNull,
  waiting_since: numberOrNull,
  meta: objectOf<ChatwootConversation['meta']>({
    sender: contact,
    assignee: reference,
    assignee_type: textOrNull,
    team: reference,
    channel: textOrNull,
    hmac_verified: yesOrNo,
  }),
  contact_inbox: objectOf<ChatwootConversation['contact_inbox']>({ hmac_verified: yesOrNo }),
}

/** A conversation, the same in events and the API. @throws {PermanentError} if it has no id */
export const readConversation: Read<ChatwootConversation> = objectOf<ChatwootConversation>(CONVERSATION)

/** Values submitted in the web widget. */
export const readSubmittedValues = listOf(
  objectOf<ChatwootSubmittedValue>({ title: textOrNull, name: textOrNull, value: value => value }),
)

/** One submitted value: `{title, value}` of a choice, `{name, value}` of a form. */
export function choiceOf({ title, name, value }: ChatwootSubmittedValue): { title: string; value: string } {
  return { title: title || name || '', value: typeof value === 'object' ? '' : String(value ?? '') }
}

const message = objectOf<ChatwootMessage>({
  id: numericId,
  content: textOrNull,
  content_type: text,
  content_attributes: objectOf<ChatwootMessage['content_attributes']>({
    submitted_values: readSubmittedValues,
    is_reaction: yesOrNo,
    image_type: textOrNull,
    email: attributes,
  }),
  message_type: text,
  private: yesOrNo,
  created_at: value => (typeof value === 'number' ? value : textOrNull(value, '')),
  source_id: textOrNull,
  account: reference,
  inbox: reference,
  sender,
  conversation: readConversation,
  attachments: listOf(
    objectOf<ChatwootMessage['attachments'][number]>({
      file_type: textOrNull,
      data_url: textOrNull,
      transcribed_text: textOrNull,
    }),
  ),
})

const EVENT = { account: reference, changed_attributes: listOf(attributes) }
const conversationEvent = objectOf<ChatwootConversationEvent>({ ...CONVERSATION, ...EVENT })
const contactEvent = objectOf<ChatwootContactEvent>({ ...CONTACT, ...EVENT })
const typingEvent = objectOf<ChatwootTypingEvent>({ conversation: readConversation, user: sender, is_private: yesOrNo })
const inboxEvent = objectOf<ChatwootInboxEvent>({ id: numericIdOrNull, name: text, account: reference })

const READERS: { [Event in keyof ChatwootPayloads]: Read<ChatwootPayloads[Event]> } = {
  message_created: message,
  message_updated: message,
  conversation_created: conversationEvent,
  conversation_updated: conversationEvent,
  conversation_status_changed: conversationEvent,
  conversation_opened: conversationEvent,
  conversation_resolved: conversationEvent,
  conversation_typing_on: typingEvent,
  conversation_typing_off: typingEvent,
  contact_created: contactEvent,
  contact_updated: contactEvent,
  webwidget_triggered: objectOf<ChatwootWidgetEvent>({
    account: reference,
    inbox: reference,
    contact,
    current_conversation: withIdOrNull<ChatwootConversation>(CONVERSATION),
  }),
  inbox_created: inboxEvent,
  inbox_updated: inboxEvent,
  'macro.executed': conversationEvent,
  'automation_event.conversation_created': conversationEvent,
  'automation_event.conversation_updated': conversationEvent,
  'automation_event.conversation_opened': conversationEvent,
  'automation_event.conversation_resolved': conversationEvent,
  'automation_event.message_created': conversationEvent,
}

/** The events of account webhooks, bots, automations and macros. */
export const CHATWOOT_EVENTS = Object.keys(READERS) as (keyof ChatwootPayloads)[]

/** Converts a payload for handlers. @throws {PermanentError} that names the field, if nobody can read it */
export function readChatwoot(event: string, payload: Payload): ChatwootPayloads[keyof ChatwootPayloads] {
  return READERS[event as keyof ChatwootPayloads](payload, '')
}
