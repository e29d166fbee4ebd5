import { DateTime } from 'luxon'
import type { Block, BookedLesson } from '../../calendar/contract.ts'
import { utcTime } from '../../inbox/utc-time.ts'
import { conversationUrl } from '../conversation-url.ts'

/** Lessons and blocked times as shown by the API, the page and the commands. */

export const LESSON_STATES = ['booked', 'held', 'cancelled'] as const
export type LessonState = (typeof LESSON_STATES)[number]

export interface LessonView {
  /** The order. */
  id: string
  /** held: its payment is under way. */
  state: LessonState
  /** Times in ISO 8601. */
  start: string
  end: string
  student: string
  /** What is taught. */
  service: string
  /** How it was paid, such as `60.00 EUR, pi_…`; null: it is free. */
  payment: string | null
  /** The payment in Stripe's dashboard; null: it was not paid there. */
  paymentUrl: string | null
  /** Chatwoot's display id; null: it was booked without one. */
  conversation: string | null
  /** The conversation in Chatwoot; null: there is none, or CW_URL is not set. */
  conversationUrl: string | null
  /** When it was booked or last changed; null: not known. */
  changedAt: string | null
  cancelledAt: string | null
  /** Rises with each change. */
  sequence: number
}

/** Where a lesson's conversation and payment are seen. */
export interface LessonLinks {
  /** null: not known. */
  conversation(id: string): string | null
  /** null: not paid by Stripe. */
  payment(payment: string | null): string | null
}

export interface LinkOptions {
  chatwootUrl: string | undefined
  accountId: string | undefined
  /** Whether Stripe's key is a live one; undefined: there is none. */
  livemode: boolean | undefined
}

export function linksOf({ chatwootUrl, accountId, livemode }: LinkOptions): LessonLinks {
  return {
    conversation: id => conversationUrl({ url: chatwootUrl, accountId }, id || undefined),
    payment(payment) {
      const intent = intentIn(payment)
      if (intent === undefined) return null
      return `https://dashboard.stripe.com/${livemode === false ? 'test/' : ''}payments/${intent}`
    },
  }
}

/** The payment intent's id in how a lesson was paid. */
export function intentIn(payment: string | null): string | undefined {
  return /\bpi_\w+/.exec(payment ?? '')?.[0]
}

export function stateOf({ cancelledAt, isHeld }: BookedLesson): LessonState {
  if (cancelledAt !== undefined) return 'cancelled'
  return isHeld ? 'held' : 'booked'
}

export function lessonView(lesson: BookedLesson, links: LessonLinks): LessonView {
  const { order, start, end, student, service, payment, conversation, changedAt, cancelledAt, sequence } = lesson
  return {
    id: order,
    state: stateOf(lesson),
    start: utcTime(start),
    end: utcTime(end),
    student,
    service,
    payment,
    paymentUrl: links.payment(payment),
    conversation: conversation || null,
    conversationUrl: links.conversation(conversation),
    changedAt: changedAt === null ? null : utcTime(changedAt),
    cancelledAt: cancelledAt === undefined ? null : utcTime(cancelledAt),
    sequence,
  }
}

export interface BlockView {
  id: string
  start: string
  end: string
  reason: string
}

export function blockView({ id, start, end, reason }: Block): BlockView {
  return { id, start: utcTime(start), end: utcTime(end), reason }
}

/** `Wed 25 Nov 2026, 10:00` @param at Unix ms @param zone IANA */
export function formatLocal(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone, locale: 'en-GB' }).toFormat('ccc d LLL yyyy, HH:mm')
}
