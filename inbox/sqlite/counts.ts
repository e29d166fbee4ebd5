import type { DatabaseSync } from 'node:sqlite'
import type { Backlog, DeliveryState } from '../contracts.ts'
import type { InMemory } from './commits.ts'
import { STATEMENTS } from './statements.ts'

/** Acceptance numbers that are counted together, as a power of 2: the oldest of a chunk is found within a millisecond. */
const CHUNK_BITS = 12

/** What other processes than the server have changed since it started: more or fewer deliveries of a chunk in a state. */
export const COUNTS_SCHEMA = `
  CREATE TABLE tally (state TEXT, chunk INTEGER, count INTEGER NOT NULL, PRIMARY KEY (state, chunk)) STRICT, WITHOUT ROWID;
`

const COUNTED = ['pending', 'parked', 'dead'] as const
type Counted = (typeof COUNTED)[number]

/** By state, then by chunk. */
export type Counts = Record<Counted, Map<number, number>>

/** How the deliveries of a store are counted as they change. */
export interface Counting {
  memory: InMemory
  /** A delivery is in this state (1), or no longer (-1), within a transaction. */
  add(state: DeliveryState, seq: number, by: 1 | -1): void
  /** Writes what others must know, at the end of a transaction. */
  write(): void
  backlog(): Backlog
}

/**
 * Counts all deliveries, and forgets what others have changed until now, within the transaction in which the server
 * takes the store over.
 */
export function countAll(db: DatabaseSync): Counts {
  db.exec('DELETE FROM tally')
  const counts = noCounts()
  for (const state of COUNTED) {
    // Written out, so that the planner sees that a partial index fits.
    const rows = db.prepare(
      `SELECT seq >> ${CHUNK_BITS} AS chunk, count(*) AS count FROM delivery WHERE state = '${state}' GROUP BY 1`,
    )
    for (const { chunk, count } of rows.all()) counts[state].set(chunk as number, count as number)
  }
  return counts
}

/** The server's counts are in memory: a backlog of a million is some 250 numbers, and no commit pays for them. */
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

/** A command writes what it changes for the server, and counts by itself. */
export function countBeside(db: DatabaseSync): Counting {
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

/** Walks what waits: for a command, which holds nobody up. */
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
      // Nobody asks how much is over.
      if (state === 'done' || state === 'discarded') return
      const chunk = Math.floor(seq / 2 ** CHUNK_BITS)
      changes.push({ state, chunk, by })
      change(counts[state], chunk, by)
    },
  }
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
