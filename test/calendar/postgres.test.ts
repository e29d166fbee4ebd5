import Fastify from 'fastify'
import pg from 'pg'
import t, { type Test } from 'tap'
import { openPostgresCalendar } from '../../calendar/postgres.ts'
import * as sql from '../../calendar/postgres-statements.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { calendarConformance, hold, interval, lesson } from '../helpers/calendar-conformance.ts'
import { lessonsConformance } from '../helpers/calendar-conformance-lessons.ts'
import { testClock } from '../helpers/clock.ts'
import { localConformance, weeklyTime } from '../helpers/local-calendar-conformance.ts'
import { captureLog } from '../helpers/log.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

const { signal } = new AbortController()
const server = await postgresServer('')
t.teardown(() => server.close())

/** A database in which the inbox has created its schema. */
async function database(t: Test): Promise<string> {
  const url = await server.database()
  const log = Fastify({ logger: { level: 'warn', stream: captureLog().stream } }).log
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  return url
}

async function openOne(t: Test) {
  const clock = testClock()
  const url = await database(t)
  const again = async () => {
    const calendar = await openPostgresCalendar(url, clock)
    t.teardown(() => calendar.close())
    return calendar
  }
  return { calendar: await again(), clock, again }
}

await calendarConformance(t, openOne)
await lessonsConformance(t, openOne)
await localConformance(t, openOne)

t.test('no change of the calendar, and no look at a day, reads all lessons, whatever the statistics say', async t => {
  const url = await database(t)
  const [hour, many] = [3_600_000, 20_000]
  const calendar = await openPostgresCalendar(url, testClock())
  t.teardown(() => calendar.close())
  await server.query(
    url,
    `INSERT INTO ${sql.SLOT} (order_id, start_at, end_at, student, service, conversation)
     SELECT n, n * ${hour}::bigint, (n + 1) * ${hour}::bigint, 'Sam', 'Maths', '7' FROM generate_series(1, ${many}) AS n`,
  )
  const [to, from] = [(many / 2 + 24) * hour, (many / 2) * hour]
  const statements = [
    [sql.DROP_LAPSED, [from]],
    [sql.OVERLAP, [from + 1, from, `${many / 2 - 1}`]],
    [sql.BUSY, [to, from, from]],
    [sql.LESSONS, [to, from, from]],
    [sql.LESSONS_AND_CANCELLED, [to, from, from]],
  ] as const
  const explain = async () => {
    for (const [text, values] of statements) {
      const plan = await server.query(url, `EXPLAIN (COSTS OFF) ${text}`, [...values])
      t.notMatch(plan.map(row => row['QUERY PLAN']).join('\n'), /Seq Scan on slot/, text)
    }
  }
  await explain()
  await server.query(url, `ANALYZE ${sql.SLOT}`)
  await explain()
})

t.test('lessons are listed for the feed, without what PostgreSQL can’t keep', async t => {
  const clock = testClock()
  const calendar = await openPostgresCalendar(await database(t), clock)
  t.teardown(() => calendar.close())
  const booked = { ...lesson('A', '10:00-11:00'), student: 'Ren\u0000ée' }
  await calendar.book(booked, signal)
  await calendar.hold(hold(clock, 'B', '12:00-13:00'), signal)
  const changedAt = clock.now()
  t.strictSame(await calendar.lessons(0, 8e15), [{ ...booked, student: 'Renée', changedAt, sequence: 1 }])

  const kept = lesson('C', '14:00-15:00')
  await calendar.keep(kept, signal)
  t.strictSame(
    (await calendar.lessons(0, 8e15))[1],
    { ...kept, isHeld: true, changedAt, sequence: 0 },
    'its payment is under way',
  )
  clock.advance(kept.start - clock.now())
  t.equal((await calendar.lessons(0, 8e15)).length, 1, 'until it begins')
})

t.test('erasing a name changes its lesson; a database of an earlier version does not know when', async t => {
  const clock = testClock()
  const url = await database(t)
  const calendar = await openPostgresCalendar(url, clock)
  t.teardown(() => calendar.close())
  for (const [order, time] of [
    ['a', '10:00-11:00'],
    ['b', '12:00-13:00'],
  ] as const) {
    await calendar.book({ ...lesson(order, time), conversation: order }, signal)
  }
  const bookedAt = clock.now()
  clock.advance(1_000)
  t.equal(await calendar.eraseStudent(['a']), 1)
  t.match(await calendar.lessons(0, 8e15), [{ changedAt: bookedAt + 1_000 }, { changedAt: bookedAt }])

  const client = new pg.Client(url)
  await client.connect()
  t.teardown(() => client.end())
  for (const column of ['changed_at', 'contact', 'sequence']) {
    await client.query(`ALTER TABLE tutorbot_webhooks.slot DROP COLUMN ${column}`)
  }
  await client.query(
    ['cancelled_lesson', 'blocked_time', 'weekly_time', 'package', 'package_entry']
      .map(name => `DROP TABLE tutorbot_webhooks.${name}`)
      .join(';'),
  )
  await t.rejects(openPostgresCalendar(url, clock, 'keep'), {
    name: 'StoreOpenError',
    message: /tables are of an earlier version; start this version's server with it once$/,
  })
  const again = await openPostgresCalendar(url, clock)
  t.teardown(() => again.close())
  const beside = await openPostgresCalendar(url, clock, 'keep')
  t.teardown(() => beside.close())
  t.match(await again.lessons(0, 8e15), [{ changedAt: null }, { changedAt: null }])
  const to = { order: 'a', from: lesson('a', '10:00-11:00').start, margin: { before: 0, after: 0 } }
  t.equal(await again.move({ ...to, to: interval('14:00-15:00') }, signal), 'moved')
  t.match(await again.lessonOf('a', signal), { sequence: 2, changedAt: clock.now() })
})

t.test('two processes open it at the same moment; the server goes away', async t => {
  const clock = testClock()
  const url = await database(t)
  const [one, two] = await Promise.all([openPostgresCalendar(url, clock), openPostgresCalendar(url, clock)])
  t.teardown(() => Promise.all([one.close(), two.close()]))
  const times = [one, two].map((calendar, index) => calendar.hold(hold(clock, `order ${index}`, '10:00-11:00'), signal))
  t.same((await Promise.all(times)).sort(), [false, true])
  const weekly = [one, two].map(({ weekly }, index) => weekly.add(weeklyTime(`order ${index}`, 2, '17:00')))
  t.same((await Promise.all(weekly)).sort(), ['added', 'taken'])
  await t.rejects(one.busy(2, 1, signal), PermanentError)

  await server.stop()
  await t.rejects(one.book(lesson('A', '14:00-15:00'), signal), TransientError)
  await t.rejects(openPostgresCalendar(url, clock), { message: /^The calendar could not be opened/ })
  await server.start()
  t.equal(await one.book(lesson('A', '14:00-15:00'), signal), 'booked')
})
