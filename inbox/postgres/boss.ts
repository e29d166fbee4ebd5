import type pg from 'pg'
import { type Db, PgBoss, type Queue } from 'pg-boss'
import type { Logger } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { onceInTenSeconds } from '../store-retry.ts'
import { BEGIN } from './connection.ts'
import { HEARTBEAT_SECONDS, QUEUE } from './queue.ts'
import { BOSS_SCHEMA } from './schema.ts'
import { transaction } from './transaction.ts'

/** Starts pg-boss. Its queue of mailboxes is in queue.ts. */

/** pg-boss deletes jobs that wait longer; only we decide what to delete. Ten years, s. */
const RETENTION_SECONDS = 10 * 365 * 24 * 60 * 60
const SETTINGS: Omit<Queue, 'name' | 'policy' | 'partition'> = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  retentionSeconds: RETENTION_SECONDS,
  retryLimit: 2 ** 31 - 1,
  // A mailbox whose process died is fetched again at once. With a delay it would wait in the state `retry`, of which a
  // `stately` queue has one per key: a second job of the mailbox that fails meanwhile (inserted and claimed next to it)
  // would fail for good whatever its retryLimit, and nobody would drain its mailbox.
  retryDelay: 0,
  expireInSeconds: 24 * 60 * 60 - 1,
}

/** @param serves false: pg-boss changes neither its schema nor its jobs on its own */
export function createBoss(pool: pg.Pool, log: Logger, serves: boolean): PgBoss {
  const boss = new PgBoss({
    db: inTransactions(pool),
    schema: BOSS_SCHEMA,
    createSchema: false,
    migrate: serves,
    supervise: serves,
    schedule: false,
    registerInstance: false,
    // Another process gets the mailbox of one that died within some 12 s; with pg-boss's defaults, after minutes.
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
  })
  // pg-boss reports an error every second while the database is down.
  const isTime = onceInTenSeconds()
  boss.on('error', error => {
    if (isTime(performance.now())) log.warn(`pg-boss: ${error.message}`)
  })
  return boss
}

/** Starts pg-boss, and creates its queue or updates its settings: `createQueue` doesn't change an existing one. */
export async function startBoss(boss: PgBoss): Promise<void> {
  await boss.start()
  await boss.createQueue(QUEUE, { policy: 'stately', ...SETTINGS })
  await boss.updateQueue(QUEUE, SETTINGS)
}

/**
 * Uses pg-boss's schema as it is. Another version's functions differ from what this pg-boss expects, so with it, waking
 * mailboxes is refused.
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
 * The pool as pg-boss sees it: its own statements run in transactions like ours. Its BEGIN is replaced by ours; CREATE
 * INDEX CONCURRENTLY can't run in a transaction.
 */
export function inTransactions(pool: pg.Pool): Db {
  return {
    executeSql(text, values) {
      if (OWN_BEGIN.test(text)) return pool.query(text.replace(OWN_BEGIN, BEGIN), values)
      if (/\bCONCURRENTLY\b/i.test(text)) return pool.query(text, values)
      return transaction(pool, client => client.query(text, values))
    },
  }
}

const OWN_BEGIN = /^\s*BEGIN\b/i
