import { EventEmitter } from 'node:events'

/** What a Chatwoot knows of its students and conversations, and what happens in it: its webhooks tell of the same. */

export type Attributes = Record<string, unknown>

export interface ConversationState {
  id: number
  status: string
  labels: string[]
  custom_attributes: Attributes | null
  additional_attributes: Attributes
  /** A contact's id. */
  contact: number
  /** A user's id. */
  assignee: number | null
  team: { id: number; name: string } | null
  /** The website has proven who the contact is. */
  hmac_verified?: boolean
  messages: MessageState[]
  /** Unix s. */
  last_activity_at: number
  inbox: InboxState
}

export interface InboxState {
  id: number
  name: string
  channel: 'Channel::Whatsapp' | 'Channel::WebWidget' | 'Channel::TwilioSms'
}

export interface ContactState {
  id: number
  name: string
  custom_attributes: Attributes
  phone_number?: string | null
  email?: string | null
}

export interface MessageState {
  id: number
  content: string | null
  /** 0: incoming, 1: outgoing, 2: activity, 3: template. */
  message_type: number
  private: boolean
  content_type: string
  content_attributes: Attributes
  attachments?: AttachmentState[]
  /** null: of a template, an activity, or the phone's own app. */
  sender?: SenderState | null
  /** `failed`: the channel could not deliver it. */
  status?: 'sent' | 'delivered' | 'read' | 'failed'
  /** Unix s. */
  created_at?: number
}

export interface AttachmentState {
  id: number
  file_type: 'audio' | 'image'
  extension: string
  data_url: string
  /** What is said in it. */
  transcribed_text?: string
}

export interface SenderState {
  id: number
  name: string
  type: 'contact' | 'user' | 'agent_bot'
}

export const WHATSAPP: InboxState = { id: 7, name: 'WhatsApp – Bijles', channel: 'Channel::Whatsapp' }
export const WIDGET: InboxState = { id: 8, name: 'Website', channel: 'Channel::WebWidget' }
export const SMS: InboxState = { id: 9, name: 'Sms', channel: 'Channel::TwilioSms' }

export const INCOMING = 0
export const OUTGOING = 1
export const ACTIVITY = 2

/** What was there before, and what is there now. */
export type Changed = Record<string, { previous_value: unknown; current_value: unknown }>

/** What has happened, by its name in webhooks. */
export interface ChatwootChange {
  event:
    | 'message_created'
    | 'message_updated'
    | 'conversation_created'
    | 'conversation_updated'
    | 'conversation_status_changed'
    | 'conversation_opened'
    | 'conversation_resolved'
    | 'contact_created'
    | 'contact_updated'
    | 'webwidget_triggered'
  contact: ContactState
  conversation?: ConversationState
  message?: MessageState
  changed?: Changed[]
}

/** WhatsApp takes any message for so long after the contact's last one, s. */
const WINDOW_S = 24 * 60 * 60

const STATUSES = ['open', 'pending', 'resolved', 'snoozed']

export class ChatwootState {
  readonly conversations = new Map<number, ConversationState>()
  readonly contacts = new Map<number, ContactState>()
  readonly changes = new EventEmitter<{ change: [ChatwootChange] }>()
  readonly #now: () => number
  #lastMessage: number

  /** @param now Unix ms @param lastMessage the id before the first message's */
  constructor(now: () => number, lastMessage: number) {
    this.#now = now
    this.#lastMessage = lastMessage
  }

  /** Adds a conversation, with its contact if there is none with that id. */
  addConversation(parts: Partial<ConversationState> = {}, contactParts: Partial<ContactState> = {}): ConversationState {
    const conversation: ConversationState = {
      id: 4100042,
      status: 'pending',
      labels: [],
      custom_attributes: {},
      additional_attributes: {},
      contact: 4100001,
      assignee: null,
      team: null,
      messages: [],
      last_activity_at: this.#seconds(),
      inbox: WHATSAPP,
      ...parts,
    }
    const contact = { id: conversation.contact, name: 'Renée', custom_attributes: {}, ...contactParts }
    this.conversations.set(conversation.id, conversation)
    if (!this.contacts.has(contact.id)) this.contacts.set(contact.id, contact)
    return conversation
  }

  /** Merges a contact into another one, as Chatwoot does: the merged id is gone, the conversations are the other's. */
  mergeContact(id: number, into: number): void {
    const merged = this.contacts.get(id)
    this.contacts.set(into, { ...(merged as ContactState), id: into })
    this.contacts.delete(id)
    for (const conversation of this.conversations.values()) {
      if (conversation.contact === id) conversation.contact = into
    }
  }

  /** Ids rise over all conversations. */
  addMessage(conversation: ConversationState, parts: Partial<MessageState>): MessageState {
    const message: MessageState = {
      id: this.nextId(),
      content: '',
      message_type: OUTGOING,
      private: false,
      content_type: 'text',
      content_attributes: {},
      created_at: this.#seconds(),
      ...parts,
    }
    conversation.messages.push(message)
    conversation.last_activity_at = this.#seconds()
    // It is the bot's turn again; whoever had the conversation still has it.
    if (message.message_type === INCOMING && conversation.status === 'resolved') this.setStatus(conversation, 'pending')
    // Activities have no webhook.
    if (message.message_type !== ACTIVITY) this.#tell('message_created', { conversation, message })
    return message
  }

  updateMessage(conversation: ConversationState, message: MessageState, parts: Partial<MessageState>): void {
    Object.assign(message, parts)
    this.#tell('message_updated', { conversation, message })
  }

  canReply(conversation: ConversationState): boolean {
    return canReply(conversation, this.#now())
  }

  /** The channel could not deliver a message. */
  failMessage(conversation: ConversationState, message: MessageState, external_error: string): void {
    const content_attributes = { ...message.content_attributes, external_error }
    this.updateMessage(conversation, message, { status: 'failed', content_attributes })
  }

  /** @throws {RangeError} there is no such status */
  setStatus(conversation: ConversationState, status: string): void {
    if (!STATUSES.includes(status)) throw new RangeError(`'${status}' is not a valid status`)
    const changed = change('status', conversation.status, status)
    if (conversation.status === status) return
    conversation.status = status
    if (status === 'open') this.#tell('conversation_opened', { conversation, changed })
    if (status === 'resolved') this.#tell('conversation_resolved', { conversation, changed })
    this.#tell('conversation_status_changed', { conversation, changed })
    this.#tell('conversation_updated', { conversation, changed })
  }

  setLabels(conversation: ConversationState, labels: string[]): void {
    const before = conversation.labels
    conversation.labels = labels
    if (isSame(before, labels)) return
    // Twice: the list, and the column that Chatwoot keeps it in.
    this.#tell('conversation_updated', { conversation, changed: change('label_list', before, labels) })
    const columns = change('cached_label_list', before.join(', '), labels.join(', '))
    this.#tell('conversation_updated', { conversation, changed: columns })
  }

  setAttributes(conversation: ConversationState, attributes: Attributes): void {
    const before = conversation.custom_attributes
    conversation.custom_attributes = attributes
    if (isSame(before, attributes)) return
    const changed = change('custom_attributes', before, attributes)
    this.#tell('conversation_updated', { conversation, changed })
  }

  /** @param assignee a user's id; null: nobody */
  assign(conversation: ConversationState, assignee: number | null): void {
    const before = conversation.assignee
    conversation.assignee = assignee
    if (before === assignee) return
    this.#tell('conversation_updated', { conversation, changed: change('assignee_id', before, assignee) })
  }

  /** Merges attributes into the contact's. */
  updateContact(contact: ContactState, attributes: Attributes): void {
    const before = { ...contact.custom_attributes }
    Object.assign(contact.custom_attributes, attributes)
    if (isSame(before, contact.custom_attributes)) return
    const changed = change('custom_attributes', before, { ...contact.custom_attributes })
    this.changes.emit('change', { event: 'contact_updated', contact, changed })
  }

  /** Tells of what is not a change of something that is there. */
  announce(event: 'contact_created' | 'webwidget_triggered' | 'conversation_created', of: ConversationState): void {
    this.#tell(event, { conversation: of })
  }

  contactOf(conversation: ConversationState): ContactState {
    return this.contacts.get(conversation.contact) as ContactState
  }

  nextId(): number {
    return ++this.#lastMessage
  }

  #tell(
    event: ChatwootChange['event'],
    parts: Omit<ChatwootChange, 'event' | 'contact'> & { conversation: ConversationState },
  ): void {
    this.changes.emit('change', { event, contact: this.contactOf(parts.conversation), ...parts })
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1_000)
  }
}

/** Conversation#can_reply? in Chatwoot. Here, one in which nobody has written takes anything. @param at Unix ms */
export function canReply({ inbox, messages }: ConversationState, at: number): boolean {
  const last = messages.findLast(({ message_type }) => message_type === INCOMING)
  return inbox.channel !== WHATSAPP.channel || !(at / 1_000 - Number(last?.created_at) > WINDOW_S)
}

function change(name: string, previous_value: unknown, current_value: unknown): Changed[] {
  return [{ [name]: { previous_value, current_value } }]
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
