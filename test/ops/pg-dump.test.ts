import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { startChild } from '../helpers/child.ts'
import { delivery, startInbox } from '../helpers/inbox.ts'

/**
 * The documented lines for PostgreSQL, with programs of one installation: pg_dump refuses a server that is newer than
 * itself, such as that of the other tests. REQUIRE_PG_DUMP=1: it must be installed.
 */
const ROOT = '/usr/lib/postgresql'
const version = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a))[0] : undefined
const programs = version === undefined ? '' : join(ROOT, version, 'bin')
const isHere = ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every(name => existsSync(join(programs, name)))

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/operating.md', import.meta.url)), 'utf8')

const log = pino({ level: 'silent' })

/** PostgreSQL refuses to run as root. */
function otherUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (option: string) => Number(execFileSync('id', [option, 'postgres']))
  return { uid: id('-u'), gid: id('-g') }
}

/** A server of the same installation as pg_dump; its URL without a database. */
async function startServer(t: Test): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-pg-dump-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const user = otherUser()
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'], {
    ...user,
    stdio: 'ignore',
  })
  const port = await freePort()
  const flags = ['fsync=off', `port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const server = startChild(join(programs, 'postgres'), ['-D', data, ...flags.flatMap(flag => ['-c', flag])], {
    ...user,
    stdio: 'ignore',
  })
  const ended = once(server, 'exit')
  t.teardown(async () => {
    server.kill('SIGINT')
    await ended
  })
  return `postgres://postgres@127.0.0.1:${port}`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** A line of the page, with our own URL and file. */
async function runLine(beginning: string, env: Record<string, string>, cwd: string): Promise<void> {
  const line = PAGE.split('\n').find(each => each.startsWith(beginning))
  if (line === undefined) throw new Error(`docs/operating.md has no line ${beginning}`)
  const child = startChild('sh', ['-ec', line], { cwd, env: { PATH: `${programs}:${process.env.PATH}`, ...env } })
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (code !== 0) throw new Error(`${line} ended with ${code}: ${err}`)
}

tap.test('the documented lines for PostgreSQL', async t => {
  if (!isHere) {
    t.notOk(process.env.REQUIRE_PG_DUMP, 'REQUIRE_PG_DUMP is set')
    return t.pass('NOT TESTED: there are no PostgreSQL programs with their server in /usr/lib/postgresql')
  }
  const base = await startServer(t)
  const cwd = t.testdir()
  // Waits for the server to be up.
  const { store: made } = await openWhenCreated(base, 'webhooks')
  for (const key of ['a', 'b']) await made.insert(delivery(key, { orderingKey: 'box' }), false)
  const taken = await made.take('box', Date.now())
  if (taken) await made.settle(taken, { state: 'done' }, Date.now())
  await runLine('pg_dump ', { DATABASE_URL: `${base}/webhooks` }, cwd)
  await made.close()

  await query(`${base}/postgres`, 'CREATE DATABASE restored')
  await runLine('pg_restore ', { DATABASE_URL: `${base}/restored` }, cwd)
  const { inbox, app } = await startInbox(t, { store: `${base}/restored` })
  const handled = new Promise(resolve => inbox.handle('test', 'ping', ({ key }) => resolve(key)))
  await app.ready()
  t.equal(await handled, 'b', 'what was pending is handled')
  t.match(await inbox.get(delivery('a').id), { state: 'done' })
  t.equal(await inbox.accept(delivery('a'), 1), 'duplicate')
  await app.close()
})

async function openWhenCreated(base: string, name: string) {
  // The store of the administrators' database is opened only to wait for the server.
  await (await openPostgresStore(`${base}/postgres`, log)).close()
  await query(`${base}/postgres`, `CREATE DATABASE ${name}`)
  return { store: await openPostgresStore(`${base}/${name}`, log) }
}

async function query(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(statement)
  await client.end()
}
