import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap from 'tap'
import { MigrateError, main } from '../../commands/migrate-store.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { command, fileOf, fillStore, migrate, refusal } from '../helpers/moving.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

const server = await postgresServer('')
tap.teardown(() => server.close())

tap.test('a wrong --from is one line, and creates nothing', async t => {
  const folder = t.testdir({ 'text.db': 'this is a text, and not a database at all'.repeat(100), 'empty.db': '' })
  const path = (name: string) => join(folder, name)
  const to = await server.database()
  const refused = async (from: string, fix: string | RegExp) =>
    t.match(await refusal('--from', from, '--to', to), fix, from)

  const missing = 'migrate-store: --from is missing: give the SQLite file, such as data/webhooks.db'
  t.equal(await refusal('--to', to), missing)
  await refused('', missing)
  await refused('postgres://u:secret@h/d', /^migrate-store: --from is a URL: give the SQLite file, such as [^ ]+$/)
  await refused(
    path('none.db'),
    /^migrate-store: --from: .*none\.db can't be read \(ENOENT: .*\); give a store's file$/,
  )
  t.notOk(existsSync(path('none.db')) || existsSync(path('none.db.lock')))
  await refused(folder, /^migrate-store: --from: .* is not a file; give a store's file$/)
  await refused(path('text.db'), /text\.db can't be read \(file is not a database\); give a store's file$/)
  await refused(path('empty.db'), /empty\.db is empty; give a store's file$/)

  const foreign = new DatabaseSync(path('foreign.db'))
  foreign.exec('CREATE TABLE mine (a)')
  foreign.close()
  await refused(path('foreign.db'), /foreign\.db is another program's database; give another file$/)
  await openSqliteStore(path('store.db')).close()
  const newer = new DatabaseSync(path('store.db'))
  newer.exec("UPDATE about SET value = '99' WHERE name = 'readable_since'; PRAGMA user_version = 99")
  await refused(path('store.db'), /store\.db has schema version 99, this program knows 5; run the newer program, or /)
  newer.exec('PRAGMA user_version = 1')
  await refused(
    path('store.db'),
    /store\.db has schema version 1, not 5; start this version's server with it once, and /,
  )
  newer.exec('PRAGMA user_version = 5')
  newer.close()

  const running = openSqliteStore(path('store.db'))
  await refused(path('store.db'), /store\.db is in use by another process; stop that one, or give another file$/)
  await running.close()
  t.same(
    await server.query(to, `SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tutorbot%'`),
    [],
    'nothing is made',
  )
  t.match(
    await migrate(path('store.db'), to),
    /^deliveries: 0 moved; 0 were there already\n/,
    'a store without a calendar',
  )
})

tap.test('a wrong --to is one line without the password, within a limited time', async t => {
  const file = fileOf(t)
  const url = await server.database()
  await openSqliteStore(file).close()
  const changed = (change: Partial<URL>) => Object.assign(new URL(url), change).href
  const refused = async (to: string, fix: string | RegExp) => {
    const line = await refusal('--from', file, '--to', to)
    t.match(line, fix)
    t.notMatch(line, /s3cret|:postgres@/)
  }
  const missing =
    'migrate-store: --to is missing: give the database, such as postgres://user:password@host:5432/database'
  t.equal(await refusal('--from', file), missing)
  await refused('', missing)
  await refused(
    'data/other.db',
    'migrate-store: --to is not a PostgreSQL URL: give the database, such as postgres://user:password@',
  )
  await refused('postgres://u:s3cret@h', /^migrate-store: --to: that is not a PostgreSQL URL; write postgres:/)
  await refused(
    changed({ password: 's3cret' }),
    /^migrate-store: --to: postgres:.* can't be used \(password .*\); check the user/,
  )
  await refused(
    changed({ pathname: '/none' }),
    /can't be used \(database "none" does not exist\); create that database/,
  )
  await refused(
    'postgres://u:s3cret@127.0.0.1:1/d',
    /d is not up \(ECONNREFUSED\); start it, or check host and port in/,
  )
  const hangsUp = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
  t.teardown(() => hangsUp.close())
  await once(hangsUp, 'listening')
  const { port } = hangsUp.address() as AddressInfo
  await refused(changed({ port: String(port) }), /is not up \((Connection terminated.*|ECONNRESET)\); start it/)
  const silent = createServer().listen(0, '127.0.0.1')
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const quiet = String((silent.address() as AddressInfo).port)
  await refused(changed({ port: quiet }), /is not up \(.*timeout.*\); start it/)

  await migrate(file, url)
  await server.query(url, 'UPDATE tutorbot_webhooks.version SET version = 99')
  await refused(url, /^migrate-store: --to: the schema tutorbot_webhooks has version 99, this program knows 2; run the/)
})

tap.test('the command', async t => {
  const file = fileOf(t)
  const url = new URL(await server.database())
  await fillStore(file)
  t.match(await refusal('--from', file, '--to'), /^migrate-store: Option '--to <value>' argument missing; see npm run /)
  t.match(await refusal('--nonsense'), /^migrate-store: Unknown option '--nonsense'.*--help$/)
  t.match(await refusal('here'), /^migrate-store: Unexpected argument 'here'/)
  const out: string[] = []
  t.equal(await main(['--help'], { print: line => out.push(line), fail: t.fail }), 0)
  t.match(
    out.join('\n'),
    /^npm run migrate-store -- --from <file> --to <url>\n.*\n {2}npm run migrate-store -- --from d/s,
  )
  const faulty = () => {
    throw new RangeError('a fault of our own keeps its stack')
  }
  await t.rejects(main(['--help'], { print: faulty, fail: t.fail }), RangeError)
  t.match(new MigrateError('x'), { name: 'MigrateError' })

  url.password = ''
  const args = ['--from', file, '--to', url.href]
  const refused = await command(t, args).ended
  t.match(refused, { code: 1, out: '', err: /^migrate-store: --to: postgres:.*\n$/ })
  t.equal(refused.err.trim().split('\n').length, 1)
  t.match(await command(t, args, { PGPASSWORD: 'postgres' }).ended, { code: 0, err: '', out: /^deliveries: 19 moved/ })
})
