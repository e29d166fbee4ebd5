import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import { chatwoot } from '../../commands/samples.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { buildServer } from '../../server.ts'
import { CHATWOOT_SECRET } from '../helpers/app.ts'
import { cli, run, runJson } from '../helpers/cli.ts'
import { delivery } from '../helpers/inbox.ts'
import { client, signedMessage } from '../helpers/load.ts'
import { captureLog } from '../helpers/log.ts'
import { makeNewer, makeOlder } from '../helpers/older-store.ts'
import { startServer } from '../helpers/server-process.ts'

/** A closed store with some deliveries, in its own folder. */
async function smallStore(t: Test, deliveries = 3) {
  const folder = t.testdir()
  const store = join(folder, 'webhooks.db')
  const opened = openSqliteStore(store)
  await Promise.all(Array.from({ length: deliveries }, (_, n) => opened.insert(delivery(`key ${n}`), false)))
  await opened.close()
  return { folder, store, file: join(folder, 'backup.db'), env: { DATABASE_URL: store } }
}

function idsIn(file: string): Set<string> {
  const db = new DatabaseSync(file, { readOnly: true })
  const rows = db.prepare('SELECT id FROM delivery').all()
  db.close()
  return new Set(rows.map(({ id }) => id as string))
}

/** What a failed command has left of a file. */
const leftOf = (file: string) => readdirSync(dirname(file)).filter(name => join(dirname(file), name).startsWith(file))

tap.test('under load, a backup contains everything acknowledged before it began, and nothing is refused', async t => {
  const folder = t.testdir()
  const env = { DATABASE_URL: join(folder, 'webhooks.db'), CW_HMAC_SECRET: CHATWOOT_SECRET }
  const server = await startServer(env)
  const { post, close } = client(8)
  const acknowledged = new Set<string>()
  let number = 0
  let going = true
  async function sender() {
    while (going) {
      const { status, body } = await post(`${server.url}/cw`, signedMessage(++number, CHATWOOT_SECRET))
      if (status !== 200) throw new Error(`answered ${status}`)
      acknowledged.add(body.id as string)
    }
  }
  const senders = Array.from({ length: 8 }, sender)
  for (const round of [1, 2, 3]) {
    while (acknowledged.size < round * 300) await new Promise(setImmediate)
    const before = new Set(acknowledged)
    const file = join(folder, `backup-${round}.db`)
    t.match(await cli(env, ['backup', file]), { code: 0, err: '', out: /backup-\d.db: \d+ MiB, verified, in/ })
    const kept = idsIn(file)
    t.same(
      [...before].filter(id => !kept.has(id)),
      [],
      `${before.size} before, ${kept.size} kept, ${acknowledged.size} after`,
    )
    t.equal(statSync(file).mode & 0o777, 0o600, 'for nobody else to read')
  }
  going = false
  await Promise.all(senders)
  close()
  t.equal(await server.end('SIGTERM'), 0)
  t.same(leftOf(join(folder, 'backup-1.db')), ['backup-1.db'])
})

tap.test('a restored store starts with the server, which handles what was pending', async t => {
  const folder = t.testdir()
  const chatwootApi = await startChatwootApi()
  t.teardown(() => chatwootApi.close())
  chatwootApi.addConversation({ id: 51 })
  const store = join(folder, 'webhooks.db')
  const pending = openSqliteStore(store)
  const id = delivery('waiting').id
  const payload = chatwoot.incoming({ conversation: 51 }) as unknown as Record<string, unknown>
  const parts = { source: 'chatwoot', event: 'message_created', orderingKey: 'conversation:1:51', payload, id }
  await pending.insert({ ...delivery('waiting'), ...parts, receivedAt: Date.now() }, false)
  const env = { DATABASE_URL: store }
  const file = join(folder, 'backup.db')
  t.match((await runJson(env, 'backup', file)).result, { file, bytes: statSync(file).size })
  await pending.close()

  const restored = join(folder, 'restored.db')
  t.match(await cli(env, ['restore', file, '--to', restored]), {
    code: 0,
    out: /restored .*restored.db from .*backup.db/,
  })
  t.equal(statSync(restored).mode & 0o777, 0o600)
  const log = captureLog()
  const { url, accountId, tokens } = chatwootApi
  const server = await startServer(
    { DATABASE_URL: restored, CW_URL: url, CW_ACC_ID: accountId, CW_TOKEN: tokens.bot },
    'exec',
    line => log.stream.write(line),
  )
  t.match(await log.line(line => line.delivery === id && line.attempt === 1), { msg: 'webhook handled' })

  t.match(await run(env, 'restore', file, '--to', restored), {
    code: 1,
    err: /restored.db already exists and is not overwritten/,
  })
  t.equal(await server.end('SIGTERM'), 0)
})

tap.test('existing files are not overwritten', async t => {
  const { store, file, env } = await smallStore(t)
  t.match(await run(env, 'backup', file), { code: 0 })
  t.match(await run(env, 'backup', file), { code: 1, err: `backup: ${file} already exists: choose another name` })
  t.match(await run(env, 'restore', file), {
    code: 1,
    err: `restore: ${store} already exists and is not overwritten`,
  })
  for (const end of ['-wal', '-shm', '-journal']) {
    const target = `${file}.new`
    writeFileSync(target + end, 'of an older store')
    t.match(await run(env, 'restore', file, '--to', target), { code: 1, err: `new${end} already exists` })
    t.notOk(existsSync(target))
    execFileSync('rm', [target + end])
  }
  writeFileSync(`${file}-wal`, 'in use')
  const live = await run(env, 'restore', file, '--to', `${file}.new`)
  t.match(live, { code: 1, err: /backup.db is a store that is in use or was left by a crash/ })
})

tap.test('a target locked by a server is left alone', async t => {
  const { file, folder, env } = await smallStore(t)
  await run(env, 'backup', file)
  const elsewhere = join(folder, 'served.db')
  const served = openSqliteStore(elsewhere)
  // Somebody moves the file away from a running server.
  for (const end of ['', '-wal', '-shm']) execFileSync('rm', [elsewhere + end])
  t.match(await run(env, 'restore', file, '--to', elsewhere), { code: 1, err: /is in use by another process/ })
  t.notOk(existsSync(elsewhere))
  await served.close()
})

tap.test('an incomplete store is refused with the reason, and nothing is left behind', async t => {
  const { folder, file, env } = await smallStore(t, 400)
  await run(env, 'backup', file)
  const target = join(folder, 'target.db')
  async function refused(name: string, reason: RegExp, make: (copy: string) => void) {
    const copy = join(folder, name)
    execFileSync('cp', [file, copy])
    make(copy)
    const { code, err } = await run(env, 'restore', copy, '--to', target)
    t.match({ code, err }, { code: 1, err: reason }, name)
    t.same(leftOf(target), ['target.db.lock'], 'nothing is left of it')
  }
  const change = (sql: string) => (copy: string) => {
    const db = new DatabaseSync(copy, { defensive: false } as object)
    db.exec(sql)
    db.close()
  }
  const { size } = statSync(file)
  await refused('short.db', /could not create .*target.db: .*(malformed|damaged)/, copy =>
    execFileSync('truncate', ['-s', `${size - 20_000}`, copy]),
  )
  await refused('text.db', /the copy of .*text.db|file is not a database/, copy =>
    writeFileSync(copy, 'a text '.repeat(1_000)),
  )
  await refused('empty.db', /the copy of .*empty.db is empty/, copy => execFileSync('truncate', ['-s', '0', copy]))
  await refused('foreign.db', /is another program's database/, change('PRAGMA application_id = 1'))
  await refused('newer.db', /has schema version 99/, makeNewer)
  // Each page is well-formed, but not the whole.
  const lost = "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'history_seq'"
  await refused('index.db', /the copy of .*index.db is damaged: .*never used/s, change(lost))
  await refused('hole.db', /malformed|damaged/, copy => {
    const fd = openSync(copy, 'r+')
    writeSync(fd, Buffer.alloc(8_192 * 3, 0xff), 0, 8_192 * 3, 8_192 * 4)
    closeSync(fd)
  })
  t.match(await run(env, 'restore', join(folder, 'none.db')), { code: 1, err: /none.db does not exist$/ })
})

tap.test('a foreign or damaged store is not backed up', async t => {
  const { file, store, env } = await smallStore(t)
  t.match(await run({ DATABASE_URL: `${store}.none` }, 'backup', file), { code: 1, err: /there is nothing to back up/ })
  const db = new DatabaseSync(store)
  db.exec('PRAGMA application_id = 1')
  db.close()
  t.match(await run(env, 'backup', file), {
    code: 1,
    err: /could not create .*backup.db: .*another program's database/,
  })
  t.same(leftOf(file), [])
  t.match(
    await run(env, 'backup', join(store, 'x')),
    { code: 1, err: /could not create .*: E/ },
    'a folder that is none',
  )
})

tap.test('a full disk leaves no partial file', async t => {
  const { file, env } = await smallStore(t, 2_000)
  // In blocks of 512 bytes: SQLite gets EFBIG, as it gets ENOSPC from a full disk.
  const failed = await cli(env, ['backup', file], { shell: 'ulimit -f 200 && exec' })
  t.match(failed, { code: 1, out: '', err: /^backup: could not create .*backup.db: .*(full|disk I\/O error)/ })
  t.same(leftOf(file), [])
  t.match(await run(env, 'backup', file), { code: 0 })
  const target = `${file}.restored`
  const half = await cli(env, ['restore', file, '--to', target], { shell: 'ulimit -f 200 && exec' })
  t.match(half, { code: 1, out: '', err: /^restore: could not create .*: EFBIG/ })
  t.same(leftOf(target), ['backup.db.restored.lock'])
})

tap.test('for PostgreSQL the error names pg_dump and pg_restore', async t => {
  const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
  const err = /use pg_dump and pg_restore for PostgreSQL/
  t.match(await run(env, 'backup', 'x.db'), { code: 1, err })
  t.match(await run(env, 'restore', 'x.db'), { code: 1, err })
  t.notOk(existsSync('x.db'))
})

tap.test('a store of an older version is restored, and upgraded by the server', async t => {
  const { file, folder, env } = await smallStore(t)
  await run(env, 'backup', file)
  makeOlder(file, 1)
  const target = join(folder, 'old.db')
  t.match(await run(env, 'restore', file, '--to', target), { code: 0 })
  const app = await buildServer({ env: { LOG_LEVEL: 'silent', DATABASE_URL: target } })
  t.equal((await app.webhooks.inbox.list()).length, 3)
  await app.close()
})
