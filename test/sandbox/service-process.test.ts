import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { chatwoot, railsJson } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { startChatwootApi } from '../../sandbox/chatwoot-api.ts'
import { offsetClock } from '../../sandbox/offset-clock.ts'
import { serviceProcess } from '../../sandbox/service-process.ts'
import { CHATWOOT_SECRET } from '../helpers/app.ts'
import { startProgram } from '../helpers/program.ts'
import { inTime, until } from '../helpers/wait.ts'

const DAY = 86_400_000
const SERVICE_PROCESS = fileURLToPath(new URL('../../sandbox/service-process.ts', import.meta.url))

function envOf(t: Test, more: Record<string, string> = {}): Record<string, string> {
  return { PORT: '0', DATABASE_URL: join(t.testdir(), 'sandbox.db'), CW_HMAC_SECRET: CHATWOOT_SECRET, ...more }
}

function serviceOf(t: Test, env: Record<string, string>, shown?: (line: string) => string) {
  const clock = offsetClock()
  const lines: string[] = []
  const onLine = (line: string) => void lines.push(line)
  const service = serviceProcess({ env, offsetMs: clock.offsetMs, onLine, ...(shown && { shown }) })
  t.teardown(() => service.kill())
  const states: string[] = []
  service.events.on('changed', () => states.push(service.state()))
  return { service, clock, lines, states }
}

async function post(url: string | undefined, body: string, at: number) {
  const headers = signChatwoot(body, CHATWOOT_SECRET, Math.floor(at / 1_000))
  return (await fetch(`${url}/cw`, { method: 'POST', body, headers })).json() as Promise<Record<string, string>>
}

t.test('it is killed and started again: on the same port, with the same store and clock', async t => {
  // What would configure the server is not for this one; what the tests are run with is for it, too.
  process.env.CW_TOKEN = 'of the process'
  process.env.https_proxy = 'http://127.0.0.1:9'
  t.teardown(() => {
    delete process.env.CW_TOKEN
    delete process.env.https_proxy
  })
  const { service, clock, lines, states } = serviceOf(t, envOf(t), line => `shown: ${line}`)
  t.equal(service.state(), 'stopped')
  t.equal(service.url(), undefined)
  t.equal(service.pid(), undefined)
  await service.kill()
  const starting = service.start()
  t.equal(service.state(), 'starting')
  // Told its time twice before it listens.
  const moved = service.moveClock()
  await Promise.all([starting, service.start(), moved])
  t.equal(service.state(), 'running')
  const url = service.url()
  t.match(lines.at(-1), /Server listening/, 'what it wrote is read when it is said to listen')
  t.equal(service.lastLines().at(-1), `shown: ${lines.at(-1)}`)
  t.match(lines.join('\n'), /replies: not sent, CW_TOKEN is not set/)

  clock.move(DAY)
  await service.moveClock()
  const body = railsJson(chatwoot.incoming())
  const sent = await post(url, body, Date.now() + DAY)
  t.equal(sent.status, 'accepted', 'it goes by the time that was moved on')

  process.kill(Number(service.pid()), 0)
  await service.kill()
  t.equal(service.state(), 'stopped')
  t.throws(() => process.kill(Number(service.pid()), 0), { code: 'ESRCH' }, 'its pid is told after its end, too')
  t.equal(lines.at(-1), 'the service was ended by SIGKILL')
  await t.rejects(fetch(`${url}/health`))
  // Nobody is there to be told; the next one is.
  clock.move(DAY)
  await service.moveClock()

  await service.start()
  t.equal(service.url(), url)
  t.same(await post(url, body, Date.now() + 2 * DAY), { status: 'duplicate', id: sent.id })
  t.same(states, ['starting', 'running', 'stopped', 'starting', 'running'])
  await service.close()
  t.equal(lines.at(-1), 'the service has ended with exit code 0')
})

t.test('one that ends by itself is stopped, with its last lines, and can be started again', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { service, states } = serviceOf(t, envOf(t, { PORT: `${port}`, LOG_LEVEL: 'debug' }))
  for (let time = 0; time < 4; time++) await service.start()
  t.equal(service.state(), 'stopped')
  t.same(states.slice(0, 2), ['starting', 'stopped'])
  t.same(service.lastLines().slice(-2), [
    `tutorbot-webhooks did not start: PORT ${port} on 127.0.0.1 is in use: stop what uses it, or set another`,
    'the service has ended with exit code 1',
  ])
  t.equal(service.lastLines().length, 20, 'and no more of them than the latest')
  other.close()
  await once(other, 'close')
  await service.start()
  t.equal(service.state(), 'running')
})

t.test('a handler that goes on is not waited for at the end', async t => {
  const api = await startChatwootApi()
  t.teardown(() => api.close())
  api.addConversation({ id: 7 })
  const env = { CW_URL: api.url, CW_ACC_ID: '1', CW_TOKEN: api.tokens.bot, MESSAGE_QUIET_MS: '0' }
  const { service, lines } = serviceOf(t, envOf(t, env))
  await service.start()
  api.fail(/./, 'hang', 10)
  await post(service.url(), railsJson(chatwoot.incoming({ conversation: 7 })), Date.now())
  await api.arrived(/./)
  await service.close()
  t.equal(lines.at(-1), 'the service was ended by SIGKILL')
})

t.test('it does not outlive its parent, however that ends', async t => {
  const script = `
    import { serviceProcess } from ${JSON.stringify(SERVICE_PROCESS)}
    const env = ${JSON.stringify(envOf(t))}
    const service = serviceProcess({ env, offsetMs: () => 0, onLine: line => console.error(line) })
    await service.start()
    console.log(service.url())`
  const file = join(t.testdir({ 'parent.mjs': script }), 'parent.mjs')
  const parent = startProgram('the parent', [process.execPath, file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const url = await parent.line(/^http/)
  t.equal((await fetch(`${url}/health`)).status, 200)
  // Only it, not its process group: a child of its own must see by itself that it is gone.
  process.kill(Number(parent.child.pid), 'SIGKILL')
  await inTime(
    until('the end of the service', () =>
      fetch(`${url}/health`).then(
        () => false,
        () => true,
      ),
    ),
    { what: 'it' },
  )
})
