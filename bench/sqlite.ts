/** The service on SQLite, alone on its core. */
import { join } from 'node:path'
import { fill } from './fill.ts'
import type { LoadResult } from './load.ts'
import { folder, load, round, rss, start, stop, summary } from './server.ts'

/** The service compared with the yardstick. @param deliveries per round */
export async function compare(deliveries: number, rounds: number): Promise<void> {
  const bare = await start('yardstick.ts')
  const service = await start('service.ts', join(folder, 'empty.db'))
  const results: Record<string, LoadResult[]> = { bare: [], service: [], stripe: [], half: [] }
  // The first round is the warm-up.
  for (let n = 0; n <= rounds; n++) {
    const measured = {
      bare: await load([bare], deliveries),
      service: await load([service], deliveries),
      stripe: await load([service], deliveries, { source: 'stripe' }),
    }
    if (n === 0) continue
    for (const [name, result] of Object.entries(measured)) results[name]?.push(result)
  }
  const full = summary(results.service as LoadResult[])
  for (let n = 0; n < rounds; n++) {
    results.half?.push(await load([service], Math.ceil(deliveries / 2), { rate: full['requests/s'] / 2 }))
  }
  const yardstick = summary(results.bare as LoadResult[])
  const ratio = (row: { 'requests/s': number }) => round(row['requests/s'] / yardstick['requests/s'], 2)
  const stripe = summary(results.stripe as LoadResult[])
  console.table({
    '(a) bare Fastify, nothing stored': { ...yardstick, 'RSS MiB': round(rss(bare)), '/ (a)': 1 },
    '(b) this service, stored durably': { ...full, 'RSS MiB': round(rss(service)), '/ (a)': ratio(full) },
    '(b) with Stripe deliveries': { ...stripe, 'RSS MiB': round(rss(service)), '/ (a)': ratio(stripe) },
    '(b) at half load': { ...summary(results.half as LoadResult[]), 'RSS MiB': round(rss(service)) },
  })
  console.log(`start to first 200: ${round(service.firstAnswerMs)} ms`)
  await Promise.all([stop(bare), stop(service)])
}

/** An empty store and a full one, alternating. */
export async function compareRows(rows: number, deliveries: number, rounds: number): Promise<void> {
  const store = join(folder, 'full.db')
  await fill(store, rows)
  const empty = await start('service.ts', join(folder, 'empty2.db'))
  const full = await start('service.ts', store)
  full.sent = rows * 10
  const results: { empty: LoadResult[]; full: LoadResult[] } = { empty: [], full: [] }
  for (let n = 0; n <= rounds; n++) {
    const measured = { empty: await load([empty], deliveries), full: await load([full], deliveries) }
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

/** Resident memory over many deliveries. */
export async function watchMemory(deliveries: number): Promise<void> {
  const service = await start('service.ts', join(folder, 'long.db'))
  const table: Record<string, object> = {}
  for (let part = 1; part <= 5; part++) {
    for (let n = 0; n < 2; n++) await load([service], Math.ceil(deliveries / 10))
    table[`after ${service.sent} deliveries`] = { 'RSS MiB': round(rss(service)) }
  }
  console.table(table)
  await stop(service)
}
