import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, statSync } from 'node:fs'
import net, { createServer } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { describeStore } from '../../../backends/index.ts'
import { chatwoot } from '../../../commands/samples.ts'
import { listen } from '../../../inbox/postgres/connection.ts'
import { openPostgresStore } from '../../../inbox/postgres/store.ts'
import { buildServer, explainFailure } from '../../../server.ts'
import { CHATWOOT_SECRET, chatwootRequest } from '../../helpers/app.ts'
import { delivery } from '../../helpers/inbox.ts'
import { isInstalled } from '../../helpers/installed.ts'
import { captureLog } from '../../helpers/log.ts'
import { startRelay } from '../../helpers/postgres-relay.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

const server = await postgresServer('')
tap.teardown(() => server.close())
const { log } = Fastify()

/** The URL of a database, with parts replaced. */
const changed = (url: string, change: (url: URL) => void) => {
  const copy = new URL(url)
  change(copy)
  return copy.href
}

/** The one line printed by a server that does not start. */
async function failure(url: string): Promise<string> {
  const env = { PORT: '0', LOG_LEVEL: 'silent', DATABASE_URL: url }
  try {
    await (await buildServer({ env })).close()
    return 'it started'
  } catch (error) {
    return explainFailure(error)
  }
}

tap.test('an invalid URL is refused, never taken for a file', async t => {
  const problem = 'that is not a PostgreSQL URL; write postgres://user:password@host:5432/database'
  for (const url of [
    'postgres:/x',
    'postgres://',
    'postgres://host',
    'postgres://u:secret@h:port/d',
    '"postgres://h/d"',
  ]) {
    t.equal(await failure(url), `tutorbot-webhooks did not start: DATABASE_URL: ${problem}`, url)
  }
  t.match(
    await failure('postgres://h/d?connections=many'),
    /DATABASE_URL: connections=many in the URL must be a number/,
  )
  t.match(
    await failure('postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=/no/such.crt'),
    {
      message: /^tutorbot-webhooks did not start: DATABASE_URL: postgres:\/\/u@h\/d can't be used \(.*such\.crt/,
    }.message,
  )
})

tap.test('a server that refuses: one line with the reason and the fix, without the password', async t => {
  const url = await server.database()
  const role = `role_${process.pid}`
  await server.query(url, `CREATE ROLE ${role} LOGIN PASSWORD 'right'`)
  t.teardown(() => server.query(url, `DROP ROLE ${role}`))
  const as = (username: string, password: string) => changed(url, copy => Object.assign(copy, { username, password }))
  for (const [refused, reason] of [
    [as('postgres', 's3cret'), /password authentication failed for user "postgres"\); check the user and the password/],
    [as('nobody_here', 's3cret'), /"nobody_here"\); check the user/],
    [
      changed(url, copy => Object.assign(copy, { pathname: '/not_there' })),
      /"not_there" does not exist\); create that/,
    ],
    [as(role, 'right'), /permission denied for database \w+\); GRANT CREATE ON DATABASE/],
    [changed(url, copy => copy.searchParams.set('sslmode', 'require')), /does not support SSL connections\); check/],
  ] as const) {
    const line = await failure(refused)
    t.match(line, reason)
    t.match(line, /^tutorbot-webhooks did not start: DATABASE_URL: postgres:\/\//)
    t.notMatch(line, /s3cret|right@|:postgres@|\n/)
  }
})

tap.test('a schema of a newer version is refused; empty ones made by an administrator are filled', async t => {
  const url = await server.database()
  const role = `filler_${process.pid}`
  await server.query(url, `CREATE ROLE ${role} LOGIN PASSWORD 'right'`)
  for (const schema of ['tutorbot_webhooks', 'tutorbot_webhooks_boss']) {
    await server.query(url, `CREATE SCHEMA ${schema} AUTHORIZATION ${role}`)
  }
  t.teardown(async () => {
    await server.query(url, `DROP OWNED BY ${role}`)
    await server.query(url, `DROP ROLE ${role}`)
  })
  const store = await openPostgresStore(
    changed(url, copy => Object.assign(copy, { username: role, password: 'right' })),
    log,
  )
  t.equal(await store.insert(delivery('a'), false), 'queued')
  await store.close()
  await server.query(url, 'UPDATE tutorbot_webhooks.version SET version = 99')
  t.match(
    await failure(url),
    /DATABASE_URL: the schema tutorbot_webhooks has version 99, this program knows 2; run the/,
  )
})

tap.test('a schema of the previous version is upgraded and keeps its data', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  await store.insert(delivery('kept'), false)
  await store.close()
  await server.query(url, 'DROP TABLE tutorbot_webhooks.history')
  await server.query(url, 'DROP INDEX tutorbot_webhooks.delivery_parked_seq')
  await server.query(url, 'UPDATE tutorbot_webhooks.version SET version = 1')
  const stores = await Promise.all([1, 2].map(() => openPostgresStore(url, log)))
  t.teardown(() => Promise.all(stores.map(each => each.close())))
  t.equal(await stores[0]?.insert(delivery('kept'), false), 'duplicate')
  t.same(await stores[1]?.history(delivery('kept').id), [])
})

tap.test('several processes can open an empty database at once', async t => {
  const url = await server.database()
  const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore(url, log)))
  const results = await Promise.all(stores.map(store => store.insert(delivery('a'), false)))
  t.same(results.toSorted(), ['duplicate', 'duplicate', 'queued'])
  await Promise.all(stores.map(store => store.close()))
})

tap.test('it stays within its limit of connections', async t => {
  const url = await server.database()
  const store = await openPostgresStore(
    changed(url, copy => copy.searchParams.set('connections', '3')),
    log,
  )
  await Promise.all(Array.from({ length: 50 }, (_, n) => store.get(`${n}`)))
  const [row] = await server.query<{ n: number }>(
    url,
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tutorbot-webhooks'`,
  )
  t.ok((row?.n ?? 0) >= 1 && (row?.n ?? 9) <= 3, `${row?.n} of 3`)
  await store.close()
})

tap.test('a server that is silent or closes connections is waited for', async t => {
  const url = await server.database()
  const { hostname, port } = new URL(url)
  const captured = captureLog()
  const app = Fastify({ logger: { stream: captured.stream } })
  // Closes two connections, then lets through.
  let connections = 0
  const between = createServer(socket => {
    if (++connections <= 2) return void socket.destroy()
    const through = net.connect(Number(port), hostname)
    socket.pipe(through).pipe(socket)
    for (const end of [socket, through]) end.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  t.teardown(() => between.close())
  await new Promise(resolve => between.once('listening', resolve))
  const store = await openPostgresStore(
    changed(url, copy => Object.assign(copy, { port: String((between.address() as net.AddressInfo).port) })),
    app.log,
  )
  t.equal(captured.lines.filter(({ msg }) => msg.startsWith('waiting for')).length, 1, 'logged once in ten seconds')
  t.notMatch(captured.text(), /postgres:postgres/)
  await store.close()
})

tap.test('describes where deliveries are kept', async t => {
  t.equal(describeStore('data/webhooks.db'), 'data/webhooks.db')
  t.equal(describeStore('postgres://u:p@h:1/d?sslmode=require'), 'postgres://u@h:1/d')
  t.equal(describeStore('postgresql://h/d'), 'postgres://h/d')
  t.equal(describeStore('postgres://u:p@h:x/d'), 'PostgreSQL')
})

tap.test('listening for wake-ups resumes after an outage', async t => {
  const url = await server.database()
  let notices = 0
  let noticed = () => {}
  const next = () =>
    new Promise<void>(resolve => {
      noticed = resolve
    })
  const first = next()
  const stop = listen({ connectionString: url }, 'wakeups', () => {
    notices++
    noticed()
  })
  await first
  await server.stop()
  // Longer than one attempt.
  await new Promise(resolve => setTimeout(resolve, 1_500))
  const again = next()
  await server.start()
  await again
  t.equal(notices, 2, 'something may have been missed')
  const told = next()
  await server.query(url, `NOTIFY wakeups`)
  await told
  await server.stop()
  await stop()
  await server.start()
})

tap.test('a listener behind a pooler, which has its own process ids, leaves no connection behind', async t => {
  const { url, connections, gone } = await startRelay(t, await server.database(), true)
  const stop = listen({ connectionString: url }, 'wakeups', () => t.fail('there is nothing to be told'))
  await gone
  await stop()
  t.equal(connections(), 1)
})

tap.test('TLS with a private CA: all connections use it; another CA is refused', async t => {
  if (!isInstalled(t, 'openssl', 'version')) return
  const url = await server.database()
  const files = await startTls(t, url)
  const over = (ca: string) =>
    changed(url, copy => {
      copy.hostname = 'localhost'
      copy.search = `?sslmode=verify-full&sslrootcert=${encodeURIComponent(ca)}`
    })
  const env = { PORT: '0', LOG_LEVEL: 'silent', DATABASE_URL: over(files.ca), CW_HMAC_SECRET: CHATWOOT_SECRET }
  const app = await buildServer({ env })
  t.teardown(() => app.close())
  await app.ready()
  t.match((await app.inject(chatwootRequest(chatwoot.conversationCreated()))).json(), { status: 'accepted' })
  t.equal(await app.webhooks.calendar.find('nobody', new AbortController().signal), null)
  const connections = `SELECT bool_and(ssl) AS ssl, bool_or(query LIKE 'LISTEN%') AS listens FROM pg_stat_ssl
    JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND application_name = 'tutorbot-webhooks'`
  // It is created in parallel with the start.
  let seen: { ssl: boolean; listens: boolean } | undefined
  while (!seen?.listens) [seen] = await server.query<{ ssl: boolean; listens: boolean }>(url, connections)
  t.equal(seen.ssl, true)

  const line = await failure(over(files.otherCa))
  t.match(
    line,
    /DATABASE_URL: postgres:\/\/postgres@localhost:\d+\/\w+ can't be used \(.*\); check sslrootcert in the URL/,
  )
  t.notMatch(line, /\n/)
})

/** Switches TLS on; returns the paths of the authority's certificate, and of another's. */
async function startTls(t: Test, url: string): Promise<{ ca: string; otherCa: string }> {
  const folder = t.testdir()
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const ca of ['ca', 'other']) {
    openssl('req', '-x509', ...key, '-subj', `/CN=${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.pem`)
  }
  const ofServer = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  openssl('req', '-x509', ...key, ...ofServer, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', 's.key', '-out', 's.pem')

  const [row] = await server.query<{ data_directory: string }>(url, 'SHOW data_directory')
  const data = row?.data_directory as string
  const { uid, gid } = statSync(data)
  for (const [from, to] of [
    ['s.pem', 'server.crt'],
    ['s.key', 'server.key'],
  ] as const) {
    copyFileSync(join(folder, from), join(data, to))
    chmodSync(join(data, to), 0o600)
    chownSync(join(data, to), uid, gid)
  }
  await server.query(url, 'ALTER SYSTEM SET ssl = on')
  await server.query(url, 'SELECT pg_reload_conf()')
  return { ca: join(folder, 'ca.pem'), otherCa: join(folder, 'other.pem') }
}
