import type { FastifyBaseLogger } from 'fastify'
import type { Clock, Store } from './contracts.ts'

const DAY = 24 * 60 * 60 * 1_000
/** Time between two passes, ms. */
const PASS_INTERVAL = 60 * 60 * 1_000
/** Time between the steps of a pass, ms: deliveries come first. */
const STEP_INTERVAL = 20
/** Deliveries looked at in one step. */
const STEP = 200

export interface PruningOptions {
  store: Pick<Store, 'prune'>
  clock: Clock
  log: FastifyBaseLogger
  retentionDays: number
  dedupDays: number
}

/** Deletes what is older than its time: a pass at start and every hour, in small steps. Returns what ends it. */
export function startPruning({ store, clock, log, retentionDays, dedupDays }: PruningOptions): () => void {
  let stopped = false
  let cancel = clock.after(STEP_INTERVAL, () => void step(0))

  async function step(after: number): Promise<void> {
    const now = clock.now()
    let next: number | null = null
    try {
      const before = { payloadsBefore: now - retentionDays * DAY, keysBefore: now - dedupDays * DAY }
      next = await store.prune(before, after, STEP)
    } catch (error) {
      log.error(error, 'old deliveries could not be deleted; tried again in an hour')
    }
    if (stopped) return
    cancel =
      next === null ? clock.after(PASS_INTERVAL, () => void step(0)) : clock.after(STEP_INTERVAL, () => void step(next))
  }

  return () => {
    stopped = true
    cancel()
  }
}
