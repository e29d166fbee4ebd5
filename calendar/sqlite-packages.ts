import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ERASED, type LessonsOf } from './contract.ts'
import {
  type By,
  type Correction,
  type CorrectResult,
  checkCorrection,
  checkMinutes,
  checkPackage,
  type EntryWho,
  keyOfLesson,
  keyOfRefund,
  keyOfReturn,
  type LessonPackage,
  type NewPackage,
  type PackageEntry,
  type Packages,
  type Taking,
  withoutName,
} from './packages.ts'
import { hasTable } from './sqlite-has-table.ts'
import type { InCalendar } from './sqlite-weekly.ts'

/** The packages in the inbox's file, beside the lessons. */

/** refund_due: minutes whose money has been paid back. */
export const PACKAGE_TABLES = `
  CREATE TABLE IF NOT EXISTS package (
    id TEXT PRIMARY KEY,
    conversation TEXT NOT NULL,
    contact TEXT,
    student TEXT NOT NULL,
    lesson_minutes INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    left_minutes INTEGER NOT NULL CHECK (left_minutes >= 0),
    refund_due INTEGER NOT NULL,
    payment TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    bought_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS package_conversation ON package (conversation);
  CREATE INDEX IF NOT EXISTS package_contact ON package (contact) WHERE contact IS NOT NULL;
  CREATE INDEX IF NOT EXISTS package_bought ON package (bought_at, id);
  CREATE TABLE IF NOT EXISTS package_entry (
    key TEXT PRIMARY KEY,
    package TEXT NOT NULL,
    number INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    why TEXT NOT NULL,
    who TEXT NOT NULL,
    at INTEGER NOT NULL,
    order_id TEXT,
    note TEXT,
    left_minutes INTEGER NOT NULL CHECK (left_minutes >= 0)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS package_entry_number ON package_entry (package, number);
`

/** A row of the table `package`. */
export interface PackageRow {
  id: string
  conversation: string
  contact: string | null
  student: string
  lesson_minutes: number
  minutes: number
  left_minutes: number
  refund_due: number
  payment: string
  amount: number
  currency: string
  bought_at: number
}

/** A row of the table `package_entry`. */
export interface EntryRow {
  key: string
  package: string
  number: number
  minutes: number
  why: string
  who: string
  at: number
  order_id: string | null
  note: string | null
  left_minutes: number
}

const TAKEN = `
  (SELECT coalesce(-sum(minutes), 0) FROM package_entry WHERE package_entry.package = package.id AND why = 'refunded')`
/** Entries are read only of a package whose money was paid back: the others are read at each booking. */
const PACKAGE = `
  id, conversation, contact, student, lesson_minutes AS lessonMinutes, minutes, left_minutes AS "left",
  CASE WHEN refund_due > 0 THEN refund_due - ${TAKEN} ELSE 0 END AS refundDue, payment, amount, currency,
  bought_at AS boughtAt`
const ENTRY = 'key, package, number, minutes, why, who, at, order_id AS "order", note, left_minutes AS "left"'
const IS_WHOSE = "((conversation = ?1 AND conversation <> '') OR contact = ?2)"

export const PACKAGE_STATEMENTS = {
  insert: `
    INSERT INTO package (id, conversation, contact, student, lesson_minutes, minutes, left_minutes, refund_due, payment,
      amount, currency, bought_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  find: `SELECT ${PACKAGE} FROM package WHERE id = ?`,
  idsBeginningWith: `
    SELECT id FROM package WHERE id >= ?1 AND id < ?1 || char(0x10FFFF) ORDER BY id LIMIT ?2`,
  of: `SELECT ${PACKAGE} FROM package WHERE ${IS_WHOSE} ORDER BY bought_at, id`,
  withEnough: `SELECT id FROM package WHERE ${IS_WHOSE} AND left_minutes >= ?3 ORDER BY bought_at, id LIMIT 1`,
  list: `SELECT ${PACKAGE} FROM package WHERE (bought_at, id) < (?, ?) ORDER BY bought_at DESC, id DESC LIMIT ?`,
  setLeft: 'UPDATE package SET left_minutes = ? WHERE id = ?',
  setRefundDue: 'UPDATE package SET refund_due = max(refund_due, ?) WHERE id = ?',
  refunded: `SELECT refund_due AS due, left_minutes AS "left", ${TAKEN} AS taken FROM package WHERE id = ?`,
  entry: `SELECT ${ENTRY} FROM package_entry WHERE key = ?`,
  entries: `SELECT ${ENTRY} FROM package_entry WHERE package = ? ORDER BY number`,
  append: `
    INSERT INTO package_entry (key, package, number, minutes, why, who, at, order_id, note, left_minutes)
    VALUES (?1, ?2, (SELECT count(*) + 1 FROM package_entry WHERE package = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,
  ofConversation: 'SELECT id, student, payment FROM package WHERE conversation = ?',
  erase: 'UPDATE package SET student = ?, payment = ? WHERE id = ?',
  eraseNotes: 'UPDATE package_entry SET note = NULL WHERE package = ?',
}

/** An entry that is to be added. */
type Addition = Omit<PackageEntry, 'number' | 'left'>

interface PackageOf extends Omit<LessonPackage, 'contact'> {
  contact: string | null
}

type Statements = Record<keyof typeof PACKAGE_STATEMENTS, StatementSync>

/** Made by the calendar, whose connection it uses. */
export class SqlitePackages implements Packages {
  readonly #access: Pick<InCalendar, 'attempt' | 'change'>
  readonly #sql: Statements

  constructor(db: DatabaseSync, access: Pick<InCalendar, 'attempt' | 'change'>) {
    this.#access = access
    this.#sql = Object.fromEntries(
      Object.entries(PACKAGE_STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as Statements
  }

  async buy(bought: NewPackage, who: EntryWho): Promise<LessonPackage> {
    checkPackage(bought)
    const { id, conversation, contact = null, student, lessonMinutes, minutes } = bought
    const { payment, amount, currency, boughtAt: at } = bought
    return this.#access.change(`record the package of order ${id}`, () => {
      const values = [id, conversation, contact, student, lessonMinutes, minutes, payment, amount, currency, at]
      if (this.#sql.insert.run(...values).changes === 1) {
        this.#append({ key: `bought:${id}`, package: id, minutes, why: 'bought', who, at, order: null, note: null })
      }
      return this.#find(id) as LessonPackage
    })
  }

  async take({ whose, order, minutes, who, at }: Taking): Promise<PackageEntry | null> {
    checkMinutes(minutes)
    const { conversation, contact = '' } = whose
    return this.#access.change(`take a lesson of order ${order} from a package`, () => {
      if (this.#entry(keyOfReturn(order)) !== null) return null
      const key = keyOfLesson(order)
      const taken = this.#entry(key)
      if (taken !== null) return taken
      const enough = this.#sql.withEnough.get(conversation, contact || null, minutes)
      if (enough === undefined) return null
      const [id, note] = [enough.id as string, null]
      return this.#append({ key, package: id, minutes: -minutes, why: 'lesson', who, at, order, note })
    })
  }

  async giveBack({ order, who, at }: By & { order: string }): Promise<PackageEntry | null> {
    return this.#access.change(`give back the minutes of order ${order}`, () => {
      const key = keyOfReturn(order)
      const [taken, returned] = [this.#entry(keyOfLesson(order)), this.#entry(key)]
      if (taken === null || returned !== null) return returned
      const { package: id, minutes } = taken
      const entry = this.#append({ key, package: id, minutes: -minutes, why: 'returned', who, at, order, note: null })
      this.#takeRefunded(id, { who, at })
      return entry
    })
  }

  async refund({ package: id, minutes, ...by }: By & { package: string; minutes: number }) {
    checkMinutes(minutes)
    return this.#access.change(`take what is left of package ${id}`, () => {
      if (this.#sql.setRefundDue.run(minutes, id).changes === 1) this.#takeRefunded(id, by)
      return this.#find(id)
    })
  }

  async correct(correction: Correction): Promise<CorrectResult> {
    checkCorrection(correction)
    const { key, package: id, minutes, who, at, note } = correction
    return this.#access.change(`correct package ${id}`, (): CorrectResult => {
      const known = this.#entry(key)
      if (known !== null) return { kind: 'corrected', entry: known }
      const found = this.#find(id)
      if (found === null) return { kind: 'unknown' }
      if (found.left + minutes < 0) return { kind: 'short', left: found.left }
      const addition = { key, package: id, minutes, who, at, note, order: null }
      return { kind: 'corrected', entry: this.#append({ ...addition, why: 'corrected' }) }
    })
  }

  async find(id: string): Promise<LessonPackage | null> {
    return this.#access.attempt('read a package', () => this.#find(id))
  }

  async idsBeginningWith(beginning: string, limit: number): Promise<string[]> {
    const rows = this.#access.attempt('list packages', () => this.#sql.idsBeginningWith.all(beginning, limit))
    return rows.map(({ id }) => id as string)
  }

  async of({ conversation, contact = '' }: LessonsOf): Promise<LessonPackage[]> {
    const rows = this.#access.attempt('list packages', () => this.#sql.of.all(conversation, contact || null))
    return rows.map(packageOf)
  }

  async list(limit: number, after?: LessonPackage): Promise<LessonPackage[]> {
    const { boughtAt = Number.MAX_SAFE_INTEGER, id = '' } = after ?? {}
    return this.#access.attempt('list packages', () => this.#sql.list.all(boughtAt, id, limit)).map(packageOf)
  }

  async entries(id: string): Promise<PackageEntry[]> {
    return this.#access.attempt('read a package', () => this.#sql.entries.all(id)).map(entryOf)
  }

  async takenFor(order: string): Promise<PackageEntry | null> {
    return this.#access.attempt('read a package', () => this.#entry(keyOfLesson(order)))
  }

  async erase(conversations: readonly string[]): Promise<number> {
    return this.#access.change('erase a name', () => {
      const found = conversations.flatMap(conversation => this.#sql.ofConversation.all(conversation))
      const named = found.filter(({ student }) => student !== ERASED)
      for (const { id, payment } of named) {
        this.#sql.erase.run(ERASED, withoutName(payment as string), id as string)
        this.#sql.eraseNotes.run(id as string)
      }
      return named.length
    })
  }

  #find(id: string): LessonPackage | null {
    const row = this.#sql.find.get(id)
    return row === undefined ? null : packageOf(row)
  }

  #entry(key: string): PackageEntry | null {
    const row = this.#sql.entry.get(key)
    return row === undefined ? null : entryOf(row)
  }

  /** The caller knows that there is such a package, with enough left. */
  #append({ key, package: id, minutes, why, who, at, order, note }: Addition): PackageEntry {
    const left = (this.#find(id) as LessonPackage).left + minutes
    this.#sql.setLeft.run(left, id)
    this.#sql.append.run(key, id, minutes, why, who, at, order, note, left)
    return this.#entry(key) as PackageEntry
  }

  /** What refunds have not taken yet, as far as it is left. */
  #takeRefunded(id: string, by: By): void {
    const { due, left, taken } = this.#sql.refunded.get(id) as { due: number; left: number; taken: number }
    const minutes = Math.min(left, due - taken)
    if (minutes <= 0) return
    const key = keyOfRefund(id, taken + minutes)
    this.#append({ key, package: id, minutes: -minutes, why: 'refunded', ...by, order: null, note: null })
  }
}

function packageOf(row: unknown): LessonPackage {
  const { contact, ...found } = row as PackageOf
  return { ...found, ...(contact !== null && { contact }) }
}

function entryOf(row: unknown): PackageEntry {
  return { ...(row as PackageEntry) }
}

/** The packages in an inbox's file, with their entries; none if it is of an earlier version. */
export function* readPackages(db: DatabaseSync): Generator<{ package: PackageRow; entries: EntryRow[] }> {
  if (!hasTable(db, 'package')) return
  const entries = db.prepare('SELECT * FROM package_entry WHERE package = ? ORDER BY number')
  for (const row of db.prepare('SELECT * FROM package').iterate()) {
    const found = row as unknown as PackageRow
    yield { package: found, entries: entries.all(found.id) as unknown as EntryRow[] }
  }
}
