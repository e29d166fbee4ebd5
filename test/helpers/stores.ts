import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { type PostgresServer, postgresServer } from './postgres-server.ts'

let postgres: PostgresServer
tap.before(async () => {
  postgres = await postgresServer()
})
tap.teardown(() => postgres.close())

/** The kinds of stores to test on, and a new one of each: a file's path, or a database's URL. */
export const STORES: Record<string, (t: Test) => string | Promise<string>> = {
  SQLite: t => join(t.testdir(), 'webhooks.db'),
  PostgreSQL: () => postgres.database(),
}
