import pg from 'pg'
import { PermanentError, StoreMissingError, StoreOpenError, TransientError } from '../inbox/errors.ts'
import { BEGIN, readPostgresUrl } from '../inbox/postgres/connection.ts'
import { checkHold, checkInterval, isAt, mustBeAt } from './checks.ts'
import {
  type Block,
  type BookedLesson,
  type BookResult,
  type Busy,
  ERASED,
  type Hold,
  type Interval,
  type KeepResult,
  type Lesson,
  type LessonsOf,
  type LocalCalendar,
  type Move,
  type MoveResult,
  type PaymentChange,
  type PaymentResult,
  type Renaming,
} from './contract.ts'
import { PostgresPackages } from './postgres-packages.ts'
import * as sql from './postgres-statements.ts'
import { ERASE_WEEKLY, type InCalendar, RENAME_WEEKLY, weeklyTimesIn } from './postgres-weekly.ts'
import type { BlockRow, CancelledRow, SlotRow } from './sqlite-statements.ts'
import type { WeeklyRow } from './sqlite-weekly.ts'
import type { WeeklyTimes } from './weekly.ts'

/** A table next to the inbox's, in the same database, shared by several processes. */
export interface PostgresCalendar extends LocalCalendar {
  readonly packages: PostgresPackages
  /**
   * Imports lessons and holds of a local calendar, each only once; holds only if their time is free. The store must
   * have prepared its import. Returns the new ones, and the lessons among them that overlap existing ones.
   */
  importSlots(rows: readonly SlotRow[]): Promise<{ fresh: SlotRow[]; overlapping: SlotRow[] }>
  /** The same of its cancelled lessons. Returns how many are new. */
  importCancelled(rows: readonly CancelledRow[]): Promise<number>
  /** The same of its blocked times. Returns how many are new. */
  importBlocks(rows: readonly BlockRow[]): Promise<number>
  /** The same of its weekly times. Returns how many are new. */
  importWeekly(rows: readonly WeeklyRow[]): Promise<number>
}

/** Advisory lock held while the table is created, so that one instance does it. "tbca" in ASCII. */
const LOCK = 0x74626361
/** Connections per process: a calendar has little to do. */
const MAX_CONNECTIONS = 2

interface Slot extends Interval {
  isLesson: boolean
  /** For a hold: its payment is being processed. */
  conversation: string | null
  payment: string | null
  sequence: number
}

/**
 * Opens the calendar in the inbox's database, which the inbox has already opened.
 * @param schema `keep`: for a command, which changes no tables
 * @throws {TransientError | StoreOpenError}
 */
export async function openPostgresCalendar(
  url: string,
  clock: { now(): number },
  schema: 'create' | 'keep' = 'create',
): Promise<PostgresCalendar> {
  const pool = new pg.Pool({ ...readPostgresUrl(url), max: MAX_CONNECTIONS })
  // A broken connection rejects its statement; without listeners it would also crash the process.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  const calendar = new CalendarInDatabase(pool, clock)
  try {
    await (schema === 'create' ? calendar.create() : calendar.check())
  } catch (error) {
    await pool.end()
    throw error
  }
  return calendar
}

class CalendarInDatabase implements PostgresCalendar {
  readonly weekly: WeeklyTimes
  readonly packages: PostgresPackages
  readonly #pool: pg.Pool
  readonly #clock: { now(): number }

  constructor(pool: pg.Pool, clock: { now(): number }) {
    this.#pool = pool
    this.#clock = clock
    const access: InCalendar = {
      now: () => clock.now(),
      attempt: (what, run) => this.#attempt(what, run),
      change: (what, run) => this.#change(what, run),
      clean,
    }
    this.weekly = weeklyTimesIn(access)
    this.packages = new PostgresPackages(access)
  }

  /** Creates the table if needed, under a lock: concurrent CREATEs would fail. */
  async create(): Promise<void> {
    await this.#attempt('be opened', client =>
      client.query(`BEGIN; SELECT pg_advisory_xact_lock(${LOCK}); ${sql.CREATE} COMMIT`),
    )
  }

  /** @throws {StoreOpenError} its tables are of an earlier version, or (StoreMissingError) there are none */
  async check(): Promise<void> {
    const { there, any } = await this.#attempt('be opened', async client => (await client.query(sql.IS_THERE)).rows[0])
    if (there) return
    const fix = "start this version's server with it once"
    if (any) throw new StoreOpenError(`the calendar's tables are of an earlier version; ${fix}`)
    throw new StoreMissingError(`there are no tables for lessons in the database; ${fix}`)
  }

  async busy(from: number, to: number): Promise<Busy[]> {
    checkInterval({ start: from, end: to })
    const { rows } = await this.#attempt('be read', client => client.query(sql.BUSY, [to, from, this.#clock.now()]))
    return rows.map(row => ({ ...intervalOf(row), ...(row.is_other && { isOther: true }) }))
  }

  async hold(hold: Hold): Promise<boolean> {
    checkHold(hold)
    const { order, start, end, until, margin } = hold
    return this.#change(`hold the time of order ${order}`, async client => {
      const own = await slotOf(client, order)
      if (own?.isLesson) {
        mustBeAt(own, order, { start, end })
        return true
      }
      if (isAt(own, { start, end })) {
        // Already the order's: its margins no longer matter.
        await client.query(sql.EXTEND_HOLD, [until, order])
        return true
      }
      await client.query(sql.REMOVE, [order])
      if (await isTaken(client, { start: start - margin.before, end: end + margin.after }, order)) return false
      await client.query(sql.INSERT_HOLD, [order, start, end, until, this.#clock.now()])
      return true
    })
  }

  async keep(lesson: Lesson): Promise<KeepResult> {
    checkInterval(lesson)
    const { order, start, conversation } = lesson
    return this.#change(`keep the time of order ${order}`, async (client): Promise<KeepResult> => {
      const own = await slotOf(client, order)
      if (own?.isLesson || (isAt(own, lesson) && own?.conversation === clean(conversation))) return 'kept'
      if ((await client.query(sql.FIND_KEPT, [clean(conversation), order])).rows.length > 0) return 'another'
      await client.query(sql.REMOVE, [order])
      if (await isTaken(client, lesson, order, own)) return 'taken'
      const cancelled = await removeCancelled(client, order)
      await this.#insertLesson(client, lesson, start, cancelled === undefined ? 0 : cancelled + 1)
      return 'kept'
    })
  }

  async release(order: string, until: number): Promise<void> {
    await this.#change(`release the hold of order ${order}`, client => client.query(sql.REMOVE_HOLD, [order, until]))
  }

  async book(lesson: Lesson): Promise<BookResult> {
    checkInterval(lesson)
    const { order } = lesson
    return this.#change(`book the lesson of order ${order}`, async (client): Promise<BookResult> => {
      const own = await slotOf(client, order)
      if (own?.isLesson) {
        if (own.sequence <= 1) mustBeAt(own, order, lesson)
        return 'booked'
      }
      // If its hold is on this time, the time can't be taken.
      await client.query(sql.REMOVE, [order])
      if (await isTaken(client, lesson, order, own)) return 'taken'
      const cancelled = await removeCancelled(client, order)
      await this.#insertLesson(client, lesson, null, Math.max(own?.sequence ?? 0, cancelled ?? 0) + 1)
      return 'booked'
    })
  }

  async has(order: string): Promise<boolean> {
    return (await this.#attempt('be read', client => slotOf(client, order))) !== undefined
  }

  async find(order: string): Promise<Interval | null> {
    const own = await this.#attempt('be read', client => slotOf(client, order))
    return own?.isLesson ? { start: own.start, end: own.end } : null
  }

  async cancel(order: string): Promise<Interval | null> {
    return this.#change(`cancel order ${order}`, async client => {
      const own = await slotOf(client, order)
      await client.query(sql.CANCEL, [order, this.#clock.now()])
      return own?.isLesson ? { start: own.start, end: own.end } : null
    })
  }

  async lessonOf(order: string): Promise<BookedLesson | null> {
    const values = [order, this.#clock.now()]
    const { rows } = await this.#attempt('be read', client => client.query(sql.LESSON_OF, values))
    return rows.map(lessonOf)[0] ?? null
  }

  async lessonsOf({ conversation, contact }: LessonsOf, after: number): Promise<BookedLesson[]> {
    const values = [conversation || null, contact || null, after, this.#clock.now()]
    const { rows } = await this.#attempt('list lessons', client => client.query(sql.LESSONS_OF, values))
    return rows.map(lessonOf)
  }

  async move({ order, from, to, margin }: Move): Promise<MoveResult> {
    checkInterval(to)
    return this.#change(`move the lesson of order ${order}`, async (client): Promise<MoveResult> => {
      const own = await slotOf(client, order)
      if (!own?.isLesson) return 'changed'
      if (isAt(own, to)) return 'moved'
      if (own.start !== from) return 'changed'
      if (await isTaken(client, { start: to.start - margin.before, end: to.end + margin.after }, order)) return 'taken'
      await client.query(sql.MOVE, [order, to.start, to.end, this.#clock.now()])
      return 'moved'
    })
  }

  async setPayment({ order, from, to }: PaymentChange): Promise<PaymentResult> {
    return this.#change(`set the payment of order ${order}`, async (client): Promise<PaymentResult> => {
      const own = await slotOf(client, order)
      if (!own?.isLesson) return 'changed'
      if (own.payment === clean(to)) return 'set'
      if (own.payment !== from) return 'changed'
      await client.query(sql.SET_PAYMENT, [order, clean(to), this.#clock.now()])
      return 'set'
    })
  }

  async renameStudent({ conversation, from, to }: Renaming, after: number): Promise<void> {
    const names = [clean(to), clean(conversation), clean(from)]
    await this.#change('rename a student', async client => {
      await client.query(sql.RENAME, [...names, this.#clock.now(), after])
      await client.query(RENAME_WEEKLY, names)
    })
  }

  async lessons(from: number, to: number, { withCancelled = false } = {}): Promise<BookedLesson[]> {
    checkInterval({ start: from, end: to })
    const statement = withCancelled ? sql.LESSONS_AND_CANCELLED : sql.LESSONS
    const values = [to, from, this.#clock.now()]
    const { rows } = await this.#attempt('list its lessons', client => client.query(statement, values))
    return rows.map(lessonOf)
  }

  async ordersBeginningWith(beginning: string, limit: number): Promise<string[]> {
    const values = [clean(beginning), this.#clock.now(), limit]
    const { rows } = await this.#attempt('list its lessons', client => client.query(sql.ORDERS_BEGINNING_WITH, values))
    return rows.map(({ order }) => order)
  }

  async unpaid(limit: number): Promise<BookedLesson[]> {
    return (await this.#attempt('list its lessons', client => client.query(sql.UNPAID_LESSONS, [limit]))).rows.map(
      lessonOf,
    )
  }

  async block({ id, start, end, reason }: Block): Promise<void> {
    checkInterval({ start, end })
    await this.#change('block a time', client => client.query(sql.BLOCK, [id, start, end, clean(reason)]))
  }

  async unblock(id: string): Promise<boolean> {
    return this.#change('unblock a time', async client => (await client.query(sql.UNBLOCK, [id])).rowCount === 1)
  }

  async blocks(from: number, to: number): Promise<Block[]> {
    checkInterval({ start: from, end: to })
    const { rows } = await this.#attempt('list its blocked times', client => client.query(sql.BLOCKS, [to, from]))
    return rows.map(row => ({ ...row, ...intervalOf(row) }))
  }

  async importSlots(rows: readonly SlotRow[]): Promise<{ fresh: SlotRow[]; overlapping: SlotRow[] }> {
    const column = (name: keyof SlotRow) => rows.map(row => clean(row[name]))
    const imported = await this.#change('import lessons', client =>
      client.query<{ order_id: string; overlaps: boolean }>(sql.IMPORT_SLOTS, [
        column('order_id'),
        column('start_at'),
        column('end_at'),
        column('hold_until'),
        column('student'),
        column('service'),
        column('payment'),
        column('conversation'),
        rows.map(row => row.changed_at),
        column('contact'),
        rows.map(row => row.sequence),
      ]),
    )
    const overlaps = new Map(imported.rows.map(row => [row.order_id, row.overlaps]))
    const fresh = rows.filter(row => overlaps.has(clean(row.order_id)))
    return { fresh, overlapping: fresh.filter(row => overlaps.get(clean(row.order_id))) }
  }

  importCancelled(rows: readonly CancelledRow[]): Promise<number> {
    return this.#import('import cancelled lessons', sql.IMPORT_CANCELLED, rows)
  }

  importBlocks(rows: readonly BlockRow[]): Promise<number> {
    return this.#import('import blocked times', sql.IMPORT_BLOCKS, rows)
  }

  importWeekly(rows: readonly WeeklyRow[]): Promise<number> {
    return this.#import('import weekly times', sql.IMPORT_WEEKLY, rows)
  }

  #import(what: string, statement: string, rows: readonly object[]): Promise<number> {
    const cleaned = rows.map(row =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, clean(value)])),
    )
    return this.#change(what, async client => {
      return (await client.query(statement, [JSON.stringify(cleaned)])).rowCount as number
    })
  }

  eraseStudent(conversations: readonly string[]): Promise<number> {
    return this.#change('erase a name', async client => {
      await client.query(ERASE_WEEKLY, [this.#clock.now(), conversations])
      return (await client.query(sql.ERASE, [ERASED, conversations, this.#clock.now()])).rows[0].erased
    })
  }

  close(): Promise<void> {
    return this.#pool.end()
  }

  /** @throws {TransientError} that says what failed and why */
  async #attempt<T>(what: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined
    try {
      client = await this.#pool.connect()
      const result = await run(client)
      client.release()
      return result
    } catch (error) {
      // Closes the connection, which rolls back.
      client?.release(true)
      if (error instanceof PermanentError) throw error
      throw new TransientError(`The calendar could not ${what}: ${(error as Error).message}`, { cause: error })
    }
  }

  async #insertLesson(client: pg.PoolClient, lesson: Lesson, holdUntil: number | null, sequence: number) {
    const { order, start, end, student, service, payment, conversation, contact } = lesson
    const values = [order, start, end, student, service, payment, conversation, contact].map(clean)
    await client.query(sql.INSERT_LESSON, [...values, this.#clock.now(), holdUntil, sequence])
  }

  /** One change at a time, across processes. */
  #change<T>(what: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.#attempt(what, async client => {
      await client.query(`${BEGIN}; LOCK TABLE ${sql.SLOT} IN SHARE ROW EXCLUSIVE MODE`)
      await client.query(sql.DROP_LAPSED, [this.#clock.now()])
      const result = await run(client)
      await client.query('COMMIT')
      return result
    })
  }
}

async function slotOf(client: pg.PoolClient, order: string): Promise<Slot | undefined> {
  const [row] = (await client.query(sql.FIND, [order])).rows
  const { is_lesson: isLesson, conversation, payment, sequence } = row ?? {}
  return row && { ...intervalOf(row), isLesson, conversation, payment, sequence }
}

/** @param own the order's own hold: a time that is blocked since stays its own */
async function isTaken(client: pg.PoolClient, time: Interval, order: string, own?: Slot): Promise<boolean> {
  const { start, end } = time
  if ((await client.query(sql.OVERLAP, [end, start, order])).rows.length > 0) return true
  return !isAt(own, time) && (await client.query(sql.OVERLAP_BLOCK, [end, start])).rows.length > 0
}

/** It is a lesson again. Returns its revision, if there was one. */
async function removeCancelled(client: pg.PoolClient, order: string): Promise<number | undefined> {
  return (await client.query(sql.REMOVE_CANCELLED, [order])).rows[0]?.sequence
}

// biome-ignore lint/suspicious/noExplicitAny: a row of PostgreSQL
function lessonOf({ changed_at, cancelled_at, is_held, contact, ...row }: any): BookedLesson {
  return {
    ...row,
    ...intervalOf(row),
    changedAt: changed_at === null ? null : Number(changed_at),
    ...(contact !== null && { contact }),
    ...(is_held && { isHeld: true }),
    ...(cancelled_at !== null && { cancelledAt: Number(cancelled_at) }),
  }
}

/** bigint is returned as a string. */
function intervalOf({ start, end }: { start: string; end: string }): Interval {
  return { start: Number(start), end: Number(end) }
}

/** PostgreSQL's text can't hold NUL. */
function clean<T>(value: T): T | string {
  return typeof value === 'string' ? value.replaceAll('\u0000', '') : value
}
