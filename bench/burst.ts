/**
 * `npm run bench:burst -- FOLDER [STUDENTS] [ROUNDS]`: this checkout and another one, in turn. STUDENTS (400) write their
 * first message at once, over 32 connections; all are answered by the real handlers, with a stand-in for Chatwoot in this
 * process. How long the acknowledgements take, and what a reply costs.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ChatwootApi, startChatwootApi } from '../sandbox/chatwoot-api.ts'
import type { Call } from '../sandbox/stand-in.ts'
import type { LoadOptions, LoadResult } from './load.ts'

const [other, students = '400', rounds = '5'] = process.argv.slice(2)
if (other === undefined) {
  throw new Error('npm run bench:burst -- FOLDER [STUDENTS] [ROUNDS]: the folder of another checkout')
}
const LOAD = fileURLToPath(new URL('load.ts', import.meta.url))
const SECRET = 'a secret of the benchmark'
/** Of the CPU times in /proc. */
const TICKS_PER_SECOND = 100
const folder = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))

/** A checkout's server, and a Chatwoot of its own. */
interface Side {
  chatwoot: ChatwootApi
  server: ChildProcess
  port: number
  results: { p50: number; p99: number; repliesPerSecond: number; cpuMs: number }[]
}

const sides: Record<string, Side> = {}
try {
  sides.this = await begin('this', fileURLToPath(new URL('..', import.meta.url)))
  sides.other = await begin('other', resolve(other))
  for (let round = 0; round <= Number(rounds); round++) {
    const order = round % 2 === 0 ? Object.values(sides) : Object.values(sides).reverse()
    // The first is the warm-up.
    for (const side of order) await burst(side, 1 + round * Number(students), round > 0)
  }
  report()
} finally {
  for (const { server, chatwoot } of Object.values(sides)) {
    server.kill('SIGTERM')
    await once(server, 'exit')
    await chatwoot.close()
  }
  rmSync(folder, { recursive: true, force: true })
}

async function begin(name: string, path: string): Promise<Side> {
  const chatwoot = await startChatwootApi()
  const { scripts } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const env = {
    PATH: [join(path, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    PORT: '0',
    DATABASE_URL: join(folder, `${name}.db`),
    MESSAGE_QUIET_MS: '0',
    CW_CALLS_PER_MINUTE: '0',
    CW_URL: chatwoot.url,
    CW_ACC_ID: chatwoot.accountId,
    CW_TOKEN: chatwoot.tokens.bot,
    CW_ADMIN_TOKEN: chatwoot.tokens.admin,
    CW_HMAC_SECRET: SECRET,
  }
  const server = spawn('sh', ['-c', scripts.start], { cwd: path, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((found, failed) => {
    createInterface({ input: server.stdout }).on('line', line => {
      const listening = /Server listening at http:[^"]+:(\d+)/.exec(line)
      if (listening) found(Number(listening[1]))
    })
    void once(server, 'exit').then(([code]) => failed(new Error(`${path} ended with ${code}`)))
  })
  return { chatwoot, server, port, results: [] }
}

/** @param from number of the first conversation */
async function burst({ chatwoot, server, port, results }: Side, from: number, isCounted: boolean): Promise<void> {
  const requests = Number(students)
  // As the load numbers them.
  for (let id = from + 1; id <= from + requests; id++) chatwoot.addConversation({ id, contact: id })
  let replies = 0
  const answered = Promise.withResolvers<void>()
  const count = ({ method, path, body }: Call) => {
    if (method === 'POST' && path.endsWith('/messages') && body.private !== true) replies++
    if (replies === requests) answered.resolve()
  }
  chatwoot.traffic.on('call', count)
  const [cpuBefore, begun] = [cpuOf(server), performance.now()]
  const options: LoadOptions = { ports: [port], source: 'chatwoot', secret: SECRET, connections: 32, requests, from }
  const loading = promisify(execFile)(process.execPath, [LOAD, JSON.stringify(options)])
  await answered.promise
  chatwoot.traffic.off('call', count)
  const seconds = (performance.now() - begun) / 1_000
  const { p50, p99, wrong } = JSON.parse((await loading).stdout) as LoadResult
  if (wrong > 0) throw new Error(`${wrong} of ${requests} were not accepted`)
  const cpuMs = (cpuOf(server) - cpuBefore) / requests
  if (isCounted) results.push({ p50, p99, repliesPerSecond: requests / seconds, cpuMs })
}

/** CPU time so far, ms. */
function cpuOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') as string[]
  const [user, system] = fields.slice(11, 13).map(Number) as [number, number]
  return ((user + system) * 1_000) / TICKS_PER_SECOND
}

function report(): void {
  const { this: ours, other: theirs } = sides as Record<'this' | 'other', Side>
  const names = {
    p50: 'acknowledged, p50, ms',
    p99: 'acknowledged, p99, ms',
    repliesPerSecond: 'replies per second',
    cpuMs: 'CPU for a reply, ms',
  }
  const rows = Object.entries(names).map(([key, name]) => {
    const of = ({ results }: Side) => median(results.map(result => result[key as keyof typeof names]))
    return [name, { this: round(of(ours)), other: round(of(theirs)), ratio: round(of(ours) / of(theirs)) }] as const
  })
  console.log(`median of ${rounds} rounds in turn; ${students} first messages at once, over 32 connections`)
  console.table(Object.fromEntries(rows))
}

function round(number: number): number {
  return Math.round(number * 100) / 100
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] as number
}
