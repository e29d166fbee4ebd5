import type pg from 'pg'
import type { Backlog } from '../contracts.ts'
import { numberOrNull } from '../rows.ts'
import { BEGIN } from './connection.ts'
import { BOSS_SCHEMA, SCHEMA } from './schema.ts'
import { transaction } from './transaction.ts'

/*
 * Counts for /ready, /metrics, alerts and dashboard, read from indexes: a few thousand rows of them, whatever the
 * backlog.
 */

/** Up to this many deliveries of a state are counted exactly; beyond that, PostgreSQL's estimate is used. */
export const COUNTED = 10_000

/**
 * Begins a transaction that reads rows in index order, only as many as needed: PostgreSQL, underestimating the backlog,
 * would read and sort all of it.
 */
export const BEGIN_IN_ORDER = [BEGIN, 'enable_sort = off', 'enable_bitmapscan = off', 'enable_seqscan = off'].join(
  '; SET LOCAL ',
)

/** @param inOrder the columns of the partial index of this state, which nothing else has in this order */
function countOf(state: string, inOrder: string, index: string): string {
  return `
    SELECT '${state}' AS state, count(*) AS counted,
      (SELECT reltuples FROM pg_class WHERE oid = to_regclass('${SCHEMA}.${index}')) AS about
    FROM (SELECT FROM ${SCHEMA}.delivery WHERE state = '${state}' ORDER BY ${inOrder} LIMIT ${COUNTED}) AS first`
}

const BACKLOG = [
  countOf('pending', 'ordering_key, seq', 'delivery_pending'),
  countOf('parked', 'ordering_key, next_attempt_at', 'delivery_parked'),
  countOf('dead', 'seq', 'delivery_dead'),
].join(' UNION ALL ')
const OLDEST = `SELECT min(received_at) AS oldest FROM ${SCHEMA}.delivery WHERE state = 'pending'`
const SIZE = `
  SELECT sum(pg_total_relation_size(oid)) AS bytes FROM pg_class
  WHERE relkind = 'r' AND relnamespace IN ('${SCHEMA}'::regnamespace, '${BOSS_SCHEMA}'::regnamespace)`

interface CountRow {
  state: 'pending' | 'parked' | 'dead'
  counted: string
  about: number
}

export async function readBacklog(pool: pg.Pool): Promise<Backlog> {
  const [counts, oldest] = await transaction(
    pool,
    async client => [
      (await client.query<CountRow>(BACKLOG)).rows,
      (await client.query<{ oldest: string | null }>(OLDEST)).rows,
    ],
    BEGIN_IN_ORDER,
  )
  const [pending, parked, dead] = counts.map(({ counted, about }) =>
    Number(counted) < COUNTED ? Number(counted) : Math.max(COUNTED, about),
  ) as [number, number, number]
  return { pending, parked, dead, oldestPendingAt: numberOrNull(oldest[0]?.oldest ?? null) }
}

/** The first and the last acceptance number; null: no deliveries. */
export async function readExtent(
  pool: pg.Pool,
  table: 'delivery' | 'scheduled' | 'quarantine' = 'delivery',
): Promise<{ first: number; last: number } | null> {
  const { rows } = await pool.query<{ first: string | null; last: string }>(
    `SELECT min(seq) AS first, max(seq) AS last FROM ${SCHEMA}.${table}`,
  )
  const [extent] = rows
  return extent === undefined || extent.first === null
    ? null
    : { first: Number(extent.first), last: Number(extent.last) }
}

export async function readSize(pool: pg.Pool): Promise<{ deliveries: number; bytes: number }> {
  const extent = await readExtent(pool)
  const { rows } = await pool.query<{ bytes: string }>(SIZE)
  return { deliveries: extent === null ? 0 : extent.last - extent.first + 1, bytes: Number(rows[0]?.bytes) }
}
