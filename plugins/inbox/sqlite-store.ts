import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import {
  type Backlog,
  DELIVERY_STATES,
  type DeliveryFilter,
  type DeliveryState,
  type InsertResult,
  type NewDelivery,
  type Payload,
  type Store,
  type StoredDelivery,
  type TakenDelivery,
} from './contracts.ts'
import { StoreOpenError } from './errors.ts'
import { redactSecrets } from './redact.ts'
import { KNOWN_IDS_SCHEMA, openKnownIds } from './sqlite-known-ids.ts'

/** "tbwh" in ASCII: tells our files from other programs' (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x74627768
const SCHEMA_VERSION = 1

/*
 * delivery: what is known of each. body: its payload, apart, so that settling writes small pages only. wakeup: when a
 * mailbox that no drain is working on has something due; written in the same transaction as what makes it due, and made
 * anew at start. step: what `once` has claimed or done.
 */
const SCHEMA = `
  CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    event TEXT NOT NULL,
    key TEXT NOT NULL,
    ordering_key TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    started_at INTEGER,
    next_attempt_at INTEGER,
    received_at INTEGER NOT NULL,
    settled_at INTEGER,
    error TEXT
  ) STRICT;
  CREATE TABLE body (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;
  CREATE INDEX delivery_pending ON delivery (ordering_key, seq) WHERE state = 'pending';
  CREATE INDEX delivery_parked ON delivery (ordering_key, next_attempt_at) WHERE state = 'parked';
  CREATE INDEX delivery_dead ON delivery (seq) WHERE state = 'dead';
  CREATE TABLE wakeup (ordering_key TEXT PRIMARY KEY, due_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX wakeup_due ON wakeup (due_at);
  CREATE TABLE step (key TEXT PRIMARY KEY, done_at INTEGER, result TEXT) STRICT, WITHOUT ROWID;
  CREATE INDEX step_done ON step (done_at) WHERE done_at IS NOT NULL;
  ${KNOWN_IDS_SCHEMA}
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** What the in-process scheduler asks beyond the contract. */
export interface SqliteStore extends Store {
  /** At most `limit` mailboxes with something due at `now`, longest due first. */
  dueMailboxes(now: number, limit: number): Promise<string[]>
  /** When a mailbox that nobody drains any more is due again, Unix ms; null: nothing is left in it. */
  dueAt(orderingKey: string): Promise<number | null>
  /** When the first mailbox after `now` is due, Unix ms; null: none waits. */
  nextDueAt(now: number): Promise<number | null>
}

interface DeliveryRow {
  seq: number
  id: string
  source: string
  event: string
  key: string
  ordering_key: string
  state: DeliveryState
  attempts: number
  started_at: number | null
  next_attempt_at: number | null
  received_at: number
  settled_at: number | null
  error: string | null
  payload: Uint8Array | null
}

interface Operation {
  run: () => unknown
  resolve: (result: never) => void
  reject: (error: unknown) => void
  result?: unknown
}

/**
 * Opens (or makes) the store in a file, for one process at a time.
 * @throws {StoreOpenError} that says why the file can't be used and what to do.
 */
export function openSqliteStore(file: string): SqliteStore {
  const lock = lockFile(file)
  let db: DatabaseSync | undefined
  try {
    db = openDatabase(file)
    return createStore(db, lock)
  } catch (error) {
    db?.close()
    lock.close()
    if (error instanceof StoreOpenError) throw error
    throw new StoreOpenError(`${file} can't be opened as a store (${(error as Error).message})`, { cause: error })
  }
}

/**
 * Holds an exclusive transaction on a file beside the store for as long as this process lives: the kernel frees its
 * lock however the process ends, which no pid file can promise.
 */
function lockFile(file: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    makeFolder(dirname(file))
    // Two paths of one file, by a link, must find one lock.
    const real = join(realpathSync(dirname(file)), basename(file))
    lock = new DatabaseSync(`${realOrSame(real)}.lock`, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === 5) {
      throw new StoreOpenError(
        `${file} is in use by another process; stop that one, or give this one a file of its own`,
      )
    }
    throw new StoreOpenError(
      `${file} can't be written (${(error as Error).message}); give a file in a writable folder`,
      {
        cause: error,
      },
    )
  }
}

/** One folder, not those above it: a path that is wrong should not become a tree. */
function makeFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder)
}

function realOrSame(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

function openDatabase(file: string): DatabaseSync {
  // For nobody else to read; the log beside it gets the same rights.
  writeFileSync(file, '', { flag: 'a', mode: 0o600 })
  const db = new DatabaseSync(file, { timeout: 5_000 })
  try {
    const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0]
    const empty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
    if (!empty && pragma('application_id') !== APPLICATION_ID) {
      throw new StoreOpenError(`${file} is another program's database; give a file of its own`)
    }
    if (!empty && pragma('user_version') !== SCHEMA_VERSION) {
      throw new StoreOpenError(
        `${file} has schema version ${pragma('user_version')}, this program knows ${SCHEMA_VERSION}; run the newer program, or give another file`,
      )
    }
    // Measured: pages of 8 KiB cost the fewest writes for bodies of 2 to 3 KB.
    db.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384')
    if (empty) db.exec(`BEGIN; ${SCHEMA} COMMIT`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function createStore(db: DatabaseSync, lock: DatabaseSync): SqliteStore {
  const sql = (text: string) => db.prepare(text)
  const known = openKnownIds(db)
  const begin = sql('BEGIN IMMEDIATE')
  const commit = sql('COMMIT')
  const rollback = sql('ROLLBACK')

  const insertDelivery = sql(`
    INSERT INTO delivery (id, source, event, key, ordering_key, state, attempts, started_at, received_at, settled_at, error)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const insertBody = sql('INSERT INTO body VALUES (?, ?)')
  const isPending = sql(`SELECT 1 FROM delivery WHERE ordering_key = ? AND state = 'pending' LIMIT 1`)
  const head = sql(
    `SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE ordering_key = ? AND state = 'pending' ORDER BY seq LIMIT 1`,
  )
  const firstParked = sql(`
    SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE ordering_key = ? AND state = 'parked' AND next_attempt_at IS NOT NULL
    ORDER BY next_attempt_at LIMIT 1`)
  const startAttempt = sql('UPDATE delivery SET attempts = attempts + 1, started_at = ? WHERE seq = ?')
  const settleAttempt = sql(`
    UPDATE delivery SET state = ?, started_at = NULL, next_attempt_at = ?, settled_at = ?, error = ?
    WHERE seq = ? AND attempts = ? AND started_at IS NOT NULL`)

  const wakeNow = sql('INSERT INTO wakeup VALUES (?, ?) ON CONFLICT DO NOTHING')
  const wakeAt = sql('INSERT INTO wakeup VALUES (?, ?) ON CONFLICT DO UPDATE SET due_at = min(due_at, excluded.due_at)')
  const setWakeup = sql('INSERT INTO wakeup VALUES (?, ?) ON CONFLICT DO UPDATE SET due_at = excluded.due_at')
  const forgetWakeup = sql('DELETE FROM wakeup WHERE ordering_key = ?')
  const due = sql('SELECT ordering_key FROM wakeup WHERE due_at <= ? ORDER BY due_at LIMIT ?')
  const mailboxDue = sql('SELECT due_at FROM wakeup WHERE ordering_key = ?')
  const firstDue = sql('SELECT min(due_at) AS at FROM wakeup WHERE due_at > ?')

  const findStep = sql('SELECT done_at, result FROM step WHERE key = ?')
  const claimStep = sql('INSERT INTO step (key) VALUES (?)')
  const recordStep = sql('UPDATE step SET done_at = ?, result = ? WHERE key = ?')
  const releaseStep = sql('DELETE FROM step WHERE key = ? AND done_at IS NULL')

  const getDelivery = sql('SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE seq = ?')
  const replayDelivery = sql(`
    UPDATE delivery SET state = 'parked', next_attempt_at = ?
    WHERE seq = ? AND state IN ('parked', 'dead') AND started_at IS NULL RETURNING ordering_key`)
  const discardDelivery = sql(`
    UPDATE delivery SET state = 'discarded', next_attempt_at = NULL, settled_at = ?, error = ?
    WHERE seq = ? AND state IN ('parked', 'dead') AND started_at IS NULL`)
  const pruneSlice = sql(`
    SELECT max(seq) AS last, max(received_at) AS received_at
    FROM (SELECT seq, received_at FROM delivery WHERE seq > ? ORDER BY seq LIMIT ?)`)
  const finishedBetween = `SELECT seq FROM delivery
    WHERE seq > ? AND seq <= ? AND state IN ('done', 'discarded') AND settled_at < ?`
  const prunePayloads = sql(`DELETE FROM body WHERE seq IN (${finishedBetween})`)
  const pruneKeys = sql(`DELETE FROM delivery WHERE seq IN (${finishedBetween}) RETURNING id`)
  const pruneSteps = sql('DELETE FROM step WHERE key IN (SELECT key FROM step WHERE done_at < ? LIMIT ?)')
  const countPending = sql(`
    SELECT count(*) AS count, (
      SELECT received_at FROM delivery WHERE seq = (SELECT min(seq) FROM delivery WHERE state = 'pending')
    ) AS oldest
    FROM delivery WHERE state = 'pending'`)
  const countParked = sql(`SELECT count(*) AS count FROM delivery WHERE state = 'parked'`)
  const countDead = sql(`SELECT count(*) AS count FROM delivery WHERE state = 'dead'`)

  const touch = sql(`PRAGMA user_version = ${SCHEMA_VERSION}`)

  // What a process left behind that died: its claims are nobody's now, and what was pending is due.
  db.exec(`
    BEGIN;
    DELETE FROM step WHERE done_at IS NULL;
    DELETE FROM wakeup;
    INSERT INTO wakeup
      SELECT ordering_key, min(due_at) FROM (
        SELECT ordering_key, coalesce(next_attempt_at, 0) AS due_at, min(seq) FROM delivery
          WHERE state = 'pending' GROUP BY ordering_key
        UNION ALL
        SELECT ordering_key, next_attempt_at, seq FROM delivery
          WHERE state = 'parked' AND next_attempt_at IS NOT NULL
      ) GROUP BY ordering_key;
    COMMIT`)

  let waiting: Operation[] = []

  /** Queues an operation for the commit at the end of this turn of the event loop. */
  function write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (waiting.push({ run, resolve, reject }) === 1) setImmediate(flush)
    })
  }

  function flush(): void {
    const operations = waiting
    waiting = []
    known.begin()
    try {
      begin.run()
      for (const operation of operations) operation.result = operation.run()
      known.move()
      commit.run()
      known.committed()
    } catch (error) {
      known.rolledBack()
      for (const operation of operations) operation.reject(error)
      // After some errors (a full disk, say) SQLite has rolled back by itself.
      if (db.isOpen && db.isTransaction) rollback.run()
      return
    }
    for (const operation of operations) operation.resolve(operation.result as never)
  }

  return {
    insert(delivery, claim) {
      const body = delivery.body ?? redactedJson(delivery.payload)
      return write(() => insert(delivery, body, claim))
    },

    take: (orderingKey, now) => write(() => take(orderingKey, now)),

    settle: (delivery, outcome, now) =>
      write(() => {
        const next = 'nextAttemptAt' in outcome ? outcome.nextAttemptAt : null
        const error = 'error' in outcome ? outcome.error : null
        const settled = settleAttempt.run(outcome.state, next, now, error, seqOf(delivery.id), delivery.attempts)
        if (settled.changes === 0) return false
        if (next !== null) wakeAt.run(delivery.orderingKey, next)
        return true
      }),

    claimStep: key =>
      write(() => {
        const step = findStep.get(key) as { done_at: number | null; result: string } | undefined
        if (step === undefined) {
          claimStep.run(key)
          return 'claimed'
        }
        return step.done_at === null ? 'busy' : { result: JSON.parse(step.result) }
      }),
    async recordStep(key, result, now) {
      const json = JSON.stringify(result ?? null)
      await write(() => recordStep.run(now, json, key))
    },
    async releaseStep(key) {
      await write(() => releaseStep.run(key))
    },

    async get(id) {
      const row = getDelivery.get(seqOf(id)) as DeliveryRow | undefined
      return row === undefined ? null : storedDelivery(row)
    },

    async list(filter, limit, after = 0) {
      const { where, values } = conditions(filter)
      const rows = sql(
        `SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE seq > ?${where} ORDER BY seq LIMIT ?`,
      ).all(after, ...values, limit)
      return (rows as unknown as DeliveryRow[]).map(storedDelivery)
    },

    replay: (ids, now) =>
      write(() => {
        const changed = new Set<string>()
        for (const id of ids) {
          const row = replayDelivery.get(now, seqOf(id)) as { ordering_key: string } | undefined
          if (row !== undefined) changed.add(row.ordering_key)
        }
        for (const orderingKey of changed) wakeAt.run(orderingKey, now)
        return [...changed]
      }),

    discard: (id, reason, now) => write(() => discardDelivery.run(now, reason, seqOf(id)).changes === 1),

    async prune({ payloadsBefore, keysBefore }, after, limit) {
      return write(() => {
        pruneSteps.run(keysBefore, limit)
        const slice = pruneSlice.get(after, limit) as { last: number | null; received_at: number }
        if (slice.last === null) return null
        prunePayloads.run(after, slice.last, payloadsBefore)
        for (const { id } of pruneKeys.all(after, slice.last, keysBefore)) known.remove(id as string)
        // Accepted later than that is settled later than that: nothing further on can be old enough.
        return slice.received_at < payloadsBefore ? slice.last : null
      })
    },

    async backlog() {
      const pending = countPending.get() as { count: number; oldest: number | null }
      const parked = countParked.get() as { count: number }
      const dead = countDead.get() as { count: number }
      return {
        pending: pending.count,
        parked: parked.count,
        dead: dead.count,
        oldestPendingAt: pending.oldest,
      } satisfies Backlog
    },

    async checkWritable() {
      await write(() => touch.run())
    },

    async dueMailboxes(now, limit) {
      return (due.all(now, limit) as { ordering_key: string }[]).map(row => row.ordering_key)
    },
    async dueAt(orderingKey) {
      return (mailboxDue.get(orderingKey)?.due_at as number | undefined) ?? null
    },
    async nextDueAt(now) {
      return (firstDue.get(now) as { at: number | null }).at
    },

    async close() {
      if (waiting.length > 0) flush()
      db.close()
      lock.close()
    },
  }

  function insert(delivery: NewDelivery, body: Buffer, claim: boolean): InsertResult {
    const { id, source, event, key, orderingKey, receivedAt, unreadable } = delivery
    if (known.find(id) !== undefined) return 'duplicate'
    const dead = unreadable !== undefined
    const claimed = claim && !dead && isPending.get(orderingKey) === undefined
    const state: DeliveryState = dead ? 'dead' : 'pending'
    const inserted = insertDelivery.run(
      id,
      source,
      event,
      key,
      orderingKey,
      state,
      claimed ? 1 : 0,
      claimed ? receivedAt : null,
      receivedAt,
      dead ? receivedAt : null,
      unreadable ?? null,
    )
    insertBody.run(inserted.lastInsertRowid, body)
    known.add(id, Number(inserted.lastInsertRowid))
    if (claimed) return 'claimed'
    if (dead) return 'dead'
    // A mailbox that waits for a retry keeps its later time.
    wakeNow.run(orderingKey, receivedAt)
    return 'queued'
  }

  function seqOf(id: string): number | null {
    return known.find(id) ?? null
  }

  function take(orderingKey: string, now: number): TakenDelivery | null {
    const pending = head.get(orderingKey) as DeliveryRow | undefined
    const parked = firstParked.get(orderingKey) as DeliveryRow | undefined
    const next = [pending, parked].find(row => row !== undefined && (row.next_attempt_at ?? 0) <= now)
    if (next === undefined) {
      const dueAt = Math.min(pending?.next_attempt_at ?? Infinity, parked?.next_attempt_at ?? Infinity)
      if (dueAt === Infinity) forgetWakeup.run(orderingKey)
      else setWakeup.run(orderingKey, dueAt)
      return null
    }
    forgetWakeup.run(orderingKey)
    startAttempt.run(now, next.seq)
    return {
      id: next.id,
      source: next.source,
      event: next.event,
      key: next.key,
      orderingKey: next.ordering_key,
      payload: parse(next.payload as Uint8Array),
      receivedAt: next.received_at,
      attempts: next.attempts + 1,
      state: next.state as 'pending' | 'parked',
      crashed: next.started_at !== null,
    }
  }
}

/** The SQL of a filter. States are written out, or SQLite would not see that a partial index fits. */
function conditions(filter: DeliveryFilter): { where: string; values: SQLInputValue[] } {
  const columns = { source: filter.source, event: filter.event, ordering_key: filter.orderingKey }
  const given = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined)
  if (filter.state !== undefined && !DELIVERY_STATES.includes(filter.state)) {
    throw new TypeError(`state is one of ${DELIVERY_STATES.join(', ')}, not ${filter.state}`)
  }
  const state = filter.state === undefined ? '' : ` AND state = '${filter.state}'`
  return {
    where: state + given.map(([column]) => ` AND ${column} = ?`).join(''),
    values: given.map(([, value]) => value),
  }
}

function storedDelivery(row: DeliveryRow): StoredDelivery {
  return {
    seq: row.seq,
    id: row.id,
    source: row.source,
    event: row.event,
    key: row.key,
    orderingKey: row.ordering_key,
    payload: row.payload === null ? null : parse(row.payload),
    state: row.state,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    receivedAt: row.received_at,
    settledAt: row.settled_at,
    error: row.error,
  }
}

function redactedJson(payload: Payload): Buffer {
  const json = Buffer.from(JSON.stringify(payload))
  redactSecrets(json)
  return json
}

function parse(payload: Uint8Array): Payload {
  return JSON.parse(new TextDecoder().decode(payload)) as Payload
}
