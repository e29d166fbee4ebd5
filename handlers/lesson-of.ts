import type { Interval, Lesson } from '../calendar/contract.ts'
import { asText } from '../sources/json.ts'
import type { Booking } from './booking.ts'
import type { Conversation } from './conversation.ts'
import { studentOf } from './pupils.ts'
import type { Services } from './services.ts'
import { ORIGIN } from './stripe-event.ts'

/** What a lesson is called: in the calendar, and in Stripe's metadata. */

/** What the payment's webhook needs to know. Stripe allows 500 characters per value. @param about what is bought */
export function metadataFor(
  { services, conversation, named = namedIn(services, conversation) }: Booking,
  order: string,
  origin: string,
  about: Record<string, string>,
): Record<string, string> {
  const all = {
    [ORIGIN]: origin,
    conversation_id: conversation.id,
    chatwoot_conversation_id: conversation.id,
    contact_id: conversation.contactId,
    order_id: order,
    student_name: named.student,
    payer_name: conversation.contactName,
    service: named.service,
    ...about,
  }
  const given = Object.entries(all).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return Object.fromEntries(given.map(([name, value]) => [name, value.slice(0, 200).toWellFormed()]))
}

/** The calendar's entry for a lesson. @param payment null: a trial lesson */
export function lessonIn(
  {
    services,
    conversation,
    named = namedIn(services, conversation),
  }: Pick<Booking, 'services' | 'conversation' | 'named'>,
  order: string,
  time: Interval,
  payment: string | null,
): Lesson {
  const { id, contactId } = conversation
  const { student, service } = named
  return {
    order,
    ...time,
    student,
    service,
    payment,
    conversation: id,
    ...(contactId !== undefined && { contact: contactId }),
  }
}

/** As the conversation says. */
export function namedIn(services: Services, conversation: Conversation): Pick<Lesson, 'student' | 'service'> {
  return { student: studentOf(conversation), service: serviceOf(services, conversation) }
}

function serviceOf({ tutor }: Services, { attributes, language }: Conversation): string {
  return asText(attributes.service) ?? tutor.texts[language].lesson
}
