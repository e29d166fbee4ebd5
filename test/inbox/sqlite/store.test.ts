import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import type { Commit, TakenDelivery } from '../../../inbox/contracts.ts'
import { PermanentError, StoreOpenError } from '../../../inbox/errors.ts'
import { markRestored } from '../../../inbox/sqlite/file.ts'
import { openSqliteReader } from '../../../inbox/sqlite/reader.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../../../inbox/sqlite/store.ts'
import { delivery, gate, startInbox } from '../../helpers/inbox.ts'
import { makeNewer, makeOlder } from '../../helpers/older-store.ts'
import { failsAlone, storeConformance } from '../../helpers/store-conformance.ts'
import { quietConformance } from '../../helpers/store-conformance-quiet.ts'

const fileOf = (t: Test) => join(t.testdir(), 'webhooks.db')

async function open(t: Test) {
  const file = fileOf(t)
  let store = openSqliteStore(file)
  t.teardown(() => store.close().catch(() => {}))
  return {
    store,
    async reopen() {
      await store.close()
      store = openSqliteStore(file)
      return store
    },
  }
}

tap.test('fulfils the store contract', t => storeConformance(t, open))
tap.test('fulfils the store contract for what waits for quiet', t => quietConformance(t, open))
tap.test('a failing operation is rejected alone', t => failsAlone(t, open))

tap.test('a replay job of a backup does not go on where it is restored', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  await store.insert(delivery('a', { unreadable: 'x' }), false)
  const wish = { cause: 'Unreadable:ours', perMinute: 60, pauseAfter: 5 }
  t.match(await store.startReplayJob(wish, 1), { state: 'running' })
  await store.close()
  markRestored(file, 7)
  const restored = openSqliteStore(file)
  t.match(await restored.replayJob(), { state: 'stopped', endedAt: 7, underWay: 0 })
  t.same(await restored.stepReplayJob(8), { orderingKeys: [], nextMs: null, turned: null })
  t.match(await restored.startReplayJob(wish, 8), { number: 2 })
  await restored.close()
})

tap.test('a command finds nothing scheduled or quarantined in a file of before, and changes nothing in it', async t => {
  const file = fileOf(t)
  await openSqliteStore(file).close()
  const tables = (drop = '') => {
    const db = new DatabaseSync(file)
    db.exec(drop)
    const found = db
      .prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%scheduled%' OR name LIKE '%quarantine%'")
      .all()
    db.close()
    return found
  }
  t.same(tables('DROP TABLE scheduled; DROP TABLE quarantine'), [])
  const command = openSqliteStoreForCommand(file)
  t.same(await command.list({ state: 'scheduled' }, 10), [])
  t.same(await command.list({ state: 'quarantined' }, 10), [])
  t.same(await command.quarantine.size(), { deliveries: 0, bytes: 0, asked: 0 })
  t.same(await command.replay([delivery('a').id], 1), [])
  t.equal(await command.forget([delivery('a').id], 1), 0)
  await t.rejects(command.schedule(delivery('a'), 5), {
    name: 'StoreOpenError',
    message: /nothing can be scheduled yet/,
  })
  await command.close()
  const reader = openSqliteReader(file)
  t.same([...reader.scheduled()], [])
  t.equal(reader.quarantined(), 0)
  reader.close()
  t.same(tables(), [])
  const server = openSqliteStore(file)
  t.equal(await server.schedule(delivery('a'), 5), 'scheduled')
  await server.close()
})

tap.test('due deliveries are known, also after a restart', async t => {
  const file = fileOf(t)
  let store = openSqliteStore(file)
  const settleFirst = async (orderingKey: string, outcome: Parameters<typeof store.settle>[1]) => {
    const taken = await store.take(orderingKey, 0)
    if (taken) await store.settle(taken, outcome, 0)
  }
  await store.insert(delivery('now', { orderingKey: 'now' }), false)
  await store.insert(delivery('retry', { orderingKey: 'retry' }), false)
  await store.insert(delivery('behind', { orderingKey: 'retry' }), false)
  await settleFirst('retry', { state: 'pending', error: 'E', nextAttemptAt: 100 })
  await store.insert(delivery('parked', { orderingKey: 'parked' }), false)
  await settleFirst('parked', { state: 'parked', error: 'E', nextAttemptAt: 50 })
  await store.insert(delivery('claimed', { orderingKey: 'claimed' }), true)

  t.same(await store.dueMailboxes(0, 10), ['now'])
  t.equal(await store.nextDueAt(0), 50)
  t.same(await store.dueMailboxes(60, 10), ['now', 'parked'])
  t.same(await store.dueMailboxes(60, 1), ['now'])
  t.equal(await store.nextDueAt(60), 100)
  t.equal(await store.take('retry', 60), null)
  t.equal(await store.nextDueAt(60), 100, 'taking too early does not forget it')

  await store.close()
  store = openSqliteStore(file)
  t.teardown(() => store.close())
  t.same((await store.dueMailboxes(0, 10)).sort(), ['claimed', 'now'], 'a claim dies with its process')
  t.equal(await store.nextDueAt(0), 50)
  t.equal(await store.nextDueAt(100), null)
})

tap.test('a failed commit succeeds for none of its operations, and the store continues', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  t.teardown(() => store.close())
  // Another program on the file that drops a table from under us: the whole commit must fail.
  const other = new DatabaseSync(file)
  other.exec('ALTER TABLE body RENAME TO hidden')
  const results = await Promise.allSettled(['a', 'b'].map(key => store.insert(delivery(key), false)))
  t.same(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  other.exec('ALTER TABLE hidden RENAME TO body')
  other.close()
  t.equal(await store.insert(delivery('a'), false), 'queued', 'nothing of it was kept')
})

tap.test('one process at a time, by any path', async t => {
  const folder = t.testdir({ real: {} })
  const file = join(folder, 'real', 'webhooks.db')
  const store = openSqliteStore(file)
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  symlinkSync(file, join(folder, 'alias.db'))
  for (const path of [file, join(folder, 'link', 'webhooks.db'), join(folder, 'alias.db')]) {
    t.throws(() => openSqliteStore(path), { name: 'StoreOpenError', message: `${path} is in use by another process` })
  }
  await store.close()
  const again = openSqliteStore(join(folder, 'alias.db'))
  await again.close()
})

tap.test('a file that can’t be a store is refused with the reason and left alone', async t => {
  const folder = t.testdir({ 'text.db': 'this is a text, and not a database at all'.repeat(100), file: '' })
  const refused = (path: string, message: RegExp) =>
    t.throws(() => openSqliteStore(path), { constructor: StoreOpenError, message })
  refused(join(folder, 'text.db'), /text\.db can't be opened as a store \(file is not a database\)/)
  refused(join(folder, 'file', 'webhooks.db'), /can't be written .*writable folder/)

  const foreign = join(folder, 'foreign.db')
  const other = new DatabaseSync(foreign)
  other.exec('CREATE TABLE mine (a); INSERT INTO mine VALUES (1)')
  refused(foreign, /another program's database/)
  t.same(other.prepare('SELECT name FROM sqlite_schema').all(), [{ name: 'mine' }])
  other.close()

  const newer = join(folder, 'newer.db')
  await openSqliteStore(newer).close()
  makeNewer(newer)
  refused(newer, /schema version 99, this program knows 5/)

  mkdirSync(join(folder, 'a folder'))
  refused(join(folder, 'a folder'), /can't be opened as a store/)
  writeFileSync(join(folder, 'empty.db'), '')
  await openSqliteStore(join(folder, 'empty.db')).close()
})

tap.test('closing commits what waits; a damaged store is refused, and opens once it is repaired', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  const inserted = store.insert(delivery('last'), false)
  await store.close()
  t.equal(await inserted, 'queued')

  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  other.exec('ALTER TABLE step RENAME TO hidden')
  t.throws(() => openSqliteStore(file), { name: 'StoreOpenError', message: /no such table/ })
  other.exec('ALTER TABLE hidden RENAME TO step')
  const again = openSqliteStore(file)
  t.equal(await again.insert(delivery('last'), false), 'duplicate')
  await again.close()
  t.equal(statSync(file).mode & 0o777, 0o600, 'only its owner can read it')
})

tap.test('stores of older versions are upgraded and keep their data', async t => {
  for (const version of [1, 2]) {
    const file = join(t.testdir(), `${version}.db`)
    const store = openSqliteStore(file)
    await store.insert(delivery('kept'), false)
    await store.close()
    makeOlder(file, version)
    const again = openSqliteStore(file)
    t.teardown(() => again.close())
    t.equal(await again.insert(delivery('kept'), false), 'duplicate')
    t.same(await again.history(delivery('kept').id), [])
    t.match(await again.installationId(), /^[0-9a-f-]{36}$/)
  }
})

tap.test('a command opens it while the server runs, which notices the changes', async t => {
  const file = fileOf(t)
  t.throws(() => openSqliteStoreForCommand(file), { name: 'StoreOpenError', message: /does not exist/ })
  const { app, inbox } = await startInbox(t, { store: file })
  const handled = gate<string>()
  let fixed = false
  inbox.handle('test', 'ping', ({ key }) => {
    if (!fixed) throw new PermanentError('no')
    handled.open(key)
  })
  await app.ready()
  await inbox.accept(delivery('a', { orderingKey: 'box' }), 1)
  const aside = openSqliteStoreForCommand(file)
  t.teardown(() => aside.close())
  const { id } = delivery('a')
  while ((await aside.get(id))?.state !== 'dead') await new Promise(resolve => setImmediate(resolve))
  fixed = true
  t.same(await aside.replay([id], Date.now()), ['box'])
  t.equal(await handled.opened, 'a')
})

tap.test('a file that is no complete store can’t be opened by a command either', async t => {
  const file = fileOf(t)
  writeFileSync(file, 'no database at all, though long enough to be one'.repeat(100))
  t.throws(() => openSqliteStoreForCommand(file), { name: 'StoreOpenError', message: /can't be opened as a store/ })
  rmSync(file)
  await openSqliteStore(file).close()
  const db = new DatabaseSync(file)
  db.exec('DROP TABLE delivery')
  db.close()
  t.throws(() => openSqliteStoreForCommand(file), {
    name: 'StoreOpenError',
    message: /can't be opened as a store.*delivery/,
  })
})

tap.test('while the server runs, commands only prune keys that it doesn’t have in memory', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  await store.insert(delivery('a', { orderingKey: 'box' }), false)
  await store.settle((await store.take('box', 0)) as TakenDelivery, { state: 'done' }, 1)
  const aside = openSqliteStoreForCommand(file)
  const before = { payloadsBefore: 100, keysBefore: 100 }
  t.equal(await aside.prune(before, 0, 10), 1)
  t.equal(await aside.prune(before, 1, 10), null)
  t.match(await aside.get(delivery('a').id), { payload: null })
  await aside.insert(delivery('later', { receivedAt: 500 }), false)
  t.equal(await aside.prune(before, 0, 10), 2, 'whatever the time of the last one')
  await aside.close()
  t.equal(await store.insert(delivery('a'), false), 'duplicate')
  await store.close()
})

tap.test('it reports every commit', async t => {
  const commits: Commit[] = []
  const store = openSqliteStore(fileOf(t), { onCommit: commit => commits.push(commit) })
  await Promise.all([store.insert(delivery('a'), false), store.insert(delivery('b'), false)])
  await t.rejects(store.insert(delivery('bad', { receivedAt: 'x' as unknown as number }), false))
  t.match(commits, [
    { operations: 2, ok: true, ms: Number },
    { operations: 1, ok: false, ms: Number },
  ])
  await store.close()
})

tap.test('that a step has failed is forgotten after three months', async t => {
  const { store, reopen } = await open(t)
  for (const [key, days] of [
    ['lately', 89],
    ['long ago', 91],
  ] as const) {
    await store.claimStep(key, 0)
    await store.releaseStep(key, Date.now() - days * 24 * 60 * 60 * 1_000)
  }
  const again = await reopen()
  t.equal(await again.claimStep('lately', 0), 'again')
  t.equal(await again.claimStep('long ago', 0), 'first')
})
