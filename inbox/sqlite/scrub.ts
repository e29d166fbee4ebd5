import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

/** How long to wait for readers, ms. */
const PATIENCE_MS = 10_000
const RETRY_MS = 50
/** How long one attempt holds the write lock while it waits for a reader, ms: the server's commits wait too. */
const LOCK_MS = 2

/**
 * Moves the -wal file's content into the store and truncates it, so that overwritten data does not stay there. In short
 * attempts, so that neither the event loop nor other processes' commits wait for readers.
 * @param patienceMs how long to wait for readers of an older state
 * @throws {Error} a reader has not ended by then
 */
export async function emptyLog(db: DatabaseSync, patienceMs = PATIENCE_MS): Promise<void> {
  const until = performance.now() + patienceMs
  while (!tryToEmptyLog(db)) {
    if (performance.now() > until) {
      throw new Error(
        'The payloads are deleted, but their bytes stay in the -wal file while another process reads the store ' +
          '(a backup, say); forget them again when that has ended',
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
