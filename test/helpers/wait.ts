/*
 * Every wait in a test says what for. When the time is up, the process that would bring it has ended, or nothing left
 * in this process can bring it, the wait fails with that and with what was seen last. tap, which would end the test
 * file later, knows neither.
 */

/** Generous, for a slow machine, but well within tap's time for a file, ms. */
const DEADLINE_MS = 300_000
/** How much of what was seen is reported. */
const LAST_LINES = 30
const POLL_MS = 20

export interface Wait {
  /** Completes the sentence "waited for …". */
  what: string
  /** What has been seen so far, one item per line. */
  seen?: (() => readonly unknown[]) | undefined
  /** For a process that is waited for: how it ended, once it has. */
  ended?: Promise<string> | undefined
  /** Default: 300,000. */
  deadlineMs?: number | undefined
}

/** Rejects the waits that are not over yet. */
const open = new Set<(why: string) => void>()

// A test that waits for what nothing can bring any more would end here, silently. tap's own listener comes before it,
// and waits for the tests that this ends.
process.on('beforeExit', () => {
  for (const fail of open) fail('nothing is left to wait for')
})

/** The promise, or an error that says what was waited for. An unobserved error is ignored. */
export function inTime<T>(promise: Promise<T>, { what, seen, ended, deadlineMs = DEADLINE_MS }: Wait): Promise<T> {
  const { stack = '' } = new Error()
  const result = new Promise<T>((resolve, reject) => {
    const over = () => {
      clearTimeout(timer)
      open.delete(fail)
    }
    const fail = (why: string) => {
      over()
      const error = new Error([`waited for ${what}, but ${why}`, ...lastOf(seen?.())].join('\n'))
      // The stack shows which wait it was, not what ended it.
      error.stack = `Error: ${error.message}\n${stack.replace(/^Error\n/, '')}`
      reject(error)
    }
    // The loser of a race must not hold up a test.
    const timer = setTimeout(() => fail(`${deadlineMs / 1_000} s have passed`), deadlineMs).unref()
    open.add(fail)
    promise.finally(over).then(resolve, reject)
    void ended?.then(how => open.has(fail) && fail(how))
  })
  result.catch(() => {})
  return result
}

/** Polls, and returns the first answer that is neither undefined nor false. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { everyMs = POLL_MS, ...wait }: Omit<Wait, 'what'> & { everyMs?: number } = {},
): Promise<T> {
  let isOver = false
  const seek = async (): Promise<T> => {
    for (;;) {
      const answer = await look()
      if (answer !== undefined && answer !== false) return answer
      await new Promise(resolve => setTimeout(resolve, everyMs))
      if (isOver) return new Promise(() => {})
    }
  }
  return inTime(seek(), { what, ...wait }).finally(() => {
    isOver = true
  })
}

export interface Awaited<Item> {
  /** Adds one, and resolves the waits that it matches. */
  add(item: Item): void
  /** No more will be added: those still waiting fail with this. */
  end(how: string): void
  items: Item[]
  /** The first match, already here or still to come. */
  first(what: string, fits: (item: Item) => boolean): Promise<Item>
}

/** Items that arrive one by one, such as the lines of a log, and can be waited for. */
export function arrivals<Item>(show: (item: Item) => string): Awaited<Item> {
  const items: Item[] = []
  let waiting: { fits: (item: Item) => boolean; resolve: (item: Item) => void }[] = []
  const ended = Promise.withResolvers<string>()
  return {
    items,
    add(item) {
      items.push(item)
      for (const { resolve } of waiting.filter(({ fits }) => fits(item))) resolve(item)
      waiting = waiting.filter(({ fits }) => !fits(item))
    },
    end: ended.resolve,
    first(what, fits) {
      const here = items.find(fits)
      if (here !== undefined) return Promise.resolve(here)
      const coming = new Promise<Item>(resolve => waiting.push({ fits, resolve }))
      return inTime(coming, { what, seen: () => items.map(show), ended: ended.promise })
    },
  }
}

function lastOf(seen: readonly unknown[] | undefined): string[] {
  if (seen === undefined) return []
  if (seen.length === 0) return ['Nothing was seen.']
  const last = seen.slice(-LAST_LINES).map(line => (typeof line === 'string' ? line : JSON.stringify(line)))
  return [`Seen last, of ${seen.length}:`, ...last]
}
