import type { ChatwootMessage as SentMessage } from '../clients/chatwoot.ts'
import type { ChatwootMessage } from '../sources/chatwoot-payloads.ts'
import { asObject } from '../sources/json.ts'

/** Who wrote a message. */

/**
 * A student's message; a choice in the web widget, which arrives as an update of the bot's question; or what is said in a
 * voice message, which arrives as an update of that.
 */
export function isFromStudent(event: string, payload: ChatwootMessage): boolean {
  if (event === 'message_updated' && payload.content_attributes.submitted_values.length > 0) return true
  if (event === 'message_updated' && !(isVoice(payload) && isHeard(payload))) return false
  return payload.message_type === 'incoming' && !payload.private && !needsNoAnswer(payload)
}

/** A voice message, and nothing written beside it. */
export function isVoice({ content, attachments }: ChatwootMessage): boolean {
  return !content && attachments.some(({ file_type }) => file_type === 'audio')
}

/** Whether there is a text for all that is attached. */
export function isHeard({ attachments }: Pick<ChatwootMessage, 'attachments'>): boolean {
  return attachments.length > 0 && attachments.every(({ transcribed_text }) => Boolean(transcribed_text?.trim()))
}

/** A reaction, a story in which the tutor is mentioned, a machine's reply, or somebody who is blocked. */
function needsNoAnswer({ content_attributes, conversation, sender }: ChatwootMessage): boolean {
  const { is_reaction, image_type, email } = content_attributes
  const isBlocked = [sender, conversation.meta.sender].some(contact => asObject(contact).blocked === true)
  return is_reaction || image_type === 'story_mention' || email.auto_reply === true || isBlocked
}

/**
 * A message to the student that a person wrote, in Chatwoot or in the phone's own app. Not ours, which carry a marker
 * (also when the phone's app echoes them), nor another bot's, a rule's, a campaign's or a template.
 */
export function isFromPerson(event: string, payload: ChatwootMessage): boolean {
  if (event !== 'message_created' || payload.message_type !== 'outgoing' || payload.private) return false
  const { tutorbot, external_echo, external_sender_name } = asObject(payload.content_attributes)
  if (tutorbot != null || isAutomatic(payload) || payload.content_attributes.is_reaction) return false
  if (payload.sender !== null) return payload.sender.type === 'user'
  return external_echo === true || Boolean(external_sender_name)
}

/** By a rule, a campaign, or a template. */
function isAutomatic(message: unknown): boolean {
  const { content_attributes, additional_attributes } = asObject(message)
  const { automation_rule_id } = asObject(content_attributes)
  const { campaign_id, template_params } = asObject(additional_attributes)
  return [automation_rule_id, campaign_id, template_params].some(sign => sign != null)
}

/** Whether a message to the student, as the API gives it, is neither ours nor a person's, and so answers nothing. */
export function isOfMachine(message: SentMessage): boolean {
  if (message.content_attributes?.tutorbot != null) return false
  return isAutomatic(message) || message.sender?.type === 'agent_bot'
}
