import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import tap, { type Test } from 'tap'
import { openSqliteCalendar } from '../../calendar/sqlite.ts'
import { readBlocks, readCancelled, readSlots, STATEMENTS } from '../../calendar/sqlite-statements.ts'
import { readWeekly } from '../../calendar/sqlite-weekly.ts'
import { StoreOpenError, TransientError } from '../../inbox/errors.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { at, calendarConformance, hold, interval, lesson } from '../helpers/calendar-conformance.ts'
import { lessonsConformance } from '../helpers/calendar-conformance-lessons.ts'
import { testClock } from '../helpers/clock.ts'
import { delivery } from '../helpers/inbox.ts'
import { localConformance } from '../helpers/local-calendar-conformance.ts'

const signal = new AbortController().signal
const DAY = 24 * 60 * 60 * 1_000

/** A calendar in the file of an open inbox store, as in the service. */
function openBoth(t: Test) {
  const file = join(t.testdir(), 'webhooks.db')
  const store = openSqliteStore(file)
  const clock = testClock()
  let calendar = openSqliteCalendar(file, clock)
  let closed = false
  const close = () => {
    if (!closed) calendar.close()
    closed = true
  }
  t.teardown(async () => {
    close()
    // A test may have closed it itself.
    await store.close().catch(() => {})
  })
  const again = () => {
    close()
    calendar = openSqliteCalendar(file, clock)
    closed = false
    return calendar
  }
  return { file, store, clock, calendar, again, close }
}

/** The table's contents, as another program sees them. */
function ordersInFile(file: string): unknown[] {
  const db = new DatabaseSync(file, { readOnly: true })
  const orders = db.prepare('SELECT order_id FROM slot ORDER BY order_id').all()
  db.close()
  return orders.map(row => row.order_id)
}

tap.test('fulfils the calendar contract', async t => {
  await calendarConformance(t, async t => {
    const { calendar, clock, again } = openBoth(t)
    return { calendar, clock, again: async () => again() }
  })
})

tap.test('fulfils the contract of lessons', async t => {
  await lessonsConformance(t, async t => {
    const { calendar, clock, again } = openBoth(t)
    return { calendar, clock, again: async () => again() }
  })
})

tap.test('fulfils the contract of calendars in the inbox’s database', async t => {
  await localConformance(t, async t => {
    const { calendar, clock, again } = openBoth(t)
    return { calendar, clock, again: async () => again() }
  })
})

tap.test('what overlaps a time is found by an index, without what comes after it; so is what lapses', async t => {
  const { file } = openBoth(t)
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  const plan = (sql: string) =>
    `${db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(row => row.detail)}`
  for (const name of ['lessons', 'busyTimes', 'overlap'] as const) {
    t.match(plan(STATEMENTS[name]), /SEARCH slot USING INDEX slot_end \(.*end_at<\?\)/, name)
    t.match(plan(STATEMENTS[name]), 'SEARCH slot USING COVERING INDEX slot_length', name)
  }
  t.match(plan(STATEMENTS.dropLapsed), 'SEARCH slot USING INDEX slot_hold')
})

tap.test('lessons: with those whose payment is under way, until they begin', async t => {
  const { calendar, clock } = openBoth(t)
  const all = [at('00:00'), at('24:00')] as const
  await calendar.keep(lesson('a', '10:00-11:00'), signal)
  const changedAt = clock.now()
  t.same(await calendar.lessons(...all), [{ ...lesson('a', '10:00-11:00'), changedAt, sequence: 0, isHeld: true }])
  clock.advance(at('10:00') - clock.now())
  t.same(await calendar.lessons(...all), [])
  t.equal(await calendar.eraseStudent(['7']), 0)
})

tap.test('lessons: as booked, in order, without holds and cancelled ones; they survive a restart', async t => {
  const { calendar, clock, again } = openBoth(t)
  const late = { ...lesson('late', '15:00-16:00'), student: "Zoë; O'Hara,\n😀", service: 'é\\', conversation: '12' }
  const trial = { ...lesson('trial', '09:00-09:30'), payment: null }
  await calendar.book(late, signal)
  await calendar.book(trial, signal)
  await calendar.book(lesson('cancelled', '11:00-12:00'), signal)
  await calendar.cancel('cancelled', signal)
  await calendar.hold(hold(clock, 'held', '12:00-13:00'), signal)
  const all = [at('00:00'), at('24:00')] as const
  const booked = [trial, late].map(each => ({ ...each, sequence: 1, changedAt: clock.now() }))
  clock.advance(1_000)
  t.same(await calendar.lessons(...all), booked)
  t.same(await calendar.lessons(at('09:30'), at('15:00')), [], 'touching is not overlapping')
  t.same(await calendar.lessons(at('09:29'), at('15:01')), booked)
  t.same(await again().lessons(...all), booked)
  await t.rejects(calendar.lessons(at('10:00'), NaN), { name: 'PermanentError' })
})

tap.test('erasing a name changes its lesson, and no other', async t => {
  const { calendar, clock } = openBoth(t)
  await calendar.book({ ...lesson('a', '10:00-11:00'), conversation: '1' }, signal)
  await calendar.book({ ...lesson('b', '12:00-13:00'), conversation: '2' }, signal)
  const bookedAt = clock.now()
  clock.advance(DAY)
  t.equal(await calendar.eraseStudent(['1']), 1)
  const [a, b] = await calendar.lessons(at('00:00'), at('24:00'))
  t.match(a, { student: 'erased', changedAt: bookedAt + DAY })
  t.match(b, { student: 'Renée', changedAt: bookedAt })
})

tap.test('many lessons are read in parts, while other work goes on; none is missed or there twice', async t => {
  const { file, calendar } = openBoth(t)
  const { start } = interval('10:00-11:00')
  const hour = (index: number) => start + index * 3_600_000
  const db = new DatabaseSync(file)
  const insert = db.prepare(`
    INSERT INTO slot (order_id, start_at, end_at, student, service, payment, conversation, changed_at, sequence)
    VALUES (?, ?, ?, 'Ann', 'Maths', NULL, '7', 0, 1)`)
  db.exec('BEGIN')
  for (let index = 0; index < 1_200; index++) insert.run(String(index), hour(index), hour(index + 1))
  db.exec('COMMIT')
  db.close()
  for (let index = 0; index < 500; index++) await calendar.cancel(String(2 * index), signal)

  const read = async () => {
    const found = await calendar.lessons(start, hour(2_000), { withCancelled: true })
    const times = found.map(({ start }) => start)
    t.same(
      times,
      [...times].sort((one, other) => one - other),
      'in order of start',
    )
    return new Set(found.map(({ order, cancelledAt }) => `${order} ${cancelledAt !== undefined}`))
  }
  let turns = 0
  let isRead = false
  const count = () => {
    turns++
    if (!isRead) setImmediate(count)
  }
  setImmediate(count)
  const all = await read()
  isRead = true
  t.equal(all.size, 1_200)
  t.ok(turns >= 2, `${turns} turns of the event loop`)
  t.equal((await calendar.lessons(start, hour(2_000))).length, 700)
  t.equal((await calendar.lessons(hour(1), hour(1_199))).length, 699, 'touching is not overlapping')

  const move = (from: number, to: number) => {
    const margin = { before: 0, after: 0 }
    return calendar.move(
      { order: '1199', from: hour(from), to: { start: hour(to), end: hour(to + 1) }, margin },
      signal,
    )
  }
  const reading = read()
  t.equal(await move(1_199, 0), 'moved', 'into what has been read already')
  t.same(await reading, all)

  let at = 0
  let isOver = false
  const moveOn = async () => {
    await move(at, 2 - at)
    at = 2 - at
    if (!isOver) setImmediate(moveOn)
  }
  const restless = read()
  void moveOn()
  t.same(await restless, all, 'it comes to an end although they keep changing')
  isOver = true
})

tap.test('a file of an earlier version keeps its lessons, without times of change', async t => {
  const { file, calendar, close, again, clock } = openBoth(t)
  await calendar.book(lesson('old', '10:00-11:00'), signal)
  close()
  const db = new DatabaseSync(file)
  db.exec('DROP INDEX slot_conversation; DROP INDEX slot_contact; DROP TABLE cancelled_lesson; DROP TABLE blocked_time')
  db.exec('DROP TABLE weekly_time')
  for (const column of ['changed_at', 'contact', 'sequence']) db.exec(`ALTER TABLE slot DROP COLUMN ${column}`)
  t.same([...readCancelled(db), ...readBlocks(db), ...readWeekly(db)], [])
  t.same(
    [...readSlots(db, clock.now())].map(({ changed_at }) => changed_at),
    [undefined],
  )
  t.throws(() => openSqliteCalendar(file, clock, 'keep'), {
    constructor: StoreOpenError,
    message: /can't be opened as a calendar \(no such \w+: .*\); start this version's server with it once$/,
  })
  t.notOk(db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'blocked_time'").get(), 'a command changes no tables')
  db.close()
  const opened = again()
  await opened.book(lesson('new', '12:00-13:00'), signal)
  t.match(await opened.lessons(at('00:00'), at('24:00')), [
    { order: 'old', changedAt: null, sequence: 1 },
    { order: 'new', changedAt: clock.now() },
  ])
  const to = { order: 'old', from: at('10:00'), to: interval('14:00-15:00'), margin: { before: 0, after: 0 } }
  t.equal(await opened.move(to, signal), 'moved')
  t.match(await opened.lessonOf('old', signal), { start: at('14:00'), sequence: 2 })
  const beside = openSqliteCalendar(file, clock, 'keep')
  t.teardown(() => beside.close())
  t.equal((await beside.lessons(at('00:00'), at('24:00'))).length, 2)
})

tap.test('a command waits for a locked file, unlike the server, whose event loop must not', async t => {
  const { file, calendar } = openBoth(t)
  const beside = openSqliteCalendar(file, Date, 'keep')
  t.teardown(() => beside.close())
  // Lets go by itself: both calendars block this thread while they wait.
  const other = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
    const db = new (require('node:sqlite').DatabaseSync)(workerData)
    db.exec('BEGIN IMMEDIATE')
    parentPort.postMessage('locked')
    parentPort.once('message', () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
      db.exec('COMMIT')
      db.close()
    })`,
    { eval: true, execArgv: [], workerData: file },
  )
  const ended = once(other, 'exit')
  await once(other, 'message')
  await t.rejects(calendar.block({ id: 'a', ...interval('10:00-11:00'), reason: '' }), {
    name: 'TransientError',
    message: /could not block a time: .*locked/,
  })
  other.postMessage('let go')
  await beside.block({ id: 'b', ...interval('10:00-11:00'), reason: '' })
  t.match(await calendar.blocks(at('00:00'), at('24:00')), [{ id: 'b' }])
  await ended
})

tap.test('expired and cancelled entries are deleted from the file', async t => {
  const { file, calendar, clock } = openBoth(t)
  for (const order of ['a', 'b']) await calendar.hold(hold(clock, order, '10:00-11:00'), signal)
  await calendar.book(lesson('c', '12:00-13:00'), signal)
  t.same(ordersInFile(file), ['a', 'c'])
  clock.advance(DAY)
  await calendar.release('nobody', 0, signal)
  t.same(ordersInFile(file), ['c'], 'any change comes across it')
  await calendar.cancel('c', signal)
  t.same(ordersInFile(file), [])
})

tap.test('a renewal ignores margins: appointments made in them do not end it', async t => {
  const { calendar, clock } = openBoth(t)
  const held = { ...hold(clock, 'a', '10:00-11:00'), margin: { before: 60_000, after: 60_000 } }
  await calendar.hold(held, signal)
  await calendar.hold(hold(clock, 'b', '11:00-12:00'), signal)
  t.equal(await calendar.hold({ ...held, until: held.until + 1 }, signal), true)
})

tap.test('a later request of its order does not move a lesson, and learns that', async t => {
  const { calendar, clock } = openBoth(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  const refused = { name: 'PermanentError', message: /Order a has a lesson on 2026-11-24T10:00:00.000Z; cancel that/ }
  await t.rejects(calendar.hold(hold(clock, 'a', '14:00-15:00'), signal), refused)
  await t.rejects(calendar.book(lesson('a', '10:00-10:30'), signal), refused)
  t.equal(await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal), true, 'it has that time already')
  t.equal(await calendar.book(lesson('b', '14:00-15:00'), signal), 'booked', 'nothing was left open')
})

tap.test('invalid times and margins are named', async t => {
  const { calendar, clock } = openBoth(t)
  const ask = (parts: object) => calendar.hold({ ...hold(clock, 'a', '10:00-11:00'), ...parts }, signal)
  const message = (text: RegExp) => ({ name: 'PermanentError', message: text })
  await t.rejects(ask({ end: Infinity }), message(/There is no time from \d+ to Infinity/))
  await t.rejects(ask({ start: 0.5 }), message(/There is no time from 0.5/))
  await t.rejects(ask({ until: Infinity }), message(/until must be Unix ms, not Infinity/))
  await t.rejects(ask({ margin: { before: -1, after: 0 } }), message(/margins must be ms from 0 up, not -1 and 0/))
  await t.rejects(ask({ margin: { before: 0, after: NaN } }), message(/not 0 and NaN/))
  await t.rejects(calendar.busy(at('11:00'), at('10:00'), signal), message(/start before end/))
})

tap.test('calendar and inbox write to one file at once and lose nothing', async t => {
  const { file, store, clock, calendar } = openBoth(t)
  const inserts: Promise<unknown>[] = []
  const holds: Promise<unknown>[] = []
  for (let round = 0; round < 50; round++) {
    const { start, end } = interval('10:00-11:00')
    const [from, to] = [start + round * DAY, end + round * DAY]
    inserts.push(store.insert(delivery(`d${round}`), false))
    holds.push(calendar.hold({ ...hold(clock, `a${round}`, '10:00-11:00'), start: from, end: to }, signal))
    inserts.push(store.claimStep(`s${round}`, 0))
    holds.push(calendar.book({ ...lesson(`a${round}`, '10:00-11:00'), start: from, end: to }, signal))
    // The inbox commits at the end of the turn: some before it, some after.
    if (round % 7 === 0) await new Promise(setImmediate)
  }
  t.same(new Set(await Promise.all(inserts)), new Set(['queued', 'first']))
  t.same(new Set(await Promise.all(holds)), new Set([true, 'booked']))
  t.equal((await store.backlog()).pending, 50)
  t.equal((await calendar.lessons(at('00:00'), at('00:00') + 50 * DAY)).length, 50)

  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  t.match(db.prepare('PRAGMA integrity_check').get(), { integrity_check: 'ok' })
  t.match(db.prepare('PRAGMA journal_mode').get(), { journal_mode: 'wal' })
})

tap.test("the inbox's store opens a file with a calendar in it, and the calendar is still there", async t => {
  const { file, store, calendar, clock } = openBoth(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  await store.close()
  const second = openSqliteStore(file)
  t.teardown(() => second.close())
  t.equal(await second.insert(delivery('a'), false), 'queued')
  const again = openSqliteCalendar(file, clock)
  t.teardown(() => again.close())
  t.same(await again.busy(at('00:00'), at('24:00'), signal), [interval('10:00-11:00')])
})

/** Every operation fails with a transient error that says what could not be done. */
async function allFail(t: Test, { calendar, clock }: ReturnType<typeof openBoth>, reason: RegExp) {
  const failures = await Promise.all(
    [
      calendar.hold(hold(clock, 'new', '08:00-09:00'), signal),
      calendar.release('a', 0, signal),
      calendar.book(lesson('new', '08:00-09:00'), signal),
      calendar.cancel('a', signal),
    ].map(call => Promise.resolve(call).catch((error: Error) => error)),
  )
  const what = ['hold the time of order new', 'release the hold of order a', 'book the lesson of order new', 'cancel o']
  for (const [index, failure] of failures.entries()) {
    t.type(failure, TransientError)
    t.match(failure, { message: `The calendar could not ${what[index]}` })
    t.match(failure, { message: reason })
  }
}

tap.test('a full disk is a transient error, and confirmed entries are in the file', t => {
  const file = join(t.testdir(), 'webhooks.db')
  const modules = ['inbox/sqlite/store.ts', 'calendar/sqlite.ts'].map(
    name => new URL(`../../${name}`, import.meta.url).href,
  )
  const script = `
    const [file, storeModule, calendarModule] = process.argv.slice(1)
    const store = (await import(storeModule)).openSqliteStore(file)
    const calendar = (await import(calendarModule)).openSqliteCalendar(file, Date)
    const parts = { student: 'x'.repeat(2_000), service: 'Maths', payment: null, conversation: '7' }
    const lesson = n => ({ order: 'order ' + n, start: n * 2, end: n * 2 + 1, ...parts })
    let booked = 0
    let failure = null
    while (failure === null && booked < 5_000) {
      await calendar.book(lesson(booked)).then(() => booked++, error => (failure = error))
    }
    const again = await calendar.book(lesson(booked)).catch(error => error.name)
    const still = (await calendar.lessons(0, 1e6)).length
    console.log(JSON.stringify({ booked, name: failure?.name, message: failure?.message, again, still }))
    process.exit()`
  // A file that can't grow, in blocks of 512 bytes: SQLite gets EFBIG, as it gets ENOSPC from a full disk.
  const limited = ['-c', 'ulimit -f 4096 && exec "$0" "$@"', process.execPath, '--input-type=module', '-e', script]
  // Without the test runner's own imports.
  const env = { PATH: process.env.PATH }
  const { booked, ...said } = JSON.parse(execFileSync('sh', [...limited, file, ...modules], { encoding: 'utf8', env }))
  t.ok(booked > 10, `${booked} booked before`)
  const message = new RegExp(`could not book the lesson of order order ${booked}: .*(disk|full)`)
  t.match(said, { name: 'TransientError', message, again: 'TransientError', still: booked })
  t.equal(ordersInFile(file).length, booked)
  t.end()
})

tap.test('a change that fails half-way leaves nothing behind, and the next one works', async t => {
  const { file, calendar, clock } = openBoth(t)
  await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  other.exec(`CREATE TRIGGER fails AFTER INSERT ON slot BEGIN SELECT raise(ABORT, 'no luck'); END`)
  const failed = { name: 'TransientError', message: /could not .* order a: no luck/ }
  await t.rejects(calendar.book(lesson('a', '10:00-11:00'), signal), failed)
  await t.rejects(calendar.hold(hold(clock, 'a', '12:00-13:00'), signal), failed)
  t.same(await calendar.busy(at('00:00'), at('24:00'), signal), [interval('10:00-11:00')], 'its hold is still there')
  other.exec('DROP TRIGGER fails')
  t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'booked')
})

tap.test('another process writing is a transient error', async t => {
  const both = openBoth(t)
  const other = new DatabaseSync(both.file)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  await allFail(t, both, /database is locked/)
  t.same(await both.calendar.busy(at('00:00'), at('24:00'), signal), [], 'reading does not wait')
  other.exec('ROLLBACK')
  t.equal(await both.calendar.book(lesson('a', '10:00-11:00'), signal), 'booked')
})

/** In Node's words. */
const CLOSED = /could not .*: (database is not open|statement has been finalized)/

tap.test('a closed calendar says so', async t => {
  const both = openBoth(t)
  both.close()
  await allFail(t, both, CLOSED)
  const closed = { name: 'TransientError', message: CLOSED }
  await t.rejects(both.calendar.busy(at('00:00'), at('24:00'), signal), closed)
  await t.rejects(both.calendar.lessons(at('00:00'), at('24:00')), closed)
})

tap.test('a missing file, or one that is no database, is left alone', async t => {
  const folder = t.testdir({ 'text.db': 'this is a text, and not a database at all'.repeat(100) })
  const refused = (file: string, message: RegExp) =>
    t.throws(() => openSqliteCalendar(file, testClock()), { constructor: StoreOpenError, message })
  const missing = join(folder, 'missing.db')
  refused(missing, /missing\.db can't be opened as a calendar \(unable to open database file\); open the inbox's/)
  await openSqliteStore(missing).close()
  refused(join(folder, 'text.db'), /file is not a database/)

  const odd = join(folder, 'odd ?#%41 é.db')
  const store = openSqliteStore(odd)
  t.teardown(() => store.close())
  openSqliteCalendar(odd, testClock()).close()
  t.same(ordersInFile(odd), [], 'the calendar is in the file of that name')
})
