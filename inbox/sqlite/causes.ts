import type { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { type CauseGroup, MAX_CAUSE_GROUPS, MAX_COUNTED_OF_CAUSE, type Store } from '../contracts.ts'
import { type CauseRow, causeGroup } from '../rows.ts'
import { preparer } from './statements.ts'

/** See Store.causes: from one cause to the next by the index. Each takes a millisecond or two at most. */
export function createCauses(db: DatabaseSync): Store['causes'] {
  const sql = preparer(db)
  const nextCause = sql('nextCause')
  const ofCause = sql('ofCause')

  return async () => {
    const groups: CauseGroup[] = []
    let last = ''
    while (groups.length < MAX_CAUSE_GROUPS) {
      const cause = nextCause.get(last)?.cause as string | undefined
      if (cause === undefined) break
      // Another process may have closed all of them since.
      const rows = ofCause.all(cause, MAX_COUNTED_OF_CAUSE + 1, cause, cause) as unknown as Omit<CauseRow, 'cause'>[]
      groups.push(...rows.map(row => causeGroup({ cause, ...row })))
      last = cause
      // Incoming requests go first.
      await setImmediate()
    }
    return groups
  }
}
