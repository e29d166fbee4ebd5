import type pg from 'pg'
import type { PgBoss } from 'pg-boss'
import { MAX_COUNTED_OF_CAUSE, type Store } from '../contracts.ts'
import { StoreOpenError } from '../errors.ts'
import {
  changed,
  hasEnded,
  isActive,
  MAX_STEP_MS,
  mayReplay,
  NO_STEP,
  newReplayJob,
  type Replayed,
  type ReplayStep,
  replayJobView,
  type StoredReplayJob,
  stepped,
  withNothingLeft,
  withOutcomes,
  withReplayed,
} from '../replay-job.ts'
import { CAUSE, IS_GIVEN_UP } from '../rows.ts'
import { BEGIN_IN_ORDER } from './counts.ts'
import { replayWithRuns } from './operator-actions.ts'
import { ifThere } from './scheduled.ts'
import { SCHEMA } from './schema.ts'
import { clean } from './strings.ts'
import { NOW_MS } from './time.ts'
import { transaction } from './transaction.ts'

const READ = `SELECT job FROM ${SCHEMA}.replay_job`
/** Held by who makes a step or a change; whoever comes second, for a step, leaves it to the first. */
const LOCK = `SELECT pg_advisory_xact_lock(${0x74627270})`
const TRY_LOCK = `SELECT pg_try_advisory_xact_lock(${0x74627270}) AS ours`
const NOW = `SELECT ${NOW_MS} AS now`
const SAVE = `
  INSERT INTO ${SCHEMA}.replay_job (is_only, job) VALUES (true, $1) ON CONFLICT (is_only) DO UPDATE SET job = excluded.job`
const OF_CAUSE = `${SCHEMA}.delivery WHERE ${IS_GIVEN_UP} AND ${CAUSE} = $1`
const LAST = `SELECT seq FROM ${OF_CAUSE} ORDER BY ${CAUSE} DESC, seq DESC LIMIT 1`
const LEFT = `
  SELECT count(*) AS count
  FROM (SELECT FROM ${OF_CAUSE} AND seq > $2 AND seq <= $3 ORDER BY ${CAUSE}, seq LIMIT ${MAX_COUNTED_OF_CAUSE}) AS first`
/** Of a run, its first one: the others are replayed with it. */
const NEXT = `
  SELECT seq, id, attempts FROM ${OF_CAUSE} AND seq > $2 AND seq <= $3 AND started_at IS NULL AND NOT EXISTS (
    SELECT FROM ${SCHEMA}.delivery AS earlier
    WHERE earlier.run > '' AND earlier.run = delivery.run AND earlier.seq < delivery.seq AND earlier.${IS_GIVEN_UP})
  ORDER BY ${CAUSE}, seq LIMIT 1`
const REPLAYED = `
  SELECT seq, state, attempts, started_at, cause FROM ${SCHEMA}.delivery WHERE seq = ANY($1::bigint[])`

/** See replay-job.ts. Times are the database's. */
export function createReplayJob(
  pool: pg.Pool,
  boss: PgBoss,
): Pick<Store, 'startReplayJob' | 'replayJob' | 'changeReplayJob' | 'stepReplayJob'> {
  return {
    startReplayJob: wish =>
      inTurn(async (client, now) => {
        const before = await read(client)
        if (before !== null && !hasEnded(before)) return 'busy'
        const given = { ...wish, cause: clean(wish.cause) }
        const { rows } = await client.query<{ seq: string }>(LAST, [given.cause])
        if (rows[0] === undefined) return 'none'
        return save(client, newReplayJob(given, (before?.number ?? 0) + 1, Number(rows[0].seq), now))
      }),
    async replayJob() {
      const job = await ifThere(read(pool), null)
      return job === null ? null : transaction(pool, client => view(client, job), BEGIN_IN_ORDER)
    },
    changeReplayJob: (number, to) =>
      inTurn(async (client, now) => {
        const job = await read(client)
        if (job?.number !== number) return 'unknown'
        const next = changed(job, to, now)
        return typeof next === 'string' ? next : save(client, next)
      }),
    async stepReplayJob() {
      const job = await ifThere(read(pool), null)
      if (job === null || !isActive(job)) return NO_STEP
      return transaction(pool, client => step(client, boss), BEGIN_IN_ORDER)
    },
  }

  async function inTurn<T>(run: (client: pg.ClientBase, now: number) => Promise<T>): Promise<T> {
    const made = await ifThere(
      transaction(
        pool,
        async client => {
          await client.query(LOCK)
          return { result: await run(client, await nowOf(client)) }
        },
        BEGIN_IN_ORDER,
      ),
      null,
    )
    if (made === null)
      throw new StoreOpenError("there are no replay jobs yet: start this version's server with it once")
    return made.result
  }
}

async function step(client: pg.ClientBase, boss: PgBoss): Promise<ReplayStep> {
  const { rows } = await client.query<{ ours: boolean }>(TRY_LOCK)
  // Another instance is making this step.
  if (!rows[0]?.ours) return { ...NO_STEP, nextMs: MAX_STEP_MS }
  // There is one, and jobs are never deleted.
  const job = (await read(client)) as StoredReplayJob
  const now = await nowOf(client)
  const found = await client.query<Replayed & { seq: string }>(REPLAYED, [job.open.map(({ seq }) => seq)])
  const bySeq = new Map(found.rows.map(row => [Number(row.seq), row]))
  let next = withOutcomes(job, seq => bySeq.get(seq))
  let keys: string[] = []
  if (mayReplay(next, now)) {
    const candidates = await client.query<{ seq: string; id: string; attempts: number }>(NEXT, [
      next.cause,
      next.after,
      next.last,
    ])
    const [one] = candidates.rows
    if (one === undefined) next = withNothingLeft(next, now)
    else {
      keys = await replayWithRuns(client, boss, [one.id])
      // None: another process has taken it meanwhile.
      if (keys.length > 0) next = withReplayed(next, { seq: Number(one.seq), attempts: one.attempts }, now)
    }
  }
  const isChanged = keys.length > 0 || next.open.length !== job.open.length || next.state !== job.state
  if (isChanged) await client.query(SAVE, [JSON.stringify(next)])
  return stepped(job, next, keys, now)
}

async function read(client: Pick<pg.ClientBase, 'query'>): Promise<StoredReplayJob | null> {
  const { rows } = await client.query<{ job: string }>(READ)
  return rows[0] === undefined ? null : (JSON.parse(rows[0].job) as StoredReplayJob)
}

async function save(client: pg.ClientBase, job: StoredReplayJob) {
  await client.query(SAVE, [JSON.stringify(job)])
  return view(client, job)
}

async function view(client: pg.ClientBase, job: StoredReplayJob) {
  const { rows } = await client.query<{ count: string }>(LEFT, [job.cause, job.after, job.last])
  return replayJobView(job, Number(rows[0]?.count))
}

async function nowOf(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ now: string }>(NOW)
  return Number(rows[0]?.now)
}
