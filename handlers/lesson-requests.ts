import { OWN_EVENT_PREFIX } from '../inbox/later.ts'
import { conversationKey } from '../sources/keys.ts'
import type { PaidHow } from './lesson-payment.ts'
import type { Money } from './money.ts'

/** What a tutor asks for: lessons that are added, moved, cancelled and marked as paid or not paid, weekly times that are ended: each by a delivery of our own. */

export const LESSON_EVENTS = {
  add: `${OWN_EVENT_PREFIX}lesson_add`,
  move: `${OWN_EVENT_PREFIX}lesson_move`,
  cancel: `${OWN_EVENT_PREFIX}lesson_cancel`,
  pay: `${OWN_EVENT_PREFIX}lesson_paid`,
  reopen: `${OWN_EVENT_PREFIX}lesson_unpaid`,
  endWeekly: `${OWN_EVENT_PREFIX}weekly_end`,
} as const

/** What is asked for. Times are Unix ms. */
export interface LessonToAdd {
  order: string
  start: number
  end: number
  /** Empty: the contact's. */
  student: string
  service: string
  payment: string
  /** Chatwoot's display id; empty: none. */
  conversation: string
}

/** A lesson that is changed, as it was seen when that was asked for. */
export interface LessonSeen {
  order: string
  start: number
  sequence: number
  conversation: string
}

export interface LessonToMove extends LessonSeen {
  /** When it is to begin; it lasts as long as before. */
  to: number
}

export interface LessonToCancel extends LessonSeen {
  refund: boolean
}

/** A lesson that was paid otherwise than at Stripe. */
export interface LessonToPay extends Money {
  order: string
  /** That of its order: it may be only reserved. */
  conversation: string
  how: PaidHow
  /** Who has paid; may be empty. */
  payer: string
}

/** A lesson that was marked as paid, and is not paid after all. */
export interface LessonToReopen {
  order: string
  conversation: string
}

export interface WeeklyToEnd {
  /** Of the weekly time. */
  order: string
  conversation: string
}

/** What each note of a change's delivery begins with: so its outcome is read from its history. */
export const OUTCOMES = { done: 'Done: ', refused: 'Refused: ' } as const

/** The mailbox in which a lesson is changed. @param account Chatwoot's; undefined: none is configured */
export function lessonMailbox(account: string | undefined, conversation: string): string {
  return account === undefined || conversation === '' ? 'lessons' : conversationKey(account, conversation)
}

/** A change of a lesson that is made, or why it is not. Recorded. */
export type Changed = { refused: string } | Done

export interface Done {
  /** For the tutor. */
  done: string
  news: News
}

/** What the student is told. Times are Unix ms. */
export interface News {
  what: 'added' | 'moved' | 'cancelled' | 'paid' | 'unpaid'
  lesson: { order: string; start: number; end: number; conversation: string }
  /** When it began before. */
  before?: number
  /** What has been paid back. */
  refunded?: { amount: number; currency: string }
  /** Minutes that are back in its package. */
  returned?: number
  /** What has been paid, and how; `isBooked`: the lesson was only reserved before. */
  paid?: Money & { how: PaidHow; isBooked: boolean }
  /** How it was said to be paid: `60.00 EUR, cash`. */
  was?: string
  /** Why nothing could be paid back, and how to fix it. */
  person?: string
}
