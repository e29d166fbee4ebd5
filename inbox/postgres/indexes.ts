import pg from 'pg'
import type { Logger } from '../contracts.ts'
import type { PostgresConfig } from './connection.ts'
import { LATER_INDEXES, SCHEMA } from './schema.ts'

/** An index that is being built, or whose build was interrupted, exists but is not valid. */
const STATE = `
  SELECT indisvalid AS is_valid,
    EXISTS (SELECT FROM pg_stat_progress_create_index AS building WHERE building.index_relid = indexrelid) AS is_building
  FROM pg_index WHERE indexrelid = to_regclass($1)`

interface IndexBuilding {
  built: Promise<void>
  stop(): Promise<void>
}

interface IndexState {
  is_valid: boolean
  is_building: boolean
}

/** The names of missing or invalid indexes. */
export async function missingIndexes(client: pg.ClientBase): Promise<string[]> {
  const missing: string[] = []
  for (const name of Object.keys(LATER_INDEXES)) {
    if (!(await stateOf(client, name))?.is_valid) missing.push(name)
  }
  return missing
}

/**
 * Builds indexes that an older schema lacks, concurrently with writes. This may take minutes; until then the statements
 * that use them are slower. After a failure it is retried at the next start.
 * @returns `built` resolves when the work is over, also after a failure; `stop` cancels it
 */
export function buildIndexes(config: PostgresConfig, log: Logger, names: string[]): IndexBuilding {
  // Without a time limit, outside a transaction, on its own connection.
  const client = new pg.Client({ ...config, query_timeout: 0 })
  client.on('error', () => {})
  let stopped = false
  const connected = client.connect()

  async function build(): Promise<void> {
    try {
      await connected
      for (const name of names) await buildIndex(client, name)
    } catch (error) {
      if (!stopped) log.warn(error, 'an index could not be built, will retry at the next start')
    }
    end()
  }

  // Not awaited: on a broken connection it may never resolve.
  const end = () => void client.end().catch(() => {})
  const built = build()
  async function stop(): Promise<void> {
    stopped = true
    // A client that is ended while connecting never resolves `connect`.
    await connected.catch(() => {})
    end()
    await built
  }
  return { built, stop }
}

async function stateOf(client: pg.ClientBase, name: string): Promise<IndexState | undefined> {
  const { rows } = await client.query<IndexState>(STATE, [`${SCHEMA}.${name}`])
  return rows[0]
}

async function buildIndex(client: pg.Client, name: string): Promise<void> {
  const found = await stateOf(client, name)
  // Another instance is building it, or has built it.
  if (found?.is_valid || found?.is_building) return
  if (found !== undefined) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${SCHEMA}.${name}`)
  await client.query((LATER_INDEXES[name] as string).replace('CREATE INDEX', 'CREATE INDEX CONCURRENTLY'))
}
