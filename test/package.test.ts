import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startChild } from './helpers/child.ts'

/** The package as npm packs it, installed into an empty project: plain JavaScript, types, the command. */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(ROOT, 'node_modules/.bin/tsc')
/** Outside this folder, or our own node_modules would supply dependencies that the package forgot to declare. */
const PROJECT = realpathSync(mkdtempSync(join(tmpdir(), 'tutorbot-package-')))
t.teardown(() => rmSync(PROJECT, { recursive: true, force: true }))

/** The lowest version of the range in peerDependencies. */
const OLDEST_FASTIFY = '5.0.0'

const USE_JS = `
import Fastify from 'fastify'
import webhooks, { PermanentError, signChatwoot, TransientError } from 'tutorbot-webhooks'

const app = Fastify()
const handled = Promise.withResolvers()
await app.register(webhooks, {
  prefix: '/hooks',
  chatwoot: { secrets: ['s3cret'] },
  store: 'webhooks.db',
  handlers: { chatwoot: { contact_created: delivery => handled.resolve(delivery.payload.id) } },
  operator: { token: 'the-token-of-the-operator' },
})
const payload = JSON.stringify({ event: 'contact_created', id: 5, account: { id: 1 } })
const post = headers => app.inject({ method: 'POST', url: '/hooks/cw', payload, headers })
const answers = [await post(signChatwoot(payload, 's3cret')), await post(signChatwoot(payload, 'another'))]
const id = await handled.promise
const files = ['sign-in', 'page.css', 'page.js', 'icon.svg', 'uplot.css', 'uplot.js'].map(name => '/hooks/dashboard/' + name)
const page = await Promise.all(files.map(async url => (await app.inject(url)).statusCode))
await app.close()
const classes = [PermanentError, TransientError].map(error => new error('x') instanceof Error)
console.log(JSON.stringify({ answers: answers.map(answer => [answer.statusCode, answer.json()]), id, page, classes }))
`

const USE_TS = `
import Fastify, { type FastifyInstance } from 'fastify'
import webhooks, {
  type Delivery, type DeliveryFilter, type Handler, type HandlerContext, type HandlerOf, type Inbox, PermanentError,
  signChatwoot, type StoredDelivery, verification, type WebhookEvents, type WebhooksOptions,
} from 'tutorbot-webhooks'

declare module 'tutorbot-webhooks' {
  interface WebhookPayloads {
    calcom: { BOOKING_CREATED: { uid: string } }
  }
}

const onMessage: HandlerOf<'chatwoot', 'message_created'> = ({ payload }) => payload.content?.length
const onContact: Handler = async (delivery: Delivery, context: HandlerContext) => {
  if (delivery.payload.id === undefined) throw new PermanentError('no id')
  const attempt: number = context.attempt
  const done: string = await context.once(delivery.id, async () => 'x')
  context.log.info({ attempt, done })
}
const options: WebhooksOptions = {
  prefix: '/hooks',
  chatwoot: { path: '/cw', secrets: ['s'] },
  stripe: { secrets: ['whsec_s'] },
  store: 'w.db',
  inbox: { concurrency: 5 },
  handlers: {
    contact_created: onContact,
    chatwoot: { message_created: { handle: onMessage, gaveUp: ({ payload }, { chatwoot }) => [payload.conversation.id, chatwoot] } },
    stripe: { 'charge.refunded': ({ payload }) => payload.data.object.amount_refunded.toFixed() },
    calcom: { BOOKING_CREATED: ({ payload }) => payload.uid.length },
  },
}
const app: FastifyInstance = Fastify()
await app.register(webhooks, options)
app.post('/other', { preParsing: app.keepRawBody, preHandler: [app.verifyChatwoot, app.logDelivery] }, async request => {
  const raw: Buffer | string | undefined = request.rawBody
  return { raw }
})
const inbox: Inbox = app.webhooks.inbox
const filter: DeliveryFilter = { state: 'dead' }
export const dead: StoredDelivery[] = await inbox.list(filter)
export const live: boolean | undefined = app.webhooks.stripe?.livemode
export const account: string | undefined = app.webhooks.chatwoot?.accountId
export const headers: Record<string, string> = signChatwoot('{}', 's')
await Fastify().register(verification, { chatwoot: { secrets: ['s'] } })

// Untyped values would pass as any: these must be errors.
// @ts-expect-error
await app.register(webhooks, { handlers: { x: 'not a function' } })
// @ts-expect-error
await app.register(webhooks, { handlers: { chatwoot: { mesage_created: onMessage } } })
// @ts-expect-error
await app.register(webhooks, { handlers: { calcom: { BOOKING: () => {} } } })
app.webhooks.events.on('handled', (...[handled]: WebhookEvents['handled']) => handled.result === 'done')
// @ts-expect-error
await inbox.list({ state: 'lost' })
// @ts-expect-error
app.webhooks.nothing
`

/** The strictest type checks, of our own declarations too. */
const TSCONFIG = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
  },
  files: ['use.ts'],
}

/** A host with the oldest supported Fastify: the plugin uses the host's own, whose errors it throws, too. */
const HOST_JS = `
import { globSync, realpathSync } from 'node:fs'
import Fastify from 'fastify'
import webhooks, { signChatwoot } from 'tutorbot-webhooks'

const app = Fastify()
const errors = []
app.addHook('onError', async (_request, _reply, error) => errors.push(error))
await app.register(webhooks, { chatwoot: { secrets: ['s3cret'] }, store: 'webhooks.db' })
const post = payload => app.inject({ method: 'POST', url: '/cw', payload, headers: signChatwoot(payload, 's3cret') })
const accepted = await post(JSON.stringify({ event: 'message_created', id: 5, conversation: { id: 1 }, account: { id: 1 } }))
const tooLarge = await post(JSON.stringify('x'.repeat(5e6)))
await app.close()
console.log(JSON.stringify({
  version: app.version,
  copies: new Set(globSync('node_modules/{,.pnpm/*/node_modules/}{,*/node_modules/}fastify/package.json').map(file => realpathSync(file))).size,
  answers: [accepted.json().status, tooLarge.statusCode],
  isHosts: errors.map(error => error instanceof Fastify.errorCodes.FST_ERR_CTP_BODY_TOO_LARGE),
}))
`

/** Puts this Node first, as npm does for scripts, without the settings that a surrounding `npm test` passes down. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  return { ...Object.fromEntries(kept), PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
}

/** The URL that a command of the package serves, in a project. */
async function serve(t: Test, cwd: string, args: string[] = []): Promise<{ url: string; end(): Promise<unknown> }> {
  const env = {
    ...environment(),
    PORT: '0',
    DATABASE_URL: join(cwd, 'command.db'),
    ...(args.length === 0 && { SANDBOX: 'false' }),
  }
  const child = startChild(join(cwd, 'node_modules/.bin/tutorbot-webhooks'), args, { cwd, env })
  const exited = once(child, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      // The sandbox's last line, or the server's.
      const listening =
        /^(http:\S+\/sandbox)$/.exec(line)?.[1] ??
        (args.length === 0 && /Server listening at (http:[^"]+)/.exec(line)?.[1])
      if (listening) resolve(listening)
    })
    void exited.then(([code]) => reject(new Error(`the command ended with ${code}`)))
  })
  return {
    url,
    end() {
      child.kill('SIGTERM')
      return exited
    },
  }
}

async function run(cwd: string, command: string, ...args: string[]) {
  // tap gives every child its own loaders by NODE_OPTIONS; a project that installs us has none.
  const child = startChild('sh', ['-c', 'unset NODE_OPTIONS; exec "$0" "$@"', command, ...args], {
    cwd,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}\n${out}\n${err}`)
  return out
}

interface Packed {
  filename: string
  files: { path: string }[]
}

t.test('the package', async t => {
  const answer = await run(ROOT, 'npm', 'pack', '--json', '--silent', '--pack-destination', PROJECT)
  // The build's own lines come first.
  const [packed] = JSON.parse(answer.slice(answer.search(/^\[$/m))) as [Packed]

  t.test('contains what is used, and nothing else', async t => {
    const paths = packed.files.map(({ path }) => path)
    const built =
      /^(dist\/(app|environment|options|server|(plugins|routes|sources|handlers|backends|inbox|calendar|clients|operator|sandbox|commands|tracing|tutor)\/[\w/-]+)\.(js|d\.ts)|dist\/(operator|sandbox)\/public\/[\w.]+|(ops|examples)\/[\w.-]+|ops\/apache\/[\w.-]+|docs\/[\w-]+\.md)$/
    t.same(paths.filter(path => !built.test(path)).sort(), [
      '.env.example',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'commands/bin.cjs',
      'package.json',
    ])
    for (const path of ['dist/app.js', 'dist/app.d.ts', 'dist/server.js', 'dist/inbox/sqlite/store.js'])
      t.ok(paths.includes(path), path)
    // The pictures are ten times as large as everything else.
    const links = readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)
    for (const [, link = ''] of links)
      t.ok(link.endsWith('.webp') || paths.some(path => path === link || path.startsWith(`${link}/`)), link)
  })

  writeFileSync(join(PROJECT, 'package.json'), '{"name":"empty","private":true,"type":"module"}')
  const settings = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run(PROJECT, 'npm', 'install', ...settings, `./${packed.filename}`)

  t.test('works in plain JavaScript', async t => {
    writeFileSync(join(PROJECT, 'use.js'), USE_JS)
    t.match(JSON.parse(await run(PROJECT, process.execPath, 'use.js')), {
      answers: [
        [200, { status: 'accepted', id: /^[0-9a-f-]{36}$/ }],
        [401, { statusCode: 401, code: 'WEBHOOK_SIGNATURE_MISMATCH' }],
      ],
      id: 5,
      page: [200, 200, 200, 200, 200, 200],
      classes: [true, true],
    })
  })

  t.test('is typed', async t => {
    writeFileSync(join(PROJECT, 'use.ts'), USE_TS)
    writeFileSync(join(PROJECT, 'tsconfig.json'), JSON.stringify(TSCONFIG))
    await run(PROJECT, 'npm', 'install', ...settings, `@types/node@${process.versions.node.split('.')[0]}`)
    t.equal(await run(PROJECT, TSC, '-p', '.'), '')
  })

  t.test('has commands', async t => {
    const command = join(PROJECT, 'node_modules/.bin/tutorbot-webhooks')
    t.match(await run(PROJECT, command, '--help'), /^Usage: tutorbot-webhooks .*catch-up/s)
    const mcp = run(PROJECT, 'env', 'ADMIN_TOKEN=the-token-of-the-operator', command, 'mcp')
    await t.rejects(
      mcp,
      /ended with 1\n.*npm install @modelcontextprotocol\/server@2/s,
      'an optional peer is not there',
    )
    await t.rejects(run(PROJECT, command, 'nonsense'), /ended with 2\n.*unknown command 'nonsense'/s)
  })

  t.test('has a command that serves', async t => {
    const { url, end } = await serve(t, PROJECT)
    t.same(await (await fetch(`${url}/health`)).json(), { status: 'ok' })
    t.same(await end(), [0, null])
  })

  t.test('has the sandbox, with its files', async t => {
    const { url, end } = await serve(t, PROJECT, ['sandbox'])
    const page = await (await fetch(url)).text()
    const files = [...page.matchAll(/(?:href|src)="(\/sandbox\/[\w.-]+\.(?:css|js|svg))/g)].map(([, file]) => `${file}`)
    t.ok(files.length > 3)
    for (const file of files) t.equal((await fetch(new URL(file, url))).status, 200, file)
    t.same(await end(), [0, null])
  })

  // The tests above use the newest Fastify, installed by npm.
  for (const [manager, ...install] of [
    ['npm', 'install', ...settings],
    ['pnpm', 'install', '--ignore-scripts'],
    ['yarn', 'install', '--ignore-scripts', '--no-lockfile', '--silent'],
  ] as [string, ...string[]][]) {
    t.test(`${manager} installs it into a host with the oldest Fastify 5, whose only one it is`, async t => {
      const host = join(PROJECT, 'hosts', manager)
      mkdirSync(host, { recursive: true })
      const dependencies = {
        fastify: OLDEST_FASTIFY,
        'tutorbot-webhooks': `file:${join(PROJECT, packed.filename)}`,
        '@types/node': process.versions.node.split('.')[0],
      }
      writeFileSync(join(host, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
      const command = manager === 'npm' ? ['npm'] : ['npm', 'exec', '--yes', '--prefer-offline', manager, '--']
      await run(host, ...(command as [string]), ...install)
      writeFileSync(join(host, 'host.js'), HOST_JS)
      t.same(JSON.parse(await run(host, process.execPath, 'host.js')), {
        version: OLDEST_FASTIFY,
        copies: 1,
        answers: ['accepted', 413],
        isHosts: [true],
      })
      writeFileSync(join(host, 'use.ts'), USE_TS)
      writeFileSync(join(host, 'tsconfig.json'), JSON.stringify(TSCONFIG))
      t.equal(await run(host, TSC, '-p', '.'), '')
      const { url, end } = await serve(t, host)
      t.same(await (await fetch(`${url}/health`)).json(), { status: 'ok' })
      t.same(await end(), [0, null])
    })
  }
})
