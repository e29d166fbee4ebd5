import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import type { TakenDelivery } from '../../../inbox/contracts.ts'
import { BOSS_SCHEMA } from '../../../inbox/postgres/schema.ts'
import { type Claim, openPostgresStore } from '../../../inbox/postgres/store.ts'
import { delivery } from '../../helpers/inbox.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** Processes whose clocks differ from the database's, which decides. */

const server = await postgresServer()
tap.teardown(() => server.close())
const { log } = Fastify()
const DAY = 24 * 60 * 60_000

/** A database whose time is set by the test, and a process on it whose clock is off by so many ms. */
async function database(t: Test) {
  const url = await server.database()
  const processWith = async (offMs: number) => {
    let ahead = 0
    const clock = { now: () => Date.now() + offMs + ahead }
    const store = await openPostgresStore(url, log, { clock })
    t.teardown(() => store.close())
    const jump = (ms: number) => {
      ahead += ms
    }
    return { store, clock, jump }
  }
  const move = (ms: number) => server.query(url, `UPDATE ${BOSS_SCHEMA}.test_time SET ahead = ahead + $1`, [ms])
  const movable = () =>
    server.query(
      url,
      `CREATE TABLE ${BOSS_SCHEMA}.test_time AS SELECT 0::bigint AS ahead;
      CREATE OR REPLACE FUNCTION ${BOSS_SCHEMA}.job_now() RETURNS timestamptz LANGUAGE sql STABLE
        AS 'SELECT now() + (SELECT ahead FROM ${BOSS_SCHEMA}.test_time) * interval ''1 ms'''`,
    )
  return { url, processWith, move, movable }
}

type Process = Awaited<ReturnType<Awaited<ReturnType<typeof database>>['processWith']>>

/** Fails the head of the mailbox `box`, to be retried after so many ms, and releases the mailbox. */
async function fail({ store, clock }: Process, afterMs: number): Promise<void> {
  const [claim] = await store.claimMailboxes(1)
  const taken = (await store.take('box', clock.now())) as TakenDelivery
  const now = clock.now()
  await store.settle(taken, { state: 'pending', error: 'E', nextAttemptAt: now + afterMs }, now)
  await store.releaseClaim(claim as Claim)
}

for (const [failing, retrying] of [
  [0, -240_000],
  [0, 240_000],
  [240_000, 0],
  [-240_000, 0],
] as const) {
  tap.test(
    `clocks off by ${failing / 1_000} s (failing) and ${retrying / 1_000} s (retrying): the retry is in time`,
    async t => {
      const { processWith, move, movable } = await database(t)
      const [one, other] = [await processWith(failing), await processWith(retrying)]
      await movable()
      await one.store.insert(delivery('a', { orderingKey: 'box' }), false)
      await fail(one, 60_000)
      t.same(await other.store.claimMailboxes(10), [])
      t.equal(await other.store.take('box', other.clock.now()), null, 'not yet')
      await move(59_000)
      t.equal(await other.store.take('box', other.clock.now()), null, 'nor soon')
      await move(1_500)
      const claims = await other.store.claimMailboxes(10)
      t.match(claims, [{ orderingKey: 'box' }])
      t.match(await other.store.take('box', other.clock.now()), { key: 'a', attempts: 2 })
    },
  )
}

tap.test('a process whose clock jumps by an hour delays nothing', async t => {
  for (const jump of [-60 * 60_000, 60 * 60_000]) {
    const { processWith, move, movable } = await database(t)
    const one = await processWith(0)
    await movable()
    await one.store.insert(delivery('a', { orderingKey: 'box' }), false)
    await fail(one, 1_000)
    one.jump(jump)
    t.equal(await one.store.take('box', one.clock.now()), null)
    await move(1_500)
    await fail(one, 1_000)
    t.equal(await one.store.take('box', one.clock.now()), null)
    await move(1_500)
    t.match(await one.store.take('box', one.clock.now()), { attempts: 3 })
  }
})

tap.test('a replayed delivery is due at once, even if the database’s clock is set back; so are far times', async t => {
  const { url, processWith, move, movable } = await database(t)
  const one = await processWith(600_000)
  await movable()
  const dead = delivery('dead', { orderingKey: 'box', unreadable: 'x' })
  await one.store.insert(dead, false)
  await one.store.replay([dead.id], one.clock.now())
  await move(-60 * 60_000)
  const taken = (await one.store.take('box', 0)) as TakenDelivery
  t.match(taken, { key: 'dead', state: 'parked' })
  const now = one.clock.now()
  await one.store.settle(taken, { state: 'parked', error: 'E', nextAttemptAt: now + 400 * DAY }, now)
  await move(DAY + 1_000)
  const again = (await one.store.take('box', 0)) as TakenDelivery
  t.match(again, { key: 'dead', attempts: 2 }, 'nothing waits for more than a day')
  await one.store.settle(
    again,
    { state: 'parked', error: 'E', nextAttemptAt: one.clock.now() + 1_000 },
    one.clock.now(),
  )
  // As a version wrote it that used its own clock, a year ahead.
  await server.query(url, `UPDATE tutorbot_webhooks.delivery SET next_attempt_at = next_attempt_at + $1`, [365 * DAY])
  await server.query(url, `DELETE FROM ${BOSS_SCHEMA}.job`)
  await one.store.wakeAll()
  t.match(await one.store.claimMailboxes(10), [{ orderingKey: 'box' }])
  t.match(await one.store.take('box', 0), { attempts: 3 })
})

tap.test('pruning goes by when a delivery was settled, by the database’s clock', async t => {
  const { url, processWith, move, movable } = await database(t)
  const [ahead, right] = [await processWith(100 * DAY), await processWith(0)]
  await movable()
  const settle = async (key: string, receivedAt: number) => {
    await right.store.insert(delivery(key, { orderingKey: 'box', receivedAt }), false)
    const taken = (await right.store.take('box', 0)) as TakenDelivery
    await right.store.settle(taken, { state: 'done' }, right.clock.now())
  }
  const prune = async ({ store, clock }: Process) => {
    const before = { payloadsBefore: clock.now() - 7 * DAY, keysBefore: clock.now() - 30 * DAY }
    for (let after: number | null = 0; after !== null; ) after = await store.prune(before, after, 2)
    return (await store.list({}, 1_000)).map(({ key, payload }) => `${key} ${payload === null ? 'key only' : 'whole'}`)
  }
  await settle('from the future', Date.now() + 300 * DAY)
  for (let n = 0; n < 120; n++) await settle(`old ${n}`, Date.now())
  await move(20 * DAY)
  await settle('new', Date.now())
  t.equal((await prune(ahead)).filter(line => line.endsWith('key only')).length, 121, 'even if its own clock is ahead')
  await move(15 * DAY)
  t.same(await prune(right), ['new key only'])
  await ahead.store.claimStep('step', 0)
  await ahead.store.recordStep('step', 1, ahead.clock.now())
  await move(31 * DAY)
  await ahead.store.claimStep('failed', 0)
  await ahead.store.releaseStep('failed', 0)
  await server.query(url, `UPDATE tutorbot_webhooks.step SET until = until - interval '100 days' WHERE key = 'failed'`)
  await prune(right)
  t.same(await server.query(url, 'SELECT * FROM tutorbot_webhooks.step'), [], 'steps too')
})
