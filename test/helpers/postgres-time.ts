import type { Store } from '../../inbox/contracts.ts'
import { BOSS_SCHEMA } from '../../inbox/postgres/schema.ts'
import type { PostgresServer } from './postgres-server.ts'

/** Which argument of each store method is the time. */
const TOLD: Partial<Record<keyof Store, number>> = {
  take: 1,
  promote: 0,
  settle: 2,
  claimStep: 1,
  recordStep: 2,
  note: 2,
  replay: 1,
  discard: 2,
  forget: 1,
  startReplayJob: 1,
  changeReplayJob: 2,
  stepReplayJob: 0,
}

/**
 * A database clock that stands at the time a test passes to the store: the database's clock decides what is due, not
 * the time passed. `clock` is the process's clock, at the same time.
 */
export function toldTime(server: PostgresServer, url: string) {
  let now = 0
  const clock = { now: () => now }

  async function set(told: number): Promise<void> {
    if (told === now) return
    now = told
    await server.query(url, `UPDATE ${BOSS_SCHEMA}.test_time SET now = $1`, [now])
  }

  return {
    clock,
    /** The same store; each call sets the time that it is given. */
    async told<S extends Store>(store: S): Promise<S> {
      await server.query(
        url,
        `CREATE TABLE IF NOT EXISTS ${BOSS_SCHEMA}.test_time AS SELECT 0::bigint AS now;
        CREATE OR REPLACE FUNCTION ${BOSS_SCHEMA}.job_now() RETURNS timestamptz LANGUAGE sql STABLE
          AS 'SELECT to_timestamp((SELECT now FROM ${BOSS_SCHEMA}.test_time) / 1000.0)'`,
      )
      return new Proxy(store, {
        get(target, name: keyof Store) {
          const method = target[name] as (...args: unknown[]) => unknown
          const place = TOLD[name]
          if (place === undefined) return method
          return async (...args: unknown[]) => {
            await set(args[place] as number)
            return method(...args)
          }
        },
      })
    },
  }
}
