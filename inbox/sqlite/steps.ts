import type { DatabaseSync } from 'node:sqlite'
import type { Store } from '../contracts.ts'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

/** Claims and results of `once`. */
export function createSteps(
  db: DatabaseSync,
  { write }: Pick<StoreParts, 'write'>,
): Pick<Store, 'claimStep' | 'recordStep' | 'releaseStep' | 'forgetSteps'> {
  const sql = preparer(db)
  const findStep = sql('findStep')
  const claimStep = sql('claimStep')
  const recordStep = sql('recordStep')
  const releaseStep = sql('releaseStep')
  const forgetStep = sql('forgetStep')

  return {
    claimStep: key =>
      write(() => {
        const step = findStep.get(key) as { done_at: number | null; result: string | null } | undefined
        if (step !== undefined && step.done_at !== null) return { result: JSON.parse(step.result as string) }
        if (step !== undefined && step.result === null) return 'busy'
        claimStep.run(key)
        return step === undefined ? 'first' : 'again'
      }),
    async recordStep(key, result, now) {
      const json = JSON.stringify(result ?? null)
      await write(() => recordStep.run(now, json, key))
    },
    forgetSteps: keys =>
      write(() => {
        for (const key of keys) forgetStep.run(key)
      }),
    async releaseStep(key, now) {
      await write(() => releaseStep.run(String(now), key))
    },
  }
}
