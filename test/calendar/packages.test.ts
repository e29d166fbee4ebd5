import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import tap, { type Test } from 'tap'
import { openPostgresCalendar } from '../../calendar/postgres.ts'
import { openSqliteCalendar } from '../../calendar/sqlite.ts'
import { PACKAGE_STATEMENTS, readPackages } from '../../calendar/sqlite-packages.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { testClock } from '../helpers/clock.ts'
import { log } from '../helpers/moving.ts'
import { bought, by, packagesConformance, taking } from '../helpers/packages-conformance.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

const server = await postgresServer('')
tap.teardown(() => server.close())

async function openFile(t: Test) {
  const file = join(t.testdir(), 'webhooks.db')
  await openSqliteStore(file).close()
  const again = async () => {
    const calendar = openSqliteCalendar(file, testClock())
    t.teardown(() => calendar.close())
    return calendar.packages
  }
  return { file, packages: await again(), again }
}

tap.test('fulfils the contract, on SQLite', t => packagesConformance(t, openFile))

tap.test('fulfils the contract, on PostgreSQL', async t => {
  await packagesConformance(t, async t => {
    const url = await server.database()
    const store = await openPostgresStore(url, log)
    t.teardown(() => store.close())
    const again = async () => {
      const calendar = await openPostgresCalendar(url, testClock())
      t.teardown(() => calendar.close())
      return calendar.packages
    }
    return { packages: await again(), again }
  })
})

tap.test('a person’s packages, and all that is asked when a lesson is taken, are found by an index', async t => {
  const { file } = await openFile(t)
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  const plan = (sql: string) =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(row => `${row.detail}`)
  for (const [name, sql] of Object.entries(PACKAGE_STATEMENTS)) {
    t.same(
      plan(sql).filter(step => /^SCAN (?!package USING INDEX package_bought)/.test(step)),
      [],
      name,
    )
  }
  for (const name of ['of', 'withEnough'] as const) {
    const steps = plan(PACKAGE_STATEMENTS[name])
    for (const index of ['package_conversation (conversation=?)', 'package_contact (contact=?)']) {
      t.ok(
        steps.some(step => step.includes(index)),
        `${name}: ${index}`,
      )
    }
  }
})

tap.test('a change that fails half-way leaves nothing behind', async t => {
  const { file, packages } = await openFile(t)
  await packages.buy(bought('a'), 'stripe')
  const other = new DatabaseSync(file)
  t.teardown(() => other.close())
  other.exec(`CREATE TRIGGER fails AFTER INSERT ON package_entry BEGIN SELECT raise(ABORT, 'no luck'); END`)
  await t.rejects(packages.take(taking('x')), {
    name: 'TransientError',
    message: 'The calendar could not take a lesson of order x from a package: no luck',
  })
  t.match(await packages.find('a'), { left: 600 })
  other.exec('DROP TRIGGER fails')
  t.match(await packages.take(taking('x')), { left: 540 })
  t.throws(() => other.exec('UPDATE package SET left_minutes = -1'), /CHECK constraint/)
})

tap.test('packages of a file are read with their entries; one of an earlier version has none', async t => {
  const { file, packages } = await openFile(t)
  await packages.buy(bought('a'), 'stripe')
  await packages.refund({ package: 'a', minutes: 60, ...by('stripe') })
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  t.match(
    [...readPackages(db)],
    [{ package: { id: 'a', refund_due: 60 }, entries: [{ number: 1 }, { number: 2, why: 'refunded' }] }],
  )
  db.exec('DROP TABLE package_entry; DROP TABLE package')
  t.same([...readPackages(db)], [])
})
