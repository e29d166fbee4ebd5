import type { DatabaseSync } from 'node:sqlite'
import type { Backlog, DeliveryState } from './contracts.ts'
import type { InMemory } from './sqlite-commits.ts'
import { STATEMENTS } from './sqlite-statements.ts'

/** Acceptance numbers that are counted together, as a power of 2: the oldest of a chunk is found within a millisecond. */
const CHUNK_BITS = 12

/** How many deliveries of a chunk are in a state. Nothing is counted for what is done or discarded. */
export const COUNTS_SCHEMA = `
  CREATE TABLE tally (state TEXT, chunk INTEGER, count INTEGER NOT NULL, PRIMARY KEY (state, chunk)) STRICT, WITHOUT ROWID;
`

const COUNTED = ['pending', 'parked', 'dead'] as const

/** Counts anew, whatever was counted. States are written out, so that the planner sees that a partial index fits. */
export const COUNT_ALL = `
  DELETE FROM tally;
  ${COUNTED.map(
    state => `
  INSERT INTO tally SELECT '${state}', seq >> ${CHUNK_BITS}, count(*) FROM delivery WHERE state = '${state}' GROUP BY 2;`,
  ).join('')}
`

type Counted = (typeof COUNTED)[number]

/** Counts deliveries by state as they change, with one small write for each commit, so that nobody has to count rows. */
export function openCounts(db: DatabaseSync) {
  const add = db.prepare(STATEMENTS.addToTally)
  const dropEmpty = db.prepare(STATEMENTS.dropEmptyTally)
  const sums = db.prepare(STATEMENTS.sumTally)
  const firstChunk = db.prepare(STATEMENTS.firstPendingChunk)
  const oldestInChunk = db.prepare(STATEMENTS.oldestInChunk)

  /** By state, then by chunk: what the transaction under way adds. */
  const sumOf: Record<Counted, Map<number, number>> = { pending: new Map(), parked: new Map(), dead: new Map() }
  let changes: { state: Counted; chunk: number; by: number }[] = []

  function change(state: Counted, chunk: number, by: number): void {
    sumOf[state].set(chunk, (sumOf[state].get(chunk) ?? 0) + by)
  }

  const memory: InMemory = {
    begin() {
      for (const state of COUNTED) sumOf[state].clear()
      changes = []
    },
    mark: () => changes.length,
    undoTo(mark) {
      for (const { state, chunk, by } of changes.splice(mark)) change(state, chunk, -by)
    },
    committed() {},
  }

  return {
    memory,
    /** A delivery is in this state (1), or no longer (-1), within a transaction. */
    add(state: DeliveryState, seq: number, by: 1 | -1): void {
      if (state === 'done' || state === 'discarded') return
      const chunk = Math.floor(seq / 2 ** CHUNK_BITS)
      changes.push({ state, chunk, by })
      change(state, chunk, by)
    },
    /** Writes what has changed, at the end of a transaction. */
    write(): void {
      for (const state of COUNTED) {
        for (const [chunk, by] of sumOf[state]) {
          if (by !== 0) add.run(state, chunk, by)
          if (by < 0) dropEmpty.run(state, chunk)
        }
      }
    },
    backlog(): Backlog {
      const counts = { pending: 0, parked: 0, dead: 0 }
      for (const { state, count } of sums.all()) counts[state as Counted] = count as number
      const { chunk } = firstChunk.get() as { chunk: number | null }
      const oldest =
        chunk === null ? undefined : oldestInChunk.get(chunk * 2 ** CHUNK_BITS, (chunk + 1) * 2 ** CHUNK_BITS)
      return { ...counts, oldestPendingAt: (oldest?.received_at as number | undefined) ?? null }
    },
  }
}
