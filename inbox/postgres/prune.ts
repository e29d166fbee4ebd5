import type pg from 'pg'
import type { Store } from '../contracts.ts'
import { numberOrNull } from '../rows.ts'
import { SCHEMA } from './schema.ts'
import { NOW_MS } from './time.ts'

/** Deliveries scanned for each that may be deleted: most are not old enough. */
const SCANNED_PER_DELETED = 50

/** Ages in ms, by the database's clock: a process with a fast clock would delete too early. */
const FINISHED_BEFORE = (age: string) => `state IN ('done', 'discarded') AND settled_at < ${NOW_MS} - ${age}::bigint`
/** Where a step ends: at the last delivery that it may delete something of, or at its scan limit. */
const STEP_END = `
  WITH slice AS MATERIALIZED (
    SELECT seq, ${FINISHED_BEFORE('$3')} AND (${FINISHED_BEFORE('$4')}
      OR EXISTS (SELECT FROM ${SCHEMA}.body WHERE body.seq = delivery.seq)) AS is_old
    FROM ${SCHEMA}.delivery WHERE seq > $1 ORDER BY seq LIMIT $2::int * ${SCANNED_PER_DELETED}
  )
  SELECT coalesce((SELECT seq FROM slice WHERE is_old ORDER BY seq OFFSET $2::int - 1 LIMIT 1), (SELECT max(seq) FROM slice))
    AS last`
const FINISHED = `SELECT seq FROM ${SCHEMA}.delivery WHERE seq > $1 AND seq <= $2 AND ${FINISHED_BEFORE('$3')}`
const PRUNE_PAYLOADS = `DELETE FROM ${SCHEMA}.body WHERE seq IN (${FINISHED})`
const PRUNE_HISTORY = `DELETE FROM ${SCHEMA}.history WHERE seq IN (${FINISHED})`
const PRUNE_KEYS = `DELETE FROM ${SCHEMA}.delivery WHERE seq IN (${FINISHED})`
const PRUNE_STEPS = `
  DELETE FROM ${SCHEMA}.step WHERE key IN (
    SELECT key FROM ${SCHEMA}.step WHERE done_at < ${NOW_MS} - $1::bigint LIMIT $2)`
const PRUNE_FAILED_STEPS = `
  DELETE FROM ${SCHEMA}.step WHERE key IN (
    SELECT key FROM ${SCHEMA}.step
    WHERE done_at IS NULL AND owner IS NULL AND until < now() - $1::bigint * interval '1 ms' LIMIT $2)`

/**
 * One step of pruning, within a transaction; see Store.prune.
 * @param ages from which payloads and keys are deleted, ms
 */
export async function pruneStep(
  client: pg.ClientBase,
  ages: { payloads: number; keys: number },
  after: number,
  limit: number,
): ReturnType<Store['prune']> {
  await client.query(PRUNE_STEPS, [ages.keys, limit])
  await client.query(PRUNE_FAILED_STEPS, [ages.keys, limit])
  const { rows } = await client.query<{ last: string | null }>(STEP_END, [after, limit, ages.payloads, ages.keys])
  const last = numberOrNull(rows[0]?.last ?? null)
  if (last === null) return null
  await client.query(PRUNE_PAYLOADS, [after, last, ages.payloads])
  await client.query(PRUNE_HISTORY, [after, last, ages.keys])
  await client.query(PRUNE_KEYS, [after, last, ages.keys])
  return last
}
