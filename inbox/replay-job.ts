/**
 * The replay of what is parked or dead for one cause, as a job: at a pace, with a pause after failures. A store keeps
 * one, with all of its state, and makes each step in one transaction with what the step replays: whatever is killed,
 * nothing is replayed twice, and any instance goes on. Here is what both stores decide alike.
 */

/** What is asked for. */
export interface ReplayWish {
  cause: string
  /** Deliveries a minute, 1 to 600. */
  perMinute: number
  /**
   * It pauses when so many have failed again without one that succeeded in between, 1 to 100. Not more than so many are
   * under way at once.
   */
  pauseAfter: number
}

/** Limits of a wish, and what is taken if nothing is said. */
export const PACE = { usual: 60, max: 600 }
export const PAUSE_AFTER = { usual: 5, max: 100 }

/** running: it replays. paused: too many failed again; it waits to be resumed or stopped. stopped, done: it has ended. */
export type ReplayState = 'running' | 'paused' | 'stopped' | 'done'

/** As it is stored, in JSON. Times are Unix ms. */
export interface StoredReplayJob extends ReplayWish {
  /** 1 for a store's first job. */
  number: number
  state: ReplayState
  /** Why it is paused. */
  why: string | null
  startedAt: number
  endedAt: number | null
  /** When the next delivery may be replayed. */
  nextAt: number
  /** Acceptance numbers: of the last one that was replayed, and of the last one when it was started. */
  after: number
  last: number
  replayed: number
  succeeded: number
  failed: number
  /** Failures since the last success. */
  inARow: number
  /** Replayed ones whose outcome is not known yet, with the attempts that they had. */
  open: { seq: number; attempts: number }[]
}

/** A job for its observers. */
export interface ReplayJob extends Omit<StoredReplayJob, 'nextAt' | 'after' | 'last' | 'inARow' | 'open'> {
  /** Replayed, outcome not known yet. */
  underWay: number
  /** Not replayed yet; counted up to MAX_COUNTED_OF_CAUSE. */
  left: number
}

/** none: nothing is parked or dead for this cause. busy: a job runs or is paused. */
export type StartedReplay = ReplayJob | 'none' | 'busy'
/** unknown: the store's last job has another number. ended, running: it can't be done any more, or it is so already. */
export type ChangedReplay = ReplayJob | 'unknown' | 'ended' | 'running'

export interface ReplayStep {
  /** The mailboxes of what was replayed. */
  orderingKeys: string[]
  /** When the next step is due, ms; null: nothing is to be done. */
  nextMs: number | null
  /** The job, if this step has paused or ended it. */
  turned: StoredReplayJob | null
}

export const NO_STEP: ReplayStep = { orderingKeys: [], nextMs: null, turned: null }

/** What became of one that was replayed. */
export interface Replayed {
  state: string
  attempts: number
  started_at: number | string | null
  cause: string | null
}

/** Between two looks at what is under way, at most and at least, ms. */
export const MAX_STEP_MS = 500
const MIN_STEP_MS = 50

export function newReplayJob(wish: ReplayWish, number: number, last: number, now: number): StoredReplayJob {
  return {
    ...wish,
    number,
    state: 'running',
    why: null,
    startedAt: now,
    endedAt: null,
    nextAt: 0,
    after: 0,
    last,
    replayed: 0,
    succeeded: 0,
    failed: 0,
    inARow: 0,
    open: [],
  }
}

export function hasEnded({ state }: Pick<StoredReplayJob, 'state'>): boolean {
  return state === 'stopped' || state === 'done'
}

/** Whether there is anything to do for it: also after its end, outcomes may be missing. */
export function isActive(job: StoredReplayJob): boolean {
  return job.state === 'running' || job.open.length > 0
}

/** The job with the outcomes that are known now. @param found undefined: it is gone */
export function withOutcomes(job: StoredReplayJob, found: (seq: number) => Replayed | undefined): StoredReplayJob {
  const next = { ...job, open: [] as StoredReplayJob['open'] }
  for (const each of job.open) {
    const row = found(each.seq)
    const outcome = outcomeOf(row, each.attempts)
    if (outcome === 'open') next.open.push(each)
    if (outcome === 'done') {
      next.succeeded++
      next.inARow = 0
    }
    if (outcome !== 'failed') continue
    next.failed++
    next.inARow++
    if (next.state !== 'running' || next.inARow < job.pauseAfter) continue
    next.state = 'paused'
    next.why = `${next.inARow} in a row failed again, the last one for ${row?.cause}`
  }
  return next
}

function outcomeOf(row: Replayed | undefined, attempts: number): 'done' | 'failed' | 'open' | 'closed' {
  // Pruned: it was finished. What a person has closed is neither.
  if (row === undefined || row.state === 'discarded') return 'closed'
  if (row.state === 'done') return 'done'
  const hasFailed = row.state === 'dead' || (row.attempts > attempts && row.started_at === null)
  return hasFailed ? 'failed' : 'open'
}

/** Whether its next delivery may be replayed now. A time far ahead was written by a clock that was wrong. */
export function mayReplay({ state, open, pauseAfter, nextAt, perMinute }: StoredReplayJob, now: number): boolean {
  if (state !== 'running' || open.length >= pauseAfter) return false
  return now >= nextAt || nextAt > now + intervalOf(perMinute)
}

export function withReplayed(job: StoredReplayJob, one: { seq: number; attempts: number }, now: number) {
  return {
    ...job,
    after: one.seq,
    replayed: job.replayed + 1,
    open: [...job.open, one],
    nextAt: now + intervalOf(job.perMinute),
  }
}

/** Nothing is left to be replayed: it ends when all outcomes are known. */
export function withNothingLeft(job: StoredReplayJob, now: number): StoredReplayJob {
  return job.open.length > 0 ? job : { ...job, state: 'done', endedAt: now }
}

/** What a person has asked for. */
export function changed(
  job: StoredReplayJob,
  to: 'stopped' | 'running',
  now: number,
): StoredReplayJob | 'ended' | 'running' {
  if (hasEnded(job)) return 'ended'
  if (to === 'stopped') return { ...job, state: 'stopped', endedAt: now }
  if (job.state === 'running') return 'running'
  return { ...job, state: 'running', why: null, inARow: 0 }
}

/** The result of a step from one state to the next. */
export function stepped(
  before: StoredReplayJob,
  after: StoredReplayJob,
  orderingKeys: string[],
  now: number,
): ReplayStep {
  const isTurned = after.state !== before.state
  const isWaiting = after.open.length < after.pauseAfter && after.nextAt > now
  const waitMs = isWaiting ? after.nextAt - now : MAX_STEP_MS
  const nextMs = isActive(after) ? Math.max(MIN_STEP_MS, Math.min(MAX_STEP_MS, waitMs)) : null
  return { orderingKeys, nextMs, turned: isTurned ? after : null }
}

/** @param left see ReplayJob */
export function replayJobView(job: StoredReplayJob, left: number): ReplayJob {
  const { nextAt, after, last, inARow, open, ...view } = job
  return { ...view, underWay: open.length, left: hasEnded(job) ? 0 : left }
}

/** Between two deliveries, ms. */
function intervalOf(perMinute: number): number {
  return Math.round(60_000 / perMinute)
}
