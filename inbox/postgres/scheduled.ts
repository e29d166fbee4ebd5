import type pg from 'pg'
import type { PgBoss } from 'pg-boss'
import type { Clock, Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { redactedJson } from '../rows.ts'
import type { ScheduledInFile } from '../sqlite/reader.ts'
import { BEGIN_BY_INDEX } from './connection.ts'
import { MOVED } from './import.ts'
import { wake } from './queue.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './strings.ts'
import { NOW_MS } from './time.ts'
import { transaction, write } from './transaction.ts'

/*
 * What waits for a later time, in a table of its own: nothing that reads deliveries passes it, and older programs, which
 * don't know it, never take it. Its time is of the database's clock: see time.ts.
 */

/** How often to look whether another process has scheduled something, ms. */
const POLL_MS = 500
/** Advisory lock of who promotes: two at once would bend the order. "tbsc" in ASCII. */
const LOCK = 0x74627363

const SCHEDULE = `
  INSERT INTO ${SCHEMA}.scheduled AS before (id, source, event, key, ordering_key, received_at, due_at, payload)
  SELECT $1::text, $2, $3, $4, $5, $6, ${NOW_MS} + $7::bigint, $8 WHERE NOT EXISTS (SELECT FROM ${SCHEMA}.delivery WHERE id = $1::text)
  ON CONFLICT (id) DO UPDATE SET event = excluded.event, ordering_key = excluded.ordering_key,
    received_at = excluded.received_at, due_at = excluded.due_at, payload = excluded.payload WHERE before.reason IS NULL
  RETURNING xmax = 0 AS is_new`
const UNSCHEDULE = `DELETE FROM ${SCHEMA}.scheduled WHERE id = $1 AND reason IS NULL`
const NEXT = `SELECT min(due_at) - ${NOW_MS} AS ms FROM ${SCHEMA}.scheduled`

/** Numbers are assigned in order of the times; rows are inserted in order of id, like those of insert.ts. */
const PROMOTE = `
  WITH due AS MATERIALIZED (
    SELECT * FROM ${SCHEMA}.scheduled WHERE due_at <= ${NOW_MS} ORDER BY due_at, seq LIMIT $1 FOR UPDATE SKIP LOCKED
  ), gone AS (
    DELETE FROM ${SCHEMA}.scheduled WHERE seq IN (SELECT seq FROM due)
  ), numbered AS MATERIALIZED (
    SELECT nextval('${SCHEMA}.delivery_seq_seq') AS number, ordered.* FROM (
      SELECT * FROM due WHERE NOT EXISTS (SELECT FROM ${SCHEMA}.delivery WHERE delivery.id = due.id) ORDER BY due_at, seq
    ) AS ordered
  ), fresh AS (
    INSERT INTO ${SCHEMA}.delivery (seq, id, source, event, key, ordering_key, state, attempts, received_at, settled_at, error)
    SELECT number, id, source, event, key, ordering_key, CASE WHEN reason IS NULL THEN 'pending' ELSE 'discarded' END, 0,
      ${NOW_MS}, CASE WHEN reason IS NOT NULL THEN ${NOW_MS} END, reason
    FROM numbered ORDER BY id
    ON CONFLICT (id) DO NOTHING RETURNING seq, ordering_key, error AS reason
  ), bodies AS (
    INSERT INTO ${SCHEMA}.body SELECT number, payload FROM numbered WHERE number IN (SELECT seq FROM fresh)
  ), noted AS (
    INSERT INTO ${SCHEMA}.history (seq, what, at, detail)
    SELECT seq, 'discarded', ${NOW_MS}, reason FROM fresh WHERE reason IS NOT NULL
  )
  SELECT DISTINCT ordering_key FROM fresh WHERE reason IS NULL`

/** What is made for later. */
export function createScheduled(
  pool: pg.Pool,
  boss: PgBoss,
  clock: Pick<Clock, 'now'>,
): Pick<Store, 'schedule' | 'unschedule' | 'promote'> {
  return {
    async schedule(delivery, at) {
      const { id, source, event, key, orderingKey, receivedAt } = delivery
      const body = delivery.body ?? redactedJson(delivery.payload)
      const names = [clean(id), clean(source), clean(event), clean(key), indexable(orderingKey)]
      const values = [...names, receivedAt, Math.round(at - clock.now()), body]
      const written = await ifThere(write(pool, SCHEDULE, values), null)
      if (written === null)
        throw new StoreOpenError("nothing can be scheduled yet: start this version's server with it once")
      const { rows } = written
      if (rows.length === 0) return 'duplicate'
      return rows[0].is_new ? 'scheduled' : 'moved'
    },
    async unschedule(id) {
      return (await write(pool, UNSCHEDULE, [clean(id)])).rowCount === 1
    },
    async promote(_now, limit) {
      const { rows } = await pool.query<{ ms: string | null }>(NEXT)
      const ms = Math.min(Number(rows[0]?.ms ?? POLL_MS), POLL_MS)
      if (ms > 0) return { orderingKeys: [], nextMs: ms }
      const promoted = await transaction(pool, client => promoteDue(boss, client, limit), BEGIN_BY_INDEX)
      return promoted === null ? { orderingKeys: [], nextMs: POLL_MS } : { orderingKeys: promoted, nextMs: 0 }
    },
  }
}

/** null: another process is doing it. */
async function promoteDue(boss: PgBoss, client: pg.ClientBase, limit: number): Promise<string[] | null> {
  const lock = await client.query<{ ours: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS ours', [LOCK])
  if (!lock.rows[0]?.ours) return null
  const { rows } = await client.query<{ ordering_key: string }>(PROMOTE, [limit])
  const orderingKeys = rows.map(row => row.ordering_key)
  await wake(boss, client, new Map(orderingKeys.map(key => [key, 0])))
  return orderingKeys
}

/** Scheduled deliveries with the columns of `delivery`. */
export function scheduledRows(more = ''): string {
  return `(
    SELECT seq, id, source, event, key, ordering_key, CASE WHEN reason IS NULL THEN 'scheduled' ELSE 'discarded' END AS state,
      0 AS attempts, NULL::bigint AS started_at, due_at AS next_attempt_at, received_at, NULL::bigint AS settled_at,
      reason AS error, NULL::text AS cause${more}
    FROM ${SCHEMA}.scheduled) AS delivery`
}

const UNDEFINED_TABLE = '42P01'

/** A command may find the schema of an older server: then nothing is scheduled. */
export async function ifThere<T>(asked: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if ((error as { code?: string }).code !== UNDEFINED_TABLE) throw error
    return otherwise
  }
}

const REPLAY = `
  UPDATE ${SCHEMA}.scheduled SET due_at = 0 WHERE id = ANY($1::text[]) AND reason IS NULL RETURNING ordering_key`
const DISCARD = `UPDATE ${SCHEMA}.scheduled SET due_at = 0, reason = $2 WHERE id = $1 AND reason IS NULL`
const FORGET = `DELETE FROM ${SCHEMA}.scheduled WHERE id = ANY($1::text[])`

/** What an operator does to scheduled deliveries: see operator-actions.ts. Strings are as stored. */
export function scheduledByHand(pool: pg.Pool) {
  const changed = async (text: string, values: unknown[]) =>
    ifThere(
      write(pool, text, values).then(({ rowCount, rows }) => ({ count: Number(rowCount), rows })),
      { count: 0, rows: [] },
    )
  return {
    async replay(ids: string[]): Promise<string[]> {
      const { rows } = await changed(REPLAY, [ids])
      return rows.map(row => row.ordering_key as string)
    },
    async discard(id: string, reason: string): Promise<boolean> {
      return (await changed(DISCARD, [id, reason])).count === 1
    },
    async forget(ids: string[]): Promise<number> {
      return (await changed(FORGET, [ids])).count
    },
  }
}

/** Like the import of deliveries, it can be repeated: what was imported once is not imported again. */
const IMPORT = `
  WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
      $9::bytea[]) WITH ORDINALITY AS rows (id, source, event, key, ordering_key, received_at, due_at, reason, payload, ordinal)
  ), moved AS (
    INSERT INTO ${MOVED} SELECT id FROM given ORDER BY id ON CONFLICT DO NOTHING RETURNING what
  )
  INSERT INTO ${SCHEMA}.scheduled (id, source, event, key, ordering_key, received_at, due_at, reason, payload)
  SELECT id, source, event, key, ordering_key, received_at, due_at, reason, payload FROM given
  WHERE id IN (SELECT what FROM moved) AND NOT EXISTS (SELECT FROM ${SCHEMA}.delivery WHERE delivery.id = given.id)
  ORDER BY ordinal
  ON CONFLICT (id) DO NOTHING`

/** Imports scheduled deliveries of a SQLite store, within a transaction. Returns how many were new. */
export async function importScheduled(client: pg.ClientBase, rows: readonly ScheduledInFile[]): Promise<number> {
  const imported = await client.query(IMPORT, [
    rows.map(({ id }) => clean(id)),
    rows.map(({ source }) => clean(source)),
    rows.map(({ event }) => clean(event)),
    rows.map(({ key }) => clean(key)),
    rows.map(({ ordering_key }) => indexable(ordering_key)),
    rows.map(({ received_at }) => received_at),
    rows.map(({ due_at }) => due_at),
    rows.map(({ reason }) => reason && clean(reason)),
    rows.map(({ payload }) => Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)),
  ])
  return Number(imported.rowCount)
}
