import { type ChatwootMessage, choiceOf } from '../sources/chatwoot-payloads.ts'

/** What was chosen, else the text, else what is said in the attachments, or their types. */
export function textOf({ content, content_attributes, attachments }: ChatwootMessage): string {
  const chosen = content_attributes.submitted_values.map(submitted => choiceOf(submitted).value)
  if (chosen.length > 0) return chosen.join(', ')
  return (
    content ||
    attachments.map(({ file_type, transcribed_text }) => transcribed_text || `[${file_type || 'file'}]`).join(' ')
  )
}
