import type { Lesson } from '../calendar/contract.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import { type Booking, namesLesson } from './booking.ts'
import type { Services } from './services.ts'
import { lessonsOfStudent } from './whose-lesson.ts'

/**
 * Whether a lesson is booked in a conversation and still to come of which its attributes, which name one lesson, say nothing:
 * that of next week, say. Only of a calendar in the store, which is read at once.
 */
export async function isLessonAhead(booking: Booking): Promise<boolean> {
  const { services, conversation } = booking
  if (services.calendar.weekly === undefined || namesLesson(conversation, services)) return false
  const lessons = await lessonsOfStudent(booking)
  return lessons.some(({ conversation: id, isHeld }) => id === conversation.id && !isHeld)
}

/** Whether, beside this one, other lessons of the conversation are to come. */
export async function hasOthers(
  { calendar, now }: Services,
  { order, conversation }: Pick<Lesson, 'order' | 'conversation'>,
  { signal }: HandlerContext,
): Promise<boolean> {
  const others = (await calendar.lessonsOf?.({ conversation }, now(), signal)) ?? []
  return others.some(other => other.order !== order)
}
