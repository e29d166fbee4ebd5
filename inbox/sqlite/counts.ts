import type { DatabaseSync } from 'node:sqlite'
import type { Backlog, DeliveryState } from '../contracts.ts'
import type { InMemory } from './commits.ts'
import { STATEMENTS } from './statements.ts'

/**
 * Acceptance numbers counted together, as a power of 2: the oldest delivery of a chunk is found within a millisecond.
 */
const CHUNK_BITS = 12

/** What commands have changed since the server started: the difference in deliveries by chunk and state. */
export const COUNTS_SCHEMA = `
  CREATE TABLE tally (state TEXT, chunk INTEGER, count INTEGER NOT NULL, PRIMARY KEY (state, chunk)) STRICT, WITHOUT ROWID;
`

const COUNTED = ['pending', 'parked', 'dead'] as const
type Counted = (typeof COUNTED)[number]

/** By state, then by chunk. */
export type Counts = Record<Counted, Map<number, number>>

/** Counts deliveries by state as they change. */
export interface Counting {
  memory: InMemory
  /** Adds a delivery to a state (1) or removes it (-1), within a transaction. */
  add(state: DeliveryState, seq: number, by: 1 | -1): void
  /** Writes changes for other processes, at the end of a transaction. */
  write(): void
  backlog(): Backlog
}

/** Counts all deliveries and clears the tally, in the transaction in which the server takes over the store. */
export function countAll(db: DatabaseSync): Counts {
  db.exec('DELETE FROM tally')
  const counts = noCounts()
  for (const state of COUNTED) {
    // A literal, or the planner would not use the partial index.
    const rows = db.prepare(
      `SELECT seq >> ${CHUNK_BITS} AS chunk, count(*) AS count FROM delivery WHERE state = '${state}' GROUP BY 1`,
    )
    for (const { chunk, count } of rows.all()) counts[state].set(chunk as number, count as number)
  }
  return counts
}

/** The server counts in memory: some 250 numbers for a backlog of a million, and no cost for commits. */
export function countInMemory(db: DatabaseSync, counts: Counts): Counting {
  const tally = db.prepare(STATEMENTS.readTally)
  const oldestInChunk = db.prepare(STATEMENTS.oldestInChunk)
  const changes = createChanges(counts)
  return {
    ...changes,
    write() {},
    backlog() {
      const of = { pending: new Map(counts.pending), parked: new Map(counts.parked), dead: new Map(counts.dead) }
      for (const { state, chunk, count } of tally.all()) change(of[state as Counted], chunk as number, count as number)
      const oldest = of.pending.size === 0 ? null : Math.min(...of.pending.keys())
      return { ...sums(of), oldestPendingAt: oldest === null ? null : oldestAt(oldest) }
    },
  }

  function oldestAt(chunk: number): number | null {
    const row = oldestInChunk.get(chunk * 2 ** CHUNK_BITS, (chunk + 1) * 2 ** CHUNK_BITS)
    return (row as { received_at: number | null }).received_at
  }
}

/** A command writes its changes to the tally, for the server, and counts the backlog by scanning. */
export function countForCommand(db: DatabaseSync): Counting {
  const add = db.prepare(STATEMENTS.addToTally)
  const counts = noCounts()
  const changes = createChanges(counts)
  return {
    ...changes,
    write() {
      for (const state of COUNTED) {
        for (const [chunk, by] of counts[state]) add.run(state, chunk, by)
        counts[state].clear()
      }
    },
    backlog: () => scanBacklog(db),
  }
}

/** Scans what is waiting: only for commands, which block nothing. */
export function scanBacklog(db: DatabaseSync): Backlog {
  const count = (state: Counted) =>
    db.prepare(`SELECT count(*) AS count FROM delivery WHERE state = '${state}'`).get()?.count as number
  const first = db.prepare(`SELECT min(seq + 0) AS seq FROM delivery WHERE state = 'pending'`).get()?.seq as
    | number
    | null
  const oldest = db.prepare('SELECT received_at FROM delivery WHERE seq = ?').get(first)
  return {
    pending: count('pending'),
    parked: count('parked'),
    dead: count('dead'),
    oldestPendingAt: (oldest?.received_at as number | undefined) ?? null,
  }
}

function createChanges(counts: Counts): Pick<Counting, 'memory' | 'add'> {
  let changes: { state: Counted; chunk: number; by: number }[] = []
  return {
    memory: {
      begin() {
        changes = []
      },
      mark: () => changes.length,
      undoTo(mark) {
        for (const { state, chunk, by } of changes.splice(mark)) change(counts[state], chunk, -by)
      },
      committed() {},
    },
    add(state, seq, by) {
      // Finished deliveries are not counted, and none here is scheduled or quarantined.
      if (!isCounted(state)) return
      const chunk = Math.floor(seq / 2 ** CHUNK_BITS)
      changes.push({ state, chunk, by })
      change(counts[state], chunk, by)
    },
  }
}

function isCounted(state: DeliveryState): state is Counted {
  return COUNTED.some(counted => counted === state)
}

function change(counts: Map<number, number>, chunk: number, by: number): void {
  const count = (counts.get(chunk) ?? 0) + by
  if (count === 0) counts.delete(chunk)
  else counts.set(chunk, count)
}

function noCounts(): Counts {
  return { pending: new Map(), parked: new Map(), dead: new Map() }
}

function sums(counts: Counts): Record<Counted, number> {
  const sum = (state: Counted) => [...counts[state].values()].reduce((sum, count) => sum + count, 0)
  return { pending: sum('pending'), parked: sum('parked'), dead: sum('dead') }
}
