import type { InMemory } from './commits.ts'

/** The deliveries that this process has taken and not settled, by their acceptance numbers. */
export function createInFlight() {
  const seqs = new Set<number>()
  let changes: { seq: number; added: boolean }[] = []

  const memory: InMemory = {
    begin() {
      changes = []
    },
    mark: () => changes.length,
    undoTo(mark) {
      for (const { seq, added } of changes.splice(mark).reverse()) {
        if (added) seqs.delete(seq)
        else seqs.add(seq)
      }
    },
    committed() {},
  }

  return {
    memory,
    has: (seq: number) => seqs.has(seq),
    /** Within a transaction. */
    add(seq: number): void {
      seqs.add(seq)
      changes.push({ seq, added: true })
    },
    /** Within a transaction. */
    remove(seq: number): void {
      if (seqs.delete(seq)) changes.push({ seq, added: false })
    },
  }
}
