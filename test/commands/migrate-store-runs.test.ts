import tap from 'tap'
import type { NewDelivery, Outcome, Store } from '../../inbox/contracts.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { delivery } from '../helpers/inbox.ts'
import { contentsOfDatabase, fileOf, log, migrate, NOW } from '../helpers/moving.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { toldTime } from '../helpers/postgres-time.ts'

/** Deliveries that wait for quiet, and runs of them, are moved as they are. */

const server = await postgresServer('')
tap.teardown(() => server.close())

const QUIET_MS = 2_000
const MAX_MS = 5_000
const quiet = { ends: false, quietMs: QUIET_MS, maxMs: MAX_MS }
/** When the runs of `fillRuns` began. */
const BEGUN = NOW + QUIET_MS
const RETRY = NOW + 10_000

async function insert(store: Store, box: string, key: string, at: number, parts: Partial<NewDelivery> = { quiet }) {
  await store.insert(delivery(`${box} ${key}`, { orderingKey: box, receivedAt: at, ...parts }), false)
}

/** Each mailbox holds a run of two, in the state that it is named after; but for those that wait, behind it is a third. */
async function fillRuns(file: string): Promise<void> {
  const store = openSqliteStore(file)
  const settled: Record<string, Outcome> = {
    retried: { state: 'pending', error: 'E', nextAttemptAt: RETRY },
    parked: { state: 'parked', error: 'E', nextAttemptAt: RETRY },
    dead: { state: 'dead', error: 'E' },
    done: { state: 'done' },
  }
  for (const box of ['waiting', 'talkative', 'begun', ...Object.keys(settled)]) {
    await insert(store, box, '1', NOW)
    await insert(store, box, '2', NOW)
  }
  for (const after of [1_500, 3_000, 4_500]) await insert(store, 'talkative', `${after}`, NOW + after)
  for (const box of ['begun', ...Object.keys(settled)]) {
    const run = await store.take(box, BEGUN)
    if (run === null) throw new Error(`${box} has nothing due`)
    const outcome = settled[box]
    if (outcome !== undefined) await store.settle(run, outcome, BEGUN)
    await insert(store, box, '3', BEGUN)
  }
  await store.close()
}

/** The keys that are handled together at a time, settled; null: nothing is due. */
async function handle(store: Store, box: string, now: number): Promise<(string | undefined)[] | null> {
  const run = await store.take(box, now)
  if (run === null) return null
  await store.settle(run, { state: 'done' }, now)
  return (run.together ?? [run]).map(({ key }) => key.split(' ')[1])
}

tap.test('what waits still waits, and a run that has begun stays the same one', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await fillRuns(file)
  t.match(await migrate(file, url), /^deliveries: 22 moved/)
  const before = await contentsOfDatabase(server, url)
  t.match(await migrate(file, url), /^deliveries: 0 moved; 22 were there already$/m)
  t.same(await contentsOfDatabase(server, url), before)

  const opened = await openPostgresStore(url, log)
  t.teardown(() => opened.close())
  const store = await toldTime(server, url).told(opened)
  const at = (box: string, now: number) => handle(store, box, now)

  t.equal(await at('waiting', BEGUN - 1), null)
  // One more after the move: the wait goes on, in the database.
  await insert(store, 'waiting', '3', BEGUN - 1)
  t.equal(await at('waiting', BEGUN), null, 'another one came in')
  t.same(await at('waiting', BEGUN - 1 + QUIET_MS), ['1', '2', '3'])
  t.equal(await at('talkative', NOW + MAX_MS - 1), null)
  t.same(await at('talkative', NOW + MAX_MS), ['1', '2', '1500', '3000', '4500'], 'the first one waits only so long')

  t.match(await store.get(delivery('begun 2').id), { state: 'pending', attempts: 1, startedAt: BEGUN })
  t.same(await at('begun', BEGUN), ['1', '2'], 'at once, and without what came in since')
  t.match(await store.history(delivery('begun 2').id), [{ what: 'crashed', attempt: 1 }])
  t.equal(await at('retried', RETRY - 1), null)
  t.same(await at('retried', RETRY), ['1', '2'])
  t.same(await at('parked', BEGUN + QUIET_MS), ['3'], 'others pass a parked run')
  t.equal(await at('parked', RETRY - 1), null)
  t.same(await at('parked', RETRY), ['1', '2'])
  for (const box of ['begun', 'retried']) t.same(await at(box, RETRY), ['3'], `behind ${box}`)
  for (const box of ['dead', 'done']) t.same(await at(box, RETRY), ['3'], `not ${box} again`)
  t.same(await store.replay([delivery('dead 1').id, delivery('dead 2').id], RETRY), ['dead'])
  t.same(await at('dead', RETRY), ['1', '2'], 'replayed as the run that it was')
  t.match(await store.backlog(), { pending: 0, parked: 0, dead: 0 })
})
