/** How maintenance of a SQLite store affects acknowledgements. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
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

/** Acknowledgements at a steady rate, with and without a backup running. */
export async function measureBackup(rows: number, rate: number): Promise<void> {
  const store = join(folder, 'backup.db')
  await fill(store, rows, { bodies: true })
  const server = await start('service.ts', store)
  server.sent = rows * 10
  const steady = () => load([server], 30 * rate, { rate })
  await steady()
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
}
