import { createServer, type RequestListener } from 'node:http'
import { registerHooks } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { type CallToolResult, Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import tap, { type Test } from 'tap'
import { PermanentError, type WebhooksOptions } from '../../app.ts'
import { chatwoot } from '../../commands/samples.ts'
import { ENV_SCHEMA } from '../../environment.ts'
import { CHATWOOT_SECRET, chatwootRequest, listen, webhookApp } from '../helpers/app.ts'
import { startChild } from '../helpers/child.ts'
import { CLI_FILE, run } from '../helpers/cli.ts'
import { booking } from '../helpers/lessons.ts'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import { until } from '../helpers/wait.ts'

/** An assistant at the operator's API: the SDK's own client, a real process, real stdio and a real server. */

const READING = [
  'list_deliveries',
  'show_delivery',
  'list_causes',
  'count_replay',
  'show_replay_job',
  'list_lessons',
  'show_lesson',
]
const CHANGING = [
  'replay_delivery',
  'replay_deliveries',
  'replay_cause',
  'stop_replay_job',
  'resume_replay_job',
  'discard_delivery',
]

/** The environment of a command, without what this machine may have set. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name, value]) => !(name in ENV_SCHEMA.properties) && value !== undefined),
) as Record<string, string>

/** A server whose handler fails until it is fixed. */
async function served(t: Test, options: WebhooksOptions = {}) {
  const fixed = { now: false }
  const { app, log } = await webhookApp(t, {
    operator: { token: OPERATOR_TOKEN },
    handlers: {
      message_created: () => {
        if (!fixed.now) throw new PermanentError('the reason why')
      },
    },
    ...options,
  })
  const url = `http://127.0.0.1:${await listen(app)}`
  const deliver = async (message: number, more: object = {}) => {
    const { id } = (await app.inject(chatwootRequest({ ...chatwoot.incoming({ message }), ...more }))).json()
    await log.line(line => line.delivery === id && /^webhook (dead|handled)$/.test(line.msg))
    return id as string
  }
  return { app, fixed, url, deliver }
}

/** A server of our own that answers everything so. */
async function answering(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts the command as an assistant's program does. */
async function assistant(t: Test, url: string, { args = [] as string[], token = OPERATOR_TOKEN } = {}) {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI_FILE, 'mcp', '--url', url, ...args],
    env: { ...ENVIRONMENT, ADMIN_TOKEN: token },
    stderr: 'pipe',
  })
  await client.connect(transport)
  t.teardown(() => client.close())
  const answers: string[] = []
  const call = async (name: string, given: Record<string, unknown> = {}) => {
    const { content, isError } = (await client.callTool({ name, arguments: given })) as CallToolResult
    const [only] = content as [{ type: 'text'; text: string }]
    answers.push(only.text)
    return { isError: isError === true, text: only.text }
  }
  return {
    client,
    call,
    /** What it answers, as JSON. */
    ask: async (name: string, given?: Record<string, unknown>) => JSON.parse((await call(name, given)).text),
    /** All that it has answered. */
    said: () => answers.join('\n'),
  }
}

tap.test('it reads deliveries, causes, lessons and the replay job; what changes something is off', async t => {
  const { app, url, deliver } = await served(t, { quarantine: {} })
  const dead = await deliver(1, { pubsub_token: 'a-token-of-the-student' })
  const { book } = booking(app.webhooks.calendar as never)
  await book('42-aaaa', new Date(Date.now() + 86_400_000).toISOString())
  const forged = chatwootRequest(chatwoot.incoming({ message: 9 }))
  const headers = { ...forged.headers, 'x-chatwoot-signature': `sha256=${'0'.repeat(64)}`, 'x-api-key': 'hunter2' }
  await app.inject({ ...forged, headers })
  await until('it to be kept', async () => (await app.webhooks.inbox.quarantined()).deliveries === 1)

  const { client, call, ask, said } = await assistant(t, url)
  const { tools } = await client.listTools()
  t.same(
    tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint]),
    READING.map(name => [name, true]),
  )
  t.match(client.getInstructions(), `${CHANGING.join(', ')} are off: whoever runs this turns them on with --write.`)

  t.match(await ask('list_deliveries', { state: 'dead' }), { deliveries: [{ id: dead, state: 'dead' }], next: null })
  t.match(await ask('list_deliveries', { from: '2026-01-01', limit: 1 }), { deliveries: [{ id: dead }] })
  t.match(await ask('show_delivery', { id: dead.slice(0, 8) }), {
    id: dead,
    error: 'PermanentError: the reason why',
    timeline: [{ what: 'accepted' }, { what: 'dead' }],
    payload: { event: 'message_created', pubsub_token: /^\*+$/ },
  })
  t.match(await ask('list_causes'), { causes: [{ cause: 'PermanentError:ours', dead: 1 }] })
  t.same(await ask('count_replay', { state: 'dead' }), { matched: 1, replayed: 0 })
  t.same(await ask('show_replay_job'), { job: null })
  t.match(await ask('list_lessons', { student: 'renee' }), { lessons: [{ id: '42-aaaa', student: 'Renée' }] })
  t.match(await ask('show_lesson', { id: '42-aaaa' }), { id: '42-aaaa', payment: '60.00 EUR, pi_1' })
  const { deliveries } = await ask('list_deliveries', { state: 'quarantined' })
  t.match(await ask('show_delivery', { id: deliveries[0].id }), { state: 'quarantined' })

  for (const name of CHANGING) await t.rejects(call(name, { id: dead }), { message: `Tool ${name} disabled` })
  t.match(await app.webhooks.inbox.get(dead), { state: 'dead' }, 'nothing has changed')
  for (const secret of [OPERATOR_TOKEN, CHATWOOT_SECRET, 'a-token-of-the-student', 'hunter2']) {
    t.notMatch(said(), secret)
  }
})

tap.test('with --write it replays, and discards', async t => {
  const { app, fixed, url, deliver } = await served(t)
  const { inbox } = app.webhooks
  const ids = [await deliver(1), await deliver(2), await deliver(3), await deliver(4)] as const
  const { client, ask, call } = await assistant(t, url, { args: ['--write'] })
  t.same(
    (await client.listTools()).tools.map(({ name }) => name),
    [...READING, ...CHANGING],
  )
  t.notMatch(client.getInstructions(), 'off')

  t.same(await ask('discard_delivery', { id: ids[0], reason: 'a test' }), { status: 'discarded', id: ids[0] })
  t.match(await call('discard_delivery', { id: ids[0], reason: 'again' }), {
    isError: true,
    text: `The delivery ${ids[0]} is discarded: only parked and dead deliveries can be discarded`,
  })
  t.match(await call('replay_deliveries'), { isError: true, text: /fewer than 1/ }, 'not all of them by mistake')
  t.match(await call('replay_deliveries', { stat: 'dead' }), {
    isError: true,
    text: /^stat is not known: only name, state, source, /,
  })
  t.match(await inbox.backlog(), { dead: 3 }, 'nothing was replayed')

  t.match(await ask('replay_cause', { cause: 'PermanentError:ours', pace: 600, pauseAfter: 1 }), { number: 1 })
  const job = await until('the job to pause', async () => {
    const { job } = await ask('show_replay_job')
    return job.state === 'paused' && job
  })
  t.match(job, { number: 1, failed: 1, why: /^1 in a row failed again/ })
  fixed.now = true
  t.match(await ask('resume_replay_job', { number: 1 }), { number: 1, state: 'running' })
  await until('the job to end', async () => (await ask('show_replay_job')).job.state === 'done')
  t.match(await call('stop_replay_job', { number: 1 }), { isError: true, text: /has ended/ })

  const handled = async (count: number) =>
    until(`${count} to be handled`, async () => (await inbox.list({ state: 'done' })).length === count)
  await handled(2)
  t.same(await ask('replay_delivery', { id: ids[1] }), { status: 'replayed', id: ids[1] })
  await handled(3)
  fixed.now = false
  await deliver(5)
  fixed.now = true
  t.same(await ask('replay_deliveries', { state: 'dead' }), { matched: 1, replayed: 1 })
  await handled(4)
})

tap.test('what can’t be answered says why', async t => {
  const { url, app } = await served(t)
  const { call } = await assistant(t, url)
  t.match(await call('show_delivery', { id: '0123456789' }), { isError: true, text: /There is no delivery 0123456789/ })
  t.match(await call('show_delivery'), { isError: true, text: /must have required property 'id'/ })
  t.match(await call('list_deliveries', { state: 'lost' }), { isError: true, text: /must be equal to one of/ })
  t.match(await call('list_deliveries', { from: 'soon' }), { isError: true, text: /^from must be a time such as/ })
  await t.rejects(call('drop_everything'), /Tool drop_everything not found/)
  await app.close()
  t.match(await call('list_causes'), {
    isError: true,
    text: `${url} can't be reached (ECONNREFUSED): start the server`,
  })
})

tap.test('a wrong token, another program at the URL, a redirect, a content of megabytes', async t => {
  const { url } = await served(t)
  const wrong = await assistant(t, url, { token: 'not-the-token-of-the-operator' })
  t.match(await wrong.call('list_causes'), { isError: true, text: "Wrong token: ADMIN_TOKEN is not the server's" })

  const page = await answering(t, (_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<h1>Hoi</h1>')
  })
  const other = await (await assistant(t, page)).call('show_delivery', { id: 'a/b' })
  t.match(other, { isError: true, text: `${page} answered 200 to GET /deliveries/a%2Fb: is it this service` })

  const asked: unknown[] = []
  const elsewhere = await answering(t, ({ headers }, response) => {
    asked.push(headers.authorization)
    response.end('{}')
  })
  const redirecting = await answering(t, ({ url: path }, response) => {
    response.writeHead(307, { location: `${elsewhere}${path}` }).end()
  })
  t.match(await (await assistant(t, redirecting)).call('list_causes'), { isError: true, text: /answered 307 to GET/ })
  t.same(asked, [], 'the token goes nowhere else')

  const large = await answering(t, (_request, response) => {
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.end(JSON.stringify({ payload: 'x'.repeat(3_000_000) }))
  })
  const { text } = await (await assistant(t, large)).call('show_delivery', { id: '12345678' })
  t.equal(text.length, 100_000 + '… cut after 100000 of 3000014 characters: ask for less'.length)
  t.match(text, /x… cut after 100000 of 3000014 characters: ask for less$/)
})

tap.test('a client of an earlier protocol; stdout has nothing else; it ends with its stdin', async t => {
  const { url } = await served(t)
  const child = startChild(process.execPath, [CLI_FILE, 'mcp', '--url', url], {
    env: { ...ENVIRONMENT, ADMIN_TOKEN: OPERATOR_TOKEN },
    stdio: 'pipe',
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const said = text(child.stderr)
  const lines: { id?: number; result?: object }[] = []
  createInterface(child.stdout).on('line', line => lines.push(JSON.parse(line)))
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const clientInfo = { name: 'old', version: '1' }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
  send({ id: 1, method: 'initialize', params })
  await until('the first answer', () => lines.length === 1)
  t.match(lines[0], { id: 1, result: { protocolVersion: '2025-06-18', serverInfo: { name: 'tutorbot-webhooks' } } })
  send({ method: 'notifications/initialized' })
  child.stdin.write('{"what":"is this"}\n')
  send({ id: 2, method: 'tools/call', params: { name: 'list_causes', arguments: {} } })
  await until('the second answer', () => lines.some(({ id }) => id === 2))
  t.match(lines.at(-1)?.result, { content: [{ type: 'text', text: '{"causes":[]}' }] })
  child.stdin.end()
  t.equal(await ended, 0)
  t.match(await said, /^mcp: /)
})

tap.test('without a token, or without the SDK, it says what to do', async t => {
  t.match(await run({}, 'mcp'), { code: 1, err: "mcp: ADMIN_TOKEN is not set: it must be the server's" })
  t.match(await run({ ADMIN_TOKEN: OPERATOR_TOKEN }, 'mcp', '--url', 'nowhere'), { code: 2, err: /--url nowhere/ })
  const failWith = (code: string) => {
    const hooks = registerHooks({
      resolve(specifier, context, next) {
        if (!specifier.startsWith('@modelcontextprotocol/server')) return next(specifier, context)
        throw Object.assign(new Error('no such package'), { code })
      },
    })
    t.teardown(() => hooks.deregister())
    return hooks
  }
  const missing = failWith('ERR_MODULE_NOT_FOUND')
  t.match(await run({ ADMIN_TOKEN: OPERATOR_TOKEN }, 'mcp'), {
    code: 1,
    err: 'mcp: it needs @modelcontextprotocol/server: npm install @modelcontextprotocol/server@2',
  })
  missing.deregister()
  failWith('ERR_INVALID_PACKAGE_CONFIG')
  t.match(await run({ ADMIN_TOKEN: OPERATOR_TOKEN }, 'mcp'), { code: 1, err: /no such package/ })
})
