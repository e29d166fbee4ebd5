import tap from 'tap'
import { fleetDatabase, inboxProcess, isReady } from '../helpers/inbox-fleet.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { until } from '../helpers/wait.ts'

/** Several instances on one PostgreSQL database, in real time: killed and frozen. */

const server = await postgresServer()
tap.teardown(() => server.close())

/** They spend most of their time waiting. */
tap.test('with their server', async group => {
  group.jobs = 3

  group.test(
    'three instances handle each delivery once, in order; copies are duplicates on all',
    { buffered: true },
    async t => {
      const database = await fleetDatabase(server)
      const instances = [1, 2, 3].map(() => inboxProcess(t, database.url, { HANDLER_MS: '2' }))
      await Promise.all(instances.map(({ line }) => line(isReady)))
      const results = await Promise.all(instances.map(({ accept }) => accept('same', 600, 60)))
      const sum = (field: string) => results.reduce((total, result) => total + (result[field] as number), 0)
      t.same([sum('accepted'), sum('duplicate'), sum('failed')], [600, 1_200, 0])
      await database.drained()
      t.equal(await database.number('SELECT count(*) AS n FROM handling'), 600)
      t.equal(await database.overlaps(), 0)
      t.equal(await database.disordered(), 0)
      t.ok((await database.number('SELECT count(DISTINCT pid) AS n FROM handling')) > 1, 'by several instances')
    },
  )

  group.test('kill -9 in the middle of the work: the others finish it', { buffered: true }, async t => {
    const database = await fleetDatabase(server)
    const [dies, lives] = [1, 2].map(() => inboxProcess(t, database.url, { HANDLER_MS: '100' }))
    await Promise.all([dies?.line(isReady), lives?.line(isReady)])
    const accepting = dies?.accept('job', 300, 60)
    await dies?.line(({ msg }) => msg === 'webhook handled')
    await accepting
    dies?.signal('SIGKILL')
    await dies?.ended
    const open = await database.left()
    t.ok(open > 0, `${open} left`)
    const ms = await database.drained()
    t.pass(`after ${Math.round(ms)} ms`)
    t.equal(await database.disordered(), 0)
    t.equal(await database.number('SELECT count(*) AS n FROM handling WHERE attempt > 2'), 0)
  })

  group.test(
    'frozen beyond its heartbeat: another takes over, and the late settle changes nothing',
    { buffered: true },
    async t => {
      const database = await fleetDatabase(server)
      // Long enough that it is frozen during them, however late this test sees that they have begun.
      const frozen = inboxProcess(t, database.url, { HANDLER_MS: '5000' })
      await frozen.line(isReady)
      void frozen.accept('cold', 6, 2)
      const atWork = () => database.number('SELECT count(*) AS n FROM handling WHERE ended IS NULL')
      await until('two to be handled', async () => (await atWork()) === 2)
      frozen.signal('SIGSTOP')
      const other = inboxProcess(t, database.url, { HANDLER_MS: '1500' })
      await other.line(({ msg }) => msg === 'webhook handled')
      // By now the other one is working on both conversations.
      frozen.signal('SIGCONT')
      await frozen.line(({ msg }) => msg === 'webhook handled late: another process has taken it over')
      await database.drained()
      t.equal(
        await database.number(`SELECT count(*) AS n FROM handling WHERE pid = ${frozen.pid} AND attempt > 1`),
        0,
        'and it began nothing more in them',
      )
      const others = `FROM handling a JOIN handling b ON a.mailbox = b.mailbox AND a.n < b.n AND b.begun < a.ended`
      t.equal(await database.number(`SELECT count(*) AS n ${others} WHERE a.pid = ${other.pid}`), 0)
      t.equal(await database.disordered(), 0)
    },
  )
})
