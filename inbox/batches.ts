interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

export interface BatchOptions {
  /** Items in one batch, at most. */
  max?: number
  /** Whether an error may be due to one item: then the others are done without it. */
  isItemError: (error: unknown) => boolean
}

/**
 * Gathers what is asked for while the batch before is under way, and in the same turn of the event loop, and does it
 * with one run: one commit for many. Batches follow each other, so that what is asked first is done first. An item that
 * can't be done fails alone: a batch with it is done in halves, and those in halves.
 * @param run does them all or none, and gives their results in the same order
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
    /** Of the batch that is under way: how much is asked at a time. */
    size: () => size,
    /** Resolves when nothing is under way. */
    async ended(): Promise<void> {
      await running
    },
  }
}
