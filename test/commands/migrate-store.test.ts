import tap from 'tap'
import type { LocalCalendar } from '../../calendar/contract.ts'
import { openPostgresCalendar } from '../../calendar/postgres.ts'
import { openSqliteCalendar } from '../../calendar/sqlite.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { delivery } from '../helpers/inbox.ts'
import { weeklyTime } from '../helpers/local-calendar-conformance.ts'
import {
  accept,
  byBox,
  contentsOfDatabase,
  contentsOfFile,
  DUE,
  fileOf,
  fillStore,
  HOUR,
  handlingInbox,
  hashOf,
  hold,
  LATER,
  lesson,
  log,
  migrate,
  NOW,
  settle,
  signal,
} from '../helpers/moving.ts'
import { bought, by, taking } from '../helpers/packages-conformance.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

const openPackages = (calendar: LocalCalendar) => ({ packages: calendar.packages, close: () => calendar.close() })
const server = await postgresServer('')
tap.teardown(() => server.close())

tap.test('everything arrives unchanged, in order, once; the file is unchanged', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await fillStore(file)
  const hash = hashOf(file)
  const said = await migrate(file, url)
  t.same(await contentsOfDatabase(server, url), contentsOfFile(file))
  t.match(said, /^deliveries: 19 moved, .*; 0 were there already$/m)
  for (const part of ['3 done', '1 discarded', '2 dead', '11 pending', '2 parked']) t.match(said, part)
  t.match(said, /^steps: 1 moved; 0 were there already\ncalendar: 1 lessons moved, 1 holds$/m)
  t.match(said, /^Next: set DATABASE_URL to the database \(postgres:\/\/postgres@127[^:]+:\d+\/\w+\)/m)
  t.notMatch(said, 'postgres:postgres@')

  t.equal((await contentsOfDatabase(server, url)).history.length, 6)
  const numbers = () => server.query(url, 'SELECT last_value FROM tutorbot_webhooks.delivery_seq_seq')
  const before = await numbers()

  const again = await migrate(file, url)
  t.match(
    again,
    /^deliveries: 0 moved; 19 were there already\nsteps: 0 moved; 1 were there already\ncalendar: 0 lessons moved, 0 holds/,
  )
  t.same(await contentsOfDatabase(server, url), contentsOfFile(file))
  t.same(await numbers(), before, 'no gap in the numbers of acceptance')
  t.equal(hashOf(file), hash)
})

tap.test('cancelled lessons, moves and blocked times move too, once', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await openSqliteStore(file).close()
  const calendar = openSqliteCalendar(file, { now: Date.now })
  const contact = { contact: '42', payment: '60.00 EUR, pi_1', student: 'Ren\u0000ée' }
  await calendar.book({ ...lesson('moved', LATER), ...contact }, signal)
  const to = { start: LATER + 4 * HOUR, end: LATER + 5 * HOUR }
  await calendar.move({ order: 'moved', from: LATER, to, margin: { before: 0, after: 0 } }, signal)
  await calendar.book({ ...lesson('cancelled', LATER + 8 * HOUR), ...contact }, signal)
  await calendar.cancel('cancelled', signal)
  await calendar.book(lesson('cancelled there, booked here', LATER + 10 * HOUR), signal)
  await calendar.cancel('cancelled there, booked here', signal)
  await calendar.block({ id: 'gone', start: LATER + 12 * HOUR, end: LATER + 13 * HOUR, reason: '' })
  await calendar.block({ id: 'blocked', start: LATER + 14 * HOUR, end: LATER + 15 * HOUR, reason: 'dentist' })
  await calendar.weekly.add({ ...weeklyTime('w', 2, '17:00'), student: 'Ren\u0000ée' })
  await calendar.weekly.add({ ...weeklyTime('ended', 3, '17:00'), contact: '42' })
  await calendar.weekly.end('ended')
  const all = [LATER, LATER + 24 * HOUR, { withCancelled: true }] as const
  const before = await calendar.lessons(...all)
  const blocks = await calendar.blocks(LATER, LATER + 24 * HOUR)
  calendar.close()

  const own = await openPostgresStore(url, log)
  t.teardown(() => own.close())
  const there = await openPostgresCalendar(url, { now: Date.now })
  t.teardown(() => there.close())
  await there.book(lesson('cancelled there, booked here', LATER + 20 * HOUR), signal)
  const said = await migrate(file, url)
  t.match(said, /^calendar: 1 lessons moved, 0 holds, 1 cancelled lessons, 2 blocked times, 2 weekly times$/m)
  const clean = before.map(each => ({ ...each, student: each.student.replace('\u0000', '') }))
  const moved = await there.lessons(...all)
  t.same(
    moved.filter(({ order }) => !order.includes('here')),
    clean.filter(({ order }) => !order.includes('here')),
  )
  t.match(await there.lessonOf('cancelled there, booked here', signal), { start: LATER + 20 * HOUR, sequence: 1 })
  t.same(await there.blocks(LATER, LATER + 24 * HOUR), blocks)
  t.same(await there.weekly.all(), [{ ...weeklyTime('w', 2, '17:00'), student: 'Renée' }])
  t.equal(await there.weekly.add(weeklyTime('ended', 2, '17:00')), 'added', 'that one is known, and has ended')
  await there.unblock('gone')
  t.match(await migrate(file, url), /^calendar: 0 lessons moved, 0 holds$/m)
  t.match(await there.blocks(LATER, LATER + 24 * HOUR), [{ id: 'blocked' }])
})

tap.test('packages move too, with their entries, once; one that is there already stays', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await openSqliteStore(file).close()
  const { packages, close } = openPackages(openSqliteCalendar(file, { now: Date.now }))
  for (const id of ['a', 'b', 'c']) await packages.buy(bought(id, { contact: '42', student: 'Ren\u0000ée' }), 'stripe')
  await packages.take(taking('x'))
  await packages.refund({ package: 'a', minutes: 120, ...by('stripe') })
  const before = { found: await packages.find('a'), entries: await packages.entries('a') }
  await close()

  const own = await openPostgresStore(url, log)
  t.teardown(() => own.close())
  const there = openPackages(await openPostgresCalendar(url, { now: Date.now }))
  t.teardown(() => there.close())
  await there.packages.buy(bought('c', { minutes: 60 }), 'tutor')
  t.match(await migrate(file, url), /^calendar: 0 lessons moved, 0 holds, 2 packages$/m)
  t.strictSame(await there.packages.find('a'), { ...before.found, student: 'Renée' })
  t.strictSame(await there.packages.entries('a'), before.entries)
  t.match(await there.packages.find('c'), { minutes: 60, left: 60 })
  t.equal((await there.packages.entries('c')).length, 1)
  t.match(await there.packages.take(taking('y')), { package: 'a', number: 4 })
  t.match(await migrate(file, url), /^calendar: 0 lessons moved, 0 holds$/m)
  t.equal((await there.packages.entries('a')).length, 4)
})

tap.test('what is scheduled moves too, once', async t => {
  const file = fileOf(t)
  const url = await server.database()
  const source = openSqliteStore(file)
  for (const key of ['a', 'b']) await source.schedule(delivery(key), 5)
  await source.discard(delivery('b').id, 'no', 1)
  await source.close()
  t.match(await migrate(file, url), /^scheduled: 2 moved; 0 were there already$/m)
  const store = await openPostgresStore(url, log)
  t.match(await store.get(delivery('a').id), { state: 'scheduled', nextAttemptAt: 5, payload: { key: 'a' } })
  t.match(await store.get(delivery('b').id), { state: 'discarded', error: 'no' })
  t.same((await store.promote(0, 10)).orderingKeys, ['mailbox:a'])
  t.match(await migrate(file, url), /^scheduled: 0 moved; 2 were there already$/m)
  t.same(await store.list({ state: 'scheduled' }, 10), [])
  await store.close()
})

tap.test('moved deliveries are handled in order, once; known ones are duplicates', async t => {
  for (const running of [false, true]) {
    await t.test(running ? 'by an instance that runs already' : 'by one that is started then', async t => {
      const file = fileOf(t)
      const url = await server.database()
      await fillStore(file)
      const { inbox, handled, log } = running
        ? await handlingInbox(t, url).then(async started => {
            await migrate(file, url)
            return started
          })
        : await migrate(file, url).then(() => handlingInbox(t, url))
      await handled.reached(8)
      // Accepted after it, in its own mailbox: everything else that was due has begun by then.
      await inbox.accept(delivery('after', { orderingKey: 'a', receivedAt: Date.now() }), 1)
      await log.count('webhook handled', 9)
      t.same(byBox(handled.keys), DUE)
      for (const key of ['done', 'pruned', 'dead', 'a4', 'parked']) {
        t.equal(await inbox.accept(delivery(key), 1), 'duplicate', key)
      }
      t.equal(handled.keys.length, 9)
      t.match(await inbox.get(delivery('crashed').id), { state: 'done', attempts: 2 })
      t.match(await inbox.backlog(), { pending: 4, parked: 1, dead: 2 }, 'b waits for its retry')
      t.equal(await inbox.replay([delivery('dead').id]), 1)
    })
  }
})

tap.test('odd strings survive, and large payloads are moved in small batches', async t => {
  const file = fileOf(t)
  const url = await server.database()
  const long = `${'k'.repeat(100_000)}\u0000`
  const store = openSqliteStore(file)
  await store.insert(delivery('odd\u0000', { orderingKey: long, event: 'p\u0000', receivedAt: NOW }), false)
  await settle(store, long, { state: 'pending', error: 'E\u0000', nextAttemptAt: 5 })
  await store.claimStep(long, NOW)
  await store.recordStep(long, '\u0000', NOW)
  const payload = { text: 'x'.repeat(3 * 1024 * 1024) }
  for (const n of [1, 2, 3]) await store.insert(delivery(`large ${n}`, { payload, receivedAt: NOW }), false)
  await store.close()

  const { now } = performance
  let passed = 0
  t.teardown(() => Object.assign(performance, { now }))
  performance.now = () => {
    passed += 1_001
    return passed
  }
  const said = await migrate(file, url)
  Object.assign(performance, { now })
  t.match(said, /^1 steps\n3 of 4 deliveries\n4 of 4 deliveries\ndeliveries: 4 moved, 4 pending; /)

  const moved = await openPostgresStore(url, log)
  t.teardown(() => moved.close())
  t.match(await moved.get(delivery('odd\u0000').id), { key: 'odd\uFFFD', event: 'p\uFFFD', error: 'E\uFFFD' })
  t.match(await moved.history(delivery('odd\u0000').id), [{ what: 'failed', attempt: 1, detail: 'E\uFFFD' }])
  t.match(await moved.take(long, NOW), { key: 'odd\uFFFD', attempts: 2 })
  t.same(await moved.claimStep(long, NOW), { result: '\u0000' })
  t.same((await moved.get(delivery('large 3').id))?.payload, payload)
})

tap.test('a database that already has deliveries, steps and lessons', async t => {
  const file = fileOf(t)
  const url = await server.database()
  const own = await openPostgresStore(url, log)
  t.teardown(() => own.close())
  const ownCalendar = await openPostgresCalendar(url, { now: Date.now })
  t.teardown(() => ownCalendar.close())
  await accept(own, 'shared', 'mine')
  await accept(own, 'known', 'pending here')
  await accept(own, 'finished', 'finished here')
  await settle(own, 'finished', { state: 'done' })
  await accept(own, 'twice', 'finished there')
  for (const key of ['busy here', 'done here']) await own.claimStep(key, NOW)
  await own.recordStep('done here', 'here', NOW)
  await ownCalendar.book(lesson('booked here', LATER), signal)
  await ownCalendar.hold(hold('held here', LATER + 2 * HOUR, LATER), signal)
  await ownCalendar.hold(hold('booked there', LATER + 20 * HOUR, LATER), signal)

  const store = openSqliteStore(file)
  await accept(store, 'shared', 'theirs')
  await accept(store, 'known', 'pending here')
  await settle(store, 'known', { state: 'dead', error: 'E' })
  await accept(store, 'finished', 'finished here')
  await accept(store, 'twice', 'finished there')
  await settle(store, 'twice', { state: 'done' })
  for (const key of ['busy here', 'done here']) {
    await store.claimStep(key, NOW)
    await store.recordStep(key, 'there', NOW)
  }
  await store.close()
  const calendar = openSqliteCalendar(file, { now: Date.now })
  await calendar.book(lesson('overlaps', LATER + HOUR / 2), signal)
  await calendar.book(lesson('over a hold', LATER + 2.5 * HOUR), signal)
  await calendar.book(lesson('booked there', LATER + 4 * HOUR), signal)
  await calendar.hold(hold('not free', LATER - HOUR / 2, LATER), signal)
  calendar.close()

  const said = await migrate(file, url)
  t.match(
    said,
    /^deliveries: 1 moved, 1 pending; 3 were there already\nsteps: 1 moved; 1 were there already\ncalendar: 3 lessons moved, 0 h/m,
  )
  const overlap = new Date(LATER + HOUR / 2).toISOString()
  t.ok(said.startsWith(`check the calendar: the lesson at ${overlap} (overlaps) overlaps another one\ndeliveries`))
  t.same(await own.claimStep('busy here', NOW), { result: 'there' })
  t.same(await own.claimStep('done here', NOW), { result: 'here' })
  t.same(await ownCalendar.find('booked there', signal), { start: LATER + 4 * HOUR, end: LATER + 5 * HOUR })
  t.same(
    (await ownCalendar.lessons(LATER - HOUR, LATER + 24 * HOUR)).map(({ order }) => order),
    ['booked here', 'overlaps', 'over a hold', 'booked there'],
  )

  const { handled, inbox } = await handlingInbox(t, url)
  await handled.reached(3)
  t.same(handled.keys.toSorted(), ['mine', 'pending here', 'theirs'], 'not what was finished on either side')
  t.ok(handled.keys.indexOf('mine') < handled.keys.indexOf('theirs'))
  t.match(await inbox.get(delivery('finished there').id), { state: 'done', attempts: 1, settledAt: NOW + 1 })
})
