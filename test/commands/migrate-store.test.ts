import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import pg from 'pg'
import tap, { type Test } from 'tap'
import { MigrateError, main, migrateStore } from '../../commands/migrate-store.ts'
import type { Lesson } from '../../plugins/calendar/contract.ts'
import { openLocalCalendar } from '../../plugins/calendar/local-calendar.ts'
import { openPostgresCalendar } from '../../plugins/calendar/postgres-calendar.ts'
import type { Outcome, Store, TakenDelivery } from '../../plugins/inbox/contracts.ts'
import { openPostgresStore } from '../../plugins/inbox/postgres-store.ts'
import { openSqliteStore } from '../../plugins/inbox/sqlite-store.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET, stripeHeaders } from '../helpers/app.ts'
import { startChatwootApi } from '../helpers/chatwoot-api.ts'
import { startChild } from '../helpers/child.ts'
import { delivery, recorder, startInbox } from '../helpers/inbox.ts'
import { captureLog } from '../helpers/log.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { startServer } from '../helpers/server-process.ts'
import { deliverStripe, pay, student } from '../helpers/story.ts'
import { type Session, startStripeApi } from '../helpers/stripe-api.ts'

const server = await postgresServer('')
tap.teardown(() => server.close())
const { log } = Fastify()
const { signal } = new AbortController()

const COMMAND = 'commands/migrate-store.ts'
const HOUR = 3_600_000
/** Not long ago, so that nothing is pruned. */
const NOW = Date.now() - HOUR
const LATER = Date.now() + 24 * HOUR

const fileOf = (t: Test) => join(t.testdir(), 'webhooks.db')

/** Moves, and gives what is said. */
async function migrate(from: string, to: string): Promise<string> {
  const lines: string[] = []
  await migrateStore({ from, to, print: line => lines.push(line) })
  return lines.join('\n')
}

/** The first delivery of a mailbox is taken, and ends so. */
async function settle(store: Store, box: string, outcome: Outcome): Promise<void> {
  const taken = (await store.take(box, NOW)) as TakenDelivery
  await store.settle(taken, outcome, NOW + 1)
}

const lesson = (order: string, start: number): Lesson => ({
  order,
  start,
  end: start + HOUR,
  student: 'Sam',
  service: 'math',
  payment: null,
  conversation: '7',
})
const hold = (order: string, start: number, until: number) => ({
  order,
  start,
  end: start + HOUR,
  until,
  margin: { before: 0, after: 0 },
})

/** Keeps deliveries of one mailbox, in their order. */
async function accept(store: Store, box: string, ...keys: string[]): Promise<void> {
  await Promise.all(keys.map(key => store.insert(delivery(key, { orderingKey: box, receivedAt: NOW }), false)))
}

/** A store with something of every kind, made by the real store and the real calendar. */
async function fillStore(file: string): Promise<void> {
  const store = openSqliteStore(file)
  await accept(store, 'finished', 'done', 'pruned', 'discarded')
  await settle(store, 'finished', { state: 'done' })
  await settle(store, 'finished', { state: 'done' })
  await settle(store, 'finished', { state: 'dead', error: 'E' })
  await store.discard(delivery('discarded').id, 'nobody needs it', NOW)
  await store.insert(delivery('unreadable', { unreadable: 'no id', receivedAt: NOW }), false)
  await accept(store, 'dead', 'dead')
  await settle(store, 'dead', { state: 'dead', error: 'a 404' })
  // Mailboxes that take turns, so that the order of one is not that of the rows.
  for (const n of [1, 2, 3, 4]) await Promise.all(['a', 'b', 'c'].map(box => accept(store, box, `${box}${n}`)))
  await settle(store, 'a', { state: 'done' })
  await settle(store, 'b', { state: 'pending', error: 'again', nextAttemptAt: LATER })
  await settle(store, 'c', { state: 'parked', error: 'is due', nextAttemptAt: NOW + 2 })
  await accept(store, 'parked', 'parked')
  await settle(store, 'parked', { state: 'parked', error: 'for later', nextAttemptAt: LATER })
  await store.insert(delivery('crashed', { orderingKey: 'crashed', receivedAt: NOW }), true)
  await store.claimStep('step', NOW)
  await store.recordStep('step', { sent: ['hallo'] }, NOW)
  await store.claimStep('claimed', NOW)
  await store.close()

  const calendar = openLocalCalendar(file, { now: Date.now })
  await calendar.book(lesson('lesson', LATER), signal)
  await calendar.hold(hold('hold', LATER + 2 * HOUR, LATER), signal)
  calendar.close()
  const db = new DatabaseSync(file)
  db.exec(`INSERT INTO slot (order_id, start_at, end_at, hold_until) VALUES ('lapsed', 1, 2, 3)`)
  db.exec(`DELETE FROM body WHERE seq = (SELECT seq FROM delivery WHERE key = 'pruned')`)
  db.close()
}

const COLUMNS = `id, source, event, key, ordering_key, state, attempts, started_at, next_attempt_at, received_at,
  settled_at, error`
/** All that is to be moved, in the order of acceptance. */
const CONTENTS = {
  deliveries: `SELECT ${COLUMNS}, payload FROM delivery LEFT JOIN body USING (seq) ORDER BY seq`,
  history: `SELECT id, what, at, attempt, history.started_at, detail FROM history JOIN delivery USING (seq)
    ORDER BY delivery.seq, at, what`,
  steps: 'SELECT key, done_at, result FROM step WHERE done_at IS NOT NULL ORDER BY key',
  slots: 'SELECT * FROM slot WHERE hold_until IS NULL OR hold_until > 3 ORDER BY order_id',
}
type Contents = Record<keyof typeof CONTENTS, Record<string, unknown>[]>

function contentsOfFile(file: string): Contents {
  const db = new DatabaseSync(file, { readOnly: true })
  const read = (name: keyof typeof CONTENTS) => db.prepare(CONTENTS[name]).all().map(comparable)
  const contents = {
    deliveries: read('deliveries'),
    history: read('history'),
    steps: read('steps'),
    slots: read('slots'),
  }
  db.close()
  return contents
}

async function contentsOfDatabase(url: string): Promise<Contents> {
  const own = new URL(url)
  own.searchParams.set('options', '-c search_path=tutorbot_webhooks')
  const read = async (name: keyof typeof CONTENTS) => (await server.query(own.href, CONTENTS[name])).map(comparable)
  return {
    deliveries: await read('deliveries'),
    history: await read('history'),
    steps: await read('steps'),
    slots: await read('slots'),
  }
}

/** PostgreSQL gives its bigints as texts. */
function comparable(row: Record<string, unknown>): Record<string, unknown> {
  const values = Object.entries(row).map(([name, value]) => {
    if (value instanceof Uint8Array) return [name, Buffer.from(value).toString()]
    return [name, /(^|_)(at|until)$/.test(name) && value !== null ? Number(value) : value]
  })
  return Object.fromEntries(values)
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** An inbox on a database that takes down what it handles. */
async function handlingInbox(t: Test, url: string) {
  const handled = recorder()
  const started = await startInbox(t, { store: url })
  started.inbox.handle('test', 'ping', handled.add)
  await started.app.ready()
  return { ...started, handled }
}

/** What is due in the store of `fillStore`, by mailbox. */
const DUE = { a: ['a2', 'a3', 'a4'], c: ['c2', 'c3', 'c4', 'c1'], crashed: ['crashed'] }
const byBox = (keys: string[]) =>
  Object.fromEntries(Object.keys(DUE).map(box => [box, keys.filter(key => key.replace(/\d/, '') === box)]))

tap.test('all arrives as it was, in its order, and once; the file stays as it is', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await fillStore(file)
  const hash = hashOf(file)
  const said = await migrate(file, url)
  t.same(await contentsOfDatabase(url), contentsOfFile(file))
  t.match(said, /^deliveries: 19 moved, .*; 0 were there$/m)
  for (const part of ['3 done', '1 discarded', '2 dead', '11 pending', '2 parked']) t.match(said, part)
  t.match(said, /^steps: 1 moved; 0 were there\ncalendar: 1 lessons moved, 1 holds$/m)
  t.match(said, /^Next: set DATABASE_URL to the database \(postgres:\/\/postgres@127[^:]+:\d+\/\w+\)/m)
  t.notMatch(said, 'postgres:postgres@')

  t.equal((await contentsOfDatabase(url)).history.length, 6)
  const numbers = () => server.query(url, 'SELECT last_value FROM tutorbot_webhooks.delivery_seq_seq')
  const before = await numbers()

  const again = await migrate(file, url)
  t.match(
    again,
    /^deliveries: 0 moved; 19 were there\nsteps: 0 moved; 1 were there\ncalendar: 0 lessons moved, 0 holds/,
  )
  t.same(await contentsOfDatabase(url), contentsOfFile(file))
  t.same(await numbers(), before, 'no gap in the numbers of acceptance')
  t.equal(hashOf(file), hash)
})

tap.test('what was moved is handled: in order, each once; what is known is a duplicate', async t => {
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
      // Accepted after it, in a mailbox of its own: whatever else was due has begun by then.
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

tap.test('odd texts are found again, and large payloads go in small pieces', async t => {
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

/** The command as a process. */
function command(t: Test, args: string[], env: Record<string, string> = {}) {
  const child = startChild(process.execPath, [COMMAND, ...args], { env: { ...process.env, ...env } })
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, ended: ended.then(([out, err, [code]]) => ({ out, err, code })) }
}

/** Where the command comes to a halt, and is killed. */
interface Stop {
  table: 'delivery' | 'body' | 'step' | 'slot'
  /** SQL's condition of the row that is being inserted, NEW. */
  row: string
  /** At its commit instead, which the server then makes all the same. */
  committing?: boolean
}

/** Runs the command on a file and a database, to be killed where it stops. */
async function killer(t: Test, file: string, url: string): Promise<(stop: Stop) => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  // The tables, before there is anything in them.
  await (await openPostgresStore(url, log)).close()
  await (await openPostgresCalendar(url, { now: Date.now })).close()
  await client.query(`
    CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END'`)

  return async ({ table, row, committing = false }) => {
    const [kind, deferred] = committing
      ? ['CONSTRAINT TRIGGER stop AFTER', 'INITIALLY DEFERRED']
      : ['TRIGGER stop BEFORE', '']
    await client.query('SELECT pg_advisory_lock(7)')
    await client.query(`
      CREATE ${kind} INSERT ON tutorbot_webhooks.${table} ${deferred}
      FOR EACH ROW WHEN (${row}) EXECUTE FUNCTION stop()`)
    const { child } = command(t, ['--from', file, '--to', url])
    const stopped = async () => {
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted`,
      )
      return rows[0]?.pid
    }
    let pid: number | undefined
    while (pid === undefined) pid = await stopped()
    child.kill('SIGKILL')
    await once(child, 'close')
    if (!committing) await client.query('SELECT pg_terminate_backend($1)', [pid])
    await client.query('SELECT pg_advisory_unlock(7)')
    // Waits for the end of what the command's connection had begun.
    await client.query(`DROP TRIGGER stop ON tutorbot_webhooks.${table}`)
  }
}

/** A store of three batches of what is pending, in five mailboxes, with two of steps and a lesson. */
async function fillLargeStore(file: string): Promise<string[]> {
  const keys = Array.from({ length: 1_300 }, (_, n) => `key ${n}`)
  const store = openSqliteStore(file)
  await Promise.all([
    ...keys.map((key, n) => store.insert(delivery(key, { orderingKey: `box ${n % 5}`, receivedAt: NOW }), false)),
    ...keys.slice(0, 700).flatMap(key => [store.claimStep(key, NOW), store.recordStep(key, key, NOW)]),
  ])
  await store.close()
  const calendar = openLocalCalendar(file, { now: Date.now })
  await calendar.book(lesson('lesson', LATER), signal)
  calendar.close()
  return keys
}

/** Whether each mailbox's keys are in their order. */
const inOrder = (keys: string[]) =>
  [0, 1, 2, 3, 4].every(box => {
    const numbers = keys.map(key => Number(key.slice(4))).filter(number => number % 5 === box)
    return numbers.every((number, index) => index === 0 || (numbers[index - 1] as number) < number)
  })

tap.test('kill -9 anywhere, and run again: all arrives once, and is handled once', async t => {
  const file = fileOf(t)
  const url = await server.database()
  const keys = await fillLargeStore(file)
  const all = contentsOfFile(file)
  const kill = await killer(t, file, url)
  const rounds: [Stop, { steps: number; slots: number; deliveries: number }][] = [
    [
      { table: 'step', row: `NEW.key = 'key 0'` },
      { steps: 0, slots: 0, deliveries: 0 },
    ],
    [
      { table: 'step', row: `NEW.key = 'key 99'` },
      { steps: 500, slots: 0, deliveries: 0 },
    ],
    [
      { table: 'slot', row: 'true' },
      { steps: 700, slots: 0, deliveries: 0 },
    ],
    [
      { table: 'slot', row: 'true', committing: true },
      { steps: 700, slots: 1, deliveries: 0 },
    ],
    [
      { table: 'delivery', row: `NEW.key = 'key 7'` },
      { steps: 700, slots: 1, deliveries: 0 },
    ],
    [
      { table: 'delivery', row: `NEW.key = 'key 7'`, committing: true },
      { steps: 700, slots: 1, deliveries: 500 },
    ],
    [
      { table: 'delivery', row: `NEW.key = 'key 999'` },
      { steps: 700, slots: 1, deliveries: 500 },
    ],
    [
      { table: 'body', row: `NEW.payload = '{"key":"key 1299"}'` },
      { steps: 700, slots: 1, deliveries: 1_000 },
    ],
  ]
  for (const [stop, { steps, slots, deliveries }] of rounds) {
    await kill(stop)
    const there = await contentsOfDatabase(url)
    t.equal(there.steps.length, steps)
    t.same(there.slots, all.slots.slice(0, slots))
    t.same(there.deliveries, all.deliveries.slice(0, deliveries), `stopped at ${JSON.stringify(stop)}`)
  }
  const { code, out } = await command(t, ['--from', file, '--to', url]).ended
  t.equal(code, 0)
  t.match(out, /^deliveries: 300 moved, 300 pending; 1,000 were there\nsteps: 0 moved; 700 were there\n/m)
  t.same(await contentsOfDatabase(url), all)

  const { handled } = await handlingInbox(t, url)
  await handled.reached(keys.length)
  t.same(handled.keys.toSorted(), keys.toSorted())
  t.ok(inOrder(handled.keys))
})

tap.test('half moved, a server started, and moved again: what was done there stays done', async t => {
  const file = fileOf(t)
  const url = await server.database()
  const keys = await fillLargeStore(file)
  await (await killer(t, file, url))({ table: 'delivery', row: `NEW.key = 'key 999'` })

  const first = await handlingInbox(t, url)
  await first.handled.reached(500)
  await first.inbox.accept(delivery('key 1300', { orderingKey: 'box 0', receivedAt: NOW }), 1)
  t.equal(await first.inbox.accept(delivery('key 0'), 1), 'duplicate')
  await first.handled.reached(501)
  await first.app.close()
  const calendar = await openPostgresCalendar(url, { now: Date.now })
  t.teardown(() => calendar.close())
  t.same(await calendar.cancel('lesson', signal), { start: LATER, end: LATER + HOUR })
  // As DEDUP_DAYS later.
  const store = await openPostgresStore(url, log)
  await store.prune({ payloadsBefore: LATER, keysBefore: LATER }, 0, 100)
  await store.close()

  t.match(await migrate(file, url), /^deliveries: 800 moved, 800 pending; 500 were there\n/)
  t.equal(await calendar.find('lesson', signal), null)
  const second = await handlingInbox(t, url)
  await second.handled.reached(800)
  t.same(second.handled.keys.toSorted(), keys.slice(500).toSorted())
  t.ok(inOrder(second.handled.keys))
  await second.app.close()
  const states = await server.query(url, 'SELECT state, count(*)::int FROM tutorbot_webhooks.delivery GROUP BY state')
  t.same(states, [{ state: 'done', count: 1_201 }], '100 are forgotten')
  t.match(
    await migrate(file, url),
    /^deliveries: 0 moved; 1,300 were there\nsteps: \d+ moved; \d+ were there\ncalendar: 0 l/,
  )
})

tap.test('a database with deliveries, steps and lessons of its own', async t => {
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
  const calendar = openLocalCalendar(file, { now: Date.now })
  await calendar.book(lesson('overlaps', LATER + HOUR / 2), signal)
  await calendar.book(lesson('over a hold', LATER + 2.5 * HOUR), signal)
  await calendar.book(lesson('booked there', LATER + 4 * HOUR), signal)
  await calendar.hold(hold('not free', LATER - HOUR / 2, LATER), signal)
  calendar.close()

  const said = await migrate(file, url)
  t.match(
    said,
    /^deliveries: 1 moved, 1 pending; 3 were there\nsteps: 1 moved; 1 were there\ncalendar: 3 lessons moved, 0 h/m,
  )
  const overlap = new Date(LATER + HOUR / 2).toISOString()
  t.ok(said.startsWith(`look at the calendar: the lesson of ${overlap} (overlaps) overlaps another one\ndeliveries`))
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

tap.test('the real server, killed amid a booking, and moved: the student notices nothing', async t => {
  const [chatwoot, stripe] = [await startChatwootApi(), await startStripeApi()]
  t.teardown(() => Promise.all([chatwoot.close(), stripe.close()]))
  stripe.prices.set('price_1', { id: 'price_1', object: 'price', currency: 'eur', unit_amount: 6000 })
  const file = fileOf(t)
  const url = await server.database()
  const env = {
    CW_HMAC_SECRET: CHATWOOT_SECRET,
    STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    CW_URL: chatwoot.url,
    CW_ACC_ID: chatwoot.accountId,
    CW_TOKEN: chatwoot.tokens.bot,
    CW_ADMIN_TOKEN: chatwoot.tokens.admin,
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_API_BASE: stripe.url,
    STANDARD_PRICE_ID_60: 'price_1',
    CALENDAR_TOKEN: 'calendar-token-of-16',
  }
  const log = captureLog()
  const start = (store: string) => startServer({ ...env, DATABASE_URL: store }, 'exec', line => log.stream.write(line))
  let running = await start(file)
  t.teardown(() => running.end('SIGKILL'))
  const receiver = {
    url: async () => running.url,
    handled: async (id: string) =>
      (await log.line(({ delivery, msg }) => delivery === id && /^webhook (handled|parked|dead)/.test(msg))).msg,
  }
  const renee = student({ chatwoot, stripe, receiver })
  await renee.says('Hoi, ik zoek bijles wiskunde')
  await renee.says('Les boeken')
  await renee.says(renee.choices()[0] as string)
  const { succeeded, completed } = pay([...stripe.sessions.values()][0] as Session)
  chatwoot.fail(/^POST .*\/messages$/, 'hang')
  const confirmation = chatwoot.called(/^POST .*\/messages$/).length + 1
  const payment = await deliverStripe(receiver, succeeded)
  await chatwoot.arrived(/^POST .*\/messages$/, confirmation)
  t.match(await command(t, ['--from', file, '--to', url]).ended, {
    code: 1,
    out: '',
    err: `migrate-store: --from: ${file} is in use by another process; stop that one, or give another file\n`,
  })
  await running.end('SIGKILL')

  // What was not yet written from its log into the file stays in the log.
  const hashes = [file, `${file}-wal`].map(hashOf)
  t.match(await command(t, ['--from', file, '--to', url]).ended, {
    code: 0,
    err: '',
    out: /^calendar: 1 lessons moved/m,
  })
  t.same([file, `${file}-wal`].map(hashOf), hashes)
  running = await start(url)
  t.equal(await receiver.handled(payment), 'webhook handled')
  t.equal(await receiver.handled(await deliverStripe(receiver, completed)), 'webhook handled')
  const again = JSON.stringify(succeeded)
  const request = { method: 'POST', headers: stripeHeaders(again), body: again }
  t.match(await (await fetch(`${running.url}/webhook/payments`, request)).json(), { status: 'duplicate', id: payment })
  t.match(renee.read().slice(3), [/^Dank je wel! .*\nJe les staat vast/])
  t.equal(renee.read().length, 4, 'every message once')
  t.equal(renee.notes().length, 1)
  const feed = await (await fetch(`${running.url}/calendar.ics?token=calendar-token-of-16`)).text()
  t.equal(feed.match(/BEGIN:VEVENT/g)?.length, 1)
})

/** The one line of a command that is refused. */
async function refusal(...args: string[]): Promise<string> {
  const lines: string[] = []
  const code = await main(args, { print: line => lines.push(line), fail: line => lines.push(line) })
  if (code !== 1 || lines.length !== 1) throw new Error(`${code}: ${lines.join('\n')}`)
  return lines.join()
}

tap.test('what is wrong with --from: one line that says so, and nothing is made', async t => {
  const folder = t.testdir({ 'text.db': 'this is a text, and not a database at all'.repeat(100), 'empty.db': '' })
  const path = (name: string) => join(folder, name)
  const to = await server.database()
  const refused = async (from: string, mend: string | RegExp) =>
    t.match(await refusal('--from', from, '--to', to), mend, from)

  const missing = "migrate-store: --from is missing: give the SQLite store's file, data/webhooks.db"
  t.equal(await refusal('--to', to), missing)
  await refused('', missing)
  await refused('postgres://u:secret@h/d', /^migrate-store: --from is a URL: give the SQLite store's file, [^ ]+$/)
  await refused(
    path('none.db'),
    /^migrate-store: --from: .*none\.db can't be read \(ENOENT: .*\); give a store's file$/,
  )
  t.notOk(existsSync(path('none.db')) || existsSync(path('none.db.lock')))
  await refused(folder, /^migrate-store: --from: .* is not a file; give a store's file$/)
  await refused(path('text.db'), /text\.db can't be read \(file is not a database\); give a store's file$/)
  await refused(path('empty.db'), /empty\.db is empty; give a store's file$/)

  const foreign = new DatabaseSync(path('foreign.db'))
  foreign.exec('CREATE TABLE mine (a)')
  foreign.close()
  await refused(path('foreign.db'), /foreign\.db is another program's database; give another file$/)
  await openSqliteStore(path('store.db')).close()
  const newer = new DatabaseSync(path('store.db'))
  newer.exec('PRAGMA user_version = 99')
  await refused(path('store.db'), /store\.db has schema version 99, this program knows 3; run the newer program, or /)
  newer.exec('PRAGMA user_version = 1')
  await refused(
    path('store.db'),
    /store\.db has schema version 1, not 3; start this version's server with it once, and /,
  )
  newer.exec('PRAGMA user_version = 3')
  newer.close()

  const running = openSqliteStore(path('store.db'))
  await refused(path('store.db'), /store\.db is in use by another process; stop that one, or give another file$/)
  await running.close()
  t.same(
    await server.query(to, `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tutorbot%'`),
    [],
    'nothing is made',
  )
  t.match(await migrate(path('store.db'), to), /^deliveries: 0 moved; 0 were there\n/, 'a store without a calendar')
})

tap.test('what is wrong with --to: one line that says so, without the password, and no endless wait', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await openSqliteStore(file).close()
  const changed = (change: Partial<URL>) => Object.assign(new URL(url), change).href
  const refused = async (to: string, mend: string | RegExp) => {
    const line = await refusal('--from', file, '--to', to)
    t.match(line, mend)
    t.notMatch(line, /s3cret|:postgres@/)
  }
  const missing = 'migrate-store: --to is missing: give the database, postgres://user:password@host:5432/database'
  t.equal(await refusal('--from', file), missing)
  await refused('', missing)
  await refused(
    'data/other.db',
    'migrate-store: --to is no PostgreSQL URL: give the database, postgres://user:password@',
  )
  await refused('postgres://u:s3cret@h', /^migrate-store: --to: that is no PostgreSQL URL; write postgres:/)
  await refused(
    changed({ password: 's3cret' }),
    /^migrate-store: --to: postgres:.* can't be used \(password .*\); check the user/,
  )
  await refused(
    changed({ pathname: '/none' }),
    /can't be used \(database "none" does not exist\); create that database/,
  )
  await refused(
    'postgres://u:s3cret@127.0.0.1:1/d',
    /d is not up \(ECONNREFUSED\); start it, or check host and port in/,
  )
  const hangsUp = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  t.teardown(() => hangsUp.close())
  await once(hangsUp, 'listening')
  const { port } = hangsUp.address() as AddressInfo
  await refused(changed({ port: String(port) }), /is not up \((Connection terminated.*|ECONNRESET)\); start it/)
  const silent = createServer().listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const quiet = String((silent.address() as AddressInfo).port)
  await refused(changed({ port: quiet }), /is not up \(.*timeout.*\); start it/)

  await migrate(file, url)
  await server.query(url, 'UPDATE tutorbot_webhooks.version SET version = 99')
  await refused(url, /^migrate-store: --to: the schema tutorbot_webhooks has version 99, this program knows 3; run the/)
})

tap.test('what fails half-way is said, and the next run goes on', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await fillLargeStore(file)
  await migrate(file, url)
  await server.query(url, `DELETE FROM tutorbot_webhooks.delivery`)
  await server.query(url, `DELETE FROM tutorbot_webhooks.moved`)
  await server.query(url, `ALTER TABLE tutorbot_webhooks.body RENAME TO hidden`)
  t.match(
    await refusal('--from', file, '--to', url),
    /^migrate-store: --to: postgres:\/\/postgres@[^ ]+ failed \(relation "tutorbot_webhooks.body" does not exist\); mend that, and run this again: it goes on where it was$/,
  )
  await server.query(url, `ALTER TABLE tutorbot_webhooks.hidden RENAME TO body`)
  await server.query(url, `DELETE FROM tutorbot_webhooks.body`)
  t.match(await migrate(file, url), /^deliveries: 1,300 moved/m)

  const pages = readFileSync(file)
  pages.fill(0xff, 8192 * 3)
  writeFileSync(file, pages)
  t.match(
    await refusal('--from', file, '--to', url),
    /^migrate-store: --from: .*webhooks\.db can't be read to its end \(database disk image is malformed\); /,
  )
})

tap.test('the command', async t => {
  const file = fileOf(t)
  const url = new URL(await server.database())
  await fillStore(file)
  t.match(await refusal('--from', file, '--to'), /^migrate-store: Option '--to <value>' argument missing; see npm run /)
  t.match(await refusal('--nonsense'), /^migrate-store: Unknown option '--nonsense'.*--help$/)
  t.match(await refusal('here'), /^migrate-store: Unexpected argument 'here'/)
  const out: string[] = []
  t.equal(await main(['--help'], { print: line => out.push(line), fail: t.fail }), 0)
  t.match(
    out.join('\n'),
    /^npm run migrate-store -- --from <file> --to <url>\n.*\n {2}npm run migrate-store -- --from d/s,
  )
  const faulty = () => {
    throw new RangeError('a fault of our own keeps its stack')
  }
  await t.rejects(main(['--help'], { print: faulty, fail: t.fail }), RangeError)
  t.match(new MigrateError('x'), { name: 'MigrateError' })

  url.password = ''
  const args = ['--from', file, '--to', url.href]
  const refused = await command(t, args).ended
  t.match(refused, { code: 1, out: '', err: /^migrate-store: --to: postgres:.*\n$/ })
  t.equal(refused.err.trim().split('\n').length, 1)
  t.match(await command(t, args, { PGPASSWORD: 'postgres' }).ended, { code: 0, err: '', out: /^deliveries: 19 moved/ })
})
