import type { InMemory } from './commits.ts'

/** Acceptance numbers of the deliveries that this process has taken and not settled. */
export class InFlight implements InMemory {
  readonly #seqs = new Set<number>()
  /** In the current transaction. */
  #changes: { seq: number; added: boolean }[] = []

  has(seq: number): boolean {
    return this.#seqs.has(seq)
  }

  /** Within a transaction. */
  add(seq: number): void {
    this.#seqs.add(seq)
    this.#changes.push({ seq, added: true })
  }

  /** Within a transaction. */
  remove(seq: number): void {
    if (this.#seqs.delete(seq)) this.#changes.push({ seq, added: false })
  }

  begin(): void {
    this.#changes = []
  }

  mark(): number {
    return this.#changes.length
  }

  undoTo(mark: number): void {
    for (const { seq, added } of this.#changes.splice(mark).reverse()) {
      if (added) this.#seqs.delete(seq)
      else this.#seqs.add(seq)
    }
  }

  committed(): void {}
}
