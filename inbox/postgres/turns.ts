import type { PgBoss } from 'pg-boss'
import type { Outcome, Peeked, TakenDelivery } from '../contracts.ts'
import { parsePayload, type RowWithPayload } from '../rows.ts'
import { type Claim, endClaims, wake } from './queue.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './strings.ts'
import { BOSS_NOW, msUntil, NOW_MS, waitMs } from './time.ts'
import type { Connection } from './transaction.ts'

export interface Take {
  orderingKey: string
  until: Date | null
}

/**
 * The head of each mailbox if it is due, else a parked one that is due; nothing if the claim has expired. Columns are
 * named: a prepared `*` fails when a newer version, starting next to this one, adds a column.
 */
const TAKE = `
  WITH next AS (
    SELECT clock.now, head.* FROM unnest($1::text[], $2::timestamptz[]) AS asked (ordering_key, until)
    CROSS JOIN (SELECT ${NOW_MS} AS now) AS clock
    CROSS JOIN LATERAL (
      SELECT seq, attempts, started_at FROM (
        (SELECT seq, attempts, started_at, coalesce(next_attempt_at, 0) AS due_at, 1 AS turn FROM ${SCHEMA}.delivery
          WHERE ordering_key = asked.ordering_key AND state = 'pending' ORDER BY seq LIMIT 1)
        UNION ALL
        (SELECT seq, attempts, started_at, next_attempt_at, 2 FROM ${SCHEMA}.delivery
          WHERE ordering_key = asked.ordering_key AND state = 'parked' AND next_attempt_at IS NOT NULL
          ORDER BY next_attempt_at LIMIT 1)
      ) AS first
      WHERE ${waitMs('due_at', 'clock.now')} = 0 ORDER BY turn LIMIT 1
    ) AS head
    WHERE asked.until IS NULL OR asked.until > ${BOSS_NOW}
  ), crashes AS (
    INSERT INTO ${SCHEMA}.history (seq, what, at, attempt, started_at)
    SELECT seq, 'crashed', now, attempts, started_at FROM next WHERE started_at IS NOT NULL
  )
  UPDATE ${SCHEMA}.delivery SET attempts = delivery.attempts + 1, started_at = next.now FROM next
  WHERE delivery.seq = next.seq AND delivery.state IN ('pending', 'parked')
  RETURNING id, source, event, key, ordering_key, received_at, delivery.attempts, state,
    next.started_at IS NOT NULL AS crashed, (SELECT payload FROM ${SCHEMA}.body WHERE body.seq = delivery.seq) AS payload`

export async function takeAll(client: Connection, asked: Take[]): Promise<(TakenDelivery | null)[]> {
  const column = (name: keyof Take) => asked.map(take => take[name])
  const { rows } = await client.query<RowWithPayload & { crashed: boolean }>(TAKE, [
    column('orderingKey'),
    column('until'),
  ])
  const taken = new Map(rows.map(row => [row.ordering_key, row]))
  return asked.map(({ orderingKey }) => {
    const row = taken.get(orderingKey)
    if (row === undefined) return null
    return {
      id: row.id,
      source: row.source,
      event: row.event,
      key: row.key,
      orderingKey,
      payload: parsePayload(row.payload as Buffer),
      receivedAt: Number(row.received_at),
      attempts: row.attempts,
      state: row.state as 'pending' | 'parked',
      crashed: row.crashed,
    }
  })
}

const PEEK = `
  SELECT asked.ordering_key, head.* FROM unnest($1::text[]) AS asked (ordering_key)
  CROSS JOIN LATERAL (
    (SELECT id, source, event FROM ${SCHEMA}.delivery
      WHERE ordering_key = asked.ordering_key AND state = 'pending' ORDER BY seq LIMIT 1)
    UNION ALL
    (SELECT id, source, event FROM ${SCHEMA}.delivery
      WHERE ordering_key = asked.ordering_key AND state = 'parked' AND next_attempt_at IS NOT NULL
      ORDER BY next_attempt_at LIMIT 1)
  ) AS head`

export async function peekAll(client: Connection, keys: string[]): Promise<Peeked[][]> {
  const { rows } = await client.query<Peeked & { ordering_key: string }>(PEEK, [[...new Set(keys)]])
  const found = Map.groupBy(rows, row => row.ordering_key)
  return keys.map(key => (found.get(key) ?? []).map(({ id, source, event }) => ({ id, source, event })))
}

export interface Settle {
  delivery: TakenDelivery
  outcome: Outcome
  /** When it ended by this process's clock, Unix ms, and how long ago that is, ms. */
  now: number
  ago: number
}

/** Only if nobody has made another attempt: another process may have taken over the delivery. */
const SETTLE = `
  WITH ended AS (
    SELECT ended.*, now - ago AS at, now + wait AS next_attempt_at
    FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
      AS ended (id, attempts, state, wait, error, ago)
    CROSS JOIN (SELECT ${NOW_MS} AS now) AS clock
  ), before AS (
    SELECT seq, id, attempts, started_at FROM ${SCHEMA}.delivery JOIN ended USING (id, attempts)
    WHERE ended.state <> 'done'
  ), settled AS (
    UPDATE ${SCHEMA}.delivery SET state = ended.state, started_at = NULL, next_attempt_at = ended.next_attempt_at,
      settled_at = ended.at, error = ended.error
    FROM ended
    WHERE delivery.id = ended.id AND delivery.attempts = ended.attempts AND delivery.started_at IS NOT NULL
    RETURNING delivery.id, delivery.attempts
  ), noted AS (
    INSERT INTO ${SCHEMA}.history (seq, what, at, attempt, started_at, detail)
    SELECT before.seq, CASE ended.state WHEN 'pending' THEN 'failed' ELSE ended.state END, ended.at, attempts,
      before.started_at, ended.error
    FROM settled JOIN before USING (id, attempts) JOIN ended USING (id, attempts)
  )
  SELECT id, attempts FROM settled`

export async function settleAll(boss: PgBoss, client: Connection, settles: Settle[]): Promise<boolean[]> {
  const wait = ({ outcome, now }: Settle) => ('nextAttemptAt' in outcome ? msUntil(outcome.nextAttemptAt, now) : null)
  const { rows } = await client.query<{ id: string; attempts: number }>(SETTLE, [
    settles.map(({ delivery }) => clean(delivery.id)),
    settles.map(({ delivery }) => delivery.attempts),
    settles.map(({ outcome }) => outcome.state),
    settles.map(wait),
    settles.map(({ outcome }) => ('error' in outcome ? clean(outcome.error) : null)),
    settles.map(({ ago }) => Math.round(ago)),
  ])
  const changed = new Set(rows.map(({ id, attempts }) => `${id} ${attempts}`))
  const results = settles.map(({ delivery }) => changed.has(`${clean(delivery.id)} ${delivery.attempts}`))
  const due = new Map<string, number>()
  for (const [index, settle] of settles.entries()) {
    const ms = wait(settle)
    if (!results[index] || ms === null) continue
    const key = indexable(settle.delivery.orderingKey)
    due.set(key, Math.min(due.get(key) ?? Number.POSITIVE_INFINITY, ms))
  }
  await wake(boss, client, due)
  return results
}

/** In how many ms each mailbox is due again; empty ones are left out. */
const DUE_AGAIN = `
  SELECT mailbox.key, ${waitMs('first.due_at')} AS wait FROM unnest($1::text[]) AS mailbox (key)
  CROSS JOIN LATERAL (
    SELECT min(due_at) AS due_at FROM (
      (SELECT coalesce(next_attempt_at, 0) AS due_at FROM ${SCHEMA}.delivery
        WHERE ordering_key = mailbox.key AND state = 'pending' ORDER BY seq LIMIT 1)
      UNION ALL
      (SELECT next_attempt_at FROM ${SCHEMA}.delivery
        WHERE ordering_key = mailbox.key AND state = 'parked' AND next_attempt_at IS NOT NULL
        ORDER BY next_attempt_at LIMIT 1)
    ) AS each
  ) AS first
  WHERE first.due_at IS NOT NULL`

export interface Release {
  claim: Claim
  /** How long the mailbox is to be left alone at least, ms. */
  waitMs: number
}

/** Ends drains. What is left, or waits for later, is queued in the same transaction, so that it is never forgotten. */
export async function releaseClaims(
  boss: PgBoss,
  client: Connection,
  unprepared: Connection,
  releases: Release[],
): Promise<boolean[]> {
  const waits = new Map(releases.map(({ claim, waitMs }) => [claim.orderingKey, waitMs]))
  const { rows } = await client.query<{ key: string; wait: string }>(DUE_AGAIN, [[...waits.keys()]])
  const due = new Map(rows.map(({ key, wait }) => [key, Math.max(Number(wait), waits.get(key) as number)]))
  await wake(boss, client, due)
  const claims = releases.map(({ claim }) => claim)
  await endClaims(boss, unprepared, claims)
  return claims.map(({ orderingKey }) => due.get(orderingKey) === 0)
}
