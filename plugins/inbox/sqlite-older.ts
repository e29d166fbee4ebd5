import type { DatabaseSync } from 'node:sqlite'
import type { Backlog, Store } from './contracts.ts'
import { StoreOpenError } from './errors.ts'
import { olderVersion } from './sqlite-file.ts'
import { openKnownIds } from './sqlite-known-ids.ts'
import { createLooks, seqBeside } from './sqlite-looks.ts'

/**
 * A store of an older version, whose server may be running: to be looked at, and not changed.
 * @param version that it has
 */
export function openOlderStore(db: DatabaseSync, file: string, version: number): Store {
  const refuse = async () => {
    throw new StoreOpenError(olderVersion(file, version))
  }
  const count = (state: string) =>
    db.prepare(`SELECT count(*) AS count FROM delivery WHERE state = '${state}'`).get()?.count as number

  return {
    ...createLooks(db, seqBeside(openKnownIds(db))),
    async backlog() {
      const oldest = db
        .prepare(`SELECT received_at AS at FROM delivery WHERE state = 'pending' ORDER BY seq LIMIT 1`)
        .get() as { at: number } | undefined
      const counts = { pending: count('pending'), parked: count('parked'), dead: count('dead') }
      return { ...counts, oldestPendingAt: oldest?.at ?? null } satisfies Backlog
    },
    /** Whether it could be written: the lock, and the right to it. */
    async checkWritable() {
      db.exec('BEGIN IMMEDIATE; ROLLBACK')
    },
    insert: refuse,
    take: refuse,
    settle: refuse,
    claimStep: refuse,
    recordStep: refuse,
    releaseStep: refuse,
    replay: refuse,
    discard: refuse,
    forget: refuse,
    prune: refuse,
    installationId: refuse,
    setInstallationId: refuse,
    async close() {
      db.close()
    },
  }
}
