import type { SpawnOptions } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { chatwoot, railsJson } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { systemPath } from '../helpers/installed.ts'
import { type Program, startProgram } from '../helpers/program.ts'
import { inTime } from '../helpers/wait.ts'

/** Shared by the tests of the reverse proxies: the proxies and the service are the real programs. */

const SERVER = fileURLToPath(new URL('../../server.ts', import.meta.url))
export const SECRET = 'the-secret-of-the-proxy-tests'
const CONNECTIONS = 16
/** The load ends after this, whatever else happens. */
const MAX_REQUESTS = 20_000
/** Answers to wait for between two restarts. */
const ANSWERS_BETWEEN = 150
/** Conversations per connection, used one after the other. */
const CONVERSATIONS = 4
/** Messages in each of them, then come others: after more than 30 answers within ten minutes a person gets it. */
const MESSAGES_EACH = 20
const MIB = 1024 * 1024

/** Starts the proxy in front of a local port, with another timeout than the shipped one; returns its URL. */
export type StartProxy = (t: Test, backend: number, waitMs?: number) => Promise<string>

/** Answer timeout of the shipped proxies, ms. */
export const SHIPPED_WAIT_MS = 4_000

/** A shipped configuration with this timeout. */
export function waiting(config: string, waitMs = SHIPPED_WAIT_MS): string {
  return config.replace(/(?<=^\s*\w+_timeout )4s\b/gm, `${waitMs / 1_000}s`)
}

/**
 * Starts a service, and measures how long a proxy must wait for its restart on this machine, ms: the shipped timeout
 * if the machine is fast enough for that.
 */
export async function timedStart<T>(start: () => Promise<T>): Promise<{ started: T; startMs: number; waitMs: number }> {
  const begunAt = performance.now()
  const started = await start()
  const startMs = performance.now() - begunAt
  return { started, startMs, waitMs: Math.max(SHIPPED_WAIT_MS, Math.ceil(startMs / 100) * 1_000) }
}

/** Starts a program, and ends it with the test. Resolves when a line of its output matches. */
export async function startDaemon(t: Test, command: string, args: string[], ready: RegExp): Promise<Program> {
  const options: SpawnOptions = { env: systemPath(), stdio: ['ignore', 'pipe', 'pipe'] }
  const program = startProgram(command, [command, ...args], options)
  t.teardown(() => program.end('SIGTERM'))
  await program.line(ready)
  return program
}

/** A folder for files, removed after the test; t.testdir() is the service's. */
export function folder(t: Test, files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), 'tutorbot-proxy-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return path
}

/** A port that is currently free. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * A socket as systemd holds it: bound here, but never accepted from here (a net.Server would). It outlives the
 * services that get it.
 */
function holdSocket(t: Test): { fd: number; port: number } {
  interface Handle {
    fd: number
    getsockname(address: object): number
    close(): void
  }
  // The API with which node:cluster creates its workers' sockets.
  const { _createServerHandle: bind } = net as unknown as { _createServerHandle: (...args: unknown[]) => Handle }
  const handle = bind('127.0.0.1', 0, 4)
  t.teardown(() => handle.close())
  const address = { port: 0 }
  handle.getsockname(address)
  return { fd: handle.fd, port: address.port }
}

/** The real service, started as in ops/: with a socket (`fd`), or on a port. The test has called t.testdir(). */
export async function startService(t: Test, env: Record<string, string>, fd?: number): Promise<Program> {
  // exec keeps the pid, which is what LISTEN_PID must name. Node's options are tap's, for coverage: they slow the start.
  const activation = fd === undefined ? '' : 'LISTEN_FDS=1 LISTEN_PID=$$'
  const command = ['sh', '-c', `unset NODE_OPTIONS; ${activation} exec "${process.execPath}" "${SERVER}"`]
  const service = startProgram('the service', command, {
    // Each message by itself: answers can be counted.
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: join(t.testdirName, 'compiled'),
      MESSAGE_QUIET_MS: '0',
      CW_CALLS_PER_MINUTE: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', fd ?? 'ignore'],
  })
  t.teardown(() => service.end('SIGKILL'))
  await service.line(/Server listening at/)
  return service
}

/** Any other backend. */
export async function startBackend(t: Test, listener: http.RequestListener): Promise<number> {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/**
 * A Chatwoot that records what the bot says, and counts calls about a conversation that come in while another process's
 * are under way: one process makes several at once.
 */
export async function startChatwoot(t: Test) {
  /** By conversation: the deliveries that were answered, in order. */
  const replies = new Map<string, string[]>()
  /** By conversation: the tokens of the calls that are under way. */
  const open = new Map<string, string[]>()
  let services = 0
  let overlaps = 0
  let hang: { token: string; arrived: () => void } | undefined
  const port = await startBackend(t, async (request, response) => {
    const [, id = '', rest = ''] = /\/conversations\/(\d+)(.*)$/.exec(request.url ?? '') ?? []
    const token = String(request.headers.api_access_token)
    const underWay = open.get(id) ?? []
    open.set(id, underWay)
    if (underWay.some(other => other !== token)) overlaps++
    underWay.push(token)
    response.once('close', () => underWay.splice(underWay.indexOf(token), 1))
    const body = await text(request)
    if (id !== '' && token === hang?.token) return hang.arrived()
    const said = replies.get(id) ?? []
    if (request.method === 'POST' && rest === '/messages') replies.set(id, [...said, markerOf(body)])
    const conversation = { id: Number(id), status: 'pending', labels: [], custom_attributes: {}, meta: { sender: {} } }
    const messages = said.map((marker, index) => ({ id: index, content_attributes: { tutorbot: marker } }))
    const answer = rest.startsWith('/messages') ? { payload: rest.includes('?before') ? [] : messages } : conversation
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  })
  return {
    /** Settings for one process; its token identifies it. */
    env: () => ({ CW_URL: `http://127.0.0.1:${port}`, CW_TOKEN: `token-${++services}`, CW_ACC_ID: '1' }),
    replies,
    overlaps: () => overlaps,
    /** Stops answering a token about conversations. Resolves with the first call that this holds up. */
    hang: (token: string) =>
      new Promise<void>(arrived => {
        hang = { token, arrived }
      }),
  }
}

/** `<delivery>:message` */
function markerOf(message: string): string {
  return (JSON.parse(message) as { content_attributes: { tutorbot: string } }).content_attributes.tutorbot
}

interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  body: string
}

interface Sent {
  method?: string
  headers?: http.OutgoingHttpHeaders
  body?: string | Buffer
  agent?: http.Agent
}

/** Rejects if the connection breaks before the answer. */
export async function ask(
  url: string,
  { method = 'POST', headers = {}, body = '', agent }: Sent = {},
): Promise<Answer> {
  const options = {
    method,
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    ...(agent && { agent }),
  }
  const request = http.request(url, options).end(body)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

const signed = (body: string) => ({ body, headers: signChatwoot(body, SECRET) })

/** Distinct deliveries, over CONNECTIONS connections, until it is stopped. */
export function startLoad(url: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const answered = new EventEmitter<{ answer: [] }>().setMaxListeners(0)
  const statuses = new Map<number | string, number>()
  /** By conversation, in the order sent. */
  const accepted = new Map<string, string[]>()
  let next = 1
  let count = 0
  let stopped = false

  async function send(connection: number): Promise<void> {
    for (let turn = 0; !stopped && next <= MAX_REQUESTS; turn++) {
      const message = next++
      const since = CONVERSATIONS * Math.floor(turn / (CONVERSATIONS * MESSAGES_EACH))
      const conversation = 1 + connection + CONNECTIONS * (since + (turn % CONVERSATIONS))
      const body = railsJson(chatwoot.incoming({ message, conversation }))
      const answer = await ask(`${url}/cw`, { ...signed(body), agent }).catch(error => ({
        status: (error as NodeJS.ErrnoException).code ?? String(error),
        body: '{}',
      }))
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      if (answer.status === 200) {
        const { id } = JSON.parse(answer.body) as { id: string }
        accepted.set(`${conversation}`, [...(accepted.get(`${conversation}`) ?? []), id])
      }
      count++
      answered.emit('answer')
    }
  }
  const done = Promise.all(Array.from({ length: CONNECTIONS }, (_, connection) => send(connection)))

  return {
    statuses,
    accepted,
    /** Ids of deliveries that got a 200. */
    ids: () => [...accepted.values()].flat(),
    /** Resolves after that many more answers. */
    async answers(more: number): Promise<void> {
      const goal = count + more
      const isReached = new Promise<void>(resolve => {
        const look = () => count >= goal && resolve()
        answered.on('answer', look)
        look()
      })
      await inTime(isReached, { what: `${more} more answers`, seen: () => [...statuses] })
    },
    async stop(): Promise<void> {
      stopped = true
      await done
      agent.destroy()
    },
  }
}

/** The contents of a closed store: number of deliveries by id. */
function stored(file: string): { count: number; ids: Set<string>; states: Record<string, number> } {
  const db = new DatabaseSync(file, { readOnly: true })
  const rows = db.prepare('SELECT id, state FROM delivery').all() as { id: string; state: string }[]
  db.close()
  const states: Record<string, number> = {}
  for (const { state } of rows) states[state] = (states[state] ?? 0) + 1
  return { count: rows.length, ids: new Set(rows.map(({ id }) => id)), states }
}

/** Measures the longest duration of something. */
function stopwatch() {
  let longest = 0
  return {
    async time(run: () => Promise<void>): Promise<void> {
      const begunAt = performance.now()
      await run()
      longest = Math.max(longest, Math.round(performance.now() - begunAt))
    },
    /** For the reader of the test's output. */
    told: () => `of ${longest} ms at most, where the shipped proxies wait for ${SHIPPED_WAIT_MS} ms`,
  }
}

/** On a machine that takes this long to answer, a timeout can't be judged, ms. */
const SLOW_ANSWER_MS = 100

export interface ProxyTraits {
  /** It resends a request whose connection broke. */
  triesAgain: boolean
  /** It waits for a service that gives up its port, and loses nothing of what was in the queue of that. */
  waits: boolean
}

/** Every proxy is tested with this. */
export function testProxy(t: Test, startProxy: StartProxy, { triesAgain, waits }: ProxyTraits): void {
  const notStored = { statusCode: 500, code: 'WEBHOOK_NOT_STORED', error: 'Internal Server Error', message: String }

  t.test('a restart under load refuses nothing and loses nothing', async t => {
    const crm = await startChatwoot(t)
    const file = join(t.testdir(), 'w.db')
    const env = { CW_HMAC_SECRET: SECRET, DATABASE_URL: file, LOG_LEVEL: 'info' }
    const socket = holdSocket(t)
    const start = () => startService(t, { ...crm.env(), ...env }, socket.fd)
    const { started, waitMs } = await timedStart(start)
    let service = started
    const load = startLoad(await startProxy(t, socket.port, waitMs))
    const away = stopwatch()
    for (let restart = 1; restart <= 4; restart++) {
      await load.answers(ANSWERS_BETWEEN)
      await away.time(async () => {
        await service.end('SIGTERM')
        service = await start()
      })
    }
    await load.answers(ANSWERS_BETWEEN)
    await load.stop()
    await service.end('SIGTERM')

    t.comment(`4 restarts, ${away.told()}: ${show(load.statuses)}`)
    t.same([...load.statuses.keys()], [200], 'every request was answered with 200', {
      statuses: show(load.statuses),
    })
    const kept = stored(file)
    t.equal(new Set(load.ids()).size, load.ids().length, 'each has an id of its own')
    t.equal(kept.ids.size, kept.count, 'each is stored once')
    t.equal(kept.count, load.ids().length, 'and nothing else is stored')
    t.ok(
      load.ids().every(id => kept.ids.has(id)),
      'every one that was acknowledged is stored',
    )
    t.equal(crm.overlaps(), 0, 'no conversation was handled twice at once')
    t.equal([...crm.replies.values()].flat().length, kept.states.done, 'each that was handled was answered once')
  })

  t.test('kill -9 under load, and a new service on the socket', async t => {
    const file = join(t.testdir(), 'w.db')
    const env = { CW_HMAC_SECRET: SECRET, DATABASE_URL: file, LOG_LEVEL: 'info' }
    const socket = holdSocket(t)
    const { started, waitMs } = await timedStart(() => startService(t, env, socket.fd))
    let service = started
    const load = startLoad(await startProxy(t, socket.port, waitMs))
    const away = stopwatch()
    for (let kill = 1; kill <= 3; kill++) {
      await load.answers(ANSWERS_BETWEEN)
      await away.time(async () => {
        await service.end('SIGKILL')
        service = await startService(t, env, socket.fd)
      })
    }
    await load.answers(ANSWERS_BETWEEN)
    await load.stop()
    await service.end('SIGTERM')

    t.comment(`3 times kill -9, ${away.told()}: ${show(load.statuses)}`)
    if (triesAgain) t.same([...load.statuses.keys()], [200], 'not one request noticed')
    else t.same(without(load.statuses, 200, 500), [], 'what was cut off is a 500')
    const kept = stored(file)
    t.ok(
      load.ids().every(id => kept.ids.has(id)),
      'every one that was acknowledged is stored',
    )
  })

  t.test('a restart that gives up its port, as a container does', async t => {
    const [file, port] = [join(t.testdir(), 'w.db'), await freePort()]
    const env = { CW_HMAC_SECRET: SECRET, DATABASE_URL: file, PORT: String(port), LOG_LEVEL: 'info' }
    const { started, waitMs } = await timedStart(() => startService(t, env))
    let service = started
    const load = startLoad(await startProxy(t, port, waitMs))
    const away = stopwatch()
    await load.answers(ANSWERS_BETWEEN)
    await away.time(async () => {
      await service.end('SIGTERM')
      service = await startService(t, env)
    })
    await load.answers(ANSWERS_BETWEEN)
    await load.stop()
    await service.end('SIGTERM')

    t.comment(`a restart without a socket, ${away.told()}: ${show(load.statuses)}`)
    if (waits) t.same([...load.statuses.keys()], [200], 'not one request noticed')
    else t.same(without(load.statuses, 200, 500), [], 'what was refused or cut off is a 500')
    const kept = stored(file)
    t.ok(
      load.ids().every(id => kept.ids.has(id)),
      'every one that was acknowledged is stored',
    )
  })

  t.test('kill -9 without a restart: 500, never 502, 503 or 504', async t => {
    const file = join(t.testdir(), 'w.db')
    const port = await freePort()
    const env = { CW_HMAC_SECRET: SECRET, DATABASE_URL: file, PORT: String(port), LOG_LEVEL: 'info' }
    const service = await startService(t, env)
    const url = await startProxy(t, port)
    const load = startLoad(url)
    await load.answers(ANSWERS_BETWEEN)
    await service.end('SIGKILL')
    await load.answers(2 * CONNECTIONS)
    await load.stop()

    t.same(without(load.statuses, 200, 500), [], show(load.statuses))
    t.ok((load.statuses.get(500) ?? 0) >= CONNECTIONS)
    for (const path of ['/cw', '/webhook/payments']) {
      const answer = await ask(url + path, signed('{}'))
      t.equal(answer.status, 500)
      t.equal(answer.headers['content-type'], 'application/json')
      t.match(JSON.parse(answer.body), notStored)
    }
    const kept = stored(file)
    t.ok(
      load.ids().every(id => kept.ids.has(id)),
      'every one that was acknowledged is stored',
    )
  })

  t.test('a backend that hangs, disconnects, talks nonsense or fails: 500', async t => {
    let misbehave: http.RequestListener = () => {}
    const url = await startProxy(t, await startBackend(t, (request, response) => misbehave(request, response)))
    const status = (code: number): http.RequestListener => {
      return (_request, response) => response.writeHead(code, { 'content-type': 'text/html' }).end('<h1>sorry</h1>')
    }
    const cases: Record<string, http.RequestListener> = {
      502: status(502),
      503: status(503),
      504: status(504),
      'breaks off': request => request.socket.destroy(),
      'breaks off in its headers': request => request.socket.end('HTTP/1.1 200 OK\r\nContent-'),
      hangs: () => {},
    }
    /** The longest that the machine itself takes for an answer. */
    let answerMs = 0
    for (const [name, listener] of Object.entries(cases)) {
      misbehave = listener
      const startedAt = performance.now()
      const answer = await ask(`${url}/cw`, signed('{}'))
      const ms = performance.now() - startedAt
      t.equal(answer.status, 500, name)
      t.match(JSON.parse(answer.body), notStored, name)
      if (name !== 'hangs') answerMs = Math.max(answerMs, ms)
      else if (answerMs > SLOW_ANSWER_MS) t.comment(`not judged: an answer takes ${Math.round(answerMs)} ms here`)
      else t.ok(ms < 5_000, 'answered before Chatwoot gives up')
    }
  })

  t.test('the service’s answers pass unchanged', async t => {
    const own = { status: 429, body: '{"statusCode":429,"code":"WEBHOOK_INBOX_BUSY"}' }
    const port = await startBackend(t, (_request, response) => {
      response.writeHead(own.status, { 'content-type': 'application/json', 'retry-after': '1' }).end(own.body)
    })
    const url = await startProxy(t, port)
    t.match(await ask(`${url}/cw`), { ...own, headers: { 'retry-after': '1' } })
    Object.assign(own, { status: 500, body: '{"statusCode":500,"code":"WEBHOOK_FAILED"}' })
    t.match(await ask(`${url}/cw`), own)
    Object.assign(own, { status: 401, body: '{"statusCode":401,"code":"WEBHOOK_SIGNATURE_MISMATCH"}' })
    t.match(await ask(`${url}/webhook/payments`), own)
  })

  t.test('only the two webhook paths are public, and their sender is known', async t => {
    const asked: http.IncomingMessage[] = []
    const port = await startBackend(t, (request, response) => {
      asked.push(request)
      response.end('{}')
    })
    const url = await startProxy(t, port)
    for (const path of ['/', '/health', '/ready', '/cw/../health', '/webhook', '/deliveries', '/CW']) {
      for (const method of ['GET', 'POST']) {
        const answer = await ask(url + path, { method })
        t.equal(answer.status, 404, `${method} ${path}`)
        t.match(JSON.parse(answer.body), { statusCode: 404, code: 'NOT_FOUND', error: 'Not Found', message: String })
      }
    }
    t.equal(asked.length, 0, 'the service does not even see them')

    const forged = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'gopher', host: 'hooks.example.com' }
    await ask(`${url}/cw?a=1`, { headers: { ...forged, 'x-chatwoot-signature': 'kept' } })
    await ask(`${url}/webhook/payments`, { headers: forged })
    t.same(
      asked.map(request => request.url),
      ['/cw?a=1', '/webhook/payments'],
    )
    t.match(asked[0]?.headers, {
      host: 'hooks.example.com',
      'x-forwarded-for': /^127\.0\.0\.1$/,
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'hooks.example.com',
      'x-chatwoot-signature': 'kept',
      connection: 'close',
    })
  })

  t.test('with the service: 4 MiB pass, more is 413, and nothing unsigned gets in through the proxy', async t => {
    const file = join(t.testdir(), 'w.db')
    const port = await freePort()
    const env = { DATABASE_URL: file, PORT: String(port) }
    const url = await startProxy(t, port)
    const service = await startService(t, { ...env, CW_HMAC_SECRET: SECRET })
    const json = (bytes: number) => `{"event":"x","filler":"${'x'.repeat(bytes - 25)}"}`
    t.equal(json(4 * MIB).length, 4 * MIB)
    t.match(await ask(`${url}/cw`, signed(json(4 * MIB))), { status: 200, body: '{"status":"ignored"}' })
    const answer = await tooLarge(`${url}/cw`, 4 * MIB + 1)
    t.match(answer, { status: 413, body: /"code":"FST_ERR_CTP_BODY_TOO_LARGE"/ })
    await service.end('SIGTERM')

    await startService(t, env)
    const body = railsJson(chatwoot.incoming())
    t.match(await ask(`http://127.0.0.1:${port}/cw`, signed(body)), { status: 200 }, 'from this machine it would')
    const unsigned = { body, headers: { 'content-type': 'application/json' } }
    t.match(await ask(`${url}/cw`, unsigned), { status: 401, body: /"code":"WEBHOOK_UNSIGNED_REFUSED"/ })
  })
}

/** Declares a body, and is answered before sending it. */
async function tooLarge(url: string, bytes: number): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'content-length': bytes }
  const request = http.request(url, { method: 'POST', headers })
  request.flushHeaders()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const answer = { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
  request.on('error', () => {})
  request.destroy()
  return answer
}

/** The statuses other than these. */
export function without(statuses: Map<number | string, number>, ...expected: (number | string)[]): (number | string)[] {
  return [...statuses.keys()].filter(status => !expected.includes(status))
}

export function show(statuses: Map<number | string, number>): string {
  return [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')
}
