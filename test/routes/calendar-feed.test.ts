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
  sequence: 1,
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
  /** The components that this line is in. */
  const within: string[] = []
  for (const { name, value } of properties.slice(1, -1)) {
    if (name === 'BEGIN') {
      within.push(value)
      if (value === 'VEVENT') events.push([])
    } else if (name === 'END') t.equal(within.pop(), value, 'what was begun')
    else if (within.length === 0) {
      t.equal(events.length, 0, 'the properties of the calendar come before its events')
      calendar.push({ name, value })
    } else {
      const event = events.at(-1) as Property[]
      const isAlarmOver = within.length === 1 && event.at(-1)?.name.startsWith('VALARM ')
      t.notOk(isAlarmOver, 'an event’s properties come before its alarm')
      event.push({ name: within.length === 1 ? name : `${within.at(-1)} ${name}`, value })
    }
  }
  t.same(within, [])
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
  t.equal(valueIn(calendar, 'REFRESH-INTERVAL;VALUE=DURATION'), 'PT15M')
  t.equal(events.length, 1)
  const [event] = events
  t.equal(valueIn(event, 'DTSTART'), '20261124T160000Z')
  t.equal(valueIn(event, 'DTEND'), '20261124T173000Z')
  t.equal(valueIn(event, 'DTSTAMP'), '20261120T080910Z', 'when it was last changed')
  t.equal(valueIn(event, 'LAST-MODIFIED'), '20261120T080910Z')
  t.equal(valueIn(event, 'STATUS'), 'CONFIRMED')
  t.equal(valueIn(event, 'SUMMARY'), 'Lesson: Ann (Maths)')
  t.equal(valueIn(event, 'TRANSP'), 'OPAQUE')
  t.equal(asRead(valueIn(event, 'DESCRIPTION')), 'Payment: 60.00 EUR, pi_1\nConversation: 7')
  t.equal(valueIn(event, 'LOCATION'), undefined, 'not known')
  t.equal(valueIn(event, 'VALARM ACTION'), 'DISPLAY')
  t.equal(valueIn(event, 'VALARM TRIGGER'), '-PT1H')
  t.equal(valueIn(event, 'VALARM DESCRIPTION'), 'Lesson: Ann (Maths)')
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
      order: student,
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

tap.test('the state of a lesson is in its status and in its summary', async t => {
  const lessons = [
    { ...lesson, order: 'held', isHeld: true as const, sequence: 0 },
    { ...lesson, order: 'booked' },
    { ...lesson, order: 'moved', sequence: 2 },
    { ...lesson, order: 'cancelled', sequence: 3, cancelledAt: NOW, conversation: '' },
  ]
  const link = 'https://meet.example.com/a'
  const { request } = await startFeed(t, { lessons: async () => lessons, where: () => ({ link }) })
  const { events } = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body)
  const names = ['SUMMARY', 'STATUS', 'TRANSP', 'SEQUENCE', 'VALARM TRIGGER', 'LOCATION']
  t.same(
    events.map(event => names.map(name => valueIn(event, name))),
    [
      ['Held: Ann (Maths)', 'TENTATIVE', 'OPAQUE', '0', undefined, link],
      ['Lesson: Ann (Maths)', 'CONFIRMED', 'OPAQUE', '1', '-PT1H', link],
      ['Lesson: Ann (Maths)', 'CONFIRMED', 'OPAQUE', '2', '-PT1H', link],
      ['Cancelled: Ann (Maths)', 'CANCELLED', 'TRANSPARENT', '3', undefined, undefined],
    ],
  )
  t.equal(valueIn(events[3], 'DESCRIPTION'), 'Payment: 60.00 EUR\\, pi_1', 'neither a link nor a conversation')
  t.notOk(events[3]?.some(({ name }) => name.startsWith('CONFERENCE')))
})

tap.test('where a lesson is: a link without what a text would escape, or a place', async t => {
  const link = 'https://meet.example.com:8443/a,b;c\\d/é "ü"?x=%20y&z=(1)#[😀]\ud83d'
  const encoded =
    'https://meet.example.com:8443/a%2Cb%3Bc%5Cd/%C3%A9%20%22%C3%BC%22?x=%20y&z=(1)#[%F0%9F%98%80]%EF%BF%BD'
  const lessons = async () => [lesson, { ...lesson, order: 'place' }]
  const where = ({ order }: BookedLesson) => (order === 'place' ? { place: 'Kerkstraat 1, A; \n\\ é' } : { link })
  const { request } = await startFeed(t, { lessons, where })
  const [online, place] = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body).events
  t.equal(valueIn(online, 'LOCATION'), encoded, 'alone')
  t.equal(valueIn(online, 'CONFERENCE;VALUE=URI;FEATURE=VIDEO;LABEL=Join the lesson'), encoded)
  t.equal(asRead(valueIn(online, 'DESCRIPTION')).split('\n')[0], `Online: ${encoded}`)
  t.equal(asRead(valueIn(place, 'LOCATION')), 'Kerkstraat 1, A;  / é')
  t.equal(valueIn(place, 'DESCRIPTION'), 'Payment: 60.00 EUR\\, pi_1\\nConversation: 7')
  t.notOk(place?.some(({ name }) => name.startsWith('CONFERENCE')))
})

tap.test('times that the tutor has blocked', async t => {
  const [start, end] = [NOW, NOW + 2 * 60 * 60 * 1_000]
  const asked: number[][] = []
  const blocks = async (...range: number[]) => {
    asked.push(range)
    return [{ id: '1', start, end, reason: 'dentist, 2;' }, { id: '2', start, end, reason: '' }] // biome-ignore format: one line
  }
  const { request } = await startFeed(t, { blocks })
  const [, one, other] = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body).events
  t.equal(asRead(valueIn(one, 'SUMMARY')), 'Blocked: dentist, 2;')
  t.equal(valueIn(other, 'SUMMARY'), 'Blocked')
  t.equal(valueIn(one, 'DTSTART'), '20261123T100000Z')
  t.equal(valueIn(one, 'DTEND'), '20261123T120000Z')
  t.equal(valueIn(one, 'STATUS'), 'CONFIRMED')
  t.equal(valueIn(one, 'TRANSP'), 'OPAQUE')
  t.match(valueIn(one, 'UID'), /^[0-9a-f]{64}@tutorbot-webhooks$/)
  t.not(valueIn(one, 'UID'), valueIn(other, 'UID'))
  t.equal(asked[0]?.[0], NOW - 30 * DAY)
})

tap.test('one event for each order: the newest', async t => {
  const cancelled = { ...lesson, sequence: 2, cancelledAt: NOW }
  const again = { ...lesson, sequence: 3 }
  for (const lessons of [
    [cancelled, again],
    [again, cancelled],
  ]) {
    const { request } = await startFeed(t, { lessons: async () => lessons })
    const { events } = parse(t, (await request(`/calendar.ics${WITH_TOKEN}`)).body)
    t.same(
      events.map(event => [valueIn(event, 'SEQUENCE'), valueIn(event, 'STATUS')]),
      [['3', 'CONFIRMED']],
    )
  }
})

tap.test('folded at 75 octets, between characters', async t => {
  const names = ['', 'a', 'é', '日', '😀'].flatMap(character =>
    Array.from({ length: 8 }, (_, more) => 'x'.repeat(more) + character.repeat(90)),
  )
  const lessons = names.map((student, index) => ({ ...lesson, student, order: String(index) }))
  const { request } = await startFeed(t, { lessons: async () => lessons })
  const { body } = await request(`/calendar.ics${WITH_TOKEN}`)
  t.notMatch(body, '\ufffd')
  const { events } = parse(t, body)
  t.same(
    events.map(event => valueIn(event, 'SUMMARY')),
    names.map(name => `Lesson: ${name} (Maths)`),
  )
  t.ok(
    body.split('\r\n').some(line => Buffer.byteLength(line) === 75),
    'lines are filled',
  )
})

tap.test('a large feed is written in several turns of the event loop', async t => {
  const lessons = Array.from({ length: 1_001 }, (_, index) => ({ ...lesson, order: String(index) }))
  const { app } = await startFeed(t, { lessons: async () => lessons })
  let turns = 0
  let isRunning = true
  const count = () => {
    turns++
    if (isRunning) setImmediate(count)
  }
  setImmediate(count)
  const { body } = await app.inject(`/calendar.ics${WITH_TOKEN}`)
  isRunning = false
  t.equal(body.match(/^BEGIN:VEVENT\r$/gm)?.length, 1_001)
  t.ok(turns >= 5, `${turns} turns`)
})

tap.test('an unchanged lesson is identical at every fetch, also one of an earlier version', async t => {
  const clock = { now: NOW }
  const lessons = [lesson, { ...lesson, order: 'order 2', changedAt: null }]
  const blocks = async () => [{ id: '1', start: NOW, end: NOW + DAY, reason: '' }]
  const { app, request } = await startFeed(t, { lessons: async () => lessons, blocks, now: () => clock.now })
  const first = await request(`/calendar.ics${WITH_TOKEN}`)
  const [, old] = parse(t, first.body).events
  t.equal(valueIn(old, 'DTSTAMP'), '20260101T000000Z', 'long ago: whatever changes it is newer')
  t.equal(valueIn(old, 'LAST-MODIFIED'), undefined, 'unknown')
  clock.now += 20 * DAY
  const second = await request(`/calendar.ics${WITH_TOKEN}`)
  t.equal(second.body, first.body)

  const ask = (etag = '') => app.inject({ url: `/calendar.ics${WITH_TOKEN}`, headers: { 'if-none-match': etag } })
  t.match(await ask(second.headers.etag), { statusCode: 304, body: '' }, 'nothing to read again')
  lessons[0] = { ...lesson, student: 'erased', changedAt: clock.now }
  const changed = await ask(second.headers.etag)
  t.equal(changed.statusCode, 200)
  t.equal(valueIn(parse(t, changed.body).events[0], 'DTSTAMP'), '20261213T100000Z')
})

tap.test('an invalid time does not break the feed', async t => {
  const { request } = await startFeed(t, {
    lessons: async () => [{ ...lesson, order: 'odd', end: 9e15, changedAt: -9e15 }, lesson],
  })
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
