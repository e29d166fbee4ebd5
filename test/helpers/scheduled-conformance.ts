import type { Test } from 'tap'
import type { Store } from '../../inbox/contracts.ts'
import { delivery } from './inbox.ts'
import type { StoreUnderTest } from './store-conformance.ts'

/** Conformance tests of stores: what is made for later. */
export async function scheduledConformance(t: Test, open: (t: Test) => Promise<StoreUnderTest>): Promise<void> {
  const inBox = (key: string, parts = {}) => delivery(key, { orderingKey: 'box', ...parts })
  /** All that is due, until nothing is. */
  const promote = async (store: Store, now: number, limit = 10) => {
    const woken: string[] = []
    for (;;) {
      const { orderingKeys, nextMs } = await store.promote(now, limit)
      woken.push(...orderingKeys)
      if (nextMs !== 0) return woken
    }
  }
  const keysOf = async (store: Store, filter: Parameters<Store['list']>[0] = {}) =>
    (await store.list(filter, 100)).map(({ key }) => key)

  await t.test(
    'later: it is no delivery until it is due, also after a restart; then it is one, last in its mailbox',
    async t => {
      const { store, reopen } = await open(t)
      const payload = { text: 'é \u0000 😀', card: 'x' }
      t.equal(await store.schedule(inBox('later', { payload, receivedAt: 7 }), 1_000), 'scheduled')
      await store.insert(inBox('before'), false)
      t.same(await keysOf(store), ['before'])
      t.match(await store.backlog(), { pending: 1 })
      const again = await reopen()
      t.same(await promote(again, 999), [])
      t.match(await again.get(delivery('later').id), {
        state: 'scheduled',
        nextAttemptAt: 1_000,
        receivedAt: 7,
        payload,
      })
      t.same(await promote(again, 1_000), ['box'])
      t.match(await again.get(delivery('later').id), {
        state: 'pending',
        receivedAt: 1_000,
        nextAttemptAt: null,
        attempts: 0,
      })
      t.same(await keysOf(again, { state: 'scheduled' }), [])
      t.match(await again.backlog(), { pending: 2 })
      for (const key of ['before', 'later']) {
        const taken = await again.take('box', 1_000)
        t.equal(taken?.key, key)
        if (taken?.key === 'later') t.same(taken.payload, payload)
        if (taken !== null) await again.settle(taken, { state: 'done' }, 1_000)
      }
      t.equal(await (await reopen()).insert(inBox('later'), false), 'duplicate')
    },
  )

  await t.test('later: due in order of the times, however many at once', async t => {
    const { store } = await open(t)
    for (const [key, at] of [
      ['c', 30],
      ['a', 10],
      ['d', 30],
      ['b', 20],
    ] as const)
      await store.schedule(inBox(key), at)
    t.same(await promote(store, 30, 3), ['box', 'box'])
    t.same(await keysOf(store), ['a', 'b', 'c', 'd'])
  })

  await t.test('later: given again it is moved and replaced; once accepted, it is a duplicate', async t => {
    const { store, reopen } = await open(t)
    await store.schedule(inBox('a', { event: 'old' }), 10)
    t.equal(await store.schedule(delivery('a', { orderingKey: 'other', payload: { n: 2 } }), 20), 'moved')
    t.same(await promote(store, 10), [])
    t.same(await keysOf(store, { state: 'scheduled' }), ['a'])
    t.same(await promote(store, 20), ['other'])
    t.match(await store.get(delivery('a').id), { event: 'ping', payload: { n: 2 }, orderingKey: 'other' })
    t.equal(await store.schedule(inBox('a'), 30), 'duplicate')
    t.equal(await (await reopen()).schedule(inBox('a'), 30), 'duplicate')
    t.same(await promote(store, 40).catch(() => []), [])
  })

  await t.test('later: accepted in another way meanwhile, it is handled once', async t => {
    const { store } = await open(t)
    await store.schedule(inBox('a'), 10)
    await store.insert(inBox('a'), false)
    t.same(await promote(store, 10), [])
    t.same(await keysOf(store), ['a'])
    t.same(await keysOf(store, { state: 'scheduled' }), [])
  })

  await t.test('later: taken back', async t => {
    const { store } = await open(t)
    await store.schedule(inBox('a'), 10)
    t.equal(await store.unschedule(delivery('a').id), true)
    t.equal(await store.unschedule(delivery('a').id), false)
    t.same(await promote(store, 10), [])
    t.equal(await store.get(delivery('a').id), null)
    t.equal(await store.schedule(inBox('a'), 10), 'scheduled', 'and it can be made again')
  })

  await t.test('later: replay makes it due at once, in order', async t => {
    const { store } = await open(t)
    await store.schedule(inBox('a'), 1_000)
    t.same(await store.replay([delivery('a').id, 'unknown'], 5), ['box'])
    t.match(await store.get(delivery('a').id), { state: 'scheduled', nextAttemptAt: null })
    t.same(await promote(store, 5), ['box'])
    t.match(await store.get(delivery('a').id), { state: 'pending', receivedAt: 5 })
    t.same(await store.history(delivery('a').id), [])
  })

  await t.test('later: discarded, it is never handled nor made again, and keeps the reason', async t => {
    const { store } = await open(t)
    const { id } = delivery('a')
    await store.schedule(inBox('a'), 1_000)
    t.equal(await store.discard(id, 'moved house', 5), true)
    t.equal(await store.discard(id, 'twice', 5), false)
    t.same(await store.replay([id], 5), [])
    t.equal(await store.unschedule(id), false)
    t.equal(await store.schedule(inBox('a'), 2_000), 'duplicate')
    t.same(await keysOf(store, { state: 'scheduled' }), [])
    t.match(await store.get(id), { state: 'discarded', error: 'moved house' })
    t.same(await promote(store, 6), [])
    t.match(await store.get(id), { state: 'discarded', error: 'moved house', settledAt: 6, payload: { key: 'a' } })
    t.match(await store.history(id), [{ what: 'discarded', at: 6, detail: 'moved house' }])
    t.equal(await store.take('box', 2_000), null)
    t.match(await store.backlog(), { pending: 0, parked: 0, dead: 0 })
  })

  await t.test('later: forgotten, nothing of it is left', async t => {
    const { store } = await open(t)
    const ids = Array.from({ length: 60 }, (_, n) => delivery(`${n}`).id)
    for (let n = 0; n < 60; n++) await store.schedule(inBox(`${n}`), 10)
    t.equal(await store.forget([...ids, 'unknown'], 5), 60)
    t.same(await promote(store, 10), [])
    t.equal(await store.get(ids[0] as string), null)
  })

  await t.test('later: list and browse, by any field, page by page', async t => {
    const { store } = await open(t)
    const state = 'scheduled'
    t.same(await store.browse({ state }, 10), { deliveries: [], next: null })
    await store.insert(inBox('now'), false)
    for (const key of ['a', 'b', 'c']) await store.schedule(inBox(key, { orderingKey: `conversation:1:${key}` }), 10)
    await store.schedule(
      inBox('d', { source: 'else', event: 'pong', orderingKey: 'conversation:1:7', receivedAt: 9 }),
      10,
    )
    t.same(await keysOf(store, { state }), ['a', 'b', 'c', 'd'])
    t.same(await keysOf(store, { state, source: 'else', event: 'pong', conversation: '7', from: 9, to: 10 }), ['d'])
    t.same(await keysOf(store, { state, text: delivery('b').id.slice(0, 20) }), ['b'])
    const [first] = await store.list({ state }, 1)
    t.same(
      (await store.list({ state }, 1, first?.seq)).map(({ key }) => key),
      ['b'],
    )
    const page = await store.browse({ state }, 3)
    t.same(
      page.deliveries.map(({ key }) => key),
      ['d', 'c', 'b'],
    )
    t.equal('payload' in (page.deliveries[0] as object), false)
    const rest = await store.browse({ state }, 3, page.next as number)
    t.same([rest.deliveries.map(({ key }) => key), rest.next], [['a'], null])
  })

  await t.test('later: it is told when to ask again', async t => {
    const { store } = await open(t)
    await store.schedule(inBox('a'), 300)
    t.equal((await store.promote(200, 10)).nextMs, 100)
    t.same(await store.promote(300, 10), { orderingKeys: ['box'], nextMs: 0 })
  })
}
