import Fastify from 'fastify'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import tap, { type Test } from 'tap'
import { StoreMissingError } from '../../../inbox/errors.ts'
import { readPostgresUrl } from '../../../inbox/postgres/connection.ts'
import { buildIndexes } from '../../../inbox/postgres/indexes.ts'
import { BOSS_SCHEMA, LATER_INDEXES } from '../../../inbox/postgres/schema.ts'
import { openPostgresStore, type PostgresStore } from '../../../inbox/postgres/store.ts'
import { delivery } from '../../helpers/inbox.ts'
import { captureLog } from '../../helpers/log.ts'
import { olderDatabase, shapeOf, versionForOlder } from '../../helpers/older-postgres.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** Only a server upgrades the schema; an older one keeps working beside it, and can restart. */

const server = await postgresServer('')
tap.teardown(() => server.close())
const { log } = Fastify()

/** A database with a store of revision 2, as an older server left it: with pg-boss's schema and queue. */
async function older(): Promise<string> {
  const url = await olderDatabase(server)
  const boss = new PgBoss({ connectionString: url, schema: BOSS_SCHEMA, createSchema: false, supervise: false })
  await boss.start()
  await boss.createQueue('mailbox', { policy: 'stately', heartbeatSeconds: 60 })
  await boss.stop({ graceful: false })
  return url
}

const forCommand = (url: string) => openPostgresStore(url, log, { waits: false, schema: 'keep' })

async function opened(t: Test, opening: Promise<PostgresStore>): Promise<PostgresStore> {
  const store = await opening
  t.teardown(() => store.close())
  return store
}

const INDEX = 'delivery_pending_since'
/** Takes a moment, so it is polled. */
const STATE = `SELECT indisvalid, pg_sleep(0.1) FROM pg_index WHERE indexrelid = to_regclass('tutorbot_webhooks.' || $1)`

const isValid = async (url: string, name: string) =>
  (await server.query<{ indisvalid: boolean }>(url, STATE, [name]))[0]?.indisvalid

/** Resolves once all later indexes exist and are valid. */
async function indexesBuilt(url: string): Promise<void> {
  for (const name of Object.keys(LATER_INDEXES)) while ((await isValid(url, name)) !== true);
}

tap.test('read-only commands change no schema, and work beside an older server', async t => {
  const url = await older()
  const before = await shapeOf(server, url)
  const store = await forCommand(url)
  t.same(
    (await store.list({}, 10)).map(({ id }) => id),
    ['done', 'pending', 'dead'],
  )
  t.match(await store.get('dead'), { state: 'dead', payload: { kept: true } })
  t.equal((await store.browse({}, 10)).deliveries.length, 3)
  t.same(await store.history('done'), [])
  t.same(await store.backlog(), { pending: 1, parked: 0, dead: 1, oldestPendingAt: 7 })
  t.equal((await store.size()).deliveries, 3)
  await store.checkWritable()
  t.same(await store.replay(['dead'], 10), ['box'])
  t.same(await store.list({ state: 'scheduled' }, 10), [], 'nothing can be scheduled there')
  t.same(await store.browse({ state: 'scheduled' }, 10), { deliveries: [], next: null })
  t.equal(await store.get('unknown'), null)
  const noCauses = { name: 'StoreOpenError', message: /has no causes yet: start a server of this version/ }
  await t.rejects(store.causes(), noCauses)
  await t.rejects(store.list({ cause: 'x' }, 10), noCauses)
  await t.rejects(store.browse({ cause: 'x' }, 10), noCauses)
  const wish = { cause: 'x', perMinute: 1, pauseAfter: 1 }
  await t.rejects(store.startReplayJob(wish, 1), { name: 'StoreOpenError', message: /there are no replay jobs yet/ })
  t.equal(await store.replayJob(), null)
  t.match(await store.stepReplayJob(1), { nextMs: null })
  await t.rejects(store.list({}, -1), { code: '2201W' }, 'what else fails is said as it is')
  t.equal(await store.discard('unknown', 'no', 10), false)
  t.equal(await store.forget(['unknown'], 10), 0)
  await t.rejects(store.schedule(delivery('later'), 10), {
    name: 'StoreOpenError',
    message: "nothing can be scheduled yet: start this version's server with it once",
  })
  await server.query(url, 'CREATE TABLE tutorbot_webhooks.scheduled (other text)')
  await t.rejects(store.discard('unknown', 'no', 10), { code: '42703' }, 'what else fails is said as it is')
  await server.query(url, 'DROP TABLE tutorbot_webhooks.scheduled')
  await t.rejects(store.installationId(), { name: 'StoreOpenError', message: /no installation id yet: start a server/ })
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.version RENAME TO hidden')
  await server.query(url, 'CREATE TABLE tutorbot_webhooks.installation (other text)')
  await t.rejects(store.installationId(), { code: '42703' }, 'what else fails is said as it is')
  await server.query(url, 'DROP TABLE tutorbot_webhooks.installation')
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.hidden RENAME TO version')
  await store.close()
  t.same(await shapeOf(server, url), before)
})

tap.test('without a store, read-only commands say so and create none', async t => {
  const url = await server.database()
  await t.rejects(forCommand(url), StoreMissingError)
  await t.rejects(forCommand(url), { message: /no schema tutorbot_webhooks yet: the server makes it/ })
  t.match(await shapeOf(server, url), { schemas: [] })
  await (await openPostgresStore(url, log, { schema: 'create' })).close()
  await (await openPostgresStore(url, log, { schema: 'create' })).close()
})

tap.test('a store too old for a command is left alone', async t => {
  const url = await older()
  await server.query(url, 'UPDATE tutorbot_webhooks.version SET version = 1')
  await t.rejects(forCommand(url), { message: /has revision 1, this .* asks for 2; use that of the version that runs/ })
})

tap.test('of several servers one upgrades; an older one keeps working and can restart', async t => {
  const url = await older()
  const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore(url, log)))
  t.equal(await versionForOlder(server, url), 2)
  const ids = new Set(await Promise.all(stores.map(store => store.installationId())))
  t.equal(ids.size, 1, 'one installation')
  t.match(await stores[0]?.take('box', 10), { id: 'pending', payload: { kept: true } })
  // Written as an older one does.
  await server.query(
    url,
    `INSERT INTO tutorbot_webhooks.delivery (id, source, event, key, ordering_key, state, attempts, received_at)
     VALUES ('late', 'test', 'ping', 'late', 'other', 'pending', 0, 3)`,
  )
  await indexesBuilt(url)
  t.match(await stores[1]?.backlog(), { pending: 2, oldestPendingAt: 3 })
  await Promise.all(stores.map(store => store.close()))
  const again = await opened(t, openPostgresStore(url, log))
  t.same([await again.installationId()], [...ids], 'permanently')
})

tap.test('several servers starting on an empty database get one installation id', async t => {
  const url = await server.database()
  const stores = await Promise.all([1, 2, 3, 4].map(() => opened(t, openPostgresStore(url, log))))
  const ids = new Set(await Promise.all(stores.map(store => store.installationId())))
  t.equal(ids.size, 1)
})

tap.test('a schema with additions of a newer version is used as it is', async t => {
  const url = await server.database()
  await (await openPostgresStore(url, log)).close()
  await server.query(url, 'UPDATE tutorbot_webhooks.version SET revision = 99')
  await server.query(url, 'ALTER TABLE tutorbot_webhooks.delivery ADD COLUMN newer text')
  const before = await shapeOf(server, url)
  const store = await openPostgresStore(url, log)
  t.equal(await store.insert(delivery('a'), false), 'queued')
  await store.close()
  t.same(await shapeOf(server, url), before)
  t.match(await server.query(url, 'SELECT * FROM tutorbot_webhooks.version'), [{ version: 2, revision: 99 }])
})

tap.test('commands do not upgrade pg-boss’s schema: those that need it are refused, others work', async t => {
  const url = await older()
  const version = async () =>
    (await server.query<{ version: number }>(url, `SELECT version FROM ${BOSS_SCHEMA}.version`))[0]?.version as number
  const today = await version()
  for (const other of [today - 1, today + 1]) {
    await server.query(url, `UPDATE ${BOSS_SCHEMA}.version SET version = $1`, [other])
    const store = await forCommand(url)
    t.equal((await store.list({}, 10)).length, 3)
    await t.rejects(store.replay(['dead'], 10), {
      name: 'StoreOpenError',
      message: /is of another pg-boss than this program's: do it with the version of the server/,
    })
    t.match(await store.get('dead'), { state: 'dead' })
    await store.close()
    t.equal(await version(), other)
  }
  await server.query(url, `UPDATE ${BOSS_SCHEMA}.version SET version = $1`, [today - 1])
  await (await openPostgresStore(url, log, { schema: 'create' })).close()
  t.equal(await version(), today - 1, 'nor by what fills the store')
  await server.query(url, `UPDATE ${BOSS_SCHEMA}.version SET version = $1`, [today + 1])
  // Now it is the newer one: an older server starts beside it.
  await (await openPostgresStore(url, log)).close()
  t.equal(await version(), today + 1)
  await server.query(url, `DROP SCHEMA ${BOSS_SCHEMA} CASCADE; CREATE SCHEMA ${BOSS_SCHEMA}`)
  await t.rejects(forCommand(url), { message: /pg-boss is not installed/ })
})

tap.test('an existing queue gets this version’s settings', async t => {
  const url = await older()
  await opened(t, openPostgresStore(url, log))
  t.match(await server.query(url, `SELECT * FROM ${BOSS_SCHEMA}.queue WHERE name = 'mailbox'`), [
    { heartbeat_seconds: 10, retry_delay: 0, retry_limit: 2 ** 31 - 1, retention_seconds: 315_360_000 },
  ])
})

/** Leaves a write to the table open, so that a concurrent index build waits. */
async function writing(t: Test, url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query('BEGIN; UPDATE tutorbot_webhooks.delivery SET error = error')
  return client
}

const BUILDING = `SELECT pid, pg_sleep(0.1) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND datname = current_database()`

async function building(url: string): Promise<number> {
  for (;;) {
    const [row] = await server.query<{ pid: number }>(url, BUILDING)
    if (row !== undefined) return row.pid
  }
}

tap.test('an index is built while others write; an interrupted build is finished at the next start', async t => {
  const url = await older()
  // The rest of the upgrade is done: an index is all that is missing.
  await server.query(
    url,
    'ALTER TABLE tutorbot_webhooks.delivery ADD COLUMN run text, ADD COLUMN due_at bigint, ADD COLUMN quiet_max bigint, ADD COLUMN cause text, ADD COLUMN trace text',
  )
  const writer = await writing(t, url)
  const captured = captureLog()
  const app = Fastify({ logger: { stream: captured.stream } })
  const first = await opened(t, openPostgresStore(url, app.log))
  const pid = await building(url)
  t.equal(await first.insert(delivery('meanwhile'), false), 'queued')
  await buildIndexes(readPostgresUrl(url), app.log, [INDEX]).built
  t.equal(await building(url), pid, 'another server is building it')
  await server.query(url, 'SELECT pg_terminate_backend($1)', [pid])
  t.match(await captured.line(({ msg }) => msg.startsWith('an index')), {
    level: 40,
    msg: 'an index could not be built, will retry at the next start',
  })
  t.equal(await isValid(url, INDEX), false)

  // One that is closed during its build logs nothing.
  const third = openPostgresStore(url, app.log)
  await (await third).close()
  await writer.query('ROLLBACK')
  await opened(t, openPostgresStore(url, app.log))
  await indexesBuilt(url)
  await buildIndexes(readPostgresUrl(url), app.log, Object.keys(LATER_INDEXES)).built
  t.equal(captured.lines.filter(({ msg }) => msg.startsWith('an index')).length, 1)
})

tap.test('a start waits while a long transaction reads the table, and holds up nobody for long', async t => {
  const url = await older()
  const backup = new pg.Client({ connectionString: url })
  await backup.connect()
  t.teardown(() => backup.end())
  await backup.query('BEGIN; SELECT FROM tutorbot_webhooks.delivery')
  const captured = captureLog()
  const opening = openPostgresStore(url, Fastify({ logger: { stream: captured.stream } }).log)
  t.match(await captured.line(({ msg }) => msg.startsWith('waiting for')), { msg: /\(55P03\)$/ })
  await backup.query('ROLLBACK')
  t.equal(await (await opened(t, opening)).insert(delivery('a'), false), 'queued')
})
