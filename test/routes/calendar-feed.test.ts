import { get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import Fastify, { type FastifyServerOptions } from 'fastify'
import tap, { type Test } from 'tap'
import type { BookedLesson } from '../../calendar/contract.ts'
import calendarFeed, { type CalendarFeedOptions } from '../../routes/calendar-feed.ts'
import { captureLog } from '../helpers/log.ts'

const TOKEN = 'the+token of/the&calendar=é'
const WITH_TOKEN = `?token=${encodeURIComponent(TOKEN)}`
const NOW = Date.parse('2026-11-23T10:00:00Z')
const DAY = 24 * 60 * 60 * 1_000

const lesson: BookedLesson = {
  order: 'order 1',
  start: Date.parse('2026-11-24T16:00:00Z'),
  end: Date.parse('2026-11-24T17:30:00Z'),
  student: 'Ann',
  service: 'Maths',
  payment: '60.00 EUR, pi_1',
  conversation: '7',
  changedAt: Date.parse('2026-11-20T08:09:10Z'),
}

/** The feed in a listening host that logs as much as possible. */
async function startFeed(t: Test, options: Partial<CalendarFeedOptions> = {}, host: FastifyServerOptions = {}) {
  const log = captureLog()
  const app = Fastify({ logger: { level: 'trace', stream: log.stream }, ...host })
  t.teardown(() => app.close())
  const asked: number[][] = []
  const lessons = async (...range: number[]) => {
    asked.push(range)
    return [lesson]
  }
  await app.register(calendarFeed, { token: TOKEN, zone: 'Europe/Amsterdam', now: () => NOW, lessons, ...options })
  app.get('/other', async () => 'of the host')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const request = async (path: string, method = 'GET') => {
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      get(`${url}${path}`, { method, agent: false }, resolve).on('error', reject),
    )
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }
  return { app, log, asked, request }
}

interface Property {
  name: string
  value: string
}

/** Checks RFC 5545's rules for lines, and returns them unfolded: the calendar's own, and those of each event. */
function parse(t: Test, body: string): { calendar: Property[]; events: Property[][] } {
  t.ok(body.startsWith('BEGIN:VCALENDAR\r\n') && body.endsWith('END:VCALENDAR\r\n'), 'one calendar')
  const lines = body.split('\r\n')
  t.notMatch(lines.join(''), /[\p{Cc}\p{Zl}\p{Zp}]/u, 'no line ends but CRLF, and no other control characters')
  t.ok(
    lines.every(line => Buffer.byteLength(line) <= 75),
    'folded',
  )
  const properties = body
    .replaceAll('\r\n ', '')
    .trimEnd()
    .split('\r\n')
    .map(line => {
      t.match(line, /^[A-Z-]+(;[^:]*)?:/, 'a property')
      const colon = line.indexOf(':')
      return { name: line.slice(0, colon), value: line.slice(colon + 1) }
    })
  const calendar: Property[] = []
  const events: Property[][] = []
  let event: Property[] | null = null
  for (const property of properties.slice(1, -1)) {
    if (property.name === 'BEGIN') {
      t.equal(property.value, 'VEVENT')
      t.equal(event, null, 'no event within another')
      event = []
      events.push(event)
    } else if (property.name === 'END') event = null
    else if (event !== null) event.push(property)
    else {
      t.equal(events.length, 0, 'the properties of the calendar come before its events')
      calendar.push(property)
    }
  }
  t.equal(event, null)
  return { calendar, events }
}

function valueIn(properties: Property[] | undefined, name: string): string | undefined {
  return properties?.find(property => property.name === name)?.value
}

/** A text as a calendar program parses it. */
function asRead(value = ''): string {
  return value.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character))
}

tap.test('a lesson: its time in UTC, who and what, how it was paid and where it was agreed', async t => {
  const { asked, request } = await startFeed(t)
  const { status, headers, body } = await request(`/calendar.ics${WITH_TOKEN}`)
  t.equal(status, 200)
  t.equal(headers['content-type'], 'text/calendar; charset=utf-8')
  t.equal(headers['cache-control'], 'no-store')
  const { calendar, events } = parse(t, body)
  t.equal(valueIn(calendar, 'VERSION'), '2.0')
  t.equal(valueIn(calendar, 'PRODID'), '-//tutorbot-webhooks//Lessons//EN')
  t.equal(valueIn(calendar, 'X-WR-CALNAME'), 'Lessons')
  t.equal(valueIn(calendar, 'X-WR-TIMEZONE'), 'Europe/Amsterdam')
  t.equal(valueIn(calendar, 'X-PUBLISHED-TTL'), 'PT15M')
  t.equal(events.length, 1)
  const [event] = events
  t.equal(valueIn(event, 'DTSTART'), '20261124T160000Z')
  t.equal(valueIn(event, 'DTEND'), '20261124T173000Z')
  t.equal(valueIn(event, 'DTSTAMP'), '20261120T080910Z', 'when it was last changed')
  t.equal(valueIn(event, 'LAST-MODIFIED'), '20261120T080910Z')
  t.equal(valueIn(event, 'STATUS'), 'CONFIRMED')
  t.equal(valueIn(event, 'SUMMARY'), 'Lesson: Ann (Maths)')
  t.equal(asRead(valueIn(event, 'DESCRIPTION')), 'Payment: 60.00 EUR, pi_1\nConversation: 7')
  const [[from, to] = []] = asked
  t.equal(from, NOW - 30 * DAY, 'from 30 days ago on')
  t.ok(Number(to) > NOW + 1_000 * 365 * DAY, 'without an end')
})

tap.test('the UID depends on the order only, whatever its characters', async t => {
  const orders = ['order 1', 'Order 1', 'a\r\nEND:VEVENT', 'é'.repeat(200)]
  const lessons = async () => orders.map(order => ({ ...lesson, order }))
  const { request } = await startFeed(t, { lessons })
  const uids = async () => {
    const { events } = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body)
    return events.map(event => valueIn(event, 'UID'))
  }
  const first = await uids()
  t.equal(new Set(first).size, orders.length)
  t.same(await uids(), first)
  for (const uid of first) t.match(uid, /^[0-9a-f]{64}@tutorbot-webhooks$/)
})

tap.test('a student’s name is escaped', async t => {
  const names = {
    "Renée; O'Hara, \\n BEGIN:VEVENT": "Renée; O'Hara, /n BEGIN:VEVENT",
    'A\u2028B\u2029C\u0085D\vE\fF': 'A B C D E F',
    'half \ud83d': 'half \ufffd',
    'A\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:B': 'A END:VEVENT BEGIN:VEVENT SUMMARY:B',
    'A\nB\rC': 'A B C',
    'a \u0000\u0007\u007f\u0085 bell': 'a   bell',
    ['😀日本語'.repeat(40)]: undefined,
    '"quotes": and ^n, \\': '"quotes": and ^n, /',
  }
  const lessons = async () =>
    Object.keys(names).map(student => ({
      ...lesson,
      student,
      service: student,
      payment: student,
      conversation: student,
    }))
  const { request } = await startFeed(t, { lessons })
  const { events } = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body)
  t.equal(events.length, Object.keys(names).length)
  for (const [index, [name, cleaned = name]] of Object.entries(names).entries()) {
    t.equal(asRead(valueIn(events[index], 'SUMMARY')), `Lesson: ${cleaned} (${cleaned})`)
    t.equal(asRead(valueIn(events[index], 'DESCRIPTION')), `Payment: ${cleaned}\nConversation: ${cleaned}`)
  }
})

tap.test('a free trial lesson says so', async t => {
  const { request } = await startFeed(t, { lessons: async () => [{ ...lesson, payment: null }] })
  const { events } = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body)
  t.equal(asRead(valueIn(events[0], 'DESCRIPTION')), 'Free trial lesson\nConversation: 7')
})

tap.test('a lesson whose payment is under way is tentative, also in its summary', async t => {
  const held = { ...lesson, isHeld: true as const }
  const { request } = await startFeed(t, { lessons: async () => [held, { ...lesson, order: 'booked' }] })
  const { events } = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body)
  t.equal(valueIn(events[0], 'STATUS'), 'TENTATIVE')
  t.equal(valueIn(events[0], 'SEQUENCE'), '0')
  t.equal(valueIn(events[1], 'SEQUENCE'), '1', 'booked: a revision')
  t.match(valueIn(events[0], 'SUMMARY'), /^Held: /)
  t.equal(valueIn(events[1], 'STATUS'), 'CONFIRMED')
  t.match(valueIn(events[1], 'SUMMARY'), /^Lesson: /)
})

tap.test('an unchanged lesson is identical at every fetch, also one of an earlier version', async t => {
  const clock = { now: NOW }
  const lessons = [lesson, { ...lesson, order: 'order 2', changedAt: null }]
  const { app, request } = await startFeed(t, { lessons: async () => lessons, now: () => clock.now })
  const first = await request(`/calendar.ics${WITH_TOKEN}`)
  const [, old] = parse(t, first.body).events
  t.equal(valueIn(old, 'DTSTAMP'), '20260101T000000Z', 'long ago: whatever changes it is newer')
  t.equal(valueIn(old, 'LAST-MODIFIED'), undefined, 'unknown')
  clock.now += DAY
  const second = await request(`/calendar.ics${WITH_TOKEN}`)
  t.equal(second.body, first.body)

  const ask = (etag = '') => app.inject({ url: `/calendar.ics${WITH_TOKEN}`, headers: { 'if-none-match': etag } })
  t.match(await ask(second.headers.etag), { statusCode: 304, body: '' }, 'nothing to read again')
  lessons[0] = { ...lesson, student: 'erased', changedAt: clock.now }
  const changed = await ask(second.headers.etag)
  t.equal(changed.statusCode, 200)
  t.equal(valueIn(parse(t, changed.body).events[0], 'DTSTAMP'), '20261124T100000Z')
})

tap.test('an invalid time does not break the feed', async t => {
  const { request } = await startFeed(t, { lessons: async () => [{ ...lesson, end: 9e15, changedAt: -9e15 }, lesson] })
  const { status, body } = await request(`/calendar.ics${WITH_TOKEN}`)
  t.equal(status, 200)
  const [odd, usual] = parse(t, body).events
  t.equal(valueIn(odd, 'DTEND'), '99991231T235959Z')
  t.equal(valueIn(usual, 'DTEND'), '20261124T173000Z')
})

tap.test('an empty calendar is valid', async t => {
  const { request } = await startFeed(t, { lessons: async () => [], now: undefined })
  const { status, body } = await request(`/calendar.ics${WITH_TOKEN}`)
  t.equal(status, 200)
  const { calendar, events } = parse(t, body)
  t.same(events, [])
  t.equal(valueIn(calendar, 'X-WR-TIMEZONE'), 'Europe/Amsterdam')
})

tap.test('without the token: 401 with instructions, and no lesson is read', async t => {
  const { asked, request } = await startFeed(t)
  const encoded = encodeURIComponent(TOKEN)
  for (const query of [
    '',
    '?token=',
    '?token',
    '?token=wrong',
    `?token=${encoded}x`,
    `?token=${encoded.slice(0, -1)}`,
    `?token=${encoded}&token=${encoded}`,
    `?token=wrong&token=${encoded}`,
    `?token=${'x'.repeat(5_000)}`,
    `?Token=${encoded}`,
    `?token[]=${encoded}`,
    '?token=%zz',
    '?token=%ff',
    '?__proto__=x&token=toString',
  ]) {
    const { status, headers, body } = await request(`/calendar.ics${query}`)
    t.equal(status, 401, query.slice(0, 60))
    t.equal(headers['cache-control'], 'no-store')
    t.match(headers['content-type'], /^application\/json/)
    t.same(JSON.parse(body), {
      statusCode: 401,
      code: 'CALENDAR_TOKEN_INVALID',
      error: 'Unauthorized',
      message:
        'The token is missing or wrong: subscribe to /calendar.ics?token=… with the token that is set for this calendar',
    })
  }
  t.same(asked, [])
})

tap.test('neither the token nor guesses are in an answer or log', async t => {
  const plain = 'a-token-that-stands-out'
  const tried = 'a-try-that-stands-out'
  let broken = false
  const { log, request } = await startFeed(
    t,
    {
      token: plain,
      lessons: async () => {
        if (broken) throw new Error('database or disk is full')
        return [lesson]
      },
    },
    { requestIdHeader: 'x-request-id' },
  )
  const answers = [
    await request(`/calendar.ics?token=${plain}`),
    await request(`/calendar.ics?token=${plain}`, 'HEAD'),
    await request(`/calendar.ics?token=${tried}`),
    await request(`/calendar.ics?token=${plain}&token=${tried}`),
  ]
  t.same(
    answers.map(({ status }) => status),
    [200, 200, 401, 401],
  )
  broken = true
  answers.push(await request(`/calendar.ics?token=${plain}`))
  t.equal((await request('/other')).status, 200)
  t.match(log.text(), /"url":"\/other"/, 'this host logs its requests')
  const said = JSON.stringify(answers) + log.text()
  t.notMatch(said, /stands-out/)
  t.notMatch(log.text(), /calendar\.ics/)
})

tap.test('unreadable lessons: 503, with the reason only in the log', async t => {
  const { log, request } = await startFeed(t, {
    lessons: async () => {
      throw new Error('database or disk is full')
    },
  })
  const { status, body } = await request(`/calendar.ics${WITH_TOKEN}`)
  t.equal(status, 503)
  t.same(JSON.parse(body), {
    statusCode: 503,
    code: 'CALENDAR_UNREADABLE',
    error: 'Service Unavailable',
    message: 'The calendar is unavailable; try again later',
  })
  const said = { level: 50, msg: /the calendar feed failed/, err: { message: 'database or disk is full' } }
  t.match(await log.line(({ level }) => level === 50), said)
})

tap.test('invalid options are named', async t => {
  const start = async (options: Partial<CalendarFeedOptions>) => {
    await Fastify().register(calendarFeed, { token: TOKEN, zone: 'UTC', lessons: async () => [], ...options })
  }
  await t.rejects(start({ token: ' ' }), { name: 'TypeError', message: /^token of the calendar feed is empty/ })
  await t.rejects(start({ zone: 'Mars' }), { name: 'TypeError', message: /^zone of the calendar feed .* not Mars/ })
})
