import { join } from 'node:path'
import Fastify from 'fastify'
import inboxPlugin from '../../plugins/inbox.ts'
import { type TestClock, testClock } from './clock.ts'
import type { PostgresServer } from './postgres-server.ts'

interface Folders {
  testdir(): string
}

/** A clock that may also set a database's time. */
export interface BackendClock extends Omit<TestClock, 'advance'> {
  advance(ms: number): void | Promise<void>
}

/** A backend that the inbox's tests run on. */
export interface Backend {
  /** Where a new inbox keeps its deliveries. */
  store(t: Folders): string | Promise<string>
  clock(): BackendClock
  /** The inbox is open: from now on the clock moves the store's time too. */
  opened(clock: BackendClock, store: string): void | Promise<void>
  /** Expires the claims of a process that ended with handlers running. */
  died(store: string): void | Promise<void>
}

const sqlite: Backend = {
  store: t => join(t.testdir(), 'webhooks.db'),
  clock: testClock,
  opened() {},
  died() {},
}

/** The tests of a file run on SQLite, unless another file imports them after it has named another. */
export let backend: Backend = sqlite

export function useBackend(given: Backend): void {
  backend = given
}

const JOBS = 'tutorbot_webhooks_boss'
/** Heartbeats are sent every 2 s: a longer step could let claims expire, ms. */
const STEP = 2_000
/** A larger jump is made in one step, ms: no handler can be running across it. */
const MAX_WALK_MS = 2 * 60_000
/** Time for what a step has triggered, ms. */
const SETTLE = 15

/** PostgreSQL, with pg-boss's clock moved by a table. */
export function postgresBackend(server: PostgresServer): Backend {
  let made: Promise<string> | undefined
  return {
    // Creating the tables takes longer than everything else in most tests.
    async store() {
      made ??= madeDatabase(server)
      return server.database(await made)
    },
    clock: () => movedClock(server),
    opened: (clock, store) => (clock as MovedClock).attach(store),
    async died(store) {
      const lost = `UPDATE ${JOBS}.job SET heartbeat_on = heartbeat_on - interval '1 hour' WHERE state = 'active'`
      await server.queryAgain(store, lost)
    },
  }
}

/** A database with the tables of an inbox. */
async function madeDatabase(server: PostgresServer): Promise<string> {
  const url = await server.database()
  const app = Fastify()
  await app.register(inboxPlugin, { store: url })
  await app.close()
  return url
}

interface MovedClock extends BackendClock {
  attach(store: string): Promise<void>
}

/** The real clock plus an offset, which also moves timers and the database's time. */
function movedClock(server: PostgresServer, start = Date.parse('2026-11-23T10:00:00Z')): MovedClock {
  let ahead = start - Date.now()
  let store: string | undefined
  const timers = new Set<{ at: number; fire: () => void }>()
  const now = () => Date.now() + ahead

  async function step(ms: number): Promise<void> {
    ahead += ms
    if (store !== undefined) {
      // A transaction has one time, as with `now()`: the lock waits for those that have read it.
      await server.queryAgain(
        store,
        `BEGIN; LOCK ${JOBS}.test_time; UPDATE ${JOBS}.test_time SET ahead = ahead + ${Math.round(ms)}; COMMIT`,
      )
    }
    for (const { fire } of [...timers].filter(({ at }) => at <= now()).sort((a, b) => a.at - b.at)) fire()
    await new Promise(resolve => setTimeout(resolve, SETTLE))
  }

  return {
    now,
    after(ms, callback) {
      const fire = () => {
        cancel()
        callback()
      }
      // Handlers that never end, on purpose, leave their timeout behind.
      const timeout = setTimeout(fire, Math.min(ms, 2 ** 31 - 1)).unref()
      const timer = { at: now() + ms, fire }
      const cancel = () => {
        clearTimeout(timeout)
        timers.delete(timer)
      }
      timers.add(timer)
      return cancel
    },
    async advance(ms) {
      const most = ms > MAX_WALK_MS ? ms : STEP
      for (let left = ms; left > 0; left -= most) await step(Math.min(left, most))
    },
    next: () => [...timers].map(({ at }) => at).sort((a, b) => a - b)[0],
    // It always has its own timers.
    timerSet: () => new Promise(resolve => setTimeout(resolve, 100)),
    async attach(url) {
      store = url
      await server.query(
        url,
        `CREATE TABLE IF NOT EXISTS ${JOBS}.test_time AS SELECT 0::bigint AS ahead;
        CREATE OR REPLACE FUNCTION ${JOBS}.job_now() RETURNS timestamptz LANGUAGE sql STABLE
          AS 'SELECT now() + (SELECT ahead FROM ${JOBS}.test_time) * interval ''1 ms'''`,
      )
    },
  }
}
