#!/usr/bin/env node
import { parseArgs } from 'node:util'
import pino from 'pino'
import { backendOf, describeStore } from '../backends/index.ts'
import { openPostgresCalendar, type PostgresCalendar } from '../calendar/postgres.ts'
import { readPackages } from '../calendar/sqlite-packages.ts'
import { readBlocks, readCancelled, readSlots } from '../calendar/sqlite-statements.ts'
import { readWeekly } from '../calendar/sqlite-weekly.ts'
import type { DeliveryState } from '../inbox/contracts.ts'
import { openPostgresStore, type PostgresStore } from '../inbox/postgres/store.ts'
import { openSqliteReader, type SqliteReader } from '../inbox/sqlite/reader.ts'
import { utcTime } from '../inbox/utc-time.ts'

const HELP = `npm run migrate-store -- --from <file> --to <url>

Moves a SQLite store into PostgreSQL: deliveries (pending, parked, dead, handled and scheduled ones) with their payloads, history and
order, the results of completed steps, the lessons and packages of the store's calendar, and the installation id. Stop the server
first: the file is locked in the meantime, and never changed. Exits with 1 if it can't finish.

  --from <file>   the SQLite file: the old DATABASE_URL, or data/webhooks.db if that was not set
  --to <url>      the database: the new DATABASE_URL; missing tables are created.
                  A password that is not in the URL is read from PGPASSWORD
  --help          show this help

  npm run migrate-store -- --from data/webhooks.db --to postgres://user:password@db.example.com:5432/webhooks
  npm run migrate-store -- --from /var/lib/tutorbot-webhooks/webhooks.db --to "$DATABASE_URL"

You can stop it at any moment and run it again: it continues where it stopped, and does nothing once everything is moved.
What the database already holds stays unchanged, and comes before what is moved. A delivery that is pending there and was
handled in the file counts as handled. Let it finish before you start a server on the database: steps and lessons go
first, so starting early does no harm, except that a conversation that is moved only in part can get out of order.`

/** Limits of one commit: rows, and bytes of payload. */
const BATCH = 500
const BATCH_BYTES = 4 * 1024 * 1024
/** Interval of progress lines, ms. */
const SAY_INTERVAL = 1_000

/** One line: why the migration failed and how to fix it. */
export class MigrateError extends Error {
  override name = 'MigrateError'
}

export interface MigrateOptions {
  from?: string | undefined
  to?: string | undefined
  /** Prints one line. */
  print: (line: string) => void
}

/**
 * Moves a SQLite store into PostgreSQL, printing progress and totals.
 * @throws {MigrateError} that names the flag and the fix
 */
export async function migrateStore({ from, to, print }: MigrateOptions): Promise<void> {
  if (!from || backendOf(from) !== 'sqlite') {
    throw new MigrateError(`--from ${from ? 'is a URL' : 'is missing'}: give the SQLite file, such as data/webhooks.db`)
  }
  if (!to || backendOf(to) !== 'postgres') {
    const wrong = to ? 'is not a PostgreSQL URL' : 'is missing'
    throw new MigrateError(`--to ${wrong}: give the database, such as postgres://user:password@host:5432/database`)
  }
  const opened: { close(): unknown }[] = []
  try {
    const source = await open('--from', () => openSqliteReader(from))
    opened.unshift(source)
    const store = await open('--to', () =>
      openPostgresStore(to, pino({ level: 'silent' }), { waits: false, schema: 'create' }),
    )
    opened.unshift(store)
    const calendar = await openPostgresCalendar(to, { now: Date.now })
    opened.unshift(calendar)
    await move(source, { store, calendar }, print)
  } catch (error) {
    throw explained(error, from, to)
  } finally {
    for (const each of opened) await each.close()
  }
  print(`Next: set DATABASE_URL to the database (${describeStore(to)}) for every server, then start them.
${from} is unchanged. Keep it until the servers have run well for some days, but where no server can be started with it:
that would handle its pending deliveries a second time. Then delete it: it holds messages.`)
}

async function open<T>(flag: string, opens: () => T | Promise<T>): Promise<T> {
  try {
    return await opens()
  } catch (error) {
    throw new MigrateError(`${flag}: ${(error as Error).message}`, { cause: error })
  }
}

function explained(error: unknown, from: string, to: string): MigrateError {
  if (error instanceof MigrateError) return error
  // For a host name with several addresses Node's error has only a code.
  const { code, message } = error as NodeJS.ErrnoException
  const why =
    code === 'ERR_SQLITE_ERROR'
      ? `--from: ${from} can't be read completely (${message}); repair it, or use a backup of it`
      : `--to: ${describeStore(to)} failed (${[message, code].find(Boolean)}); fix that`
  return new MigrateError(`${why}, then run this again: it continues where it stopped`, { cause: error })
}

/** Steps and lessons first, so that whoever handles a moved delivery finds what was already done. */
async function move(
  source: SqliteReader,
  { store, calendar }: { store: PostgresStore; calendar: PostgresCalendar },
  print: (line: string) => void,
): Promise<void> {
  await store.prepareImport()
  await store.importInstallationId(source.installationId())
  const say = atIntervals(print)

  const steps = { read: 0, moved: 0 }
  for (const batch of batches(source.steps(), ({ result }) => result.length)) {
    steps.moved += await store.importSteps(batch)
    steps.read += batch.length
    say(`${count(steps.read)} steps`)
  }

  const slots = { lessons: 0, holds: 0 }
  for (const batch of batches(readSlots(source.db, Date.now()), () => 0)) {
    const { fresh, overlapping } = await calendar.importSlots(batch)
    for (const { hold_until } of fresh) slots[hold_until === null ? 'lessons' : 'holds']++
    for (const { order_id, start_at } of overlapping) {
      print(`check the calendar: the lesson at ${utcTime(start_at)} (${order_id}) overlaps another one`)
    }
  }
  const besides = { 'cancelled lessons': 0, 'blocked times': 0, 'weekly times': 0, packages: 0 }
  for (const batch of batches(readCancelled(source.db), () => 0)) {
    besides['cancelled lessons'] += await calendar.importCancelled(batch)
  }
  for (const batch of batches(readBlocks(source.db), () => 0))
    besides['blocked times'] += await calendar.importBlocks(batch)
  for (const batch of batches(readWeekly(source.db), () => 0))
    besides['weekly times'] += await calendar.importWeekly(batch)
  for (const batch of batches(readPackages(source.db), () => 0))
    besides.packages += await calendar.packages.import(batch)

  const deliveries = { all: source.count(), read: 0, moved: 0 }
  const states = new Map<DeliveryState, number>()
  for (const batch of batches(source.deliveries(), ({ payload }) => payload?.length ?? 0)) {
    const history = source.history(Number(batch[0]?.seq), Number(batch.at(-1)?.seq))
    const fresh = await store.importDeliveries(batch, history, Date.now())
    for (const { state } of fresh) states.set(state, (states.get(state) ?? 0) + 1)
    deliveries.moved += fresh.length
    deliveries.read += batch.length
    say(`${count(deliveries.read)} of ${count(deliveries.all)} deliveries`)
  }

  const scheduled = { read: 0, moved: 0 }
  for (const batch of batches(source.scheduled(), ({ payload }) => payload.length)) {
    scheduled.moved += await store.importScheduled(batch)
    scheduled.read += batch.length
    say(`${count(scheduled.read)} scheduled`)
  }

  const moved = [...states].map(([state, number]) => `, ${count(number)} ${state}`).join('')
  print(
    `deliveries: ${count(deliveries.moved)} moved${moved}; ${count(deliveries.all - deliveries.moved)} were there already`,
  )
  if (scheduled.read > 0) {
    print(`scheduled: ${count(scheduled.moved)} moved; ${count(scheduled.read - scheduled.moved)} were there already`)
  }
  const quarantined = source.quarantined()
  if (quarantined > 0) {
    print(
      `quarantine: ${count(quarantined)} refused deliveries are not moved: replay them before, by the server on the file`,
    )
  }
  print(`steps: ${count(steps.moved)} moved; ${count(steps.read - steps.moved)} were there already`)
  const further = Object.entries(besides).flatMap(([what, number]) => (number > 0 ? `, ${count(number)} ${what}` : []))
  print(`calendar: ${count(slots.lessons)} lessons moved, ${count(slots.holds)} holds${further.join('')}`)
}

/** Splits rows into batches of one commit, which bounds memory. */
function* batches<Row>(rows: Iterable<Row>, bytesOf: (row: Row) => number): Generator<Row[]> {
  let batch: Row[] = []
  let bytes = 0
  for (const row of rows) {
    batch.push(row)
    bytes += bytesOf(row)
    if (batch.length < BATCH && bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

/** Prints at most one line per interval. */
function atIntervals(print: (line: string) => void): (line: string) => void {
  let printedAt = performance.now()
  return line => {
    if (performance.now() - printedAt < SAY_INTERVAL) return
    printedAt = performance.now()
    print(line)
  }
}

function count(number: number): string {
  return number.toLocaleString('en')
}

/** Runs the command and returns its exit code. A failure that the user can fix is one line. */
export async function main(
  args: string[],
  { print, fail }: { print: (line: string) => void; fail: (line: string) => void },
): Promise<number> {
  try {
    const { values } = parseArgs({
      args,
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) print(HELP)
    else await migrateStore({ ...values, print })
    return 0
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof MigrateError) fail(`migrate-store: ${message}`)
    else if (code?.startsWith('ERR_PARSE_ARGS_')) fail(`migrate-store: ${message}; see npm run migrate-store -- --help`)
    else throw error
    return 1
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), { print: console.log, fail: console.error })
