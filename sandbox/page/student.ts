import { type LanguageCode, languageOf } from '../../handlers/texts/index.ts'
import type { Channel } from '../chatwoot-people.ts'
import type { ConversationState, InboxState, MessageState } from '../chatwoot-state.ts'
import type { World } from '../world.ts'

export type { Channel }

/** A conversation as the page shows it. */
export interface Student {
  conversation: ConversationState
  name: string
  channel: Channel
  language: LanguageCode
}

export const CHANNEL_WORDS: Record<Channel, string> = {
  whatsapp: 'WhatsApp',
  widget: 'Website widget',
  sms: 'SMS (no buttons)',
}

const CHANNELS: Record<InboxState['channel'], Channel> = {
  'Channel::Whatsapp': 'whatsapp',
  'Channel::WebWidget': 'widget',
  'Channel::TwilioSms': 'sms',
}

const INCOMING = 0
export const ACTIVITY = 2

/** All students, the first one first. */
export function studentsOf({ chatwoot }: World): Student[] {
  return [...chatwoot.conversations.values()].map(conversation => {
    const contact = chatwoot.contacts.get(conversation.contact)
    return {
      conversation,
      name: contact?.name ?? 'Nobody',
      channel: CHANNELS[conversation.inbox.channel],
      language: languageOf(contact?.custom_attributes ?? {}, conversation.additional_attributes),
    }
  })
}

/** Such as: Nederlands. */
export function languageName(code: LanguageCode): string {
  const name = new Intl.DisplayNames(code, { type: 'language' }).of(code) as string
  return name.charAt(0).toUpperCase() + name.slice(1)
}

/** What is written, by whom: the bot and people both write outgoing messages. */
export function isFromStudent({ message_type }: MessageState): boolean {
  return message_type === INCOMING
}

/** What the student has on the phone too: no private note, and nothing of what Chatwoot notes by itself. */
export function isOnPhone({ message_type, private: isNote, status }: MessageState): boolean {
  return !isNote && status !== 'failed' && message_type !== ACTIVITY
}

export interface Choice {
  title: string
  value: string
}

/** What a question can be answered with. */
export function choicesOf({ content_type, content_attributes }: MessageState): Choice[] {
  return content_type === 'input_select' ? (content_attributes.items as Choice[]) : []
}

/** The value that was chosen last in the widget. */
export function chosenOf({ content_attributes }: MessageState): string | undefined {
  return (content_attributes.submitted_values as Choice[] | undefined)?.[0]?.value
}
