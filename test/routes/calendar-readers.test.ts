import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { LocalCalendar } from '../../calendar/contract.ts'
import { buildServer } from '../../server.ts'
import {
  type Reader,
  readByCalcurse,
  readByIcalJs,
  readByKhal,
  readByNodeIcal,
  type ShownEvent,
} from '../helpers/calendar-readers.ts'
import { testClock } from '../helpers/clock.ts'
import { isInstalled } from '../helpers/installed.ts'

/*
 * The feed of a real server, as programs of all kinds read it: what one of them gets wrong, none of our own tests would
 * notice. calcurse drops the status, and everything if a property of the calendar comes after an event; khal reads each
 * line by itself, and an escaped backslash before an n as a line break.
 */

const TOKEN = 'a-token-of-the-calendar'
const HOUR = 3_600_000
const LINK = 'https://meet.example.com/r/a,b;c?x="ü"&y=%20z'
const LINK_IN_FEED = 'https://meet.example.com/r/a%2Cb%3Bc?x=%22%C3%BC%22&y=%20z'
const PLACE = 'Kerkstraat 1, 2nd floor; Amsterdam'
const TUTOR = {
  lessons: [
    { minutes: 60, link: LINK },
    { minutes: 90, place: PLACE },
    { minutes: 30, trial: true },
  ],
}
/** Names, and what is shown of them. */
const NAMES: Record<string, string> = {
  'Renée "Zoë" O\'Hara, jr.; the 2nd': 'Renée "Zoë" O\'Hara, jr.; the 2nd',
  'C:\\new\\table \\, \\;': 'C:/new/table /, /;',
  '😀👩‍🏫 日本語': '😀👩‍🏫 日本語',
  'a\r\nEND:VEVENT\nBEGIN:VEVENT': 'a END:VEVENT BEGIN:VEVENT',
  [`${'😀日本語é '.repeat(30)}x`]: `${'😀日本語é '.repeat(30)}x`,
  'Name: with=signs (and) <b>tags</b> & %2C {braces}': 'Name: with=signs (and) <b>tags</b> & %2C {braces}',
}
const { signal } = new AbortController()
const utc = (time: number) => new Date(time).toISOString()

/** What is in the calendar, and what every program must show. */
async function fill(calendar: LocalCalendar): Promise<ShownEvent[]> {
  const expected: ShownEvent[] = []
  let next = Date.parse('2026-11-25T08:00Z')
  /** A lesson at the next free time, and what is shown of it unless said otherwise. */
  const lesson = (order: string, parts: { student?: string; payment?: string | null; minutes?: number } = {}) => {
    const { minutes = 60, student = 'Ann', payment = '60.00 EUR, pi_1' } = parts
    const [start, end] = [next, next + (minutes / 60) * HOUR]
    next += 2 * HOUR
    const shown: ShownEvent = {
      summary: `Lesson: ${student} (Maths)`,
      start: utc(start),
      end: utc(end),
      location: LINK_IN_FEED,
      description: `Online: ${LINK_IN_FEED}\nPayment: ${payment}\nConversation: 7`,
      hasAlarm: true,
      status: 'CONFIRMED',
    }
    return { wish: { order, start, end, student, service: 'Maths', payment, conversation: '7' }, shown }
  }
  const withoutLink = { location: '', description: 'Payment: 60.00 EUR, pi_1\nConversation: 7' }
  const silent = { hasAlarm: false }

  const booked = lesson('booked')
  await calendar.book(booked.wish, signal)
  expected.push(booked.shown)

  const held = lesson('held')
  await calendar.keep(held.wish, signal)
  expected.push({ ...held.shown, ...silent, summary: 'Held: Ann (Maths)', status: 'TENTATIVE' })

  const moved = lesson('moved', { minutes: 90 })
  await calendar.book(moved.wish, signal)
  // In summer, on the other side of two clock changes.
  const to = { start: Date.parse('2027-07-01T14:00Z'), end: Date.parse('2027-07-01T15:30Z') }
  const move = { order: 'moved', from: moved.wish.start, to, margin: { before: 0, after: 0 } }
  t.equal(await calendar.move(move, signal), 'moved')
  const atPlace = { ...withoutLink, location: PLACE }
  expected.push({ ...moved.shown, ...atPlace, start: utc(to.start), end: utc(to.end) })

  const cancelled = lesson('cancelled')
  await calendar.book(cancelled.wish, signal)
  await calendar.cancel('cancelled', signal)
  const state = { summary: 'Cancelled: Ann (Maths)', status: 'CANCELLED' }
  expected.push({ ...cancelled.shown, ...withoutLink, ...silent, ...state })

  const trial = lesson('trial', { payment: null, minutes: 30 })
  await calendar.book(trial.wish, signal)
  expected.push({ ...trial.shown, location: '', description: 'Free trial lesson\nConversation: 7' })

  const unknown = lesson('no longer sold', { minutes: 45 })
  await calendar.book(unknown.wish, signal)
  expected.push({ ...unknown.shown, ...withoutLink })

  for (const [student, shownName] of Object.entries(NAMES)) {
    const named = lesson(student, { student })
    await calendar.book(named.wish, signal)
    expected.push({ ...named.shown, summary: `Lesson: ${shownName} (Maths)` })
  }

  const { start, end } = lesson('blocked').wish
  await calendar.block({ id: 'b1', start, end, reason: 'dentist, 2; \\n' })
  const summary = 'Blocked: dentist, 2; /n'
  const block = { summary, location: '', description: '', hasAlarm: false, status: 'CONFIRMED' }
  expected.push({ ...block, start: utc(start), end: utc(end) })
  return expected.sort((one, other) => one.start.localeCompare(other.start))
}

const tutorFile = join(t.testdir({ 'tutor.json': JSON.stringify(TUTOR) }), 'tutor.json')
const env = {
  DATABASE_URL: join(t.testdirName, 'webhooks.db'),
  LOG_LEVEL: 'silent',
  TUTOR_FILE: tutorFile,
  CALENDAR_TOKEN: TOKEN,
}
const clock = testClock()
const app = await buildServer({ env, clock })
t.teardown(() => app.close())
const fetchFeed = async () => (await app.inject(`/calendar.ics?token=${TOKEN}`)).body
const expected = await fill(app.webhooks.calendar as LocalCalendar)
const feed = await fetchFeed()

const inOrder = (events: ShownEvent[]) => [...events].sort((one, other) => one.start.localeCompare(other.start))

t.test('fetched again later, it is the same', async t => {
  clock.advance(Date.parse('2026-11-25T09:30Z') - clock.now())
  t.equal(await fetchFeed(), feed, 'though a lesson is over')
})

t.test('ical.js', async t => {
  t.same(inOrder(readByIcalJs(feed)), expected)
})

t.test('node-ical', async t => {
  t.same(inOrder(readByNodeIcal(feed)), expected)
})

const PROGRAMS: { name: string; read: Reader; shows(event: ShownEvent): ShownEvent }[] = [
  {
    name: 'khal',
    read: readByKhal,
    shows: decoded,
  },
  { name: 'calcurse', read: readByCalcurse, shows: event => ({ ...event, status: undefined }) },
]

/** khal's library decodes %2C and %3B everywhere; a link leads to the same place. */
function decoded(event: ShownEvent): ShownEvent {
  const [summary = '', location = '', description = ''] = [event.summary, event.location, event.description].map(text =>
    text.replaceAll('%2C', ',').replaceAll('%3B', ';'),
  )
  return { ...event, summary, location, description }
}

for (const { name, read, shows } of PROGRAMS) {
  t.test(name, async t => {
    if (!isInstalled(t, name, '--version')) return
    const folder = t.testdir({ 'feed.ics': '' })
    writeFileSync(join(folder, 'feed.ics'), feed)
    t.same(inOrder(await read(folder)), expected.map(shows))
  })
}
