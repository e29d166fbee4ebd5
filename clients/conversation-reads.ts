import type { ChatwootConversation } from './chatwoot.ts'

/** A read is used for merging for this long: agents change conversations too, ms. */
const MAX_AGE_MS = 30_000
/** What was written last is remembered of so many attribute and label lists. */
const MAX_WRITTEN = 10_000

/**
 * Which reads of a conversation can be merged into without reading it again: those that this process has written
 * nothing after.
 */
export class Reads {
  /** Orders reads and writes. */
  #number = 0
  readonly #reads = new WeakMap<ChatwootConversation, { number: number; at: number }>()
  /** The number of the last write, by path. */
  readonly #written = new Map<string, number>()
  /** The last write of the paths that are no longer remembered. */
  #forgotten = 0

  async register(read: () => Promise<ChatwootConversation>): Promise<ChatwootConversation> {
    const number = ++this.#number
    const at = performance.now()
    const conversation = await read()
    this.#reads.set(conversation, { number, at })
    return conversation
  }

  /** @param path of what is to be written */
  isCurrent(conversation: ChatwootConversation | undefined, path: string): conversation is ChatwootConversation {
    const read = conversation && this.#reads.get(conversation)
    if (read === undefined || performance.now() - read.at > MAX_AGE_MS) return false
    return read.number > (this.#written.get(path) ?? this.#forgotten)
  }

  /** Writes; reads begun before its end may be older. */
  async outdate(path: string, write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
    } finally {
      this.#written.delete(path)
      this.#written.set(path, ++this.#number)
      this.#forgetOldest()
    }
  }

  #forgetOldest(): void {
    if (this.#written.size <= MAX_WRITTEN) return
    const [path, number] = this.#written.entries().next().value as [string, number]
    this.#written.delete(path)
    this.#forgotten = number
  }
}
