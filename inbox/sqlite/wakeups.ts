import type { DatabaseSync } from 'node:sqlite'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

/** Wake-ups checked in one commit. */
const MAX_WAKEUPS_PER_COMMIT = 1_000

/** Clock corrections smaller than this are ignored, ms: they delay nothing for long. */
export const CLOCK_SLACK_MS = 5_000

/** When mailboxes are due: what the in-process scheduler needs beyond the contract. */
export interface Wakeups {
  /** At most `limit` mailboxes with something due at `now`, the longest due first. */
  dueMailboxes(now: number, limit: number): Promise<string[]>
  /** When a mailbox without a running drain is due again, Unix ms; null: it is empty. */
  dueAt(orderingKey: string): Promise<number | null>
  /** When the next mailbox after `now` is due, Unix ms; null: none is waiting. */
  nextDueAt(now: number): Promise<number | null>
  /** Leaves a mailbox alone until a time (Unix ms). */
  holdMailbox(orderingKey: string, until: number): Promise<void>
  /**
   * After the clock was set back: makes everything due after `now` due at once; `take` decides how long it still waits.
   */
  wakeLater(now: number): Promise<void>
}

export function createWakeups(db: DatabaseSync, { write }: Pick<StoreParts, 'write'>): Wakeups {
  const sql = preparer(db)
  const due = sql('due')
  const mailboxDue = sql('mailboxDue')
  const firstDue = sql('firstDue')
  const holdMailbox = sql('holdMailbox')
  const wakeupSlice = sql('wakeupSlice')
  const wakeLater = sql('wakeLater')

  return {
    async dueMailboxes(now, limit) {
      return (due.all(now, limit) as { ordering_key: string }[]).map(row => row.ordering_key)
    },
    async dueAt(orderingKey) {
      return (mailboxDue.get(orderingKey)?.due_at as number | undefined) ?? null
    },
    async nextDueAt(now) {
      return (firstDue.get(now) as { at: number | null }).at
    },
    async holdMailbox(orderingKey, until) {
      await write(() => holdMailbox.run(until, orderingKey))
    },
    async wakeLater(now) {
      for (let from: string | null = ''; from !== null; ) {
        from = await write(() => wakeSlice(from as string, now))
      }
    },
  }

  /** Makes a slice of the waiting mailboxes due. Returns where the next slice begins; null: at the end. */
  function wakeSlice(from: string, now: number): string | null {
    const { last } = wakeupSlice.get(from, MAX_WAKEUPS_PER_COMMIT) as { last: string | null }
    if (last === null) return null
    wakeLater.run(from, last, now)
    return `${last}\0`
  }
}
