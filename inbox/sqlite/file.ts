import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreOpenError } from '../errors.ts'
import { COUNTS_SCHEMA } from './counts.ts'
import { KNOWN_IDS_SCHEMA } from './known-ids.ts'
import { STATEMENTS } from './statements.ts'

/** "tbwh" in ASCII: tells our files from other programs' (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x74627768
export const SCHEMA_VERSION = 3

/*
 * delivery: what is known of each. body: its payload, apart, so that settling writes small pages only. wakeup: when a
 * mailbox that no drain is working on has something due; written in the same transaction as what makes it due, and made
 * anew at start. step: what `once` has claimed or done. history: failures, and what a person did; most deliveries have
 * none. tally: what commands have changed. about: what is known of the store itself, by name:
 *
 * installation_id    see Store.installationId
 * restored_at        Unix ms; once it was made from a backup
 * readable_since     the oldest version of the schema whose programs may use this file
 * holder             the server that has it: a random token, written when it takes it over
 * nothing_left_since Unix ms; since then no byte of what is deleted stays in the file
 * checked_at         Unix ms; written to see whether writing works
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
/** Older versions whose tables are enough for what only looks. */
const OLDEST_LOOKED_AT = 2

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

/** While the server runs, another process's lock must not hold its event loop, ms: the commits try again by themselves. */
const SERVER_LOCK_MS = 2
/** A command may block, ms, and so may a server that only starts. */
const COMMAND_LOCK_MS = 30_000
const START_LOCK_MS = 5_000

/**
 * Opens (or makes) the database in a file for the server, which has its lock, brought up to this version.
 * @throws {StoreOpenError} it is another program's, or of a newer version that this program can't use
 */
export function openDatabase(file: string): DatabaseSync {
  // For nobody else to read; the log beside it gets the same rights.
  writeFileSync(file, '', { flag: 'a', mode: 0o600 })
  const db = new DatabaseSync(file, { timeout: START_LOCK_MS })
  try {
    const version = versionOf(db, file)
    // Measured: pages of 8 KiB cost the fewest writes for bodies of 2 to 3 KB; a checkpoint after 4 MB of them holds the
    // others up half as long as SQLite's own 1,000 pages, at the same cost for each; smaller ones cost more.
    db.exec(`
      PRAGMA page_size = 8192;
      PRAGMA journal_mode = WAL;
      PRAGMA wal_autocheckpoint = 512;
      ${EVERY_CONNECTION}`)
    const statements = version === null ? SCHEMA : UPGRADES[version]
    if (statements !== undefined) {
      db.exec(`BEGIN IMMEDIATE; ${statements}
        INSERT INTO about VALUES ('installation_id', '${randomUUID()}'), ('readable_since', '${SCHEMA_VERSION}');
        ${version === null ? NOTHING_LEFT : ''}
        PRAGMA user_version = ${SCHEMA_VERSION};
        COMMIT`)
    }
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** What is deleted is overwritten, and not only unlinked; and a commit is on the disk. */
const EVERY_CONNECTION = `
  PRAGMA secure_delete = ON;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -16384;`

/** From now on the event loop belongs to the deliveries. */
export function beginServing(db: DatabaseSync): void {
  db.exec(`PRAGMA busy_timeout = ${SERVER_LOCK_MS}`)
}

/**
 * Opens the database in a file beside its server, or without one, and changes nothing of its schema.
 * @returns the version too: an older one has what is needed to look, and no more
 * @throws {StoreOpenError} it is another program's, or of a version that this program can't use
 */
export function openBeside(file: string): { db: DatabaseSync; version: number } {
  const db = new DatabaseSync(file, { timeout: COMMAND_LOCK_MS })
  try {
    const version = versionOf(db, file)
    if (version === null) throw new StoreOpenError(`${file} is empty; name the server's own file`)
    if (version < OLDEST_LOOKED_AT) throw new StoreOpenError(olderVersion(file, version))
    db.exec(EVERY_CONNECTION)
    return { db, version }
  } catch (error) {
    db.close()
    throw error
  }
}

/** Only the server upgrades, under its lock: an older one may be running. */
export function olderVersion(file: string, version: number): string {
  return `${file} has schema version ${version}, not ${SCHEMA_VERSION}; start this version's server with it once`
}

/**
 * The schema's version: this one, an older one that can be brought up to it, or a newer one that this program may use;
 * null: nothing is in the file.
 * @throws {StoreOpenError} it is another program's, or of a newer version that this program can't use
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

/** What a store says about itself; undefined: nothing, as those of older versions do. */
function aboutOf(db: DatabaseSync, name: string): string | undefined {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'about'").get() === undefined) return undefined
  return db.prepare(STATEMENTS.getAbout).get(name)?.value as string | undefined
}

/** When the store was made from a backup, Unix ms; null: it was not, or somebody has decided about its id since. */
export function restoredAt(db: DatabaseSync): number | null {
  const at = aboutOf(db, 'restored_at')
  return at === undefined ? null : Number(at)
}

const NOTHING_LEFT = `INSERT OR IGNORE INTO about VALUES ('nothing_left_since', unixepoch() * 1000);`

/** Whether the file may hold bytes of what earlier versions have deleted. */
export function mayHoldLeftovers(db: DatabaseSync): boolean {
  return aboutOf(db, 'nothing_left_since') === undefined
}

/** Rewrites the file without what earlier versions deleted: some seconds for each GB, and nobody can write. */
export function eraseLeftovers(db: DatabaseSync): void {
  db.exec(`VACUUM; PRAGMA wal_checkpoint(TRUNCATE); ${NOTHING_LEFT}`)
}

/** Notes in a store's file that it is made from a backup, and may have the installation id of one in service. */
export function markRestored(file: string, now: number): void {
  mark(file, db => db.prepare(STATEMENTS.setAbout).run('restored_at', String(now)))
}

/** Notes in a file that SQLite has just written (VACUUM INTO) that nothing of what was deleted is in it. */
export function markWithoutLeftovers(file: string): void {
  mark(file, db => db.exec(NOTHING_LEFT))
}

/** A store of an older version gets its notes, and an id of its own, from the server that upgrades it. */
function mark(file: string, write: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(file)
  try {
    if ((versionOf(db, file) as number) >= SCHEMA_VERSION) write(db)
  } finally {
    db.close()
  }
}
