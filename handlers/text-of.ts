import { type ChatwootMessage, choiceOf } from '../sources/chatwoot-payloads.ts'

/** What was chosen, else the text, else the attachments' types. */
export function textOf({ content, content_attributes, attachments }: ChatwootMessage): string {
  const chosen = content_attributes.submitted_values.map(submitted => choiceOf(submitted).value)
  if (chosen.length > 0) return chosen.join(', ')
  return content || attachments.map(({ file_type }) => `[${file_type || 'file'}]`).join(' ')
}
