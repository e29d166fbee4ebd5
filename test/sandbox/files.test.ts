import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { StoreOpenError } from '../../inbox/errors.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { sandboxFiles, takeFiles } from '../../sandbox/files.ts'
import { findRun, removeRun, writeRun } from '../../sandbox/run-file.ts'
import { delivery } from '../helpers/inbox.ts'

t.test('beside the server’s file, and never that file', async t => {
  t.same(sandboxFiles('data/webhooks.db'), { store: 'data/sandbox.db', run: 'data/sandbox.json' })
  t.same(sandboxFiles('webhooks.db'), { store: 'sandbox.db', run: 'sandbox.json' })
  t.same(sandboxFiles('postgres://db/x'), { store: 'data/sandbox.db', run: 'data/sandbox.json' })
  t.throws(() => sandboxFiles('./data/../data/sandbox.db'), {
    name: 'StoreOpenError',
    message: './data/../data/sandbox.db is a file that the sandbox begins anew at each start; give another name',
  })
})

t.test('its store is begun anew, unless somebody has it', async t => {
  const files = sandboxFiles(join(t.testdir(), 'webhooks.db'))
  const before = openSqliteStore(files.store)
  await before.insert(delivery('a'), false)
  t.throws(
    () => takeFiles(files),
    new StoreOpenError(`${files.store} is in use by another process; stop that one, or give another file`),
  )
  t.equal((await before.list({}, 10)).length, 1, 'the service of one that was killed still has it')
  await before.close()

  const { release } = takeFiles(files)
  t.notOk(existsSync(files.store))
  t.throws(
    () => takeFiles(files),
    new StoreOpenError(`${files.run} is in use by another process; stop that one, or give another file`),
  )
  release()
  takeFiles(files).release()
})

t.test('a file that is no store is left alone', async t => {
  const folder = t.testdir({ 'sandbox.db': 'a diary, of more than a few bytes: '.repeat(200) })
  const files = sandboxFiles(join(folder, 'webhooks.db'))
  t.throws(() => takeFiles(files), {
    name: 'StoreOpenError',
    message: /sandbox\.db is no store of a sandbox \(.+\); move it away$/,
  })
  t.match(readFileSync(files.store, 'utf8'), /^a diary/)
})

t.test('what other commands need, for the owner alone', async t => {
  const where = join(t.testdir(), 'webhooks.db')
  const { run: file } = sandboxFiles(where)
  t.equal(findRun(where), undefined)
  const run = { pid: process.pid, url: 'http://127.0.0.1:3000', offsetMs: 0, env: { CW_HMAC_SECRET: 's' } }
  writeRun(file, run)
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.same(findRun(where), run)
  chmodSync(file, 0o644)
  writeRun(file, { ...run, offsetMs: 5 })
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.match(findRun(where), { offsetMs: 5 })
  // No process has this number.
  writeRun(file, { ...run, pid: 2 ** 30 })
  t.equal(findRun(where), undefined, 'of one that was killed')
  writeFileSync(file, '{')
  t.equal(findRun(where), undefined)
  removeRun(file)
  removeRun(file)
  t.notOk(existsSync(file))
})
