import pg from 'pg'
import type { Db, PgBoss } from 'pg-boss'
import { batched } from '../batches.ts'
import {
  type Clock,
  type Commit,
  type DeliveryFilter,
  type HistoryEntry,
  type Logger,
  type Store,
  systemClock,
} from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import {
  conditionsOf,
  type DeliveryRow,
  listedDelivery,
  numberOrNull,
  type RowWithPayload,
  redactedJson,
  storedDelivery,
} from '../rows.ts'
import type { HistoryInFile, StepRow } from '../sqlite/reader.ts'
import { BEGIN_BY_INDEX, isPooled, listen, onceUp, readPostgresUrl } from './connection.ts'
import { readBacklog, readExtent, readSize } from './counts.ts'
import { importDeliveries, importInstallationId, importSteps, prepareImport } from './import.ts'
import { buildIndexes, missingIndexes } from './indexes.ts'
import { type Insert, insertAll } from './insert.ts'
import { pruneStep } from './prune.ts'
import {
  CHANNEL,
  type Claim,
  createBoss,
  dueOf,
  joinBoss,
  QUEUE,
  startBoss,
  untilAfter,
  wake,
  wakeAll,
} from './queue.ts'
import { BOSS_SCHEMA, openSchema, SCHEMA, type SchemaMode } from './schema.ts'
import { createSteps } from './steps.ts'
import { clean, indexable } from './text.ts'
import { NOW_MS } from './time.ts'
import { asItIs, byName, type Connection, isOfOne, transaction } from './transaction.ts'
import { giveBackAll, type Settle, settleAll, type Take, takeAll } from './turns.ts'

export type { Claim } from './queue.ts'

/** Acceptance numbers that one look of `browse` goes over. */
const BROWSED = 10_000

/** Deliveries accepted in one commit, from which on accepting is under pressure. */
const PRESSED = 16
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
  /** Gives a claim back, and makes the mailbox wait for when it is due again. Whether it is already. */
  giveBack(claim: Claim): Promise<boolean>
  /** Makes every mailbox wait that has something to be handled. */
  wakeAll(): Promise<void>
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
  /** What may be done to the schema. Default `upgrade`: as a server does. */
  schema?: SchemaMode
  /** The process's time. */
  clock?: Pick<Clock, 'now'>
}

/**
 * Opens (or makes) the store in a database.
 * @throws {StoreOpenError} that says why the database can't be used and what to do
 */
export async function openPostgresStore(
  url: string,
  log: Logger,
  options: PostgresStoreOptions = {},
): Promise<PostgresStore> {
  const config = readPostgresUrl(url)
  const pool = openPool(config)
  let boss: PgBoss | undefined
  try {
    return await onceUp(url, log, options.waits ?? true, async () => {
      const serves = await transaction(pool, client => openSchema(client, options.schema ?? 'upgrade'))
      boss ??= createBoss(pool, log, serves)
      await (serves ? startBoss(boss) : joinBoss(boss))
      const [pooled, missing] = await transaction(pool, async client => [
        await isPooled(client),
        serves ? await missingIndexes(client) : [],
      ])
      const stopBuilding = missing.length === 0 ? async () => {} : buildIndexes(config, log, missing)
      return createStore(config, pool, boss, pooled ? asItIs : byName, stopBuilding, options)
    })
  } catch (error) {
    await boss?.stop({ graceful: false })
    await pool.end()
    throw error
  }
}

function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  // A connection that breaks fails its statement; without listeners it would end the process too.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

async function reported<T>(
  onCommit: (commit: Commit) => void,
  operations: number,
  commit: () => Promise<T>,
): Promise<T> {
  const begunAt = performance.now()
  try {
    const result = await commit()
    onCommit({ operations, ms: performance.now() - begunAt, ok: true })
    return result
  } catch (error) {
    // It works, and refuses one of them.
    if (!isOfOne(error)) onCommit({ operations, ms: performance.now() - begunAt, ok: false })
    throw error
  }
}

function createStore(
  config: pg.ClientConfig,
  pool: pg.Pool,
  boss: PgBoss,
  planned: (client: pg.ClientBase) => Connection,
  stopBuilding: () => Promise<void>,
  { onCommit = () => {}, clock = systemClock }: PostgresStoreOptions,
): PostgresStore {
  const { releaseSteps, ...steps } = createSteps(pool)
  const bounds = new Map<string, Date>()
  /** By mailbox: the claims of inserts that nobody has asked for yet. */
  const claimed = new Map<string, Claim>()
  const closing = new AbortController()
  let stopListening = async () => {}

  const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows
  /** Also one statement: the defaults of its own transaction would be the database's. */
  const write = (text: string, values: unknown[] = []) => transaction(pool, client => client.query(text, values))

  /** For what is done for each delivery. */
  const often = <T>(run: (client: Connection, anew: Connection) => Promise<T>) =>
    transaction(pool, client => run(planned(client), client), BEGIN_BY_INDEX)

  const inserts = batched(
    (deliveries: Insert[]) =>
      reported(onCommit, deliveries.length, async () => {
        const { results, claims } = await often((client, anew) => insertAll(boss, client, anew, deliveries))
        for (const claim of claims) claimed.set(claim.orderingKey, claim)
        return results
      }),
    { isOfOne },
  )
  const takes = batched((asked: Take[]) => often(client => takeAll(client, asked)), { isOfOne })
  const settles = batched(
    (settled: Settle[]) => reported(onCommit, settled.length, () => often(client => settleAll(boss, client, settled))),
    { isOfOne },
  )
  const givenBack = batched((claims: Claim[]) => often((client, anew) => giveBackAll(boss, client, anew, claims)), {
    isOfOne,
  })

  return {
    ...steps,
    async insert(delivery, claim) {
      const body = delivery.body ?? redactedJson(delivery.payload)
      return inserts.add({ delivery, mailbox: indexable(delivery.orderingKey), body, claim })
    },
    async take(orderingKey) {
      const key = indexable(orderingKey)
      return takes.add({ orderingKey: key, until: bounds.get(key) ?? null })
    },
    settle: (delivery, outcome, now) => settles.add({ delivery, outcome, now, ago: clock.now() - now }),

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
      const extent = await readExtent(pool)
      if (extent === null) return { deliveries: [], next: null }
      const { first, last } = extent
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
    replay: ids =>
      transaction(pool, async client => {
        const replayed = await client.query<{ ordering_key: string }>(REPLAY, [ids.map(clean)])
        const changed = new Map(replayed.rows.map(row => [row.ordering_key, 0]))
        await wake(boss, client, changed)
        return [...changed.keys()]
      }),
    async discard(id, reason) {
      const discarded = await write(DISCARD, [clean(id), clean(reason)])
      return discarded.rowCount === 1
    },
    async forget(ids) {
      const forgotten = await write(FORGET, [ids.map(clean)])
      return forgotten.rowCount as number
    },
    prune({ payloadsBefore, keysBefore }, after, limit) {
      const ages = { payloads: clock.now() - payloadsBefore, keys: clock.now() - keysBefore }
      return transaction(pool, client => pruneStep(client, ages, after, limit))
    },
    async installationId() {
      const [row] = await rows<{ id: string }>(`SELECT id FROM ${SCHEMA}.installation`).catch(explainMissing)
      return row?.id as string
    },
    async setInstallationId(id) {
      await write(`UPDATE ${SCHEMA}.installation SET id = $1`, [id])
    },
    backlog: () => readBacklog(pool),
    size: () => readSize(pool),
    async checkWritable() {
      await write(`UPDATE ${SCHEMA}.version SET version = version`)
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
    giveBack: claim => givenBack.add(claim),
    wakeAll: () => wakeAll(boss, pool),
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
      await Promise.all([stopListening(), stopBuilding()])
      await Promise.all([inserts, takes, settles, givenBack].map(batches => batches.ended()))
      // Who stops in order gives its claims back at once.
      await releaseSteps().catch(() => {})
      await boss.stop({ graceful: false })
      await pool.end()
    },
  }
}
interface HistoryRow {
  what: HistoryEntry['what']
  at: string
  attempt: number | null
  started_at: string | null
  detail: string | null
}

const SELECT_DELIVERY = `SELECT delivery.*, payload FROM ${SCHEMA}.delivery LEFT JOIN ${SCHEMA}.body USING (seq)`
const REPLAY = `
  WITH replayed AS (
    UPDATE ${SCHEMA}.delivery SET state = 'parked', next_attempt_at = 0
    WHERE id = ANY($1::text[]) AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING seq, ordering_key
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at) SELECT seq, 'replayed', ${NOW_MS} FROM replayed)
  SELECT ordering_key FROM replayed`
const DISCARD = `
  WITH discarded AS (
    UPDATE ${SCHEMA}.delivery SET state = 'discarded', next_attempt_at = NULL, settled_at = ${NOW_MS}, error = $2
    WHERE id = $1 AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING seq
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at, detail) SELECT seq, 'discarded', ${NOW_MS}, $2 FROM discarded)
  SELECT seq FROM discarded`
const FORGET = `
  WITH forgotten AS (
    UPDATE ${SCHEMA}.delivery SET error = NULL, next_attempt_at = NULL, settled_at = ${NOW_MS},
      state = CASE state WHEN 'done' THEN 'done' ELSE 'discarded' END
    WHERE id = ANY($1::text[]) AND started_at IS NULL
      AND EXISTS (SELECT 1 FROM ${SCHEMA}.body WHERE body.seq = delivery.seq) RETURNING seq
  ), bodies AS (DELETE FROM ${SCHEMA}.body WHERE seq IN (SELECT seq FROM forgotten)
  ), words AS (UPDATE ${SCHEMA}.history SET detail = NULL WHERE seq IN (SELECT seq FROM forgotten)
  ), noted AS (INSERT INTO ${SCHEMA}.history (seq, what, at) SELECT seq, 'forgotten', ${NOW_MS} FROM forgotten)
  SELECT seq FROM forgotten`
const HISTORY = `
  SELECT history.* FROM ${SCHEMA}.history JOIN ${SCHEMA}.delivery USING (seq) WHERE id = $1 ORDER BY number`
const UNDEFINED_TABLE = '42P01'

/** A command finds the schema as an older server has left it, perhaps. */
function explainMissing(error: { code?: string }): never {
  if (error.code !== UNDEFINED_TABLE) throw error
  throw new StoreOpenError(
    `the schema ${SCHEMA} has no installation id yet: start a server of this version, which adds it`,
    { cause: error },
  )
}

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
