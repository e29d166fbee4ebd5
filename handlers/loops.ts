import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Turn } from './turn.ts'

/** Machines that answer the bot: an automatic reply, another bot. No two of them may go on for ever. */

const WITHIN_MS = 10 * 60_000
/** The same text so many times within that time: a machine, or somebody whom the bot does not help. */
const MAX_EQUAL_TEXTS = 3
/** So many answers within that time, to whatever is written: nobody goes on so fast for so long. */
const MAX_ANSWERS = 30
/** Conversations whose answers are counted at a time. */
const MAX_COUNTED = 10_000

/** Counts the answers in each conversation. In memory: after a restart a machine gets some more. */
export function createAnswerCount(now: () => number) {
  const answers = new LRUCache<string, number[]>({ max: MAX_COUNTED })
  /** Counts one more; returns whether it is one too many. */
  return (conversation: string): boolean => {
    const at = now()
    const recent = (answers.get(conversation) ?? []).filter(before => at - before < WITHIN_MS)
    answers.set(conversation, [...recent, at])
    return recent.length >= MAX_ANSWERS
  }
}

/** Whether this text has come too often, as from a machine that answers the bot. */
export async function isRepeated({ conversation, delivery, written, once }: Turn): Promise<boolean> {
  const within = Math.floor(delivery.receivedAt / WITHIN_MS)
  let isRepeated = false
  for (const { id, text } of written) {
    const key = `said:${conversation.id}:${hash('sha256', text)}:${within}`
    if (!(await isCounted(key, id, once))) isRepeated = true
  }
  // An id can come again with a new conversation: nothing has been answered in that one.
  return isRepeated && conversation.attributes.pending_intent != null
}

/** Whether it is among the first ones of its kind. */
async function isCounted(key: string, id: string, once: Turn['once']): Promise<boolean> {
  for (let count = 1; count < MAX_EQUAL_TEXTS; count++) {
    if ((await once(`${key}:${count}`, () => id)) === id) return true
  }
  return false
}
