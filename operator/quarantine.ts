import { setTimeout } from 'node:timers/promises'
import type { Inbox } from '../inbox/inbox.ts'

/** Quarantined deliveries of the page, the API and the commands: the server verifies them again, and these wait for it. */

/** What became of those that were verified again. */
export interface VerifiedAgain {
  /** Stored, known already, or of an event that nothing handles: no longer in quarantine. */
  replayed: number
  refused: StillRefused[]
  /** Not verified within 5 s: no server with quarantine is running, or the store is busy. They stay asked for. */
  waiting: number
}

export interface StillRefused {
  id: string
  why: string
}

/** How often to look whether the server is done, and for how long without progress, ms. */
const LOOK_MS = 100
const PATIENCE_MS = 5_000
/** Asked for in one write: a large one would delay others. */
const AT_ONCE = 200

export const NOBODY_VERIFIES =
  'a running server verifies them, with QUARANTINE_MB set: they are verified when there is one'

type Asking = Pick<Inbox, 'browse' | 'replay' | 'quarantined'>

/** Has quarantined deliveries verified again with the secrets of now, and waits for it. */
export async function verifyQuarantined(inbox: Asking, ids: readonly string[]): Promise<VerifiedAgain> {
  for (let from = 0; from < ids.length; from += AT_ONCE) await inbox.replay(ids.slice(from, from + AT_ONCE))
  await untilVerified(inbox)
  const asked = new Set(ids)
  const refused: StillRefused[] = []
  let waiting = 0
  for (let before: number | undefined; ; ) {
    const { deliveries, next } = await inbox.browse({ state: 'quarantined' }, AT_ONCE, before)
    for (const { id, error, startedAt } of deliveries) {
      if (!asked.has(id)) continue
      if (startedAt !== null) waiting++
      else refused.push({ id, why: error as string })
    }
    if (next === null) break
    before = next
  }
  return { replayed: ids.length - refused.length - waiting, refused, waiting }
}

async function untilVerified(inbox: Pick<Inbox, 'quarantined'>): Promise<void> {
  let { asked } = await inbox.quarantined()
  for (let sinceMs = 0; asked > 0 && sinceMs < PATIENCE_MS; sinceMs += LOOK_MS) {
    await setTimeout(LOOK_MS)
    const now = (await inbox.quarantined()).asked
    if (now < asked) sinceMs = 0
    asked = now
  }
}

/** Why they are still refused, each reason once, with how many. */
export function reasonsOf(refused: readonly StillRefused[]): string {
  const counts = new Map<string, number>()
  for (const { why } of refused) counts.set(why, (counts.get(why) ?? 0) + 1)
  return [...counts].map(([why, count]) => (counts.size === 1 ? why : `${count} × ${why}`)).join('; ')
}
