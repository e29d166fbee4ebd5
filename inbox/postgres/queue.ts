import type pg from 'pg'
import { type JobAttempt, PgBoss, type Queue } from 'pg-boss'
import type { Logger } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import type { RowWithPayload } from '../rows.ts'
import { onceInTenSeconds } from '../store-trouble.ts'
import { BOSS_SCHEMA, SCHEMA } from './schema.ts'
import { indexable } from './text.ts'
import { msUntil, waitMs } from './time.ts'
import { type Connection, inTransactions, onClient, transaction } from './transaction.ts'

/** The queue of mailboxes that have something due: one waiting and one active job for each (policy `stately`). */
export const QUEUE = 'mailbox'
/** A job whose process has not been heard of for this long is another's, s. pg-boss takes no less. */
export const HEARTBEAT_SECONDS = 10
/** How long after a heartbeat its process may still take deliveries, ms: less than until the mailbox is another's. */
export const CLAIM_MS = 8_000
/** pg-boss drops what waits longer; what waits is ours to drop. Ten years, s. */
const FOR_EVER = 10 * 365 * 24 * 60 * 60
/** Mailboxes woken in one transaction at start. */
const WAKE_STEP = 10_000
/** Where a commit says that something has become due. */
export const CHANNEL = 'tutorbot_webhooks'

const SETTINGS: Omit<Queue, 'name' | 'policy' | 'partition'> = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  retentionSeconds: FOR_EVER,
  retryLimit: 2 ** 31 - 1,
  // A mailbox whose process has died is fetched again at once. With a delay it would wait in the state `retry`, of which a
  // `stately` queue has one for each key: a second job of the mailbox that fails meanwhile, having been inserted and
  // claimed beside it, is failed for good whatever its retryLimit is, and nobody drains what it stood for.
  retryDelay: 0,
  expireInSeconds: 24 * 60 * 60 - 1,
}

/** A mailbox that this process has claimed. */
export interface Claim extends JobAttempt {
  orderingKey: string
  /** The database's time until which deliveries may be taken by it. */
  until: Date
}

/** @param serves false: it changes nothing by itself, neither its schema nor what waits */
export function createBoss(pool: pg.Pool, log: Logger, serves: boolean): PgBoss {
  const boss = new PgBoss({
    db: inTransactions(pool),
    schema: BOSS_SCHEMA,
    createSchema: false,
    migrate: serves,
    supervise: serves,
    schedule: false,
    registerInstance: false,
    // A mailbox whose process has died is another's within some 12 s; at its defaults, after minutes.
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
  })
  // Every second, while the database is down.
  const isTime = onceInTenSeconds()
  boss.on('error', error => {
    if (isTime(performance.now())) log.warn(`pg-boss: ${error.message}`)
  })
  return boss
}

/**
 * Starts pg-boss, and makes its queue or brings it up to these settings: `createQueue` changes nothing of one that is
 * there.
 */
export async function startBoss(boss: PgBoss): Promise<void> {
  await boss.start()
  await boss.createQueue(QUEUE, { policy: 'stately', ...SETTINGS })
  await boss.updateQueue(QUEUE, SETTINGS)
}

/**
 * Uses pg-boss's schema as it is. One of another version has other functions than this program's pg-boss counts on: what
 * would make a mailbox wait is refused then.
 */
export async function joinBoss(boss: PgBoss): Promise<void> {
  try {
    await boss.start()
  } catch (error) {
    if ((error as Error).message !== OTHER_VERSION) throw error
    const refusal = new StoreOpenError(
      `the schema ${BOSS_SCHEMA} is of another pg-boss than this program's: do it with the version of the server, or on the operator's page`,
    )
    Object.assign(boss, { insert: () => Promise.reject(refusal) })
  }
}

const OTHER_VERSION = 'pg-boss database requires migrations'

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
    SELECT job.id, due.delay, ${BOSS_SCHEMA}.job_now() + due.delay * interval '1 second' < job.start_after AS late
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
  UPDATE ${BOSS_SCHEMA}.job SET start_after = ${BOSS_SCHEMA}.job_now() + $2::float8 * interval '1 second'
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
      WAKE_STEP,
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
