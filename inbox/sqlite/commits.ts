import type { DatabaseSync } from 'node:sqlite'
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

export type Commits = ReturnType<typeof createCommits>

/**
 * Operations of one turn of the event loop in one transaction, in the order they were asked for. One that throws is
 * undone and rejected alone. While another process has the file locked they wait, in their order, and the event loop
 * does not.
 */
export function createCommits(db: DatabaseSync, { memory, check, finish, onCommit }: CommitOptions) {
  const [begin, commit, rollback] = ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map(sql => db.prepare(sql)) as Statements
  const [savepoint, undo, release] = ['SAVEPOINT one', 'ROLLBACK TO one', 'RELEASE one'].map(sql =>
    db.prepare(sql),
  ) as Statements
  let waiting: Operation[] = []
  let retry: NodeJS.Timeout | undefined

  function write<T>(run: () => T, patienceMs = Number.POSITIVE_INFINITY): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const until = patienceMs === Number.POSITIVE_INFINITY ? patienceMs : performance.now() + patienceMs
      const operation = { run, resolve, reject, until, result: undefined, failed: undefined }
      if (waiting.push(operation) === 1) setImmediate(flush)
    })
  }

  function flush(): void {
    // Closing, or the retry, may have been here before.
    if (waiting.length === 0) return
    const operations = waiting
    waiting = []
    const begunAt = performance.now()
    if (attempt(operations, runAll)) end(operations, performance.now() - begunAt)
  }

  /** If one of several fails, it is found out which, and the others are done without it. false: the file is locked. */
  function attempt(operations: Operation[], run: (operations: Operation[]) => void): boolean {
    try {
      begin.run()
      transact(operations, run)
      return true
    } catch (error) {
      if (isBusy(error)) {
        waitForLock(operations, error)
        return false
      }
      if (run === runAll && operations.length > 1 && db.isOpen) return attempt(operations, runEach)
      for (const operation of operations) operation.failed = { error }
      return true
    }
  }

  function transact(operations: Operation[], run: (operations: Operation[]) => void): void {
    for (const each of memory) each.begin()
    try {
      check()
      run(operations)
      finish()
      commit.run()
    } catch (error) {
      for (const each of memory) each.undoTo(0)
      // After some errors (a full disk, say) SQLite has rolled back by itself.
      if (db.isOpen && db.isTransaction) rollback.run()
      throw error
    }
    for (const each of memory) each.committed()
  }

  function runEach(operations: Operation[]): void {
    for (const operation of operations) {
      const marks = memory.map(each => each.mark())
      savepoint.run()
      try {
        operation.result = operation.run()
      } catch (error) {
        for (const [index, each] of memory.entries()) each.undoTo(marks[index] as number)
        undo.run()
        operation.failed = { error }
      }
      release.run()
    }
  }

  function waitForLock(operations: Operation[], error: unknown): void {
    const now = performance.now()
    const patient = operations.filter(operation => {
      if (now < operation.until) return true
      operation.reject(new Error('Another process has locked the store', { cause: error }))
      return false
    })
    waiting = [...patient, ...waiting]
    if (waiting.length > 0) retry = setTimeout(flush, RETRY_MS)
  }

  function end(operations: Operation[], ms: number): void {
    let kept = 0
    for (const { failed, reject, resolve, result } of operations) {
      if (failed !== undefined) {
        reject(failed.error)
        continue
      }
      kept++
      resolve(result as never)
    }
    onCommit?.({ operations: operations.length, ms, ok: kept > 0 })
  }

  return {
    /**
     * Queues an operation for the commit at the end of this turn of the event loop.
     * @param patienceMs how long it may wait for another process's lock before it is rejected
     */
    write,
    /** Commits what waits, before the file is closed. What another process's lock holds up for 5 s is rejected. */
    async close(): Promise<void> {
      clearTimeout(retry)
      const until = performance.now() + CLOSE_MS
      for (const operation of waiting) operation.until = Math.min(operation.until, until)
      flush()
      while (waiting.length > 0) {
        clearTimeout(retry)
        await delay(RETRY_MS)
        flush()
      }
    },
  }
}

type Statements = [
  ReturnType<DatabaseSync['prepare']>,
  ReturnType<DatabaseSync['prepare']>,
  ReturnType<DatabaseSync['prepare']>,
]

function runAll(operations: Operation[]): void {
  for (const operation of operations) operation.result = operation.run()
}

/** SQLITE_BUSY, whatever its details: another process has the lock (https://www.sqlite.org/rescode.html#busy). */
export function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: number }
  return errcode !== undefined && (errcode & 0xff) === 5
}
