import { existsSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { backendOf } from '../backends/index.ts'
import { StoreOpenError } from '../inbox/errors.ts'
import { lockFile, versionOf } from '../inbox/sqlite/file.ts'

/** The files of a sandbox: beside the server's store, which it never touches. */
export interface SandboxFiles {
  store: string
  /** See run-file.ts. */
  run: string
}

/** @param where DATABASE_URL @throws {StoreOpenError} it names the sandbox's own file */
export function sandboxFiles(where: string): SandboxFiles {
  const folder = backendOf(where) === 'sqlite' ? dirname(where) : 'data'
  const store = join(folder, 'sandbox.db')
  if (resolve(where) !== resolve(store)) return { store, run: join(folder, 'sandbox.json') }
  throw new StoreOpenError(`${where} is a file that the sandbox begins anew at each start; give another name`)
}

/**
 * Takes them for this process, until it ends or `release` is called, and begins the store anew.
 * @throws {StoreOpenError} another sandbox has them, the folder can't be written, or the store is none of ours
 */
export function takeFiles({ store, run }: SandboxFiles): { release(): void } {
  const lock = lockFile(run)
  try {
    // The service's own, which that of a sandbox that was just killed may still have.
    lockFile(store).close()
    mustBeStore(store)
    for (const file of [store, `${store}-wal`, `${store}-shm`, run]) rmSync(file, { force: true })
  } catch (error) {
    lock.close()
    throw error
  }
  return { release: () => lock.close() }
}

/** Nobody else's file is deleted. */
function mustBeStore(file: string): void {
  if (!existsSync(file)) return
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    versionOf(db, file)
  } catch (error) {
    throw new StoreOpenError(`${file} is no store of a sandbox (${(error as Error).message}); move it away`)
  } finally {
    db.close()
  }
}
