import type { DatabaseSync } from 'node:sqlite'
import type { Store } from '../contracts.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

/** Claims and results of `once`. */
export function createSteps(
  db: DatabaseSync,
  { write }: Pick<StoreParts, 'write'>,
): Pick<Store, 'claimStep' | 'recordStep' | 'releaseStep'> {
  const sql = preparer(db)
  const findStep = sql('findStep')
  const claimStep = sql('claimStep')
  const recordStep = sql('recordStep')
  const releaseStep = sql('releaseStep')

  return {
    claimStep: key =>
      write(() => {
        const step = findStep.get(key) as { done_at: number | null; result: string } | undefined
        if (step === undefined) {
          claimStep.run(key)
          return 'claimed'
        }
        return step.done_at === null ? 'busy' : { result: JSON.parse(step.result) }
      }),
    async recordStep(key, result, now) {
      const json = JSON.stringify(result ?? null)
      await write(() => recordStep.run(now, json, key))
    },
    async releaseStep(key) {
      await write(() => releaseStep.run(key))
    },
  }
}
