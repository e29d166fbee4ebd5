import type pg from 'pg'
import { type Db, PgBoss, type Queue } from 'pg-boss'
import type { Logger } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { onceInTenSeconds } from '../store-trouble.ts'
import { BEGIN } from './connection.ts'
import { HEARTBEAT_SECONDS, QUEUE } from './queue.ts'
import { BOSS_SCHEMA } from './schema.ts'
import { transaction } from './transaction.ts'

/** Starts pg-boss, whose queue of mailboxes is in queue.ts. */

/** pg-boss drops what waits longer; what waits is ours to drop. Ten years, s. */
const RETENTION_SECONDS = 10 * 365 * 24 * 60 * 60
const SETTINGS: Omit<Queue, 'name' | 'policy' | 'partition'> = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  retentionSeconds: RETENTION_SECONDS,
  retryLimit: 2 ** 31 - 1,
  // A mailbox whose process has died is fetched again at once. With a delay it would wait in the state `retry`, of which a
  // `stately` queue has one for each key: a second job of the mailbox that fails meanwhile, having been inserted and
  // claimed beside it, is failed for good whatever its retryLimit is, and nobody drains what it stood for.
  retryDelay: 0,
  expireInSeconds: 24 * 60 * 60 - 1,
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
 * pg-boss's view of the pool, for what it does by itself, in transactions like ours. What it begins with a BEGIN of its own
 * has ours instead; an index that is built CONCURRENTLY can't be in one.
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
