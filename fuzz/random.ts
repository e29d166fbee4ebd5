/** Seeded random choices. */
export interface Random {
  /** From 0 up to 1. */
  next(): number
  /** An integer from `from` to `to`, inclusive. */
  between(from: number, to: number): number
  chance(probability: number): boolean
  pick<T>(values: readonly T[]): T
}

/** Mulberry32. @param stream one per part, so that its choices don't depend on another's speed */
export function createRandom(seed: number, stream: string): Random {
  let state = seed | 0
  for (const byte of Buffer.from(stream)) state = (Math.imul(state, 31) + byte) | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  return {
    next,
    between,
    chance: probability => next() < probability,
    pick: <T>(values: readonly T[]) => values[between(0, values.length - 1)] as T,
  }
}
