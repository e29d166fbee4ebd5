import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import tap, { type Test } from 'tap'
import type { Commit } from '../../../inbox/contracts.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../../../inbox/sqlite/store.ts'
import healthRoutes from '../../../routes/health.ts'
import { delivery, startInbox } from '../../helpers/inbox.ts'

const fileOf = (t: Test) => join(t.testdir(), 'webhooks.db')

/** Another program that holds the file's write lock. */
function lockOf(t: Test, file: string) {
  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  return { release: () => other.exec('COMMIT') }
}

tap.test('while another process has the lock, operations wait in order, and the event loop is free', async t => {
  const store = openSqliteStore(fileOf(t))
  t.teardown(() => store.close())
  const lock = lockOf(t, join(t.testdirName, 'webhooks.db'))
  const results: string[] = []
  const note = (name: string) => () => results.push(name)
  const first = ['a', 'b'].map(key => store.insert(delivery(key, { orderingKey: 'box' }), false).then(note(key)))
  let turns = 0
  while (turns < 10) {
    await delay(10)
    turns++
  }
  t.same(results, [])
  t.equal((await store.list({}, 10)).length, 0, 'reads do not wait')
  const later = store.insert(delivery('c', { orderingKey: 'box' }), false).then(note('c'))
  lock.release()
  await Promise.all([...first, later])
  t.same(results, ['a', 'b', 'c'])
  t.same(
    (await store.list({}, 10)).map(({ key }) => key),
    ['a', 'b', 'c'],
  )
})

tap.test('/ready reports a locked file within seconds; everything continues once it is unlocked', async t => {
  const { app, inbox, store } = await startInbox(t)
  await app.register(healthRoutes)
  await app.ready()
  const lock = lockOf(t, store)
  const accepted = inbox.accept(delivery('a'), 1)
  const answer = await app.inject('/ready')
  t.equal(answer.statusCode, 503)
  lock.release()
  t.equal(await accepted, 'accepted')
  t.equal((await app.inject('/ready')).statusCode, 200)
})

tap.test('closing waits for a lock for a limited time', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  const lock = lockOf(t, file)
  const inserted = store.insert(delivery('a'), false)
  const closed = store.close()
  await delay(100)
  lock.release()
  await closed
  t.equal(await inserted, 'queued')

  const again = openSqliteStore(file)
  const stays = lockOf(t, file)
  const refused = t.rejects(again.insert(delivery('b'), false), { message: 'Another process has locked the store' })
  await again.close()
  await refused
  stays.release()
})

tap.test('a large forget is many small commits, between which the server can write', async t => {
  const file = fileOf(t)
  const commits: Commit[] = []
  const store = openSqliteStore(file, { onCommit: commit => commits.push(commit) })
  t.teardown(() => store.close())
  const long = { text: 'x'.repeat(200_000) }
  const ids = Array.from({ length: 200 }, (_, n) => delivery(`${n}`).id)
  for (const n of ids.keys()) await store.insert(delivery(`${n}`, { payload: long }), false)
  commits.length = 0
  t.equal(await store.forget(ids, 1), 200)
  t.equal(commits.length, 100, 'at most 512 KiB each')
})

tap.test('old payloads are pruned in small batches', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  t.teardown(() => store.close())
  const long = { text: 'x'.repeat(200_000) }
  for (let n = 0; n < 5; n++) {
    await store.insert(delivery(`${n}`, { orderingKey: 'box', payload: long }), false)
    const taken = await store.take('box', 1)
    if (taken) await store.settle(taken, { state: 'done' }, 1)
  }
  const before = { payloadsBefore: 10, keysBefore: 0 }
  t.equal(await store.prune(before, 0, 20), 2)
  t.equal(await store.prune(before, 2, 20), 4)
  t.equal(await store.prune(before, 4, 20), 5)
  t.equal(await store.prune(before, 5, 20), null)
  t.ok((await store.list({}, 10)).every(({ payload }) => payload === null))
})

tap.test('a server whose lock file was deleted stops storing once another has the store, and says so', async t => {
  const { app, inbox, log, store: file } = await startInbox(t)
  await app.register(healthRoutes)
  inbox.handle('test', 'ping', () => {})
  await app.ready()
  await inbox.accept(delivery('before'), 1)
  rmSync(`${file}.lock`)
  t.equal((await app.inject('/ready')).statusCode, 200, 'no other server has it yet')
  const second = openSqliteStore(file)
  t.teardown(() => second.close())
  t.equal(await second.insert(delivery('a'), false), 'queued')
  await t.rejects(inbox.accept(delivery('a'), 1), { message: /could not be stored/ })
  await t.rejects(inbox.accept(delivery('b'), 1), { message: /could not be stored/ })
  t.equal((await app.inject('/ready')).statusCode, 503)
  const said = log.lines.filter(({ msg }) =>
    /Another server has taken .*webhooks\.db over \(was .*\.lock deleted\?\)/.test(msg),
  )
  t.ok(said.length > 0)
  t.equal(await second.insert(delivery('a'), false), 'duplicate')
  t.equal(await second.insert(delivery('b'), false), 'queued')
  const beside = openSqliteStoreForCommand(file)
  await beside.checkWritable()
  await beside.close()
})
