import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

/** What readers in the way may take, ms. */
const PATIENCE_MS = 10_000
const RETRY_MS = 50
/** The write lock is held while a reader is waited for, ms: the server's commits wait too. */
const LOCK_MS = 2

/**
 * Moves the log into the file and cuts it off, so that nothing stays in it of what was overwritten in the file. In small
 * attempts: neither the event loop nor another process's commit waits for readers.
 * @param patienceMs how long readers of an older state are waited for
 * @throws {Error} one has not ended by then
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

/** Whether the log is empty now. */
export function tryToEmptyLog(db: DatabaseSync): boolean {
  const { timeout } = db.prepare('PRAGMA busy_timeout').get() as { timeout: number }
  // Most of the work, for which no writer waits.
  db.exec(`PRAGMA busy_timeout = ${LOCK_MS}; PRAGMA wal_checkpoint(PASSIVE)`)
  try {
    return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0
  } finally {
    db.exec(`PRAGMA busy_timeout = ${timeout}`)
  }
}
