import type { DatabaseSync } from 'node:sqlite'
import type { Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { scanBacklog } from './counts.ts'
import { olderVersion } from './file.ts'
import { KnownIds } from './known-ids.ts'
import { createQueries, findSeqForCommand } from './queries.ts'

/** A read-only store of an older version, whose server may be running. */
export function openOlderStore(db: DatabaseSync, file: string, version: number): Store {
  const refuse = async () => {
    throw new StoreOpenError(olderVersion(file, version))
  }
  return {
    ...createQueries(db, findSeqForCommand(new KnownIds(db))),
    backlog: async () => scanBacklog(db),
    /** Whether it could be written: lock and permissions. */
    async checkWritable() {
      db.exec('BEGIN IMMEDIATE; ROLLBACK')
    },
    insert: refuse,
    schedule: refuse,
    unschedule: refuse,
    promote: refuse,
    take: refuse,
    peek: refuse,
    settle: refuse,
    claimStep: refuse,
    recordStep: refuse,
    note: refuse,
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
