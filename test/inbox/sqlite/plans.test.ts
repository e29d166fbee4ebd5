import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap from 'tap'
import { DELIVERY_STATES, type DeliveryFilter, type TakenDelivery } from '../../../inbox/contracts.ts'
import { browseStatement, listStatement, STATEMENTS } from '../../../inbox/sqlite/statements.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../../../inbox/sqlite/store.ts'
import { delivery } from '../../helpers/inbox.ts'

/**
 * The tables that grow with what has come in. A SEARCH that says by what is none of them: it walks until min() or max()
 * finds a row that fits.
 */
const WALKS =
  /^(SCAN (delivery|body|history|step|known|wakeup|scheduled|quarantine)\b|SEARCH (delivery|body|history|step|known|wakeup|scheduled|quarantine)$)/
/**
 * Queries without a condition, answered by the first and the last row; the quarantine's size by an index of a table that
 * is bounded.
 */
const UNCONDITIONAL = ['extent', 'scheduledExtent', 'quarantineExtent', 'quarantineSize', 'askedQuarantined']

tap.test('no statement scans a whole table, whatever its contents', async t => {
  const file = join(t.testdir(), 'webhooks.db')
  await openSqliteStore(file).close()
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  const plan = (sql: string) =>
    (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail)
  const filters: DeliveryFilter[] = [
    {},
    ...DELIVERY_STATES.map(state => ({ state })),
    { source: 'a', event: 'b', orderingKey: 'c', conversation: 'd', from: 1, to: 2, text: 'e' },
  ]
  const all: [string, string][] = [
    ...Object.entries(STATEMENTS),
    ...filters.map((filter, n): [string, string] => [`list ${n}`, listStatement(filter).sql]),
    ...filters.map((filter, n): [string, string] => [`browse ${n}`, browseStatement(filter).sql]),
  ]
  const walking = ["SELECT min(seq) FROM delivery WHERE state = 'pending'", 'SELECT * FROM delivery WHERE id = ?']
  for (const sql of walking) t.match(plan(sql)[0], WALKS, 'a scan is detected')
  for (const [name, sql] of all) {
    if (UNCONDITIONAL.includes(name)) continue
    t.same(
      plan(sql).filter(detail => WALKS.test(detail)),
      [],
      name,
    )
  }
})

tap.test('the backlog count follows every change, and is recounted at the start', async t => {
  const file = join(t.testdir(), 'webhooks.db')
  let store = openSqliteStore(file)
  const count = async () => {
    const rows = await store.list({}, 10_000)
    const of = (state: string) => rows.filter(row => row.state === state).length
    const oldest = rows.find(({ state }) => state === 'pending')
    return {
      pending: of('pending'),
      parked: of('parked'),
      dead: of('dead'),
      oldestPendingAt: oldest?.receivedAt ?? null,
    }
  }
  t.same(await store.backlog(), await count())
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((seed / 2 ** 31) * below)
  }
  let made = 0
  for (let round = 0; round < 60; round++) {
    const more = Array.from({ length: random(150) }, () => {
      const n = made++
      return store.insert(
        delivery(`${n}`, { orderingKey: `box ${n % 20}`, receivedAt: n, ...(n % 50 === 0 && { unreadable: 'x' }) }),
        n % 3 === 0,
      )
    })
    // A failing one takes none of the others with it.
    const wrong = store.insert(delivery('wrong', { receivedAt: 1e20 }), false)
    await Promise.allSettled([...more, wrong])
    for (let n = 0; n < 60; n++) {
      const taken = (await store.take(`box ${random(20)}`, random(3) * 1_000)) as TakenDelivery | null
      if (taken === null) continue
      const outcomes = [
        { state: 'done' },
        { state: 'pending', error: 'E', nextAttemptAt: 1_500 },
        { state: 'parked', error: 'E', nextAttemptAt: 1_500 },
        { state: 'dead', error: 'E' },
      ] as const
      await store.settle(taken, outcomes[random(4)] as (typeof outcomes)[0], 1)
    }
    const some = () => Array.from({ length: 5 }, () => delivery(`${random(made + 1)}`).id)
    const beside = openSqliteStoreForCommand(file)
    await beside.replay(some(), 1)
    await store.replay(some(), 1)
    await beside.discard(some()[0] as string, 'no', 1)
    if (round % 10 === 0) await beside.forget(some(), 1)
    t.same(await store.backlog(), await count(), `round ${round}`)
    t.same(await beside.backlog(), await store.backlog(), 'the same as a command’s count')
    await beside.close()
  }
  await store.close()
  const db = new DatabaseSync(file)
  db.exec("UPDATE delivery SET state = 'dead' WHERE seq % 7 = 0; INSERT OR REPLACE INTO tally VALUES ('pending', 0, 3)")
  db.close()
  store = openSqliteStore(file)
  t.same(await store.backlog(), await count(), 'whatever was counted')
  await store.close()
})
