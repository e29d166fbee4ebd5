import type pg from 'pg'
import type { RowWithPayload } from '../rows.ts'
import type { HistoryInFile, StepRow } from '../sqlite/reader.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './text.ts'

/*
 * What comes from a SQLite store, any number of times: what is known here stays as it is. But what was handled there is
 * not handled here again.
 */

/**
 * What has come and may be gone since (handled and pruned, a lesson cancelled): it does not come again. Deliveries by
 * their id, unless they were finished there; what is in the calendar by its order.
 */
export const MOVED = `${SCHEMA}.moved`
/** Taken while the table is made, so that of several processes one does it. "tbmv" in ASCII. */
const LOCK = 0x74626d76
const CREATE = `
  SELECT pg_advisory_xact_lock(${LOCK});
  CREATE TABLE IF NOT EXISTS ${MOVED} (what text PRIMARY KEY);`

const FINISHED = `('done', 'discarded')`

/*
 * Numbers in the order of acceptance, and none for what is known, or the next run would leave as large a gap. Rows in the
 * order of their ids: two transactions with the same ids wait for each other, and do not lock up.
 */
const IMPORT = `
  WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[],
      $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bytea[])
      WITH ORDINALITY AS rows (id, source, event, key, ordering_key, state, attempts, started_at, next_attempt_at,
        received_at, settled_at, error, payload, ordinal)
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
      (seq, id, source, event, key, ordering_key, state, attempts, started_at, next_attempt_at, received_at, settled_at, error)
    SELECT seq, id, source, event, key, ordering_key, state, attempts, started_at, next_attempt_at, received_at, settled_at, error
    FROM numbered ORDER BY id
    ON CONFLICT (id) DO NOTHING RETURNING seq, id
  ), bodies AS (
    INSERT INTO ${SCHEMA}.body SELECT seq, payload FROM numbered JOIN fresh USING (seq) WHERE payload IS NOT NULL
  ), finished AS (
    UPDATE ${SCHEMA}.delivery SET state = given.state, attempts = given.attempts, started_at = NULL,
      next_attempt_at = NULL, settled_at = given.settled_at, error = given.error
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

/** What was decided here since (`doctor --new-installation-id`) stays. */
const IMPORT_INSTALLATION_ID = `
  WITH first AS (INSERT INTO ${MOVED} VALUES ('installation') ON CONFLICT DO NOTHING RETURNING what)
  UPDATE ${SCHEMA}.installation SET id = $1 WHERE EXISTS (SELECT FROM first)`

/** Makes what the imports need, within a transaction. */
export async function prepareImport(client: pg.ClientBase): Promise<void> {
  await client.query(CREATE)
}

/** Keeps deliveries in their order with their history, within a transaction. Those that are new; nothing is woken. */
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

/** Keeps steps that are done. How many were not known to be. */
export async function importSteps(client: pg.ClientBase, steps: readonly StepRow[]): Promise<number> {
  const imported = await client.query(IMPORT_STEPS, [
    steps.map(({ key }) => indexable(key)),
    steps.map(({ done_at }) => done_at),
    steps.map(({ result }) => clean(result)),
  ])
  return imported.rowCount as number
}

/** Takes the installation id over, the first time. */
export async function importInstallationId(client: pg.ClientBase, id: string): Promise<void> {
  await client.query(IMPORT_INSTALLATION_ID, [id])
}
