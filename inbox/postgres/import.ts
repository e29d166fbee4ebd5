import type pg from 'pg'
import type { RowWithPayload } from '../rows.ts'
import type { HistoryInFile, StepRow } from '../sqlite/reader.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './strings.ts'
import { HIDDEN_MS, NOW_MS } from './time.ts'

/*
 * Imports from a SQLite store, which can be repeated: existing deliveries stay as they are, except that those finished
 * there are not handled here again.
 */

/**
 * What was imported and may be gone since (handled and pruned, a cancelled lesson) and must not be imported again: ids
 * of deliveries that were not finished there, orders of what is in the calendar.
 */
export const MOVED = `${SCHEMA}.moved`
/** Advisory lock held while the table is created, so that one process does it. "tbmv" in ASCII. */
const LOCK = 0x74626d76
const CREATE = `
  SELECT pg_advisory_xact_lock(${LOCK});
  CREATE TABLE IF NOT EXISTS ${MOVED} (what text PRIMARY KEY);`

const FINISHED = `('done', 'discarded')`

/*
 * Numbers are assigned in order of acceptance, and only to new deliveries, or repeated imports would leave gaps. Rows
 * are inserted in order of id, so that concurrent transactions don't deadlock.
 */
const IMPORT = `
  WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[],
      $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bytea[],
      $14::text[], $15::bigint[], $16::bigint[], $17::text[], $18::text[])
      WITH ORDINALITY AS rows (id, source, event, key, ordering_key, state, attempts, started_at, next_attempt_at,
        received_at, settled_at, error, payload, run, due_at, quiet_max, cause, trace, ordinal)
  ), moved AS (
    INSERT INTO ${MOVED} SELECT id FROM given WHERE state NOT IN ${FINISHED} ORDER BY id
    ON CONFLICT DO NOTHING RETURNING what
  ), numbered AS MATERIALIZED (
    SELECT nextval('${SCHEMA}.delivery_seq_seq') AS seq, accepted.* FROM (
      SELECT * FROM given WHERE (state IN ${FINISHED} OR id IN (SELECT what FROM moved))
        AND NOT EXISTS (SELECT 1 FROM ${SCHEMA}.delivery WHERE delivery.id = given.id)
      ORDER BY ordinal
    ) AS accepted
  ), fresh AS (
    INSERT INTO ${SCHEMA}.delivery
      (seq, id, source, event, key, ordering_key, state, attempts, started_at, next_attempt_at, received_at, settled_at, error,
        run, due_at, quiet_max, cause, trace)
    SELECT seq, id, source, event, key, ordering_key, state, attempts, started_at,
      CASE WHEN run IS NULL THEN next_attempt_at WHEN state = 'pending' THEN ${NOW_MS} + ${HIDDEN_MS} END,
      received_at, settled_at, error, run,
      CASE WHEN run > '' AND state = 'pending' THEN coalesce(next_attempt_at, 0) WHEN run > '' THEN next_attempt_at
        ELSE due_at END, quiet_max, cause, trace
    FROM numbered ORDER BY id
    ON CONFLICT (id) DO NOTHING RETURNING seq, id
  ), bodies AS (
    INSERT INTO ${SCHEMA}.body SELECT seq, payload FROM numbered JOIN fresh USING (seq) WHERE payload IS NOT NULL
  ), finished AS (
    UPDATE ${SCHEMA}.delivery SET state = given.state, attempts = given.attempts, started_at = NULL,
      next_attempt_at = NULL, settled_at = given.settled_at, error = given.error, cause = given.cause
    FROM given WHERE delivery.id = given.id AND given.state IN ${FINISHED} AND delivery.state NOT IN ${FINISHED}
  )
  SELECT id FROM fresh`

const IMPORT_HISTORY = `
  INSERT INTO ${SCHEMA}.history (seq, what, at, attempt, started_at, detail)
  SELECT delivery.seq, given.what, given.at, given.attempt, given.started_at, given.detail
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[], $5::bigint[], $6::text[])
    WITH ORDINALITY AS given (id, what, at, attempt, started_at, detail, ordinal)
  JOIN ${SCHEMA}.delivery USING (id) ORDER BY ordinal`

const IMPORT_STEPS = `
  INSERT INTO ${SCHEMA}.step (key, done_at, result)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]) AS given (key, done_at, result) ORDER BY key
  ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at, result = excluded.result WHERE step.done_at IS NULL`

/** Only the first time: an id set here since (`doctor --new-installation-id`) stays. */
const IMPORT_INSTALLATION_ID = `
  WITH first AS (INSERT INTO ${MOVED} VALUES ('installation') ON CONFLICT DO NOTHING RETURNING what)
  UPDATE ${SCHEMA}.installation SET id = $1 WHERE EXISTS (SELECT FROM first)`

/** Creates the import's table, within a transaction. */
export async function prepareImport(client: pg.ClientBase): Promise<void> {
  await client.query(CREATE)
}

/** Imports deliveries in order with their history, within a transaction. Returns the new ones; wakes nothing. */
export async function importDeliveries(
  client: pg.ClientBase,
  rows: readonly RowWithPayload[],
  history: readonly HistoryInFile[],
): Promise<RowWithPayload[]> {
  const column = (value: (row: RowWithPayload) => unknown) => rows.map(value)
  const fresh = await client.query<{ id: string }>(IMPORT, [
    column(({ id }) => clean(id)),
    column(({ source }) => clean(source)),
    column(({ event }) => clean(event)),
    column(({ key }) => clean(key)),
    column(({ ordering_key }) => indexable(ordering_key)),
    column(({ state }) => state),
    column(({ attempts }) => attempts),
    column(({ started_at }) => started_at),
    column(({ next_attempt_at }) => next_attempt_at),
    column(({ received_at }) => received_at),
    column(({ settled_at }) => settled_at),
    column(({ error }) => error && clean(error)),
    column(({ payload }) => payload && Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)),
    column(({ run }) => run && clean(run)),
    column(({ due_at }) => due_at),
    column(({ run, next_attempt_at }) => (run === '' ? next_attempt_at : null)),
    column(({ cause }) => cause && clean(cause)),
    column(({ trace }) => trace),
  ])
  const ids = new Set(fresh.rows.map(({ id }) => id))
  const entries = history.filter(({ id }) => ids.has(clean(id)))
  if (entries.length > 0) {
    await client.query(IMPORT_HISTORY, [
      entries.map(({ id }) => clean(id)),
      entries.map(({ what }) => what),
      entries.map(({ at }) => at),
      entries.map(({ attempt }) => attempt),
      entries.map(({ started_at }) => started_at),
      entries.map(({ detail }) => detail && clean(detail)),
    ])
  }
  return rows.filter(({ id }) => ids.has(clean(id)))
}

/** Imports finished steps. Returns how many were new. */
export async function importSteps(client: pg.ClientBase, steps: readonly StepRow[]): Promise<number> {
  const imported = await client.query(IMPORT_STEPS, [
    steps.map(({ key }) => indexable(key)),
    steps.map(({ done_at }) => done_at),
    steps.map(({ result }) => clean(result)),
  ])
  return imported.rowCount as number
}

/** Takes over the installation id, the first time. */
export async function importInstallationId(client: pg.ClientBase, id: string): Promise<void> {
  await client.query(IMPORT_INSTALLATION_ID, [id])
}
