import Fastify from 'fastify'
import pg from 'pg'
import tap from 'tap'
import { COUNTED } from '../../../inbox/postgres/counts.ts'
import { openPostgresStore } from '../../../inbox/postgres/store.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** The queries of /ready, /metrics, the alerts and the page scan no whole table, whatever the statistics say. */

const server = await postgresServer('')
tap.teardown(() => server.close())
const { log } = Fastify()

/** A store with rows in these states. */
async function filled(rows: { done: number; pending: number; dead: number }) {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  for (const [state, many] of Object.entries(rows)) {
    await server.query(
      url,
      `INSERT INTO tutorbot_webhooks.delivery (id, source, event, key, ordering_key, state, attempts, received_at, settled_at)
       SELECT '${state} ' || n, 'test', 'ping', n, 'box ' || n, '${state}', 1, n, n FROM generate_series(1, ${many}) AS n`,
    )
  }
  return { url, store }
}

interface Sent {
  text: string
  values: unknown[]
  /** The statement that began its transaction. */
  begin: string
}

/** Every statement about deliveries that was sent during a call. */
async function statementsOf(ask: () => Promise<unknown>): Promise<Sent[]> {
  const sent: Sent[] = []
  const begun = new Map<pg.Client, string>()
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [text, values] = args
    if (typeof text === 'string') {
      if (text.startsWith('BEGIN')) begun.set(this, text)
      else if (text === 'COMMIT') begun.delete(this)
      else sent.push({ text, values: Array.isArray(values) ? values : [], begin: begun.get(this) ?? 'BEGIN' })
    }
    return Reflect.apply(query, this, args)
  } as typeof query
  try {
    await ask()
  } finally {
    pg.Client.prototype.query = query
  }
  return sent.filter(({ text }) => text.includes('tutorbot_webhooks.delivery'))
}

tap.test('each statement finds its rows by a selective index', async t => {
  const { url, store } = await filled({ done: 30_000, pending: 20_000, dead: 15_000 })
  t.teardown(() => store.close())
  await store.startReplayJob({ cause: 'unknown', perMinute: 600, pauseAfter: 100 }, 0)
  const explain = async () => {
    const sent = await statementsOf(async () => {
      await store.causes()
      await store.replayJob()
      await store.stepReplayJob(0)
      await store.browse({ cause: 'unknown', state: 'dead' }, 20)
      await store.backlog()
      await store.size()
      await store.checkWritable()
      await store.browse({ state: 'dead' }, 20)
      await store.browse({ state: 'parked' }, 20)
      await store.browse({}, 20)
      await store.get('done 1')
      await store.idsBeginningWith('80509b90', 6)
      await store.history('done 1')
    })
    t.ok(sent.length >= 7, `${sent.length} statements`)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    for (const { text, values, begin } of sent) {
      await client.query(begin)
      const plan = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (COSTS OFF) ${text}`, values)
      await client.query('ROLLBACK')
      const lines = plan.rows.map(row => row['QUERY PLAN']).join('\n')
      t.notMatch(lines, /Seq Scan on delivery/, text.trim().slice(0, 120))
      // A delivery's history, and ids that begin alike, are few.
      const isShort = /history|starts_with/.test(text)
      if (!isShort) t.notMatch(lines, /Sort/, 'in the order of an index')
    }
    await client.end()
  }
  await explain()
  await server.query(url, 'ANALYZE tutorbot_webhooks.delivery')
  await explain()
  // Handled since; PostgreSQL's statistics are from before.
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.delivery SET (autovacuum_enabled = off)')
  await server.query(
    url,
    `UPDATE tutorbot_webhooks.delivery SET state = 'done' WHERE state <> 'done' AND seq % 1000 <> 0`,
  )
  await explain()
  const { parked, dead, ...rest } = await store.backlog()
  t.same(rest, { pending: 20, oldestPendingAt: 1_000 - (30_000 % 1_000) })
  t.equal(parked + dead, 15, 'some were replayed')
})

tap.test('the backlog is counted up to a limit, and estimated beyond it', async t => {
  const { url, store } = await filled({ done: 10, pending: COUNTED + 2_000, dead: COUNTED })
  t.teardown(() => store.close())
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.delivery SET (autovacuum_enabled = off)')
  t.match(await store.backlog(), { pending: COUNTED, parked: 0, dead: COUNTED, oldestPendingAt: 1 })
  await server.query(url, 'ANALYZE tutorbot_webhooks.delivery')
  const { pending } = await store.backlog()
  t.ok(Math.abs(pending - COUNTED - 2_000) < 500, `about ${pending}`)
})
