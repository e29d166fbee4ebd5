import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { openPostgresCalendar } from '../../calendar/postgres.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { lesson } from '../helpers/calendar-conformance.ts'
import { fleetDatabase, inboxProcess, isReady } from '../helpers/inbox-fleet.ts'
import { isInstalled } from '../helpers/installed.ts'
import { client, signedMessage } from '../helpers/load.ts'
import { captureLog } from '../helpers/log.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { toldTime } from '../helpers/postgres-time.ts'
import { startServer } from '../helpers/server-process.ts'
import { storeConformance } from '../helpers/store-conformance.ts'
import { until } from '../helpers/wait.ts'
import { folder, freePort, SECRET, startDaemon } from './proxies.ts'

/** The real PgBouncer, in transaction mode: the URL of a PostgreSQL server's databases through it, and its log. */
async function startPgBouncer(t: Test, postgres: string) {
  const { hostname, port: behind, username, password } = new URL(postgres)
  const port = await freePort()
  const prefix = folder(t, {
    'pgbouncer.ini': `
[databases]
* = host=${hostname} port=${behind} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 500
; seconds
server_login_retry = 1
${process.getuid?.() === 0 ? 'user = nobody' : ''}`,
  })
  const { written } = await startDaemon(t, 'pgbouncer', [join(prefix, 'pgbouncer.ini')], /process up/)
  const through = (url: string) => {
    const copy = new URL(url)
    copy.host = `127.0.0.1:${port}`
    return copy.href
  }
  return { through, written }
}

if (isInstalled(t, 'pgbouncer', '--version')) {
  const postgres = await postgresServer('')
  t.teardown(() => postgres.close())
  const { through, written } = await startPgBouncer(t, await postgres.database())
  const { log: silent } = Fastify()

  await storeConformance(t, async t => {
    const database = await postgres.database()
    const { clock, told } = toldTime(postgres, database)
    const open = async () => told(await openPostgresStore(through(database), silent, { clock }))
    let store = await open()
    t.teardown(() => store.close().catch(() => {}))
    return {
      store,
      shared: true,
      async reopen() {
        await store.close()
        store = await open()
        return store
      },
    }
  })

  t.test('several instances handle each delivery once, in order, and no LISTEN is left behind', async t => {
    const database = await fleetDatabase(postgres)
    const url = through(database.url)
    const instances = [1, 2].map(() => inboxProcess(t, url, { HANDLER_MS: '2' }))
    await Promise.all(instances.map(({ line }) => line(isReady)))
    await Promise.all(instances.map(({ accept }) => accept('same', 300, 30)))
    await database.drained()
    t.equal(await database.number('SELECT count(*) AS n FROM handling'), 300)
    t.equal(await database.overlaps(), 0)
    t.equal(await database.disordered(), 0)
    const calendar = await openPostgresCalendar(url, Date)
    t.teardown(() => calendar.close())
    t.equal(await calendar.book(lesson('A', '10:00-11:00'), new AbortController().signal), 'booked')
    t.same(
      written.filter(line => / (WARNING|ERROR|FATAL) /.test(line)),
      [],
      'PgBouncer has nothing to complain about',
    )
  })

  t.test('the database behind it is down: 500, a start waits, and everything recovers', async t => {
    const env = { DATABASE_URL: through(await postgres.database()), CW_HMAC_SECRET: SECRET }
    const one = await startServer(env)
    t.teardown(() => one.end('SIGKILL'))
    const { post, close } = client(1)
    t.teardown(close)
    await postgres.stop()
    t.match(await post(`${one.url}/cw`, signedMessage(1, SECRET)), {
      status: 500,
      body: { code: 'WEBHOOK_NOT_STORED' },
    })
    const log = captureLog()
    const starting = startServer(env, 'exec', line => log.stream.write(line))
    await log.line(({ msg }) => msg.startsWith('waiting for postgres://'))
    await postgres.start()
    const two = await starting
    t.teardown(() => two.end('SIGKILL'))
    const answer = await until('an answer other than 500', async () => {
      const answer = await post(`${one.url}/cw`, signedMessage(1, SECRET))
      return answer.status !== 500 && answer
    })
    // PgBouncer queues what waits for the database: a commit answered 500 in time may still be made.
    t.match(answer, { status: 200, body: { status: /^(accepted|duplicate)$/ } })
    t.match(await post(`${two.url}/cw`, signedMessage(1, SECRET)), { status: 200, body: { status: 'duplicate' } })
  })
}
