import { createHash } from 'node:crypto'
import type pg from 'pg'
import { BEGIN } from './connection.ts'

/** How often a transaction is tried if PostgreSQL aborts it because of a concurrent one. */
const ATTEMPTS = 3
/** Deadlock; unique violation, as somebody has inserted the same row meanwhile, which is seen now. */
const ENDED_BY_OTHERS: unknown[] = ['40P01', '23505']

/** SQLSTATE classes for values that PostgreSQL can't take: data exceptions, constraints, limits. */
const DATA_ERROR = /^(22|23|54)/

/** Whether one operation in a transaction may have caused an error, and not the server or the connection. */
export function isItemError(error: unknown): boolean {
  const { code } = error as { code?: string }
  return error instanceof TypeError || error instanceof RangeError || DATA_ERROR.test(code ?? '')
}

/** Runs statements. */
export interface Connection {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>
}

/** Without prepared statements, as behind a pooler that reassigns connections. */
export const unprepared = (client: Connection) => client

const names = new Map<string, string>()
/** With prepared statements: planning them each time is a third of the server's work. */
export function prepared(client: pg.ClientBase): Connection {
  return {
    query(text, values) {
      const name = names.get(text) ?? createHash('sha1').update(text).digest('hex')
      names.set(text, name)
      return client.query({ name, text, ...(values && { values }) })
    },
  }
}

/** Runs a transaction, again if PostgreSQL aborts it because of a concurrent one. */
export async function transaction<T>(
  pool: pg.Pool,
  run: (client: pg.PoolClient) => Promise<T>,
  begin = BEGIN,
  attempt = 1,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query(begin)
    const result = await run(client)
    await client.query('COMMIT')
    client.release()
    return result
  } catch (error) {
    // Closes the connection, which rolls back.
    client.release(true)
    if (!ENDED_BY_OTHERS.includes((error as { code?: unknown }).code) || attempt === ATTEMPTS) throw error
    return transaction(pool, run, begin, attempt + 1)
  }
}

/** Runs one statement with our transaction settings: an implicit transaction would have the database's defaults. */
export function write(pool: pg.Pool, text: string, values: unknown[] = []): Promise<pg.QueryResult> {
  return transaction(pool, client => client.query(text, values))
}
