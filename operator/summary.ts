import { formatAmount } from '../handlers/money.ts'
import type { StoredDelivery } from '../inbox/contracts.ts'
import { choiceOf, readSubmittedValues } from '../sources/chatwoot-payloads.ts'
import { asArray, asObject, asText, type Json } from '../sources/json.ts'
import { plain } from './plain.ts'

/** What a list shows of a delivery's content: from its stored payload only, so that what is erased is gone from here too. */
export interface Summary {
  /** The student's name; null: the payload has none. */
  student: string | null
  /** The first words of the message, after the writer's name if that is not the student; of a payment its amount. */
  words: string | null
}

export type Summarized = Pick<StoredDelivery, 'source' | 'event'>

const MAX_NAME_CHARACTERS = 60
const MAX_WORDS_CHARACTERS = 80
/** Characters that are looked at for a line. */
const MAX_READ_CHARACTERS = 2_000

export const NO_SUMMARY: Summary = { student: null, words: null }

/** @param payload null: pruned or forgotten */
export function summaryOf({ source, event }: Summarized, payload: Json | null): Summary {
  if (payload === null) return NO_SUMMARY
  if (source === 'chatwoot') return ofChatwoot(event, payload)
  return source === 'stripe' ? ofStripe(payload) : NO_SUMMARY
}

function ofChatwoot(event: string, payload: Json): Summary {
  return {
    student: oneLine(contactOf(event, payload).name, MAX_NAME_CHARACTERS),
    words: event.startsWith('message_') ? oneLine(wordsOf(payload), MAX_WORDS_CHARACTERS) : null,
  }
}

/** The student. Users and bots have a type. */
function contactOf(event: string, payload: Json): Json {
  if (event.startsWith('contact_')) return payload
  const conversation = asObject(payload.conversation ?? payload.current_conversation ?? payload)
  const sender = asObject(payload.sender)
  const isContact = sender.type === undefined || sender.type === 'contact'
  const all = [asObject(conversation.meta).sender, payload.contact, isContact ? sender : undefined]
  return asObject(all.find(contact => asText(asObject(contact).name) !== undefined))
}

function wordsOf({ content, content_attributes, attachments, message_type, private: isNote, sender }: Json): string {
  const chosen = readSubmittedValues(asObject(content_attributes).submitted_values, '').map(
    value => choiceOf(value).title,
  )
  // The student's answer to what somebody else has written.
  if (chosen.length > 0) return chosen.join(', ')
  const attached = asArray(attachments).map(asObject)
  const said = attached.map(
    ({ transcribed_text, file_type }) => asText(transcribed_text) ?? `[${asText(file_type) ?? 'file'}]`,
  )
  const text = asText(content) ?? said.join(' ')
  if (message_type === 'incoming') return text
  return `${asText(asObject(sender).name) ?? 'sent'}${isNote === true ? ' (note)' : ''}: ${text}`
}

function ofStripe(payload: Json): Summary {
  const { metadata, customer_details, billing_details, ...object } = asObject(asObject(payload.data).object)
  const names = [asObject(metadata).student_name, asObject(customer_details).name, asObject(billing_details).name]
  // A refunded charge's own amount is what had been paid.
  const amount = object.amount_total ?? (object.amount_refunded || object.amount)
  const currency = asText(object.currency)
  return {
    student: oneLine(
      names.find(name => asText(name) !== undefined),
      MAX_NAME_CHARACTERS,
    ),
    words:
      typeof amount === 'number' && currency !== undefined
        ? oneLine(formatAmount(amount, currency), MAX_WORDS_CHARACTERS)
        : null,
  }
}

/** A text on one line, cut; null: there is none. */
function oneLine(text: unknown, maxCharacters: number): string | null {
  const start = asText(text)
    ?.slice(0, MAX_READ_CHARACTERS)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  if (start === undefined || start === '') return null
  const characters = [...start]
  return characters.length <= maxCharacters ? start : `${characters.slice(0, maxCharacters - 1).join('')}…`
}

/** Whether a name has all the words sought, whatever their case and accents. */
export function isNamed(student: string | null, sought: string): boolean {
  if (student === null) return false
  const name = plain(student)
  return plain(sought)
    .split(/\s+/)
    .every(word => name.includes(word))
}
