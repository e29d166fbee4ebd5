import Fastify from 'fastify'
import tap from 'tap'
import { openPostgresStore } from '../../../plugins/inbox/postgres-store.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'
import { storeConformance } from '../../helpers/store-conformance.ts'

const server = await postgresServer()
tap.teardown(() => server.close())
const { log } = Fastify()

tap.test('fulfils the contract of stores', async t => {
  await storeConformance(t, async t => {
    const url = await server.database()
    let store = await openPostgresStore(url, log)
    t.teardown(() => store.close().catch(() => {}))
    return {
      store,
      shared: true,
      async reopen() {
        await store.close()
        store = await openPostgresStore(url, log)
        return store
      },
    }
  })
})
