import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import pg from 'pg'
import type { Test } from 'tap'
import type { Lesson } from '../../calendar/contract.ts'
import { openPostgresCalendar } from '../../calendar/postgres.ts'
import { openSqliteCalendar } from '../../calendar/sqlite.ts'
import { main, migrateStore } from '../../commands/migrate-store.ts'
import type { Outcome, Store, TakenDelivery } from '../../inbox/contracts.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { startChild } from './child.ts'
import { delivery, recorder, startInbox } from './inbox.ts'
import type { PostgresServer } from './postgres-server.ts'
import { inTime, until } from './wait.ts'

export const { log } = Fastify()

export const { signal } = new AbortController()

export const COMMAND = 'commands/migrate-store.ts'

export const HOUR = 3_600_000

/** Recent, so that nothing is pruned. */
export const NOW = Date.now() - HOUR

export const LATER = Date.now() + 24 * HOUR

export const fileOf = (t: Test) => join(t.testdir(), 'webhooks.db')

/** Moves, and returns what is logged. */
export async function migrate(from: string, to: string): Promise<string> {
  const lines: string[] = []
  await migrateStore({ from, to, print: line => lines.push(line) })
  return lines.join('\n')
}

/** Takes the first delivery of a mailbox and settles it. */
export async function settle(store: Store, box: string, outcome: Outcome): Promise<void> {
  const taken = (await store.take(box, NOW)) as TakenDelivery
  await store.settle(taken, outcome, NOW + 1)
}

export const lesson = (order: string, start: number): Lesson => ({
  order,
  start,
  end: start + HOUR,
  student: 'Sam',
  service: 'math',
  payment: null,
  conversation: '7',
})

export const hold = (order: string, start: number, until: number) => ({
  order,
  start,
  end: start + HOUR,
  until,
  margin: { before: 0, after: 0 },
})

/** Inserts deliveries of one mailbox, in order. */
export async function accept(store: Store, box: string, ...keys: string[]): Promise<void> {
  await Promise.all(keys.map(key => store.insert(delivery(key, { orderingKey: box, receivedAt: NOW }), false)))
}

/** A store with something of every kind, written by the real store and the real calendar. */
export async function fillStore(file: string): Promise<void> {
  const store = openSqliteStore(file)
  await accept(store, 'finished', 'done', 'pruned', 'discarded')
  await settle(store, 'finished', { state: 'done' })
  await settle(store, 'finished', { state: 'done' })
  await settle(store, 'finished', { state: 'dead', error: 'E' })
  await store.discard(delivery('discarded').id, 'nobody needs it', NOW)
  await store.insert(delivery('unreadable', { unreadable: 'no id', receivedAt: NOW }), false)
  await accept(store, 'dead', 'dead')
  await settle(store, 'dead', { state: 'dead', error: 'a 404' })
  // Interleaved, so that a mailbox's order differs from that of the rows.
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

  const calendar = openSqliteCalendar(file, { now: Date.now })
  await calendar.book(lesson('lesson', LATER), signal)
  await calendar.hold(hold('hold', LATER + 2 * HOUR, LATER), signal)
  calendar.close()
  const db = new DatabaseSync(file)
  db.exec(`INSERT INTO slot (order_id, start_at, end_at, hold_until) VALUES ('lapsed', 1, 2, 3)`)
  db.exec(`DELETE FROM body WHERE seq = (SELECT seq FROM delivery WHERE key = 'pruned')`)
  db.close()
}

export const COLUMNS = `id, source, event, key, ordering_key, state, attempts, started_at, next_attempt_at, received_at,
  settled_at, error`

/** Everything to be moved, in order of acceptance. */
export const CONTENTS = {
  deliveries: `SELECT ${COLUMNS}, payload FROM delivery LEFT JOIN body USING (seq) ORDER BY seq`,
  history: `SELECT id, what, at, attempt, history.started_at, detail FROM history JOIN delivery USING (seq)
    ORDER BY delivery.seq, at, what`,
  steps: 'SELECT key, done_at, result FROM step WHERE done_at IS NOT NULL ORDER BY key',
  slots: 'SELECT * FROM slot WHERE hold_until IS NULL OR hold_until > 3 ORDER BY order_id',
}

export type Contents = Record<keyof typeof CONTENTS, Record<string, unknown>[]>

export function contentsOfFile(file: string): Contents {
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

export async function contentsOfDatabase(server: PostgresServer, url: string): Promise<Contents> {
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

/** PostgreSQL returns bigints as strings. */
export function comparable(row: Record<string, unknown>): Record<string, unknown> {
  const values = Object.entries(row).map(([name, value]) => {
    if (value instanceof Uint8Array) return [name, Buffer.from(value).toString()]
    return [name, /(^|_)(at|until)$/.test(name) && value !== null ? Number(value) : value]
  })
  return Object.fromEntries(values)
}

export const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

/** An inbox on a database that records what it handles. */
export async function handlingInbox(t: Test, url: string) {
  const handled = recorder()
  const started = await startInbox(t, { store: url })
  started.inbox.handle('test', 'ping', handled.add)
  await started.app.ready()
  return { ...started, handled }
}

/** What is due in the store of `fillStore`, by mailbox. */
export const DUE = { a: ['a2', 'a3', 'a4'], c: ['c2', 'c3', 'c4', 'c1'], crashed: ['crashed'] }

export const byBox = (keys: string[]) =>
  Object.fromEntries(Object.keys(DUE).map(box => [box, keys.filter(key => key.replace(/\d/, '') === box)]))

/** The command in its own process. */
export function command(t: Test, args: string[], env: Record<string, string> = {}) {
  const child = startChild(process.execPath, [COMMAND, ...args], { env: { ...process.env, ...env } })
  const closed = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const ended = inTime(closed, { what: `${COMMAND} ${args.join(' ')} to end` })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, ended: ended.then(([out, err, [code]]) => ({ out, err, code })) }
}

/** Where the command is stopped and killed. */
export interface Stop {
  table: 'delivery' | 'body' | 'step' | 'slot'
  /** SQL condition on the row being inserted, NEW. */
  row: string
  /** At its commit instead, which the server completes anyway. */
  committing?: boolean
}

/** Runs the command on a file and a database, to be killed where it stops. */
export async function killer(t: Test, file: string, url: string): Promise<(stop: Stop) => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  // The tables, while they are empty.
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
    const { child, ended } = command(t, ['--from', file, '--to', url])
    const stopped = async () => {
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted`,
      )
      return rows[0]?.pid
    }
    const howItEnded = ended.then(({ code, err }) => `the command ended with ${code}: ${err}`)
    const pid = await until(`the command to come to ${table}, ${row}`, stopped, { ended: howItEnded, everyMs: 0 })
    child.kill('SIGKILL')
    await ended
    if (!committing) await client.query('SELECT pg_terminate_backend($1)', [pid])
    await client.query('SELECT pg_advisory_unlock(7)')
    // Waits until what the command's connection had begun has ended.
    await client.query(`DROP TRIGGER stop ON tutorbot_webhooks.${table}`)
  }
}

/** A store with three batches of pending deliveries in five mailboxes, two of steps, and a lesson. */
export async function fillLargeStore(file: string): Promise<string[]> {
  const keys = Array.from({ length: 1_300 }, (_, n) => `key ${n}`)
  const store = openSqliteStore(file)
  await Promise.all([
    ...keys.map((key, n) => store.insert(delivery(key, { orderingKey: `box ${n % 5}`, receivedAt: NOW }), false)),
    ...keys.slice(0, 700).flatMap(key => [store.claimStep(key, NOW), store.recordStep(key, key, NOW)]),
  ])
  await store.close()
  const calendar = openSqliteCalendar(file, { now: Date.now })
  await calendar.book(lesson('lesson', LATER), signal)
  calendar.close()
  return keys
}

/** Whether each mailbox's keys are in order. */
export const inOrder = (keys: string[]) =>
  [0, 1, 2, 3, 4].every(box => {
    const numbers = keys.map(key => Number(key.slice(4))).filter(number => number % 5 === box)
    return numbers.every((number, index) => index === 0 || (numbers[index - 1] as number) < number)
  })

/** The one line printed by a command that is refused. */
export async function refusal(...args: string[]): Promise<string> {
  const lines: string[] = []
  const code = await main(args, { print: line => lines.push(line), fail: line => lines.push(line) })
  if (code !== 1 || lines.length !== 1) throw new Error(`${code}: ${lines.join('\n')}`)
  return lines.join()
}
