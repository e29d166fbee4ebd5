import type { Test } from 'tap'
import type { WebhooksOptions } from '../../app.ts'
import type { LocalCalendar } from '../../calendar/contract.ts'
import { webhookApp } from './app.ts'
import { testClock } from './clock.ts'
import { OPERATOR_TOKEN, operator } from './operator.ts'

/** The service with lessons in its calendar, on each store. */

export const signal = new AbortController().signal

/** A Monday, 11:00 in Amsterdam. */
export const MONDAY = Date.parse('2026-11-23T10:00:00Z')
export const HOUR = 3_600_000

export async function startWithLessons(t: Test, options: WebhooksOptions = {}) {
  const clock = testClock(MONDAY)
  const { app, log } = await webhookApp(t, { operator: { token: OPERATOR_TOKEN }, ...options, inbox: { clock } })
  await app.ready()
  const calendar = app.webhooks.calendar as LocalCalendar
  return { app, log, clock, calendar, ...operator(app), ...booking(calendar) }
}

/** Puts lessons into a calendar. */
export function booking(calendar: LocalCalendar) {
  const lesson = (order: string, start: string, parts: object = {}) => ({
    order,
    start: Date.parse(start),
    end: Date.parse(start) + HOUR,
    student: 'Renée',
    service: 'Wiskunde B',
    payment: '60.00 EUR, pi_1',
    conversation: '42',
    ...parts,
  })
  return {
    lesson,
    book: (order: string, start: string, parts: object = {}) => calendar.book(lesson(order, start, parts), signal),
    keep: (order: string, start: string, parts: object = {}) => calendar.keep(lesson(order, start, parts), signal),
  }
}
