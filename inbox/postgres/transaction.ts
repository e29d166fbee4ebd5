import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { Db } from 'pg-boss'
import { BEGIN } from './connection.ts'

/** Transactions that PostgreSQL ended because of others are tried again, this often. */
const ATTEMPTS = 3
/** To undo a deadlock; and because somebody has made the same row meanwhile, which is seen now. */
const ENDED_BY_OTHERS: unknown[] = ['40P01', '23505']

/** What PostgreSQL says of a value that it can't take: data exceptions, constraints, and what is too large. */
const DATA_ERROR = /^(22|23|54)/

/** Whether an error may be due to one of several operations in a transaction, and not to the server or the way to it. */
export function isOfOne(error: unknown): boolean {
  const { code } = error as { code?: string }
  return error instanceof TypeError || error instanceof RangeError || DATA_ERROR.test(code ?? '')
}

/** What statements are sent over. */
export interface Connection {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>
}

export const asItIs = (client: Connection) => client

const names = new Map<string, string>()
/** A connection that has each statement planned once: planning them anew is a third of the server's work. */
export function byName(client: pg.ClientBase): Connection {
  return {
    query(text, values) {
      const name = names.get(text) ?? createHash('sha1').update(text).digest('hex')
      names.set(text, name)
      return client.query({ name, text, ...(values && { values }) })
    },
  }
}

/** pg-boss's view of a connection, so that its statements share ours or a transaction of ours. */
export function onClient(client: Connection): Db {
  return { executeSql: (text, values) => client.query(text, values) }
}

/**
 * pg-boss's view of the pool, for what it does by itself, in transactions like ours. What it begins with a BEGIN of its own
 * has ours instead; an index that is built CONCURRENTLY can't be in one.
 */
export function inTransactions(pool: pg.Pool): Db {
  return {
    executeSql(text, values) {
      if (OWN_BEGIN.test(text)) return pool.query(text.replace(OWN_BEGIN, BEGIN), values)
      if (/\bCONCURRENTLY\b/i.test(text)) return pool.query(text, values)
      return transaction(pool, client => client.query(text, values))
    },
  }
}

const OWN_BEGIN = /^\s*BEGIN\b/i

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
