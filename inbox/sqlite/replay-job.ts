import type { DatabaseSync } from 'node:sqlite'
import { MAX_COUNTED_OF_CAUSE, type Store } from '../contracts.ts'
import {
  changed,
  hasEnded,
  isActive,
  mayReplay,
  NO_STEP,
  newReplayJob,
  type Replayed,
  replayJobView,
  type StoredReplayJob,
  stepped,
  withNothingLeft,
  withOutcomes,
  withReplayed,
} from '../replay-job.ts'
import type { StoreParts } from './parts.ts'
import type { Replay } from './replay.ts'
import { preparer } from './statements.ts'

/** The fact about the store that is its replay job, as JSON. */
const NAME = 'replay_job'

interface Candidate {
  seq: number
  attempts: number
}

/** See replay-job.ts. */
export function createReplayJob(
  db: DatabaseSync,
  { write }: StoreParts,
  replay: Replay,
): Pick<Store, 'startReplayJob' | 'replayJob' | 'changeReplayJob' | 'stepReplayJob'> {
  const sql = preparer(db)
  const getAbout = sql('getAbout')
  const setAbout = sql('setAbout')
  const lastOfCause = sql('lastOfCause')
  const nextOfCause = sql('nextOfCause')
  const leftOfCause = sql('leftOfCause')
  const getReplayed = sql('getReplayed')

  return {
    startReplayJob: (wish, now) =>
      write(() => {
        const before = read()
        if (before !== null && !hasEnded(before)) return 'busy'
        const last = lastOfCause.get(wish.cause)?.seq as number | undefined
        if (last === undefined) return 'none'
        return save(newReplayJob(wish, (before?.number ?? 0) + 1, last, now))
      }),
    async replayJob() {
      const job = read()
      return job === null ? null : view(job)
    },
    changeReplayJob: (number, to, now) =>
      write(() => {
        const job = read()
        if (job?.number !== number) return 'unknown'
        const next = changed(job, to, now)
        return typeof next === 'string' ? next : save(next)
      }),
    async stepReplayJob(now) {
      const job = read()
      if (job === null || !isActive(job)) return NO_STEP
      const { next, candidate } = plan(job, now)
      // Most looks change nothing: they cost no write.
      if (candidate === undefined && next.open.length === job.open.length && next.state === job.state)
        return stepped(job, next, [], now)
      return write(() => step(now))
    },
  }

  function read(): StoredReplayJob | null {
    const row = getAbout.get(NAME)
    return row === undefined ? null : (JSON.parse(row.value as string) as StoredReplayJob)
  }

  function save(job: StoredReplayJob) {
    setAbout.run(NAME, JSON.stringify(job))
    return view(job)
  }

  function view(job: StoredReplayJob) {
    const { count } = leftOfCause.get(job.cause, job.after, job.last, MAX_COUNTED_OF_CAUSE) as { count: number }
    return replayJobView(job, count)
  }

  /** The job with what is known now, and the delivery that it is to replay, if it may. */
  function plan(job: StoredReplayJob, now: number): { next: StoredReplayJob; candidate?: Candidate | undefined } {
    const next = withOutcomes(job, seq => getReplayed.get(seq) as Replayed | undefined)
    if (!mayReplay(next, now)) return { next }
    const candidate = nextOfCause.get(next.cause, next.after, next.last) as Candidate | undefined
    return candidate === undefined ? { next: withNothingLeft(next, now) } : { next, candidate }
  }

  function step(now: number) {
    // A command may have stopped it meanwhile.
    const job = read() as StoredReplayJob
    const { next, candidate } = plan(job, now)
    const keys = candidate === undefined ? [] : replay([candidate.seq], now)
    const after = candidate === undefined ? next : withReplayed(next, candidate, now)
    setAbout.run(NAME, JSON.stringify(after))
    return stepped(job, after, keys, now)
  }
}
