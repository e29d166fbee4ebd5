import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { backendOf } from '../backends/index.ts'
import { StoreOpenError } from '../inbox/errors.ts'
import { versionOf } from '../inbox/sqlite/file.ts'
import { CommandError } from './output.ts'

/** Store files: complete, and put in place only after they are checked and synced. */

/** @throws {CommandError} for a store that is not a file */
export function mustBeFile(store: string): void {
  if (backendOf(store) === 'sqlite') return
  throw new CommandError("use pg_dump and pg_restore for PostgreSQL: see 'Backup and restore' in docs/operating.md")
}

/**
 * Creates a store file next to its destination, checks it and moves it there. A failure leaves nothing behind.
 * @param copyOf its name in errors
 * @param make fills the file, which exists, is empty and private
 * @param mark changes the file after the check
 * @throws {CommandError} if it failed
 */
export function placeStore(
  target: string,
  copyOf: string,
  make: (file: string) => void,
  mark = (_file: string) => {},
): void {
  const unfinished = `${target}.unfinished-${process.pid}`
  try {
    closeSync(openSync(unfinished, 'wx', 0o600))
    try {
      make(unfinished)
      checkStore(unfinished)
      mark(unfinished)
      sync(unfinished)
      renameSync(unfinished, target)
    } catch (error) {
      for (const end of ['', '-journal', '-wal', '-shm']) rmSync(unfinished + end, { force: true })
      throw error
    }
    sync(dirname(target))
  } catch (error) {
    const reason = (error as Error).message.replaceAll(unfinished, `the copy of ${copyOf}`)
    throw new CommandError(`could not create ${target}: ${reason}`, { cause: error })
  }
}

/** @throws {Error} if the file is not an intact store of this program */
function checkStore(file: string): void {
  const url = pathToFileURL(file)
  // Nobody else writes it: no lock, no WAL.
  url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url, { readOnly: true })
  try {
    if (versionOf(db, file) === null) throw new StoreOpenError(`${file} is empty`)
    const found = db.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string }
    if (found.integrity_check !== 'ok') throw new StoreOpenError(`${file} is damaged: ${found.integrity_check}`)
  } finally {
    db.close()
  }
}

/** Syncs a file or folder to disk, against power cuts. */
function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
