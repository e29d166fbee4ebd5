import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Commit, Logger, Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { createByHand } from './by-hand.ts'
import { Commits } from './commits.ts'
import { countBeside, countInMemory } from './counts.ts'
import { beginServing, lockFile, openBeside, openDatabase, SCHEMA_VERSION } from './file.ts'
import { InFlight } from './in-flight.ts'
import { createInsert } from './insert.ts'
import { KnownIds } from './known-ids.ts'
import { createLooks, seqBeside } from './looks.ts'
import { openOlderStore } from './older.ts'
import type { StoreParts } from './parts.ts'
import { createPruning } from './prune.ts'
import { type Recovered, recover, rewriteOnce } from './recover.ts'
import { tryToEmptyLog } from './scrub.ts'
import { preparer } from './statements.ts'
import { createSteps } from './steps.ts'
import { createTurns } from './turns.ts'
import { createWakeups, type Wakeups } from './wakeups.ts'

/** How often it is looked whether another process has changed the file, ms. */
const WATCH_INTERVAL_MS = 500
/** A file that another process has locked for longer can't be written, ms. */
const CHECK_TIMEOUT_MS = 1_000

export interface SqliteStore extends Store, Wakeups {
  /** Calls back within a second after another process (a command) has changed the file. */
  onChange(callback: () => void): void
}

export interface SqliteStoreOptions {
  /** Told of every commit. */
  onCommit?: (commit: Commit) => void
  /** For what an operator should know. */
  log?: Logger
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
    const recovered = recover(db)
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

/** @param server what makes it the server's; undefined: it is opened beside one */
function createStore(
  db: DatabaseSync,
  file: string,
  { onCommit, log }: SqliteStoreOptions = {},
  server?: { lock: DatabaseSync } & Recovered,
): SqliteStore {
  const known = new KnownIds(db)
  const counts = server === undefined ? countBeside(db) : countInMemory(db, server.counts)
  const inFlight = new InFlight()
  const commits = new Commits(db, {
    memory: [known, counts.memory, inFlight],
    check: server === undefined ? () => {} : holderCheck(db, file, server.holder, log),
    finish() {
      // The index is the server's to keep.
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
    seqOf: server === undefined ? seqBeside(known) : id => known.find(id) ?? null,
    isBeside: server === undefined,
  }
  const watch = createWatch(db)

  return {
    ...createInsert(db, parts),
    ...createTurns(db, parts),
    ...createSteps(db, parts),
    ...createLooks(db, parts.seqOf),
    ...createByHand(db, parts),
    ...createPruning(db, parts),
    ...createInstallation(db, parts),
    ...createWakeups(db, parts),
    backlog: async () => counts.backlog(),
    onChange: watch.onChange,
    async close() {
      watch.stop()
      await commits.close()
      // Readers in the way leave that to the next start.
      if (server !== undefined && db.isOpen) tryToEmptyLog(db)
      db.close()
      server?.lock.close()
    },
  }
}

/** Throws once another server has taken the file, as when somebody has deleted the lock. */
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
        setAbout.run('checked_at', String(Date.now()))
        extent.get()
      }, CHECK_TIMEOUT_MS)
    },
  }
}

/** Sees that another process has changed the file. */
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
