import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { Commit } from '../contracts.ts'

/** Before a file that another process has locked is tried again, ms. */
const RETRY_MS = 20
/** How long closing waits for such a lock, ms. */
const CLOSE_MS = 5_000

/** What operations change in memory, so that it can be undone with what they have written. */
export interface InMemory {
  /** A transaction begins. */
  begin(): void
  /** How many changes there are since it began. */
  mark(): number
  /** Undoes the changes after a mark; 0 for all of them. */
  undoTo(mark: number): void
  /** The transaction is committed. */
  committed(): void
}

export interface CommitOptions {
  /** Changed by operations, in memory. */
  memory: readonly InMemory[]
  /** Runs in each transaction before its operations. What it throws rejects all of them. */
  check: () => void
  /** Runs in each transaction after its operations. */
  finish: () => void
  /** Told of every commit. */
  onCommit?: ((commit: Commit) => void) | undefined
}

interface Operation {
  run: () => unknown
  resolve: (result: never) => void
  reject: (error: unknown) => void
  /** When to give up while the file is locked, as performance.now() has it. */
  until: number
  result: unknown
  failed: { error: unknown } | undefined
}

/**
 * Operations of one turn of the event loop in one transaction, in the order they were asked for. One that throws is
 * undone and rejected alone. While another process has the file locked they wait, in their order, and the event loop
 * does not.
 */
export class Commits {
  readonly #db: DatabaseSync
  readonly #options: CommitOptions
  readonly #sql: Record<'begin' | 'commit' | 'rollback' | 'savepoint' | 'undo' | 'release', StatementSync>
  /** Operations that wait for the next transaction. */
  #waiting: Operation[] = []
  #retry: NodeJS.Timeout | undefined
  readonly #flush = () => this.#commitWaiting()

  constructor(db: DatabaseSync, options: CommitOptions) {
    this.#db = db
    this.#options = options
    this.#sql = {
      begin: db.prepare('BEGIN IMMEDIATE'),
      commit: db.prepare('COMMIT'),
      rollback: db.prepare('ROLLBACK'),
      savepoint: db.prepare('SAVEPOINT one'),
      undo: db.prepare('ROLLBACK TO one'),
      release: db.prepare('RELEASE one'),
    }
  }

  /**
   * Queues an operation for the commit at the end of this turn of the event loop.
   * @param patienceMs how long it may wait for another process's lock before it is rejected
   */
  write<T>(run: () => T, patienceMs = Number.POSITIVE_INFINITY): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const until = patienceMs === Number.POSITIVE_INFINITY ? patienceMs : performance.now() + patienceMs
      const operation = { run, resolve, reject, until, result: undefined, failed: undefined }
      if (this.#waiting.push(operation) === 1) setImmediate(this.#flush)
    })
  }

  /** Commits what waits, before the file is closed. What another process's lock holds up for 5 s is rejected. */
  async close(): Promise<void> {
    clearTimeout(this.#retry)
    const until = performance.now() + CLOSE_MS
    for (const operation of this.#waiting) operation.until = Math.min(operation.until, until)
    this.#commitWaiting()
    while (this.#waiting.length > 0) {
      clearTimeout(this.#retry)
      await delay(RETRY_MS)
      this.#commitWaiting()
    }
  }

  #commitWaiting(): void {
    // Closing, or the retry, may have been here before.
    if (this.#waiting.length === 0) return
    const operations = this.#waiting
    this.#waiting = []
    const begunAt = performance.now()
    if (this.#attempt(operations)) this.#end(operations, performance.now() - begunAt)
  }

  /** If one of several fails, it is found out which, and the others are done without it. false: the file is locked. */
  #attempt(operations: Operation[], oneByOne = false): boolean {
    try {
      this.#sql.begin.run()
      this.#transact(operations, oneByOne)
      return true
    } catch (error) {
      if (isBusy(error)) {
        this.#waitForLock(operations, error)
        return false
      }
      if (!oneByOne && operations.length > 1 && this.#db.isOpen) return this.#attempt(operations, true)
      for (const operation of operations) operation.failed = { error }
      return true
    }
  }

  #transact(operations: Operation[], oneByOne: boolean): void {
    const { memory, check, finish } = this.#options
    for (const each of memory) each.begin()
    try {
      check()
      for (const operation of operations) {
        if (oneByOne) this.#runAlone(operation)
        else operation.result = operation.run()
      }
      finish()
      this.#sql.commit.run()
    } catch (error) {
      for (const each of memory) each.undoTo(0)
      // After some errors (a full disk, say) SQLite has rolled back by itself.
      if (this.#db.isOpen && this.#db.isTransaction) this.#sql.rollback.run()
      throw error
    }
    for (const each of memory) each.committed()
  }

  #runAlone(operation: Operation): void {
    const { memory } = this.#options
    const marks = memory.map(each => each.mark())
    this.#sql.savepoint.run()
    try {
      operation.result = operation.run()
    } catch (error) {
      for (const [index, each] of memory.entries()) each.undoTo(marks[index] as number)
      this.#sql.undo.run()
      operation.failed = { error }
    }
    this.#sql.release.run()
  }

  #waitForLock(operations: Operation[], error: unknown): void {
    const now = performance.now()
    const patient = operations.filter(operation => {
      if (now < operation.until) return true
      operation.reject(new Error('Another process has locked the store', { cause: error }))
      return false
    })
    this.#waiting = [...patient, ...this.#waiting]
    if (this.#waiting.length > 0) this.#retry = setTimeout(this.#flush, RETRY_MS)
  }

  #end(operations: Operation[], ms: number): void {
    let kept = 0
    for (const { failed, reject, resolve, result } of operations) {
      if (failed !== undefined) {
        reject(failed.error)
        continue
      }
      kept++
      resolve(result as never)
    }
    this.#options.onCommit?.({ operations: operations.length, ms, ok: kept > 0 })
  }
}

/** SQLITE_BUSY, whatever its details: another process has the lock (https://www.sqlite.org/rescode.html#busy). */
function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: number }
  return errcode !== undefined && (errcode & 0xff) === 5
}
