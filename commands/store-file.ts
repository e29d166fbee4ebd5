import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { backendOf } from '../backends/index.ts'
import { StoreOpenError } from '../inbox/errors.ts'
import { versionOf } from '../inbox/sqlite/file.ts'
import { CommandError } from './output.ts'

/** Stores as files: whole ones, in their place only once they are checked and safe on the disk. */

/** @throws {CommandError} for what is no file */
export function mustBeFile(store: string): void {
  if (backendOf(store) === 'sqlite') return
  throw new CommandError("use pg_dump and pg_restore for PostgreSQL: see 'Backup and restore' in the README")
}

/**
 * Makes a store's file beside where it belongs, checks it, and puts it there. Whatever fails leaves nothing behind.
 * @param copyOf what it is called in errors
 * @param make fills the file of this name, which is there, empty, and for nobody else to read
 * @param mark changes the file once it is checked
 * @throws {CommandError} that says why not
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

/** @throws {Error} that says why the file is no whole store of this program's */
function checkStore(file: string): void {
  const url = pathToFileURL(file)
  // Nobody else writes it: no lock, no log beside it.
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

/** What a power cut must not take back. */
function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
