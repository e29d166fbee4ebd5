import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import type { Check } from '../../commands/check.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../../inbox/sqlite/store.ts'
import { run, runJson } from '../helpers/cli.ts'
import { delivery } from '../helpers/inbox.ts'
import { makeNewer, makeOlder } from '../helpers/older-store.ts'

/** An older version's store with a delivery in each state. */
async function storeOf(t: Test, version: number) {
  const file = join(t.testdir(), 'webhooks.db')
  const store = openSqliteStore(file)
  await store.insert(delivery('dead', { unreadable: 'x' }), false)
  await store.insert(delivery('pending'), false)
  await store.close()
  if (version < 5) makeOlder(file, version)
  return { file, env: { DATABASE_URL: file }, id: delivery('dead').id }
}

function schemaOf(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true })
  const schema = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
  const version = db.prepare('PRAGMA user_version').get()
  db.close()
  return { schema, version }
}

tap.test('with a server of the previous version running, commands read and change nothing', async t => {
  const { file, env, id } = await storeOf(t, 2)
  const before = schemaOf(file)
  t.equal((await runJson<unknown[]>(env, 'list')).code, 0)
  t.match(await run(env, 'list', '--state', 'dead'), { code: 0, out: /dead/ })
  t.match(await run(env, 'show', id), { code: 0, out: /unreadable|dead/ })
  t.match(await run(env, 'show', id.slice(0, 8)), { code: 0, out: /unreadable|dead/ })
  const { result } = await runJson<Check[]>(env, 'doctor', '--url', 'http://127.0.0.1:1')
  const says = result.map(({ state, what, says }) => `${state} ${what}: ${says}`).join('\n')
  t.match(says, /ok store: .* is readable and writable/)
  t.match(says, /warn store: .* has schema version 2, not 5; start this version's server with it once/)
  t.match(says, /warn backlog: 1 dead/)
  for (const args of [['replay', id], ['discard', id, '--reason', 'x'], ['forget', '--contact', '5'], ['prune']]) {
    const said = await run(env, ...args)
    t.match(
      said,
      { code: 1, err: /has schema version 2, not 5; start this version's server with it once$/m },
      args[0] as string,
    )
  }
  for (const args of [['causes'], ['list', '--cause', 'x'], ['replay', '--cause', 'x'], ['job'], ['job', 'stop']]) {
    t.match(await run(env, ...args), { code: 1, err: /has schema version 2, not 5; start this/ }, args.join(' '))
  }
  const store = openSqliteStoreForCommand(file)
  await t.rejects(store.list({ cause: 'x' }, 1), { message: /has schema version 2, not 5/ })
  await store.close()
  t.same(schemaOf(file), before)
  await openSqliteStore(file).close()
  t.match(schemaOf(file), { version: { user_version: 5 } }, 'the server brings it up to this version')
  t.match(await run(env, 'replay', id), { code: 0 })
})

tap.test('an unreadable store is one line', async t => {
  const { env } = await storeOf(t, 1)
  t.match(await run(env, 'list'), { code: 1, err: /^list: DATABASE_URL: .* has schema version 1, not 5; start this/ })
})

tap.test('a newer version says who can still use its file', async t => {
  const { file, env } = await storeOf(t, 5)
  const db = new DatabaseSync(file)
  db.exec('CREATE TABLE of_the_future (a); PRAGMA user_version = 6')
  db.close()
  t.match(await run(env, 'list'), { code: 0 })
  const store = openSqliteStore(file)
  t.equal(await store.insert(delivery('a'), false), 'queued')
  await store.checkWritable()
  await store.close()
  t.match(schemaOf(file), { version: { user_version: 6 } })
  makeNewer(file)
  t.throws(() => openSqliteStore(file), { message: /schema version 99, this program knows 5/ })
  t.match(await run(env, 'list'), { code: 1, err: /schema version 99, this program knows 5/ })
})

tap.test('an empty file is not a store', async t => {
  const file = join(t.testdir({ 'empty.db': '' }), 'empty.db')
  t.match(await run({ DATABASE_URL: file }, 'list'), { code: 1, err: /empty.db is empty; name the server's own file/ })
})
