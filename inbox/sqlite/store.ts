import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { type Clock, type Commit, type Logger, type Store, systemClock } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { createCauses } from './causes.ts'
import { Commits } from './commits.ts'
import { countForCommand, countInMemory } from './counts.ts'
import { beginServing, lockFile, openDatabase, openForCommand, SCHEMA_VERSION } from './file.ts'
import { InFlight } from './in-flight.ts'
import { createInsert } from './insert.ts'
import { KnownIds } from './known-ids.ts'
import { openOlderStore } from './older.ts'
import { createOperatorActions } from './operator-actions.ts'
import type { StoreParts } from './parts.ts'
import { createPruning } from './prune.ts'
import { createQuarantine } from './quarantine.ts'
import { createQueries, findSeqForCommand } from './queries.ts'
import { type Recovered, recover, rewriteOnce } from './recover.ts'
import { createReplay } from './replay.ts'
import { createReplayJob } from './replay-job.ts'
import { createScheduled } from './scheduled.ts'
import { tryToEmptyLog } from './scrub.ts'
import { preparer } from './statements.ts'
import { createSteps } from './steps.ts'
import { createTurns } from './turns.ts'
import { createWakeups, type Wakeups } from './wakeups.ts'

/** How often to check whether another process has changed the file, ms. */
const WATCH_INTERVAL_MS = 500
/** A file locked by another process for longer than this is reported as not writable, ms. */
const CHECK_TIMEOUT_MS = 1_000

export interface SqliteStore extends Store, Wakeups {
  /** Calls back within a second after another process (a command) has changed the file. */
  onChange(callback: () => void): void
}

export interface SqliteStoreOptions {
  /** Called after every commit. */
  onCommit?: (commit: Commit) => void
  log?: Logger
  clock?: Pick<Clock, 'now'>
}

/**
 * Opens or creates the store in a file, for the server: one process at a time.
 * @throws {StoreOpenError} that says why the file can't be used and what to do
 */
export function openSqliteStore(file: string, options: SqliteStoreOptions = {}): SqliteStore {
  const lock = lockFile(file)
  let db: DatabaseSync | undefined
  try {
    db = openDatabase(file)
    const recovered = recover(db, (options.clock ?? systemClock).now())
    rewriteOnce(db, file, options.log)
    beginServing(db)
    return createStore(db, file, options, { lock, ...recovered })
  } catch (error) {
    db?.close()
    lock.close()
    throw explained(error, file)
  }
}

/**
 * Opens the store in a file for a command that reads, replays, discards or forgets, with or without its server running.
 * It takes no lock, wakes nothing and must not insert. Files of older versions are read-only.
 * @throws {StoreOpenError} that says why the file can't be used and what to do
 */
export function openSqliteStoreForCommand(file: string): Store {
  if (!existsSync(file)) throw new StoreOpenError(`${file} does not exist; name the server's own file`)
  let db: DatabaseSync | undefined
  try {
    const opened = openForCommand(file)
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

/** @param server undefined: opened by a command */
function createStore(
  db: DatabaseSync,
  file: string,
  { onCommit, log, clock = systemClock }: SqliteStoreOptions = {},
  server?: { lock: DatabaseSync } & Recovered,
): SqliteStore {
  const known = new KnownIds(db)
  const counts = server === undefined ? countForCommand(db) : countInMemory(db, server.counts)
  const inFlight = new InFlight()
  const commits = new Commits(db, {
    memory: [known, counts.memory, inFlight],
    check: server === undefined ? () => {} : holderCheck(db, file, server.holder, log),
    finish() {
      // Only the server maintains the index.
      if (server !== undefined) known.move()
      counts.write()
    },
    onCommit,
  })
  const parts: StoreParts = {
    write: (run, patienceMs) => commits.write(run, patienceMs),
    known,
    counts,
    inFlight,
    seqOf: server === undefined ? findSeqForCommand(known) : id => known.find(id) ?? null,
    isCommand: server === undefined,
  }
  const replay = createReplay(db, parts)
  const watch = createWatch(db)

  return {
    ...createInsert(db, parts),
    ...createScheduled(db, parts),
    ...createTurns(db, parts),
    ...createSteps(db, parts),
    ...createQueries(db, known, parts.seqOf),
    ...createOperatorActions(db, parts, replay),
    ...createReplayJob(db, parts, replay),
    ...createPruning(db, parts),
    quarantine: createQuarantine(db, parts),
    ...createInstallation(db, parts, clock),
    ...createWakeups(db, parts),
    causes: createCauses(db),
    backlog: async () => counts.backlog(),
    onChange: watch.onChange,
    async close() {
      watch.stop()
      await commits.close()
      // If readers are in the way, the next start does it.
      if (server !== undefined && db.isOpen) tryToEmptyLog(db)
      db.close()
      server?.lock.close()
    },
  }
}

/** Throws once another server has taken over the file, as when somebody has deleted the lock. */
function holderCheck(db: DatabaseSync, file: string, holder: string, log: Logger | undefined): () => void {
  const getAbout = preparer(db)('getAbout')
  let lost: Error | undefined
  return () => {
    if (getAbout.get('holder')?.value === holder) return
    if (lost === undefined) {
      lost = new Error(
        `Another server has taken ${file} over (was ${file}.lock deleted?): this one stores nothing more; stop it`,
      )
      log?.error(lost.message)
    }
    throw lost
  }
}

function createInstallation(
  db: DatabaseSync,
  { write }: StoreParts,
  clock: Pick<Clock, 'now'>,
): Pick<Store, 'installationId' | 'setInstallationId' | 'checkWritable'> {
  const sql = preparer(db)
  const getAbout = sql('getAbout')
  const setAbout = sql('setAbout')
  const dropAbout = sql('dropAbout')
  const extent = sql('extent')
  return {
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
        setAbout.run('checked_at', String(clock.now()))
        extent.get()
      }, CHECK_TIMEOUT_MS)
    },
  }
}

/** Notices changes to the file by other processes. */
function createWatch(db: DatabaseSync): Pick<SqliteStore, 'onChange'> & { stop(): void } {
  const dataVersion = db.prepare('PRAGMA data_version')
  const version = () => dataVersion.get()?.data_version
  let timer: NodeJS.Timeout | undefined
  return {
    onChange(callback) {
      let seen = version()
      timer = setInterval(() => {
        const current = version()
        if (current === seen) return
        seen = current
        callback()
      }, WATCH_INTERVAL_MS)
    },
    stop: () => clearInterval(timer),
  }
}
