import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from '../contracts.ts'
import { type Counts, countAll } from './counts.ts'
import { eraseLeftovers, mayHoldLeftovers } from './file.ts'
import { MAX_REWRITTEN_BYTES } from './scrub.ts'
import { CLOCK_SLACK_MS } from './wakeups.ts'

/** Recovery at the start of a server: the previous process may have died. */

/** Until then a failed step is remembered as one that may have acted, ms. */
const FAILED_STEP_MS = 90 * 24 * 60 * 60 * 1_000

export interface Recovered {
  /** Token by which the file knows which server has it. */
  holder: string
  counts: Counts
}

/**
 * Ends the claims of a process that died and rebuilds the wake-ups. Deliveries settled in the future, by a clock since
 * set back, are due at once: `take` decides.
 * @param now Unix ms
 */
export function recover(db: DatabaseSync, now: number): Recovered {
  const holder = randomUUID()
  const dueAt = `CASE WHEN run = '' OR settled_at > ${now + CLOCK_SLACK_MS} THEN 0 ELSE coalesce(next_attempt_at, 0) END`
  db.exec(`
    BEGIN IMMEDIATE;
    INSERT OR REPLACE INTO about VALUES ('holder', '${holder}');
    DELETE FROM step WHERE done_at IS NULL AND result IS NOT NULL AND CAST(result AS INTEGER) < ${now - FAILED_STEP_MS};
    UPDATE step SET result = '${now}' WHERE done_at IS NULL AND result IS NULL;
    DELETE FROM wakeup;
    INSERT INTO wakeup
      SELECT ordering_key, min(due_at) FROM (
        SELECT ordering_key, ${dueAt} AS due_at, min(seq) FROM delivery
          WHERE state = 'pending' GROUP BY ordering_key
        UNION ALL
        SELECT ordering_key, ${dueAt}, seq FROM delivery
          WHERE state = 'parked' AND next_attempt_at IS NOT NULL
      ) GROUP BY ordering_key;
  `)
  const counts = countAll(db)
  db.exec('COMMIT')
  return { holder, counts }
}

/** Earlier versions left forgotten data in the file. */
export function rewriteOnce(db: DatabaseSync, file: string, log: Logger | undefined): void {
  if (!mayHoldLeftovers(db)) return
  const { size } = statSync(file)
  if (size > MAX_REWRITTEN_BYTES) {
    log?.warn(
      { file, bytes: size },
      'the file may contain data that earlier versions deleted, and is too large to be rewritten at the start; ' +
        'when convenient, stop the server and restore a backup of the file in its place',
    )
    return
  }
  log?.info({ file, bytes: size }, 'rewriting the file once, without what earlier versions deleted')
  try {
    eraseLeftovers(db)
  } catch (error) {
    log?.warn({ err: error, file }, 'could not rewrite the file, will retry at the next start')
  }
}
