import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ERASED, type LessonsOf } from './contract.ts'
import { hasTable } from './sqlite-has-table.ts'
import { inWeek, WEEK_MINUTES, type WeeklyTime, type WeeklyTimes } from './weekly.ts'

/** The weekly times in the inbox's file. */

/** week_start, week_end: minutes since Monday's midnight. One that has ended is kept: its lessons are. */
export const WEEKLY_SCHEMA = `
  CREATE TABLE IF NOT EXISTS weekly_time (
    id TEXT PRIMARY KEY,
    weekday INTEGER NOT NULL,
    time INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    week_start INTEGER NOT NULL,
    week_end INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    student TEXT NOT NULL,
    service TEXT NOT NULL,
    conversation TEXT NOT NULL,
    contact TEXT,
    ended_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS weekly_time_now ON weekly_time (week_start) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS weekly_time_conversation ON weekly_time (conversation);
  CREATE INDEX IF NOT EXISTS weekly_time_contact ON weekly_time (contact) WHERE contact IS NOT NULL;
`

/** A row of the table `weekly_time`. */
export interface WeeklyRow {
  id: string
  weekday: number
  time: number
  minutes: number
  week_start: number
  week_end: number
  first_at: number
  student: string
  service: string
  conversation: string
  contact: string | null
  ended_at: number | null
}

/** The weekly times in an inbox's file; none if it is of an earlier version. */
export function readWeekly(db: DatabaseSync): Iterable<WeeklyRow> {
  if (!hasTable(db, 'weekly_time')) return []
  return db.prepare('SELECT * FROM weekly_time').iterate() as unknown as Iterable<WeeklyRow>
}

const WEEKLY = 'id, weekday, time, minutes, first_at AS first, student, service, conversation, contact'

export const WEEKLY_STATEMENTS = {
  isThere: 'SELECT 1 FROM weekly_time WHERE id = ?',
  // The same week, and the ends of those that go on into the next one.
  overlap: `
    SELECT 1 FROM weekly_time WHERE ended_at IS NULL AND (
      (week_start < ?2 AND week_end > ?1) OR (week_start < ?2 - ${WEEK_MINUTES}) OR (week_end - ${WEEK_MINUTES} > ?1)
    ) LIMIT 1`,
  insert: `
    INSERT INTO weekly_time (id, weekday, time, minutes, week_start, week_end, first_at, student, service,
      conversation, contact)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  get: `SELECT ${WEEKLY} FROM weekly_time WHERE id = ? AND ended_at IS NULL`,
  of: `
    SELECT ${WEEKLY} FROM weekly_time WHERE (conversation = ? OR contact = ?) AND ended_at IS NULL ORDER BY week_start`,
  all: `SELECT ${WEEKLY} FROM weekly_time WHERE ended_at IS NULL ORDER BY week_start`,
  end: 'UPDATE weekly_time SET ended_at = ? WHERE id = ? AND ended_at IS NULL',
  rename: 'UPDATE weekly_time SET student = ? WHERE conversation = ? AND student = ?',
  erase: `
    UPDATE weekly_time SET student = '${ERASED}', contact = NULL, ended_at = coalesce(ended_at, ?1)
    WHERE conversation = ?2`,
}

/** How the calendar reads and changes its file. */
export interface InCalendar {
  now(): number
  attempt<T>(what: string, run: () => T): T
  change<T>(what: string, run: () => T): T
}

export class SqliteWeeklyTimes implements WeeklyTimes {
  readonly #in: InCalendar
  readonly #sql: Record<keyof typeof WEEKLY_STATEMENTS, StatementSync>

  constructor(db: DatabaseSync, calendar: InCalendar) {
    this.#in = calendar
    const prepared = Object.entries(WEEKLY_STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(prepared)
  }

  async add(weekly: WeeklyTime): Promise<'added' | 'taken'> {
    const { start, end } = inWeek(weekly)
    const { id, weekday, time, minutes, first, student, service, conversation, contact = null } = weekly
    return this.#in.change('add a weekly time', () => {
      if (this.#sql.isThere.get(id) !== undefined) return 'added'
      if (this.#sql.overlap.get(start, end) !== undefined) return 'taken'
      const values = [id, weekday, time, minutes, start, end, first, student, service, conversation, contact]
      this.#sql.insert.run(...values)
      return 'added'
    })
  }

  async get(id: string): Promise<WeeklyTime | null> {
    const row = this.#in.attempt('be read', () => this.#sql.get.get(id))
    return row === undefined ? null : weeklyOf(row)
  }

  async of({ conversation, contact = '' }: LessonsOf): Promise<WeeklyTime[]> {
    const rows = this.#in.attempt('be read', () => this.#sql.of.all(conversation || null, contact || null))
    return rows.map(weeklyOf)
  }

  async all(): Promise<WeeklyTime[]> {
    return this.#in.attempt('be read', () => this.#sql.all.all()).map(weeklyOf)
  }

  async end(id: string): Promise<boolean> {
    return this.#in.change('end a weekly time', () => this.#sql.end.run(this.#in.now(), id).changes === 1)
  }

  /** Within a change of the calendar. */
  rename(conversation: string, from: string, to: string): void {
    this.#sql.rename.run(to, conversation, from)
  }

  /** Within a change of the calendar. Who is forgotten gets no more lessons. */
  erase(conversation: string): void {
    this.#sql.erase.run(this.#in.now(), conversation)
  }
}

function weeklyOf(row: unknown): WeeklyTime {
  const { contact, ...weekly } = row as WeeklyTime & { contact: string | null }
  return { ...weekly, ...(contact !== null && { contact }) }
}
