import pg from 'pg'
import { PermanentError, TransientError } from '../inbox/errors.ts'
import { BEGIN, readPostgresUrl } from '../inbox/postgres/connection.ts'
import { MOVED } from '../inbox/postgres/import.ts'
import { SCHEMA } from '../inbox/postgres/schema.ts'
import { checkHold, checkInterval, isAt, mustBeAt } from './checks.ts'
import {
  type BookedLesson,
  type BookResult,
  ERASED,
  type Hold,
  type Interval,
  type KeepResult,
  type Lesson,
  type LocalCalendar,
} from './contract.ts'
import type { SlotRow } from './sqlite.ts'

/** A table next to the inbox's, in the same database, shared by several processes. */
export interface PostgresCalendar extends LocalCalendar {
  /**
   * Imports lessons and holds of a local calendar, each only once; holds only if their time is free. The store must
   * have prepared its import. Returns the new ones, and the lessons among them that overlap existing ones.
   */
  importSlots(rows: readonly SlotRow[]): Promise<{ fresh: SlotRow[]; overlapping: SlotRow[] }>
}

/** Advisory lock held while the table is created, so that one instance does it. "tbca" in ASCII. */
const LOCK = 0x74626361
/** Connections per process: a calendar has little to do. */
const MAX_CONNECTIONS = 2

/** An order's hold, or its lesson once hold_until is NULL; cancelled ones are deleted. */
const TABLE = `${SCHEMA}.slot`
const CREATE = `
  CREATE TABLE IF NOT EXISTS ${TABLE} (
    order_id text PRIMARY KEY,
    start_at bigint NOT NULL,
    end_at bigint NOT NULL,
    hold_until bigint,
    student text,
    service text,
    payment text,
    conversation text,
    changed_at bigint
  );
  CREATE INDEX IF NOT EXISTS slot_end ON ${TABLE} (end_at);
  -- What databases of earlier versions lack. Asked for first: even ADD COLUMN IF NOT EXISTS waits for all who use the table.
  DO $$ BEGIN
    IF NOT EXISTS (
      SELECT FROM pg_attribute WHERE attrelid = '${TABLE}'::regclass AND attname = 'changed_at' AND NOT attisdropped
    ) THEN ALTER TABLE ${TABLE} ADD COLUMN changed_at bigint; END IF;
  END $$;`

const OVERLAPPING = 'start_at < $1 AND end_at > $2'
const BUSY = `
  SELECT start_at AS start, end_at AS "end" FROM ${TABLE}
  WHERE ${OVERLAPPING} AND (hold_until IS NULL OR hold_until > $3) ORDER BY start_at`
const LESSONS = `
  SELECT order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation,
    changed_at, hold_until IS NOT NULL AS is_held FROM ${TABLE}
  WHERE ${OVERLAPPING} AND (hold_until IS NULL OR (hold_until > $3 AND conversation IS NOT NULL)) ORDER BY start_at`
const OVERLAP = `SELECT 1 FROM ${TABLE} WHERE ${OVERLAPPING} LIMIT 1`
const FIND = `
  SELECT start_at AS start, end_at AS "end", hold_until IS NULL AS is_lesson, conversation FROM ${TABLE}
  WHERE order_id = $1`
const FIND_KEPT = `
  SELECT 1 FROM ${TABLE} WHERE conversation = $1 AND order_id <> $2 AND hold_until IS NOT NULL LIMIT 1`
const DROP_LAPSED = `DELETE FROM ${TABLE} WHERE hold_until <= $1`
const EXTEND_HOLD = `UPDATE ${TABLE} SET hold_until = greatest(hold_until, $1) WHERE order_id = $2`
const INSERT_HOLD = `
  INSERT INTO ${TABLE} (order_id, start_at, end_at, hold_until, changed_at) VALUES ($1, $2, $3, $4, $5)`
const INSERT_LESSON = `
  INSERT INTO ${TABLE} (order_id, start_at, end_at, student, service, payment, conversation, changed_at, hold_until)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
const REMOVE_HOLD = `DELETE FROM ${TABLE} WHERE order_id = $1 AND hold_until <= $2`
const ERASE = `UPDATE ${TABLE} SET student = $1, changed_at = $3 WHERE conversation = ANY($2::text[]) AND student <> $1`
const REMOVE = `DELETE FROM ${TABLE} WHERE order_id = $1`

/** A lesson replaces its order's hold here, and holds that overlap it. */
const IMPORT = `
  WITH given AS MATERIALIZED (
    SELECT *, CASE WHEN hold_until IS NULL THEN 'lesson ' ELSE 'hold ' END || order_id AS what
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
      $9::bigint[]) AS rows (order_id, start_at, end_at, hold_until, student, service, payment, conversation, changed_at)
  ), moved AS (
    INSERT INTO ${MOVED} SELECT what FROM given ON CONFLICT DO NOTHING RETURNING what
  ), overlapping AS (
    SELECT what FROM given WHERE EXISTS (
      SELECT 1 FROM ${TABLE} WHERE start_at < given.end_at AND end_at > given.start_at AND order_id <> given.order_id
        AND (hold_until IS NULL OR given.hold_until IS NOT NULL))
  ), fresh AS (
    INSERT INTO ${TABLE} (order_id, start_at, end_at, hold_until, student, service, payment, conversation, changed_at)
    SELECT order_id, start_at, end_at, hold_until, student, service, payment, conversation, changed_at FROM given
    WHERE what IN (SELECT what FROM moved) AND (hold_until IS NULL OR what NOT IN (SELECT what FROM overlapping))
    ON CONFLICT (order_id) DO UPDATE SET start_at = excluded.start_at, end_at = excluded.end_at, hold_until = NULL,
      student = excluded.student, service = excluded.service, payment = excluded.payment,
      conversation = excluded.conversation, changed_at = excluded.changed_at
    WHERE slot.hold_until IS NOT NULL AND excluded.hold_until IS NULL
    RETURNING order_id
  )
  SELECT order_id, what IN (SELECT what FROM overlapping) AS overlaps FROM fresh JOIN given USING (order_id)`

interface Slot extends Interval {
  isLesson: boolean
  /** For a hold: its payment is being processed. */
  conversation: string | null
}

/** Opens the calendar in the inbox's database, which the inbox has already opened. @throws {TransientError} */
export async function openPostgresCalendar(url: string, clock: { now(): number }): Promise<PostgresCalendar> {
  const pool = new pg.Pool({ ...readPostgresUrl(url), max: MAX_CONNECTIONS })
  // A broken connection rejects its statement; without listeners it would also crash the process.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  const calendar = new CalendarInDatabase(pool, clock)
  try {
    await calendar.create()
  } catch (error) {
    await pool.end()
    throw error
  }
  return calendar
}

class CalendarInDatabase implements PostgresCalendar {
  readonly #pool: pg.Pool
  readonly #clock: { now(): number }

  constructor(pool: pg.Pool, clock: { now(): number }) {
    this.#pool = pool
    this.#clock = clock
  }

  /** Creates the table if needed, under a lock: concurrent CREATEs would fail. */
  async create(): Promise<void> {
    await this.#attempt('be opened', client =>
      client.query(`BEGIN; SELECT pg_advisory_xact_lock(${LOCK}); ${CREATE} COMMIT`),
    )
  }

  async busy(from: number, to: number): Promise<Interval[]> {
    checkInterval({ start: from, end: to })
    const { rows } = await this.#attempt('be read', client => client.query(BUSY, [to, from, this.#clock.now()]))
    return rows.map(intervalOf)
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
        await client.query(EXTEND_HOLD, [until, order])
        return true
      }
      await client.query(REMOVE, [order])
      if (await isTaken(client, start - margin.before, end + margin.after)) return false
      await client.query(INSERT_HOLD, [order, start, end, until, this.#clock.now()])
      return true
    })
  }

  async keep({ order, start, end, student, service, payment, conversation }: Lesson): Promise<KeepResult> {
    checkInterval({ start, end })
    return this.#change(`keep the time of order ${order}`, async (client): Promise<KeepResult> => {
      const own = await slotOf(client, order)
      if (own?.isLesson || (isAt(own, { start, end }) && own?.conversation === clean(conversation))) return 'kept'
      if ((await client.query(FIND_KEPT, [clean(conversation), order])).rows.length > 0) return 'another'
      await client.query(REMOVE, [order])
      if (await isTaken(client, start, end)) return 'taken'
      const row = [order, start, end, student, service, payment, conversation, this.#clock.now(), start]
      await client.query(INSERT_LESSON, row.map(clean))
      return 'kept'
    })
  }

  async release(order: string, until: number): Promise<void> {
    await this.#change(`release the hold of order ${order}`, client => client.query(REMOVE_HOLD, [order, until]))
  }

  async book({ order, start, end, student, service, payment, conversation }: Lesson): Promise<BookResult> {
    checkInterval({ start, end })
    return this.#change(`book the lesson of order ${order}`, async (client): Promise<BookResult> => {
      const own = await slotOf(client, order)
      if (own?.isLesson) {
        mustBeAt(own, order, { start, end })
        return 'booked'
      }
      // If its hold is on this time, the time can't be taken.
      await client.query(REMOVE, [order])
      if (await isTaken(client, start, end)) return 'taken'
      await client.query(INSERT_LESSON, [
        ...[order, start, end, student, service, payment, conversation].map(clean),
        this.#clock.now(),
        null,
      ])
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
      await client.query(REMOVE, [order])
      return own?.isLesson ? { start: own.start, end: own.end } : null
    })
  }

  async lessons(from: number, to: number): Promise<BookedLesson[]> {
    checkInterval({ start: from, end: to })
    const { rows } = await this.#attempt('list its lessons', client =>
      client.query(LESSONS, [to, from, this.#clock.now()]),
    )
    return rows.map(({ changed_at, is_held, ...row }) => ({
      ...row,
      ...(is_held && { isHeld: true }),
      ...intervalOf(row),
      changedAt: changed_at === null ? null : Number(changed_at),
    }))
  }

  async importSlots(rows: readonly SlotRow[]): Promise<{ fresh: SlotRow[]; overlapping: SlotRow[] }> {
    const column = (name: keyof SlotRow) => rows.map(row => clean(row[name]))
    const imported = await this.#change('import lessons', client =>
      client.query<{ order_id: string; overlaps: boolean }>(IMPORT, [
        column('order_id'),
        column('start_at'),
        column('end_at'),
        column('hold_until'),
        column('student'),
        column('service'),
        column('payment'),
        column('conversation'),
        rows.map(row => row.changed_at),
      ]),
    )
    const overlaps = new Map(imported.rows.map(row => [row.order_id, row.overlaps]))
    const fresh = rows.filter(row => overlaps.has(clean(row.order_id)))
    return { fresh, overlapping: fresh.filter(row => overlaps.get(clean(row.order_id))) }
  }

  eraseStudent(conversations: readonly string[]): Promise<number> {
    return this.#change('erase a name', async client => {
      return (await client.query(ERASE, [ERASED, conversations, this.#clock.now()])).rowCount as number
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

  /** One change at a time, across processes. */
  #change<T>(what: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.#attempt(what, async client => {
      await client.query(`${BEGIN}; LOCK TABLE ${TABLE} IN SHARE ROW EXCLUSIVE MODE`)
      await client.query(DROP_LAPSED, [this.#clock.now()])
      const result = await run(client)
      await client.query('COMMIT')
      return result
    })
  }
}

async function slotOf(client: pg.PoolClient, order: string): Promise<Slot | undefined> {
  const [row] = (await client.query(FIND, [order])).rows
  return row && { ...intervalOf(row), isLesson: row.is_lesson, conversation: row.conversation }
}

async function isTaken(client: pg.PoolClient, start: number, end: number): Promise<boolean> {
  return (await client.query(OVERLAP, [end, start])).rows.length > 0
}

/** bigint is returned as a string. */
function intervalOf({ start, end }: { start: string; end: string }): Interval {
  return { start: Number(start), end: Number(end) }
}

/** PostgreSQL's text can't hold NUL. */
function clean<T>(value: T): T | string {
  return typeof value === 'string' ? value.replaceAll('\u0000', '') : value
}
