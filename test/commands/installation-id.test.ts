import { join } from 'node:path'
import { pino } from 'pino'
import tap from 'tap'
import type { Check } from '../../commands/check.ts'
import { migrateStore } from '../../commands/migrate-store.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { openSqliteStore, openSqliteStoreForCommand } from '../../inbox/sqlite/store.ts'
import { run, runJson } from '../helpers/cli.ts'
import { startInbox } from '../helpers/inbox.ts'
import { makeOlder } from '../helpers/older-store.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

const RESTORED = /restored from a backup at .*doctor --new-installation-id here.*doctor --keep-installation-id/

async function idOf(file: string): Promise<string> {
  const store = openSqliteStoreForCommand(file)
  const id = await store.installationId()
  await store.close()
  return id
}

tap.test('a backup has the store’s installation id; doctor asks about it after a restore', async t => {
  const folder = t.testdir()
  const original = join(folder, 'webhooks.db')
  const { inbox } = await startInbox(t, { store: original })
  const id = await inbox.installationId()
  const [backup, copy] = [join(folder, 'backup.db'), join(folder, 'copy.db')]
  await run({ DATABASE_URL: original }, 'backup', backup)
  t.match(await run({ DATABASE_URL: copy }, 'restore', backup), { code: 0 })
  t.equal(await idOf(copy), id)

  const ofStore = async (file: string, ...args: string[]) => {
    const { result } = await runJson<Check[]>({ DATABASE_URL: file }, 'doctor', '--url', 'http://127.0.0.1:1', ...args)
    return result.filter(({ what }) => what === 'store').map(({ state, says }) => `${state} ${says}`)
  }
  t.notMatch((await ofStore(original)).join('\n'), RESTORED)
  t.match((await ofStore(original)).join('\n'), `installation id: ${id}`)
  t.match((await ofStore(copy)).join('\n'), RESTORED)
  t.equal(await idOf(copy), id, 'looking decides nothing')

  t.notMatch((await ofStore(copy, '--keep-installation-id')).join('\n'), RESTORED)
  t.equal(await idOf(copy), id)
  t.notMatch((await ofStore(copy)).join('\n'), RESTORED, 'once is enough')

  const second = join(folder, 'second.db')
  await run({ DATABASE_URL: second }, 'restore', backup)
  t.notMatch((await ofStore(second, '--new-installation-id')).join('\n'), RESTORED)
  const given = await idOf(second)
  t.match(given, /^[0-9a-f-]{36}$/)
  t.not(given, id)
  t.match(await run({ DATABASE_URL: second }, 'doctor', '--new-installation-id', '--keep-installation-id'), {
    code: 2,
    err: /give either --new-installation-id or/,
  })
  t.equal(await idOf(second), given)
  t.equal(await inbox.installationId(), id, 'the original keeps its own')
})

tap.test('a restored store of an older version gets a new id from the server', async t => {
  const folder = t.testdir()
  const backup = join(folder, 'backup.db')
  await openSqliteStore(backup).close()
  const before = await idOf(backup)
  makeOlder(backup, 2)
  const restored = join(folder, 'restored.db')
  t.match(await run({ DATABASE_URL: restored }, 'restore', backup), { code: 0 })
  await openSqliteStore(restored).close()
  t.not(await idOf(restored), before)
})

tap.test('a store moved to PostgreSQL keeps its id until it is changed there', async t => {
  const server = await postgresServer()
  t.teardown(() => server.close())
  const url = await server.database()
  const file = join(t.testdir(), 'webhooks.db')
  await openSqliteStore(file).close()
  const migrate = () => migrateStore({ from: file, to: url, print: () => {} })
  const idThere = async () => {
    const store = await openPostgresStore(url, pino({ level: 'silent' }), { waits: false })
    const id = await store.installationId()
    await store.close()
    return id
  }
  // Created by a version without ids.
  await idThere()
  await server.query(
    url,
    'DROP TABLE tutorbot_webhooks.installation; ALTER TABLE tutorbot_webhooks.version DROP COLUMN revision',
  )
  await migrate()
  t.equal(await idThere(), await idOf(file))
  await runJson({ DATABASE_URL: url }, 'doctor', '--url', 'http://127.0.0.1:1', '--new-installation-id')
  const decided = await idThere()
  t.not(decided, await idOf(file))
  await migrate()
  t.equal(await idThere(), decided)
})
