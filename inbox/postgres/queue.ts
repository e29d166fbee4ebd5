import type pg from 'pg'
import type { Db, JobAttempt, PgBoss } from 'pg-boss'
import type { RowWithPayload } from '../rows.ts'
import { BOSS_SCHEMA, SCHEMA } from './schema.ts'
import { indexable } from './text.ts'
import { BOSS_NOW, msUntil, waitMs } from './time.ts'
import { type Connection, transaction } from './transaction.ts'

/** The queue of mailboxes that have something due. All that knows pg-boss's tables is here. */

/** The queue of mailboxes that have something due: one waiting and one active job for each (policy `stately`). */
export const QUEUE = 'mailbox'
/** A job whose process has not been heard of for this long is another's, s. pg-boss takes no less. */
export const HEARTBEAT_SECONDS = 10
/** How long after a heartbeat its process may still take deliveries, ms: less than until the mailbox is another's. */
export const CLAIM_MS = 8_000
/** Mailboxes woken in one transaction at start. */
const MAX_WOKEN_PER_COMMIT = 10_000
/** Where a commit says that something has become due. */
export const CHANNEL = 'tutorbot_webhooks'

/** A mailbox that this process has claimed. */
export interface Claim extends JobAttempt {
  orderingKey: string
  /** The database's time until which deliveries may be taken by it. */
  until: Date
}

/**
 * Makes mailboxes wait in pg-boss's queue, in the transaction of what makes them due. A mailbox waits once: what waits
 * for later is moved to the earlier time. And it is locked until this transaction ends: fetched before that, it would
 * be drained without what is not committed yet.
 * @param due the ordering keys, and in how many ms each is due
 */
export async function wake(boss: PgBoss, client: Connection, due: ReadonlyMap<string, number>): Promise<void> {
  // In one order everywhere, so that transactions wait for each other and do not lock up.
  const keys = [...due.keys()].sort()
  if (keys.length === 0) return
  const delays = keys.map(key => (due.get(key) as number) / 1_000)
  const jobs = keys.map((singletonKey, index) => ({ singletonKey, startAfter: delays[index] as number }))
  for (let waiting = 0; waiting < keys.length; ) {
    await boss.insert(QUEUE, jobs, { db: onClient(client) })
    const { rows } = await client.query<WaitingRow>(LOCK_WAITING, [keys, delays])
    // Fewer, if another process has fetched one between the two statements: it waits anew.
    waiting = rows[0]?.waiting as number
    for (const { id, delay } of rows[0]?.late ?? []) await client.query(MOVE, [id, delay])
  }
}

interface WaitingRow {
  waiting: number
  /** What waits for later than it is due now. */
  late: { id: string; delay: number }[] | null
}

/*
 * In the order of the keys. Written so that only pg-boss's index of name and key fits (job_i17): with `state = 'created'`
 * or the policy, PostgreSQL, whose statistics of a queue are always those of another moment, may read all that waits.
 */
const LOCK_WAITING = `
  WITH waiting AS MATERIALIZED (
    SELECT job.id, due.delay, ${BOSS_NOW} + due.delay * interval '1 second' < job.start_after AS late
    FROM unnest($1::text[], $2::float8[]) AS due (key, delay)
    CROSS JOIN LATERAL (
      SELECT id, start_after FROM ${BOSS_SCHEMA}.job
      WHERE name = '${QUEUE}' AND singleton_key = due.key AND state < 'active' AND state::text = 'created'
      LIMIT 1 FOR UPDATE
    ) AS job
  )
  SELECT count(*)::int AS waiting, json_agg(waiting) FILTER (WHERE late) AS late, pg_notify('${CHANNEL}', '')
  FROM waiting`
/** One at a time: as a join, PostgreSQL may read all that waits for this too. There are few. */
const MOVE = `
  UPDATE ${BOSS_SCHEMA}.job SET start_after = ${BOSS_NOW} + $2::float8 * interval '1 second'
  WHERE name = '${QUEUE}' AND id = $1::uuid`

/** In how many ms the mailboxes of deliveries are due; a drain that comes too early does no harm. */
export function dueOf(rows: readonly RowWithPayload[], now: number): Map<string, number> {
  const due = new Map<string, number>()
  for (const { state, ordering_key, next_attempt_at } of rows) {
    if (state !== 'pending' && state !== 'parked') continue
    const key = indexable(ordering_key)
    due.set(key, Math.min(due.get(key) ?? Number.POSITIVE_INFINITY, msUntil(Number(next_attempt_at), now)))
  }
  return due
}

const DUE_MAILBOXES = `
  SELECT ordering_key, min(${waitMs('due_at')}) AS wait FROM (
    SELECT ordering_key, coalesce(next_attempt_at, 0) AS due_at FROM ${SCHEMA}.delivery WHERE state = 'pending'
    UNION ALL
    SELECT ordering_key, next_attempt_at FROM ${SCHEMA}.delivery WHERE state = 'parked' AND next_attempt_at IS NOT NULL
  ) AS waiting
  WHERE $1::text IS NULL OR ordering_key > $1 GROUP BY ordering_key ORDER BY ordering_key LIMIT $2`

/** Makes every mailbox wait that has something to be handled. */
export async function wakeAll(boss: PgBoss, pool: pg.Pool): Promise<void> {
  let after: string | null = null
  for (;;) {
    const { rows }: pg.QueryResult<{ ordering_key: string; wait: string }> = await pool.query(DUE_MAILBOXES, [
      after,
      MAX_WOKEN_PER_COMMIT,
    ])
    const last = rows.at(-1)
    if (last === undefined) return
    const due = new Map(rows.map(({ ordering_key, wait }) => [ordering_key, Number(wait)]))
    await transaction(pool, client => wake(boss, client, due))
    after = last.ordering_key
  }
}

/** Until when deliveries may be taken by a claim that was made or kept at a time of the database. */
export function untilAfter(kept: Date): Date {
  return new Date(kept.getTime() + CLAIM_MS)
}

/*
 * In the statement that inserts deliveries (`given`): a mailbox that nobody has and in which nothing is pending gets a job
 * as pg-boss's fetch would leave it: active. There is one of those for each at most (job_i3), whoever makes it. None where
 * a job waits (asked for as in LOCK_WAITING): who fetches that one would wait for us, and perhaps we for it. What another
 * process accepts of the same mailbox while this statement runs is not seen: it comes after this one, whatever their
 * numbers.
 */
export const CLAIM_IDLE = `
    INSERT INTO ${BOSS_SCHEMA}.job
      (name, policy, singleton_key, state, started_on, heartbeat_on, heartbeat_seconds, keep_until,
        retry_limit, retry_delay, retry_backoff, expire_seconds, deletion_seconds)
    SELECT name, policy, ordering_key, 'active', now, now, heartbeat_seconds, now + retention_seconds * interval '1 second',
      retry_limit, retry_delay, retry_backoff, expire_seconds, deletion_seconds
    FROM given
    CROSS JOIN (SELECT *, ${BOSS_NOW} AS now FROM ${BOSS_SCHEMA}.queue WHERE name = '${QUEUE}') AS queue
    WHERE claims
      AND NOT EXISTS (SELECT FROM ${SCHEMA}.delivery WHERE ordering_key = given.ordering_key AND state = 'pending')
      AND NOT EXISTS (SELECT FROM ${BOSS_SCHEMA}.job
        WHERE name = '${QUEUE}' AND singleton_key = given.ordering_key AND state < 'active')
    ORDER BY ordering_key
    ON CONFLICT DO NOTHING RETURNING id, singleton_key, started_on`

/** Claims at most `limit` due mailboxes, in a transaction. */
export async function fetchClaims(boss: PgBoss, client: Connection, limit: number): Promise<Claim[]> {
  // Or PostgreSQL, who believes that few wait, sorts all of them to find the first.
  await client.query('SET LOCAL enable_sort = off')
  let failed: unknown
  const db: Db = {
    executeSql: (text, values) =>
      client.query(text, values).catch(error => {
        failed = error
        throw error
      }),
  }
  const jobs = await boss.fetch<object>(QUEUE, { batchSize: limit, includeMetadata: true, db })
  // To pg-boss, a mailbox that was claimed meanwhile is a queue in which nothing waits.
  if (failed !== undefined) throw failed
  return jobs.map(({ id, retryCount, singletonKey, startedOn }) => ({
    id,
    retryCount,
    orderingKey: singletonKey as string,
    until: untilAfter(startedOn),
  }))
}

/** The claims that are still ours, with their new `until`. */
export async function keepClaims(boss: PgBoss, pool: pg.Pool, claims: readonly Claim[]): Promise<Claim[]> {
  if (claims.length === 0) return []
  // Asked before: the heartbeat is no earlier than this.
  const { rows } = await pool.query<{ now: Date }>(`SELECT ${BOSS_NOW} AS now`)
  const until = untilAfter(rows[0]?.now as Date)
  const kept = await boss.touch(QUEUE, [...claims])
  const ids = new Set((kept as { settled?: string[] }).settled)
  return claims.filter(({ id }) => ids.has(id)).map(claim => ({ ...claim, until }))
}

/**
 * Gives claims back, in a transaction.
 * @param client one whose statements are planned anew: planned when few waited, this one would read all that wait now
 */
export async function endClaims(boss: PgBoss, client: Connection, claims: readonly Claim[]): Promise<void> {
  const jobs = claims.map(({ id, retryCount }) => ({ id, retryCount }))
  await boss.deleteJob(QUEUE, jobs, { db: onClient(client) })
}

/** pg-boss's view of a connection, so that its statements share ours or a transaction of ours. */
function onClient(client: Connection): Db {
  return { executeSql: (text, values) => client.query(text, values) }
}
