import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from '../contracts.ts'
import { type Counts, countAll } from './counts.ts'
import { eraseLeftovers, mayHoldLeftovers } from './file.ts'
import { CLOCK_SLACK_MS } from './wakeups.ts'

/** What a server does with a file before it serves: the process before it may have died. */

/** A larger file is not rewritten at the start: deliveries would wait for more than some seconds, bytes. */
const MAX_REWRITTEN_BYTES = 256 * 2 ** 20

export interface Recovered {
  /** By what the file knows from now on which server has it. */
  holder: string
  /** How many deliveries are in each state. */
  counts: Counts
}

/**
 * What a process left behind that died: its claims are nobody's now, and what was pending is due. What was settled after
 * now, by a clock that has been set back since, is looked at.
 */
export function recover(db: DatabaseSync): Recovered {
  const holder = randomUUID()
  const dueAt = `CASE WHEN settled_at > ${Date.now() + CLOCK_SLACK_MS} THEN 0 ELSE coalesce(next_attempt_at, 0) END`
  db.exec(`
    BEGIN IMMEDIATE;
    INSERT OR REPLACE INTO about VALUES ('holder', '${holder}');
    DELETE FROM step WHERE done_at IS NULL;
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

/** Earlier versions left data of what was forgotten in the file. */
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
