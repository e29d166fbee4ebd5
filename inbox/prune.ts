import { setTimeout } from 'node:timers/promises'
import type { Clock, Logger, Store } from './contracts.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
/** Time between passes, ms. */
const PASS_INTERVAL_MS = 60 * 60 * 1_000
/** Minimum pause between the steps of a pass, ms: deliveries come first. */
const MIN_PAUSE_MS = 20
/** The pause is this many times as long as the step, so that pruning takes a tenth of the time at most. */
const PAUSE_FACTOR = 9
/** Deliveries deleted in one step; an acknowledgement may wait some ms for it. */
const MAX_DELETED_PER_STEP = 20

export interface Pruned {
  store: Pick<Store, 'prune'>
  clock: Pick<Clock, 'now'>
  retentionDays: number
  dedupDays: number
}

export interface PruningOptions extends Pruned {
  clock: Clock
  log: Logger
}

/** Where to continue (null: at the end), and after how many ms. */
async function pruneStep({ store, clock, retentionDays, dedupDays }: Pruned, after: number) {
  const now = clock.now()
  const begunAt = performance.now()
  const before = { payloadsBefore: now - retentionDays * DAY_MS, keysBefore: now - dedupDays * DAY_MS }
  const next = await store.prune(before, after, MAX_DELETED_PER_STEP)
  return { next, pauseMs: Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * (performance.now() - begunAt)) }
}

/** Runs a whole pass, for a command. */
export async function prunePass(pruned: Pruned): Promise<void> {
  for (let after: number | null = 0; after !== null; ) {
    const { next, pauseMs } = await pruneStep(pruned, after)
    after = next
    if (next !== null) await setTimeout(pauseMs)
  }
}

/** Deletes what has expired: a pass at start and every hour, in small steps. Returns a function that stops it. */
export function startPruning({ store, clock, log, retentionDays, dedupDays }: PruningOptions): () => void {
  let stopped = false
  let cancel = clock.after(MIN_PAUSE_MS, () => void step(0))

  async function step(after: number): Promise<void> {
    let next: number | null = null
    let pauseMs = PASS_INTERVAL_MS
    try {
      ;({ next, pauseMs } = await pruneStep({ store, clock, retentionDays, dedupDays }, after))
    } catch (error) {
      log.error(error, 'could not delete old deliveries, retrying in an hour')
    }
    if (stopped) return
    cancel = clock.after(next === null ? PASS_INTERVAL_MS : pauseMs, () => void step(next ?? 0))
  }

  return () => {
    stopped = true
    cancel()
  }
}
