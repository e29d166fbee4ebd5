import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryState } from '../contracts.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

/**
 * Makes parked and dead deliveries due at once, with those that are in one run with them, within a transaction. Takes
 * their acceptance numbers, returns the ordering keys of those that changed.
 */
export type Replay = (seqs: readonly (number | null)[], now: number) => string[]

export function createReplay(db: DatabaseSync, { counts }: StoreParts): Replay {
  const sql = preparer(db)
  const getState = sql('getState')
  const ofRun = sql('ofRun')
  const replayDelivery = sql('replayDelivery')
  const wakeNow = sql('wakeAt')
  const noteByHand = sql('noteByHand')

  return (seqs, now) => {
    const changed = new Set<string>()
    for (const seq of withRuns(seqs)) {
      const before = getState.get(seq)?.state
      const row = replayDelivery.get(seq) as { ordering_key: string } | undefined
      if (row === undefined) continue
      changed.add(row.ordering_key)
      counts.add(before as DeliveryState, seq, -1)
      counts.add('parked', seq, 1)
      noteByHand.run(seq, 'replayed', now, null)
    }
    for (const orderingKey of changed) wakeNow.run(orderingKey, 0)
    return [...changed]
  }

  /** Also those that are in one run with one of them. */
  function withRuns(seqs: readonly (number | null)[]): Set<number> {
    const all = new Set<number>()
    for (const seq of seqs) {
      if (seq === null || all.has(seq)) continue
      all.add(seq)
      for (const other of ofRun.all(seq)) all.add(other.seq as number)
    }
    return all
  }
}
