#!/usr/bin/env node
import { parseArgs } from 'node:util'
import pino from 'pino'
import { backendOf, describeStore } from '../backends/index.ts'
import { openPostgresCalendar, type PostgresCalendar } from '../calendar/postgres.ts'
import { readSlots } from '../calendar/sqlite.ts'
import type { DeliveryState } from '../inbox/contracts.ts'
import { openPostgresStore, type PostgresStore } from '../inbox/postgres/store.ts'
import { openSqliteReader, type SqliteReader } from '../inbox/sqlite/reader.ts'
import { utcTime } from '../inbox/utc-time.ts'

const HELP = `npm run migrate-store -- --from <file> --to <url>

Moves a SQLite store into PostgreSQL: deliveries (waiting, parked, dead and handled ones) with their payloads, history and
order, the steps that are done, the lessons of the calendar in the store, and the installation's id. Stop the server first: the file is locked
meanwhile, and not changed. Exits with 1 if something is in the way.

  --from <file>   the store's file: what DATABASE_URL was, data/webhooks.db unless it was set
  --to <url>      the database: what DATABASE_URL will be; tables are made if there are none.
                  A password that is not in the URL is taken from PGPASSWORD
  --help          this text

  npm run migrate-store -- --from data/webhooks.db --to postgres://user:password@db.example.com:5432/webhooks
  npm run migrate-store -- --from /var/lib/tutorbot-webhooks/webhooks.db --to "$DATABASE_URL"

It can be stopped at any moment, and run again: it goes on where it was, and when all is there it does nothing more.
What is in the database already stays as it is, and comes before what is moved. A delivery that waits there and was
handled in the file counts as handled. Run it to its end before you start a server on the database: steps and lessons go
first, so that no harm is done otherwise, but a conversation of which a part is moved can get out of its order.`

/** Rows of one commit, and bytes of their payloads after which it is large enough. */
const BATCH = 500
const BATCH_BYTES = 4 * 1024 * 1024
/** Between two lines that say how far it is, ms. */
const SAY_INTERVAL = 1_000

/** It can't be done: one line that says why and what to do. */
export class MigrateError extends Error {
  override name = 'MigrateError'
}

export interface MigrateOptions {
  from?: string | undefined
  to?: string | undefined
  /** Takes what is to be said, a line at a time. */
  print: (line: string) => void
}

/**
 * Moves a SQLite store into PostgreSQL, and prints how far it is and what was moved.
 * @throws {MigrateError} that names the flag, and says what to do
 */
export async function migrateStore({ from, to, print }: MigrateOptions): Promise<void> {
  if (!from || backendOf(from) !== 'sqlite') {
    throw new MigrateError(`--from ${from ? 'is a URL' : 'is missing'}: give the SQLite store's file, data/webhooks.db`)
  }
  if (!to || backendOf(to) !== 'postgres') {
    const wrong = to ? 'is no PostgreSQL URL' : 'is missing'
    throw new MigrateError(`--to ${wrong}: give the database, postgres://user:password@host:5432/database`)
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
${from} is as it was. Keep it until the servers have run well for some days, but where no server is started with it: that
would handle what waits in it a second time. Then delete it: it holds messages.`)
}

async function open<T>(flag: string, opens: () => T | Promise<T>): Promise<T> {
  try {
    return await opens()
  } catch (error) {
    throw new MigrateError(`${flag}: ${(error as Error).message}`, { cause: error })
  }
}

/** Why it stopped half-way. */
function explained(error: unknown, from: string, to: string): MigrateError {
  if (error instanceof MigrateError) return error
  // Node's error for a name with several addresses has a code only.
  const { code, message } = error as NodeJS.ErrnoException
  const why =
    code === 'ERR_SQLITE_ERROR'
      ? `--from: ${from} can't be read to its end (${message}); mend it, or take a backup of it`
      : `--to: ${describeStore(to)} failed (${[message, code].find(Boolean)}); mend that`
  return new MigrateError(`${why}, and run this again: it goes on where it was`, { cause: error })
}

/** Steps and lessons first: whatever handles a delivery that has come finds what was done before. */
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
      print(`look at the calendar: the lesson of ${utcTime(start_at)} (${order_id}) overlaps another one`)
    }
  }

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

  const moved = [...states].map(([state, number]) => `, ${count(number)} ${state}`).join('')
  print(`deliveries: ${count(deliveries.moved)} moved${moved}; ${count(deliveries.all - deliveries.moved)} were there`)
  print(`steps: ${count(steps.moved)} moved; ${count(steps.read - steps.moved)} were there`)
  print(`calendar: ${count(slots.lessons)} lessons moved, ${count(slots.holds)} holds`)
}

/** Rows in what one commit takes, so that memory holds no more than that. */
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

/** Prints a line unless one was printed a moment ago. */
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

/** The command; its exit code. What can be mended is said in one line. */
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
