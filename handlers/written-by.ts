import type { ChatwootMessage } from '../sources/chatwoot-payloads.ts'

/** Who wrote a message. */

/** A student's message, or a choice in the web widget, which arrives as an update of the bot's question. */
export function isFromStudent(event: string, payload: ChatwootMessage): boolean {
  if (event === 'message_updated') return payload.content_attributes.submitted_values.length > 0
  return payload.message_type === 'incoming' && !payload.private && !needsNoAnswer(payload)
}

/** A reaction, a story in which the tutor is mentioned, a machine's reply, or somebody who is blocked. */
function needsNoAnswer({ content_attributes, conversation }: ChatwootMessage): boolean {
  const { is_reaction, image_type, email } = content_attributes
  const isAutomatic = email.auto_reply === true
  return is_reaction || image_type === 'story_mention' || isAutomatic || conversation.meta.sender?.blocked === true
}
