import tap from 'tap'
import { fleetDatabase, inboxProcess, isReady } from '../helpers/inbox-fleet.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

/** An instance without its PostgreSQL server: one of our own, which nobody else may miss. */

const server = await postgresServer('')
tap.teardown(() => server.close())

tap.test('the database is stopped under load and started again', async t => {
  const database = await fleetDatabase(server)
  const instance = inboxProcess(t, database.url, { HANDLER_MS: '20' })
  await instance.line(isReady)
  const before = await instance.accept('before', 400, 40)
  await server.stop()
  const during = await instance.accept('during', 50, 10)
  await server.start()
  t.match(before, { accepted: 400, failed: 0 })
  t.match(during, { accepted: 0, duplicate: 0, failed: 50 })
  const ms = await database.drained()
  t.pass(`drained after ${Math.round(ms)} ms`)
  t.match(await instance.accept('during', 50, 10), { accepted: 50 }, 'nothing of it was kept')
  await database.drained()
  t.equal(await database.number(`SELECT count(*) AS n FROM tutorbot_webhooks.delivery WHERE state = 'done'`), 450)
  t.equal(await database.disordered(), 0)
})

tap.test('started before the database: waits and logs that', async t => {
  const database = await fleetDatabase(server)
  await server.stop()
  const instance = inboxProcess(t, database.url)
  t.match(await instance.line(({ msg }) => String(msg).startsWith('waiting for')), {
    msg: /^waiting for postgres:\/\/postgres@127\.0\.0\.1:\d+\/webhooks_\w+ \(ECONNREFUSED\)$/,
  })
  await server.start()
  await instance.line(isReady)
  t.match(await instance.accept('late', 3, 1), { accepted: 3 })
  await database.drained()
  instance.signal('SIGTERM')
  t.equal(await instance.ended, 0)
})
