import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { Store } from '../contracts.ts'
import { CLAIM_MS, HEARTBEAT_SECONDS } from './queue.ts'
import { SCHEMA } from './schema.ts'
import { clean, indexable } from './strings.ts'
import { NOW_MS } from './time.ts'
import { transaction } from './transaction.ts'

/** Claims a step unless it is done or another process has a current claim. */
const CLAIM_STEP = `
  INSERT INTO ${SCHEMA}.step (key, owner, until) VALUES ($1, $2, now() + interval '${HEARTBEAT_SECONDS} s')
  ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until
  WHERE step.done_at IS NULL AND step.until < now() RETURNING key`
const FIND_STEP = `SELECT result FROM ${SCHEMA}.step WHERE key = $1`
/** Even if the claim has lapsed or is another's: the effect has happened. */
const RECORD_STEP = `
  INSERT INTO ${SCHEMA}.step (key, done_at, result) VALUES ($1, ${NOW_MS}, $2)
  ON CONFLICT (key) DO UPDATE SET done_at = excluded.done_at, result = excluded.result WHERE step.done_at IS NULL`
const RELEASE_STEP = `DELETE FROM ${SCHEMA}.step WHERE key = $1 AND owner = $2 AND done_at IS NULL`
const RENEW_STEPS = `
  UPDATE ${SCHEMA}.step SET until = now() + interval '${HEARTBEAT_SECONDS} s' WHERE owner = $1 AND done_at IS NULL`
const RELEASE_STEPS = `DELETE FROM ${SCHEMA}.step WHERE owner = $1 AND done_at IS NULL`

/** Claims and results of `once`, for this process. */
export function createSteps(pool: pg.Pool) {
  const owner = randomUUID()
  const write = (text: string, values: unknown[]) => transaction(pool, client => client.query(text, values))

  const steps: Pick<Store, 'claimStep' | 'recordStep' | 'releaseStep'> = {
    async claimStep(key) {
      const begun = performance.now()
      const claimed = await write(CLAIM_STEP, [indexable(key), owner])
      // If this process was frozen meanwhile, its claim may have expired, and another may have run the step.
      if (performance.now() - begun > CLAIM_MS) {
        await steps.releaseStep(key)
        return 'busy'
      }
      if (claimed.rowCount === 1) return 'claimed'
      const { rows } = await pool.query<{ result: string | null }>(FIND_STEP, [indexable(key)])
      const [step] = rows
      // Released between the two statements: the next attempt gets it.
      if (step === undefined || step.result === null) return 'busy'
      return { result: JSON.parse(step.result) }
    },
    async recordStep(key, result) {
      await write(RECORD_STEP, [indexable(key), clean(JSON.stringify(result ?? null))])
    },
    async releaseStep(key) {
      await write(RELEASE_STEP, [indexable(key), owner])
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
