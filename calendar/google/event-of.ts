import type { BookedLesson, Interval, Lesson } from '../contract.ts'
import { type Entry, type Event, iso, type Kind } from './events.ts'

/**
 * What events say: their texts are the tutor's, who may change them; our properties are what we know them by. Google
 * keeps at most 1,024 characters of each:
 * https://developers.google.com/workspace/calendar/api/guides/extended-properties
 */

type Wish = Interval & { order: string }

/** A claim or a hold, and when it expires (Unix ms). */
export function holdEvent(kind: 'claim' | 'hold', wish: Wish, until: number): Event {
  return eventOf(kind, wish, { summary: 'Held until it is paid', lines: [], own: { tutorbotUntil: String(until) } })
}

/** A lesson whose payment is being processed: held until it begins. */
export function keptEvent(lesson: Lesson, sequence: number): Event {
  const own = { tutorbotUntil: String(lesson.start), tutorbotConversation: lesson.conversation }
  const { summary, lines } = textsOf(lesson)
  const texts = { summary: `${HELD}${summary}`, lines }
  return eventOf('hold', lesson, { ...texts, own: { ...own, ...propertiesOf(lesson, sequence) } })
}

/** A booked lesson. */
export function lessonEvent(lesson: Lesson, sequence: number): Event {
  return eventOf('lesson', lesson, { ...textsOf(lesson), own: propertiesOf(lesson, sequence) })
}

/** What a move changes in a lesson. The tutor may have made it an event of whole days. */
export function movedEvent({ start, end }: Interval, sequence: number): Event {
  return {
    start: { dateTime: iso(start), date: null },
    end: { dateTime: iso(end), date: null },
    extendedProperties: { private: { tutorbotSequence: String(sequence) } },
  }
}

/** What another payment changes: the tutor's own texts stay, but for the line that says how it is paid. */
export function paidEvent(entry: Entry, payment: string): Event {
  const line = escaped(`Payment: ${payment}`)
  return {
    description: entry.description.replace(/^Payment: .*$/m, () => line),
    extendedProperties: { private: propertiesOf({ ...lessonIn(entry), payment }, entry.sequence) },
  }
}

/**
 * What a cancellation changes. The event stays, as free time: Google keeps only the ids of deleted ones for sure, and
 * not for ever, but a payment that succeeds weeks later must find that its lesson was cancelled.
 */
export function cancelledEvent(entry: Entry, now: number): Event {
  const own = { tutorbotKind: 'cancelled' satisfies Kind, tutorbotCancelledAt: String(now) }
  return {
    summary: `Cancelled: ${entry.summary.replace(HELD, '')}`,
    status: 'confirmed',
    transparency: 'transparent',
    reminders: { useDefault: false, overrides: [] },
    extendedProperties: { private: { ...own, tutorbotSequence: String(entry.sequence + 1) } },
  }
}

/** The lesson, kept or cancelled lesson of an event. */
export function lessonIn({ order, start, end, kind, own, sequence, changedAt, description }: Entry): BookedLesson {
  const { tutorbotContact: contact, tutorbotCancelledAt: cancelledAt } = own
  return {
    order: order as string,
    start,
    end,
    ...(own.tutorbotService === undefined ? writtenIn(description) : textsIn(own)),
    ...(contact !== undefined && { contact }),
    ...(kind === 'hold' && { isHeld: true }),
    changedAt,
    sequence,
    ...(cancelledAt !== undefined && { cancelledAt: Number(cancelledAt) }),
  }
}

/** The original time of an event, recorded in it, wherever it was moved since. */
export function slotOf({ start, end }: Interval): string {
  return `${iso(start)}/${iso(end)}`
}

/** Before the summary of a kept lesson. */
const HELD = 'Held: '
const TRIAL = 'none, a free trial lesson'

interface Content {
  summary: string
  lines: string[]
  own: Record<string, string>
}

function eventOf(kind: Kind, wish: Wish, { summary, lines, own }: Content): Event {
  return {
    summary,
    // Interpreted as HTML.
    description: [...lines, `Order: ${wish.order}`].map(escaped).join('\n'),
    start: { dateTime: iso(wish.start) },
    end: { dateTime: iso(wish.end) },
    status: kind === 'lesson' ? 'confirmed' : 'tentative',
    transparency: 'opaque',
    extendedProperties: {
      private: { tutorbotKind: kind, tutorbotOrder: wish.order, tutorbotSlot: slotOf(wish), ...own },
    },
  }
}

function textsOf({ student, service, payment, conversation }: Lesson): { summary: string; lines: string[] } {
  const lines = [
    `Student: ${student}`,
    `Service: ${service}`,
    `Payment: ${payment ?? TRIAL}`,
    `Conversation: ${conversation}`,
  ]
  return { summary: `${service}: ${student}`, lines }
}

/** A lesson's, without those that are empty. */
function propertiesOf(lesson: Lesson, sequence: number): Record<string, string> {
  const { student, service, payment, conversation, contact } = lesson
  return {
    tutorbotSequence: String(sequence),
    tutorbotService: service,
    tutorbotStudent: student,
    ...(payment !== null && { tutorbotPayment: payment }),
    ...(conversation !== '' && { tutorbotBookedIn: conversation }),
    ...(contact !== undefined && { tutorbotContact: contact }),
  }
}

type Texts = Pick<Lesson, 'student' | 'service' | 'payment' | 'conversation'>

function textsIn(own: Record<string, string>): Texts {
  const { tutorbotStudent: student = '', tutorbotService: service = '', tutorbotPayment: payment = null } = own
  return { student, service, payment, conversation: own.tutorbotBookedIn ?? '' }
}

/** Those of a lesson that an earlier version has booked. Never free by mistake: nobody would pay it back. */
function writtenIn(description: string): Texts {
  const texts = (name: string) => {
    const line = description.split('\n').find(each => each.startsWith(`${name}: `))
    return line
      ?.slice(name.length + 2)
      .replaceAll('&lt;', '<')
      .replaceAll('&amp;', '&')
  }
  const payment = texts('Payment') ?? 'not known'
  return {
    student: texts('Student') ?? '',
    service: texts('Service') ?? '',
    payment: payment === TRIAL ? null : payment,
    conversation: texts('Conversation') ?? '',
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
