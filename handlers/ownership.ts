import type { Interval, Lesson } from '../calendar/contract.ts'
import type { ChatwootClient } from '../clients/chatwoot.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { PermanentError } from '../inbox/errors.ts'
import { asText } from '../sources/json.ts'
import { alertPerson } from './attention.ts'
import { type Conversation, fetchIfThere } from './conversation.ts'
import { studentOf } from './pupils.ts'
import type { Services } from './services.ts'
import type { PaidLesson } from './stripe-event.ts'

/*
 * Whose payment is it? Stripe sends an account's events to all its endpoints, and every installation numbers its
 * conversations and contacts from 1, so another's metadata can fit ours. Also, Chatwoot merges contacts and deletes
 * conversations. Checked in this order: the installation id in the metadata, the order in our calendar, the order or
 * session in the conversation's attributes; the contact id only if there is nothing else.
 */

/** A payment, or a session that was never paid. */
export interface Claimed extends PaidLesson {
  /** The payment intent's id, or a substitute. */
  id: string
  /** The checkout session's id, if known. */
  session: string | undefined
  /** Such as `60.00 EUR`; null: no money moved. */
  sum: string | null
}

/** The payer's conversation, or why there is none. */
export type Payer =
  | { conversation: Conversation }
  | { conversation: null; problem: 'conversation_gone' | 'contact_differs'; why: string }

/** A payment that is ours. */
export interface Claim {
  /** The conversation, if ownership was decided by reading it. */
  read: Conversation | null
  /** The conversation to write into, fetched on first use. */
  payer(): Promise<Payer>
}

/** null: not ours, which has been logged. @throws {PermanentError} if it can't be decided */
export async function claimOf(
  services: Services,
  client: ChatwootClient,
  claimed: Claimed,
  context: HandlerContext,
): Promise<Claim | null> {
  const { signal, log } = context
  const isOurs = await isKnownHere(services, claimed, signal)
  let reading: Promise<Payer> | undefined
  const payer = () => {
    reading ??= payerOf(services, client, claimed, isOurs, signal)
    return reading
  }
  if (isOurs) return { read: null, payer }

  const found = await payer()
  const { id, order, sum, origin } = claimed
  const { conversation } = found
  if (conversation !== null && (origin === undefined || knows(conversation, claimed))) {
    return { read: conversation, payer }
  }
  if (origin !== undefined || sum === null) {
    await reportForeign(services, claimed, context)
    return null
  }
  const { problem, why } = found as Exclude<Payer, { conversation: Conversation }>
  await alertPerson(services, { ...claimed, sum }, problem, why, context)
  log.warn({ payment: id, order }, 'payment not reported in a conversation that may be another student’s')
  throw new PermanentError(`${why}: look at the payment's metadata in Stripe`)
}

/** Decides without Chatwoot where possible. */
async function isKnownHere({ installationId, calendar }: Services, claimed: Claimed, signal: AbortSignal) {
  const { origin, order } = claimed
  return (origin !== undefined && origin === (await installationId())) || calendar.has(order, signal)
}

function knows({ attributes }: Conversation, { order, session }: Claimed): boolean {
  return attributes.order_id === order || (session !== undefined && attributes.checkout_session === session)
}

async function payerOf(
  services: Services,
  client: ChatwootClient,
  claimed: Claimed,
  isOurs: boolean,
  signal: AbortSignal,
): Promise<Payer> {
  const { conversation: id, contact, order } = claimed
  const conversation = await fetchIfThere(client, id, signal, services)
  if (conversation === null) {
    return { conversation: null, problem: 'conversation_gone', why: `There is no conversation ${id} in Chatwoot` }
  }
  const isTheirs =
    contact === undefined ||
    conversation.contactId === contact ||
    knows(conversation, claimed) ||
    // Our order ids begin with their conversation's.
    (isOurs && order.startsWith(`${id}-`))
  if (isTheirs) return { conversation }
  const why = `The payment's contact ${contact} is not that of conversation ${id} (${conversation.contactId})`
  return { conversation: null, problem: 'contact_differs', why }
}

/** Once per payment, since several events report it. */
async function reportForeign({ events }: Services, claimed: Claimed, { log, once }: HandlerContext): Promise<void> {
  const { id, order, sum, origin } = claimed
  if (sum === null) return log.info({ session: id, order, origin }, 'checkout session is not ours: ignored')
  await once(`payment:${id}:foreign`, () => {
    log.warn({ payment: id, amount: sum, order, origin }, 'payment belongs to another installation: ignored')
    events.emit('foreign', { payment: id })
  })
}

/** The calendar's entry for a paid lesson; from the metadata alone, unless the conversation has been read anyway. */
export function lessonToBook(
  { tutor }: Services,
  { read }: Claim,
  paid: PaidLesson,
  time: Interval,
  payment: string,
): Lesson {
  const { order, conversation } = paid
  // Contacts are merged: as it is now, if it is known.
  const contact = read?.contactId ?? paid.contact
  const student = paid.student || (read ? studentOf(read) : '')
  const service =
    paid.service ?? asText(read?.attributes.service) ?? tutor.texts[read?.language ?? tutor.defaultLanguage].lesson
  return { order, ...time, student, service, payment, conversation, ...(contact !== undefined && { contact }) }
}
