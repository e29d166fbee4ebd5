import {
  chatwootConversation,
  chatwootMessage,
  chatwootStudent,
  type MessageParts,
  type SampleOptions,
} from '../commands/samples.ts'
import {
  ACTIVITY,
  type ChatwootChange,
  type ContactState,
  type ConversationState,
  canReply,
  INCOMING,
  type MessageState,
} from './chatwoot-state.ts'

/** What Chatwoot's webhooks say of a change, as things are now. @param at Unix ms */
export function chatwootBody(change: ChatwootChange, at: number): object {
  const { event, contact, conversation, message, changed = null } = change
  const options = optionsOf(contact, conversation, at)
  if (message !== undefined) return messageBody(event, options, message)
  if (event === 'webwidget_triggered') return widgetBody(contact, options)
  if (event === 'contact_created') return { ...chatwootStudent(options), event }
  if (event === 'contact_updated') return { ...chatwootStudent(options), event, changed_attributes: changed }
  const last = conversation?.messages.findLast(({ message_type }) => message_type !== ACTIVITY)
  const body = chatwootConversation(options, last && nested(options, last))
  return event === 'conversation_created' ? { ...body, event } : { ...body, event, changed_attributes: changed }
}

const MESSAGE_TYPES = { 0: 'incoming', 1: 'outgoing', 3: 'template' } as const

function optionsOf(contact: ContactState, conversation: ConversationState | undefined, at: number): SampleOptions {
  return {
    contactId: contact.id,
    name: contact.name,
    contact: contact.custom_attributes,
    phone: contact.phone_number ?? null,
    email: contact.email ?? null,
    at,
    ...(conversation && {
      conversation: conversation.id,
      attributes: conversation.custom_attributes ?? {},
      labels: conversation.labels,
      status: conversation.status,
      assignee: conversation.assignee,
      team: conversation.team,
      additional: conversation.additional_attributes,
      channel: conversation.inbox.channel,
      canReply: canReply(conversation, at),
      inbox: { id: conversation.inbox.id, name: conversation.inbox.name },
    }),
  }
}

function messageBody(event: string, options: SampleOptions, message: MessageState) {
  const at = message.created_at === undefined ? options.at : message.created_at * 1_000
  return chatwootMessage(
    { ...options, at, message: message.id, content: message.content },
    partsOf(event, options, message),
  )
}

function partsOf(event: string, options: SampleOptions, message: MessageState): MessageParts {
  const { content_type, content_attributes, attachments, status = 'sent', sender = null } = message
  return {
    event,
    message_type: MESSAGE_TYPES[message.message_type as keyof typeof MESSAGE_TYPES],
    private: message.private,
    sender: message.message_type === INCOMING ? chatwootStudent(options) : sender,
    content_type,
    content_attributes,
    status,
    ...(attachments && { attachments }),
  }
}

/** The last message, as a conversation shows it. */
function nested(options: SampleOptions, message: MessageState): object {
  return messageBody('', options, message).conversation.messages[0] as object
}

function widgetBody(contact: ContactState, options: SampleOptions) {
  const { account, ...student } = chatwootStudent(options)
  return {
    id: contact.id,
    contact: { account, ...student },
    inbox: options.inbox,
    account,
    current_conversation: null,
    source_id: '4af6ec6f-5aa9-4d7f-9313-08b02c3b0ad2',
    event: 'webwidget_triggered',
    event_info: {
      referer: 'http://127.0.0.1/',
      initiated_at: { timestamp: new Date(options.at as number).toString() },
    },
  }
}
