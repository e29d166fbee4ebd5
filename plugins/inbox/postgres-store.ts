import { createHash, randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import { type Db, type JobAttempt, PgBoss } from 'pg-boss'
import { batched } from './batches.ts'
import type {
  Commit,
  DeliveryFilter,
  HistoryEntry,
  InsertResult,
  NewDelivery,
  Outcome,
  Store,
  TakenDelivery,
} from './contracts.ts'
import { BEGIN, BEGIN_BY_INDEX, isPooled, listen, onceUp, readPostgresUrl } from './postgres-connection.ts'
import { importDeliveries, importInstallationId, importSteps, prepareImport } from './postgres-import.ts'
import { BOSS_SCHEMA, ensureSchema, SCHEMA } from './postgres-schema.ts'
import { clean, indexable } from './postgres-text.ts'
import {
  conditionsOf,
  type DeliveryRow,
  listedDelivery,
  numberOrNull,
  parsePayload,
  type RowWithPayload,
  redactedJson,
  storedDelivery,
} from './rows.ts'
import type { HistoryInFile, StepRow } from './sqlite-reader.ts'
import { onceInTenSeconds } from './store-trouble.ts'

/** The queue of mailboxes that have something due: one waiting and one active job for each (policy `stately`). */
const QUEUE = 'mailbox'
/** A job whose process has not been heard of for this long is another's, s. pg-boss takes no less. */
const HEARTBEAT_SECONDS = 10
/** How long after a heartbeat its process may still take deliveries, ms: less than until the mailbox is another's. */
export const CLAIM_MS = 8_000
/** pg-boss drops what waits longer; what waits is ours to drop. Ten years, s. */
const FOR_EVER = 10 * 365 * 24 * 60 * 60
/** Where a commit says that something has become due. */
const CHANNEL = 'tutorbot_webhooks'
/** Transactions that PostgreSQL ended because of others are tried again, this often. */
const ATTEMPTS = 3
/** To undo a deadlock; and because somebody has made the same row meanwhile, which is seen now. */
const ENDED_BY_OTHERS: unknown[] = ['40P01', '23505']
/** Acceptance numbers that one look of `browse` goes over. */
const BROWSED = 10_000
/** Mailboxes woken in one transaction at start. */
const WAKE_STEP = 10_000

/** Deliveries accepted in one commit, from which on accepting is under pressure. */
const PRESSED = 16

/** A mailbox that this process has claimed. */
export interface Claim extends JobAttempt {
  orderingKey: string
  /** The database's time until which deliveries may be taken by it. */
  until: Date
}

/** What the scheduler asks beyond the contract. */
export interface PostgresStore extends Store {
  /** Resolves when accepting is not under pressure: at once, as a rule. */
  calm(): Promise<void>
  /** Claims at most `limit` due mailboxes, for as long as they are kept. */
  claimMailboxes(limit: number): Promise<Claim[]>
  /** The claim that an insert has made of a mailbox; it can be asked for once. */
  claimOf(orderingKey: string): Claim
  /** Keeps claims: their heartbeat. The ones that are still ours, with their new `until`; others have lapsed. */
  keepClaims(claims: readonly Claim[]): Promise<Claim[]>
  /** Until when deliveries of a mailbox may be taken; null: without a bound. The database refuses what comes later. */
  bound(orderingKey: string, until: Date | null): void
  /** Gives a claim back, and makes the mailbox wait for when it is due again, `now` being Unix ms. Whether it is already. */
  giveBack(claim: Claim, now: number): Promise<boolean>
  /** Makes every mailbox wait that has something to be handled. */
  wakeAll(now: number): Promise<void>
  /** Makes what the imports below need. */
  prepareImport(): Promise<void>
  /**
   * Keeps deliveries of a SQLite store as they are, in their order and after all that is here, and makes their mailboxes
   * wait. Of what is known here nothing is changed, unless it has been finished there. Those that are new.
   */
  importDeliveries(
    rows: readonly RowWithPayload[],
    history: readonly HistoryInFile[],
    now: number,
  ): Promise<RowWithPayload[]>
  /** Takes the installation id of a SQLite store over, the first time. */
  importInstallationId(id: string): Promise<void>
  /** Keeps steps that are done in a SQLite store. How many were not known to be done. */
  importSteps(rows: readonly StepRow[]): Promise<number>
  /** Keeps the steps that are being done: their heartbeat. */
  keepSteps(): Promise<void>
  /** Calls back when a mailbox has become due, in whatever process. */
  onDue(callback: () => void): void
  /** Fires when the store is being closed. */
  closed: AbortSignal
}

export interface PostgresStoreOptions {
  /** Told of every commit. */
  onCommit?: (commit: Commit) => void
  /** Waits for a server that is not up yet. Default true. */
  waits?: boolean
}

/**
 * Opens (or makes) the store in a database.
 * @throws {StoreOpenError} that says why the database can't be used and what to do
 */
export async function openPostgresStore(
  url: string,
  log: FastifyBaseLogger,
  { onCommit = () => {}, waits = true }: PostgresStoreOptions = {},
): Promise<PostgresStore> {
  const config = readPostgresUrl(url)
  const pool = openPool(config)
  const boss = createBoss(pool, log)
  let pooled: boolean
  try {
    pooled = await onceUp(url, log, waits, async () => {
      await transaction(pool, ensureSchema)
      await boss.start()
      await boss.createQueue(QUEUE, {
        policy: 'stately',
        heartbeatSeconds: HEARTBEAT_SECONDS,
        retentionSeconds: FOR_EVER,
        retryLimit: 2 ** 31 - 1,
        retryDelay: 0,
        expireInSeconds: 24 * 60 * 60 - 1,
      })
      return transaction(pool, isPooled)
    })
  } catch (error) {
    await boss.stop({ graceful: false })
    await pool.end()
    throw error
  }
  return createStore(config, pool, boss, pooled ? asItIs : byName, onCommit)
}

function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  // A connection that breaks fails its statement; without listeners it would end the process too.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

function createBoss(pool: pg.Pool, log: FastifyBaseLogger): PgBoss {
  const boss = new PgBoss({
    db: onClient(pool),
    schema: BOSS_SCHEMA,
    createSchema: false,
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

/** What statements are sent over. */
interface Connection {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>
}

const asItIs = (client: Connection) => client

const names = new Map<string, string>()
/** A connection that has each statement planned once: planning them anew is a third of the server's work. */
function byName(client: pg.ClientBase): Connection {
  return {
    query(text, values) {
      const name = names.get(text) ?? createHash('sha1').update(text).digest('hex')
      names.set(text, name)
      return client.query({ name, text, ...(values && { values }) })
    },
  }
}

/** pg-boss's view of a connection, so that its statements share ours or a transaction of ours. */
function onClient(client: Connection): Db {
  return { executeSql: (text, values) => client.query(text, values) }
}

/** Runs a transaction. One that PostgreSQL has ended because of others is run again. */
async function transaction<T>(
  pool: pg.Pool,
  run: (client: pg.PoolClient) => Promise<T>,
  begin = BEGIN,
  attempt = 1,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query(begin)
    const result = await run(client)
    await client.query('COMMIT')
    client.release()
    return result
  } catch (error) {
    // Its connection goes with it, and whatever it had begun.
    client.release(true)
    if (!ENDED_BY_OTHERS.includes((error as { code?: unknown }).code) || attempt === ATTEMPTS) throw error
    return transaction(pool, run, begin, attempt + 1)
  }
}

async function reported<T>(
  onCommit: (commit: Commit) => void,
  operations: number,
  commit: () => Promise<T>,
): Promise<T> {
  const begunAt = performance.now()
  let ok = false
  try {
    const result = await commit()
    ok = true
    return result
  } finally {
    onCommit({ operations, ms: performance.now() - begunAt, ok })
  }
}

function createStore(
  config: pg.ClientConfig,
  pool: pg.Pool,
  boss: PgBoss,
  planned: (client: pg.ClientBase) => Connection,
  onCommit: (commit: Commit) => void,
): PostgresStore {
  /** Whose steps these are. */
  const owner = randomUUID()
  const bounds = new Map<string, Date>()
  /** By mailbox: the claims of inserts that nobody has asked for yet. */
  const claimed = new Map<string, Claim>()
  const closing = new AbortController()
  let stopListening = async () => {}

  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows

  const extent = async () => {
    const [row] = await rows<{ first: string | null; last: string | null }>(EXTENT)
    return { first: numberOrNull(row?.first ?? null), last: numberOrNull(row?.last ?? null) }
  }

  /** For what is done for each delivery. */
  const often = <T>(run: (client: Connection, anew: Connection) => Promise<T>) =>
    transaction(pool, client => run(planned(client), client), BEGIN_BY_INDEX)

  const inserts = batched((deliveries: Insert[]) =>
    reported(onCommit, deliveries.length, async () => {
      const { results, claims } = await often((client, anew) => insertAll(boss, client, anew, deliveries))
      for (const claim of claims) claimed.set(claim.orderingKey, claim)
      return results
    }),
  )
  const takes = batched((asked: Take[]) => often(client => takeAll(client, asked)))
  const settles = batched((settled: Settle[]) =>
    reported(onCommit, settled.length, () => often(client => settleAll(boss, client, settled))),
  )
  const givenBack = batched((claims: { claim: Claim; now: number }[]) =>
    often((client, anew) => giveBackAll(boss, client, anew, claims)),
  )

  return {
    insert(delivery, claim) {
      const body = delivery.body ?? redactedJson(delivery.payload)
      return inserts.add({ delivery, mailbox: indexable(delivery.orderingKey), body, claim })
    },
    take: (orderingKey, now) => {
      const key = indexable(orderingKey)
      return takes.add({ orderingKey: key, now, until: bounds.get(key) ?? null })
    },
    settle: (delivery, outcome, now) => settles.add({ delivery, outcome, now }),

    async claimStep(key) {
      const claimed = await rows(CLAIM_STEP, [indexable(key), owner])
      if (claimed.length > 0) return 'claimed'
      const [step] = await rows<{ result: string | null }>(FIND_STEP, [indexable(key)])
      // Given back between the two statements: whoever asks again gets it.
      if (step === undefined || step.result === null) return 'busy'
      return { result: JSON.parse(step.result) }
    },
    async recordStep(key, result, now) {
      await rows(RECORD_STEP, [indexable(key), now, clean(JSON.stringify(result ?? null))])
    },
    async releaseStep(key) {
      await rows(RELEASE_STEP, [indexable(key), owner])
    },
    async keepSteps() {
      await rows(KEEP_STEPS, [owner])
    },

    async get(id) {
      const [row] = await rows<RowWithPayload>(`${SELECT_DELIVERY} WHERE id = $1`, [clean(id)])
      return row === undefined ? null : storedDelivery(row)
    },
    async list(filter, limit, after = 0) {
      const { where, values } = conditionsOf(storable(filter), n => `$${n + 3}`)
      const found = await rows<RowWithPayload>(`${SELECT_DELIVERY} WHERE seq > $1${where} ORDER BY seq LIMIT $2`, [
        after,
        limit,
        ...values,
      ])
      return found.map(storedDelivery)
    },
    async browse(filter, limit, before) {
      const { first, last } = await extent()
      if (first === null || last === null) return { deliveries: [], next: null }
      const top = Math.min(before ?? Number.POSITIVE_INFINITY, last + 1)
      const bottom = top - BROWSED
      const { where, values } = conditionsOf(storable(filter), n => `$${n + 4}`)
      const found = await rows<DeliveryRow>(
        `SELECT * FROM ${SCHEMA}.delivery WHERE seq < $1 AND seq >= $2${where} ORDER BY seq DESC LIMIT $3`,
        [top, bottom, limit, ...values],
      )
      const reached = found.length === limit ? Number(found.at(-1)?.seq) : bottom
      return { deliveries: found.map(listedDelivery), next: reached > first ? reached : null }
    },
    async history(id) {
      const found = await rows<HistoryRow>(HISTORY, [clean(id)])
      return found.map(row => ({
        what: row.what,
        at: Number(row.at),
        attempt: row.attempt,
        startedAt: numberOrNull(row.started_at),
        detail: row.detail,
      }))
    },
    replay: (ids, now) =>
      transaction(pool, async client => {
        const replayed = await client.query<{ ordering_key: string }>(REPLAY, [ids.map(clean), now])
        const changed = new Map(replayed.rows.map(row => [row.ordering_key, 0]))
        await wake(boss, client, changed)
        return [...changed.keys()]
      }),
    async discard(id, reason, now) {
      const discarded = await pool.query(DISCARD, [clean(id), now, clean(reason)])
      return discarded.rowCount === 1
    },
    async forget(ids, now) {
      const forgotten = await pool.query(FORGET, [ids.map(clean), now])
      return forgotten.rowCount as number
    },
    prune: ({ payloadsBefore, keysBefore }, after, limit) =>
      transaction(pool, async client => {
        await client.query(PRUNE_STEPS, [keysBefore, limit])
        const slice = (await client.query<{ last: string | null }>(PRUNE_SLICE, [after, limit])).rows[0]
        if (slice === undefined || slice.last === null) return null
        await client.query(PRUNE_PAYLOADS, [after, slice.last, payloadsBefore])
        await client.query(PRUNE_HISTORY, [after, slice.last, keysBefore])
        await client.query(PRUNE_KEYS, [after, slice.last, keysBefore])
        return Number(slice.last)
      }),
    async backlog() {
      const [counts] = await rows<{ pending: string; parked: string; dead: string; oldest: string | null }>(BACKLOG)
      return {
        pending: Number(counts?.pending),
        parked: Number(counts?.parked),
        dead: Number(counts?.dead),
        oldestPendingAt: numberOrNull(counts?.oldest ?? null),
      }
    },
    async size() {
      const { first, last } = await extent()
      const [size] = await rows<{ bytes: string }>(SIZE)
      return { deliveries: first === null || last === null ? 0 : last - first + 1, bytes: Number(size?.bytes) }
    },
    async installationId() {
      const [row] = await rows<{ id: string }>(`SELECT id FROM ${SCHEMA}.installation`)
      return row?.id as string
    },
    async setInstallationId(id) {
      await rows(`UPDATE ${SCHEMA}.installation SET id = $1`, [id])
    },
    async checkWritable() {
      await rows(`UPDATE ${SCHEMA}.version SET version = version`)
    },

    async calm() {
      if (inserts.size() >= PRESSED) await inserts.ended()
    },
    async claimMailboxes(limit) {
      const jobs = await transaction(pool, async client => {
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
        return jobs
      })
      return jobs.map(({ id, retryCount, singletonKey, startedOn }) => ({
        id,
        retryCount,
        orderingKey: singletonKey as string,
        until: untilAfter(startedOn),
      }))
    },
    claimOf(orderingKey) {
      const key = indexable(orderingKey)
      const claim = claimed.get(key) as Claim
      claimed.delete(key)
      return claim
    },
    async keepClaims(claims) {
      if (claims.length === 0) return []
      // Asked before: the heartbeat is no earlier than this.
      const [clock] = await rows<{ now: Date }>(`SELECT ${BOSS_SCHEMA}.job_now() AS now`)
      const until = untilAfter(clock?.now as Date)
      const kept = await boss.touch(QUEUE, [...claims])
      const ids = new Set((kept as { settled?: string[] }).settled)
      return claims.filter(({ id }) => ids.has(id)).map(claim => ({ ...claim, until }))
    },
    bound(orderingKey, until) {
      if (until === null) bounds.delete(orderingKey)
      else bounds.set(orderingKey, until)
    },
    giveBack: (claim, now) => givenBack.add({ claim, now }),
    async wakeAll(now) {
      let after: string | null = null
      for (;;) {
        const due: DueRow[] = await rows<DueRow>(DUE_MAILBOXES, [after, WAKE_STEP])
        const last = due.at(-1)
        if (last === undefined) return
        await transaction(pool, client =>
          wake(boss, client, new Map(due.map(row => [row.ordering_key, delaySeconds(Number(row.due_at), now)]))),
        )
        after = last.ordering_key
      }
    },
    prepareImport: () => transaction(pool, prepareImport),
    importDeliveries: (given, history, now) =>
      transaction(pool, async client => {
        const fresh = await importDeliveries(client, given, history)
        await wake(boss, client, dueOf(fresh, now))
        return fresh
      }),
    importInstallationId: id => transaction(pool, client => importInstallationId(client, id)),
    importSteps: given => transaction(pool, client => importSteps(client, given)),
    onDue(callback) {
      stopListening = listen(config, CHANNEL, callback)
    },

    closed: closing.signal,
    async close() {
      closing.abort()
      await stopListening()
      await Promise.all([inserts, takes, settles, givenBack].map(batches => batches.ended()))
      // Who stops in order gives its claims back at once.
      await rows(`DELETE FROM ${SCHEMA}.step WHERE owner = $1 AND done_at IS NULL`, [owner]).catch(() => {})
      await boss.stop({ graceful: false })
      await pool.end()
    },
  }
}

/**
 * Makes mailboxes wait in pg-boss's queue, in the transaction of what makes them due. A mailbox waits once: what waits
 * for later is moved to the earlier time. And it is locked until this transaction ends: fetched before that, it would
 * be drained without what is not committed yet.
 * @param due the ordering keys, and in how many seconds each is due
 */
async function wake(boss: PgBoss, client: Connection, due: ReadonlyMap<string, number>): Promise<void> {
  // In one order everywhere, so that transactions wait for each other and do not lock up.
  const keys = [...due.keys()].sort()
  if (keys.length === 0) return
  const delays = keys.map(key => due.get(key) as number)
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

/** In how many seconds the mailboxes of deliveries are due; a drain that comes too early does no harm. */
function dueOf(rows: readonly RowWithPayload[], now: number): Map<string, number> {
  const due = new Map<string, number>()
  for (const { state, ordering_key, next_attempt_at } of rows) {
    if (state !== 'pending' && state !== 'parked') continue
    const key = indexable(ordering_key)
    due.set(key, Math.min(due.get(key) ?? Number.POSITIVE_INFINITY, delaySeconds(Number(next_attempt_at), now)))
  }
  return due
}

function delaySeconds(dueAt: number, now: number): number {
  return Math.max(0, dueAt - now) / 1_000
}

/** Until when deliveries may be taken by a claim that was made or kept at a time of the database. */
function untilAfter(kept: Date): Date {
  return new Date(kept.getTime() + CLAIM_MS)
}

interface Insert {
  delivery: NewDelivery
  /** Its ordering key, as it is stored. */
  mailbox: string
  body: Buffer
  /** Its mailbox is to be claimed with it. */
  claim: boolean
}

/*
 * Numbers in the order of acceptance, rows in the order of their keys and ids: two transactions with the same ones wait
 * for each other, and do not lock up. IS TRUE: or the IN is made a join, in a transaction that has hash joins off.
 *
 * claimed: a mailbox that nobody has and in which nothing is pending gets a job as pg-boss's fetch would leave it:
 * active. There is one of those for each at most (job_i3), whoever makes it. None where a job waits (asked for as in
 * LOCK_WAITING): who fetches that one would wait for us, and perhaps we for it. What another process accepts of the same
 * mailbox while this statement runs is not seen: it comes after this one, whatever their numbers.
 */
const INSERT = `
  WITH given AS MATERIALIZED (
    SELECT nextval('${SCHEMA}.delivery_seq_seq') AS seq, accepted.* FROM (
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::int[],
        $9::int[], $11::boolean[])
        WITH ORDINALITY AS rows (id, source, event, key, ordering_key, unreadable, received_at, start, length, claims, ordinal)
      ORDER BY ordinal
    ) AS accepted
  ), claimed AS (
    INSERT INTO ${BOSS_SCHEMA}.job
      (name, policy, singleton_key, state, started_on, heartbeat_on, heartbeat_seconds, keep_until,
        retry_limit, retry_delay, retry_backoff, expire_seconds, deletion_seconds)
    SELECT name, policy, ordering_key, 'active', now, now, heartbeat_seconds, now + retention_seconds * interval '1 second',
      retry_limit, retry_delay, retry_backoff, expire_seconds, deletion_seconds
    FROM given
    CROSS JOIN (SELECT *, ${BOSS_SCHEMA}.job_now() AS now FROM ${BOSS_SCHEMA}.queue WHERE name = '${QUEUE}') AS queue
    WHERE claims
      AND NOT EXISTS (SELECT FROM ${SCHEMA}.delivery WHERE ordering_key = given.ordering_key AND state = 'pending')
      AND NOT EXISTS (SELECT FROM ${BOSS_SCHEMA}.job
        WHERE name = '${QUEUE}' AND singleton_key = given.ordering_key AND state < 'active')
    ORDER BY ordering_key
    ON CONFLICT DO NOTHING RETURNING id, singleton_key, started_on
  ), fresh AS (
    INSERT INTO ${SCHEMA}.delivery
      (seq, id, source, event, key, ordering_key, state, attempts, started_at, received_at, settled_at, error)
    SELECT seq, id, source, event, key, ordering_key, CASE WHEN unreadable IS NULL THEN 'pending' ELSE 'dead' END,
      CASE WHEN begins THEN 1 ELSE 0 END, CASE WHEN begins THEN received_at END,
      received_at, CASE WHEN unreadable IS NOT NULL THEN received_at END, unreadable
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

/** A delivery that is new, or a mailbox that was claimed with its job. */
type InsertedRow =
  | { id: string; job: null; key: null; startedOn: null }
  | { id: null; job: string; key: string; startedOn: Date }

async function insertAll(
  boss: PgBoss,
  client: Connection,
  anew: Connection,
  inserts: Insert[],
): Promise<{ results: InsertResult[]; claims: Claim[] }> {
  // The first of each id: copies in one batch are duplicates.
  const first = new Map<string, Insert>()
  // The first of each mailbox: what comes after another one waits for it.
  const heads = new Map<string, Insert>()
  for (const insert of inserts) {
    if (first.has(insert.delivery.id)) continue
    first.set(insert.delivery.id, insert)
    if (!heads.has(insert.mailbox)) heads.set(insert.mailbox, insert)
  }
  const given = [...first.values()]
  const claiming = given.map(
    insert => insert.claim && insert.delivery.unreadable === undefined && heads.get(insert.mailbox) === insert,
  )
  const bodies = given.map(({ body }) => body)
  const column = (value: (delivery: NewDelivery) => unknown) => given.map(({ delivery }) => value(delivery))
  const { rows } = await client.query<InsertedRow>(INSERT, [
    column(({ id }) => clean(id)),
    column(({ source }) => clean(source)),
    column(({ event }) => clean(event)),
    column(({ key }) => clean(key)),
    given.map(({ mailbox }) => mailbox),
    column(({ unreadable }) => (unreadable === undefined ? null : clean(unreadable))),
    column(({ receivedAt }) => receivedAt),
    starts(bodies),
    bodies.map(({ length }) => length),
    Buffer.concat(bodies),
    claiming,
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
  await wake(boss, client, new Map(queued.map(({ mailbox }) => [mailbox, 0])))
  // Claimed for a delivery that was known already.
  const idle = [...claims].filter(([{ delivery }]) => !fresh.has(clean(delivery.id)))
  if (idle.length > 0) {
    const jobs = idle.map(([, claim]) => claim)
    await boss.deleteJob(QUEUE, jobs, { db: onClient(anew) })
    for (const [insert] of idle) claims.delete(insert)
  }
  return { results, claims: [...claims.values()] }
}

/** Where each begins when they are one after the other; the first is at 1. */
function starts(bodies: Buffer[]): number[] {
  let next = 1
  return bodies.map(({ length }) => {
    const start = next
    next += length
    return start
  })
}

interface Take {
  orderingKey: string
  now: number
  until: Date | null
}

/**
 * The head of each mailbox if it is due, else a parked one that is; nothing for a claim that has had its time. Columns by
 * name: what is planned already fails once `*` means something else, as while a newer version starts beside this one.
 */
const TAKE = `
  WITH next AS (
    SELECT asked.now, head.* FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS asked (ordering_key, now, until)
    CROSS JOIN LATERAL (
      SELECT seq, attempts, started_at FROM (
        (SELECT seq, attempts, started_at, coalesce(next_attempt_at, 0) AS due_at, 1 AS turn FROM ${SCHEMA}.delivery
          WHERE ordering_key = asked.ordering_key AND state = 'pending' ORDER BY seq LIMIT 1)
        UNION ALL
        (SELECT seq, attempts, started_at, next_attempt_at, 2 FROM ${SCHEMA}.delivery
          WHERE ordering_key = asked.ordering_key AND state = 'parked' AND next_attempt_at IS NOT NULL
          ORDER BY next_attempt_at LIMIT 1)
      ) AS first
      WHERE due_at <= asked.now ORDER BY turn LIMIT 1
    ) AS head
    WHERE asked.until IS NULL OR asked.until > ${BOSS_SCHEMA}.job_now()
  ), crashes AS (
    INSERT INTO ${SCHEMA}.history (seq, what, at, attempt, started_at)
    SELECT seq, 'crashed', now, attempts, started_at FROM next WHERE started_at IS NOT NULL
  )
  UPDATE ${SCHEMA}.delivery SET attempts = delivery.attempts + 1, started_at = next.now FROM next
  WHERE delivery.seq = next.seq AND delivery.state IN ('pending', 'parked')
  RETURNING id, source, event, key, ordering_key, received_at, delivery.attempts, state,
    next.started_at IS NOT NULL AS crashed, (SELECT payload FROM ${SCHEMA}.body WHERE body.seq = delivery.seq) AS payload`

async function takeAll(client: Connection, asked: Take[]): Promise<(TakenDelivery | null)[]> {
  const column = (name: keyof Take) => asked.map(take => take[name])
  const { rows } = await client.query<RowWithPayload & { crashed: boolean }>(TAKE, [
    column('orderingKey'),
    column('now'),
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

interface Settle {
  delivery: TakenDelivery
  outcome: Outcome
  now: number
}

/** Only by who made the last attempt: another process may have taken the delivery over. */
const SETTLE = `
  WITH ended AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
      AS ended (id, attempts, state, next_attempt_at, at, error)
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

async function settleAll(boss: PgBoss, client: Connection, settles: Settle[]): Promise<boolean[]> {
  const next = ({ outcome }: Settle) => ('nextAttemptAt' in outcome ? outcome.nextAttemptAt : null)
  const { rows } = await client.query<{ id: string; attempts: number }>(SETTLE, [
    settles.map(({ delivery }) => clean(delivery.id)),
    settles.map(({ delivery }) => delivery.attempts),
    settles.map(({ outcome }) => outcome.state),
    settles.map(next),
    settles.map(({ now }) => now),
    settles.map(({ outcome }) => ('error' in outcome ? clean(outcome.error) : null)),
  ])
  const changed = new Set(rows.map(({ id, attempts }) => `${id} ${attempts}`))
  const results = settles.map(({ delivery }) => changed.has(`${clean(delivery.id)} ${delivery.attempts}`))
  const due = new Map<string, number>()
  for (const [index, settle] of settles.entries()) {
    const at = next(settle)
    if (!results[index] || at === null) continue
    const key = indexable(settle.delivery.orderingKey)
    due.set(key, Math.min(due.get(key) ?? Number.POSITIVE_INFINITY, delaySeconds(at, settle.now)))
  }
  await wake(boss, client, due)
  return results
}

/** When each mailbox is due again; those with nothing left are not in it. */
const DUE_AGAIN = `
  SELECT mailbox.key, first.due_at FROM unnest($1::text[]) AS mailbox (key)
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

/** The ends of drains. What was left, or waits for later, is woken with it: no moment in which nobody has it. */
async function giveBackAll(
  boss: PgBoss,
  client: Connection,
  anew: Connection,
  given: { claim: Claim; now: number }[],
): Promise<boolean[]> {
  const nows = new Map(given.map(({ claim, now }) => [claim.orderingKey, now]))
  const { rows } = await client.query<{ key: string; due_at: string }>(DUE_AGAIN, [[...nows.keys()]])
  const due = new Map(rows.map(row => [row.key, delaySeconds(Number(row.due_at), nows.get(row.key) as number)]))
  await wake(boss, client, due)
  const jobs = given.map(({ claim: { id, retryCount } }) => ({ id, retryCount }))
  // Planned when few waited, it would read all that wait now.
  await boss.deleteJob(QUEUE, jobs, { db: onClient(anew) })
  return given.map(({ claim }) => due.get(claim.orderingKey) === 0)
}

interface HistoryRow {
  what: HistoryEntry['what']
  at: string
  attempt: number | null
  started_at: string | null
  detail: string | null
}

interface DueRow {
  ordering_key: string
  due_at: string
}

const DUE_MAILBOXES = `
  SELECT ordering_key, min(due_at) AS due_at FROM (
    SELECT ordering_key, coalesce(next_attempt_at, 0) AS due_at FROM ${SCHEMA}.delivery WHERE state = 'pending'
    UNION ALL
    SELECT ordering_key, next_attempt_at FROM ${SCHEMA}.delivery WHERE state = 'parked' AND next_attempt_at IS NOT NULL
  ) AS waiting
  WHERE $1::text IS NULL OR ordering_key > $1 GROUP BY ordering_key ORDER BY ordering_key LIMIT $2`

/** A claim is somebody else's while its process keeps it. */
const CLAIM_STEP = `
  INSERT INTO ${SCHEMA}.step (key, owner, until) VALUES ($1, $2, now() + interval '${HEARTBEAT_SECONDS} s')
  ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
  WHERE step.done_at IS NULL AND step.until < now() RETURNING key`
const FIND_STEP = `SELECT result FROM ${SCHEMA}.step WHERE key = $1`
/** Also if the claim has lapsed, and whoever has it now: what is recorded has happened. */
const RECORD_STEP = `
  INSERT INTO ${SCHEMA}.step (key, done_at, result) VALUES ($1, $2, $3)
  ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at, result = excluded.result WHERE step.done_at IS NULL`
const RELEASE_STEP = `DELETE FROM ${SCHEMA}.step WHERE key = $1 AND owner = $2 AND done_at IS NULL`
const KEEP_STEPS = `
  UPDATE ${SCHEMA}.step SET until = now() + interval '${HEARTBEAT_SECONDS} s' WHERE owner = $1 AND done_at IS NULL`

const SELECT_DELIVERY = `SELECT delivery.*, payload FROM ${SCHEMA}.delivery LEFT JOIN ${SCHEMA}.body USING (seq)`
const REPLAY = `
  WITH replayed AS (
    UPDATE ${SCHEMA}.delivery SET state = 'parked', next_attempt_at = 0
    WHERE id = ANY($1::text[]) AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING seq, ordering_key
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at) SELECT seq, 'replayed', $2 FROM replayed)
  SELECT ordering_key FROM replayed`
const DISCARD = `
  WITH discarded AS (
    UPDATE ${SCHEMA}.delivery SET state = 'discarded', next_attempt_at = NULL, settled_at = $2, error = $3
    WHERE id = $1 AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING seq
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at, detail) SELECT seq, 'discarded', $2, $3 FROM discarded)
  SELECT seq FROM discarded`
const FORGET = `
  WITH forgotten AS (
    UPDATE ${SCHEMA}.delivery SET error = NULL, next_attempt_at = NULL, settled_at = $2,
      state = CASE state WHEN 'done' THEN 'done' ELSE 'discarded' END
    WHERE id = ANY($1::text[]) AND started_at IS NULL
      AND EXISTS (SELECT 1 FROM ${SCHEMA}.body WHERE body.seq = delivery.seq) RETURNING seq
  ), bodies AS (DELETE FROM ${SCHEMA}.body WHERE seq IN (SELECT seq FROM forgotten)
  ), words AS (UPDATE ${SCHEMA}.history SET detail = NULL WHERE seq IN (SELECT seq FROM forgotten)
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at) SELECT seq, 'forgotten', $2 FROM forgotten)
  SELECT seq FROM forgotten`
const HISTORY = `
  SELECT history.* FROM ${SCHEMA}.history JOIN ${SCHEMA}.delivery USING (seq) WHERE id = $1 ORDER BY number`
const EXTENT = `SELECT min(seq) AS first, max(seq) AS last FROM ${SCHEMA}.delivery`
const SIZE = `
  SELECT sum(pg_total_relation_size(oid)) AS bytes FROM pg_class
  WHERE relkind = 'r' AND relnamespace IN ('${SCHEMA}'::regnamespace, '${BOSS_SCHEMA}'::regnamespace)`
const PRUNE_SLICE = `
  SELECT max(seq) AS last FROM (SELECT seq FROM ${SCHEMA}.delivery WHERE seq > $1 ORDER BY seq LIMIT $2) AS slice`
const FINISHED = `SELECT seq FROM ${SCHEMA}.delivery
  WHERE seq > $1 AND seq <= $2 AND state IN ('done', 'discarded') AND settled_at < $3`
const PRUNE_PAYLOADS = `DELETE FROM ${SCHEMA}.body WHERE seq IN (${FINISHED})`
const PRUNE_HISTORY = `DELETE FROM ${SCHEMA}.history WHERE seq IN (${FINISHED})`
const PRUNE_KEYS = `DELETE FROM ${SCHEMA}.delivery WHERE seq IN (${FINISHED})`
const PRUNE_STEPS = `
  DELETE FROM ${SCHEMA}.step WHERE key IN (SELECT key FROM ${SCHEMA}.step WHERE done_at < $1 LIMIT $2)`
/** `seq + 0`: or the first pending one would be looked for along all that is done. */
const BACKLOG = `
  SELECT pending.count AS pending, (SELECT received_at FROM ${SCHEMA}.delivery WHERE seq = pending.first) AS oldest,
    (SELECT count(*) FROM ${SCHEMA}.delivery WHERE state = 'parked') AS parked,
    (SELECT count(*) FROM ${SCHEMA}.delivery WHERE state = 'dead') AS dead
  FROM (SELECT count(*), min(seq + 0) AS first FROM ${SCHEMA}.delivery WHERE state = 'pending') AS pending`

/** As a filter meets what is stored. */
function storable(filter: DeliveryFilter): DeliveryFilter {
  const { source, event, orderingKey, text } = filter
  return {
    ...filter,
    ...(source !== undefined && { source: clean(source) }),
    ...(event !== undefined && { event: clean(event) }),
    ...(orderingKey !== undefined && { orderingKey: indexable(orderingKey) }),
    ...(text !== undefined && { text: clean(text) }),
  }
}
