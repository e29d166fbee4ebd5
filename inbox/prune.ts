import { setTimeout } from 'node:timers/promises'
import type { Clock, Logger, Store } from './contracts.ts'

const HOUR_MS = 60 * 60 * 1_000
const DAY_MS = 24 * HOUR_MS
/** Hours for which a refused delivery stays in quarantine, unless another number is set. */
export const QUARANTINE_HOURS = 24
/** Time between passes, ms. */
const PASS_INTERVAL_MS = 60 * 60 * 1_000
/** Minimum pause between the steps of a pass, ms: deliveries come first. */
const MIN_PAUSE_MS = 20
/** The pause is this many times as long as the step, so that pruning takes a tenth of the time at most. */
const PAUSE_FACTOR = 9
/** Deliveries deleted in one step; an acknowledgement may wait some ms for it. */
const MAX_DELETED_PER_STEP = 20

export interface Pruned {
  store: Pick<Store, 'prune' | 'quarantine'>
  clock: Pick<Clock, 'now'>
  retentionDays: number
  dedupDays: number
  /** Default 24, also for what was kept before quarantine was turned off. */
  quarantineHours?: number | undefined
}

export interface PruningOptions extends Pruned {
  clock: Clock
  log: Logger
}

/** Where to continue (null: at the end), and after how many ms. */
async function pruneStep(pruned: Pruned, after: number) {
  const { store, clock, retentionDays, dedupDays, quarantineHours = QUARANTINE_HOURS } = pruned
  // Days may be a fraction, or more than there have been since 1970: PostgreSQL takes whole ms in 64 bits only.
  const before = (ms: number) => Math.max(0, Math.round(clock.now() - ms))
  const begunAt = performance.now()
  const pauseMs = () => Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * (performance.now() - begunAt))
  if (await store.quarantine.prune(before(quarantineHours * HOUR_MS))) return { next: after, pauseMs: pauseMs() }
  const ages = { payloadsBefore: before(retentionDays * DAY_MS), keysBefore: before(dedupDays * DAY_MS) }
  const next = await store.prune(ages, after, MAX_DELETED_PER_STEP)
  return { next, pauseMs: pauseMs() }
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
export function startPruning({ clock, log, ...pruned }: PruningOptions): () => void {
  let stopped = false
  let cancel = clock.after(MIN_PAUSE_MS, () => void step(0))

  async function step(after: number): Promise<void> {
    let next: number | null = null
    let pauseMs = PASS_INTERVAL_MS
    try {
      ;({ next, pauseMs } = await pruneStep({ clock, ...pruned }, after))
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
