import { once } from 'node:events'
import net from 'node:net'
import t, { type Test } from 'tap'
import { startChild } from '../helpers/child.ts'
import { fleetDatabase } from '../helpers/inbox-fleet.ts'
import { isInstalled } from '../helpers/installed.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { startNginx } from './nginx.ts'
import {
  ask,
  freePort,
  SECRET,
  SHIPPED_WAIT_MS,
  show,
  startBackend,
  startChatwoot,
  startLoad,
  startService,
  timedStart,
  without,
} from './proxies.ts'

/** Answers to wait for between two restarts. */
const ANSWERS_BETWEEN = 60

/** Two instances on one PostgreSQL database, behind nginx: all of them the real programs. */
if (isInstalled(t, 'nginx', '-v')) {
  t.test('a rolling restart under load, and kill -9 of one instance: no request fails', async t => {
    t.testdir()
    const postgres = await postgresServer()
    t.teardown(() => postgres.close())
    const database = await fleetDatabase(postgres)
    const crm = await startChatwoot(t)
    const ports = await Promise.all([freePort(), freePort()])
    const tokens: string[] = []
    const start = (instance: number) => {
      const { CW_TOKEN, ...chatwoot } = crm.env()
      tokens[instance] = CW_TOKEN
      return startService(t, {
        ...chatwoot,
        CW_TOKEN,
        CW_HMAC_SECRET: SECRET,
        DATABASE_URL: database.url,
        PORT: `${ports[instance]}`,
        LOG_LEVEL: 'info',
      })
    }
    const { started: services, startMs, waitMs } = await timedStart(() => Promise.all([start(0), start(1)]))
    const load = startLoad(await startNginx(t, ports, waitMs))
    for (const instance of [0, 1, 0, 1]) {
      await load.answers(ANSWERS_BETWEEN)
      await services[instance]?.end('SIGTERM')
      services[instance] = await start(instance)
    }
    await load.answers(ANSWERS_BETWEEN)
    await crm.hang(String(tokens[0]))
    await services[0]?.end('SIGKILL')
    await load.answers(ANSWERS_BETWEEN)
    await load.stop()
    const ms = await database.drained()
    t.comment(`4 restarts and a kill -9: ${show(load.statuses)}; what was left is handled after ${Math.round(ms)} ms`)

    const markers = [...load.accepted].map(([id, deliveries]) => [id, deliveries.map(each => `${each}:message`)])
    const expected = new Map(markers as [string, string[]][])
    if (startMs <= SHIPPED_WAIT_MS) {
      t.same([...load.statuses.keys()], [200], 'every request was answered with 200')
      t.same(crm.replies, expected, 'each was answered once, in order')
    } else {
      // There the service itself gives up on the database now and then: 500, and perhaps stored after all.
      t.comment(`a start took ${Math.round(startMs)} ms: on such a machine a 500 is no failure`)
      t.same(without(load.statuses, 200, 500), [])
      for (const [id, replies] of expected) {
        const acknowledged = crm.replies.get(id)?.filter(reply => replies.includes(reply))
        t.same(acknowledged, replies, 'each that was acknowledged was answered once, in order')
      }
    }
    t.equal(crm.overlaps(), 0, 'no conversation was handled twice at once')
    const interrupted = `SELECT count(*) AS n FROM tutorbot_webhooks.history WHERE what = 'crashed'`
    t.ok((await database.number(interrupted)) > 0, 'the kill interrupted a handling')
  })

  t.test('an unreachable machine: requests go to the other', async t => {
    const live = await startBackend(t, (_request, response) => response.end('{}'))
    const url = await startNginx(t, [await silentPort(t), live])
    for (let request = 1; request <= 4; request++) t.match(await ask(`${url}/cw`), { status: 200 })
  })
}

/** A port that does not even refuse: its listener is frozen, and its queue is full. */
async function silentPort(t: Test): Promise<number> {
  const listen = `net.createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, function () {
    console.log(this.address().port)
  })`
  const child = startChild(process.execPath, ['-e', listen], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGSTOP')
  const port = Number(said)
  const sockets = Array.from({ length: 4 }, () => net.connect(port, '127.0.0.1').on('error', () => {}))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  // Linux accepts one more than the backlog.
  await Promise.all(sockets.slice(0, 2).map(socket => once(socket, 'connect')))
  return port
}
