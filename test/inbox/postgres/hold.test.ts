import tap from 'tap'
import { postgresBackend, useBackend } from '../../helpers/backend.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** The tests of what is held, on PostgreSQL. */

const server = await postgresServer()
tap.teardown(() => server.close())
useBackend(postgresBackend(server))
await import('../hold.test.ts')
