import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ENV_SCHEMA, readEnv } from '../../environment.ts'
import { choicesOf } from '../../sandbox/chatwoot-people.ts'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import { sandboxFiles } from '../../sandbox/files.ts'
import { readLessons } from '../../sandbox/lessons.ts'
import { startSandbox } from '../../sandbox/run.ts'
import { findRun } from '../../sandbox/run-file.ts'
import { cli } from '../helpers/cli.ts'
import { startProgram } from '../helpers/program.ts'
import { until } from '../helpers/wait.ts'

const BIN = fileURLToPath(new URL('../../commands/bin.cjs', import.meta.url))
const HOUR = 3_600_000

/** `npm start`, or another command line, in a folder of its own. */
function npmStart(t: Test, env: Record<string, string>, { args = [BIN], cwd = t.testdir() } = {}) {
  const others = Object.entries(process.env).filter(
    ([name]) =>
      !(name in ENV_SCHEMA.properties) && !['INVOCATION_ID', 'LISTEN_FDS', 'NOTIFY_SOCKET', 'NODE_ENV'].includes(name),
  )
  const program = startProgram('npm start', [process.execPath, ...args], {
    cwd,
    env: { ...Object.fromEntries(others), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => program.end('SIGKILL'))
  return { ...program, cwd }
}

async function sandboxOf(t: Test, more: Record<string, string> = {}, folder = t.testdir()) {
  const where = join(folder, 'webhooks.db')
  const lines: string[] = []
  const config = await readEnv({ env: { PORT: '0', DATABASE_URL: where, ...more } })
  const sandbox = await startSandbox(config, line => void lines.push(line))
  t.teardown(() => sandbox.close())
  return { ...sandbox, where, lines, origin: new URL(sandbox.url).origin }
}

t.test('npm start with nothing configured ends its start with the URL of the page', async t => {
  for (const args of [[BIN], [BIN, 'sandbox']]) {
    const { line, lines, child, end, cwd, ended, errors } = npmStart(t, {}, { args })
    const url = await line(/^http:\/\/127\.0\.0\.1:\d+\/sandbox$/)
    t.match(
      lines.slice(-5).join('\n'),
      /Server listening.*\nthe service: http.*\nstand-ins: .*\nnothing in here reaches/,
    )
    t.match(await (await fetch(url)).text(), /<h1/)
    t.same(await (await fetch(new URL('/health', url))).json(), { status: 'ok' })
    const { err, code, out } = await cli({ PORT: new URL(url).port }, ['simulate'], { cwd })
    t.match(
      { code, err, last: out.trimEnd().split('\n').at(-1) },
      { code: 0, err: '', last: `${new URL(url).origin}: 33 as expected, 0 not` },
    )

    const second = npmStart(t, {}, { cwd })
    t.equal(await second.ended, 1)
    t.equal(
      second.errors(),
      'tutorbot-webhooks did not start: DATABASE_URL: data/sandbox.json is in use by another process; stop that one, or give another file\n',
    )
    t.equal((await fetch(url)).status, 200, 'and the first one goes on')

    child.kill(args.length === 1 ? 'SIGINT' : 'SIGTERM')
    t.equal(await ended, 0)
    t.equal(errors(), '')
    t.same(
      readdirSync(join(cwd, 'data')).filter(name => !name.includes('.lock')),
      ['sandbox.db'],
    )
    await end('SIGKILL')
  }
})

t.test('what it can’t have is one line', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  const cwd = t.testdir({ file: '', '.env': 'LOG_LEVEL=silent' })
  const failing: [Record<string, string>, RegExp, string[]?][] = [
    [{ PORT: `${port}` }, new RegExp(`^tutorbot-webhooks did not start: PORT ${port} on 127.0.0.1 is in use: .*\\n$`)],
    [
      { DATABASE_URL: 'file/x.db' },
      /^tutorbot-webhooks did not start: DATABASE_URL: file\/sandbox\.json can't be written \(.*\n$/,
    ],
    [
      { DATABASE_URL: 'sandbox.db' },
      /^tutorbot-webhooks did not start: DATABASE_URL: sandbox\.db is a file that the sandbox .*\n$/,
    ],
    [
      { SANDBOX: 'true', CW_URL: 'http://x' },
      /^tutorbot-webhooks did not start: SANDBOX is true, but CW_URL is set: .*\n$/,
    ],
    [
      { NODE_ENV: 'production' },
      /^sandbox: it is the sandbox that is asked for, but NODE_ENV is production: .*\n$/,
      [BIN, 'sandbox'],
    ],
  ]
  for (const [env, line, args = [BIN]] of failing) {
    const { ended, errors } = npmStart(t, env, { cwd, args })
    t.equal(await ended, 1)
    t.match(errors(), line)
  }
})

t.test('as soon as something is configured it is the server, which says so', async t => {
  const server = npmStart(t, {}, { cwd: t.testdir({ '.env': 'CALENDAR_TOKEN=the-token-of-the-calendar' }) })
  t.match(JSON.parse(await server.line(/sandbox/)), { level: 30, msg: 'sandbox: off, CALENDAR_TOKEN is set' })
  t.match(server.lines.join('\n'), /Server listening/)
  await server.end('SIGTERM')
  for (const env of [{ SANDBOX: 'false' }, { NODE_ENV: 'production' }] as Record<string, string>[]) {
    const { line, lines, end } = npmStart(t, env)
    await line(/Server listening/)
    t.equal(await end('SIGTERM'), 0)
    t.notMatch(lines.join('\n'), /sandbox/)
  }
})

t.test('off, nothing of it is loaded', async t => {
  const cwd = t.testdir({
    'loaded.mjs': `
      import { registerHooks } from 'node:module'
      import { writeFileSync } from 'node:fs'
      const urls = []
      registerHooks({ load(url, context, next) { urls.push(url); return next(url, context) } })
      process.once('exit', () => writeFileSync(process.env.LOADED, urls.join('\\n')))`,
  })
  const loadedBy = async (file: string) => {
    const LOADED = join(cwd, 'loaded.txt')
    const args = ['--import', join(cwd, 'loaded.mjs'), fileURLToPath(new URL(`../../${file}`, import.meta.url))]
    const { line, end } = npmStart(t, { SANDBOX: 'false', LOADED }, { cwd, args })
    await line(/Server listening/)
    t.equal(await end('SIGTERM'), 0)
    return readFileSync(LOADED, 'utf8')
      .split('\n')
      .map(url => url.replace(/^.*\/(?=[^/]+\/[^/]+$)/, ''))
  }
  const [server, start] = [new Set(await loadedBy('server.ts')), await loadedBy('commands/bin.cjs')]
  t.same(start.filter(url => !server.has(url)).sort(), [
    'commands/bin.cjs',
    'commands/wanted.ts',
    'commands/without-command.ts',
  ])
  t.ok(server.size > 100)
})

t.test('what is not paid in time lapses when the clock moves on, in the service too', async t => {
  const { world, clock, where } = await sandboxOf(t)
  const { week } = readLessons({ file: sandboxFiles(where).store, zone: 'Europe/Amsterdam', now: () => clock.now() })
  const holds = async () => (await week(clock.now() - HOUR)).holds.length
  const id = world.addStudent({ name: 'Sanne', channel: 'whatsapp', language: 'nl' })
  const conversation = () => world.chatwoot.conversations.get(id) as ConversationState
  const question = (title: RegExp) =>
    until(`a choice like ${title}`, () => {
      const asked = conversation().messages.findLast(({ content_type }) => content_type === 'input_select')
      const choice = asked && choicesOf(asked).find(item => title.test(item.title))
      return choice && { message: asked.id, value: String(choice.value) }
    })
  world.say(id, 'Hoi')
  const book = await question(/^Les boeken$/)
  world.choose(id, book.message, book.value)
  const time = await question(/^\w\w \d+ \w+ \d\d:\d\d$/)
  world.choose(id, time.message, time.value)
  await until('a session', () => world.stripe.sessions.size > 0)
  await until('a hold', async () => (await holds()) === 1)
  t.match(findRun(where), { pid: process.pid, offsetMs: 0 })

  // In the middle of what the service has to say about it.
  await clock.move(3 * HOUR)
  t.match(findRun(where), { offsetMs: 3 * HOUR })
  t.same(
    world.wire.filter(({ kind, status }) => kind === 'webhook' && status !== null && status !== 200),
    [],
    'nothing is refused: what was on its way was answered before, what came after is signed by the new time',
  )
  const expired = await until('the webhook', () =>
    world.wire.find(({ event, status }) => event === 'checkout.session.expired' && status),
  )
  t.equal(expired.status, 200, 'the service has the same time')
  t.equal(await holds(), 0)
  await until('what the student is told', () =>
    /vervallen/.test(conversation().messages.findLast(({ message_type }) => message_type === 1)?.content ?? ''),
  )
})

t.test('the tutor’s settings are in force in it', async t => {
  const lessons = [{ minutes: 45, prices: { all: 'price_45' } }]
  const folder = t.testdir({ 'own.json': JSON.stringify({ lessons }) })
  const { world } = await sandboxOf(t, { TUTOR_FILE: join(folder, 'own.json') }, folder)
  const id = world.addStudent({ name: 'Sanne', channel: 'whatsapp', language: 'nl' })
  world.say(id, 'Wat kost het?')
  await until('the price', () =>
    world.chatwoot.conversations.get(id)?.messages.some(({ content }) => /^45 minuten: € 50,00$/m.test(`${content}`)),
  )
})

t.test('an error that nobody expected ends it, and its service, with 1', async t => {
  const cwd = t.testdir({ 'thrower.mjs': "process.on('SIGUSR2', () => { throw new Error('nobody expected this') })" })
  const { line, child, ended, errors } = npmStart(t, {}, { cwd, args: ['--import', join(cwd, 'thrower.mjs'), BIN] })
  await line(/\/sandbox$/)
  child.kill('SIGUSR2')
  t.equal(await ended, 1)
  t.match(errors(), /nobody expected this/)
  t.notOk(findRun(join(cwd, 'data/webhooks.db')))
})

t.test('the port: the page, and everything else is the service’s', async t => {
  const { origin, url, service, world } = await sandboxOf(t, { LOG_LEVEL: 'silent' })
  t.equal((await fetch(url)).status, 200)
  t.equal((await fetch(`${origin}/sandbox?week=1`)).status, 200)
  t.equal((await fetch(`${origin}/sandboxes`)).status, 404)
  t.equal((await fetch(origin)).url, url, 'the port alone leads there')
  t.equal((await fetch(origin, { headers: { via: '1.1 proxy' } })).status, 404, 'but not whoever may not see it')
  t.equal((await fetch(`${origin}/paid`)).status, 200, 'where students land after paying')
  const dashboard = await fetch(`${origin}/dashboard`, { redirect: 'manual' })
  t.match(dashboard.headers.get('location'), /^\/dashboard\/sign-in/)

  const page = await (await fetch(url)).text()
  const form = /<form[^>]*action="(\/sandbox\/do\/dashboard)"[^>]*>([\s\S]*?)<\/form>/.exec(page)
  t.ok(form, 'a form that opens the dashboard')
  const fields = [...String(form?.[2]).matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
    name,
    value,
  ])
  const opened = await fetch(`${origin}${form?.[1]}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin },
    body: new URLSearchParams(fields as [string, string][]),
  })
  t.equal(opened.status, 303)
  const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] as string
  t.match(await (await fetch(`${origin}/dashboard`, { headers: { cookie } })).text(), /Sign out/)

  await service.kill()
  t.equal((await fetch(`${origin}/health`)).status, 502)
  t.equal((await fetch(url)).status, 200, 'the page stays')
  await service.start()
  t.equal((await fetch(`${origin}/health`)).status, 200)
  t.ok(world.wire.length >= 0)
})

t.test('a service that can’t start ends the sandbox, and leaves nothing behind', async t => {
  const folder = t.testdir()
  const lines: string[] = []
  const config = await readEnv({ env: { PORT: '0', DATABASE_URL: join(folder, 'x.db'), TZ: 'Nowhere/Land' } })
  const onLine = (line: string) => void lines.push(line)
  await t.rejects(startSandbox(config, onLine), {
    name: 'EnvError',
    message: 'the service of the sandbox has ended at its start',
  })
  t.match(lines.at(-2), /^tutorbot-webhooks did not start: .*Nowhere\/Land/)
  t.notOk(readdirSync(folder).includes('sandbox.json'))
})
