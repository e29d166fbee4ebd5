import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryState, Store } from '../contracts.ts'
import type { StoreParts } from './parts.ts'
import type { Replay } from './replay.ts'
import { eraseRemains } from './scrub.ts'
import { inSmallCommits } from './small-commits.ts'
import { preparer } from './statements.ts'

/** Scheduled or quarantined deliveries forgotten in one commit. */
const DROPPED_PER_COMMIT = 50

/** What an operator does to deliveries. */
export function createOperatorActions(
  db: DatabaseSync,
  { write, counts, seqOf }: StoreParts,
  replay: Replay,
): Pick<Store, 'replay' | 'discard' | 'note' | 'forget'> {
  const sql = preparer(db)
  const getState = sql('getState')
  const wakeNow = sql('wakeAt')
  const discardDelivery = sql('discardDelivery')
  const noteByHand = sql('noteByHand')
  const bodyBytes = sql('bodyBytes')
  const forgetBody = sql('forgetBody')
  const forgetErrors = sql('forgetErrors')
  const discardForgotten = sql('discardForgotten')
  const hurryScheduled = sql('hurryScheduled')
  const discardScheduled = sql('discardScheduled')
  const dropScheduled = sql('dropScheduled')
  const isScheduled = sql('isScheduled')
  const dropQuarantined = sql('dropQuarantined')
  const isQuarantined = sql('isQuarantined')

  const stateOf = (seq: number | null) => getState.get(seq)?.state as DeliveryState | undefined

  return {
    replay: (ids, now) =>
      write(() => {
        const changed = new Set<string>()
        for (const id of ids) {
          const scheduled = hurryScheduled.get(id) as { ordering_key: string } | undefined
          if (scheduled !== undefined) changed.add(scheduled.ordering_key)
        }
        for (const orderingKey of replay(ids.map(seqOf), now)) changed.add(orderingKey)
        for (const orderingKey of changed) wakeNow.run(orderingKey, 0)
        return [...changed]
      }),

    discard: (id, reason, now) =>
      write(() => {
        const seq = seqOf(id)
        const before = stateOf(seq)
        if (discardDelivery.run(now, reason, seq).changes === 0)
          return discardScheduled.run(reason, id).changes > 0 || dropQuarantined.run(id).changes > 0
        counts.add(before as DeliveryState, seq as number, -1)
        noteByHand.run(seq, 'discarded', now, reason)
        return true
      }),

    note: (id, detail, now) => write(() => void noteByHand.run(seqOf(id), 'noted', now, detail)),

    async forget(ids, now) {
      let forgotten = 0
      for (const [isThere, drop] of [
        [isScheduled, dropScheduled],
        [isQuarantined, dropQuarantined],
      ] as const) {
        const found = ids.filter(id => isThere.get(id) !== undefined)
        for (let from = 0; from < found.length; from += DROPPED_PER_COMMIT) {
          const some = found.slice(from, from + DROPPED_PER_COMMIT)
          forgotten += await write(() => some.reduce((sum, id) => sum + Number(drop.run(id).changes), 0))
        }
      }
      const seqs = ids.map(seqOf).filter(seq => seq !== null)
      for (const some of inSmallCommits(seqs, bodyBytes)) forgotten += await write(() => forgetAll(some, now))
      await eraseRemains(db)
      return forgotten
    },
  }

  function forgetAll(seqs: readonly number[], now: number): number {
    let forgotten = 0
    for (const seq of seqs) {
      const before = stateOf(seq)
      if (forgetBody.run(seq).changes === 0) continue
      forgotten++
      forgetErrors.run(seq)
      discardForgotten.run(now, seq)
      counts.add(before as DeliveryState, seq, -1)
      noteByHand.run(seq, 'forgotten', now, null)
    }
    return forgotten
  }
}
