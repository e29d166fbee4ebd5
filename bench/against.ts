/** `npm run bench -- --against FOLDER`: this checkout, without traces and with them, and another one, alternating in one run. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
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
  const collector = await startCollector()
  const measured = { other, collector: collector.url, rounds }
  const sqlite = ['this', 'traced', 'other'].map(name => join(folder, `${name}.db`)) as Stores
  await measure('SQLite', sqlite, { ...measured, deliveries, pinned: true })
  const database = await postgresServer(process.env.BENCH_DATABASE_URL ?? process.env.TEST_DATABASE_URL ?? '', [])
  try {
    const urls: Stores = [await database.database(), await database.database(), await database.database()]
    await measure('PostgreSQL', urls, { ...measured, deliveries: Math.ceil(deliveries / 4), pinned: false })
  } finally {
    await database.close()
    collector.close()
  }
}

/** Of this checkout, of this one with traces, and of the other one. */
type Stores = [string, string, string]

interface Measured {
  other: string
  collector: string
  deliveries: number
  rounds: number
  pinned: boolean
}

async function measure(name: string, stores: Stores, measured: Measured): Promise<void> {
  const { other, collector, deliveries, rounds, pinned } = measured
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector }
  const ours = await start('service.ts', stores[0], { pinned })
  const traced = await start('service.ts', stores[1], { pinned, env })
  const theirs = await start(other, stores[2], { pinned })
  const servers = [ours, traced, theirs]
  const results = new Map<Server, LoadResult[]>(servers.map(server => [server, []]))
  // The first round is the warm-up.
  for (let n = 0; n <= rounds; n++) {
    for (const server of n % 2 === 0 ? servers : servers.toReversed()) {
      const result = await load([server], deliveries)
      if (n > 0) results.get(server)?.push(result)
    }
  }
  const of = (server: Server) => results.get(server) as LoadResult[]
  const ratios = (server: Server) =>
    of(server).map(({ perSecond }, n) => perSecond / (of(theirs)[n] as LoadResult).perSecond)
  const row = (server: Server) => ({
    ...summary(of(server)),
    'median of the ratios': round(median(ratios(server)), 3),
  })
  console.table({
    [`${name}, this checkout`]: row(ours),
    [`${name}, with traces`]: row(traced),
    [`${name}, the other one`]: summary(of(theirs)),
  })
  for (const server of [ours, traced]) {
    console.log(
      `ratios of the rounds: ${ratios(server)
        .map(ratio => round(ratio, 3))
        .join(', ')}`,
    )
  }
  await Promise.all(servers.map(stop))
}

/** A collector that reads what it is sent, and answers. */
async function startCollector(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.on('end', () => response.end('{}'))
    request.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
