import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { Store } from '../contracts.ts'
import { CLAIM_MS, HEARTBEAT_SECONDS } from './queue.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './strings.ts'
import { NOW_MS } from './time.ts'
import { transaction } from './transaction.ts'

/** Claims a step unless it is done or another process has a current claim. A row that was there has an xmax: it was locked here. */
const CLAIM_STEP = `
  INSERT INTO ${SCHEMA}.step (key, owner, until) VALUES ($1, $2, now() + interval '${HEARTBEAT_SECONDS} s')
  ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
  WHERE step.done_at IS NULL AND step.until < now() RETURNING xmax::text <> '0' AS again`
const FIND_STEP = `SELECT result FROM ${SCHEMA}.step WHERE key = $1`
/** Even if the claim has lapsed or is another's: the effect has happened. */
const RECORD_STEP = `
  INSERT INTO ${SCHEMA}.step (key, done_at, result) VALUES ($1, ${NOW_MS}, $2)
  ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at, result = excluded.result WHERE step.done_at IS NULL`
/** Ends the claim, and keeps the row: the step may have acted. */
const LAPSED = "owner = NULL, until = now() - interval '1 ms'"
const RELEASE_STEP = `UPDATE ${SCHEMA}.step SET ${LAPSED} WHERE key = $1 AND owner = $2 AND done_at IS NULL`
const RENEW_STEPS = `
  UPDATE ${SCHEMA}.step SET until = now() + interval '${HEARTBEAT_SECONDS} s' WHERE owner = $1 AND done_at IS NULL`
const RELEASE_STEPS = `UPDATE ${SCHEMA}.step SET ${LAPSED} WHERE owner = $1 AND done_at IS NULL`

const FORGET_STEPS = `UPDATE ${SCHEMA}.step SET result = 'null' WHERE key = ANY($1::text[]) AND done_at IS NOT NULL`

/** Claims and results of `once`, for this process. */
export function createSteps(pool: pg.Pool) {
  const owner = randomUUID()
  const write = <Row extends pg.QueryResultRow>(text: string, values: unknown[]) =>
    transaction(pool, client => client.query<Row>(text, values))
  const release = async (key: string) => void (await write(RELEASE_STEP, [indexable(key), owner]))

  const steps: Pick<Store, 'claimStep' | 'recordStep' | 'releaseStep' | 'forgetSteps'> = {
    async claimStep(key) {
      const begun = performance.now()
      const { rows: claimed } = await write<{ again: boolean }>(CLAIM_STEP, [indexable(key), owner])
      // If this process was frozen meanwhile, its claim may have expired, and another may have run the step.
      if (performance.now() - begun > CLAIM_MS) {
        await release(key)
        return 'busy'
      }
      if (claimed[0] !== undefined) return claimed[0].again ? 'again' : 'first'
      const { rows } = await pool.query<{ result: string | null }>(FIND_STEP, [indexable(key)])
      const [step] = rows
      // Released between the two statements: the next attempt gets it.
      if (step === undefined || step.result === null) return 'busy'
      return { result: JSON.parse(step.result) }
    },
    async recordStep(key, result) {
      await write(RECORD_STEP, [indexable(key), clean(JSON.stringify(result ?? null))])
    },
    releaseStep: release,
    async forgetSteps(keys) {
      await write(FORGET_STEPS, [keys])
    },
  }
  return {
    ...steps,
    /** Renews the claims of running steps. */
    async renewSteps(): Promise<void> {
      await write(RENEW_STEPS, [owner])
    },
    /** Releases all claims at once, so that others don't wait for them to expire. */
    async releaseSteps(): Promise<void> {
      await write(RELEASE_STEPS, [owner])
    },
  }
}
