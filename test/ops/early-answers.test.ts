import { once } from 'node:events'
import http from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { lingerAfterResponse } from '../../plugins/linger.ts'
import { isInstalled } from '../helpers/installed.ts'
import { startApache } from './apache.ts'
import { startCaddy } from './caddy.ts'
import { startHaproxy } from './haproxy.ts'
import { startNginx } from './nginx.ts'
import { freePort, SECRET, type StartProxy, startBackend, startService } from './proxies.ts'

const BODY = Buffer.alloc(4 * 1024 * 1024, 'x')
/** Enough repetitions to lose a race that is only sometimes lost. */
const TIMES = 10
/** Shorter than as shipped, ms: some proxies wait as long as that for a service that is not there, each time. */
const NO_SERVICE_WAIT_MS = 2_000
/** HAProxy passes a reset on while it still has megabytes to send; the error is the sender's own. */
const HAPROXY_BROKEN_OFF = [500, 'ECONNRESET', 'EPIPE']

/** The status of the answer, or the error code instead. Ruby's senders say `Connection: close`. */
async function send(url: string, connection: 'close' | 'keep-alive'): Promise<number | string | undefined> {
  const headers = { 'content-type': 'application/json', 'content-length': BODY.length, connection }
  const request = http.request(url, { method: 'POST', agent: false, headers })
  let error: NodeJS.ErrnoException | undefined
  // A proxy may close the connection once it has answered.
  request.on('error', failure => {
    error ??= failure
  })
  request.end(BODY)
  try {
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    await text(response)
    return response.statusCode
  } catch {
    return error?.code
  }
}

async function all(url: string): Promise<unknown[]> {
  const seen = new Set()
  for (let time = 0; time < TIMES; time++) {
    seen.add(await send(url, 'close'))
    seen.add(await send(url, 'keep-alive'))
  }
  return [...seen]
}

/**
 * A sender must get an answer about its largest body, even if it comes before the whole body has arrived.
 * @param brokenOff what it may get when the service breaks off meanwhile
 */
function testEarlyAnswers(t: Test, startProxy: StartProxy, brokenOff: unknown[] = [500]): void {
  t.test('no service: 500 without a reset', async t => {
    const url = await startProxy(t, await freePort(), NO_SERVICE_WAIT_MS)
    t.same(await all(`${url}/cw`), [500])
  })

  t.test('the service answers before the body has arrived: its answer is passed on', async t => {
    const backend = await startBackend(t, (request, response) => {
      lingerAfterResponse(request)
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}')
    })
    const url = await startProxy(t, backend)
    t.same(await all(`${url}/cw`), [401])
  })

  t.test('the service breaks off before the body has arrived', async t => {
    const backend = await startBackend(t, request => {
      request.on('error', () => {})
      request.once('data', () => request.socket.resetAndDestroy())
    })
    const url = await startProxy(t, backend)
    const seen = await all(`${url}/cw`)
    t.same(
      seen.filter(each => !brokenOff.includes(each)),
      [],
      `seen: ${seen.join(', ')}`,
    )
  })

  t.test('the service itself, without a signature: 401', async t => {
    const port = await freePort()
    const env = { DATABASE_URL: join(t.testdir(), 'w.db'), PORT: String(port), CW_HMAC_SECRET: SECRET }
    await startService(t, env)
    const url = await startProxy(t, port)
    t.same(await all(`${url}/cw`), [401])
  })
}

t.test('nginx', async t => {
  if (isInstalled(t, 'nginx', '-v')) testEarlyAnswers(t, startNginx)
})

t.test('Caddy', async t => {
  if (isInstalled(t, 'caddy', 'version')) testEarlyAnswers(t, startCaddy)
})

t.test('HAProxy', async t => {
  if (isInstalled(t, 'haproxy', '-v')) testEarlyAnswers(t, startHaproxy, HAPROXY_BROKEN_OFF)
})

t.test('Apache', async t => {
  if (isInstalled(t, 'apache2', '-v')) testEarlyAnswers(t, startApache)
})
