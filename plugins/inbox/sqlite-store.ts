import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type {
  Backlog,
  Commit,
  DeliveryState,
  HistoryEntry,
  InsertResult,
  NewDelivery,
  Store,
  TakenDelivery,
} from './contracts.ts'
import { StoreOpenError } from './errors.ts'
import {
  conditionsOf,
  type DeliveryRow,
  listedDelivery,
  parsePayload,
  type RowWithPayload,
  redactedJson,
  storedDelivery,
} from './rows.ts'
import { lockFile, openDatabase, SCHEMA_VERSION } from './sqlite-file.ts'
import { openKnownIds } from './sqlite-known-ids.ts'

/** Acceptance numbers that one look of `browse` goes over: some 5 ms. */
const BROWSED = 10_000
/** How often it is looked whether another process has changed the file, ms. */
const WATCH_INTERVAL = 500

/** What the in-process scheduler asks beyond the contract. */
export interface SqliteStore extends Store {
  /** At most `limit` mailboxes with something due at `now`, longest due first. */
  dueMailboxes(now: number, limit: number): Promise<string[]>
  /** When a mailbox that nobody drains any more is due again, Unix ms; null: nothing is left in it. */
  dueAt(orderingKey: string): Promise<number | null>
  /** When the first mailbox after `now` is due, Unix ms; null: none waits. */
  nextDueAt(now: number): Promise<number | null>
  /** Calls back within a second after another process (a command) has changed the file. */
  onChange(callback: () => void): void
}

export interface SqliteStoreOptions {
  /** Told of every commit. */
  onCommit?: (commit: Commit) => void
  /**
   * Beside the server, or without one: for a command that looks, replays or discards. Takes no lock, wakes nothing up
   * and must insert nothing; the file must exist.
   */
  aside?: boolean
}

/** As SQLite gives it: 64-bit integers as numbers. */
type InFile = RowWithPayload & {
  seq: number
  started_at: number | null
  next_attempt_at: number | null
  received_at: number
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
export function openSqliteStore(file: string, options: SqliteStoreOptions = {}): SqliteStore {
  if (options.aside && !existsSync(file)) throw new StoreOpenError(`${file} does not exist; name the server's own file`)
  const lock = options.aside ? undefined : lockFile(file)
  let db: DatabaseSync | undefined
  try {
    db = openDatabase(file)
    if (!options.aside) takeOver(db)
    // What a person wants forgotten is overwritten, and not only unlinked.
    else db.exec('PRAGMA secure_delete = ON')
    return createStore(db, lock, options)
  } catch (error) {
    db?.close()
    lock?.close()
    if (error instanceof StoreOpenError) throw error
    throw new StoreOpenError(`${file} can't be opened as a store (${(error as Error).message})`, { cause: error })
  }
}

/** What a process left behind that died: its claims are nobody's now, and what was pending is due. */
function takeOver(db: DatabaseSync): void {
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
}

function createStore(
  db: DatabaseSync,
  lock: DatabaseSync | undefined,
  { onCommit, aside }: SqliteStoreOptions,
): SqliteStore {
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

  const insertHistory = sql(`
    INSERT INTO history SELECT seq, ?, ?, attempts, started_at, ? FROM delivery WHERE seq = ? AND attempts = ?
      AND started_at IS NOT NULL`)
  const noteByHand = sql('INSERT INTO history (seq, what, at, detail) VALUES (?, ?, ?, ?)')
  const listHistory = sql('SELECT * FROM history WHERE seq = ? ORDER BY rowid')

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
  const pruneHistory = sql(`DELETE FROM history WHERE seq IN (${finishedBetween})`)
  const pruneKeys = sql(`DELETE FROM delivery WHERE seq IN (${finishedBetween}) RETURNING id`)
  const pruneSteps = sql('DELETE FROM step WHERE key IN (SELECT key FROM step WHERE done_at < ? LIMIT ?)')
  const countPending = sql(`
    SELECT count(*) AS count, (
      SELECT received_at FROM delivery WHERE seq = (SELECT min(seq) FROM delivery WHERE state = 'pending')
    ) AS oldest
    FROM delivery WHERE state = 'pending'`)
  const countParked = sql(`SELECT count(*) AS count FROM delivery WHERE state = 'parked'`)
  const countDead = sql(`SELECT count(*) AS count FROM delivery WHERE state = 'dead'`)

  const extent = sql('SELECT (SELECT min(seq) FROM delivery) AS first, (SELECT max(seq) FROM delivery) AS last')
  const pages = sql('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size')
  const dataVersion = sql('PRAGMA data_version')
  const forgetBody = sql('DELETE FROM body WHERE seq = (SELECT seq FROM delivery WHERE seq = ? AND started_at IS NULL)')
  const forgetErrors = sql('UPDATE history SET detail = NULL WHERE seq = ?')
  const discardForgotten = sql(`
    UPDATE delivery SET error = NULL, next_attempt_at = NULL, settled_at = ?,
      state = CASE state WHEN 'done' THEN 'done' ELSE 'discarded' END WHERE seq = ?`)

  const getInstallation = sql("SELECT value FROM about WHERE name = 'installation_id'")
  const setInstallation = sql("INSERT OR REPLACE INTO about VALUES ('installation_id', ?)")
  const forgetRestored = sql("DELETE FROM about WHERE name = 'restored_at'")
  const touch = sql(`PRAGMA user_version = ${SCHEMA_VERSION}`)

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
    const begunAt = performance.now()
    const ended = (ok: boolean) => onCommit?.({ operations: operations.length, ms: performance.now() - begunAt, ok })
    known.begin()
    try {
      begin.run()
      for (const operation of operations) operation.result = operation.run()
      // The index is the server's to keep.
      if (!aside) known.move()
      commit.run()
      known.committed()
    } catch (error) {
      known.rolledBack()
      for (const operation of operations) operation.reject(error)
      // After some errors (a full disk, say) SQLite has rolled back by itself.
      if (db.isOpen && db.isTransaction) rollback.run()
      ended(false)
      return
    }
    for (const operation of operations) operation.resolve(operation.result as never)
    ended(true)
  }

  let watcher: NodeJS.Timeout | undefined

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
        if (outcome.state !== 'done') {
          const what = outcome.state === 'pending' ? 'failed' : outcome.state
          insertHistory.run(what, now, error, seqOf(delivery.id), delivery.attempts)
        }
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
      const row = getDelivery.get(seqOf(id)) as RowWithPayload | undefined
      return row === undefined ? null : storedDelivery(row)
    },

    async list(filter, limit, after = 0) {
      const { where, values } = conditionsOf(filter, () => '?')
      const rows = sql(
        `SELECT * FROM delivery LEFT JOIN body USING (seq) WHERE seq > ?${where} ORDER BY seq LIMIT ?`,
      ).all(after, ...values, limit)
      return (rows as unknown as RowWithPayload[]).map(storedDelivery)
    },

    async browse(filter, limit, before) {
      const { first, last } = extent.get() as { first: number | null; last: number | null }
      if (first === null || last === null) return { deliveries: [], next: null }
      const top = Math.min(before ?? Infinity, last + 1)
      const bottom = top - BROWSED
      const { where, values } = conditionsOf(filter, () => '?')
      const rows = sql(`SELECT * FROM delivery WHERE seq < ? AND seq >= ?${where} ORDER BY seq DESC LIMIT ?`).all(
        top,
        bottom,
        ...values,
        limit,
      ) as unknown as DeliveryRow[]
      const reached = rows.length === limit ? Number(rows.at(-1)?.seq) : bottom
      return { deliveries: rows.map(listedDelivery), next: reached > first ? reached : null }
    },

    async history(id) {
      const rows = listHistory.all(seqOf(id)) as Record<string, unknown>[]
      return rows.map(row => ({
        what: row.what as HistoryEntry['what'],
        at: row.at as number,
        attempt: row.attempt as number | null,
        startedAt: row.started_at as number | null,
        detail: row.detail as string | null,
      }))
    },

    replay: (ids, now) =>
      write(() => {
        const changed = new Set<string>()
        for (const id of ids) {
          const seq = seqOf(id)
          const row = replayDelivery.get(now, seq) as { ordering_key: string } | undefined
          if (row === undefined) continue
          changed.add(row.ordering_key)
          noteByHand.run(seq, 'replayed', now, null)
        }
        for (const orderingKey of changed) wakeAt.run(orderingKey, now)
        return [...changed]
      }),

    discard: (id, reason, now) =>
      write(() => {
        const seq = seqOf(id)
        if (discardDelivery.run(now, reason, seq).changes === 0) return false
        noteByHand.run(seq, 'discarded', now, reason)
        return true
      }),

    forget: (ids, now) =>
      write(() => {
        let forgotten = 0
        for (const id of ids) {
          const seq = seqOf(id)
          if (forgetBody.run(seq).changes === 0) continue
          forgotten++
          forgetErrors.run(seq)
          discardForgotten.run(now, seq)
          noteByHand.run(seq, 'forgotten', now, null)
        }
        return forgotten
      }),

    async prune({ payloadsBefore, keysBefore }, after, limit) {
      return write(() => {
        pruneSteps.run(keysBefore, limit)
        const slice = pruneSlice.get(after, limit) as { last: number | null; received_at: number }
        if (slice.last === null) return null
        prunePayloads.run(after, slice.last, payloadsBefore)
        // What the server has in memory is its own to forget.
        if (aside && slice.last > known.indexedTo) return slice.received_at < payloadsBefore ? slice.last : null
        pruneHistory.run(after, slice.last, keysBefore)
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

    async size() {
      const { first, last } = extent.get() as { first: number | null; last: number | null }
      const { bytes } = pages.get() as { bytes: number }
      return { deliveries: first === null || last === null ? 0 : last - first + 1, bytes }
    },

    async installationId() {
      return getInstallation.get()?.value as string
    },
    async setInstallationId(id) {
      await write(() => {
        setInstallation.run(id)
        forgetRestored.run()
      })
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

    onChange(callback) {
      const version = () => dataVersion.get()?.data_version
      let seen = version()
      watcher = setInterval(() => {
        const current = version()
        if (current === seen) return
        seen = current
        callback()
      }, WATCH_INTERVAL)
    },

    async close() {
      clearInterval(watcher)
      if (waiting.length > 0) flush()
      db.close()
      lock?.close()
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
    const seq = known.find(id)
    if (seq !== undefined || !aside) return seq ?? null
    // The server may have accepted it since this was opened.
    known.readOn()
    return known.find(id) ?? null
  }

  function take(orderingKey: string, now: number): TakenDelivery | null {
    const pending = head.get(orderingKey) as InFile | undefined
    const parked = firstParked.get(orderingKey) as InFile | undefined
    const next = [pending, parked].find(row => row !== undefined && (row.next_attempt_at ?? 0) <= now)
    if (next === undefined) {
      const dueAt = Math.min(pending?.next_attempt_at ?? Infinity, parked?.next_attempt_at ?? Infinity)
      if (dueAt === Infinity) forgetWakeup.run(orderingKey)
      else setWakeup.run(orderingKey, dueAt)
      return null
    }
    forgetWakeup.run(orderingKey)
    if (next.started_at !== null) insertHistory.run('crashed', now, null, next.seq, next.attempts)
    startAttempt.run(now, next.seq)
    return {
      id: next.id,
      source: next.source,
      event: next.event,
      key: next.key,
      orderingKey: next.ordering_key,
      payload: parsePayload(next.payload as Uint8Array),
      receivedAt: next.received_at,
      attempts: next.attempts + 1,
      state: next.state as 'pending' | 'parked',
      crashed: next.started_at !== null,
    }
  }
}
