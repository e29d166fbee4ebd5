import { hash, timingSafeEqual } from 'node:crypto'
import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import ical, { ICalEventStatus } from 'ical-generator'
import { IANAZone } from 'luxon'
import type { BookedLesson } from '../calendar/contract.ts'
import { OptionError } from '../inbox/errors.ts'
import { showableTime } from '../inbox/utc-time.ts'

export interface CalendarFeedOptions {
  /** Gives access to the names of all students: long, random, and used for nothing else. */
  token: string
  /** The lessons that overlap a range (Unix ms), in order of start. */
  lessons(from: number, to: number): Promise<BookedLesson[]>
  /** IANA time zone of the lessons. Their times are in UTC anyway. */
  zone: string
  /** Unix time, ms. */
  now?: () => number
}

/** How long lessons stay in the feed, ms. */
const PAST_MS = 30 * 24 * 60 * 60 * 1_000
/** The latest valid Date, Unix ms. */
const END_OF_TIME = 8.64e15
/**
 * `lastModified` of lessons from a version that did not record it, Unix ms. Constant, or they would look changed at
 * each fetch; in the past, so that real changes are newer.
 */
const UNKNOWN_CHANGE_TIME = Date.UTC(2026, 0, 1)
/** How often calendar programs should refresh, s; the default of many is once a day. */
const REFRESH_SECONDS = 15 * 60

const TokenError = createError<[]>(
  'CALENDAR_TOKEN_INVALID',
  'The token is missing or wrong: subscribe to /calendar.ics?token=… with the token that is set for this calendar',
  401,
)
const UnreadableError = createError<[]>('CALENDAR_UNREADABLE', 'The calendar is unavailable; try again later', 503)

/** The lessons as an iCalendar feed. @throws {OptionError} that names the option */
export default async function calendarFeed(app: FastifyInstance, options: CalendarFeedOptions): Promise<void> {
  const { token, lessons, zone, now = Date.now } = options
  if (token.trim() === '') throw new OptionError('token of the calendar feed is empty; give a long, random string')
  if (!IANAZone.isValidZone(zone)) {
    throw new OptionError(`zone of the calendar feed must be an IANA time zone such as Europe/Amsterdam, not ${zone}`)
  }
  const expected = digest(token)

  // Calendar programs can only send the token in the URL, which Fastify and hosts would log.
  app.get('/calendar.ics', { logLevel: 'silent' }, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const given = (request.query as { token?: unknown }).token
    if (typeof given !== 'string' || !timingSafeEqual(digest(given), expected)) throw new TokenError()
    const booked = await lessons(now() - PAST_MS, END_OF_TIME).catch((error: Error) => {
      app.log.error(error, 'the calendar feed failed: lessons could not be read')
      throw new UnreadableError()
    })
    const body = calendarText(booked, zone)
    const etag = `"${hash('sha256', body)}"`
    reply.header('etag', etag)
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    return reply.type('text/calendar; charset=utf-8').send(body)
  })
}

/** Of fixed length, as timingSafeEqual needs. */
function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

function calendarText(lessons: BookedLesson[], zone: string): string {
  const calendar = ical({
    name: 'Lessons',
    prodId: { company: 'tutorbot-webhooks', product: 'Lessons', language: 'EN' },
    ttl: REFRESH_SECONDS,
    events: lessons.map(({ changedAt, ...lesson }) => ({
      // Not the order itself: the generator doesn't escape UIDs.
      id: `${hash('sha256', lesson.order)}@tutorbot-webhooks`,
      // Without a METHOD, DTSTAMP is when the lesson was last changed (RFC 5545, 3.8.7.2), not when the feed was
      // fetched.
      stamp: dateOf(changedAt ?? UNKNOWN_CHANGE_TIME),
      lastModified: changedAt === null ? null : dateOf(changedAt),
      // A hold that becomes a lesson is its only revision (RFC 5545, 3.8.7.4).
      sequence: lesson.isHeld ? 0 : 1,
      // In the summary too: several calendar programs don't show the status.
      status: lesson.isHeld ? ICalEventStatus.TENTATIVE : ICalEventStatus.CONFIRMED,
      start: dateOf(lesson.start),
      end: dateOf(lesson.end),
      summary: oneLine(`${lesson.isHeld ? 'Held' : 'Lesson'}: ${lesson.student} (${lesson.service})`),
      description: `${oneLine(paymentText(lesson))}\n${oneLine(`Conversation: ${lesson.conversation}`)}`,
    })),
  })
  // As an option, the zone would make all times local; as an X- property, the generator would put it after the events,
  // where it is not allowed (RFC 5545, 3.6).
  const text = calendar.toString().replace(/\r\n(?=BEGIN:VEVENT|END:VCALENDAR)/, `\r\nX-WR-TIMEZONE:${zone}\r\n`)
  return `${text}\r\n`
}

function dateOf(at: number): Date {
  return new Date(showableTime(at))
}

function paymentText({ payment }: Pick<BookedLesson, 'payment'>): string {
  return payment === null ? 'Free trial lesson' : `Payment: ${payment}`
}

/**
 * One line in every calendar program. iCalendar allows no control characters (RFC 5545, 3.3.11); JavaScript readers end
 * lines at U+2028 and U+2029; and several read an escaped backslash before an n as a line break.
 */
function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll('\\', '/')
}
