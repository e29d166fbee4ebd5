import type pg from 'pg'
import type { Db, JobAttempt, PgBoss } from 'pg-boss'
import { nextAttemptOf, type RowWithPayload } from '../rows.ts'
import { BOSS_SCHEMA, SCHEMA } from './schema.ts'
import { indexable } from './strings.ts'
import { BOSS_NOW, msUntil, NOW_MS, waitMs } from './time.ts'
import { type Connection, transaction } from './transaction.ts'

/** All statements on pg-boss's tables are here. */

/** The queue of mailboxes with something due: at most one waiting and one active job each (policy `stately`). */
export const QUEUE = 'mailbox'
/** Without a heartbeat for this long, a job goes to another process, s. pg-boss's minimum. */
export const HEARTBEAT_SECONDS = 10
/** How long after a heartbeat a process may still take deliveries, ms: less than until another gets the mailbox. */
export const CLAIM_MS = 8_000
/** Mailboxes woken per transaction at start. */
const MAX_WOKEN_PER_COMMIT = 10_000
/** Notification channel: something has become due. */
export const CHANNEL = 'tutorbot_webhooks'

/** A mailbox that this process has claimed. */
export interface Claim extends JobAttempt {
  orderingKey: string
  /** Until when it allows taking deliveries, by the database's clock. */
  until: Date
}

/**
 * Queues mailboxes in pg-boss, in the transaction that makes them due. A mailbox is queued once; a later time is moved
 * forward. Its job stays locked until this transaction ends: fetched earlier, it would be drained without what is not
 * committed yet.
 * @param due in how many ms each mailbox is due, by ordering key
 */
export async function wake(boss: PgBoss, client: Connection, due: ReadonlyMap<string, number>): Promise<void> {
  // Sorted, so that concurrent transactions don't deadlock.
  const keys = [...due.keys()].sort()
  if (keys.length === 0) return
  const delays = keys.map(key => (due.get(key) as number) / 1_000)
  const jobs = keys.map((singletonKey, index) => ({ singletonKey, startAfter: delays[index] as number }))
  for (let waiting = 0; waiting < keys.length; ) {
    await boss.insert(QUEUE, jobs, { db: onClient(client) })
    const { rows } = await client.query<WaitingRow>(LOCK_WAITING, [keys, delays])
    // Fewer if another process fetched one between the two statements: queue it again.
    waiting = rows[0]?.waiting as number
    for (const { id, delay } of rows[0]?.late ?? []) await client.query(MOVE, [id, delay])
  }
}

interface WaitingRow {
  waiting: number
  /** Jobs that start later than now needed. */
  late: { id: string; delay: number }[] | null
}

/*
 * In order of the keys. Written so that only pg-boss's index on name and key fits (job_i17): with `state = 'created'`
 * or the policy, PostgreSQL, whose statistics of a queue are always outdated, may read all waiting jobs.
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
/** One at a time: as a join, PostgreSQL may read all waiting jobs for this too. There are few. */
const MOVE = `
  UPDATE ${BOSS_SCHEMA}.job SET start_after = ${BOSS_NOW} + $2::float8 * interval '1 second'
  WHERE name = '${QUEUE}' AND id = $1::uuid`

/** In how many ms the mailboxes of deliveries are due, by ordering key; draining too early does no harm. */
export function dueOf(rows: readonly RowWithPayload[], now: number): Map<string, number> {
  const due = new Map<string, number>()
  for (const row of rows) {
    const { state, ordering_key } = row
    if (state !== 'pending' && state !== 'parked') continue
    const key = indexable(ordering_key)
    due.set(key, Math.min(due.get(key) ?? Number.POSITIVE_INFINITY, msUntil(Number(nextAttemptOf(row)), now)))
  }
  return due
}

const DUE_MAILBOXES = `
  SELECT ordering_key, min(${waitMs('due_at')}) AS wait FROM (
    SELECT ordering_key, coalesce(due_at, next_attempt_at, 0) AS due_at FROM ${SCHEMA}.delivery WHERE state = 'pending'
    UNION ALL
    SELECT ordering_key, coalesce(next_attempt_at, due_at) FROM ${SCHEMA}.delivery
    WHERE state = 'parked' AND (next_attempt_at IS NOT NULL OR due_at IS NOT NULL)
  ) AS waiting
  WHERE $1::text IS NULL OR ordering_key > $1 GROUP BY ordering_key ORDER BY ordering_key LIMIT $2`

/** Queues every mailbox that has something to handle. */
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

/** Its job starts so much later, s: an older instance that fetched it has queued it again for a run that is hidden from it. */
const FORGOTTEN_AFTER_S = 3_600
/** Written for pg-boss's indexes of active and of waiting jobs (job_i3, job_i17). */
const FORGOTTEN = `
  SELECT ordering_key FROM ${SCHEMA}.delivery
  WHERE due_at <= ${NOW_MS} AND state IN ('pending', 'parked')
    AND NOT EXISTS (
      SELECT FROM ${BOSS_SCHEMA}.job WHERE name = '${QUEUE}' AND policy = 'stately' AND job.state <= 'active'
        AND job.state = 'active' AND coalesce(singleton_key, '') = ordering_key)
    AND NOT EXISTS (
      SELECT FROM ${BOSS_SCHEMA}.job WHERE name = '${QUEUE}' AND singleton_key = ordering_key AND job.state < 'active'
        AND start_after < ${BOSS_NOW} + ${FORGOTTEN_AFTER_S} * interval '1 second')
  GROUP BY ordering_key LIMIT $1`

/** Queues mailboxes whose run is due, and whose wake-up an older instance has put off. */
export async function wakeForgotten(boss: PgBoss, pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ ordering_key: string }>(FORGOTTEN, [MAX_WOKEN_PER_COMMIT])
  if (rows.length === 0) return
  await transaction(pool, client => wake(boss, client, new Map(rows.map(({ ordering_key }) => [ordering_key, 0]))))
}

/** Until when a claim allows taking deliveries, if it was made or renewed at this time (the database's). */
export function untilAfter(kept: Date): Date {
  return new Date(kept.getTime() + CLAIM_MS)
}

/*
 * Part of the statement that inserts deliveries (`given`): an idle mailbox with nothing pending gets an active job, as
 * if pg-boss had fetched it. Only one can exist per mailbox (job_i3), whoever makes it. If a job is already waiting
 * (queried as in LOCK_WAITING), none is made: whoever fetches that one would wait for us, and perhaps we for it.
 * Deliveries of the same mailbox that another process inserts while this statement runs are not seen; they come after
 * this one, whatever their numbers.
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
  // Otherwise PostgreSQL, underestimating the queue, sorts all of it to find the first.
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
  // pg-boss swallows the error of a mailbox claimed meanwhile, and returns an empty batch.
  if (failed !== undefined) throw failed
  return jobs.map(({ id, retryCount, singletonKey, startedOn }) => ({
    id,
    retryCount,
    orderingKey: singletonKey as string,
    until: untilAfter(startedOn),
  }))
}

/** Renews claims; returns those that are still ours, with their new `until`. */
export async function renewClaims(boss: PgBoss, pool: pg.Pool, claims: readonly Claim[]): Promise<Claim[]> {
  if (claims.length === 0) return []
  // Read first: the heartbeat is no earlier than this.
  const { rows } = await pool.query<{ now: string }>(`SELECT ${NOW_MS} AS now`)
  const until = untilAfter(new Date(Number(rows[0]?.now)))
  const kept = await boss.touch(QUEUE, [...claims])
  const ids = new Set((kept as { settled?: string[] }).settled)
  return claims.filter(({ id }) => ids.has(id)).map(claim => ({ ...claim, until }))
}

/**
 * Releases claims, in a transaction.
 * @param client must not use prepared statements: a plan made for a short queue would read all of a long one
 */
export async function endClaims(boss: PgBoss, client: Connection, claims: readonly Claim[]): Promise<void> {
  const jobs = claims.map(({ id, retryCount }) => ({ id, retryCount }))
  await boss.deleteJob(QUEUE, jobs, { db: onClient(client) })
}

/** The connection as pg-boss sees it: its statements share our connection and transaction. */
function onClient(client: Connection): Db {
  return { executeSql: (text, values) => client.query(text, values) }
}
