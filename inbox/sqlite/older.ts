import type { DatabaseSync } from 'node:sqlite'
import type { Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import { scanBacklog } from './counts.ts'
import { olderVersion } from './file.ts'
import { KnownIds } from './known-ids.ts'
import { createQuarantine } from './quarantine.ts'
import { createQueries, findSeqForCommand } from './queries.ts'

/** A read-only store of an older version, whose server may be running. */
export function openOlderStore(db: DatabaseSync, file: string, version: number): Store {
  const refuse = async () => {
    throw new StoreOpenError(olderVersion(file, version))
  }
  const known = new KnownIds(db)
  const queries = createQueries(db, known, findSeqForCommand(known))
  return {
    ...queries,
    list: (filter, ...page) => (filter.cause === undefined ? queries.list(filter, ...page) : refuse()),
    browse: (filter, ...page) => (filter.cause === undefined ? queries.browse(filter, ...page) : refuse()),
    backlog: async () => scanBacklog(db),
    causes: refuse,
    startReplayJob: refuse,
    replayJob: refuse,
    changeReplayJob: refuse,
    stepReplayJob: refuse,
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
    forgetSteps: refuse,
    replay: refuse,
    discard: refuse,
    forget: refuse,
    prune: refuse,
    quarantine: createQuarantine(db, { write: refuse }),
    installationId: refuse,
    setInstallationId: refuse,
    async close() {
      db.close()
    },
  }
}
