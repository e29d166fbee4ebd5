import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryState, Store } from '../contracts.ts'
import type { StoreParts } from './parts.ts'
import { emptyLog } from './scrub.ts'
import { inSmallCommits } from './small-commits.ts'
import { preparer } from './statements.ts'

/** Scheduled deliveries forgotten in one commit. */
const SCHEDULED_PER_COMMIT = 50

/** What an operator does to deliveries. */
export function createOperatorActions(
  db: DatabaseSync,
  { write, counts, seqOf }: StoreParts,
): Pick<Store, 'replay' | 'discard' | 'note' | 'forget'> {
  const sql = preparer(db)
  const getState = sql('getState')
  const ofRun = sql('ofRun')
  const replayDelivery = sql('replayDelivery')
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

  const stateOf = (seq: number | null) => getState.get(seq)?.state as DeliveryState | undefined

  return {
    replay: (ids, now) =>
      write(() => {
        const changed = new Set<string>()
        for (const id of ids) {
          const scheduled = hurryScheduled.get(id) as { ordering_key: string } | undefined
          if (scheduled !== undefined) changed.add(scheduled.ordering_key)
        }
        for (const seq of withRuns(ids.map(seqOf))) {
          const before = stateOf(seq)
          const row = replayDelivery.get(seq) as { ordering_key: string } | undefined
          if (row === undefined) continue
          changed.add(row.ordering_key)
          counts.add(before as DeliveryState, seq, -1)
          counts.add('parked', seq, 1)
          noteByHand.run(seq, 'replayed', now, null)
        }
        for (const orderingKey of changed) wakeNow.run(orderingKey, 0)
        return [...changed]
      }),

    discard: (id, reason, now) =>
      write(() => {
        const seq = seqOf(id)
        const before = stateOf(seq)
        if (discardDelivery.run(now, reason, seq).changes === 0) return discardScheduled.run(reason, id).changes > 0
        counts.add(before as DeliveryState, seq as number, -1)
        noteByHand.run(seq, 'discarded', now, reason)
        return true
      }),

    note: (id, detail, now) => write(() => void noteByHand.run(seqOf(id), 'noted', now, detail)),

    async forget(ids, now) {
      let forgotten = 0
      const scheduled = ids.filter(id => isScheduled.get(id) !== undefined)
      for (let from = 0; from < scheduled.length; from += SCHEDULED_PER_COMMIT) {
        const some = scheduled.slice(from, from + SCHEDULED_PER_COMMIT)
        forgotten += await write(() => some.reduce((sum, id) => sum + Number(dropScheduled.run(id).changes), 0))
      }
      const seqs = ids.map(seqOf).filter(seq => seq !== null)
      for (const some of inSmallCommits(seqs, bodyBytes)) forgotten += await write(() => forgetAll(some, now))
      await emptyLog(db)
      return forgotten
    },
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
