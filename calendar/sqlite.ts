import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { PermanentError, StoreMissingError, StoreOpenError, TransientError } from '../inbox/errors.ts'
import { COMMAND_LOCK_MS } from '../inbox/sqlite/file.ts'
import { eraseRemains } from '../inbox/sqlite/scrub.ts'
import { checkHold, checkInterval, isAt, mustBeAt } from './checks.ts'
import type {
  Block,
  BookedLesson,
  BookResult,
  Busy,
  Hold,
  Interval,
  KeepResult,
  Lesson,
  LessonsOf,
  LocalCalendar,
  Move,
  MoveResult,
  PaymentChange,
  PaymentResult,
  Renaming,
} from './contract.ts'
import { SqlitePackages } from './sqlite-packages.ts'
import { createTables, hasTables, PART_SIZE, STATEMENTS } from './sqlite-statements.ts'
import { type InCalendar, SqliteWeeklyTimes } from './sqlite-weekly.ts'

/** Lock timeout of the server, ms: it blocks the event loop, and the inbox retries. */
const LOCK_WAIT_MS = 20
/** How often lessons are read while they change: one that moves meanwhile could be missed. */
const MAX_READINGS = 3

interface Slot extends Interval {
  /** null: it is a lesson. */
  hold_until: number | null
  /** For a hold: its payment is being processed. */
  conversation: string | null
  payment: string | null
  sequence: number
}

/** As it is read; what is 0 or null is absent in a lesson. */
interface LessonRow extends Omit<BookedLesson, 'isHeld' | 'cancelledAt' | 'contact'> {
  isHeld: 0 | 1
  cancelledAt: number | null
  contact: string | null
}

/**
 * Opens the calendar in the inbox's file, which the inbox has already opened and locked for this process.
 * @param schema `keep`: for a command, which changes no tables
 * @throws {StoreOpenError} that says why the file can't be used; StoreMissingError: it has no lessons
 */
export function openSqliteCalendar(
  file: string,
  clock: { now(): number },
  schema: 'create' | 'keep' = 'create',
): LocalCalendar {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(existing(file), { timeout: schema === 'keep' ? COMMAND_LOCK_MS : LOCK_WAIT_MS })
    db.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
    if (schema === 'create') createTables(db)
    else if (!hasTables(db)) throw new StoreMissingError('no such table: slot')
    return new SqliteCalendar(db, clock)
  } catch (error) {
    db?.close()
    const reason = (error as Error).message
    const fix = schema === 'keep' ? "start this version's server with it once" : "open the inbox's store in it first"
    const Refusal = error instanceof StoreMissingError ? StoreMissingError : StoreOpenError
    throw new Refusal(`${file} can't be opened as a calendar (${reason}); ${fix}`, { cause: error })
  }
}

/** Never creates the file: the inbox would take it for another program's. */
function existing(file: string): URL {
  const url = pathToFileURL(file)
  url.searchParams.set('mode', 'rw')
  return url
}

type Statements = Record<keyof typeof STATEMENTS, StatementSync>

/** Unix ms. */
interface Range {
  from: number
  to: number
}

class SqliteCalendar implements LocalCalendar {
  readonly weekly: SqliteWeeklyTimes
  /** How often something has changed: what is read in parts is read again. */
  #changes = 0
  readonly #db: DatabaseSync
  readonly #clock: { now(): number }
  readonly #sql: Statements
  readonly packages: SqlitePackages

  constructor(db: DatabaseSync, clock: { now(): number }) {
    this.#db = db
    this.#clock = clock
    this.#sql = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]),
    ) as Statements
    const access: InCalendar = {
      now: () => clock.now(),
      attempt: (what, run) => this.#attempt(what, run),
      change: (what, run) => this.#change(what, run),
    }
    this.weekly = new SqliteWeeklyTimes(db, access)
    this.packages = new SqlitePackages(db, access)
  }

  async busy(from: number, to: number): Promise<Busy[]> {
    checkInterval({ start: from, end: to })
    const rows = this.#attempt('be read', () => this.#sql.busyTimes.all(to, from, this.#clock.now()))
    return rows.map(({ isOther, ...time }) => ({
      ...(time as unknown as Interval),
      ...(isOther === 1 && { isOther: true }),
    }))
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
      if (this.#isTaken({ start: start - margin.before, end: end + margin.after }, order)) return false
      this.#sql.insertHold.run(order, start, end, until, this.#clock.now())
      return true
    })
  }

  async keep(lesson: Lesson): Promise<KeepResult> {
    checkInterval(lesson)
    const { order, start, conversation } = lesson
    return this.#change(`keep the time of order ${order}`, (): KeepResult => {
      const own = this.#slotOf(order)
      const isKept = own?.conversation === conversation && isAt(own, lesson)
      if (isKept || isLesson(own)) return 'kept'
      if (this.#sql.findKept.get(conversation, order) !== undefined) return 'another'
      this.#sql.remove.run(order)
      if (this.#isTaken(lesson, order, own)) return 'taken'
      const cancelled = this.#cancelledSequence(order)
      this.#insertLesson(lesson, start, cancelled === undefined ? 0 : cancelled + 1)
      return 'kept'
    })
  }

  async release(order: string, until: number): Promise<void> {
    this.#change(`release the hold of order ${order}`, () => this.#sql.removeHold.run(order, until))
  }

  async book(lesson: Lesson): Promise<BookResult> {
    checkInterval(lesson)
    const { order } = lesson
    return this.#change(`book the lesson of order ${order}`, () => {
      const own = this.#slotOf(order)
      if (isLesson(own)) {
        if (!isMoved(own)) mustBeAt(own, order, lesson)
        return 'booked'
      }
      // If its hold is on this time, the time can't be taken.
      this.#sql.remove.run(order)
      if (this.#isTaken(lesson, order, own)) return 'taken'
      this.#insertLesson(lesson, null, Math.max(own?.sequence ?? 0, this.#cancelledSequence(order) ?? 0) + 1)
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
      this.#sql.keepCancelled.run(this.#clock.now(), order)
      this.#sql.remove.run(order)
      return isLesson(own) ? { start: own.start, end: own.end } : null
    })
  }

  async lessonOf(order: string): Promise<BookedLesson | null> {
    const row = this.#attempt(
      'be read',
      () => this.#sql.lessonOf.get(order, this.#clock.now()) ?? this.#sql.cancelledLessonOf.get(order),
    )
    return row === undefined ? null : lessonOf(row)
  }

  async lessonsOf({ conversation, contact = '' }: LessonsOf, after: number): Promise<BookedLesson[]> {
    const rows = this.#attempt('list lessons', () =>
      this.#sql.lessonsOf.all(conversation || null, contact || null, after, this.#clock.now()),
    )
    return rows.map(lessonOf)
  }

  async move({ order, from, to, margin }: Move): Promise<MoveResult> {
    checkInterval(to)
    return this.#change(`move the lesson of order ${order}`, () => {
      const own = this.#slotOf(order)
      if (!isLesson(own)) return 'changed'
      if (isAt(own, to)) return 'moved'
      if (own.start !== from) return 'changed'
      if (this.#isTaken({ start: to.start - margin.before, end: to.end + margin.after }, order)) return 'taken'
      this.#sql.move.run(to.start, to.end, this.#clock.now(), order)
      return 'moved'
    })
  }

  async setPayment({ order, from, to }: PaymentChange): Promise<PaymentResult> {
    return this.#change(`set the payment of order ${order}`, () => {
      const own = this.#slotOf(order)
      if (!isLesson(own)) return 'changed'
      if (own.payment === to) return 'set'
      if (own.payment !== from) return 'changed'
      this.#sql.setPayment.run(to, this.#clock.now(), order)
      return 'set'
    })
  }

  async renameStudent({ conversation, from, to }: Renaming, after: number): Promise<void> {
    this.#change('rename a student', () => {
      this.#sql.renameStudent.run(to, this.#clock.now(), conversation, from, after)
      this.weekly.rename(conversation, from, to)
    })
  }

  async lessons(from: number, to: number, { withCancelled = false } = {}): Promise<BookedLesson[]> {
    checkInterval({ start: from, end: to })
    let found: BookedLesson[] = []
    for (let reading = 1; reading <= MAX_READINGS; reading++) {
      const changes = this.#changes
      found = [
        ...(await this.#inParts('lessons', { from, to }, this.#clock.now())),
        ...(withCancelled ? await this.#inParts('cancelledLessons', { from, to }) : []),
      ]
      if (this.#changes === changes) break
    }
    return found.sort((one, other) => one.start - other.start)
  }

  /** Other work goes on between the parts. */
  async #inParts(
    which: 'lessons' | 'cancelledLessons',
    { from, to }: Range,
    ...now: number[]
  ): Promise<BookedLesson[]> {
    const found: BookedLesson[] = []
    // After everything that ends at `from`.
    let last = { end: from + 1, order: '' }
    for (;;) {
      const rows = this.#attempt('list its lessons', () => this.#sql[which].all(to, last.end, last.order, ...now))
      found.push(...rows.map(lessonOf))
      if (rows.length < PART_SIZE) return found
      last = found.at(-1) as BookedLesson
      await nextTurn()
    }
  }

  async ordersBeginningWith(beginning: string, limit: number): Promise<string[]> {
    const rows = this.#attempt('list its lessons', () =>
      this.#sql.ordersBeginningWith.all(beginning, this.#clock.now(), limit),
    )
    return rows.map(({ order }) => order as string)
  }

  async unpaid(limit: number): Promise<BookedLesson[]> {
    return this.#attempt('list its lessons', () => this.#sql.unpaid.all(limit)).map(lessonOf)
  }

  async block({ id, start, end, reason }: Block): Promise<void> {
    checkInterval({ start, end })
    this.#change(`block a time`, () => this.#sql.block.run(id, start, end, reason))
  }

  async unblock(id: string): Promise<boolean> {
    return this.#change(`unblock a time`, () => this.#sql.unblock.run(id).changes === 1)
  }

  async blocks(from: number, to: number): Promise<Block[]> {
    checkInterval({ start: from, end: to })
    const rows = this.#attempt('list its blocked times', () => this.#sql.blocks.all(to, from))
    return rows.map(row => ({ ...(row as unknown as Block) }))
  }

  async eraseStudent(conversations: readonly string[]): Promise<number> {
    const { eraseStudent, eraseCancelled } = this.#sql
    const lessons = this.#change('erase a name', () => {
      const now = this.#clock.now()
      for (const conversation of conversations) this.weekly.erase(conversation)
      const changed = conversations.flatMap(conversation =>
        [eraseStudent, eraseCancelled].map(statement => Number(statement.run(now, conversation).changes)),
      )
      return changed.reduce((sum, lessons) => sum + lessons, 0)
    })
    await eraseRemains(this.#db)
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
      this.#changes++
      return result
    })
  }

  /** @param own the order's own hold: a time that is blocked since stays its own */
  #isTaken(time: Interval, order: string, own?: Slot): boolean {
    const { start, end } = time
    if (this.#sql.overlap.get(end, start, order) !== undefined) return true
    return !isAt(own, time) && this.#sql.overlapBlock.get(end, start) !== undefined
  }

  /** Whatever was cancelled of its order is no longer. */
  #insertLesson(lesson: Lesson, holdUntil: number | null, sequence: number): void {
    const { order, start, end, student, service, payment, conversation, contact = null } = lesson
    const values = [order, start, end, student, service, payment, conversation, contact]
    this.#sql.removeCancelled.run(order)
    this.#sql.insertLesson.run(...values, this.#clock.now(), holdUntil, sequence)
  }

  #cancelledSequence(order: string): number | undefined {
    return this.#sql.sequenceOfCancelled.get(order)?.sequence as number | undefined
  }

  #slotOf(order: string): Slot | undefined {
    return this.#sql.find.get(order) as Slot | undefined
  }
}

function isLesson(slot: Slot | undefined): slot is Slot & { hold_until: null } {
  return slot?.hold_until === null
}

/** Booked where it is: 1. */
function isMoved({ sequence }: Slot): boolean {
  return sequence > 1
}

function lessonOf(row: unknown): BookedLesson {
  const { isHeld, cancelledAt, contact, ...lesson } = row as LessonRow
  return {
    ...lesson,
    ...(contact !== null && { contact }),
    ...(isHeld === 1 && { isHeld: true }),
    ...(cancelledAt !== null && { cancelledAt }),
  }
}
