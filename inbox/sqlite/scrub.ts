import { once } from 'node:events'
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { TransientError } from '../errors.ts'

/** How long to wait for readers, ms. */
const PATIENCE_MS = 10_000
const RETRY_MS = 50
/** How long one attempt holds the write lock while it waits for a reader, ms: the server's commits wait too. */
const LOCK_MS = 2

/** The largest file that is rewritten, bytes: it takes some seconds per GB, and other writes wait. */
export const MAX_REWRITTEN_BYTES = 256 * 2 ** 20
/** In a thread: it would hold up the event loop. */
const REWRITE = `
  const { workerData } = require('node:worker_threads')
  const { DatabaseSync } = require('node:sqlite')
  const db = new DatabaseSync(workerData.file, { timeout: workerData.patienceMs })
  db.exec('PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; VACUUM')
  db.close()
`

/**
 * Leaves no byte of what was deleted or overwritten. secure_delete is not enough: when SQLite moves rows to another page,
 * their old bytes stay in the first one, where no row is any more. So a file of up to 256 MiB is rewritten; in a larger
 * one such bytes stay. Then the log is emptied.
 * @param patienceMs how long to wait for other writers, and then for readers of an older state
 * @throws {TransientError} they have not ended by then, or the file can't be rewritten
 */
export async function eraseRemains(db: DatabaseSync, patienceMs = PATIENCE_MS): Promise<void> {
  const file = db.location() as string
  if (statSync(file).size <= MAX_REWRITTEN_BYTES) {
    try {
      await once(new Worker(REWRITE, { eval: true, execArgv: [], workerData: { file, patienceMs } }), 'exit')
    } catch (error) {
      const why = (error as Error).message
      throw new TransientError(
        `The payloads are deleted, but their bytes may stay in the file: it can't be rewritten (${why}); forget them again`,
        { cause: error },
      )
    }
  }
  await emptyLog(db, patienceMs)
}

/**
 * Moves the -wal file's content into the store and truncates it, so that overwritten data does not stay there. In short
 * attempts, so that neither the event loop nor other processes' commits wait for readers.
 * @param patienceMs how long to wait for readers of an older state
 * @throws {TransientError} a reader has not ended by then
 */
export async function emptyLog(db: DatabaseSync, patienceMs = PATIENCE_MS): Promise<void> {
  const until = performance.now() + patienceMs
  while (!tryToEmptyLog(db)) {
    if (performance.now() > until) {
      throw new TransientError(
        'The payloads are deleted, but their bytes stay in the -wal file while another process reads the store ' +
          '(a backup or Litestream, say); forget them again when that has ended',
      )
    }
    await delay(RETRY_MS)
  }
}

/** Returns whether the -wal file is empty now. */
export function tryToEmptyLog(db: DatabaseSync): boolean {
  const { timeout } = db.prepare('PRAGMA busy_timeout').get() as { timeout: number }
  // Does most of the work without blocking writers.
  db.exec(`PRAGMA busy_timeout = ${LOCK_MS}; PRAGMA wal_checkpoint(PASSIVE)`)
  try {
    return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0
  } finally {
    db.exec(`PRAGMA busy_timeout = ${timeout}`)
  }
}
