import type { DatabaseSync } from 'node:sqlite'
import type { StoreParts } from './parts.ts'
import { preparer } from './statements.ts'

/** Wake-ups that are looked at in one commit. */
const MAX_WAKEUPS_PER_COMMIT = 1_000

/** Clocks that are set right by less than this make nobody wait for long, ms. */
export const CLOCK_SLACK_MS = 5_000

/** When mailboxes are due: what the in-process scheduler asks beyond the contract. */
export interface Wakeups {
  /** At most `limit` mailboxes with something due at `now`, longest due first. */
  dueMailboxes(now: number, limit: number): Promise<string[]>
  /** When a mailbox that nobody drains any more is due again, Unix ms; null: nothing is left in it. */
  dueAt(orderingKey: string): Promise<number | null>
  /** When the first mailbox after `now` is due, Unix ms; null: none waits. */
  nextDueAt(now: number): Promise<number | null>
  /** The clock was set back: what is due after `now` is due at once, and `take` decides how long it still waits. */
  wakeLater(now: number): Promise<void>
}

export function createWakeups(db: DatabaseSync, { write }: Pick<StoreParts, 'write'>): Wakeups {
  const sql = preparer(db)
  const due = sql('due')
  const mailboxDue = sql('mailboxDue')
  const firstDue = sql('firstDue')
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
    async wakeLater(now) {
      for (let from: string | null = ''; from !== null; ) {
        from = await write(() => wakeSlice(from as string, now))
      }
    },
  }

  /** Makes a slice of the mailboxes due that wait for a later time. Where the next one begins; null: at the end. */
  function wakeSlice(from: string, now: number): string | null {
    const { last } = wakeupSlice.get(from, MAX_WAKEUPS_PER_COMMIT) as { last: string | null }
    if (last === null) return null
    wakeLater.run(from, last, now)
    return `${last}\0`
  }
}
