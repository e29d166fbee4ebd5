import { createHash } from 'node:crypto'
import type pg from 'pg'
import { BEGIN } from './connection.ts'

/** Transactions that PostgreSQL ended because of others are tried again, this often. */
const ATTEMPTS = 3
/** To undo a deadlock; and because somebody has made the same row meanwhile, which is seen now. */
const ENDED_BY_OTHERS: unknown[] = ['40P01', '23505']

/** What PostgreSQL says of a value that it can't take: data exceptions, constraints, and what is too large. */
const DATA_ERROR = /^(22|23|54)/

/** Whether an error may be due to one of several operations in a transaction, and not to the server or the way to it. */
export function isItemError(error: unknown): boolean {
  const { code } = error as { code?: string }
  return error instanceof TypeError || error instanceof RangeError || DATA_ERROR.test(code ?? '')
}

/** What statements are sent over. */
export interface Connection {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>
}

/** A connection that has each statement planned anew, as behind a pooler that hands connections around. */
export const unprepared = (client: Connection) => client

const names = new Map<string, string>()
/** A connection that has each statement planned once: planning them anew is a third of the server's work. */
export function prepared(client: pg.ClientBase): Connection {
  return {
    query(text, values) {
      const name = names.get(text) ?? createHash('sha1').update(text).digest('hex')
      names.set(text, name)
      return client.query({ name, text, ...(values && { values }) })
    },
  }
}

/** Runs a transaction. One that PostgreSQL has ended because of others is run again. */
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
    // Its connection goes with it, and whatever it had begun.
    client.release(true)
    if (!ENDED_BY_OTHERS.includes((error as { code?: unknown }).code) || attempt === ATTEMPTS) throw error
    return transaction(pool, run, begin, attempt + 1)
  }
}

/** Runs one statement in a transaction like ours: the defaults of its own would be the database's. */
export function write(pool: pg.Pool, text: string, values: unknown[] = []): Promise<pg.QueryResult> {
  return transaction(pool, client => client.query(text, values))
}
