import type { BookedLesson, LessonsOf } from '../calendar/contract.ts'
import type { Booking } from './booking.ts'
import type { Conversation } from './conversation.ts'

/**
 * Whose lesson is it? That of the conversation in which it was booked. The contact's other ones only where the channel
 * proves who writes: a visitor of the website can type anybody's e-mail address, and Chatwoot then merges the visitor
 * with them; and anybody can send an e-mail in another's name.
 */

/** Channels in which a telephone number writes. */
const OF_TELEPHONES = new Set(['Channel::Whatsapp', 'Channel::Sms', 'Channel::TwilioSms'])

/** The student's booked lessons that have not ended, in order. None where the calendar of a host can't tell or move them. */
export async function lessonsOfStudent({ services, conversation, signal }: Booking): Promise<BookedLesson[]> {
  const { calendar, now } = services
  const { lessonsOf, lessonOf, move } = calendar
  if (lessonsOf === undefined || lessonOf === undefined || move === undefined) return []
  return lessonsOf.call(calendar, whoseLessons(conversation), now(), signal)
}

/** One of the student's lessons by its order, also if it has ended or is cancelled; null: the student has no such one. */
export async function lessonOfStudent(
  { services, conversation, signal }: Booking,
  order: string,
): Promise<BookedLesson | null> {
  const lesson = (await services.calendar.lessonOf?.(order, signal)) ?? null
  if (lesson === null) return null
  const contact = provenContact(conversation)
  const isTheirs = lesson.conversation === conversation.id || (contact !== undefined && lesson.contact === contact)
  return isTheirs ? lesson : null
}

/** Whose lessons and packages this conversation may see. */
export function whoseLessons(conversation: Conversation): LessonsOf {
  return { conversation: conversation.id, contact: provenContact(conversation) }
}

function provenContact({ channel, contactId, isVerified }: Conversation): string | undefined {
  const isProven = isVerified || (channel !== null && OF_TELEPHONES.has(channel))
  return isProven ? contactId : undefined
}
