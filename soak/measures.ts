import { readdirSync, readFileSync, statSync } from 'node:fs'
import pg from 'pg'
import type { Setting } from './setting.ts'

/** What must not grow with the time: taken once an hour of the clock. */
export interface Measures {
  /** Hours of the clock since the beginning. */
  hour: number
  /** The service's resident memory, MiB. */
  rss: number
  /** Files and sockets that it has open. */
  handles: number
  /** The store with its log, or the database, MiB. */
  store: number
}

const MIB = 1024 * 1024

export async function measure({ service, env, now }: Setting, begin: number): Promise<Measures> {
  const pid = service.pid()
  return {
    hour: Math.round((now() - begin) / 3_600_000),
    rss: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024,
    handles: readdirSync(`/proc/${pid}/fd`).length,
    store: (await sizeOf(`${env.DATABASE_URL}`)) / MIB,
  }
}

async function sizeOf(store: string): Promise<number> {
  if (!store.startsWith('postgres')) return statSync(store).size + statSync(`${store}-wal`).size
  const client = new pg.Client(store)
  await client.connect()
  const { rows } = await client.query('SELECT pg_database_size(current_database())::float8 AS bytes')
  await client.end()
  return rows[0].bytes
}
