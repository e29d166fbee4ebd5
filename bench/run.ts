/**
 * `npm run bench`: the service beside the yardstick, in one run on the same deliveries, the server alone on its core.
 * Prints the tables of the README. Options: --requests N (a round's), --rounds N, --rows N (stored before), --long N
 * (deliveries of the memory run), --prune N and --backup N (rows with payloads, pruned or copied under load; not
 * unless asked for); 0 leaves a part out.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openSqliteStore } from '../plugins/inbox/sqlite-store.ts'
import type { LoadOptions, LoadResult } from './load.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '3' },
    rows: { type: 'string', default: '1000000' },
    long: { type: 'string', default: '500000' },
    prune: { type: 'string', default: '0' },
    backup: { type: 'string', default: '0' },
    rate: { type: 'string', default: '1000' },
  },
})
const REQUESTS = Number(values.requests)
const ROUNDS = Number(values.rounds)
const SECRET = 'a secret of the benchmark'
const CONNECTIONS = 64
const folder = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))

interface Server {
  child: ChildProcess
  port: number
  /** From its start to its first 200, ms. */
  firstAnswerMs: number
  /** Deliveries sent to it so far. */
  sent: number
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
/** On one core each, where there is taskset. */
const pinned = (core: number, command: string[]) => (hasTaskset() ? ['taskset', '-c', `${core}`, ...command] : command)

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['-c', '0', 'true'])
    return cpus().length > 1
  } catch {
    return false
  }
}

async function start(program: string, store = ''): Promise<Server> {
  const startedAt = performance.now()
  const [command = '', ...args] = pinned(0, [process.execPath, '--max-semi-space-size=16', file(program)])
  const env = { PATH: process.env.PATH, DATABASE_URL: store, CW_HMAC_SECRET: SECRET, STRIPE_WEBHOOK_SECRET: SECRET }
  const log = join(folder, `${program}.log`)
  const child = spawn(command, args, { env, cwd: folder, stdio: ['ignore', openSync(log, 'w'), 'inherit'] })
  let port = 0
  while (port === 0) {
    port = Number(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(log, 'utf8'))?.[1] ?? 0)
    if (child.exitCode !== null) throw new Error(`${program} ended`)
  }
  const server = { child, port, sent: 0, firstAnswerMs: 0 }
  await load(server, 1, { connections: 1 })
  server.firstAnswerMs = performance.now() - startedAt
  return server
}

async function stop({ child }: Server): Promise<void> {
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function load(server: Server, requests: number, more: Partial<LoadOptions> = {}): Promise<LoadResult> {
  const options: LoadOptions = {
    port: server.port,
    source: 'chatwoot',
    secret: SECRET,
    connections: CONNECTIONS,
    requests,
    from: server.sent + 1,
    ...more,
  }
  server.sent += requests
  const [command = '', ...args] = pinned(1, [process.execPath, file('load.ts'), JSON.stringify(options)])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const result = JSON.parse(line) as LoadResult
  if (result.wrong > 0) throw new Error(`${result.wrong} of ${requests} answers were not accepted`)
  return result
}

/** Resident memory of a process, MiB. */
function rss({ child }: Server): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1_024
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number
const round = (value: number, digits = 0) => Number(value.toFixed(digits))

function summary(results: LoadResult[]) {
  const of = (field: keyof LoadResult) => median(results.map(result => result[field]))
  return {
    'requests/s': round(of('perSecond')),
    'p50 ms': round(of('p50'), 2),
    'p99 ms': round(of('p99'), 2),
    'max ms': round(of('max'), 1),
  }
}

/** Handled rows as they are after their payload's retention, written straight into the file. */
async function fill(store: string, rows: number, { age = 0, bodies = false } = {}): Promise<void> {
  await openSqliteStore(store).close()
  const db = new DatabaseSync(store)
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144')
  for (let from = 0; from < rows; from += 100_000) {
    db.exec(`
      WITH RECURSIVE n(i) AS (SELECT ${from + 1} UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.min(rows, from + 100_000)})
      INSERT INTO delivery (id, source, event, key, ordering_key, state, attempts, received_at, settled_at)
      SELECT lower(printf('%s-%s-8%s-a%s-%s', hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2),
        substr(hex(randomblob(2)), 2), hex(randomblob(6)))),
        'chatwoot', 'message_created', '1:' || i || '_' || i || '_message_created', 'conversation:1:' || i % 5000,
        'done', 1, ${Date.now() - age}, ${Date.now() - age} FROM n`)
  }
  if (bodies) db.exec('INSERT INTO body SELECT seq, zeroblob(2700) FROM delivery')
  db.exec(
    'INSERT INTO known SELECT id, seq FROM delivery ORDER BY id; UPDATE indexed SET seq = (SELECT max(seq) FROM delivery)',
  )
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

async function compare(): Promise<void> {
  const bare = await start('yardstick.ts')
  const service = await start('service.ts', join(folder, 'empty.db'))
  const results: Record<string, LoadResult[]> = { bare: [], service: [], stripe: [], half: [] }
  // The first round warms both up.
  for (let n = 0; n <= ROUNDS; n++) {
    const measured = {
      bare: await load(bare, REQUESTS),
      service: await load(service, REQUESTS),
      stripe: await load(service, REQUESTS, { source: 'stripe' }),
    }
    if (n === 0) continue
    for (const [name, result] of Object.entries(measured)) results[name]?.push(result)
  }
  const full = summary(results.service as LoadResult[])
  for (let n = 0; n < ROUNDS; n++) {
    results.half?.push(await load(service, Math.ceil(REQUESTS / 2), { rate: full['requests/s'] / 2 }))
  }
  const yardstick = summary(results.bare as LoadResult[])
  const ratio = (row: { 'requests/s': number }) => round(row['requests/s'] / yardstick['requests/s'], 2)
  const stripe = summary(results.stripe as LoadResult[])
  console.table({
    '(a) bare Fastify, nothing stored': { ...yardstick, 'RSS MiB': round(rss(bare)), '/ (a)': 1 },
    '(b) this service, stored for good': { ...full, 'RSS MiB': round(rss(service)), '/ (a)': ratio(full) },
    '(b) with Stripe deliveries': { ...stripe, 'RSS MiB': round(rss(service)), '/ (a)': ratio(stripe) },
    '(b) at half of its full load': { ...summary(results.half as LoadResult[]), 'RSS MiB': round(rss(service)) },
  })
  console.log(`start to first 200: ${round(service.firstAnswerMs)} ms`)
  await Promise.all([stop(bare), stop(service)])
}

/** An empty store and a full one, in turn. */
async function compareRows(rows: number): Promise<void> {
  const store = join(folder, 'full.db')
  await fill(store, rows)
  const empty = await start('service.ts', join(folder, 'empty2.db'))
  const full = await start('service.ts', store)
  full.sent = rows * 10
  const results: { empty: LoadResult[]; full: LoadResult[] } = { empty: [], full: [] }
  for (let n = 0; n <= ROUNDS; n++) {
    const measured = { empty: await load(empty, REQUESTS), full: await load(full, REQUESTS) }
    if (n === 0) continue
    results.empty.push(measured.empty)
    results.full.push(measured.full)
  }
  const [a, b] = [summary(results.empty), summary(results.full)]
  console.table({
    'an empty store': a,
    [`${rows} rows stored`]: { ...b, '/ empty': round(b['requests/s'] / a['requests/s'], 2) },
  })
  await Promise.all([stop(empty), stop(full)])
}

const DAY = 24 * 60 * 60 * 1_000

/** Acknowledgements at a steady rate while nothing is to be pruned, and until rows with their keys are. */
async function comparePruning(rows: number): Promise<void> {
  const requests = 30 * Number(values.rate)
  const table: Record<string, object> = {}
  for (const [name, age] of [
    ['nothing to prune', 0],
    [`${rows} rows are pruned`, 40 * DAY],
  ] as const) {
    const store = join(folder, `prune-${age}.db`)
    await fill(store, rows, { age, bodies: true })
    const server = await start('service.ts', store)
    server.sent = rows * 10
    const db = new DatabaseSync(store, { readOnly: true })
    const left = db.prepare('SELECT count(*) AS rows FROM body WHERE seq <= ?')
    const startedAt = performance.now()
    const results: LoadResult[] = []
    do results.push(await load(server, requests, { rate: Number(values.rate) }))
    while (age === 0 ? results.length < 4 : Number(left.get(rows)?.rows) > 0)
    db.close()
    // The first warms up.
    table[name] = {
      ...summary(results.slice(results.length > 1 ? 1 : 0)),
      'took s': round((performance.now() - startedAt) / 1_000),
    }
    await stop(server)
    rmSync(store)
  }
  console.table(table)
}

/** Acknowledgements at a steady rate while the store is backed up, and while it is not. */
async function compareBackup(rows: number): Promise<void> {
  const store = join(folder, 'backup.db')
  await fill(store, rows, { bodies: true })
  const server = await start('service.ts', store)
  server.sent = rows * 10
  const steady = () => load(server, 30 * Number(values.rate), { rate: Number(values.rate) })
  await steady()
  const alone = await steady()
  const copy = join(folder, 'copy.db')
  const command = [file('../commands/cli.ts'), 'backup', copy]
  const child = spawn(process.execPath, command, {
    env: { DATABASE_URL: store },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(child, 'exit')
  const meanwhile = await steady()
  await ended
  console.table({ 'no backup': summary([alone]), 'a backup is made': summary([meanwhile]) })
  await stop(server)
}

async function watchMemory(deliveries: number): Promise<void> {
  const service = await start('service.ts', join(folder, 'long.db'))
  const table: Record<string, object> = {}
  for (let part = 1; part <= 5; part++) {
    for (let n = 0; n < 2; n++) await load(service, Math.ceil(deliveries / 10))
    table[`after ${service.sent} deliveries`] = { 'RSS MiB': round(rss(service)) }
  }
  console.table(table)
  await stop(service)
}

try {
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; ${CONNECTIONS} connections, ${REQUESTS} deliveries a round, median of ${ROUNDS}`,
  )
  if (ROUNDS > 0) await compare()
  if (Number(values.rows) > 0) await compareRows(Number(values.rows))
  if (Number(values.prune) > 0) await comparePruning(Number(values.prune))
  if (Number(values.backup) > 0) await compareBackup(Number(values.backup))
  if (Number(values.long) > 0) await watchMemory(Number(values.long))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
