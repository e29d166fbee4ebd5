import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { Commit } from '../contracts.ts'

/** Wait before retrying a file locked by another process, ms. */
const RETRY_MS = 20
/** How long closing waits for such a lock, ms. */
const CLOSE_MS = 5_000

/** In-memory state that is rolled back with the transaction. */
export interface InMemory {
  /** At the start of a transaction. */
  begin(): void
  /** Number of changes since then. */
  mark(): number
  /** Undoes all changes after a mark; 0 undoes all. */
  undoTo(mark: number): void
  /** After the commit. */
  committed(): void
}

export interface CommitOptions {
  /** In-memory state that operations change. */
  memory: readonly InMemory[]
  /** Runs in each transaction before its operations; if it throws, all are rejected. */
  check: () => void
  /** Runs in each transaction after its operations. */
  finish: () => void
  /** Called after every commit. */
  onCommit?: ((commit: Commit) => void) | undefined
}

interface Operation {
  run: () => unknown
  resolve: (result: never) => void
  reject: (error: unknown) => void
  /** When to give up on a locked file, by performance.now(). */
  until: number
  result: unknown
  failed: { error: unknown } | undefined
}

/**
 * Runs the operations of one turn of the event loop in one transaction, in order. One that throws is rolled back and
 * rejected alone. While another process has locked the file they stay queued, without blocking the event loop.
 */
export class Commits {
  readonly #db: DatabaseSync
  readonly #options: CommitOptions
  readonly #sql: Record<'begin' | 'commit' | 'rollback' | 'savepoint' | 'undo' | 'release', StatementSync>
  /** Queued for the next transaction. */
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

  /** Commits what is queued, before closing. Rejects what is still locked out after 5 s. */
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
    // Closing or the retry may have committed them already.
    if (this.#waiting.length === 0) return
    const operations = this.#waiting
    this.#waiting = []
    const begunAt = performance.now()
    if (this.#attempt(operations)) this.#end(operations, performance.now() - begunAt)
  }

  /**
   * If one of several operations fails, runs them one by one to find it, and commits the others. false: the file is
   * locked.
   */
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
      // After some errors (a full disk, say) SQLite has already rolled back.
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

/**
 * SQLITE_BUSY or one of its extended codes: another process has the lock (https://www.sqlite.org/rescode.html#busy).
 */
function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: number }
  return errcode !== undefined && (errcode & 0xff) === 5
}
