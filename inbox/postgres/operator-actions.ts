import type pg from 'pg'
import type { PgBoss } from 'pg-boss'
import type { Store } from '../contracts.ts'
import { dropQuarantined } from './quarantine.ts'
import { wake } from './queue.ts'
import { scheduledByHand } from './scheduled.ts'
import { SCHEMA } from './schema.ts'
import { clean } from './strings.ts'
import { NOW_MS } from './time.ts'
import { transaction, write } from './transaction.ts'

/**
 * A run is replayed whole, and hidden from older instances.
 * @param hasRuns a command may work on a schema of an older version
 */
const replaySql = (hasRuns: boolean) => `
  WITH replayed AS (
    UPDATE ${SCHEMA}.delivery SET state = 'parked',
      ${hasRuns ? 'next_attempt_at = CASE WHEN run IS NULL THEN 0 END, due_at = CASE WHEN run IS NOT NULL THEN 0 END' : 'next_attempt_at = 0'}
    WHERE (id = ANY($1::text[])${hasRuns ? ` OR run > '' AND run IN (SELECT run FROM ${SCHEMA}.delivery WHERE id = ANY($1::text[]))` : ''})
      AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING seq, ordering_key
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at) SELECT seq, 'replayed', ${NOW_MS} FROM replayed)
  SELECT ordering_key FROM replayed`
const HAS_RUNS = `SELECT FROM pg_attribute WHERE attrelid = '${SCHEMA}.delivery'::regclass AND attname = 'run'`
const DISCARD = `
  WITH discarded AS (
    UPDATE ${SCHEMA}.delivery SET state = 'discarded', next_attempt_at = NULL, settled_at = ${NOW_MS}, error = $2
    WHERE id = $1 AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING seq
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at, detail) SELECT seq, 'discarded', ${NOW_MS}, $2 FROM discarded)
  SELECT seq FROM discarded`
const NOTE = `
  INSERT INTO ${SCHEMA}.history (seq, what, at, detail) SELECT seq, 'noted', ${NOW_MS}, $2 FROM ${SCHEMA}.delivery WHERE id = $1`
const FORGET = `
  WITH forgotten AS (
    UPDATE ${SCHEMA}.delivery SET error = NULL, next_attempt_at = NULL, settled_at = ${NOW_MS},
      state = CASE state WHEN 'done' THEN 'done' ELSE 'discarded' END
    WHERE id = ANY($1::text[]) AND started_at IS NULL
      AND EXISTS (SELECT 1 FROM ${SCHEMA}.body WHERE body.seq = delivery.seq) RETURNING seq
  ), bodies AS (DELETE FROM ${SCHEMA}.body WHERE seq IN (SELECT seq FROM forgotten)
  ), words AS (UPDATE ${SCHEMA}.history SET detail = NULL WHERE seq IN (SELECT seq FROM forgotten)
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at) SELECT seq, 'forgotten', ${NOW_MS} FROM forgotten)
  SELECT seq FROM forgotten`

/** Replays deliveries, by ids as stored, within a transaction. Returns their ordering keys. */
export async function replayWithRuns(client: pg.ClientBase, boss: PgBoss, ids: readonly string[]): Promise<string[]> {
  const runs = await client.query(HAS_RUNS)
  const { rows } = await client.query<{ ordering_key: string }>(replaySql(runs.rowCount === 1), [ids])
  const changed = new Map(rows.map(row => [row.ordering_key, 0]))
  await wake(boss, client, changed)
  return [...changed.keys()]
}

/** Deliveries forgotten in one commit: a large one would block the server's. */
const FORGOTTEN_PER_COMMIT = 200

/** What an operator does to deliveries. */
export function createOperatorActions(
  pool: pg.Pool,
  boss: PgBoss,
): Pick<Store, 'replay' | 'discard' | 'note' | 'forget'> {
  const scheduled = scheduledByHand(pool)
  return {
    async replay(ids) {
      const hurried = await scheduled.replay(ids.map(clean))
      const changed = await transaction(pool, client => replayWithRuns(client, boss, ids.map(clean)))
      return [...new Set([...hurried, ...changed])]
    },
    async discard(id, reason) {
      const discarded = await write(pool, DISCARD, [clean(id), clean(reason)])
      if (discarded.rowCount === 1 || (await scheduled.discard(clean(id), clean(reason)))) return true
      return (await dropQuarantined(pool, [clean(id)])) === 1
    },
    async note(id, detail) {
      await write(pool, NOTE, [clean(id), clean(detail)])
    },
    async forget(ids) {
      let forgotten = 0
      for (let from = 0; from < ids.length; from += FORGOTTEN_PER_COMMIT) {
        const some = ids.slice(from, from + FORGOTTEN_PER_COMMIT).map(clean)
        // First what is scheduled or quarantined: it may become a delivery meanwhile.
        forgotten += (await scheduled.forget(some)) + (await dropQuarantined(pool, some))
        forgotten += (await write(pool, FORGET, [some])).rowCount as number
      }
      return forgotten
    },
  }
}
