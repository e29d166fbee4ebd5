import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { PermanentError, StoreOpenError, TransientError } from '../inbox/errors.ts'
import { emptyLog } from '../inbox/sqlite/scrub.ts'
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

/** Lock timeout, ms: it blocks the event loop, and the inbox retries. */
const LOCK_WAIT_MS = 20

/*
 * An order's hold, or its lesson once hold_until is NULL; cancelled ones are deleted. None overlap, except expired
 * holds, which every change deletes first.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS slot (
    order_id TEXT PRIMARY KEY,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    hold_until INTEGER,
    student TEXT,
    service TEXT,
    payment TEXT,
    conversation TEXT,
    changed_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS slot_end ON slot (end_at);
  CREATE INDEX IF NOT EXISTS slot_hold ON slot (hold_until) WHERE hold_until IS NOT NULL;
`
/** Missing in files of earlier versions. */
const HAS_CHANGED_AT = "SELECT 1 FROM pragma_table_info('slot') WHERE name = 'changed_at'"
const ADD_CHANGED_AT = 'ALTER TABLE slot ADD COLUMN changed_at INTEGER'

interface Slot extends Interval {
  /** null: it is a lesson. */
  hold_until: number | null
  /** For a hold: its payment is being processed. */
  conversation: string | null
}

/** A row of the table. */
export interface SlotRow {
  order_id: string
  /** Unix ms, as all times here. */
  start_at: number
  end_at: number
  /** null: it is a lesson. */
  hold_until: number | null
  student: string | null
  service: string | null
  payment: string | null
  conversation: string | null
  /** null or absent: from a version that did not record it. */
  changed_at?: number | null
}

/** The lessons and unexpired holds in an inbox's file; none if it has no calendar. */
export function readSlots(db: DatabaseSync, now: number): Iterable<SlotRow> {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'slot'").get() === undefined) return []
  const slots = db.prepare('SELECT * FROM slot WHERE hold_until IS NULL OR hold_until > ?')
  return slots.iterate(now) as unknown as Iterable<SlotRow>
}

/**
 * Opens the calendar in the inbox's file, which the inbox has already opened and locked for this process.
 * @throws {StoreOpenError} that says why the file can't be used
 */
export function openSqliteCalendar(file: string, clock: { now(): number }): LocalCalendar {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(existing(file), { timeout: LOCK_WAIT_MS })
    db.exec(`PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; ${SCHEMA}`)
    addColumn(db)
    return new SqliteCalendar(db, clock)
  } catch (error) {
    db?.close()
    const reason = (error as Error).message
    throw new StoreOpenError(`${file} can't be opened as a calendar (${reason}); open the inbox's store in it first`, {
      cause: error,
    })
  }
}

/** An older server ignores it. */
function addColumn(db: DatabaseSync): void {
  if (db.prepare(HAS_CHANGED_AT).get() === undefined) db.exec(ADD_CHANGED_AT)
}

/** Never creates the file: the inbox would take it for another program's. */
function existing(file: string): URL {
  const url = pathToFileURL(file)
  url.searchParams.set('mode', 'rw')
  return url
}

const OVERLAPPING = 'start_at < ? AND end_at > ?'
const STATEMENTS = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  busySlots: `
    SELECT start_at AS start, end_at AS "end" FROM slot
    WHERE ${OVERLAPPING} AND (hold_until IS NULL OR hold_until > ?) ORDER BY start_at`,
  bookedLessons: `
    SELECT order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation,
      changed_at AS changedAt, hold_until FROM slot
    WHERE ${OVERLAPPING} AND (hold_until IS NULL OR (hold_until > ? AND conversation IS NOT NULL)) ORDER BY start_at`,
  dropLapsed: 'DELETE FROM slot WHERE hold_until <= ?',
  overlap: `SELECT 1 FROM slot WHERE ${OVERLAPPING} LIMIT 1`,
  find: 'SELECT start_at AS start, end_at AS "end", hold_until, conversation FROM slot WHERE order_id = ?',
  findKept: 'SELECT 1 FROM slot WHERE conversation = ? AND order_id <> ? AND hold_until IS NOT NULL LIMIT 1',
  extendHold: 'UPDATE slot SET hold_until = max(hold_until, ?) WHERE order_id = ?',
  insertHold: 'INSERT INTO slot (order_id, start_at, end_at, hold_until, changed_at) VALUES (?, ?, ?, ?, ?)',
  insertLesson: `
    INSERT INTO slot (order_id, start_at, end_at, student, service, payment, conversation, changed_at, hold_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  removeHold: 'DELETE FROM slot WHERE order_id = ? AND hold_until <= ?',
  remove: 'DELETE FROM slot WHERE order_id = ?',
  eraseStudent: `
    UPDATE slot SET student = '${ERASED}', changed_at = ? WHERE conversation = ? AND student <> '${ERASED}'`,
}
type Statements = Record<keyof typeof STATEMENTS, StatementSync>

class SqliteCalendar implements LocalCalendar {
  readonly #db: DatabaseSync
  readonly #clock: { now(): number }
  readonly #sql: Statements

  constructor(db: DatabaseSync, clock: { now(): number }) {
    this.#db = db
    this.#clock = clock
    this.#sql = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as Statements
  }

  async busy(from: number, to: number): Promise<Interval[]> {
    checkInterval({ start: from, end: to })
    const rows = this.#attempt('be read', () => this.#sql.busySlots.all(to, from, this.#clock.now()))
    return (rows as unknown as Interval[]).map(({ start, end }) => ({ start, end }))
  }

  async hold(hold: Hold): Promise<boolean> {
    checkHold(hold)
    const { order, start, end, until, margin } = hold
    return this.#change(`hold the time of order ${order}`, () => {
      const own = this.#slotOf(order)
      if (isLesson(own)) {
        mustBeAt(own, order, { start, end })
        return true
      }
      if (isAt(own, { start, end })) {
        // Already the order's: its margins no longer matter.
        this.#sql.extendHold.run(until, order)
        return true
      }
      this.#sql.remove.run(order)
      if (this.#isTaken(start - margin.before, end + margin.after)) return false
      this.#sql.insertHold.run(order, start, end, until, this.#clock.now())
      return true
    })
  }

  async keep({ order, start, end, student, service, payment, conversation }: Lesson): Promise<KeepResult> {
    checkInterval({ start, end })
    return this.#change(`keep the time of order ${order}`, (): KeepResult => {
      const own = this.#slotOf(order)
      const isKept = own?.conversation === conversation && isAt(own, { start, end })
      if (isKept || isLesson(own)) return 'kept'
      if (this.#sql.findKept.get(conversation, order) !== undefined) return 'another'
      this.#sql.remove.run(order)
      if (this.#isTaken(start, end)) return 'taken'
      this.#sql.insertLesson.run(order, start, end, student, service, payment, conversation, this.#clock.now(), start)
      return 'kept'
    })
  }

  async release(order: string, until: number): Promise<void> {
    this.#change(`release the hold of order ${order}`, () => this.#sql.removeHold.run(order, until))
  }

  async book({ order, start, end, student, service, payment, conversation }: Lesson): Promise<BookResult> {
    checkInterval({ start, end })
    return this.#change(`book the lesson of order ${order}`, () => {
      const own = this.#slotOf(order)
      if (isLesson(own)) {
        mustBeAt(own, order, { start, end })
        return 'booked'
      }
      // If its hold is on this time, the time can't be taken.
      this.#sql.remove.run(order)
      if (this.#isTaken(start, end)) return 'taken'
      this.#sql.insertLesson.run(order, start, end, student, service, payment, conversation, this.#clock.now(), null)
      return 'booked'
    })
  }

  async has(order: string): Promise<boolean> {
    return this.#attempt('be read', () => this.#slotOf(order)) !== undefined
  }

  async find(order: string): Promise<Interval | null> {
    const own = this.#attempt('be read', () => this.#slotOf(order))
    return isLesson(own) ? { start: own.start, end: own.end } : null
  }

  async cancel(order: string): Promise<Interval | null> {
    return this.#change(`cancel order ${order}`, () => {
      const own = this.#slotOf(order)
      this.#sql.remove.run(order)
      return isLesson(own) ? { start: own.start, end: own.end } : null
    })
  }

  async lessons(from: number, to: number): Promise<BookedLesson[]> {
    checkInterval({ start: from, end: to })
    const rows = this.#attempt('list its lessons', () => this.#sql.bookedLessons.all(to, from, this.#clock.now()))
    return rows.map(({ hold_until, ...row }) => ({
      ...(row as unknown as BookedLesson),
      ...(hold_until !== null && { isHeld: true }),
    }))
  }

  async eraseStudent(conversations: readonly string[]): Promise<number> {
    const lessons = this.#change('erase a name', () => {
      const changed = conversations.map(conversation =>
        Number(this.#sql.eraseStudent.run(this.#clock.now(), conversation).changes),
      )
      return changed.reduce((sum, lessons) => sum + lessons, 0)
    })
    await emptyLog(this.#db)
    return lessons
  }

  close(): void {
    this.#db.close()
  }

  /** @throws {TransientError} that says what failed and why */
  #attempt<T>(what: string, run: () => T): T {
    try {
      return run()
    } catch (error) {
      // After some errors (a full disk, say) SQLite has already rolled back.
      if (this.#db.isOpen && this.#db.isTransaction) this.#sql.rollback.run()
      if (error instanceof PermanentError) throw error
      throw new TransientError(`The calendar could not ${what}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** One commit within one turn of the event loop, so that it never collides with the inbox's. */
  #change<T>(what: string, run: () => T): T {
    return this.#attempt(what, () => {
      this.#sql.begin.run()
      this.#sql.dropLapsed.run(this.#clock.now())
      const result = run()
      this.#sql.commit.run()
      return result
    })
  }

  #isTaken(start: number, end: number): boolean {
    return this.#sql.overlap.get(end, start) !== undefined
  }

  #slotOf(order: string): Slot | undefined {
    return this.#sql.find.get(order) as Slot | undefined
  }
}

function isLesson(slot: Slot | undefined): slot is Slot {
  return slot?.hold_until === null
}
