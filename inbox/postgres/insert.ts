import type { PgBoss } from 'pg-boss'
import { UNREADABLE_CAUSE } from '../cause.ts'
import type { InsertResult, NewDelivery } from '../contracts.ts'
import { CLAIM_IDLE, type Claim, endClaims, untilAfter, wake } from './queue.ts'
import { SCHEMA } from './schema.ts'
import { clean } from './strings.ts'
import { HIDDEN_MS, NOW_MS } from './time.ts'
import type { Connection } from './transaction.ts'

export interface Insert {
  delivery: NewDelivery
  /** Its ordering key as stored. */
  orderingKey: string
  body: Buffer
  /** Claim its mailbox too. */
  claim: boolean
}

/*
 * Numbers are assigned in order of acceptance; rows are inserted in order of key and id, so that concurrent
 * transactions don't deadlock. IS TRUE: otherwise IN becomes a join, with hash joins off.
 */
const INSERT = `
  WITH given AS MATERIALIZED (
    SELECT nextval('${SCHEMA}.delivery_seq_seq') AS seq, accepted.* FROM (
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::int[],
        $9::int[], $11::boolean[], $12::int[], $13::int[], $14::text[])
        WITH ORDINALITY AS rows (id, source, event, key, ordering_key, unreadable, received_at, start, length, claims,
          quiet, longest, trace, ordinal)
      ORDER BY ordinal
    ) AS accepted
  ), claimed AS (${CLAIM_IDLE}
  ), fresh AS (
    INSERT INTO ${SCHEMA}.delivery
      (seq, id, source, event, key, ordering_key, state, attempts, started_at, received_at, settled_at, error,
        run, due_at, quiet_max, next_attempt_at, cause, trace)
    SELECT seq, id, source, event, key, ordering_key, CASE WHEN unreadable IS NULL THEN 'pending' ELSE 'dead' END,
      CASE WHEN begins THEN 1 ELSE 0 END, CASE WHEN begins THEN received_at END,
      received_at, CASE WHEN unreadable IS NOT NULL THEN received_at END, unreadable,
      CASE WHEN quiet IS NOT NULL THEN '' END, ${NOW_MS} + quiet, CASE longest WHEN 0 THEN 0 ELSE ${NOW_MS} + longest END,
      CASE WHEN quiet IS NOT NULL THEN ${NOW_MS} + ${HIDDEN_MS} END,
      CASE WHEN unreadable IS NOT NULL THEN '${UNREADABLE_CAUSE}' END, trace
    FROM (
      SELECT *, claims AND (ordering_key IN (SELECT singleton_key FROM claimed)) IS TRUE AS begins FROM given ORDER BY id
    ) AS accepted
    ON CONFLICT (id) DO NOTHING RETURNING seq, id
  ), bodies AS (
    INSERT INTO ${SCHEMA}.body SELECT seq, substring($10::bytea FROM start FOR length) FROM given
    WHERE (seq IN (SELECT seq FROM fresh)) IS TRUE
  )
  SELECT id, NULL AS job, NULL AS key, NULL AS "startedOn" FROM fresh
  UNION ALL SELECT NULL, id, singleton_key, started_on FROM claimed`

/** A new delivery, or a claimed mailbox with its job. */
type InsertedRow =
  | { id: string; job: null; key: null; startedOn: null }
  | { id: null; job: string; key: string; startedOn: Date }

export async function insertAll(
  boss: PgBoss,
  client: Connection,
  unprepared: Connection,
  inserts: Insert[],
): Promise<{ results: InsertResult[]; claims: Claim[] }> {
  // The first of each id: later ones in the batch are duplicates.
  const first = new Map<string, Insert>()
  // The first of each mailbox: later ones wait for it.
  const heads = new Map<string, Insert>()
  for (const insert of inserts) {
    if (first.has(insert.delivery.id)) continue
    first.set(insert.delivery.id, insert)
    if (!heads.has(insert.orderingKey)) heads.set(insert.orderingKey, insert)
  }
  const given = [...first.values()]
  const claiming = given.map(
    insert =>
      insert.claim &&
      insert.delivery.unreadable === undefined &&
      insert.delivery.quiet === undefined &&
      heads.get(insert.orderingKey) === insert,
  )
  const bodies = given.map(({ body }) => body)
  const column = (value: (delivery: NewDelivery) => unknown) => given.map(({ delivery }) => value(delivery))
  const { rows } = await client.query<InsertedRow>(INSERT, [
    column(({ id }) => clean(id)),
    column(({ source }) => clean(source)),
    column(({ event }) => clean(event)),
    column(({ key }) => clean(key)),
    given.map(({ orderingKey }) => orderingKey),
    column(({ unreadable }) => (unreadable === undefined ? null : clean(unreadable))),
    column(({ receivedAt }) => receivedAt),
    starts(bodies),
    bodies.map(({ length }) => length),
    Buffer.concat(bodies),
    claiming,
    column(({ quiet }) => quiet && (quiet.ends ? 0 : quiet.quietMs)),
    column(({ quiet }) => quiet && (quiet.ends ? 0 : quiet.maxMs)),
    column(({ trace }) => trace && clean(trace)),
  ])
  const fresh = new Set<string | null>()
  const claims = new Map<Insert, Claim>()
  for (const { id, job, key, startedOn } of rows) {
    fresh.add(id)
    if (job === null) continue
    claims.set(heads.get(key) as Insert, { id: job, retryCount: 0, orderingKey: key, until: untilAfter(startedOn) })
  }
  const results = inserts.map((insert): InsertResult => {
    const { id, unreadable } = insert.delivery
    if (first.get(id) !== insert || !fresh.has(clean(id))) return 'duplicate'
    if (unreadable !== undefined) return 'dead'
    return claims.has(insert) ? 'claimed' : 'queued'
  })
  const queued = inserts.filter((_insert, index) => results[index] === 'queued')
  await wake(boss, client, dueOfQueued(queued))
  // Claimed for a delivery that turned out to be a duplicate.
  const idle = [...claims].filter(([{ delivery }]) => !fresh.has(clean(delivery.id)))
  if (idle.length > 0) {
    await endClaims(
      boss,
      unprepared,
      idle.map(([, claim]) => claim),
    )
    for (const [insert] of idle) claims.delete(insert)
  }
  return { results, claims: [...claims.values()] }
}

/** In how many ms each mailbox is due, perhaps too early: an older delivery may wait for quiet already. */
function dueOfQueued(queued: Insert[]): Map<string, number> {
  const due = new Map<string, number>()
  for (const { orderingKey, delivery } of queued) {
    const ms = delivery.quiet === undefined || delivery.quiet.ends ? 0 : delivery.quiet.quietMs
    due.set(orderingKey, Math.min(due.get(orderingKey) ?? ms, ms))
  }
  return due
}

/** Where each body begins in the concatenation, counted from 1. */
function starts(bodies: Buffer[]): number[] {
  let next = 1
  return bodies.map(({ length }) => {
    const start = next
    next += length
    return start
  })
}
