import { hash } from 'node:crypto'
import type { MenuItem } from '../clients/chatwoot.ts'
import { asText, type Json } from '../sources/json.ts'
import type { Conversation } from './conversation.ts'
import { type Money, moneyIn } from './money.ts'
import { type LessonRef, parseRef, writeRef } from './my-lesson-state.ts'
import { LANGUAGE_CODES, type LanguageCode, type Texts } from './texts/index.ts'
import { choiceTitle, parseTime, type Reader } from './times.ts'

/** The question whether a lesson shall be cancelled, and the one choice that cancels it: the attribute `cancel_asked`. */

/** What the student was told of the money. `stopped`: a payment that has not arrived; `package`: it goes back there; `repaid`: that is refunded. */
export type MoneyTold =
  | { how: 'refund' | 'stopped'; money: Money }
  | { how: 'person' | 'package' | 'repaid' | 'nothing' }

export interface CancelAsked extends LessonRef {
  /** Of the lesson: a moved one makes the question void. */
  sequence: number
  /** When it was asked, Unix ms. */
  at: number
  told: MoneyTold
}

/** undefined: nothing was asked, or it is answered. */
export function cancelAskedOf({ cancel_asked }: Json): CancelAsked | undefined {
  const [ref = '', sequence, at, how, amount, currency] = asText(cancel_asked)?.split(' ') ?? []
  const lesson = parseRef(ref)
  const askedAt = parseTime(at)
  if (lesson === undefined || askedAt === undefined) return undefined
  const money = { amount: Number(amount), currency: currency ?? '' }
  const told: MoneyTold =
    how === 'refund' || how === 'stopped'
      ? { how, money }
      : { how: how === 'person' || how === 'package' || how === 'repaid' ? how : 'nothing' }
  return { ...lesson, sequence: Number(sequence), at: askedAt, told }
}

export function cancelAsked(asked: CancelAsked): { cancel_asked: string } {
  const { sequence, at, told } = asked
  const money = 'money' in told ? [told.money.amount, told.money.currency] : []
  return { cancel_asked: [writeRef(asked), sequence, new Date(at).toISOString(), told.how, ...money].join(' ') }
}

type TextsByLanguage = Readonly<Record<LanguageCode, Texts>>

/** The choice. Its title names lesson and amount, except in WhatsApp, where the question does. */
export function confirmItem(
  asked: CancelAsked,
  texts: TextsByLanguage,
  reader: Reader,
  { channel }: Pick<Conversation, 'channel'>,
): MenuItem {
  return { title: titleOf(asked, texts, reader, channel), value: confirmValue(asked) }
}

function titleOf(
  { start, told }: CancelAsked,
  texts: TextsByLanguage,
  reader: Reader,
  channel: Conversation['channel'],
): string {
  const { cancelChoice, cancelChoiceRefund } = texts[reader.language]
  const when = choiceTitle(start, reader, 'shortChoice')
  const isShort = told.how !== 'refund' || channel === 'Channel::Whatsapp'
  return isShort ? cancelChoice(when) : cancelChoiceRefund(when, moneyIn(reader.language, told.money))
}

/** Of no other question. */
function confirmValue(asked: CancelAsked): string {
  return `confirm_${hash('sha256', cancelAsked(asked).cancel_asked).slice(0, 12)}`
}

/** Whether a text is the choice itself: its value, or its title in the language in which it was asked. */
export function isConfirmation(
  text: string,
  asked: CancelAsked,
  texts: TextsByLanguage,
  reader: Reader,
  { channel }: Pick<Conversation, 'channel'>,
): boolean {
  const titles = LANGUAGE_CODES.map(language => titleOf(asked, texts, { ...reader, language }, channel))
  return [confirmValue(asked), ...titles].includes(text.trim())
}
