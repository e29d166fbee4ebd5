import type { DatabaseSync } from 'node:sqlite'
import type { Store } from '../contracts.ts'
import type { StoreParts } from './parts.ts'
import { inSmallCommits } from './small-commits.ts'
import { preparer } from './statements.ts'

/** Acceptance numbers scanned by one step of pruning. */
const SEQS_PER_STEP = 200

interface Candidate {
  seq: number
  id: string
  settled_at: number
}

export function createPruning(db: DatabaseSync, { write, known, isCommand }: StoreParts): Pick<Store, 'prune'> {
  const sql = preparer(db)
  const bodyBytes = sql('bodyBytes')
  const pruneSlice = sql('pruneSlice')
  const pruneCandidates = sql('pruneCandidates')
  const pruneBody = sql('pruneBody')
  const pruneHistory = sql('pruneHistory')
  const pruneKey = sql('pruneKey')
  const oldStep = sql('oldStep')
  const pruneSteps = sql('pruneSteps')

  return {
    async prune({ payloadsBefore, keysBefore }, after, limit) {
      const hasOldSteps = oldStep.get(keysBefore) !== undefined
      const { last } = pruneSlice.get(after, SEQS_PER_STEP) as { last: number | null }
      const found =
        last === null
          ? []
          : (pruneCandidates.all(after, last, payloadsBefore, keysBefore, limit) as unknown as Candidate[])
      const [first = []] = inSmallCommits(
        found.map(row => row.seq),
        bodyBytes,
      )
      const candidates = found.slice(0, first.length)
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

  function prune({ seq, id, settled_at }: Candidate, keysBefore: number): void {
    pruneBody.run(seq)
    if (settled_at >= keysBefore || (isCommand && seq > known.indexedTo)) return
    pruneHistory.run(seq)
    pruneKey.run(seq)
    known.remove(id)
  }
}
