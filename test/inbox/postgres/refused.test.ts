import Fastify from 'fastify'
import tap from 'tap'
import type { Commit, NewDelivery, TakenDelivery } from '../../../inbox/contracts.ts'
import { openPostgresStore } from '../../../inbox/postgres/store.ts'
import { delivery } from '../../helpers/inbox.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** An operation that can't be done fails alone, without those that share its commit. */

const server = await postgresServer()
tap.teardown(() => server.close())
const { log } = Fastify()
const LONE = '\uD83D'

const good = Array.from({ length: 20 }, (_, n) => `good ${n}`)
const states = async (promises: Promise<unknown>[]) => (await Promise.allSettled(promises)).map(({ status }) => status)
const fulfilled = good.map(() => 'fulfilled')

tap.test('strings with half a surrogate pair are kept as well as possible, and found again', async t => {
  const url = await server.database()
  const store = await openPostgresStore(url, log)
  t.teardown(() => store.close())
  const odd = delivery(`key ${LONE}`, {
    orderingKey: `box ${LONE}`,
    event: `event ${LONE}`,
    source: `source ${LONE}`,
    payload: { text: LONE },
  })
  const inserts = [odd, ...good.map(key => delivery(key))].map(each => store.insert(each, true))
  t.same(await Promise.all(inserts), ['claimed', ...good.map(() => 'claimed')])
  t.match(await store.get(odd.id), { key: 'key \uFFFD', event: 'event \uFFFD', payload: { text: LONE } })
  t.equal(await store.insert(delivery('next', { orderingKey: odd.orderingKey }), true), 'queued', 'one mailbox')
  const claim = store.claimOf(odd.orderingKey)
  const first: TakenDelivery = { ...odd, attempts: 1, state: 'pending', crashed: false }
  const failed = { state: 'parked', error: `E ${LONE}`, nextAttemptAt: 5 } as const
  t.equal(await store.settle(first, failed, 5), true)
  t.match(await store.take(odd.orderingKey, 5), { key: 'next' })
  t.equal(await store.releaseClaim(claim), true)
  t.equal((await store.list({ orderingKey: odd.orderingKey, source: `source ${LONE}` }, 10)).length, 1)
  t.equal((await store.browse({ text: `key ${LONE}`, conversation: LONE }, 10)).deliveries.length, 0)
  t.equal(await store.discard(odd.id, `why ${LONE}`, 6), true)
  t.equal(await store.claimStep(`step ${LONE}`, 0), 'first')
  await store.recordStep(`step ${LONE}`, { said: LONE }, 0)
  t.same(await store.claimStep(`step ${LONE}`, 0), { result: { said: LONE } })
  // A long one is cut, but not within a pair.
  const long = `${'x'.repeat(99)}😀${'y'.repeat(600)}`
  t.equal(await store.insert(delivery('long', { orderingKey: long }), true), 'claimed')
  t.match(store.claimOf(long), { until: Date })
})

tap.test('an unstorable delivery is refused alone, whichever field is wrong', async t => {
  const url = await server.database()
  const commits: Commit[] = []
  const store = await openPostgresStore(url, log, { onCommit: commit => commits.push(commit) })
  t.teardown(() => store.close())
  const bad: Partial<Record<keyof NewDelivery, unknown>>[] = [
    { receivedAt: 1e20 },
    { receivedAt: 1.5 },
    { event: undefined },
    { id: undefined },
    { orderingKey: undefined },
    { source: 5 },
    { payload: { big: 1n } },
    { unreadable: null },
  ]
  for (const [round, parts] of bad.entries()) {
    const odd = { ...delivery(`bad ${round}`), ...parts } as NewDelivery
    const those = good.map(key => delivery(`${round} ${key}`))
    those.splice(round, 0, odd)
    const expected = [...fulfilled]
    expected.splice(round, 0, 'rejected')
    t.same(await states(those.map(each => store.insert(each, false))), expected, Object.keys(parts).join())
  }
  t.same(
    commits.filter(({ ok }) => !ok),
    [],
    'the store has not failed',
  )
  // Still in order.
  const listed = await store.list({}, 20)
  t.same(
    listed.map(({ key }) => key),
    good.map(key => `0 ${key}`),
  )
})

tap.test('takes and settles fail individually', async t => {
  const store = await openPostgresStore(await server.database(), log)
  t.teardown(() => store.close())
  await Promise.all(good.map(key => store.insert(delivery(key), false)))
  const takes = good.map(key => store.take(`mailbox:${key}`, 0))
  t.same(await states([store.take(undefined as unknown as string, 0), ...takes]), ['rejected', ...fulfilled])
  const taken = (await Promise.all(takes)) as TakenDelivery[]
  const settles = taken.map(each => store.settle(each, { state: 'done' }, 1))
  const odd = store.settle({ ...taken[0], attempts: 1e12 } as TakenDelivery, { state: 'done' }, 1)
  t.same(await states([odd, ...settles]), ['rejected', ...fulfilled])
  t.same(
    await Promise.all(settles),
    good.map(() => true),
  )
  for (const wrong of [undefined, null, 5]) {
    const one = [wrong as unknown as string]
    const asked = [store.forget(one, 1), store.replay(one, 1), store.claimStep(one[0] as string, 1)]
    const after = await states([...asked, store.insert(delivery(`after ${wrong}`), false)])
    t.same(after, ['rejected', 'rejected', 'rejected', 'fulfilled'])
  }
})
