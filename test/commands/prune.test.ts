import { join } from 'node:path'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import type { Store } from '../../inbox/contracts.ts'
import { openPostgresStore } from '../../inbox/postgres/store.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { run, runJson } from '../helpers/cli.ts'
import { delivery } from '../helpers/inbox.ts'
import { type PostgresServer, postgresServer } from '../helpers/postgres-server.ts'

let postgres: PostgresServer
tap.before(async () => {
  postgres = await postgresServer()
})
tap.teardown(() => postgres.close())

const DAY = 24 * 60 * 60 * 1_000

const STORES: Record<string, { at(t: Test): string | Promise<string>; open(url: string): Store | Promise<Store> }> = {
  SQLite: { at: t => join(t.testdir(), 'webhooks.db'), open: openSqliteStore },
  PostgreSQL: { at: () => postgres.database(), open: url => openPostgresStore(url, pino({ level: 'silent' })) },
}

for (const [name, { at, open }] of Object.entries(STORES)) {
  tap.test(`prunes the whole store while it is in use, on ${name}`, async t => {
    const url = await at(t)
    const store = await open(url)
    const ages = { old: 10, young: 1 }
    // More than one step's worth of each.
    for (const [key, days] of Object.entries(ages)) {
      const receivedAt = Date.now() - days * DAY
      await Promise.all(
        Array.from({ length: 120 }, async (_, n) => {
          const each = delivery(`${key} ${n}`, { receivedAt })
          await store.insert(each, false)
          const taken = await store.take(each.orderingKey, receivedAt)
          if (taken) await store.settle(taken, { state: 'done' }, receivedAt)
        }),
      )
    }
    const dead = delivery('dead', { unreadable: 'no id', receivedAt: Date.now() - 10 * DAY })
    await store.insert(dead, false)

    const env = { DATABASE_URL: url, RETENTION_DAYS: '5' }
    t.match(await run(env, 'prune'), {
      code: 0,
      err: '',
      out: /^payloads older than 5 days and keys older than 30 are/,
    })
    const kept = await store.list({}, 1_000)
    t.same(
      new Set(kept.filter(({ payload }) => payload === null).map(({ key }) => key.split(' ')[0])),
      new Set(['old']),
    )
    t.equal(kept.filter(({ payload }) => payload === null).length, 120)
    t.ok((await store.get(dead.id))?.payload)
    const again = await runJson({ ...env, DEDUP_DAYS: '6' }, 'prune')
    t.match(again, { code: 0, result: { retentionDays: 5, dedupDays: 6 } })
    await store.close()
  })
  tap.test(`any number of days, on ${name}`, async t => {
    const url = await at(t)
    const store = await open(url)
    const handled = async (key: string, days: number) => {
      const each = delivery(key, { receivedAt: Date.now() - days * DAY })
      await store.insert(each, false)
      const taken = await store.take(each.orderingKey, each.receivedAt)
      if (taken) await store.settle(taken, { state: 'done' }, each.receivedAt)
    }
    await handled('old', 1)
    await handled('young', 0)
    const left = async (env: Record<string, string>) => {
      t.match(await run({ DATABASE_URL: url, ...env }, 'prune'), { code: 0, err: '' })
      return (await store.list({}, 10)).map(({ key, payload }) => [key, payload !== null])
    }
    // Fractions of a ms; and before 1970, also in ms.
    t.same(
      await left({ RETENTION_DAYS: '1e15', DEDUP_DAYS: '1e15', QUARANTINE_HOURS: '0.0000001', QUARANTINE_MB: '1' }),
      [
        ['old', true],
        ['young', true],
      ],
    )
    t.same(await left({ RETENTION_DAYS: '0.3333333', DEDUP_DAYS: '4.3333333' }), [
      ['old', false],
      ['young', true],
    ])
    await store.close()
  })
}
