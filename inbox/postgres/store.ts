import pg from 'pg'
import type { PgBoss } from 'pg-boss'
import { type Clock, type Commit, type Logger, type Store, systemClock } from '../contracts.ts'
import type { RowWithPayload } from '../rows.ts'
import type { HistoryInFile, ScheduledInFile, StepRow } from '../sqlite/reader.ts'
import { createBoss, joinBoss, startBoss } from './boss.ts'
import { isPooled, listen, onceUp, readPostgresUrl } from './connection.ts'
import { type ClaimedMailboxes, createDeliveries } from './deliveries.ts'
import { importDeliveries, importInstallationId, importSteps, prepareImport } from './import.ts'
import { buildIndexes, missingIndexes } from './indexes.ts'
import { createInstallation } from './installation.ts'
import { createOperatorActions } from './operator-actions.ts'
import { pruneStep } from './prune.ts'
import { createQuarantine } from './quarantine.ts'
import { createQueries } from './queries.ts'
import { CHANNEL, type Claim, dueOf, fetchClaims, renewClaims, wake, wakeAll, wakeForgotten } from './queue.ts'
import { createReplayJob } from './replay-job.ts'
import { createScheduled, importScheduled } from './scheduled.ts'
import { openSchema, type SchemaMode } from './schema.ts'
import { createSteps } from './steps.ts'
import { type Connection, prepared, transaction, unprepared } from './transaction.ts'

export type { Claim } from './queue.ts'

/** What the scheduler and `migrate-store` need beyond the contract. */
export interface PostgresStore extends Store, ClaimedMailboxes {
  /** Claims at most `limit` due mailboxes, for as long as the claims are renewed. */
  claimMailboxes(limit: number): Promise<Claim[]>
  /**
   * Renews claims (the heartbeat). Returns those that are still ours, with their new `until`; the others have lapsed.
   */
  renewClaims(claims: readonly Claim[]): Promise<Claim[]>
  /** Queues every mailbox that has something to handle. */
  wakeAll(): Promise<void>
  /** Queues mailboxes that an older instance has put off: see queue.ts. */
  wakeForgotten(): Promise<void>
  /** Prepares for the imports below. */
  prepareImport(): Promise<void>
  /**
   * Imports deliveries of a SQLite store, in order and after all that is here, and queues their mailboxes. Existing
   * ones are not changed, unless they were finished there. Returns the new ones.
   */
  importDeliveries(
    rows: readonly RowWithPayload[],
    history: readonly HistoryInFile[],
    now: number,
  ): Promise<RowWithPayload[]>
  /** Takes over the installation id of a SQLite store, the first time. */
  importInstallationId(id: string): Promise<void>
  /** Imports the finished steps of a SQLite store. Returns how many were new. */
  importSteps(rows: readonly StepRow[]): Promise<number>
  /** Imports the scheduled deliveries of a SQLite store. Returns how many were new. */
  importScheduled(rows: readonly ScheduledInFile[]): Promise<number>
  /** Renews the claims of running steps. */
  renewSteps(): Promise<void>
  /** Calls back when any process has made a mailbox due. */
  onDue(callback: () => void): void
  /** Fires when the store begins to close. */
  closed: AbortSignal
}

export interface PostgresStoreOptions {
  /** Called after every commit. */
  onCommit?: (commit: Commit) => void
  /** Whether to wait for a server that is not up yet. Default true. */
  waits?: boolean
  /** What may be done to the schema. Default `upgrade`. */
  schema?: SchemaMode
  /** This process's clock. */
  clock?: Pick<Clock, 'now'>
}

/**
 * Opens or creates the store in a database.
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
      const stopBuilding = missing.length === 0 ? async () => {} : buildIndexes(config, log, missing).stop
      return createStore({ config, pool, boss, prepare: pooled ? unprepared : prepared, stopBuilding }, options)
    })
  } catch (error) {
    await boss?.stop({ graceful: false })
    await pool.end()
    throw error
  }
}

function openPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  // A broken connection rejects its statement; without listeners it would also crash the process.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

interface Opened {
  config: pg.ClientConfig
  pool: pg.Pool
  boss: PgBoss
  prepare: (client: pg.ClientBase) => Connection
  /** Cancels the building of missing indexes. */
  stopBuilding: () => Promise<void>
}

function createStore(
  { config, pool, boss, prepare, stopBuilding }: Opened,
  { onCommit = () => {}, clock = systemClock }: PostgresStoreOptions,
): PostgresStore {
  const { ended, ...deliveries } = createDeliveries({ pool, boss, prepare, onCommit, clock })
  const { releaseSteps, ...steps } = createSteps(pool)
  const closing = new AbortController()
  let stopListening = async () => {}

  return {
    ...deliveries,
    ...steps,
    ...createScheduled(pool, boss, clock),
    ...createQueries(pool),
    ...createOperatorActions(pool, boss),
    ...createReplayJob(pool, boss),
    ...createInstallation(pool),
    quarantine: createQuarantine(pool, clock),
    ...createImport(pool, boss),
    prune({ payloadsBefore, keysBefore }, after, limit) {
      const ages = { payloads: clock.now() - payloadsBefore, keys: clock.now() - keysBefore }
      return transaction(pool, client => pruneStep(client, ages, after, limit))
    },

    claimMailboxes: limit => transaction(pool, client => fetchClaims(boss, client, limit)),
    renewClaims: claims => renewClaims(boss, pool, claims),
    wakeAll: () => wakeAll(boss, pool),
    wakeForgotten: () => wakeForgotten(boss, pool),
    onDue(callback) {
      stopListening = listen(config, CHANNEL, callback)
    },

    closed: closing.signal,
    async close() {
      closing.abort()
      await Promise.all([stopListening(), stopBuilding()])
      await ended()
      // An orderly stop releases its claims at once.
      await releaseSteps().catch(() => {})
      await boss.stop({ graceful: false })
      await pool.end()
    },
  }
}

function createImport(
  pool: pg.Pool,
  boss: PgBoss,
): Pick<
  PostgresStore,
  'prepareImport' | 'importDeliveries' | 'importInstallationId' | 'importSteps' | 'importScheduled'
> {
  return {
    prepareImport: () => transaction(pool, prepareImport),
    importDeliveries: (given, history, now) =>
      transaction(pool, async client => {
        const fresh = await importDeliveries(client, given, history)
        await wake(boss, client, dueOf(fresh, now))
        return fresh
      }),
    importInstallationId: id => transaction(pool, client => importInstallationId(client, id)),
    importScheduled: given => transaction(pool, client => importScheduled(client, given)),
    importSteps: given => transaction(pool, client => importSteps(client, given)),
  }
}
