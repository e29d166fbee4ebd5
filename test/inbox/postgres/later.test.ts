import Fastify from 'fastify'
import pg from 'pg'
import tap from 'tap'
import { openPostgresStore } from '../../../inbox/postgres/store.ts'
import { postgresBackend, useBackend } from '../../helpers/backend.ts'
import { delivery } from '../../helpers/inbox.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** Deliveries for later on PostgreSQL, also by several instances. */

const server = await postgresServer()
tap.teardown(() => server.close())
const { log } = Fastify()

tap.test('several instances accept each once, in order', async t => {
  const url = await server.database()
  const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore(url, log)))
  t.teardown(() => Promise.all(stores.map(store => store.close())))
  const [first] = stores as [(typeof stores)[0]]
  const keys = Array.from({ length: 300 }, (_, n) => `${n}`)
  await Promise.all(keys.map(key => first.schedule(delivery(key, { orderingKey: 'box' }), Number(key) * 60_000)))
  const acceptAll = async (store: typeof first) => {
    while ((await store.list({ state: 'scheduled' }, 1)).length > 0) {
      await store.promote(0, 7)
    }
  }
  await Promise.all(stores.map(acceptAll))
  t.same(
    (await first.list({}, 1_000)).map(({ key }) => key),
    keys,
  )
})

tap.test('while another instance is at it, it waits', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  await store.schedule(delivery('a'), 0)
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  await other.query('BEGIN; SELECT pg_advisory_xact_lock(1952609123)')
  t.same(await store.promote(0, 10), { orderingKeys: [], nextMs: 500 })
  await other.query('COMMIT')
  await other.end()
  t.same((await store.promote(0, 10)).orderingKeys, ['mailbox:a'])
  t.same(await store.promote(0, 10), { orderingKeys: [], nextMs: 500 }, 'others may schedule something')
})

tap.test('a million that wait are passed by, whatever PostgreSQL believes of them', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close().catch(() => {}))
  await server.query(
    url,
    `INSERT INTO tutorbot_webhooks.scheduled (id, source, event, key, ordering_key, received_at, due_at, payload)
     SELECT 'id ' || n, 'test', 'ping', n, 'box ' || n, n, 1e15::bigint + n, '{}' FROM generate_series(1, 100000) AS n`,
  )
  const read = async () => {
    const [row] = await server.query<{ read: string }>(
      url,
      `SELECT pg_stat_force_next_flush(), coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS read
       FROM pg_stat_user_tables WHERE relname = 'scheduled'`,
    )
    return Number(row?.read)
  }
  const before = await read()
  await store.schedule(delivery('a'), 0)
  t.same((await store.promote(0, 100)).orderingKeys, ['mailbox:a'])
  await store.promote(0, 100)
  await store.backlog()
  await store.prune({ payloadsBefore: 0, keysBefore: 0 }, 0, 10)
  t.equal(await store.unschedule(delivery('b').id), false)
  await store.close()
  t.ok((await read()) - before < 1_000, `${(await read()) - before} rows read`)
})

useBackend(postgresBackend(server))
await import('../later.test.ts')
