import pg from 'pg'
import { PermanentError, TransientError } from '../inbox/errors.ts'
import { readPostgresUrl } from '../inbox/postgres-connection.ts'
import { SCHEMA } from '../inbox/postgres-schema.ts'
import { checkHold, checkInterval, isAt, mustBeAt } from './checks.ts'
import type { BookResult, Calendar, Interval, Lesson } from './contract.ts'

/** The calendar of who has no other one, for several processes: a table beside the inbox's own, in the same database. */
export interface PostgresCalendar extends Calendar {
  /** The lessons that overlap a range (Unix ms), in order of start. Holds are none. */
  lessons(from: number, to: number): Promise<Lesson[]>
  close(): Promise<void>
}

/** Taken while the table is made, so that of several instances one does it. "tbca" in ASCII. */
const LOCK = 0x74626361
/** Connections of one process: a calendar has little to do. */
const CONNECTIONS = 2

/** An order's hold, or its lesson once hold_until is NULL; what is cancelled is deleted. */
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
    conversation text
  );
  CREATE INDEX IF NOT EXISTS slot_end ON ${TABLE} (end_at);`

const OVERLAPPING = 'start_at < $1 AND end_at > $2'
const BUSY = `
  SELECT start_at AS start, end_at AS "end" FROM ${TABLE}
  WHERE ${OVERLAPPING} AND (hold_until IS NULL OR hold_until > $3) ORDER BY start_at`
const LESSONS = `
  SELECT order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation FROM ${TABLE}
  WHERE ${OVERLAPPING} AND hold_until IS NULL ORDER BY start_at`
const OVERLAP = `SELECT 1 FROM ${TABLE} WHERE ${OVERLAPPING} LIMIT 1`
const FIND = `SELECT start_at AS start, end_at AS "end", hold_until IS NULL AS is_lesson FROM ${TABLE} WHERE order_id = $1`
const DROP_LAPSED = `DELETE FROM ${TABLE} WHERE hold_until <= $1`
const EXTEND_HOLD = `UPDATE ${TABLE} SET hold_until = greatest(hold_until, $1) WHERE order_id = $2`
const INSERT_HOLD = `INSERT INTO ${TABLE} (order_id, start_at, end_at, hold_until) VALUES ($1, $2, $3, $4)`
const INSERT_LESSON = `
  INSERT INTO ${TABLE} (order_id, start_at, end_at, student, service, payment, conversation)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`
const REMOVE_HOLD = `DELETE FROM ${TABLE} WHERE order_id = $1 AND hold_until <= $2`
const REMOVE = `DELETE FROM ${TABLE} WHERE order_id = $1`

interface Slot extends Interval {
  isLesson: boolean
}

/** Opens the calendar in the inbox's database, which the inbox has opened before. @throws {TransientError} */
export async function openPostgresCalendar(url: string, clock: { now(): number }): Promise<PostgresCalendar> {
  const pool = new pg.Pool({ ...readPostgresUrl(url), max: CONNECTIONS })
  // A connection that breaks fails its statement; without listeners it would end the process too.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))

  /** @throws {TransientError} that says what could not be done, and why */
  async function attempt<T>(what: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient | undefined
    try {
      client = await pool.connect()
      const result = await run(client)
      client.release()
      return result
    } catch (error) {
      // Its connection goes with it, and whatever it had begun.
      client?.release(true)
      if (error instanceof PermanentError) throw error
      throw new TransientError(`The calendar could not ${what}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** One change at a time, of whatever process. */
  function change<T>(what: string, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return attempt(what, async client => {
      await client.query(`BEGIN; LOCK TABLE ${TABLE} IN SHARE ROW EXCLUSIVE MODE`)
      await client.query(DROP_LAPSED, [clock.now()])
      const result = await run(client)
      await client.query('COMMIT')
      return result
    })
  }

  try {
    // Two that create it at the same moment would fail each other.
    await attempt('be opened', client => client.query(`BEGIN; SELECT pg_advisory_xact_lock(${LOCK}); ${CREATE} COMMIT`))
  } catch (error) {
    await pool.end()
    throw error
  }

  return {
    async busy(from, to) {
      checkInterval({ start: from, end: to })
      const { rows } = await attempt('be read', client => client.query(BUSY, [to, from, clock.now()]))
      return rows.map(intervalOf)
    },

    async hold(hold) {
      checkHold(hold)
      const { order, start, end, until, margin } = hold
      return change(`hold the time of order ${order}`, async client => {
        const own = await slotOf(client, order)
        if (own?.isLesson) {
          mustBeAt(own, order, { start, end })
          return true
        }
        if (isAt(own, { start, end })) {
          // It is the order's already: what has come into its margins since does not matter.
          await client.query(EXTEND_HOLD, [until, order])
          return true
        }
        await client.query(REMOVE, [order])
        if (await isTaken(client, start - margin.before, end + margin.after)) return false
        await client.query(INSERT_HOLD, [order, start, end, until])
        return true
      })
    },

    async release(order, until) {
      await change(`release the hold of order ${order}`, client => client.query(REMOVE_HOLD, [order, until]))
    },

    async book({ order, start, end, student, service, payment, conversation }) {
      checkInterval({ start, end })
      return change(`book the lesson of order ${order}`, async (client): Promise<BookResult> => {
        const own = await slotOf(client, order)
        if (own?.isLesson) {
          mustBeAt(own, order, { start, end })
          return 'booked'
        }
        // If its hold is on this time, nothing else is.
        await client.query(REMOVE, [order])
        if (await isTaken(client, start, end)) return 'taken'
        await client.query(INSERT_LESSON, [order, start, end, student, service, payment, conversation].map(clean))
        return 'booked'
      })
    },

    async find(order) {
      const own = await attempt('be read', client => slotOf(client, order))
      return own?.isLesson ? { start: own.start, end: own.end } : null
    },

    async cancel(order) {
      return change(`cancel order ${order}`, async client => {
        const own = await slotOf(client, order)
        await client.query(REMOVE, [order])
        return own?.isLesson ? { start: own.start, end: own.end } : null
      })
    },

    async lessons(from, to) {
      checkInterval({ start: from, end: to })
      const { rows } = await attempt('list its lessons', client => client.query(LESSONS, [to, from]))
      return rows.map(row => ({ ...row, ...intervalOf(row) }))
    },

    close: () => pool.end(),
  }
}

async function slotOf(client: pg.PoolClient, order: string): Promise<Slot | undefined> {
  const [row] = (await client.query(FIND, [order])).rows
  return row && { ...intervalOf(row), isLesson: row.is_lesson }
}

async function isTaken(client: pg.PoolClient, start: number, end: number): Promise<boolean> {
  return (await client.query(OVERLAP, [end, start])).rows.length > 0
}

/** bigint comes as a text. */
function intervalOf({ start, end }: { start: string; end: string }): Interval {
  return { start: Number(start), end: Number(end) }
}

/** PostgreSQL's text holds no NUL. */
function clean<T>(value: T): T | string {
  return typeof value === 'string' ? value.replaceAll('\u0000', '') : value
}
