interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * Gathers what is asked for while the batch before is under way, and in the same turn of the event loop, and does it
 * with one run: one commit for many. Batches follow each other, so that what is asked first is done first.
 * @param run does them all, and gives their results in the same order
 * @param most items in one batch
 */
export function batched<Item, Result>(run: (items: Item[]) => Promise<Result[]>, most = 256) {
  let waiting: Waiting<Item, Result>[] = []
  let running: Promise<void> | undefined
  let size = 0

  async function runAll(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most)
      waiting = waiting.slice(most)
      size = batch.length
      try {
        const results = await run(batch.map(({ item }) => item))
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    running = undefined
    size = 0
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
