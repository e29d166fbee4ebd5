/** Shared by the benchmarks: a server process, the load on it, and the results. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LoadOptions, LoadResult } from './load.ts'

export const CONNECTIONS = 64
/** Everything that a run writes; removed at the end. */
export const folder = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))
const SECRET = 'a secret of the benchmark'

export interface Server {
  child: ChildProcess
  port: number
  /** Its log file. */
  log: string
  /** From start to the first 200, ms. */
  firstAnswerMs: number
  /** Deliveries sent to it so far. */
  sent: number
  /** It has one core to itself, the load has the other. */
  pinned: boolean
}

const file = (name: string) => (isAbsolute(name) ? name : fileURLToPath(new URL(name, import.meta.url)))
const onCore = (core: number, command: string[]) => (hasTaskset() ? ['taskset', '-c', `${core}`, ...command] : command)

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['-c', '0', 'true'])
    return cpus().length > 1
  } catch {
    return false
  }
}

let started = 0

interface StartOptions {
  pinned?: boolean
  env?: NodeJS.ProcessEnv
  /** Deliveries its store already has. */
  sent?: number
}

/** Starts a program in this folder or another checkout's. */
export async function start(
  program: string,
  store = '',
  { pinned = true, env = {}, sent = 0 }: StartOptions = {},
): Promise<Server> {
  const startedAt = performance.now()
  const node = [process.execPath, '--max-semi-space-size=16', file(program)]
  const [command = '', ...args] = pinned ? onCore(0, node) : node
  const log = join(folder, `${basename(program)}.${++started}.log`)
  const child = spawn(command, args, {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: store,
      CW_HMAC_SECRET: SECRET,
      STRIPE_WEBHOOK_SECRET: SECRET,
      MESSAGE_QUIET_MS: '0',
      ...env,
    },
    cwd: folder,
    stdio: ['ignore', openSync(log, 'w'), 'inherit'],
  })
  const server = { child, port: 0, log, sent, firstAnswerMs: 0, pinned }
  while (server.port === 0) {
    server.port = Number(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(log, 'utf8'))?.[1] ?? 0)
    if (child.exitCode !== null) throw new Error(`${program} ended`)
    await sleep(5)
  }
  await load([server], 1, { connections: 1 })
  server.firstAnswerMs = performance.now() - startedAt
  return server
}

export async function stop({ child }: Server): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** Sends new deliveries, spread over the servers. */
export async function load(
  servers: [Server, ...Server[]],
  requests: number,
  more: Partial<LoadOptions> = {},
): Promise<LoadResult> {
  const options: LoadOptions = {
    ports: servers.map(({ port }) => port),
    source: 'chatwoot',
    secret: SECRET,
    connections: CONNECTIONS,
    requests,
    from: Math.max(...servers.map(({ sent }) => sent)) + 1,
    ...more,
  }
  for (const server of servers) server.sent = options.from + requests - 1
  const node = [process.execPath, file('load.ts'), JSON.stringify(options)]
  const [command = '', ...args] = servers[0].pinned ? onCore(1, node) : node
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const result = JSON.parse(line) as LoadResult
  if (result.wrong > 0) throw new Error(`${result.wrong} of ${requests} answers were other ones`)
  return result
}

/** Resident memory of a process, MiB. */
export function rss({ child }: Server): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024
}

export const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number
export const round = (value: number, digits = 0) => Number(value.toFixed(digits))

export function summary(results: LoadResult[]) {
  const of = (field: keyof LoadResult) => median(results.map(result => result[field]))
  return {
    'requests/s': round(of('perSecond')),
    'p50 ms': round(of('p50'), 2),
    'p99 ms': round(of('p99'), 2),
    'max ms': round(of('max'), 1),
  }
}
