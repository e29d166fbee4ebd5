import { hash } from 'node:crypto'
import type { Block, BookedLesson } from '../contract.ts'
import { line, textLine, timeLine } from './lines.ts'

/**
 * Lessons and blocked times as events of an iCalendar file, so that programs that read only a part of it get them right
 * too: no program hides a cancelled event, and several don't show the status, so the state is in the summary.
 */

/** Where a lesson is; neither: not known. */
export interface Where {
  /** It is online: http or https. */
  link?: string
  /** Such as a street. */
  place?: string
}

/**
 * `changedAt` of what comes from a version that did not record it, Unix ms. Constant, or it would look changed at each
 * fetch; in the past, so that real changes are newer.
 */
const UNKNOWN_CHANGE_TIME = Date.UTC(2026, 0, 1)
/** How long before a lesson its alarm is. Relative to the start: some programs don't know others. */
const ALARM_TRIGGER = '-PT1H'

/** A lesson. The order alone decides its UID. */
export function lessonEvent(lesson: BookedLesson, where: Where): string {
  const { changedAt, payment, conversation } = lesson
  const state = stateOf(lesson)
  const summary = `${state.word}: ${lesson.student} (${lesson.service})`
  const isCancelled = state.status === 'CANCELLED'
  const link = where.link === undefined || isCancelled ? undefined : feedLink(where.link)
  const location = link ?? where.place
  const description = [
    ...(link === undefined ? [] : [`Online: ${link}`]),
    payment === null ? 'Free trial lesson' : `Payment: ${payment}`,
    ...(conversation === '' ? [] : [`Conversation: ${conversation}`]),
  ]
  return event([
    // Without a METHOD, DTSTAMP is when the lesson was last changed (RFC 5545, 3.8.7.2), not when the feed was fetched.
    uid(lesson.order),
    timeLine('DTSTAMP', changedAt ?? UNKNOWN_CHANGE_TIME),
    ...(changedAt === null ? [] : [timeLine('LAST-MODIFIED', changedAt)]),
    line(`SEQUENCE:${lesson.sequence}`),
    timeLine('DTSTART', lesson.start),
    timeLine('DTEND', lesson.end),
    textLine('SUMMARY', summary),
    line(`STATUS:${state.status}`),
    line(`TRANSP:${isCancelled ? 'TRANSPARENT' : 'OPAQUE'}`),
    ...(location === undefined ? [] : [textLine('LOCATION', location)]),
    textLine('DESCRIPTION', ...description),
    ...(link === undefined ? [] : [conference(link)]),
    ...(state.status === 'CONFIRMED' ? [alarm(summary)] : []),
  ])
}

/** A time that the tutor has blocked. It never changes. */
export function blockEvent({ id, start, end, reason }: Block): string {
  return event([
    uid(`block ${id}`),
    timeLine('DTSTAMP', UNKNOWN_CHANGE_TIME),
    line('SEQUENCE:0'),
    timeLine('DTSTART', start),
    timeLine('DTEND', end),
    textLine('SUMMARY', reason === '' ? 'Blocked' : `Blocked: ${reason}`),
    line('STATUS:CONFIRMED'),
    line('TRANSP:OPAQUE'),
  ])
}

function stateOf({ isHeld, cancelledAt }: BookedLesson) {
  if (cancelledAt !== undefined) return { word: 'Cancelled', status: 'CANCELLED' } as const
  if (isHeld) return { word: 'Held', status: 'TENTATIVE' } as const
  return { word: 'Lesson', status: 'CONFIRMED' } as const
}

function event(lines: string[]): string {
  return `BEGIN:VEVENT\r\n${lines.join('')}END:VEVENT\r\n`
}

/** Of fixed length, and the same for ever. */
function uid(source: string): string {
  return line(`UID:${hash('sha256', source)}@tutorbot-webhooks`)
}

/** RFC 7986, 5.11. */
function conference(link: string): string {
  return line(`CONFERENCE;VALUE=URI;FEATURE=VIDEO;LABEL=Join the lesson:${link}`)
}

/** Last in its event: components come after the properties (RFC 5545, 3.6.1). */
function alarm(summary: string): string {
  const lines = ['BEGIN:VALARM\r\n', 'ACTION:DISPLAY\r\n', `TRIGGER:${ALARM_TRIGGER}\r\n`]
  return `${lines.join('')}${textLine('DESCRIPTION', summary)}END:VALARM\r\n`
}

/**
 * The link without what a text would escape: an URI must not be escaped, and some readers keep the backslashes of
 * texts. What no URI may contain is encoded too.
 */
function feedLink(link: string): string {
  return link.toWellFormed().replace(/[^\w\-.~:/?#[\]@!$&'()*+=%]/gu, encodeURIComponent)
}
