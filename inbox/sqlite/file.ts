import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreOpenError } from '../errors.ts'
import { CAUSE, IS_GIVEN_UP } from '../rows.ts'
import { COUNTS_SCHEMA } from './counts.ts'
import { KNOWN_IDS_SCHEMA } from './known-ids.ts'
import { QUARANTINE_SCHEMA, withoutQuarantine } from './quarantine.ts'
import { SCHEDULED_SCHEMA, withoutScheduled } from './scheduled.ts'
import { STATEMENTS } from './statements.ts'

/** "tbwh" in ASCII: tells our files from other programs' (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x74627768
export const SCHEMA_VERSION = 5
/**
 * The oldest version whose programs may use this one's files: they handle what waits for quiet one by one, and record no
 * causes.
 */
const READABLE_SINCE = 3
/** The first version with facts about the store. */
const ABOUT_SINCE = 3

/*
 * Tables. delivery: all but the payload. body: the payload, in its own table so that settling writes small pages only.
 * wakeup: when a mailbox without a running drain has something due; written in the transaction that makes it due,
 * rebuilt at start. step: claims and results of `once`; a failed step has no done_at, and
 * the Unix ms of its failure as result. history: failures and manual actions; most deliveries have
 * none. scheduled, quarantine: see scheduled.ts, quarantine.ts. tally: what commands have changed. about: facts about the store, by name:
 * installation_id: see Store.installationId.
 * restored_at: Unix ms, if the store was restored from a backup.
 * readable_since: the oldest schema version whose programs may use this file.
 * holder: random token of the server that has the file, written when it takes over.
 * nothing_left_since: Unix ms since which deleted bytes don't stay in the file.
 * checked_at: Unix ms of the last write check.
 */
const HISTORY_SCHEMA = `
  CREATE TABLE history (
    seq INTEGER NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    attempt INTEGER,
    started_at INTEGER,
    detail TEXT
  ) STRICT;
  CREATE INDEX history_seq ON history (seq);
  CREATE INDEX delivery_parked_seq ON delivery (seq) WHERE state = 'parked';
`
const ABOUT_SCHEMA = `
  CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  ${COUNTS_SCHEMA}
`
/** See DeliveryRow for the columns. */
const RUN_INDEX = `CREATE INDEX delivery_run ON delivery (run, seq) WHERE run > '';`
const RUN_SCHEMA = `
  ALTER TABLE delivery ADD COLUMN run TEXT;
  ALTER TABLE delivery ADD COLUMN due_at INTEGER;
  ${RUN_INDEX}
`
/** See DeliveryRow for the column. The states are in the index, to be counted by it alone. */
const CAUSE_INDEX = `CREATE INDEX delivery_cause ON delivery (${CAUSE}, seq, state) WHERE ${IS_GIVEN_UP};`
const CAUSE_SCHEMA = `
  ALTER TABLE delivery ADD COLUMN cause TEXT;
  ${CAUSE_INDEX}
`
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
    error TEXT,
    run TEXT,
    due_at INTEGER,
    cause TEXT,
    trace TEXT
  ) STRICT;
  ${RUN_INDEX}
  ${CAUSE_INDEX}
  CREATE TABLE body (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL) STRICT;
  CREATE INDEX delivery_pending ON delivery (ordering_key, seq) WHERE state = 'pending';
  CREATE INDEX delivery_parked ON delivery (ordering_key, next_attempt_at) WHERE state = 'parked';
  CREATE INDEX delivery_dead ON delivery (seq) WHERE state = 'dead';
  CREATE TABLE wakeup (ordering_key TEXT PRIMARY KEY, due_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX wakeup_due ON wakeup (due_at);
  CREATE TABLE step (key TEXT PRIMARY KEY, done_at INTEGER, result TEXT) STRICT, WITHOUT ROWID;
  CREATE INDEX step_done ON step (done_at) WHERE done_at IS NOT NULL;
  ${KNOWN_IDS_SCHEMA}
  ${HISTORY_SCHEMA}
  ${ABOUT_SCHEMA}
  PRAGMA application_id = ${APPLICATION_ID};
`
/** Upgrades from each older version to this one. */
const UPGRADES: Record<number, string> = {
  1: HISTORY_SCHEMA + ABOUT_SCHEMA + RUN_SCHEMA + CAUSE_SCHEMA,
  2: ABOUT_SCHEMA + RUN_SCHEMA + CAUSE_SCHEMA,
  3: RUN_SCHEMA + CAUSE_SCHEMA,
  4: CAUSE_SCHEMA,
}
/** The oldest version that read-only commands can use. */
const OLDEST_READABLE = 2

/**
 * Holds an exclusive transaction on a file next to the store for the life of this process: the kernel frees that lock
 * however the process ends, unlike a pid file.
 */
export function lockFile(file: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    makeFolder(dirname(file))
    // Two paths to one file, by a link, must find the same lock.
    const real = join(realpathSync(dirname(file)), basename(file))
    lock = new DatabaseSync(`${realOrSame(real)}.lock`, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === 5) {
      throw new StoreOpenError(`${file} is in use by another process; stop that one, or give another file`)
    }
    throw new StoreOpenError(
      `${file} can't be written (${(error as Error).message}); give a file in a writable folder`,
      {
        cause: error,
      },
    )
  }
}

/** Not recursive: a mistyped path should not become a tree. */
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

/** Lock timeout of a running server, ms: its event loop must not block; commits retry by themselves. */
const SERVER_LOCK_MS = 2
/** Lock timeout of a command and of a starting server, ms: both may block. */
export const COMMAND_LOCK_MS = 30_000
const START_LOCK_MS = 5_000

/**
 * Opens or creates the server's database, upgraded to this version. The caller holds the lock.
 * @throws {StoreOpenError} the file is another program's, or of a newer version that this program can't use
 */
export function openDatabase(file: string): DatabaseSync {
  // Readable by the owner only; SQLite gives the -wal file the same permissions.
  writeFileSync(file, '', { flag: 'a', mode: 0o600 })
  const db = new DatabaseSync(file, { timeout: START_LOCK_MS })
  try {
    const version = versionOf(db, file)
    // Measured: 8 KiB pages cost the fewest writes for bodies of 2 to 3 KB. A checkpoint every 4 MB blocks others half
    // as long as SQLite's default of 1,000 pages at the same cost for each; smaller ones cost more.
    db.exec(`
      PRAGMA page_size = 8192;
      PRAGMA journal_mode = WAL;
      PRAGMA wal_autocheckpoint = 512;
      ${EVERY_CONNECTION}`)
    const statements = version === null ? SCHEMA : UPGRADES[version]
    if (statements !== undefined) {
      db.exec(`BEGIN IMMEDIATE; ${statements}
        INSERT OR IGNORE INTO about VALUES ('installation_id', '${randomUUID()}');
        INSERT OR REPLACE INTO about VALUES ('readable_since', '${READABLE_SINCE}');
        ${version === null ? NOTHING_LEFT : ''}
        PRAGMA user_version = ${SCHEMA_VERSION};
        COMMIT`)
    }
    db.exec(SCHEDULED_SCHEMA + QUARANTINE_SCHEMA)
    if (!hasTraces(db)) db.exec('ALTER TABLE delivery ADD COLUMN trace TEXT')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Older programs ignore the column, so it is no new version. */
function hasTraces(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM pragma_table_info('delivery') WHERE name = 'trace'").get() !== undefined
}

/** Deleted content is overwritten, not only unlinked; a commit is on disk. */
const EVERY_CONNECTION = `
  PRAGMA secure_delete = ON;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -16384;`

/** Switches from the start's lock timeout to the running server's. */
export function beginServing(db: DatabaseSync): void {
  db.exec(`PRAGMA busy_timeout = ${SERVER_LOCK_MS}`)
}

/**
 * Opens a database for a command, with or without its server running, without changing the schema.
 * @returns the version too: an older one is only good for reading
 * @throws {StoreOpenError} the file is another program's, or of a version that this program can't use
 */
export function openForCommand(file: string): { db: DatabaseSync; version: number } {
  const db = new DatabaseSync(file, { timeout: COMMAND_LOCK_MS })
  try {
    const version = versionOf(db, file)
    if (version === null) throw new StoreOpenError(`${file} is empty; name the server's own file`)
    if (version < OLDEST_READABLE) throw new StoreOpenError(olderVersion(file, version))
    db.exec(EVERY_CONNECTION)
    withoutScheduled(db)
    withoutQuarantine(db)
    return { db, version }
  } catch (error) {
    db.close()
    throw error
  }
}

/** Only the server upgrades, under its lock: an older server may be running. */
export function olderVersion(file: string, version: number): string {
  return `${file} has schema version ${version}, not ${SCHEMA_VERSION}; start this version's server with it once`
}

/**
 * The schema's version: this one, an older one that can be upgraded, or a newer one that allows this program; null: the
 * file is empty.
 * @throws {StoreOpenError} the file is another program's, or of a newer version that this program can't use
 */
export function versionOf(db: DatabaseSync, file: string): number | null {
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0]
  if (db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined) return null
  if (pragma('application_id') !== APPLICATION_ID) {
    throw new StoreOpenError(`${file} is another program's database; give another file`)
  }
  const version = pragma('user_version') as number
  const usable =
    version > SCHEMA_VERSION ? Number(aboutOf(db, 'readable_since')) <= SCHEMA_VERSION : version === SCHEMA_VERSION
  if (!usable && UPGRADES[version] === undefined) {
    throw new StoreOpenError(
      `${file} has schema version ${version}, this program knows ${SCHEMA_VERSION}; run the newer program, or give another file`,
    )
  }
  return version
}

/** A fact about the store; undefined: it has none, like stores of older versions. */
function aboutOf(db: DatabaseSync, name: string): string | undefined {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'about'").get() === undefined) return undefined
  return db.prepare(STATEMENTS.getAbout).get(name)?.value as string | undefined
}

/**
 * When the store was restored from a backup, Unix ms; null: it was not, or its installation id has been settled since.
 */
export function restoredAt(db: DatabaseSync): number | null {
  const at = aboutOf(db, 'restored_at')
  return at === undefined ? null : Number(at)
}

const NOTHING_LEFT = `INSERT OR IGNORE INTO about VALUES ('nothing_left_since', unixepoch() * 1000);`

/** Whether the file may contain data that earlier versions deleted. */
export function mayHoldLeftovers(db: DatabaseSync): boolean {
  return aboutOf(db, 'nothing_left_since') === undefined
}

/** Rewrites the file without data that earlier versions deleted: some seconds per GB, and writes are blocked. */
export function eraseLeftovers(db: DatabaseSync): void {
  db.exec(`VACUUM; PRAGMA wal_checkpoint(TRUNCATE); ${NOTHING_LEFT}`)
}

/**
 * Marks a store as restored from a backup: it may have the installation id of one in service. A replay job of then does
 * not go on.
 */
export function markRestored(file: string, now: number): void {
  mark(file, db => {
    db.prepare(STATEMENTS.setAbout).run('restored_at', String(now))
    db.prepare(STATEMENTS.endReplayJob).run(now)
  })
}

/** Marks a file just written by SQLite (VACUUM INTO) as free of deleted data. */
export function markWithoutLeftovers(file: string): void {
  mark(file, db => db.exec(NOTHING_LEFT))
}

/** Skips stores of older versions: the server that upgrades them sets these, and an installation id of their own. */
function mark(file: string, write: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(file)
  try {
    if ((versionOf(db, file) as number) >= ABOUT_SINCE) write(db)
  } finally {
    db.close()
  }
}
