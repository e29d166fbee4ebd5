import type { Interval, Lesson } from '../contract.ts'
import { type Event, iso, type Kind } from './events.ts'

/** An event's texts: the tutor's, and ours to recognize it by. */

interface Texts {
  summary: string
  /** Interpreted as HTML. */
  description: string
}

export const HOLD_TEXTS: Texts = { summary: 'Held until it is paid', description: '' }

export function textsOf({ student, service, payment, conversation }: Lesson): Texts {
  const lines = [
    `Student: ${student}`,
    `Service: ${service}`,
    `Payment: ${payment ?? 'none, a free trial lesson'}`,
    `Conversation: ${conversation}`,
  ]
  return { summary: `${service}: ${student}`, description: lines.map(escaped).join('\n') }
}

export function keptTextsOf(lesson: Lesson): Texts {
  const { summary, description } = textsOf(lesson)
  return { summary: `Held: ${summary}`, description }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

export function eventOf(
  kind: Kind,
  wish: Interval & { order: string },
  { summary, description }: Texts,
  until = 0,
  keptFor?: string,
): Event {
  return {
    summary,
    description: `${description}\nOrder: ${escaped(wish.order)}`.trim(),
    start: { dateTime: iso(wish.start) },
    end: { dateTime: iso(wish.end) },
    status: kind === 'lesson' ? 'confirmed' : 'tentative',
    transparency: 'opaque',
    extendedProperties: {
      private: {
        tutorbotKind: kind,
        tutorbotOrder: wish.order,
        tutorbotSlot: slotOf(wish),
        tutorbotUntil: String(until),
        ...(keptFor !== undefined && { tutorbotConversation: keptFor }),
      },
    },
  }
}

/** The original time of an event, recorded in it, wherever it was moved since. */
export function slotOf({ start, end }: Interval): string {
  return `${iso(start)}/${iso(end)}`
}
