import { type ChatwootMessage, choiceOf } from '../sources/chatwoot-payloads.ts'
import { newestPart } from './newest-part.ts'

/** What was chosen, else the text, else what is said in the attachments, or their types. */
export function textOf(message: ChatwootMessage): string {
  const { content_attributes, attachments } = message
  const chosen = content_attributes.submitted_values.map(submitted => choiceOf(submitted).value)
  if (chosen.length > 0) return chosen.join(', ')
  return (
    newestPart(message) ||
    attachments.map(({ file_type, transcribed_text }) => transcribed_text || `[${file_type || 'file'}]`).join(' ')
  )
}
