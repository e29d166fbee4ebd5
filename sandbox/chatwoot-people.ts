import { TUTOR } from './chatwoot-api.ts'
import {
  type AttachmentState,
  type ChatwootState,
  type ConversationState,
  INCOMING,
  type InboxState,
  type MessageState,
  SMS,
  WHATSAPP,
  WIDGET,
} from './chatwoot-state.ts'
import { RefusedError } from './refused.ts'

/** What students do on their phones, and what the tutor does in Chatwoot. */

/** The channel decides how a choice comes back: as an update of the question, or as a text. */
export type Channel = 'whatsapp' | 'widget' | 'sms'

const INBOXES: Record<Channel, InboxState> = { whatsapp: WHATSAPP, widget: WIDGET, sms: SMS }

export interface NewStudent {
  name: string
  channel: Channel
  /** A language's code, such as `nl`: the contact's attribute, or the browser's language. Default: nothing says. */
  language?: string
  /** Has been there before anybody listened: no webhook tells of it. */
  isKnown?: boolean
}

interface Choice {
  title: string
  value: string
}

/** The longest that Chatwoot takes, characters. */
const LONGEST = 150_000

/** A student who is about to write. */
export function addStudent(state: ChatwootState, { name, channel, language, isKnown }: NewStudent): ConversationState {
  const id = state.conversations.size + 1
  const isWidget = channel === 'widget'
  const conversation = state.addConversation(
    {
      id,
      contact: id,
      inbox: INBOXES[channel],
      additional_attributes: isWidget && language !== undefined ? { browser_language: language } : {},
    },
    {
      name,
      custom_attributes: !isWidget && language !== undefined ? { language } : {},
      phone_number: isWidget ? null : `+316${String(12_345_000 + id)}`,
    },
  )
  if (isKnown) return conversation
  state.announce('contact_created', conversation)
  if (isWidget) state.announce('webwidget_triggered', conversation)
  return conversation
}

/** A student writes. @throws {RefusedError} */
export function say(state: ChatwootState, conversation: ConversationState, text: string): MessageState {
  if (text.trim() === '') throw new RefusedError('Nothing is sent: write something first.')
  if (text.length > LONGEST) throw new RefusedError(`Chatwoot takes ${LONGEST} characters at most.`)
  return receive(state, conversation, { content: text })
}

/** A student makes a choice of a question of the bot's, however old. @throws {RefusedError} */
export function choose(state: ChatwootState, conversation: ConversationState, messageId: number, value: string): void {
  const question = conversation.messages.find(({ id }) => id === messageId)
  const chosen = choicesOf(question).find(item => item.value === value)
  if (question === undefined || chosen === undefined) throw new RefusedError(`There is no such choice: ${value}.`)
  if (!isWidget(conversation)) return void say(state, conversation, chosen.title)
  const { title } = chosen
  const content_attributes = { ...question.content_attributes, submitted_values: [{ title, value }] }
  state.updateMessage(conversation, question, { content_attributes })
}

export function choicesOf(message: MessageState | undefined): Choice[] {
  return (message?.content_attributes.items ?? []) as Choice[]
}

/** A student sends a file. */
export function sendFile(
  state: ChatwootState,
  conversation: ConversationState,
  file: Omit<AttachmentState, 'id' | 'data_url'>,
): void {
  const id = state.nextId()
  const data_url = `http://127.0.0.1/rails/active_storage/blobs/redirect/${id}/file.${file.extension}`
  receive(state, conversation, { content: null, attachments: [{ ...file, id, data_url }] })
}

/** A message of a student's, of any kind. */
export function receive(
  state: ChatwootState,
  conversation: ConversationState,
  parts: Partial<MessageState>,
): MessageState {
  const isFirst = conversation.messages.length === 0
  if (isFirst) state.announce('conversation_created', conversation)
  const { id, name } = state.contactOf(conversation)
  return state.addMessage(conversation, { ...parts, message_type: INCOMING, sender: { id, name, type: 'contact' } })
}

/** A person answers, in Chatwoot or in the phone's own app. @throws {RefusedError} */
export function answer(
  state: ChatwootState,
  conversation: ConversationState,
  text: string,
  via: 'chatwoot' | 'phone',
): void {
  if (text.trim() === '') throw new RefusedError('Nothing is sent: write something first.')
  if (via === 'chatwoot') return void state.addMessage(conversation, { content: text, sender: TUTOR })
  if (isWidget(conversation)) throw new RefusedError('The web widget is not answered from a phone.')
  const echo = { content: text, sender: null, content_attributes: { external_echo: true } }
  state.addMessage(conversation, echo)
}

export function note(state: ChatwootState, conversation: ConversationState, text: string): void {
  if (text.trim() === '') throw new RefusedError('Nothing is noted: write something first.')
  state.addMessage(conversation, { content: text, private: true, sender: TUTOR })
}

/** It is the bot's turn again, and nobody's conversation. */
export function giveBack(state: ChatwootState, conversation: ConversationState): void {
  state.assign(conversation, null)
  state.setStatus(conversation, 'pending')
}

function isWidget({ inbox }: ConversationState): boolean {
  return inbox.channel === WIDGET.channel
}
