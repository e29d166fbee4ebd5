import tap from 'tap'
import { postgresBackend, useBackend } from '../../helpers/backend.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** The inbox's tests, all of them, on PostgreSQL. */

const server = await postgresServer()
tap.teardown(() => server.close())
useBackend(postgresBackend(server))
await import('../inbox.test.ts')
await import('../quiet.test.ts')
