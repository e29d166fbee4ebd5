import type { DatabaseSync } from 'node:sqlite'
import { ERASED, PAID_HOW, UNPAID } from './contract.ts'
import { hasTable } from './sqlite-has-table.ts'
import { PACKAGE_TABLES } from './sqlite-packages.ts'
import { WEEKLY_SCHEMA } from './sqlite-weekly.ts'

/** The tables of the calendar in the inbox's file, and all that is asked of them. */

/*
 * slot: an order's hold, or its lesson once hold_until is NULL. None overlap, except expired holds, which every change
 * deletes first. A hold with a conversation is kept: its payment is being processed. Cancelled ones are moved to a table
 * that earlier versions don't read.
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
    changed_at INTEGER,
    contact TEXT,
    sequence INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS slot_end ON slot (end_at);
  CREATE INDEX IF NOT EXISTS slot_length ON slot (end_at - start_at);
  CREATE INDEX IF NOT EXISTS slot_unpaid ON slot (start_at) WHERE payment = '${UNPAID}';
  CREATE INDEX IF NOT EXISTS slot_hold ON slot (hold_until) WHERE hold_until IS NOT NULL;
  CREATE TABLE IF NOT EXISTS cancelled_lesson (
    order_id TEXT PRIMARY KEY,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    student TEXT NOT NULL,
    service TEXT NOT NULL,
    payment TEXT,
    conversation TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    contact TEXT,
    sequence INTEGER NOT NULL,
    cancelled_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS cancelled_lesson_end ON cancelled_lesson (end_at);
  CREATE TABLE IF NOT EXISTS blocked_time (
    id TEXT PRIMARY KEY,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    reason TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS blocked_time_end ON blocked_time (end_at);
`
/** Missing in files of earlier versions; an earlier server ignores them. */
const ADDED_COLUMNS = { changed_at: 'INTEGER', contact: 'TEXT', sequence: 'INTEGER' }
/** On columns that may have been added. */
const INDEXES = `
  CREATE INDEX IF NOT EXISTS slot_conversation ON slot (conversation) WHERE conversation IS NOT NULL;
  CREATE INDEX IF NOT EXISTS slot_contact ON slot (contact) WHERE contact IS NOT NULL;
`

export function createTables(db: DatabaseSync): void {
  db.exec(SCHEMA)
  db.exec(WEEKLY_SCHEMA)
  db.exec(PACKAGE_TABLES)
  const columns = new Set(
    db
      .prepare("SELECT name FROM pragma_table_info('slot')")
      .all()
      .map(row => row.name),
  )
  for (const [name, type] of Object.entries(ADDED_COLUMNS)) {
    if (!columns.has(name)) db.exec(`ALTER TABLE slot ADD COLUMN ${name} ${type}`)
  }
  db.exec(INDEXES)
}

/** Whether there are any, also of an earlier version. */
export function hasTables(db: DatabaseSync): boolean {
  return hasTable(db, 'slot')
}

/** A row of the table `slot`. */
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
  /** null or absent, like all below: from a version that did not record it. */
  changed_at?: number | null
  contact?: string | null
  sequence?: number | null
}

/** A row of the table `cancelled_lesson`. */
export interface CancelledRow {
  order_id: string
  start_at: number
  end_at: number
  student: string
  service: string
  payment: string | null
  conversation: string
  changed_at: number
  contact: string | null
  sequence: number
  cancelled_at: number
}

/** A row of the table `blocked_time`. */
export interface BlockRow {
  id: string
  start_at: number
  end_at: number
  reason: string
}

/** The lessons and unexpired holds in an inbox's file; none if it has no calendar. */
export function readSlots(db: DatabaseSync, now: number): Iterable<SlotRow> {
  if (!hasTable(db, 'slot')) return []
  const slots = db.prepare('SELECT * FROM slot WHERE hold_until IS NULL OR hold_until > ?')
  return slots.iterate(now) as unknown as Iterable<SlotRow>
}

/** The cancelled lessons in an inbox's file; none if it is of an earlier version. */
export function readCancelled(db: DatabaseSync): Iterable<CancelledRow> {
  if (!hasTable(db, 'cancelled_lesson')) return []
  return db.prepare('SELECT * FROM cancelled_lesson').iterate() as unknown as Iterable<CancelledRow>
}

/** The blocked times in an inbox's file; none if it is of an earlier version. */
export function readBlocks(db: DatabaseSync): Iterable<BlockRow> {
  if (!hasTable(db, 'blocked_time')) return []
  return db.prepare('SELECT * FROM blocked_time').iterate() as unknown as Iterable<BlockRow>
}

const WITHOUT_PAYER = `CASE ${PAID_HOW.map(
  how => `
    WHEN payment GLOB '[0-9]* [A-Z][A-Z][A-Z], ${how}, *'
    THEN substr(payment, 1, instr(payment, ', ${how}, ') + length('${how},'))`,
).join('')} ELSE payment END`
const erase = (table: string) => `
  UPDATE ${table} SET student = '${ERASED}', payment = ${WITHOUT_PAYER}, changed_at = ?
  WHERE conversation = ? AND (student <> '${ERASED}' OR payment <> ${WITHOUT_PAYER})`

const OVERLAPPING = 'start_at < ?1 AND end_at > ?2'
/** Of slots: what begins before ?1 ends at most the longest one's length after it; the rest is not read. */
const BOUND = 'end_at < ?1 + (SELECT max(end_at - start_at) FROM slot)'
const SLOT_OVERLAPPING = `${OVERLAPPING} AND ${BOUND}`
/** So many lessons are read in one turn of the event loop: in less than 5 ms. */
export const PART_SIZE = 500
/** What overlaps a range, after the end and the order of what was read last. */
const NEXT_PART = 'start_at < ?1 AND (end_at, order_id) > (?2, ?3)'
const IN_PARTS = `ORDER BY end_at, order_id LIMIT ${PART_SIZE}`
/** Lessons, and kept times until they lapse. */
const IS_LESSON = '(hold_until IS NULL OR (hold_until > ? AND conversation IS NOT NULL))'
const LESSON = `
  order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation, contact,
  changed_at AS changedAt, coalesce(sequence, hold_until IS NULL) AS sequence, hold_until IS NOT NULL AS isHeld,
  NULL AS cancelledAt`
const CANCELLED = `
  order_id AS "order", start_at AS start, end_at AS "end", student, service, payment, conversation, contact,
  changed_at AS changedAt, sequence, 0 AS isHeld, cancelled_at AS cancelledAt`

export const STATEMENTS = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  busyTimes: `
    SELECT start_at AS start, end_at AS "end", 0 AS isOther FROM slot
    WHERE ${SLOT_OVERLAPPING} AND (hold_until IS NULL OR hold_until > ?3)
    UNION ALL SELECT start_at, end_at, 1 FROM blocked_time WHERE ${OVERLAPPING} ORDER BY start`,
  lessons: `SELECT ${LESSON} FROM slot WHERE ${NEXT_PART} AND ${BOUND} AND ${IS_LESSON} ${IN_PARTS}`,
  cancelledLessons: `SELECT ${CANCELLED} FROM cancelled_lesson WHERE ${NEXT_PART} ${IN_PARTS}`,
  lessonOf: `SELECT ${LESSON} FROM slot WHERE order_id = ? AND ${IS_LESSON}`,
  cancelledLessonOf: `SELECT ${CANCELLED} FROM cancelled_lesson WHERE order_id = ?`,
  lessonsOf: `
    SELECT ${LESSON} FROM slot WHERE (conversation = ? OR contact = ?) AND end_at > ? AND ${IS_LESSON} ORDER BY start_at`,
  ordersBeginningWith: `
    SELECT order_id AS "order" FROM slot WHERE order_id >= ?1 AND order_id < ?1 || char(0x10FFFF) AND
      (hold_until IS NULL OR (hold_until > ?2 AND conversation IS NOT NULL))
    UNION SELECT order_id FROM cancelled_lesson WHERE order_id >= ?1 AND order_id < ?1 || char(0x10FFFF)
    ORDER BY 1 LIMIT ?3`,
  unpaid: `
    SELECT ${LESSON} FROM slot WHERE payment = '${UNPAID}' AND hold_until IS NULL ORDER BY start_at, order_id LIMIT ?`,
  dropLapsed: 'DELETE FROM slot WHERE hold_until <= ?',
  overlap: `SELECT 1 FROM slot WHERE ${SLOT_OVERLAPPING} AND order_id <> ?3 LIMIT 1`,
  overlapBlock: `SELECT 1 FROM blocked_time WHERE ${OVERLAPPING} LIMIT 1`,
  find: `
    SELECT start_at AS start, end_at AS "end", hold_until, conversation, payment,
      coalesce(sequence, hold_until IS NULL) AS sequence FROM slot WHERE order_id = ?`,
  findKept: 'SELECT 1 FROM slot WHERE conversation = ? AND order_id <> ? AND hold_until IS NOT NULL LIMIT 1',
  sequenceOfCancelled: 'SELECT sequence FROM cancelled_lesson WHERE order_id = ?',
  extendHold: 'UPDATE slot SET hold_until = max(hold_until, ?) WHERE order_id = ?',
  insertHold: 'INSERT INTO slot (order_id, start_at, end_at, hold_until, changed_at) VALUES (?, ?, ?, ?, ?)',
  insertLesson: `
    INSERT INTO slot (order_id, start_at, end_at, student, service, payment, conversation, contact, changed_at,
      hold_until, sequence)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  move: `
    UPDATE slot SET start_at = ?, end_at = ?, changed_at = ?, sequence = coalesce(sequence, 1) + 1 WHERE order_id = ?`,
  setPayment: 'UPDATE slot SET payment = ?, changed_at = ? WHERE order_id = ?',
  renameStudent: 'UPDATE slot SET student = ?, changed_at = ? WHERE conversation = ? AND student = ? AND end_at > ?',
  removeHold: 'DELETE FROM slot WHERE order_id = ? AND hold_until <= ?',
  remove: 'DELETE FROM slot WHERE order_id = ?',
  keepCancelled: `
    INSERT OR REPLACE INTO cancelled_lesson
      (order_id, start_at, end_at, student, service, payment, conversation, contact, changed_at, cancelled_at, sequence)
    SELECT order_id, start_at, end_at, student, service, payment, conversation, contact, ?1, ?1,
      coalesce(sequence, hold_until IS NULL) + 1
    FROM slot WHERE order_id = ?2 AND conversation IS NOT NULL`,
  removeCancelled: 'DELETE FROM cancelled_lesson WHERE order_id = ?',
  block: 'INSERT OR IGNORE INTO blocked_time (id, start_at, end_at, reason) VALUES (?, ?, ?, ?)',
  unblock: 'DELETE FROM blocked_time WHERE id = ?',
  blocks: `
    SELECT id, start_at AS start, end_at AS "end", reason FROM blocked_time WHERE ${OVERLAPPING} ORDER BY start_at, id`,
  eraseStudent: erase('slot'),
  eraseCancelled: erase('cancelled_lesson'),
}
