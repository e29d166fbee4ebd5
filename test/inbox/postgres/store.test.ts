import { mock } from 'node:test'
import Fastify from 'fastify'
import pg from 'pg'
import tap, { type Test } from 'tap'
import type { Commit, TakenDelivery } from '../../../inbox/contracts.ts'
import { CLAIM_MS } from '../../../inbox/postgres/queue.ts'
import { BOSS_SCHEMA } from '../../../inbox/postgres/schema.ts'
import { type Claim, openPostgresStore, type PostgresStore } from '../../../inbox/postgres/store.ts'
import { testClock } from '../../helpers/clock.ts'
import { claimed, delivery, startInbox } from '../../helpers/inbox.ts'
import { captureLog } from '../../helpers/log.ts'
import { startRelay } from '../../helpers/postgres-relay.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'
import { toldTime } from '../../helpers/postgres-time.ts'
import { storeConformance } from '../../helpers/store-conformance.ts'
import { quietConformance } from '../../helpers/store-conformance-quiet.ts'
import { until } from '../../helpers/wait.ts'

const server = await postgresServer()
tap.teardown(() => server.close())
const { log } = Fastify()

async function open(t: Test) {
  const url = await server.database()
  const { clock, told } = toldTime(server, url)
  const openTold = async () => told(await openPostgresStore(url, log, { clock }))
  let store = await openTold()
  t.teardown(() => store.close().catch(() => {}))
  return {
    store,
    async reopen() {
      await store.close()
      store = await openTold()
      return store
    },
  }
}

tap.test('fulfils the store contract', t => storeConformance(t, open))
tap.test('fulfils the store contract for what waits for quiet', t => quietConformance(t, open))

tap.test('a failed commit succeeds for none of its operations, and the store continues', async t => {
  const url = await server.database()
  const commits: Commit[] = []
  const store = await openPostgresStore(url, log, { onCommit: commit => commits.push(commit) })
  t.teardown(() => store.close())
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.body RENAME TO hidden')
  const results = await Promise.allSettled(['a', 'b'].map(key => store.insert(delivery(key), false)))
  t.same(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.hidden RENAME TO body')
  t.equal(await store.insert(delivery('a'), false), 'queued', 'nothing of it was kept')
  t.match(commits, [
    { operations: 2, ok: false, ms: Number },
    { operations: 1, ok: true, ms: Number },
  ])
})

tap.test('a replay job leaves a step to whoever makes it, and what another has begun alone', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  await store.insert(delivery('a', { unreadable: 'x' }), false)
  await store.startReplayJob({ cause: 'Unreadable:ours', perMinute: 60, pauseAfter: 5 }, 0)
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  t.teardown(() => other.end())
  await other.query('BEGIN; SELECT pg_advisory_xact_lock($1)'.replace('$1', `${0x74627270}`))
  t.same(await store.stepReplayJob(0), { orderingKeys: [], nextMs: 500, turned: null })
  await other.query('COMMIT')

  await other.query('BEGIN; UPDATE tutorbot_webhooks.delivery SET started_at = 1')
  const step = store.stepReplayJob(0)
  await until('the step to wait for the row', async () => {
    const waiting = await server.query(url, 'SELECT FROM pg_locks WHERE NOT granted')
    return waiting.length > 0
  })
  await other.query('COMMIT')
  t.match(await step, { orderingKeys: [] })
  t.match(await store.replayJob(), { replayed: 0, underWay: 0 })
})

tap.test('errors of pg-boss are logged, and it recovers', async t => {
  const url = await server.database()
  const captured = captureLog()
  const store = await openPostgresStore(url, Fastify({ logger: { stream: captured.stream } }).log)
  t.teardown(() => store.close())
  await server.query(url, `ALTER TABLE ${BOSS_SCHEMA}.queue RENAME TO hidden`)
  t.match(await captured.line(({ msg }) => msg.startsWith('pg-boss')), { level: 40, msg: /^pg-boss: .*queue/ })
  await server.query(url, `ALTER TABLE ${BOSS_SCHEMA}.hidden RENAME TO queue`)
  t.equal(await store.insert(delivery('a'), false), 'queued')
})

tap.test('strings that PostgreSQL can’t store are kept as well as possible, and fail nothing else', async t => {
  const store = await openPostgresStore(await server.database(), log)
  t.teardown(() => store.close())
  const long = 'k'.repeat(100_000)
  const odd = delivery('a\u0000b', { orderingKey: `${long}\u0000` })
  t.same(await Promise.all([store.insert(odd, false), store.insert(delivery('next'), false)]), ['queued', 'queued'])
  const taken = await store.take(`${long}\u0000`, 0)
  t.match(taken, { id: odd.id, key: 'a\uFFFDb' })
  t.equal(await store.settle(taken as TakenDelivery, { state: 'dead', error: 'E\u0000' }, 1), true)
  t.match(await store.get(odd.id), { state: 'dead', error: 'E\uFFFD' })
  t.equal((await store.list({ orderingKey: `${long}\u0000` }, 10)).length, 1)
  t.equal(await store.claimStep(`${long}\u0000`, 0), 'first')
  await store.recordStep(`${long}\u0000`, '\u0000', 1)
  t.same(await store.claimStep(`${long}\u0000`, 2), { result: '\u0000' })
})

tap.test('a step claimed before a freeze is not begun after it: another process may have run it', async t => {
  const store = await openPostgresStore(await server.database(), log)
  t.teardown(() => store.close())
  const real = performance.now.bind(performance)
  let frozenMs = 0
  const now = mock.method(performance, 'now', () => real() + frozenMs)
  const claim = store.claimStep('s', 0)
  frozenMs = CLAIM_MS + 1
  t.equal(await claim, 'busy')
  now.mock.restore()
  t.equal(await store.claimStep('s', 0), 'again', 'and its claim was released')
})

tap.test('a mailbox with an empty name works like any other', async t => {
  const store = await openPostgresStore(await server.database(), log)
  t.teardown(() => store.close())
  t.equal(await store.insert(delivery('a', { orderingKey: '' }), false), 'queued')
  t.equal(await store.insert(delivery('b', { orderingKey: '' }), false), 'queued', 'while it waits')
  const [claim] = await store.claimMailboxes(10)
  t.match(claim, { orderingKey: '' })
  for (let n = 0; n < 2; n++) {
    await store.settle((await store.take('', 0)) as TakenDelivery, { state: 'done' }, 1)
  }
  await store.releaseClaim(claim as Claim)
  for (const each of await store.claimMailboxes(10)) await store.releaseClaim(each)
  t.equal(await store.insert(delivery('c', { orderingKey: '' }), true), 'claimed')
  t.match(store.claimOf(''), { orderingKey: '' })
})

tap.test('an insert claims its mailbox if nothing waits there; it is kept and released like any other', async t => {
  const url = await server.database()
  const [one, other] = [await openPostgresStore(url, log), await openPostgresStore(url, log)]
  t.teardown(() => Promise.all([one.close(), other.close()]))
  const attempt = (key: string, orderingKey = 'box') => claimed(key, { orderingKey })
  const insert = (store: PostgresStore, key: string, orderingKey = 'box') =>
    store.insert(delivery(key, { orderingKey }), true)

  t.equal(await insert(one, 'a'), 'claimed')
  const claim = one.claimOf('box')
  t.match(claim, { orderingKey: 'box', retryCount: 0, until: Date })
  t.match(await one.renewClaims([claim]), [{ id: claim.id }])
  t.equal(await insert(other, 'b'), 'queued')
  t.same(await other.claimMailboxes(10), [], 'one process has it')
  await one.settle(attempt('a'), { state: 'done' }, 1)
  t.equal(await one.releaseClaim(claim), true, 'it waits again')

  const [next] = await other.claimMailboxes(10)
  t.match(next, { orderingKey: 'box' })
  const b = (await other.take('box', 1)) as TakenDelivery
  t.match(b, { key: 'b', attempts: 1 })
  await other.settle(b, { state: 'pending', error: 'E', nextAttemptAt: 300_000 }, 1)
  t.equal(await other.releaseClaim(next as Claim), false, 'it waits for later')
  t.equal(await insert(one, 'c'), 'queued', 'b is retried before it')

  t.same(await Promise.all(['d', 'e', 'd'].map(key => insert(one, key, 'second'))), ['claimed', 'queued', 'duplicate'])
  const second = one.claimOf('second')
  for (const key of ['d', 'e']) {
    await one.settle(attempt(key, 'second'), { state: 'done' }, 2)
    await one.take('second', 2)
  }
  t.equal(await one.releaseClaim(second), false)
  await one.claimMailboxes(10).then(claims => Promise.all(claims.map(each => one.releaseClaim(each))))
  t.same(await Promise.all(['d', 'f'].map(key => insert(one, key, 'second'))), ['duplicate', 'queued'])
  t.match(await other.claimMailboxes(10), [{ orderingKey: 'second' }], 'a duplicate leaves nothing claimed')

  t.equal(await insert(one, 'g', 'third'), 'claimed')
  await server.query(url, `UPDATE ${BOSS_SCHEMA}.job SET heartbeat_on = heartbeat_on - interval '1 hour'`)
  let lost: Claim | undefined
  while (lost === undefined) {
    lost = (await other.claimMailboxes(10)).find(({ orderingKey }) => orderingKey === 'third')
  }
  t.match(await other.take('third', 3), { key: 'g', attempts: 2, crashed: true })
  t.same(await one.renewClaims([one.claimOf('third')]), [], 'it belongs to another process')
})

tap.test('two processes insert into the same mailboxes, or the same deliveries, at once: one claims each', async t => {
  const url = await server.database()
  const stores = await Promise.all([1, 2].map(() => openPostgresStore(url, log)))
  t.teardown(() => Promise.all(stores.map(store => store.close())))
  const mailboxes = Array.from({ length: 60 }, (_, n) => `${n}`)
  for (const same of [false, true]) {
    const results = await Promise.all(
      stores.map((store, index) => {
        const keys = index === 0 ? mailboxes : mailboxes.toReversed()
        const insert = async (orderingKey: string) => {
          const key = same ? `same ${orderingKey}` : `${index} ${orderingKey}`
          return [
            orderingKey,
            await store.insert(delivery(key, { orderingKey: `${same} ${orderingKey}` }), true),
          ] as const
        }
        return Promise.all(keys.map(insert))
      }),
    )
    const [first, second] = results.map(each => new Map(each)) as [Map<string, string>, Map<string, string>]
    for (const key of mailboxes) {
      const expected = ['claimed', same ? 'duplicate' : 'queued']
      t.same([first.get(key), second.get(key)].sort(), expected, `${key}, ${same}`)
    }
  }
  t.match(await server.query(url, `SELECT count(*)::int FROM ${BOSS_SCHEMA}.job WHERE state = 'active'`), [
    { count: 120 },
  ])
})

tap.test('a mailbox claimed while it is fetched: the others are still fetched', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  for (const orderingKey of ['box', 'second', 'third']) {
    await store.insert(delivery(orderingKey, { orderingKey }), false)
  }
  const rival = new pg.Client({ connectionString: url })
  await rival.connect()
  await rival.query('BEGIN')
  await rival.query(
    `INSERT INTO ${BOSS_SCHEMA}.job (name, policy, singleton_key, state) VALUES ('mailbox', 'stately', 'box', 'active')`,
  )
  const fetched = store.claimMailboxes(10)
  const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
  while ((await server.query(url, waiting)).length === 0);
  await rival.query('COMMIT')
  await rival.end()
  t.same((await fetched).map(({ orderingKey }) => orderingKey).sort(), ['second', 'third'])
})

tap.test('an insert claims nothing where a job waits: whoever fetches it would wait for the insert', async t => {
  const store = await openPostgresStore(await server.database(), log)
  t.teardown(() => store.close())
  await store.insert(delivery('a', { orderingKey: 'box' }), false)
  await store.settle((await store.take('box', 0)) as TakenDelivery, { state: 'done' }, 1)
  t.equal(await store.insert(delivery('b', { orderingKey: 'box' }), true), 'queued')
  t.match(await store.claimMailboxes(10), [{ orderingKey: 'box' }])
})

tap.test('two processes insert into the same mailboxes in opposite order', async t => {
  const url = await server.database()
  const stores = await Promise.all([1, 2].map(() => openPostgresStore(url, log)))
  t.teardown(() => Promise.all(stores.map(store => store.close())))
  const keys = Array.from({ length: 60 }, (_, n) => `${n}`)
  for (let round = 0; round < 10; round++) {
    const insert = (index: number, order: string[]) =>
      order.map(key => stores[index]?.insert(delivery(`${round} ${key} ${index % 2}`, { orderingKey: key }), false))
    const same = keys.map(key => stores[round % 2]?.insert(delivery(`${round} ${key} 0`, { orderingKey: key }), false))
    await Promise.all([...insert(0, keys), ...insert(1, keys.toReversed()), ...same])
  }
  t.match(await stores[0]?.backlog(), { pending: 1_200 })
})

tap.test('a later wake-up is moved to an earlier time, and a dead process’s step is claimed again', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  await store.insert(delivery('a', { orderingKey: 'box' }), false)
  const [first] = await store.claimMailboxes(10)
  const taken = await store.take('box', 0)
  await store.settle(taken as TakenDelivery, { state: 'parked', error: 'E', nextAttemptAt: 300_000 }, 0)
  await store.releaseClaim(first as Claim)
  t.same(await store.claimMailboxes(10), [], 'it waits')
  await store.insert(delivery('b', { orderingKey: 'box' }), false)
  const [again] = await store.claimMailboxes(10)
  t.match(again, { orderingKey: 'box' })
  store.setLeaseExpiry('box', new Date(0))
  t.equal(await store.take('box', 0), null, 'an expired claim takes nothing')
  store.setLeaseExpiry('box', again?.until as Date)
  t.match(await store.take('box', 0), { key: 'b' })
  t.same(await store.renewClaims([first as Claim]), [], 'a released claim is not renewed')

  t.equal(await store.claimStep('s', 0), 'first')
  await server.query(url, `UPDATE tutorbot_webhooks.step SET until = now() - interval '1 s'`)
  await store.renewSteps()
  t.equal(await store.claimStep('s', 0), 'busy', 'renewed')
  await server.query(url, `UPDATE tutorbot_webhooks.step SET until = now() - interval '1 s'`)
  t.equal(await store.claimStep('s', 0), 'again')
})

tap.test('a transaction aborted by a deadlock is tried three times', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  await server.query(
    url,
    `CREATE SEQUENCE tries;
    CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('tries') IN (1, 3, 4, 5) THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
        RETURN NEW;
      END $$;
    CREATE TRIGGER deadlock BEFORE INSERT ON tutorbot_webhooks.delivery FOR EACH ROW EXECUTE FUNCTION deadlock()`,
  )
  t.equal(await store.insert(delivery('a'), false), 'queued')
  await t.rejects(store.insert(delivery('b'), false), { message: 'deadlock detected' })
  t.equal(await store.insert(delivery('b'), false), 'queued')
})

tap.test('accepting counts as busy while many wait for one commit, and not afterwards', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  const other = new pg.Client(url)
  await other.connect()
  await other.query('BEGIN; LOCK TABLE tutorbot_webhooks.delivery')
  const accept = (name: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => store.insert(delivery(`${name}${index}`), false)))
  let accepted = 0
  const few = accept('few', 15).then(() => accepted++)
  await new Promise(resolve => setImmediate(resolve))
  await store.whenNotBusy()
  t.equal(accepted, 0, 'a few do not count as busy')
  const many = accept('many', 16).then(() => accepted++)
  await other.query('COMMIT')
  await few
  await store.whenNotBusy()
  t.equal(accepted, 2)
  await Promise.all([many, other.end()])
  await store.whenNotBusy()
})

tap.test('statements are prepared once per connection, but not behind a pooler, which shares it', async t => {
  const named = /P.{4}[0-9a-f]{40}\0/s
  for (const isPooler of [false, true]) {
    const { url, sent } = await startRelay(t, await server.database(), isPooler)
    const store = await openPostgresStore(url, log)
    t.equal(await store.insert(delivery('a'), false), 'queued')
    await store.close()
    t.equal(named.test(sent()), !isPooler)
  }
})

tap.test('a newer version adds a column while this one runs: prepared statements still work', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  const take = (key: string) => store.take(delivery(key).orderingKey, Date.now())
  await Promise.all(['a', 'b', 'c'].map(key => store.insert(delivery(key), false)))
  // Until each connection has planned it.
  for (let n = 0; n < 50; n++) t.equal(await take('none'), null)
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.delivery ADD COLUMN later_version TEXT')
  for (const key of ['a', 'b', 'c']) t.match(await take(key), { key })
})

tap.test('a hanging commit: senders are told in time, and may retry', async t => {
  const url = await server.database()
  const clock = testClock()
  const { inbox } = await startInbox(t, { store: url, clock })
  const other = new pg.Client(url)
  await other.connect()
  t.teardown(() => other.end())
  await other.query('BEGIN; LOCK TABLE tutorbot_webhooks.delivery')
  const hung = [inbox.accept(delivery('a'), 1), inbox.accept(delivery('a'), 1)]
  clock.advance(3_000)
  for (const result of await Promise.allSettled(hung)) {
    t.match(result, { reason: { code: 'WEBHOOK_NOT_STORED', cause: { message: /did not answer within 3000 ms/ } } })
  }
  const again = inbox.accept(delivery('a'), 1)
  await other.query('COMMIT')
  t.equal(await again, 'duplicate', 'it was kept after all')
  t.match(await inbox.get(delivery('a').id), { state: 'pending' })
})
