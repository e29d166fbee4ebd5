import type { DatabaseSync } from 'node:sqlite'
import type { DeliveryState, Store } from '../contracts.ts'
import type { Commits } from './commits.ts'
import type { Counting } from './counts.ts'
import type { KnownIds } from './known-ids.ts'
import { emptyLog } from './scrub.ts'
import { STATEMENTS } from './statements.ts'

/** Payloads that one commit deletes, bytes: they are overwritten, and others wait for the lock meanwhile. */
const MAX_COMMIT_BYTES = 512 * 1024
/** And deliveries. */
const MAX_COMMIT_DELIVERIES = 50
/** Acceptance numbers that one step of pruning looks at. */
const LOOKED_AT = 200

interface RemovalParts {
  write: Commits['write']
  known: KnownIds
  counts: Pick<Counting, 'add'>
  seqOf: (id: string) => number | null
  /** Another process is the server, perhaps: what that one has in memory is its own to forget. */
  beside: boolean
}

interface Candidate {
  seq: number
  id: string
  settled_at: number
  bytes: number | null
}

/** What a person or the passing of time does to deliveries. */
export function createRemoval(
  db: DatabaseSync,
  { write, known, counts, seqOf, beside }: RemovalParts,
): Pick<Store, 'replay' | 'discard' | 'forget' | 'prune'> {
  const sql = (name: keyof typeof STATEMENTS) => db.prepare(STATEMENTS[name])
  const getState = sql('getState')
  const replayDelivery = sql('replayDelivery')
  const wakeNow = sql('wakeAt')
  const discardDelivery = sql('discardDelivery')
  const noteByHand = sql('noteByHand')
  const bodyBytes = sql('bodyBytes')
  const forgetBody = sql('forgetBody')
  const forgetErrors = sql('forgetErrors')
  const discardForgotten = sql('discardForgotten')
  const pruneSlice = sql('pruneSlice')
  const pruneCandidates = sql('pruneCandidates')
  const pruneBody = sql('pruneBody')
  const pruneHistory = sql('pruneHistory')
  const pruneKey = sql('pruneKey')
  const oldStep = sql('oldStep')
  const pruneSteps = sql('pruneSteps')

  const stateOf = (seq: number | null) => getState.get(seq)?.state as DeliveryState | undefined

  return {
    replay: (ids, now) =>
      write(() => {
        const changed = new Set<string>()
        for (const id of ids) {
          const seq = seqOf(id)
          const before = stateOf(seq)
          const row = replayDelivery.get(seq) as { ordering_key: string } | undefined
          if (row === undefined) continue
          changed.add(row.ordering_key)
          counts.add(before as DeliveryState, seq as number, -1)
          counts.add('parked', seq as number, 1)
          noteByHand.run(seq, 'replayed', now, null)
        }
        for (const orderingKey of changed) wakeNow.run(orderingKey, 0)
        return [...changed]
      }),

    discard: (id, reason, now) =>
      write(() => {
        const seq = seqOf(id)
        const before = stateOf(seq)
        if (discardDelivery.run(now, reason, seq).changes === 0) return false
        counts.add(before as DeliveryState, seq as number, -1)
        noteByHand.run(seq, 'discarded', now, reason)
        return true
      }),

    async forget(ids, now) {
      let forgotten = 0
      for (const seqs of inSmallCommits(ids.map(seqOf))) forgotten += await write(() => forgetAll(seqs, now))
      await emptyLog(db)
      return forgotten
    },

    async prune({ payloadsBefore, keysBefore }, after, limit) {
      const hasOldSteps = oldStep.get(keysBefore) !== undefined
      const { last } = pruneSlice.get(after, LOOKED_AT) as { last: number | null }
      const found =
        last === null
          ? []
          : (pruneCandidates.all(after, last, payloadsBefore, keysBefore, limit) as unknown as Candidate[])
      const [candidates = []] = inSmallCommits(found.map(row => row.seq)).map(({ length }) => found.slice(0, length))
      if (hasOldSteps || candidates.length > 0) {
        await write(() => {
          pruneSteps.run(keysBefore, limit)
          for (const candidate of candidates) prune(candidate, keysBefore)
        })
      }
      const stoppedBefore = candidates.length < found.length || found.length === limit
      return stoppedBefore ? (candidates.at(-1)?.seq as number) : last
    },
  }

  /** Deliveries in groups whose payloads are no more than a commit should delete. */
  function inSmallCommits(seqs: readonly (number | null)[]): (number | null)[][] {
    const groups: (number | null)[][] = []
    let bytes = Number.POSITIVE_INFINITY
    for (const seq of seqs) {
      const more = (bodyBytes.get(seq)?.bytes as number | undefined) ?? 0
      let group = groups.at(-1)
      if (group === undefined || bytes + more > MAX_COMMIT_BYTES || group.length === MAX_COMMIT_DELIVERIES) {
        group = []
        groups.push(group)
        bytes = 0
      }
      group.push(seq)
      bytes += more
    }
    return groups
  }

  function forgetAll(seqs: readonly (number | null)[], now: number): number {
    let forgotten = 0
    for (const seq of seqs) {
      const before = stateOf(seq)
      if (forgetBody.run(seq).changes === 0) continue
      forgotten++
      forgetErrors.run(seq)
      discardForgotten.run(now, seq)
      counts.add(before as DeliveryState, seq as number, -1)
      noteByHand.run(seq, 'forgotten', now, null)
    }
    return forgotten
  }

  function prune({ seq, id, settled_at }: Candidate, keysBefore: number): void {
    pruneBody.run(seq)
    if (settled_at >= keysBefore || (beside && seq > known.indexedTo)) return
    pruneHistory.run(seq)
    pruneKey.run(seq)
    known.remove(id)
  }
}
