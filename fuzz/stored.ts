import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import type { StoredRow } from './checks.ts'

const LEFT = `'parked', 'dead', 'replayed', 'discarded', 'forgotten'`
const rowsOf = (schema: string) => `
  SELECT id, seq, ordering_key, state, EXISTS (
    SELECT 1 FROM ${schema}history AS h WHERE h.seq = d.seq AND what IN (${LEFT})) AS left_the_order
  FROM ${schema}delivery AS d`

interface Row {
  id: string
  seq: number | string
  ordering_key: string
  state: string
  left_the_order: boolean | number
}

/** The contents of a store of either kind. */
export async function storedRows(url: string): Promise<StoredRow[]> {
  const rows = url.startsWith('postgres') ? await ofPostgres(url) : ofFile(url)
  return rows.map(({ id, seq, ordering_key, state, left_the_order }) => ({
    id,
    seq: Number(seq),
    orderingKey: ordering_key,
    state,
    leftTheOrder: Boolean(left_the_order),
  }))
}

function ofFile(file: string): Row[] {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 10_000 })
  try {
    return db.prepare(rowsOf('')).all() as unknown as Row[]
  } finally {
    db.close()
  }
}

async function ofPostgres(connectionString: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Row>(rowsOf('tutorbot_webhooks.'))).rows
  } finally {
    await client.end()
  }
}
