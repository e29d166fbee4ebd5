import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { PermanentError, StoreOpenError, TransientError } from '../inbox/errors.ts'
import { emptyLog } from '../inbox/sqlite/scrub.ts'
import { checkHold, checkInterval, isAt, mustBeAt } from './checks.ts'
import { type BookedLesson, ERASED, type Interval, type KeepResult, type LocalCalendar } from './contract.ts'

/** What another process on the file may make us wait, ms: the event loop waits too, and the inbox tries again. */
const LOCK_WAIT_MS = 20

/*
 * An order's hold, or its lesson once hold_until is NULL; what is cancelled is deleted. No two overlap, but for holds
 * that have lapsed: every change deletes those first.
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
/** What files of earlier versions lack. */
const HAS_CHANGED_AT = "SELECT 1 FROM pragma_table_info('slot') WHERE name = 'changed_at'"
const ADD_CHANGED_AT = 'ALTER TABLE slot ADD COLUMN changed_at INTEGER'

interface Slot extends Interval {
  /** null: it is a lesson. */
  hold_until: number | null
  /** Of a hold: its payment is under way. */
  conversation: string | null
}

/** As the table has it. */
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
  /** null, or not there at all: by a version that did not keep it. */
  changed_at?: number | null
}

/** The lessons in an inbox's file, and the holds that have not lapsed at `now`; none, if there was no calendar in it. */
export function readSlots(db: DatabaseSync, now: number): Iterable<SlotRow> {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'slot'").get() === undefined) return []
  const slots = db.prepare('SELECT * FROM slot WHERE hold_until IS NULL OR hold_until > ?')
  return slots.iterate(now) as unknown as Iterable<SlotRow>
}

/**
 * Opens the calendar in the inbox's file, which the inbox has opened before and keeps for this process.
 * @throws {StoreOpenError} that says why the file can't be used.
 */
export function openSqliteCalendar(file: string, clock: { now(): number }): LocalCalendar {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(existing(file), { timeout: LOCK_WAIT_MS })
    db.exec(`PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; ${SCHEMA}`)
    addColumn(db)
    return createCalendar(db, clock)
  } catch (error) {
    db?.close()
    const reason = (error as Error).message
    throw new StoreOpenError(`${file} can't be opened as a calendar (${reason}); open the inbox's store in it first`, {
      cause: error,
    })
  }
}

/** An older server on the file goes on without it. */
function addColumn(db: DatabaseSync): void {
  if (db.prepare(HAS_CHANGED_AT).get() === undefined) db.exec(ADD_CHANGED_AT)
}

/** A file that we made would be another program's to the inbox. */
function existing(file: string): URL {
  const url = pathToFileURL(file)
  url.searchParams.set('mode', 'rw')
  return url
}

function createCalendar(db: DatabaseSync, clock: { now(): number }): LocalCalendar {
  const sql = (text: string) => db.prepare(text)
  const begin = sql('BEGIN IMMEDIATE')
  const commit = sql('COMMIT')
  const rollback = sql('ROLLBACK')

  const overlapping = 'start_at < ? AND end_at > ?'
  const busySlots = sql(`
    SELECT start_at AS start, end_at AS "end" FROM slot
    WHERE ${overlapping} AND (hold_until IS NULL OR hold_until > ?) ORDER BY start_at`)
  const bookedLessons = sql(`
    SELECT order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation,
      changed_at AS changedAt, hold_until FROM slot
    WHERE ${overlapping} AND (hold_until IS NULL OR (hold_until > ? AND conversation IS NOT NULL)) ORDER BY start_at`)
  const dropLapsed = sql('DELETE FROM slot WHERE hold_until <= ?')
  const overlap = sql(`SELECT 1 FROM slot WHERE ${overlapping} LIMIT 1`)
  const find = sql('SELECT start_at AS start, end_at AS "end", hold_until, conversation FROM slot WHERE order_id = ?')
  const findKept = sql('SELECT 1 FROM slot WHERE conversation = ? AND order_id <> ? AND hold_until IS NOT NULL LIMIT 1')
  const extendHold = sql('UPDATE slot SET hold_until = max(hold_until, ?) WHERE order_id = ?')
  const insertHold = sql('INSERT INTO slot (order_id, start_at, end_at, hold_until, changed_at) VALUES (?, ?, ?, ?, ?)')
  const insertLesson = sql(`
    INSERT INTO slot (order_id, start_at, end_at, student, service, payment, conversation, changed_at, hold_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const removeHold = sql('DELETE FROM slot WHERE order_id = ? AND hold_until <= ?')
  const remove = sql('DELETE FROM slot WHERE order_id = ?')
  const eraseStudent = sql(`
    UPDATE slot SET student = '${ERASED}', changed_at = ? WHERE conversation = ? AND student <> '${ERASED}'`)

  /** @throws {TransientError} that says what could not be done, and why */
  function attempt<T>(what: string, run: () => T): T {
    try {
      return run()
    } catch (error) {
      // After some errors (a full disk, say) SQLite has rolled back by itself.
      if (db.isOpen && db.isTransaction) rollback.run()
      if (error instanceof PermanentError) throw error
      throw new TransientError(`The calendar could not ${what}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** One commit within one turn of the event loop, so that it never meets one of the inbox's. */
  function change<T>(what: string, run: () => T): T {
    return attempt(what, () => {
      begin.run()
      dropLapsed.run(clock.now())
      const result = run()
      commit.run()
      return result
    })
  }

  const isTaken = (start: number, end: number) => overlap.get(end, start) !== undefined
  const slotOf = (order: string) => find.get(order) as Slot | undefined

  return {
    async busy(from, to) {
      checkInterval({ start: from, end: to })
      const rows = attempt('be read', () => busySlots.all(to, from, clock.now()))
      return (rows as unknown as Interval[]).map(({ start, end }) => ({ start, end }))
    },

    async hold(hold) {
      checkHold(hold)
      const { order, start, end, until, margin } = hold
      return change(`hold the time of order ${order}`, () => {
        const own = slotOf(order)
        if (isLesson(own)) {
          mustBeAt(own, order, { start, end })
          return true
        }
        if (isAt(own, { start, end })) {
          // It is the order's already: what has come into its margins since does not matter.
          extendHold.run(until, order)
          return true
        }
        remove.run(order)
        if (isTaken(start - margin.before, end + margin.after)) return false
        insertHold.run(order, start, end, until, clock.now())
        return true
      })
    },

    async keep({ order, start, end, student, service, payment, conversation }) {
      checkInterval({ start, end })
      return change(`keep the time of order ${order}`, (): KeepResult => {
        const own = slotOf(order)
        const isKept = own?.conversation === conversation && isAt(own, { start, end })
        if (isKept || isLesson(own)) return 'kept'
        if (findKept.get(conversation, order) !== undefined) return 'another'
        remove.run(order)
        if (isTaken(start, end)) return 'taken'
        insertLesson.run(order, start, end, student, service, payment, conversation, clock.now(), start)
        return 'kept'
      })
    },

    async release(order, until) {
      change(`release the hold of order ${order}`, () => removeHold.run(order, until))
    },

    async book({ order, start, end, student, service, payment, conversation }) {
      checkInterval({ start, end })
      return change(`book the lesson of order ${order}`, () => {
        const own = slotOf(order)
        if (isLesson(own)) {
          mustBeAt(own, order, { start, end })
          return 'booked'
        }
        // If its hold is on this time, nothing else is.
        remove.run(order)
        if (isTaken(start, end)) return 'taken'
        insertLesson.run(order, start, end, student, service, payment, conversation, clock.now(), null)
        return 'booked'
      })
    },

    async has(order) {
      return attempt('be read', () => slotOf(order)) !== undefined
    },

    async find(order) {
      const own = attempt('be read', () => slotOf(order))
      return isLesson(own) ? { start: own.start, end: own.end } : null
    },

    async cancel(order) {
      return change(`cancel order ${order}`, () => {
        const own = slotOf(order)
        remove.run(order)
        return isLesson(own) ? { start: own.start, end: own.end } : null
      })
    },

    async lessons(from, to) {
      checkInterval({ start: from, end: to })
      const rows = attempt('list its lessons', () => bookedLessons.all(to, from, clock.now()))
      return rows.map(({ hold_until, ...row }) => ({
        ...(row as unknown as BookedLesson),
        ...(hold_until !== null && { isHeld: true }),
      }))
    },

    async eraseStudent(conversations) {
      const lessons = change('erase a name', () => {
        const changed = conversations.map(conversation => Number(eraseStudent.run(clock.now(), conversation).changes))
        return changed.reduce((sum, lessons) => sum + lessons, 0)
      })
      await emptyLog(db)
      return lessons
    },

    close: () => db.close(),
  }
}

function isLesson(slot: Slot | undefined): slot is Slot {
  return slot?.hold_until === null
}
