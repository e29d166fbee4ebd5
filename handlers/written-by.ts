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
  const { tutorbot, automation_rule_id, external_echo, external_sender_name } = asObject(payload.content_attributes)
  const { campaign_id, template_params } = asObject(asObject(payload).additional_attributes)
  const signs = [tutorbot, automation_rule_id, campaign_id, template_params]
  if (signs.some(sign => sign != null) || payload.content_attributes.is_reaction) return false
  if (payload.sender !== null) return payload.sender.type === 'user'
  return external_echo === true || Boolean(external_sender_name)
}
