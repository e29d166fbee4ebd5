interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

export interface BatchOptions {
  /** Maximum number of items in a batch. */
  max?: number
  /** Whether one item may have caused the error: the batch is then retried without it. */
  isItemError: (error: unknown) => boolean
}

/**
 * Collects the items added in one turn of the event loop, or while the previous batch is running, and processes them in
 * one run: one commit for many. Batches run one at a time, in order. An item that can't be processed fails alone: its
 * batch is split in halves until the item is found.
 * @param run processes all items or none, and returns their results in the same order
 */
export function batched<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { max = 256, isItemError }: BatchOptions,
) {
  let waiting: Waiting<Item, Result>[] = []
  let running: Promise<void> | undefined
  let size = 0

  async function runAll(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    while (waiting.length > 0) {
      const batch = waiting.slice(0, max)
      waiting = waiting.slice(max)
      size = batch.length
      await runBatch(batch)
    }
    running = undefined
    size = 0
  }

  async function runBatch(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result)
    } catch (error) {
      if (batch.length === 1 || !isItemError(error)) {
        for (const { reject } of batch) reject(error)
        return
      }
      const middle = Math.ceil(batch.length / 2)
      await runBatch(batch.slice(0, middle))
      await runBatch(batch.slice(middle))
    }
  }

  return {
    add(item: Item): Promise<Result> {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        running ??= runAll()
      })
    },
    /** Size of the running batch. */
    size: () => size,
    /** Resolves when no batch is running. */
    async ended(): Promise<void> {
      await running
    },
  }
}
