import type { StatementSync } from 'node:sqlite'

/** Payload bytes deleted in one commit: they are overwritten while other processes wait for the lock. */
const MAX_COMMIT_BYTES = 512 * 1024
/** Deliveries changed in one commit. */
const MAX_COMMIT_DELIVERIES = 50

/** Groups deliveries (acceptance numbers) by what one commit should delete. */
export function inSmallCommits(seqs: readonly number[], bodyBytes: StatementSync): number[][] {
  const groups: number[][] = []
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
