import pg from 'pg'
import type { Logger } from '../contracts.ts'
import type { PostgresConfig } from './connection.ts'
import { LATER_INDEXES, SCHEMA } from './schema.ts'

/** An index that is being built, or whose building has been broken off, is there and not valid. */
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

/** The names of those that are not there, or not whole. */
export async function missingIndexes(client: pg.ClientBase): Promise<string[]> {
  const missing: string[] = []
  for (const name of Object.keys(LATER_INDEXES)) {
    if (!(await stateOf(client, name))?.is_valid) missing.push(name)
  }
  return missing
}

/**
 * Builds indexes of a schema from before beside those who write to it: that may take minutes, and until then the
 * statements that have use for them are slower. What fails is tried again at the next start.
 * @returns `built` resolves when nothing is left to do, also after a failure; `stop` breaks it off
 */
export function buildIndexes(config: PostgresConfig, log: Logger, names: string[]): IndexBuilding {
  // In whatever time it takes, in no transaction, on a connection of its own.
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

  // Not waited for: of a connection that has broken it may never say so.
  const end = () => void client.end().catch(() => {})
  const built = build()
  async function stop(): Promise<void> {
    stopped = true
    // Ended amid that, it would never say so.
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
  // Another instance is at it, or has been.
  if (found?.is_valid || found?.is_building) return
  if (found !== undefined) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${SCHEMA}.${name}`)
  await client.query((LATER_INDEXES[name] as string).replace('CREATE INDEX', 'CREATE INDEX CONCURRENTLY'))
}
