import type { StatementSync } from 'node:sqlite'

/** Payloads that one commit deletes, bytes: they are overwritten, and others wait for the lock meanwhile. */
const MAX_COMMIT_BYTES = 512 * 1024
/** And deliveries. */
const MAX_COMMIT_DELIVERIES = 50

/** Deliveries (acceptance numbers) in groups whose payloads are no more than a commit should delete. */
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
