import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startGoogleApi } from '../helpers/google-api.ts'
import { startProgram } from '../helpers/program.ts'

const file = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../${path}`, import.meta.url)))

/** What each client says in a process that has the guard, and what it asked for. */
async function inGuardedProcess(code: string, env: Record<string, string> = {}): Promise<Record<string, string>> {
  const script = `
    await import(${file('sandbox/only-loopback.ts')})
    const said = {}
    const tell = async (name, run) => {
      try { await run(); said[name] = 'connected' } catch (error) {
        for (let each = error; each; each = each.cause ?? each.detail ?? each.errors?.[0]) said[name] = each.message
      }
    }
    ${code}
    console.log(JSON.stringify(said))`
  const program = startProgram('guarded', [process.execPath, '--input-type=module', '-e', script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await program.line(/^\{/)
  await program.ended
  return JSON.parse(line)
}

const refused = (where: string) => `The sandbox connects to this machine only, not to ${where}`

t.test('no client of the service reaches another machine', async t => {
  const google = await startGoogleApi()
  t.teardown(() => google.close())
  const said = await inGuardedProcess(
    `
    const { default: Fastify } = await import('fastify')
    const { default: webhooks } = await import(${file('app.ts')})
    const app = Fastify()
    const { signal } = new AbortController()
    await app.register(webhooks, {
      store: process.env.STORE,
      chatwoot: { url: 'https://app.chatwoot.com', accountId: '1', token: 't', adminToken: 'a' },
      stripe: { secretKey: 'sk_live_x' },
      calendar: { google: { serviceAccount: process.env.ACCOUNT, calendarId: 'c' } },
    })
    await tell('chatwoot', () => app.webhooks.chatwoot.getConversation(1, signal))
    await tell('stripe', () => app.webhooks.stripe.getPrice('price_1', signal))
    await tell('google', () => app.webhooks.calendar.busy(0, 1, signal))
    await app.close()
    const { default: pg } = await import('pg')
    await tell('pg', () => new pg.Client('postgres://db.example.com/x').connect())
    await tell('pg by a socket', () => new pg.Client({ host: '/var/run/postgresql' }).connect())`,
    { STORE: `${t.testdir()}/webhooks.db`, ACCOUNT: google.serviceAccount },
  )
  const seen = Object.entries(said).map(([name, message]) => `${name}: ${message}`)
  t.match(seen, [
    /^chatwoot: .*The sandbox connects to this machine only, not to app\.chatwoot\.com:443/,
    /^stripe: .*The sandbox connects to this machine only, not to api\.stripe\.com:443/,
    /^google: .*ERR_SANDBOX_FOREIGN_HOST/,
    /^pg: .*not to db\.example\.com:5432/,
    /^pg by a socket: .*not to \/var\/run\/postgresql\/\.s\.PGSQL\.5432/,
  ])
})

t.test('every way to connect', async t => {
  const said = await inGuardedProcess(`
    const net = await import('node:net'), tls = await import('node:tls'), http = await import('node:http')
    const { once } = await import('node:events')
    const server = http.createServer((_, response) => response.end('ok')).listen(0, 'localhost')
    await once(server, 'listening')
    const { port, address } = server.address()
    const socket = connection => once(connection, 'connect').finally(() => connection.destroy())
    await tell('fetch', () => fetch('http://192.0.2.1/'))
    await tell('fetch here', () => fetch('http://localhost:' + port))
    await tell('options', () => socket(net.connect({ host: '10.0.0.1', port: 1 })))
    await tell('port and host', () => socket(net.connect(1, '::2')))
    await tell('mapped', () => socket(net.connect(1, '::ffff:192.0.2.1')))
    await tell('path', () => socket(net.connect('/tmp/nothing.sock')))
    await tell('by hand', () => socket(new net.Socket().connect({ host: 'localhost.example.com', port: 1 })))
    await tell('tls', () => socket(tls.connect(443, 'api.stripe.com')))
    await tell('here', () => socket(net.connect(port, address)))
    await tell('here, without a host', () => socket(net.connect(port)))
    await tell('here, by hand', () => socket(new net.Socket().connect(port)))
    await tell('here, options', () => socket(net.connect({ port })))
    server.closeAllConnections()
    server.close()`)
  t.same(said, {
    fetch: refused('192.0.2.1:80'),
    'fetch here': 'connected',
    options: refused('10.0.0.1:1'),
    'port and host': refused('::2:1'),
    mapped: refused('::ffff:192.0.2.1:1'),
    path: refused('/tmp/nothing.sock'),
    'by hand': refused('localhost.example.com:1'),
    tls: refused('api.stripe.com:443'),
    here: 'connected',
    'here, without a host': 'connected',
    'here, by hand': 'connected',
    'here, options': 'connected',
  })
})
