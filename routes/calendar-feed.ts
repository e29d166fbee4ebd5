import { createHash, hash, timingSafeEqual } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import createError from '@fastify/error'
import type { FastifyInstance } from 'fastify'
import { IANAZone } from 'luxon'
import type { Block, BookedLesson } from '../calendar/contract.ts'
import { blockEvent, lessonEvent, type Where } from '../calendar/feed/events.ts'
import { line, textLine } from '../calendar/feed/lines.ts'
import { OptionError } from '../inbox/errors.ts'

export interface CalendarFeedOptions {
  /** Gives access to the names of all students: long, random, and used for nothing else. */
  token: string
  /** The lessons that overlap a range (Unix ms), also the cancelled ones, in order of start. */
  lessons(from: number, to: number): Promise<BookedLesson[]>
  /** The tutor's blocked times that overlap a range (Unix ms). Default: none. */
  blocks?: (from: number, to: number) => Promise<Block[]>
  /** Where a lesson is. Default: not known. */
  where?: (lesson: BookedLesson) => Where
  /** IANA time zone of the lessons. Their times are in UTC anyway. */
  zone: string
  /** Unix time, ms. */
  now?: () => number
}

/** How long lessons stay in the feed, ms. */
const PAST_MS = 30 * 24 * 60 * 60 * 1_000
/** The latest valid Date, Unix ms. */
const END_OF_TIME = 8.64e15
/** How often calendar programs should refresh; the default of many is once a day. */
const REFRESH = 'PT15M'
/** Events that are written in one turn of the event loop: a few ms. */
const EVENTS_A_TURN = 250

const TokenError = createError<[]>(
  'CALENDAR_TOKEN_INVALID',
  'The token is missing or wrong: subscribe to /calendar.ics?token=… with the token that is set for this calendar',
  401,
)
const UnreadableError = createError<[]>('CALENDAR_UNREADABLE', 'The calendar is unavailable; try again later', 503)

/** The lessons as an iCalendar feed. @throws {OptionError} that names the option */
export default async function calendarFeed(app: FastifyInstance, options: CalendarFeedOptions): Promise<void> {
  const { token, lessons, blocks = async () => [], where = () => ({}), zone, now = Date.now } = options
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
    const from = now() - PAST_MS
    const read = Promise.all([lessons(from, END_OF_TIME), blocks(from, END_OF_TIME)])
    // An empty calendar instead would make programs delete the lessons, or stop refreshing.
    const [booked, blocked] = await read.catch((error: Error) => {
      app.log.error(error, 'the calendar feed failed: lessons could not be read')
      throw new UnreadableError()
    })
    await nextTurn()
    const { parts, length, etag } = await inParts(zone, eventsOf(oncePerOrder(booked), blocked, where))
    reply.header('etag', etag)
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    reply.type('text/calendar; charset=utf-8').header('content-length', length)
    return reply.send(Readable.from(parts))
  })
}

/** Of fixed length, as timingSafeEqual needs. */
function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** The newest of each: programs differ in which of two events with one UID they show. */
function oncePerOrder(lessons: BookedLesson[]): BookedLesson[] {
  const newest = new Map<string, BookedLesson>()
  for (const lesson of lessons) {
    const other = newest.get(lesson.order)
    if (other === undefined || other.sequence < lesson.sequence) newest.set(lesson.order, lesson)
  }
  return [...newest.values()]
}

function* eventsOf(lessons: BookedLesson[], blocks: Block[], where: (lesson: BookedLesson) => Where): Iterable<string> {
  for (const lesson of lessons) yield lessonEvent(lesson, where(lesson))
  for (const block of blocks) yield blockEvent(block)
}

interface Parts {
  parts: Buffer[]
  /** Of all together, octets. */
  length: number
  etag: string
}

/** A calendar of these events. Other work goes on between the parts; to join them takes as long as ten of them. */
async function inParts(zone: string, events: Iterable<string>): Promise<Parts> {
  const parts: Buffer[] = []
  const sum = createHash('sha256')
  let length = 0
  const add = (text: string) => {
    const part = Buffer.from(text)
    parts.push(part)
    sum.update(part)
    length += part.length
  }
  let text = headerOf(zone)
  let count = 0
  for (const event of events) {
    text += event
    count++
    if (count % EVENTS_A_TURN !== 0) continue
    add(text)
    text = ''
    await nextTurn()
  }
  add(text + line('END:VCALENDAR'))
  return { parts, length, etag: `"${sum.digest('hex')}"` }
}

/** All of the calendar's properties: several programs refuse a file with one after an event. */
function headerOf(zone: string): string {
  return [
    line('BEGIN:VCALENDAR'),
    line('VERSION:2.0'),
    line('PRODID:-//tutorbot-webhooks//Lessons//EN'),
    textLine('X-WR-CALNAME', 'Lessons'),
    line(`X-WR-TIMEZONE:${zone}`),
    line(`REFRESH-INTERVAL;VALUE=DURATION:${REFRESH}`),
    line(`X-PUBLISHED-TTL:${REFRESH}`),
  ].join('')
}
