import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import type { TakenDelivery } from '../../../inbox/contracts.ts'
import { BOSS_SCHEMA } from '../../../inbox/postgres/schema.ts'
import { openPostgresStore } from '../../../inbox/postgres/store.ts'
import { delivery } from '../../helpers/inbox.ts'
import { OLDER_HEAD } from '../../helpers/older-postgres.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** Runs of deliveries beside an instance of an older version, which knows none. */

const server = await postgresServer('')
tap.teardown(() => server.close())
const { log } = Fastify()

const BOX = { orderingKey: 'box' }
const quiet = { ends: true, quietMs: 0, maxMs: 0 }
const HOUR = 60 * 60 * 1_000

async function open(t: Test) {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  const olderTakes = async () => (await server.query<{ id: string }>(url, OLDER_HEAD, ['box'])).map(({ id }) => id)
  const run = async () => (await store.take('box', 0)) as TakenDelivery
  return { url, store, run, olderTakes }
}

tap.test('an older instance never takes a part of a run, whatever its state', async t => {
  const { store, run, olderTakes } = await open(t)
  await store.insert(delivery('a', { ...BOX, quiet }), false)
  await store.insert(delivery('b', { ...BOX, quiet }), false)
  t.same(await olderTakes(), [], 'waiting')
  const first = await run()
  t.equal(first.together?.length, 2)
  t.same(await olderTakes(), [], 'begun')
  await store.settle(first, { state: 'pending', error: 'E', nextAttemptAt: Date.now(), reopens: true }, Date.now())
  t.same(await olderTakes(), [], 'reopened')
  const again = await run()
  await store.settle(again, { state: 'pending', error: 'E', nextAttemptAt: Date.now() }, Date.now())
  t.same(await olderTakes(), [], 'to be tried again')
  await store.settle(await run(), { state: 'parked', error: 'E', nextAttemptAt: Date.now() }, Date.now())
  t.same(await olderTakes(), [], 'parked')
  await store.settle(await run(), { state: 'dead', error: 'E' }, Date.now())
  await store.replay([first.id], Date.now())
  t.same(await olderTakes(), [], 'replayed')
  const last = await run()
  t.match(last, { key: 'a', attempts: 5, together: [{ key: 'a' }, { key: 'b' }] })
  await store.settle(last, { state: 'done' }, Date.now())
  await store.insert(delivery('c', BOX), false)
  t.same(await olderTakes(), [delivery('c').id], 'others it does')
})

tap.test('what an older instance has put off is woken when it is due', async t => {
  const { url, store } = await open(t)
  const startsIn = async () => {
    const [job] = await server.query<{ ms: number }>(
      url,
      `SELECT extract(epoch FROM start_after - now())::float8 * 1000 AS ms FROM ${BOSS_SCHEMA}.job WHERE state = 'created'`,
    )
    return job?.ms as number
  }
  const putOff = () =>
    server.query(url, `UPDATE ${BOSS_SCHEMA}.job SET start_after = now() + interval '23 hours' WHERE state = 'created'`)
  await store.insert(delivery('a', { ...BOX, quiet: { ends: false, quietMs: HOUR, maxMs: HOUR } }), false)
  await putOff()
  await store.wakeForgotten()
  t.ok((await startsIn()) > 20 * HOUR, 'it is not due')
  await store.insert(delivery('b', { ...BOX, quiet }), false)
  await putOff()
  await store.wakeForgotten()
  t.ok((await startsIn()) <= 0, 'it is due')
  const claims = await store.claimMailboxes(10)
  t.equal(claims.length, 1)
  await store.wakeForgotten()
  t.equal(await startsIn(), undefined, 'it is at work')
})
