import pg from 'pg'
import tap from 'tap'
import { inTransactions } from '../../../inbox/postgres/boss.ts'
import { isItemError } from '../../../inbox/postgres/transaction.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

const server = await postgresServer('')
tap.teardown(() => server.close())

tap.test('pg-boss’s own statements use transactions like ours, where possible', async t => {
  const url = await server.database()
  await server.query(
    url,
    `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_isolation = 'serializable'`,
  )
  const pool = new pg.Pool({ connectionString: url })
  t.teardown(() => pool.end())
  const db = inTransactions(pool)
  const isolation = `current_setting('transaction_isolation')`
  t.match(await db.executeSql(`SELECT ${isolation} AS level`), { rows: [{ level: 'read committed' }] })
  await db.executeSql(`BEGIN; CREATE TABLE seen AS SELECT ${isolation} AS level; COMMIT`)
  await db.executeSql('CREATE INDEX CONCURRENTLY seen_level ON seen (level)')
  t.same(await server.query(url, 'SELECT * FROM seen'), [{ level: 'read committed' }])
})

tap.test('errors of one operation, and those of the server or connection', async t => {
  for (const code of ['22003', '23502', '54000']) t.equal(isItemError(Object.assign(new Error(), { code })), true)
  for (const code of ['40P01', '42P01', '53300', 'ECONNRESET', undefined]) {
    t.equal(isItemError(Object.assign(new Error(), { code })), false)
  }
})
