import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import { StoreOpenError } from '../../../plugins/inbox/errors.ts'
import { openSqliteStore } from '../../../plugins/inbox/sqlite-store.ts'
import { delivery } from '../../helpers/inbox.ts'
import { storeConformance } from '../../helpers/store-conformance.ts'

const fileOf = (t: Test) => join(t.testdir(), 'webhooks.db')

tap.test('fulfils the contract of stores', async t => {
  await storeConformance(t, async t => {
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
  })
})

tap.test('what is due is known, and known again after a restart', async t => {
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

tap.test('a commit that fails is no success for any of it, and the store goes on', async t => {
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

tap.test('one process at a time, by whatever path', async t => {
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

tap.test('what cannot be a store is refused with the reason, and left as it is', async t => {
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
  const db = new DatabaseSync(newer)
  db.exec('PRAGMA user_version = 99')
  db.close()
  refused(newer, /schema version 99, this program knows 1/)

  mkdirSync(join(folder, 'a folder'))
  refused(join(folder, 'a folder'), /can't be opened as a store/)
  writeFileSync(join(folder, 'empty.db'), '')
  await openSqliteStore(join(folder, 'empty.db')).close()
})

tap.test('closing commits what waits; a damaged store is refused, and can be opened once it is mended', async t => {
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
  t.equal(statSync(file).mode & 0o777, 0o600, 'for nobody else to read')
})
