import { randomUUID } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { MAX_RETRY_MS } from '../backoff.ts'
import type {
  Commit,
  DeliveryState,
  InsertResult,
  Logger,
  NewDelivery,
  Outcome,
  Store,
  TakenDelivery,
} from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { parsePayload, type RowWithPayload, redactedJson } from '../rows.ts'
import { createCommits } from './commits.ts'
import { countAll, countBeside, countInMemory } from './counts.ts'
import {
  beginServing,
  eraseLeftovers,
  lockFile,
  mayHoldLeftovers,
  openBeside,
  openDatabase,
  SCHEMA_VERSION,
} from './file.ts'
import { createInFlight } from './in-flight.ts'
import { openKnownIds } from './known-ids.ts'
import { createLooks, seqBeside } from './looks.ts'
import { openOlderStore } from './older.ts'
import { createRemoval } from './removal.ts'
import { tryToEmptyLog } from './scrub.ts'
import { STATEMENTS } from './statements.ts'

/** How often it is looked whether another process has changed the file, ms. */
const WATCH_INTERVAL = 500
/** A file that another process has locked for longer can't be written, ms. */
const CHECK_MS = 1_000
/** Clocks that are set right by less than this make nobody wait for long, ms. */
export const CLOCK_SLACK_MS = 5_000
/** Wake-ups that are looked at in one commit. */
const WAKEUP_SLICE = 1_000
/** A larger file is not written anew at the start: deliveries would wait for more than some seconds, bytes. */
const MAX_ERASED_BYTES = 256 * 2 ** 20

/** What the in-process scheduler asks beyond the contract. */
export interface SqliteStore extends Store {
  /** At most `limit` mailboxes with something due at `now`, longest due first. */
  dueMailboxes(now: number, limit: number): Promise<string[]>
  /** When a mailbox that nobody drains any more is due again, Unix ms; null: nothing is left in it. */
  dueAt(orderingKey: string): Promise<number | null>
  /** When the first mailbox after `now` is due, Unix ms; null: none waits. */
  nextDueAt(now: number): Promise<number | null>
  /** The clock was set back: what is due after `now` is due at once, and `take` decides how long it still waits. */
  wakeLater(now: number): Promise<void>
  /** Calls back within a second after another process (a command) has changed the file. */
  onChange(callback: () => void): void
}

export interface SqliteStoreOptions {
  /** Told of every commit. */
  onCommit?: (commit: Commit) => void
  /** For what an operator should know. */
  log?: Logger
}

/** As SQLite gives it: 64-bit integers as numbers. */
type InFile = RowWithPayload & {
  seq: number
  started_at: number | null
  next_attempt_at: number | null
  received_at: number
  settled_at: number | null
}

/**
 * Opens (or makes) the store in a file for the server: one process at a time.
 * @throws {StoreOpenError} that says why the file can't be used and what to do.
 */
export function openSqliteStore(file: string, options: SqliteStoreOptions = {}): SqliteStore {
  const lock = lockFile(file)
  let db: DatabaseSync | undefined
  try {
    db = openDatabase(file)
    const taken = takeOver(db)
    erase(db, file, options.log)
    beginServing(db)
    return createStore(db, file, options, { lock, ...taken })
  } catch (error) {
    db?.close()
    lock.close()
    throw explained(error, file)
  }
}

/**
 * Opens the store in a file beside its server, or without one: for a command that looks, replays, discards or forgets.
 * Takes no lock, wakes nothing up and must insert nothing. A file of an older version is only looked at.
 * @throws {StoreOpenError} that says why the file can't be used and what to do.
 */
export function openSqliteStoreBeside(file: string): Store {
  if (!existsSync(file)) throw new StoreOpenError(`${file} does not exist; name the server's own file`)
  let db: DatabaseSync | undefined
  try {
    const opened = openBeside(file)
    db = opened.db
    return opened.version < SCHEMA_VERSION ? openOlderStore(db, file, opened.version) : createStore(db, file)
  } catch (error) {
    db?.close()
    throw explained(error, file)
  }
}

function explained(error: unknown, file: string): StoreOpenError {
  if (error instanceof StoreOpenError) return error
  return new StoreOpenError(`${file} can't be opened as a store (${(error as Error).message})`, { cause: error })
}

/**
 * What a process left behind that died: its claims are nobody's now, and what was pending is due. What was settled after
 * now, by a clock that has been set back since, is looked at.
 * @returns by what the file knows from now on which server has it, and how many deliveries are in each state
 */
function takeOver(db: DatabaseSync) {
  const holder = randomUUID()
  const dueAt = `CASE WHEN settled_at > ${Date.now() + CLOCK_SLACK_MS} THEN 0 ELSE coalesce(next_attempt_at, 0) END`
  db.exec(`
    BEGIN IMMEDIATE;
    INSERT OR REPLACE INTO about VALUES ('holder', '${holder}');
    DELETE FROM step WHERE done_at IS NULL;
    DELETE FROM wakeup;
    INSERT INTO wakeup
      SELECT ordering_key, min(due_at) FROM (
        SELECT ordering_key, ${dueAt} AS due_at, min(seq) FROM delivery
          WHERE state = 'pending' GROUP BY ordering_key
        UNION ALL
        SELECT ordering_key, ${dueAt}, seq FROM delivery
          WHERE state = 'parked' AND next_attempt_at IS NOT NULL
      ) GROUP BY ordering_key;
  `)
  const counts = countAll(db)
  db.exec('COMMIT')
  return { holder, counts }
}

/** Earlier versions left bytes of what was forgotten. */
function erase(db: DatabaseSync, file: string, log: SqliteStoreOptions['log']): void {
  if (!mayHoldLeftovers(db)) return
  const { size } = statSync(file)
  if (size > MAX_ERASED_BYTES) {
    log?.warn(
      { file, bytes: size },
      'the file may hold bytes of what earlier versions have deleted, and is too large to be written anew at the start; ' +
        'when there is time, stop the server, and restore a backup of the file in its place',
    )
    return
  }
  log?.info({ file, bytes: size }, 'writing the file anew, once, without what earlier versions have deleted')
  try {
    eraseLeftovers(db)
  } catch (error) {
    log?.warn({ err: error, file }, 'the file could not be written anew; tried again at the next start')
  }
}

function createStore(
  db: DatabaseSync,
  file: string,
  { onCommit, log }: SqliteStoreOptions = {},
  server?: { lock: DatabaseSync } & ReturnType<typeof takeOver>,
): SqliteStore {
  const sql = (name: keyof typeof STATEMENTS) => db.prepare(STATEMENTS[name])
  const known = openKnownIds(db)
  const counts = server === undefined ? countBeside(db) : countInMemory(db, server.counts)
  const inFlight = createInFlight()

  const insertDelivery = sql('insertDelivery')
  const insertBody = sql('insertBody')
  const isPending = sql('isPending')
  const head = sql('head')
  const firstParked = sql('firstParked')
  const startAttempt = sql('startAttempt')
  const postpone = sql('postpone')
  const settleAttempt = sql('settleAttempt')
  const wakeNow = sql('wakeNow')
  const wakeAt = sql('wakeAt')
  const setWakeup = sql('setWakeup')
  const forgetWakeup = sql('forgetWakeup')
  const due = sql('due')
  const mailboxDue = sql('mailboxDue')
  const firstDue = sql('firstDue')
  const wakeupSlice = sql('wakeupSlice')
  const wakeLater = sql('wakeLater')
  const findStep = sql('findStep')
  const claimStep = sql('claimStep')
  const recordStep = sql('recordStep')
  const releaseStep = sql('releaseStep')
  const insertHistory = sql('insertHistory')
  const extent = sql('extent')
  const getAbout = sql('getAbout')
  const setAbout = sql('setAbout')
  const dropAbout = sql('dropAbout')
  const dataVersion = db.prepare('PRAGMA data_version')

  const seqOf = server === undefined ? seqBeside(known) : (id: string) => known.find(id) ?? null

  let lost: Error | undefined
  /** Another server may have taken the file over, if somebody has deleted the lock. */
  function checkHolder(): void {
    if (server === undefined || getAbout.get('holder')?.value === server.holder) return
    if (lost === undefined) {
      lost = new Error(
        `Another server has taken ${file} over (was ${file}.lock deleted?): this one stores nothing more; stop it`,
      )
      log?.error(lost.message)
    }
    throw lost
  }

  const commits = createCommits(db, {
    memory: [known, counts.memory, inFlight.memory],
    check: checkHolder,
    finish() {
      // The index is the server's to keep.
      if (server !== undefined) known.move()
      counts.write()
    },
    onCommit,
  })
  const { write } = commits
  let watcher: NodeJS.Timeout | undefined

  return {
    ...createLooks(db, seqOf),
    ...createRemoval(db, { write, known, counts, seqOf, beside: server === undefined }),

    insert(delivery, claim) {
      const body = delivery.body ?? redactedJson(delivery.payload)
      return write(() => insert(delivery, body, claim))
    },

    take: (orderingKey, now) => write(() => take(orderingKey, now)),

    settle: (delivery, outcome, now) => write(() => settle(delivery, outcome, now)),

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

    backlog: async () => counts.backlog(),

    async installationId() {
      return getAbout.get('installation_id')?.value as string
    },
    async setInstallationId(id) {
      await write(() => {
        setAbout.run('installation_id', id)
        dropAbout.run('restored_at')
      })
    },

    async checkWritable() {
      await write(() => {
        setAbout.run('checked_at', String(Date.now()))
        extent.get()
      }, CHECK_MS)
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
    async wakeLater(now) {
      for (let from: string | null = ''; from !== null; ) {
        from = await write(() => wakeSlice(from as string, now))
      }
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
      await commits.close()
      // Readers in the way leave that to the next start.
      if (server !== undefined && db.isOpen) tryToEmptyLog(db)
      db.close()
      server?.lock.close()
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
    const seq = Number(inserted.lastInsertRowid)
    insertBody.run(seq, body)
    known.add(id, seq)
    counts.add(state, seq, 1)
    if (claimed) {
      inFlight.add(seq)
      return 'claimed'
    }
    if (dead) return 'dead'
    // A mailbox that waits for a retry keeps its later time.
    wakeNow.run(orderingKey)
    return 'queued'
  }

  function settle(delivery: TakenDelivery, outcome: Outcome, now: number): boolean {
    const seq = seqOf(delivery.id)
    if (seq === null) return false
    inFlight.remove(seq)
    const next = 'nextAttemptAt' in outcome ? outcome.nextAttemptAt : null
    const error = 'error' in outcome ? outcome.error : null
    if (outcome.state !== 'done') {
      const what = outcome.state === 'pending' ? 'failed' : outcome.state
      insertHistory.run(what, now, error, seq, delivery.attempts)
    }
    if (settleAttempt.run(outcome.state, next, now, error, seq, delivery.attempts).changes === 0) return false
    counts.add(delivery.state, seq, -1)
    counts.add(outcome.state, seq, 1)
    if (next !== null) wakeAt.run(delivery.orderingKey, next)
    return true
  }

  function take(orderingKey: string, now: number): TakenDelivery | null {
    const pending = head.get(orderingKey) as InFile | undefined
    const parked = firstParked.get(orderingKey) as InFile | undefined
    const waiting = [pending, parked].filter(row => row !== undefined)
    // Whoever is at it looks again when it is settled.
    if (waiting.some(row => inFlight.has(row.seq))) {
      forgetWakeup.run(orderingKey)
      return null
    }
    const dueAt = waiting.map(row => dueAtOf(row, now))
    const next = waiting.find((_row, index) => (dueAt[index] as number) <= now)
    if (next === undefined) {
      if (waiting.length === 0) forgetWakeup.run(orderingKey)
      else setWakeup.run(orderingKey, Math.min(...dueAt))
      return null
    }
    forgetWakeup.run(orderingKey)
    if (next.started_at !== null) insertHistory.run('crashed', now, null, next.seq, next.attempts)
    startAttempt.run(now, next.seq)
    inFlight.add(next.seq)
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

  /** When its next attempt is due. By a clock that has been set back since it failed, it waits its delay from now. */
  function dueAtOf({ seq, next_attempt_at, settled_at }: InFile, now: number): number {
    const dueAt = next_attempt_at ?? 0
    if (dueAt <= now) return dueAt
    const failedAt = settled_at as number
    if (failedAt <= now + CLOCK_SLACK_MS && dueAt <= now + MAX_RETRY_MS) return dueAt
    const anew = now + Math.min(dueAt - failedAt, MAX_RETRY_MS)
    postpone.run(anew, now, seq)
    return anew
  }

  /** Makes a slice of the mailboxes due that wait for a later time. Where the next one begins; null: at the end. */
  function wakeSlice(from: string, now: number): string | null {
    const { last } = wakeupSlice.get(from, WAKEUP_SLICE) as { last: string | null }
    if (last === null) return null
    wakeLater.run(from, last, now)
    return `${last}\0`
  }
}
