import createError from '@fastify/error'
import type { Inbox } from '../inbox/inbox.ts'
import { PACE, PAUSE_AFTER, type ReplayJob, type ReplayWish } from '../inbox/replay-job.ts'
import { utcTime } from '../inbox/utc-time.ts'
import { BadFilterError, textOf } from './filter.ts'

/** The replay of a cause as a job, for the API, the page and the commands. */

const UnknownCauseError = createError<[string]>(
  'OPERATOR_UNKNOWN_CAUSE',
  'Nothing is parked or dead for the cause %s: see the causes for those that are',
  404,
)
const UnknownJobError = createError<[string]>(
  'OPERATOR_UNKNOWN_JOB',
  'There is no replay job %s: only the last one is kept',
  404,
)
const NoJobError = createError<[]>('OPERATOR_UNKNOWN_JOB', 'There has been no replay job', 404)
const BusyError = createError<[number, string]>(
  'OPERATOR_JOB_RUNS',
  'The replay job %s is %s: only one at a time; wait for it, or stop it first',
  409,
)
const JobConflictError = createError<[string, string]>('OPERATOR_CONFLICT', 'The replay job %s %s', 409)

/** What is asked for, as JSON Schema, for the API's documentation. */
export const WISH_SCHEMA = {
  cause: { type: 'string', description: 'As GET /causes shows it' },
  pace: { type: 'string', description: `Deliveries a minute, 1 to ${PACE.max} (default ${PACE.usual})` },
  pauseAfter: {
    type: 'string',
    description: `Pauses after so many failures in a row, 1 to ${PAUSE_AFTER.max} (default ${PAUSE_AFTER.usual}); not more are under way at once`,
  },
} as const

export interface ReplayJobView extends Omit<ReplayJob, 'perMinute' | 'startedAt' | 'endedAt'> {
  /** Deliveries a minute. */
  pace: number
  /** ISO 8601. */
  startedAt: string
  endedAt: string | null
}

type Jobs = Pick<Inbox, 'startReplayJob' | 'replayJob' | 'changeReplayJob'>

/** @throws 400 that names the field, 404 nothing is given up for this cause, 409 a job runs or is paused */
export async function startJob(inbox: Jobs, given: Record<string, unknown>): Promise<ReplayJobView> {
  const wish = readWish(given)
  const started = await inbox.startReplayJob(wish)
  if (started === 'none') throw new UnknownCauseError(wish.cause)
  if (started !== 'busy') return jobView(started)
  // Its store has said that there is one; jobs are never deleted.
  const { number, state } = (await inbox.replayJob()) as ReplayJob
  throw new BusyError(number, state)
}

/** The job that runs, or the last one; null: there has been none. */
export async function currentJob(inbox: Pick<Jobs, 'replayJob'>): Promise<ReplayJobView | null> {
  const job = await inbox.replayJob()
  return job === null ? null : jobView(job)
}

/** @param given its number @throws 404 */
export async function findJob(inbox: Pick<Jobs, 'replayJob'>, given: string): Promise<ReplayJobView> {
  const job = await currentJob(inbox)
  if (`${job?.number}` !== given || job === null) throw new UnknownJobError(given.slice(0, 20))
  return job
}

/**
 * @param given its number; undefined: the last one
 * @throws 404, 409 it has ended, or is not paused
 */
export async function changeJob(
  inbox: Jobs,
  given: string | undefined,
  to: 'stopped' | 'running',
): Promise<ReplayJobView> {
  const job = given === undefined ? await currentJob(inbox) : await findJob(inbox, given)
  if (job === null) throw new NoJobError()
  const changed = await inbox.changeReplayJob(job.number, to)
  if (changed === 'unknown') throw new UnknownJobError(`${job.number}`)
  if (changed === 'ended') throw new JobConflictError(`${job.number}`, 'has ended: start another one')
  if (changed === 'running') throw new JobConflictError(`${job.number}`, 'is running: there is nothing to resume')
  return jobView(changed)
}

function jobView({ perMinute: pace, startedAt, endedAt, ...job }: ReplayJob): ReplayJobView {
  return { ...job, pace, startedAt: utcTime(startedAt), endedAt: endedAt === null ? null : utcTime(endedAt) }
}

/** @throws {BadFilterError} that names the field */
function readWish({ cause, pace, pauseAfter, ...rest }: Record<string, unknown>): ReplayWish {
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw new BadFilterError(unknown, 'is not known: only cause, pace and pauseAfter are')
  const sought = textOf({ cause }, 'cause')
  if (sought === undefined) throw new BadFilterError('cause', 'is missing: give one that the causes show')
  return {
    cause: sought,
    perMinute: numberOf('pace', pace, PACE, 'deliveries a minute'),
    pauseAfter: numberOf('pauseAfter', pauseAfter, PAUSE_AFTER, 'failures in a row'),
  }
}

function numberOf(field: string, given: unknown, { usual, max }: { usual: number; max: number }, of: string): number {
  if (given === undefined || given === '') return usual
  const number = typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) : given
  if (Number.isInteger(number) && Number(number) >= 1 && Number(number) <= max) return Number(number)
  throw new BadFilterError(field, `must be a whole number of ${of}, from 1 to ${max}`)
}
