import { existsSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import { openSqliteCalendar } from '../../../calendar/sqlite.ts'
import type { TakenDelivery } from '../../../inbox/contracts.ts'
import { emptyLog, eraseRemains } from '../../../inbox/sqlite/scrub.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../../../inbox/sqlite/store.ts'
import { delivery } from '../../helpers/inbox.ts'
import { captureLog } from '../../helpers/log.ts'
import { makeOlder } from '../../helpers/older-store.ts'

const SECRET = 'Zebrafink-4711'

/** How often the text occurs in the bytes of a store's files. */
function hits(file: string): number {
  return ['', '-wal', '-journal']
    .map(end => file + end)
    .filter(path => existsSync(path))
    .map(path => readFileSync(path, 'latin1').split(SECRET).length - 1)
    .reduce((sum, count) => sum + count, 0)
}

/** A store that mentions a person: in payloads short and long, in errors, in the history, and in a lesson. */
async function storeOf(t: Test) {
  const file = join(t.testdir(), 'webhooks.db')
  const store = openSqliteStore(file)
  const ids: string[] = []
  for (let n = 0; n < 120; n++) {
    const payload = { text: `${SECRET} ${n} `.repeat(n % 40 === 0 ? 20_000 : 1 + (n % 90)) }
    const one = delivery(`key ${n}`, { orderingKey: `box ${n % 7}`, payload })
    ids.push(one.id)
    await store.insert(one, false)
    if (n % 3 === 0) await store.insert(delivery(`other ${n}`), false)
    if (n % 2 === 0) continue
    const taken = (await store.take(one.orderingKey, 0)) as TakenDelivery
    const error = `Error: ${SECRET} was refused `.repeat(10)
    await store.settle(taken, n % 4 === 1 ? { state: 'done' } : { state: 'dead', error }, 1)
  }
  await store.discard(ids[3] as string, `${SECRET} said so`, 2)
  return { file, store, ids }
}

tap.test('no byte of forgotten data is left, during and after the server’s run', async t => {
  const { file, store, ids } = await storeOf(t)
  t.ok(hits(file) > 100, 'it was there')
  t.ok((await store.forget(ids, 5)) > 100)
  t.equal(hits(file), 0, 'while it runs')
  t.equal(await store.forget(ids, 6), 0, 'there is nothing more to forget')
  await store.insert(delivery('later'), false)
  await store.close()
  t.equal(hits(file), 0, 'after it')
})

tap.test('forgetting by command while the server runs leaves no byte either, nor of lessons', async t => {
  const { file, store, ids } = await storeOf(t)
  const calendar = openSqliteCalendar(file, { now: () => 0 })
  const lesson = {
    order: 'o',
    student: SECRET,
    service: 's',
    payment: 'p',
    conversation: '7',
    start: 1_000,
    end: 2_000,
  }
  await calendar.book(lesson, new AbortController().signal)
  t.ok(hits(file) > 100)
  const beside = openSqliteStoreForCommand(file)
  await beside.forget(ids, 5)
  await calendar.eraseStudent(['7'])
  t.equal(hits(file), 0)
  await beside.close()
  await store.close()
  calendar.close()
  t.equal(hits(file), 0)
})

tap.test('forgetting waits for a blocking reader; commits do not', async t => {
  const { file, store, ids } = await storeOf(t)
  const reader = new DatabaseSync(file)
  reader.exec('BEGIN; SELECT count(*) FROM delivery')
  reader.prepare('SELECT count(*) FROM delivery').get()
  let ended = false
  const forgotten = store.forget(ids, 5).then(() => {
    ended = true
  })
  for (let n = 0; n < 20; n++) await store.insert(delivery(`meanwhile ${n}`), false)
  t.equal(ended, false)
  t.ok(hits(file) > 0, 'the reader still sees it')
  reader.exec('COMMIT')
  reader.close()
  await forgotten
  t.equal(hits(file), 0)
  await store.close()
})

tap.test('a reader that does not end: forgetting reports what is left to do', async t => {
  const { file, store } = await storeOf(t)
  const reader = new DatabaseSync(file)
  t.teardown(() => reader.close())
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM delivery').get()
  await store.insert(delivery('new'), false)
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  await t.rejects(emptyLog(db, 100), { message: /bytes stay in the -wal file while another process reads/ })
  t.equal((db.prepare('PRAGMA busy_timeout').get() as { timeout: number }).timeout, 0, 'as it was')
  await store.close()
})

tap.test('leftovers of earlier versions are erased once, at the start', async t => {
  const { file, store, ids } = await storeOf(t)
  await store.close()
  // As an earlier version does.
  const db = new DatabaseSync(file)
  db.exec('PRAGMA secure_delete = OFF; DELETE FROM body; UPDATE history SET detail = NULL')
  db.exec('UPDATE delivery SET error = NULL; DROP TABLE slot'.split(';')[0] as string)
  db.close()
  makeOlder(file, 2)
  t.ok(hits(file) > 0, `${hits(file)} left`)
  const log = captureLog()
  const lines: string[] = []
  const say = (_fields: unknown, message: string) => lines.push(message)
  const again = openSqliteStore(file, { log: { info: say, warn: say, error: say } as never })
  t.equal(hits(file), 0)
  t.match(lines, ['rewriting the file once, without what earlier versions deleted'])
  t.equal((await again.list({}, 1_000)).length, ids.length + 40)
  await again.close()
  await openSqliteStore(file, { log: { info: say, warn: say, error: say } as never }).close()
  t.equal(lines.length, 1, 'once')
  t.same(log.lines, [])
})

tap.test('another writer that does not end: forgetting reports that the file is not rewritten', async t => {
  const { file, store, ids } = await storeOf(t)
  await store.forget(ids, 5)
  const writer = new DatabaseSync(file)
  t.teardown(() => writer.close())
  writer.exec('BEGIN IMMEDIATE')
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  await t.rejects(eraseRemains(db, 100), {
    name: 'TransientError',
    message: /bytes may stay in the file: it can't be rewritten \(database is locked\); forget them again$/,
  })
  writer.exec('COMMIT')
  await eraseRemains(db)
  await store.close()
})

tap.test('a file too large to be rewritten when somebody is forgotten: the log is emptied', async t => {
  const { file, store, ids } = await storeOf(t)
  await store.forget(ids, 5)
  const pages = () => db.prepare('PRAGMA page_count').get()?.page_count as number
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  db.exec('DELETE FROM body; DELETE FROM delivery')
  const before = pages()
  truncateSync(file, 257 * 2 ** 20)
  await eraseRemains(db)
  t.equal(pages(), before, 'it is as large as it was')
  t.equal(readFileSync(`${file}-wal`).length, 0)
  await store.close()
})

tap.test('a file too large to be rewritten at the start is reported and left alone', async t => {
  const { file, store } = await storeOf(t)
  await store.close()
  makeOlder(file, 2)
  truncateSync(file, 257 * 2 ** 20)
  const lines: string[] = []
  const say = (_fields: unknown, message: string) => lines.push(message)
  await openSqliteStore(file, { log: { info: say, warn: say, error: say } as never }).close()
  t.match(lines, [/too large to be rewritten at the start.*restore a backup/])
  await openSqliteStore(file).close()
})

tap.test('a file that can’t be rewritten is reported and still used', async t => {
  const { file, store } = await storeOf(t)
  await store.close()
  const db = new DatabaseSync(file)
  db.exec(`DELETE FROM about WHERE name = 'nothing_left_since';
    CREATE TRIGGER fails BEFORE INSERT ON about WHEN NEW.name = 'nothing_left_since'
      BEGIN SELECT RAISE(ABORT, 'no room'); END`)
  db.close()
  const lines: string[] = []
  const say = (_fields: unknown, message: string) => lines.push(message)
  const opened = openSqliteStore(file, { log: { info: say, warn: say, error: say } as never })
  await opened.checkWritable()
  await opened.close()
  t.match(lines, [/rewriting the file once/, /could not rewrite the file, will retry at the next start/])
})
