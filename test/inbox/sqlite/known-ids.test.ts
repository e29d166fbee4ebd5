import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import { KNOWN_IDS_SCHEMA, KnownIds } from '../../../inbox/sqlite/known-ids.ts'
import { openSqliteStore, openSqliteStoreForCommand, type SqliteStore } from '../../../inbox/sqlite/store.ts'
import { delivery } from '../../helpers/inbox.ts'

const DAY = 24 * 60 * 60 * 1_000
/** More than are kept in memory. */
const MANY = 40_000
const fileOf = (t: Test) => join(t.testdir(), 'webhooks.db')

const given = (n: number) => delivery(`k${n}`, { orderingKey: `box${n % 5}`, payload: {} })

/** Inserts ids `from` to `to`, some hundred per commit; returns how many were new. */
async function insert(store: SqliteStore, from: number, to: number): Promise<number> {
  let fresh = 0
  for (let n = from; n < to; n += 500) {
    const batch = Array.from({ length: Math.min(500, to - n) }, (_, index) => store.insert(given(n + index), false))
    fresh += (await Promise.all(batch)).filter(result => result !== 'duplicate').length
  }
  return fresh
}

tap.test('more ids than fit in memory: all are known, across restarts and failed commits', async t => {
  const file = fileOf(t)
  let store = openSqliteStore(file)
  const reopen = async () => {
    await store.close()
    store = openSqliteStore(file)
  }
  t.teardown(() => store.close())
  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  const indexed = () => (other.prepare('SELECT count(*) AS count FROM known').get() as { count: number }).count

  t.equal(await insert(store, 0, 33_000), 33_000)
  const moved = indexed()
  t.ok(moved > 0 && moved < 33_000, 'some have been moved into the index')
  t.equal(await insert(store, 0, 33_000), 0, 'all are known')
  await reopen()
  t.equal(await insert(store, 0, 33_000), 0, 'even after a restart during the move')

  const full = indexed()
  other.exec('ALTER TABLE known RENAME TO hidden')
  const failed = await Promise.allSettled([insert(store, 33_000, 33_500)])
  t.equal(failed[0]?.status, 'rejected')
  other.exec('ALTER TABLE hidden RENAME TO known')
  t.equal(indexed(), full)

  t.equal(await insert(store, 33_000, MANY), MANY - 33_000)
  t.equal(await insert(store, 0, MANY), 0)
  t.equal((other.prepare('SELECT count(DISTINCT id) AS ids FROM delivery').get() as { ids: number }).ids, MANY)
  t.match(await store.get(given(0).id), { seq: 1 })
  t.match(await store.get(given(MANY - 1).id), { key: `k${MANY - 1}` })
})

/** Known ids on a table of deliveries of their own. */
function knownIds(t: Test) {
  const db = new DatabaseSync(':memory:')
  t.teardown(() => db.close())
  db.exec(`CREATE TABLE delivery (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL) STRICT; ${KNOWN_IDS_SCHEMA}`)
  const add = db.prepare('INSERT INTO delivery (id) VALUES (?)')
  const drop = db.prepare('DELETE FROM delivery WHERE id = ?')
  let known = new KnownIds(db)
  return {
    add: (id: string) => known.add(id, Number(add.run(id).lastInsertRowid)),
    remove(id: string) {
      drop.run(id)
      known.remove(id)
    },
    find: (id: string) => known.find(id),
    transaction(commits: boolean, run: () => void) {
      known.begin()
      db.exec('BEGIN')
      run()
      known.move()
      db.exec(commits ? 'COMMIT' : 'ROLLBACK')
      if (commits) known.committed()
      else known.undoTo(0)
    },
    reopen() {
      known = new KnownIds(db)
    },
    indexedTo: () => (db.prepare('SELECT min(seq) AS seq FROM indexed').get() as { seq: number }).seq,
  }
}

tap.test('known ids match the deliveries after any commit, rollback or forget', async t => {
  const ids = knownIds(t)
  const expected = new Map<string, true>()
  let seed = 1
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((seed / 2 ** 31) * below)
  }
  const idOf = (n: number) => given(n).id
  let count = 0
  let wrong = 0
  for (let round = 0; round < 400; round++) {
    const commits = random(4) > 0
    const adds = Array.from({ length: random(700) }, (_, n) => idOf(count + n))
    const removes = Array.from({ length: random(20) }, () => idOf(random(count + 1))).filter(id => expected.has(id))
    ids.transaction(commits, () => {
      for (const id of new Set(removes)) ids.remove(id)
      for (const id of adds) ids.add(id)
      // A forgotten one that is inserted again in the same commit.
      if (removes[0] !== undefined) ids.add(removes[0])
    })
    if (commits) {
      for (const id of removes.slice(1)) if (id !== removes[0]) expected.delete(id)
      for (const id of adds) expected.set(id, true)
      count += adds.length
    }
    if (random(40) === 0) ids.reopen()
    for (let n = 0; n < 200; n++) {
      const id = idOf(random(count + 1_000))
      if ((ids.find(id) !== undefined) !== expected.has(id)) wrong++
    }
  }
  t.equal(wrong, 0)
  t.ok(ids.indexedTo() > 0, 'whole rounds were moved')
  for (let n = 0; n < count; n++) if ((ids.find(idOf(n)) !== undefined) !== expected.has(idOf(n))) wrong++
  t.equal(wrong, 0)
})

tap.test('an id that is not a UUID works like any other', async t => {
  const ids = knownIds(t)
  t.equal(ids.find('what a person asks for'), undefined)
  t.equal(ids.find('-1'), undefined)
  ids.transaction(true, () => ids.add('zz'))
  t.equal(ids.find('zz'), 1)
  ids.transaction(false, () => ids.remove('zz'))
  t.equal(ids.find('zz'), 1)
  ids.transaction(true, () => ids.remove('zz'))
  t.equal(ids.find('zz'), undefined)
})

tap.test('an id is removed with its delivery, even in the commit that moves its chunk', async t => {
  const store = openSqliteStore(fileOf(t))
  t.teardown(() => store.close())
  t.equal(await store.insert(given(0), true), 'claimed')
  await store.settle({ ...given(0), attempts: 1, state: 'pending', crashed: false }, { state: 'done' }, 1)
  await insert(store, 1, 32_768)
  const again = await Promise.all([
    store.prune({ payloadsBefore: DAY, keysBefore: DAY }, 0, 1),
    ...Array.from({ length: 2_000 }, (_, n) => store.insert(given(32_768 + n), false)),
  ])
  t.equal(again[0], 1)
  await insert(store, 35_000, 60_000)
  t.equal(await store.insert(given(0), false), 'queued')
  t.equal(await store.get(given(40_000_000).id), null)
})

tap.test('ids are found by their beginning in memory and in the index, also by a command', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  const beside = openSqliteStoreForCommand(file)
  t.teardown(async () => {
    await beside.close()
    await store.close()
  })
  await insert(store, 0, MANY)
  const wrong: string[] = []
  for (const { id } of Array.from({ length: MANY / 100 }, (_, n) => given(n * 100))) {
    for (const each of [store, beside]) {
      const found = await each.idsBeginningWith(id.slice(0, 13), 5)
      if (found.length !== 1 || found[0] !== id) wrong.push(id)
    }
  }
  t.same(wrong, [])
})

tap.test('the log stays small, however many commits there are', async t => {
  const file = fileOf(t)
  const store = openSqliteStore(file)
  t.teardown(() => store.close())
  let most = 0
  for (let n = 0; n < 3_000; n++) {
    await store.insert(given(n), false)
    most = Math.max(most, statSync(`${file}-wal`).size)
  }
  t.ok(most < 64 * 1024 * 1024, `${most} bytes at most`)
})
