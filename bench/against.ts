/** `npm run bench -- --against FOLDER`: this checkout and another one, alternating in one run. */
import { join, resolve } from 'node:path'
import { postgresServer } from '../test/helpers/postgres-server.ts'
import type { LoadResult } from './load.ts'
import { folder, load, median, round, type Server, start, stop, summary } from './server.ts'

/**
 * Measures accepting on both stores. Every round sends the same number of deliveries to each; they take turns to begin.
 * @param checkout folder of the other checkout, with its packages installed
 * @param deliveries per round; a quarter of them on PostgreSQL
 */
export async function compareWith(checkout: string, deliveries: number, rounds: number): Promise<void> {
  const other = join(resolve(checkout), 'bench', 'service.ts')
  const sqlite = ['this', 'other'].map(name => join(folder, `${name}.db`)) as [string, string]
  await measure('SQLite', other, sqlite, deliveries, rounds, true)
  const database = await postgresServer(process.env.BENCH_DATABASE_URL ?? process.env.TEST_DATABASE_URL ?? '', [])
  try {
    const urls: [string, string] = [await database.database(), await database.database()]
    await measure('PostgreSQL', other, urls, Math.ceil(deliveries / 4), rounds, false)
  } finally {
    await database.close()
  }
}

async function measure(
  name: string,
  other: string,
  stores: [string, string],
  deliveries: number,
  rounds: number,
  pinned: boolean,
): Promise<void> {
  const ours = await start('service.ts', stores[0], { pinned })
  const theirs = await start(other, stores[1], { pinned })
  const results = new Map<Server, LoadResult[]>([
    [ours, []],
    [theirs, []],
  ])
  // The first round is the warm-up.
  for (let n = 0; n <= rounds; n++) {
    for (const server of n % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      const result = await load([server], deliveries)
      if (n > 0) results.get(server)?.push(result)
    }
  }
  const [a, b] = [results.get(ours), results.get(theirs)] as [LoadResult[], LoadResult[]]
  const ratios = a.map(({ perSecond }, n) => perSecond / (b[n] as LoadResult).perSecond)
  console.table({
    [`${name}, this checkout`]: { ...summary(a), 'median of the ratios': round(median(ratios), 3) },
    [`${name}, the other one`]: summary(b),
  })
  console.log(`ratios of the rounds: ${ratios.map(ratio => round(ratio, 3)).join(', ')}`)
  await Promise.all([stop(ours), stop(theirs)])
}
