import type { PgBoss } from 'pg-boss'
import { MAX_TOGETHER, type Outcome, type Peeked, type TakenDelivery } from '../contracts.ts'
import { parsePayload, type RowWithPayload, traceOf } from '../rows.ts'
import { type Claim, endClaims, wake } from './queue.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './strings.ts'
import { BOSS_NOW, HIDDEN_MS, msUntil, NOW_MS, waitMs } from './time.ts'
import type { Connection } from './transaction.ts'

export interface Take {
  orderingKey: string
  until: Date | null
}

/** When a waiting delivery at a mailbox's head is due, unless its run was reopened. */
const quietAt = (key: string) => `(
            SELECT least(min(coalesce(quiet_max, 0)), max(due_at)) FROM ${SCHEMA}.delivery
            WHERE ordering_key = ${key} AND state = 'pending')`

/**
 * SQL for what may be due in a mailbox: the oldest pending delivery, the first parked one, and the first of a parked run,
 * which an older instance must not find.
 */
const firstOf = (key: string) => `
        (SELECT seq, attempts, started_at, run, 1 AS turn,
          CASE WHEN run = '' AND attempts = 0 THEN ${quietAt(key)} ELSE coalesce(due_at, next_attempt_at, 0) END AS due_at
          FROM ${SCHEMA}.delivery WHERE ordering_key = ${key} AND state = 'pending' ORDER BY seq LIMIT 1)
        UNION ALL
        (SELECT seq, attempts, started_at, run, 2, next_attempt_at FROM ${SCHEMA}.delivery
          WHERE ordering_key = ${key} AND state = 'parked' AND next_attempt_at IS NOT NULL
          ORDER BY next_attempt_at LIMIT 1)
        UNION ALL
        (SELECT seq, attempts, started_at, run, 2, due_at FROM ${SCHEMA}.delivery
          WHERE ordering_key = ${key} AND state = 'parked' AND next_attempt_at IS NULL AND due_at IS NOT NULL
          ORDER BY due_at, seq LIMIT 1)`

/** SQL that marks a delivery of a run as begun, hidden from older instances. @param from has `run` and `now` */
const begunOf = (from: string) => `
    run = CASE WHEN ${from}.run = '' THEN ${from === 'next' ? 'id' : `${from}.head`} ELSE ${from}.run END,
    due_at = CASE WHEN ${from}.run IS NOT NULL THEN 0 END,
    next_attempt_at = CASE WHEN ${from}.run IS NULL THEN next_attempt_at
      WHEN state = 'pending' THEN ${from}.now + ${HIDDEN_MS} END`

/** @param from has the delivery as it was before */
const takenColumns = (from: string) => `
    delivery.seq, id, source, event, key, ordering_key, received_at, delivery.attempts, state, trace, ${from}.run,
    ${from}.started_at IS NOT NULL AS crashed, (SELECT payload FROM ${SCHEMA}.body WHERE body.seq = delivery.seq) AS payload`

/**
 * The head of each mailbox if it is due, else a parked one that is due; nothing if the claim has expired. Columns are
 * named: a prepared `*` fails when a newer version, starting next to this one, adds a column.
 */
const TAKE = `
  WITH next AS (
    SELECT clock.now, head.* FROM unnest($1::text[], $2::timestamptz[]) AS asked (ordering_key, until)
    CROSS JOIN (SELECT ${NOW_MS} AS now) AS clock
    CROSS JOIN LATERAL (
      SELECT seq, attempts, started_at, run FROM (${firstOf('asked.ordering_key')}
      ) AS first
      WHERE ${waitMs('due_at', 'clock.now')} = 0 ORDER BY turn LIMIT 1
    ) AS head
    WHERE asked.until IS NULL OR asked.until > ${BOSS_NOW}
  ), crashes AS (
    INSERT INTO ${SCHEMA}.history (seq, what, at, attempt, started_at)
    SELECT seq, 'crashed', now, attempts, started_at FROM next WHERE started_at IS NOT NULL
  )
  UPDATE ${SCHEMA}.delivery SET attempts = delivery.attempts + 1, started_at = next.now, ${begunOf('next')} FROM next
  WHERE delivery.seq = next.seq AND delivery.state IN ('pending', 'parked')
  RETURNING ${takenColumns('next')}`

/**
 * The other members of the runs just begun, or begun again: of a new one, the consecutive deliveries after its first one
 * that wait too, of the same source.
 */
const TAKE_MEMBERS = `
  WITH members AS MATERIALIZED (
    SELECT first.started_at AS now, first.id AS head, member.* FROM unnest($1::text[], $2::boolean[]) AS asked (id, is_new)
    CROSS JOIN LATERAL (SELECT * FROM ${SCHEMA}.delivery WHERE delivery.id = asked.id) AS first
    CROSS JOIN LATERAL (
      SELECT seq, started_at, attempts, run FROM (
        SELECT *, bool_and(coalesce(run = '' AND source = first.source, false)) OVER (ORDER BY seq) AS fits
        FROM (
          SELECT seq, started_at, attempts, run, source FROM ${SCHEMA}.delivery
          WHERE asked.is_new AND ordering_key = first.ordering_key AND state = 'pending' AND seq > first.seq
          ORDER BY seq LIMIT ${MAX_TOGETHER - 1}
        ) AS following
      ) AS judged WHERE fits
      UNION ALL
      SELECT seq, started_at, attempts, run FROM ${SCHEMA}.delivery
      WHERE NOT asked.is_new AND run = first.run AND run > '' AND state = first.state AND seq <> first.seq
    ) AS member
  ), crashes AS (
    INSERT INTO ${SCHEMA}.history (seq, what, at, attempt, started_at)
    SELECT seq, 'crashed', now, attempts, started_at FROM members WHERE started_at IS NOT NULL
  )
  UPDATE ${SCHEMA}.delivery SET attempts = delivery.attempts + 1, started_at = members.now, ${begunOf('members')} FROM members
  WHERE delivery.seq = members.seq
  RETURNING members.head, ${takenColumns('members')}`

export async function takeAll(client: Connection, asked: Take[]): Promise<(TakenDelivery | null)[]> {
  const column = (name: keyof Take) => asked.map(take => take[name])
  const { rows } = await client.query<TakenRow>(TAKE, [column('orderingKey'), column('until')])
  const runs = await takeRuns(
    client,
    rows.filter(({ run }) => run !== null),
  )
  const taken = new Map(rows.map(row => [row.ordering_key, row]))
  return asked.map(({ orderingKey }) => {
    const row = taken.get(orderingKey)
    if (row === undefined) return null
    const run = runs.get(row.id)
    if (run === undefined) return takenOf(row, orderingKey)
    const together = run.map(each => takenOf(each, orderingKey))
    return { ...(together[0] as TakenDelivery), together, run: row.run || row.id, isNewRun: row.run === '' }
  })
}

type TakenRow = RowWithPayload & {
  crashed: boolean
  /** As it was before. */
  run: string | null
}

/** All deliveries of each run, in order, by the id of the one that was found due. */
async function takeRuns(client: Connection, due: TakenRow[]): Promise<Map<string, TakenRow[]>> {
  const runs = new Map(due.map(row => [row.id, [row]]))
  if (due.length === 0) return runs
  const { rows } = await client.query<TakenRow & { head: string }>(TAKE_MEMBERS, [
    due.map(({ id }) => id),
    due.map(({ run }) => run === ''),
  ])
  for (const row of rows) runs.get(row.head)?.push(row)
  for (const run of runs.values()) run.sort((a, b) => Number(a.seq) - Number(b.seq))
  return runs
}

function takenOf(row: TakenRow, orderingKey: string): TakenDelivery {
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
    ...traceOf(row),
  }
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
    UNION ALL
    (SELECT id, source, event FROM ${SCHEMA}.delivery
      WHERE ordering_key = asked.ordering_key AND state = 'parked' AND next_attempt_at IS NULL AND due_at IS NOT NULL
      ORDER BY due_at, seq LIMIT 1)
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
    SELECT ended.*, now, now - ago AS at, now + wait AS next_attempt_at
    FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::boolean[], $8::text[])
      AS ended (id, attempts, state, wait, error, ago, reopens, cause)
    CROSS JOIN (SELECT ${NOW_MS} AS now) AS clock
  ), before AS (
    SELECT seq, id, attempts, started_at FROM ${SCHEMA}.delivery JOIN ended USING (id, attempts)
    WHERE ended.state <> 'done'
  ), settled AS (
    UPDATE ${SCHEMA}.delivery SET state = ended.state, started_at = NULL,
      next_attempt_at = CASE WHEN run IS NULL THEN ended.next_attempt_at
        WHEN ended.state = 'pending' THEN now + ${HIDDEN_MS} END,
      due_at = CASE WHEN run IS NOT NULL THEN ended.next_attempt_at END,
      run = CASE WHEN ended.reopens THEN '' ELSE run END,
      quiet_max = CASE WHEN ended.reopens THEN ended.next_attempt_at ELSE quiet_max END,
      settled_at = ended.at, error = ended.error, cause = ended.cause
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
  // Each delivery of a run is settled like its first.
  const each = settles.flatMap(settle =>
    (settle.delivery.together ?? [settle.delivery]).map(({ id, attempts }) => ({ ...settle, id, attempts })),
  )
  const { rows } = await client.query<{ id: string; attempts: number }>(SETTLE, [
    each.map(({ id }) => clean(id)),
    each.map(({ attempts }) => attempts),
    each.map(({ outcome }) => outcome.state),
    each.map(wait),
    each.map(({ outcome }) => ('error' in outcome ? clean(outcome.error) : null)),
    each.map(({ ago }) => Math.round(ago)),
    each.map(({ outcome }) => 'reopens' in outcome),
    each.map(({ outcome }) => ('error' in outcome && outcome.cause !== undefined ? clean(outcome.cause) : null)),
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
    SELECT min(due_at) AS due_at FROM (${firstOf('mailbox.key')}
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
