/** How maintenance of a SQLite store affects acknowledgements. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { litestreamProgram } from '../test/helpers/litestream.ts'
import { fill } from './fill.ts'
import type { LoadResult } from './load.ts'
import { folder, load, round, start, stop, summary } from './server.ts'

const DAY = 24 * 60 * 60 * 1_000

/** Acknowledgements at a steady rate, with nothing to prune and while rows with keys are pruned. */
export async function measurePruning(rows: number, rate: number): Promise<void> {
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
    do results.push(await load([server], 30 * rate, { rate }))
    while (age === 0 ? results.length < 4 : Number(left.get(rows)?.rows) > 0)
    db.close()
    // The first is the warm-up.
    table[name] = {
      ...summary(results.slice(results.length > 1 ? 1 : 0)),
      'duration s': round((performance.now() - startedAt) / 1_000),
    }
    await stop(server)
    rmSync(store)
  }
  console.table(table)
}

/** A server with a filled store, warm, and so many seconds of a steady load on it. */
async function startFilled(rows: number, rate: number, seconds: number) {
  const store = join(folder, 'filled.db')
  await fill(store, rows, { bodies: true })
  const server = await start('service.ts', store)
  server.sent = rows * 10
  const steady = () => load([server], seconds * rate, { rate })
  await steady()
  return { server, store, steady }
}

/** Acknowledgements at a steady rate, with and without a backup running. */
export async function measureBackup(rows: number, rate: number): Promise<void> {
  const { server, store, steady } = await startFilled(rows, rate, 30)
  const alone = await steady()
  const copy = join(folder, 'copy.db')
  const cli = fileURLToPath(new URL('../commands/cli.ts', import.meta.url))
  const env = { DATABASE_URL: store }
  const child = spawn(process.execPath, [cli, 'backup', copy], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = once(child, 'exit')
  const meanwhile = await steady()
  await ended
  console.table({ 'no backup': summary([alone]), 'during a backup': summary([meanwhile]) })
  await stop(server)
  rmSync(store)
}

/** Acknowledgements at a steady rate, with and without Litestream copying, in turn. */
export async function measureReplication(rows: number, rate: number): Promise<void> {
  const { server, store, steady } = await startFilled(rows, rate, 15)
  const config = join(folder, 'litestream.yml')
  const copy = join(folder, 'replica')
  writeFileSync(
    config,
    `dbs: [{ path: ${store}, max-checkpoint-page-count: 0, replicas: [{ type: file, path: ${copy}, sync-interval: 1s }] }]`,
  )
  const program = litestreamProgram()
  const alone: LoadResult[] = []
  const meanwhile: LoadResult[] = []
  for (let turn = 0; turn < 3; turn++) {
    alone.push(await steady())
    const child = spawn(program, ['replicate', '-config', config], { stdio: 'ignore' })
    const ended = once(child, 'exit')
    // The first copy of all is behind it.
    await steady()
    meanwhile.push(await steady())
    child.kill('SIGTERM')
    await ended
  }
  console.table({ alone: summary(alone), 'Litestream beside it': summary(meanwhile) })
  await stop(server)
}
