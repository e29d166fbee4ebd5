import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreOpenError } from './errors.ts'
import { KNOWN_IDS_SCHEMA } from './sqlite-known-ids.ts'

/** "tbwh" in ASCII: tells our files from other programs' (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x74627768
export const SCHEMA_VERSION = 3

/*
 * delivery: what is known of each. body: its payload, apart, so that settling writes small pages only. wakeup: when a
 * mailbox that no drain is working on has something due; written in the same transaction as what makes it due, and made
 * anew at start. step: what `once` has claimed or done. history: failures, and what a person did; most deliveries have
 * none. about: what is known of the store itself, by name: its installation_id, and restored_at (Unix ms) once it was made
 * from a backup.
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
  ${HISTORY_SCHEMA}
  ${ABOUT_SCHEMA}
  PRAGMA application_id = ${APPLICATION_ID};
`
/** What leads from each older version to this one. */
const UPGRADES: Record<number, string> = { 1: HISTORY_SCHEMA + ABOUT_SCHEMA, 2: ABOUT_SCHEMA }

/**
 * Holds an exclusive transaction on a file beside the store for as long as this process lives: the kernel frees its
 * lock however the process ends, which no pid file can promise.
 */
export function lockFile(file: string): DatabaseSync {
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

/**
 * Opens (or makes) the database in a file, brought up to this version.
 * @throws {StoreOpenError} it is another program's, or of a newer version
 */
export function openDatabase(file: string): DatabaseSync {
  // For nobody else to read; the log beside it gets the same rights.
  writeFileSync(file, '', { flag: 'a', mode: 0o600 })
  const db = new DatabaseSync(file, { timeout: 5_000 })
  try {
    const version = versionOf(db, file)
    // Measured: pages of 8 KiB cost the fewest writes for bodies of 2 to 3 KB; a checkpoint after 4 MB of them holds the
    // others up half as long as SQLite's own 1,000 pages, at the same cost for each; smaller ones cost more.
    db.exec(`
      PRAGMA page_size = 8192;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -16384;
      PRAGMA wal_autocheckpoint = 512`)
    const statements = version === null ? SCHEMA : UPGRADES[version]
    if (statements !== undefined) {
      db.exec(`BEGIN IMMEDIATE; ${statements}
        INSERT INTO about VALUES ('installation_id', '${randomUUID()}');
        PRAGMA user_version = ${SCHEMA_VERSION};
        COMMIT`)
    }
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * The schema's version, this one or an older one that can be brought up to it; null: nothing is in the file.
 * @throws {StoreOpenError} it is another program's, or of a newer version
 */
export function versionOf(db: DatabaseSync, file: string): number | null {
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0]
  if (db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined) return null
  if (pragma('application_id') !== APPLICATION_ID) {
    throw new StoreOpenError(`${file} is another program's database; give another file`)
  }
  const version = pragma('user_version') as number
  if (version !== SCHEMA_VERSION && UPGRADES[version] === undefined) {
    throw new StoreOpenError(
      `${file} has schema version ${version}, this program knows ${SCHEMA_VERSION}; run the newer program, or give another file`,
    )
  }
  return version
}

/** When the store was made from a backup, Unix ms; null: it was not, or somebody has decided about its id since. */
export function restoredAt(db: DatabaseSync): number | null {
  // A store of an older version gets its first id from the server that upgrades it.
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'about'").get() === undefined) return null
  const row = db.prepare("SELECT value FROM about WHERE name = 'restored_at'").get()
  return row === undefined ? null : Number(row.value)
}

/** Notes in a store's file that it is made from a backup, and may have the installation id of one in service. */
export function markRestored(file: string, now: number): void {
  const db = new DatabaseSync(file)
  try {
    if ((versionOf(db, file) as number) < SCHEMA_VERSION) return
    db.prepare("INSERT OR REPLACE INTO about VALUES ('restored_at', ?)").run(String(now))
  } finally {
    db.close()
  }
}
