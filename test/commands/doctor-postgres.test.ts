import { pino } from 'pino'
import tap from 'tap'
import type { Check } from '../../commands/check.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { runJson } from '../helpers/cli.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

const safe = await postgresServer('', [])
const passing = await postgresServer('', ['fsync=off', 'full_page_writes=off'])
tap.teardown(() => Promise.all([safe.close(), passing.close()]))

/** What doctor reports about the store in a database, except what is ok. */
async function examine(url: string): Promise<string[]> {
  const { result } = await runJson<Check[]>({ DATABASE_URL: url }, 'doctor', '--url', 'http://127.0.0.1:1')
  return result
    .filter(({ what, state }) => what === 'store' && state !== 'ok')
    .map(({ state, says }) => `${state} ${says}`)
}

tap.test('a database with and without a store', async t => {
  const url = await safe.database()
  t.match(await examine(url), [/^warn postgres:.*there is no schema tutorbot_webhooks yet: the server makes it/])
  t.match(await examine(url), [/^warn postgres:/], 'looking has made none')
  await (await openPostgresStore(url, pino({ level: 'silent' }))).close()
  t.same(await examine(url), [])
  await safe.query(url, 'UPDATE tutorbot_webhooks.version SET version = 99')
  t.match(await examine(url), [/^wrong the schema tutorbot_webhooks has version 99/])
})

tap.test('settings that endanger acknowledged deliveries or are unsupported', async t => {
  const url = await passing.database()
  const name = new URL(url).pathname.slice(1)
  await passing.query(url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
  await passing.query(url, `ALTER DATABASE ${name} SET default_transaction_isolation = 'serializable'`)
  t.match(await examine(url), [
    /no schema/,
    /^wrong fsync is off: .* set fsync = on/,
    /^warn full_page_writes is off: .* set full_page_writes = on/,
    /^warn synchronous_commit is off by default here: this program turns it on/,
    /^warn default_transaction_isolation is serializable: this program asks for read committed/,
  ])
})
