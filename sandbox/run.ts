import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import Fastify from 'fastify'
import { serverUrl } from '../commands/server-url.ts'
import { type Env, EnvError } from '../environment.ts'
import { cannotListen } from '../server.ts'
import { isDirectLoopback } from '../sources/direct.ts'
import { standInSettings } from './environment.ts'
import { sandboxFiles, takeFiles } from './files.ts'
import { readLessons } from './lessons.ts'
import { logLines } from './log-lines.ts'
import { offsetClock, type SharedClock } from './offset-clock.ts'
import { sandboxPage } from './page/index.ts'
import { makePrices } from './prices.ts'
import { passOn } from './proxy.ts'
import { removeRun, writeRun } from './run-file.ts'
import { type ServiceControl, type ServiceProcess, serviceProcess } from './service-process.ts'
import { startWorld, type World } from './world.ts'

/**
 * The sandbox's own process: it keeps the page and the stand-ins alive, and starts the service as its child. On HOST and
 * PORT it shows the page, and passes on to the service whatever is not for that.
 */

/** The service ends within 3 s; then this process exits regardless, ms. */
const CLOSE_MS = 8_000

export interface Sandbox {
  /** Of the page. */
  url: string
  service: ServiceControl
  clock: SharedClock
  world: World
  /** What runs where, for people. */
  about: string[]
  close(): Promise<void>
}

/** Runs the sandbox until a signal ends it. @throws what says in one line why it can't start */
export async function runSandbox(config: Env): Promise<void> {
  const { output } = logLines({ terminal: process.stdout.isTTY === true })
  const sandbox = await startSandbox(config, line => console.log(output(line)))
  closeWithGrace({ delay: CLOSE_MS }, async ({ err }) => {
    if (err) console.error(err)
    await sandbox.close()
  })
  for (const line of [...sandbox.about, sandbox.url]) console.log(line)
}

/** Starts all of it. @param onLine told what the service writes @throws {StoreOpenError | EnvError} */
export async function startSandbox(config: Env, onLine: (line: string) => void): Promise<Sandbox> {
  const files = sandboxFiles(config.DATABASE_URL)
  const { release } = takeFiles(files)
  /** What has been opened, for `close`: the last goes first. */
  const opened: (() => unknown)[] = [release, () => removeRun(files.run)]
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    const { server, url } = await listen(config, opened)
    return { ...(await startParts(config, { files, server, url, opened, onLine })), close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Beginning {
  files: ReturnType<typeof sandboxFiles>
  server: Server
  /** Of that server. */
  url: string
  opened: (() => unknown)[]
  onLine(line: string): void
}

/** Listens at once: a port that is in use is said before anything is made. */
async function listen(config: Env, opened: Beginning['opened']): Promise<Pick<Beginning, 'server' | 'url'>> {
  const server = createServer()
  try {
    server.listen(config.PORT, config.HOST)
    await once(server, 'listening')
  } catch (error) {
    throw cannotListen(config, error)
  }
  opened.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port: PORT } = server.address() as AddressInfo
  return { server, url: serverUrl(undefined, { ...config, PORT }) }
}

async function startParts(config: Env, beginning: Beginning): Promise<Omit<Sandbox, 'close'>> {
  const { files, server, url, opened, onLine } = beginning
  const own = offsetClock()
  const secrets = { chatwoot: random(), stripe: `whsec_${random()}` }
  const adminToken = random()
  const world = await startWorld({
    clock: own,
    payUrl: `${url}/sandbox/pay`,
    secrets,
    // Before the first start it is none, and no webhook arrives.
    serviceUrl: () => `${service.url()}`,
  })
  opened.push(() => world.close())
  const prices = makePrices(config, world.stripe)

  const env = serviceEnv(config, { files, world, secrets, adminToken, url, prices })
  const { page: shown } = logLines({ terminal: false })
  const service = serviceProcess({ env, offsetMs: own.offsetMs, onLine, shown })
  opened.push(() => service.close())
  const write = () => writeRun(files.run, { pid: process.pid, url, offsetMs: own.offsetMs(), env })
  const clock: SharedClock = {
    ...own,
    // Neither a webhook from before nor one from after is hours away from the service's own time: it would refuse that.
    move: ms =>
      world.pauseFor(async () => {
        own.move(ms)
        await service.moveClock()
        write()
      }),
  }

  server.on('request', await servePage({ config, files, world, service, clock, adminToken, opened }))
  await service.start()
  if (service.state() === 'stopped') throw new EnvError('the service of the sandbox has ended at its start')
  write()
  return { url: `${url}/sandbox`, service, clock, world, about: describe(files, service, world) }
}

interface Page extends Pick<Beginning, 'files' | 'opened'> {
  config: Env
  world: World
  service: ServiceProcess
  clock: SharedClock
  adminToken: string
}

/** What answers requests: the page, or the service. */
async function servePage({ config, files, opened, adminToken, ...parts }: Page): Promise<RequestListener> {
  const { clock, service } = parts
  const { TZ: zone } = config
  const app = Fastify()
  opened.push(() => app.close())
  const calendar = readLessons({ file: files.store, zone, now: clock.now })
  const admin = { signIn: () => signIn(service, adminToken) }
  await app.register(sandboxPage, { ...parts, calendar, admin, zone })
  // The service has nothing there, and whoever types the port alone means this.
  app.get('/', (request, reply) => (isDirectLoopback(request) ? reply.redirect('/sandbox') : reply.callNotFound()))
  await app.ready()
  return (request, response) => {
    if (/^\/(?:sandbox(?:[/?]|$)|$)/.test(request.url as string)) app.routing(request, response)
    else passOn(request, response, service.state() === 'running' ? service.url() : undefined)
  }
}

/** Signs in to the dashboard as a browser does. The cookies of the answer. */
async function signIn(service: ServiceControl, token: string): Promise<string[]> {
  const body = new URLSearchParams({ token })
  const answer = await fetch(`${service.url()}/dashboard/sign-in`, { method: 'POST', body, redirect: 'manual' })
  return answer.headers.getSetCookie()
}

function serviceEnv(
  config: Env,
  {
    files,
    world,
    secrets,
    adminToken,
    url,
    prices,
  }: Pick<Page, 'files' | 'world' | 'adminToken'> & {
    secrets: { chatwoot: string; stripe: string }
    url: string
    /** The variables of prices. */
    prices: Record<string, string>
  },
): Record<string, string> {
  return {
    ...standInSettings(world, secrets),
    PORT: '0',
    HOST: '127.0.0.1',
    LOG_LEVEL: config.LOG_LEVEL,
    DATABASE_URL: files.store,
    TZ: config.TZ,
    RETENTION_DAYS: `${config.RETENTION_DAYS}`,
    DEDUP_DAYS: `${config.DEDUP_DAYS}`,
    PUBLIC_URL: url,
    ADMIN_TOKEN: adminToken,
    CALENDAR_TOKEN: random(),
    ...prices,
    ...(config.TUTOR_FILE !== undefined && { TUTOR_FILE: config.TUTOR_FILE }),
  }
}

function describe({ store }: Page['files'], service: ServiceControl, { chatwoot, stripe }: World): string[] {
  return [
    `the service: ${service.url()}, a process of its own; its store, begun anew at each start of the sandbox: ${store}`,
    `stand-ins: for Chatwoot ${chatwoot.url}, for Stripe ${stripe.url}`,
    'nothing in here reaches another machine; the sandbox, where you are the student, the tutor and the bank, is at:',
  ]
}

const random = () => randomBytes(24).toString('base64url')
