import type { Test } from 'tap'
import type { InsertResult, Store, TakenDelivery } from '../../plugins/inbox/contracts.ts'
import { delivery } from './inbox.ts'

export interface StoreUnderTest {
  store: Store
  /** Several processes share it: none can claim with an insert. */
  shared?: boolean
  /** Closes it (or lets its process die) and opens it again. */
  reopen(): Promise<Store>
}

const DAY = 24 * 60 * 60 * 1_000

/** What every store must do: the same assertions for each. */
export async function storeConformance(t: Test, open: (t: Test) => Promise<StoreUnderTest>): Promise<void> {
  const take = async (store: Store, orderingKey: string, now = 0): Promise<TakenDelivery> => {
    const taken = await store.take(orderingKey, now)
    if (taken === null) throw new Error(`nothing is due in ${orderingKey} at ${now}`)
    return taken
  }
  const insertAll = (store: Store, keys: string[], orderingKey = 'box') =>
    Promise.all(keys.map(key => store.insert(delivery(key, { orderingKey }), false)))

  await t.test('a delivery is new once: in one commit, in another, after a restart', async t => {
    const { store, reopen } = await open(t)
    const copies = await Promise.all(Array.from({ length: 200 }, () => store.insert(delivery('a'), false)))
    t.same(count(copies), { queued: 1, duplicate: 199 })
    t.equal(await store.insert(delivery('a'), true), 'duplicate')
    t.equal(await store.insert(delivery('b'), false), 'queued')
    t.equal(await (await reopen()).insert(delivery('a'), false), 'duplicate')
  })

  await t.test('what is inserted comes back as it was', async t => {
    const { store, reopen } = await open(t)
    const payload = { text: '<b>é \u2028 \u0000 😀', list: [1, null, { deep: true }], big: 2 ** 53 - 1 }
    await store.insert(delivery('a', { payload, receivedAt: 5 }), false)
    const again = await reopen()
    t.match(await again.get(delivery('a').id), { payload, key: 'a', state: 'pending', attempts: 0, receivedAt: 5 })
    t.same((await take(again, 'mailbox:a')).payload, payload)
    t.equal(await again.get('no such id'), null)
  })

  await t.test('a mailbox is emptied from its head, one by one', async t => {
    const { store } = await open(t)
    await insertAll(store, ['a', 'b', 'c'])
    const keys: string[] = []
    for (let taken = await store.take('box', 0); taken !== null; taken = await store.take('box', 0)) {
      keys.push(taken.key)
      t.match(taken, { attempts: 1, state: 'pending', crashed: false })
      await store.settle(taken, { state: 'done' }, 1)
    }
    t.same(keys, ['a', 'b', 'c'])
    t.match(await store.get(delivery('a').id), { state: 'done', settledAt: 1 })
  })

  await t.test('a delivery is claimed with its insert, if its mailbox is idle', async t => {
    const { store, shared } = await open(t)
    const box = { orderingKey: 'box' }
    if (shared) {
      t.equal(await store.insert(delivery('a', box), true), 'queued')
      t.equal((await take(store, 'box')).attempts, 1)
      return
    }
    t.equal(await store.insert(delivery('a', box), true), 'claimed')
    t.equal(await store.insert(delivery('b', box), true), 'queued')
    t.equal(await store.insert(delivery('other'), true), 'claimed')
    t.equal((await store.get(delivery('a').id))?.attempts, 1)
    const claimed = { ...delivery('a', box), attempts: 1, state: 'pending', crashed: false } as const
    t.equal(await store.settle(claimed, { state: 'done' }, 1), true)
    t.equal((await take(store, 'box')).key, 'b')
  })

  await t.test('a failed head holds back its own mailbox until it is due', async t => {
    const { store, reopen } = await open(t)
    await insertAll(store, ['a', 'b'])
    await insertAll(store, ['c'], 'other box')
    await store.settle(await take(store, 'box'), { state: 'pending', error: 'E', nextAttemptAt: 100 }, 1)
    t.equal(await store.take('box', 99), null)
    t.equal((await take(store, 'other box', 99)).key, 'c')
    const again = await reopen()
    t.equal(await again.take('box', 99), null)
    t.match(await take(again, 'box', 100), { key: 'a', attempts: 2 })
  })

  await t.test('a parked one lets the others pass, and is due later', async t => {
    const { store } = await open(t)
    await insertAll(store, ['a', 'b'])
    await store.settle(await take(store, 'box'), { state: 'parked', error: 'E', nextAttemptAt: 100 }, 1)
    const b = await take(store, 'box')
    t.equal(b.key, 'b')
    await store.settle(b, { state: 'done' }, 2)
    t.equal(await store.take('box', 99), null)
    const parked = await take(store, 'box', 100)
    t.match(parked, { key: 'a', state: 'parked', attempts: 2 })
    await store.settle(parked, { state: 'dead', error: 'F' }, 101)
    t.equal(await store.take('box', 10 ** 12), null)
    t.match(await store.get(parked.id), { state: 'dead', error: 'F', nextAttemptAt: null })
  })

  await t.test('a settle by who no longer has the delivery changes nothing', async t => {
    const { store, reopen } = await open(t)
    await insertAll(store, ['a'])
    const first = await take(store, 'box')
    const again = await reopen()
    const second = await take(again, 'box')
    t.match(second, { attempts: 2, crashed: true })
    t.equal(await again.settle(first, { state: 'dead', error: 'late' }, 1), false)
    t.equal((await again.get(first.id))?.state, 'pending')
    t.equal(await again.settle(second, { state: 'done' }, 2), true)
    t.equal(await again.settle(second, { state: 'dead', error: 'twice' }, 3), false)
    t.equal((await again.get(first.id))?.state, 'done')
  })

  await t.test('an unreadable delivery is dead from the start, and known', async t => {
    const { store } = await open(t)
    const odd = delivery('odd', { unreadable: 'no id' })
    t.equal(await store.insert(odd, true), 'dead')
    t.equal(await store.insert(odd, true), 'duplicate')
    t.equal(await store.take(odd.orderingKey, 10 ** 12), null)
    t.match(await store.get(odd.id), { state: 'dead', error: 'no id', attempts: 0 })
  })

  await t.test('replay: parked and dead ones are due at once, out of the order; others stay', async t => {
    const { store } = await open(t)
    await store.insert(delivery('dead', { orderingKey: 'box', unreadable: 'x' }), false)
    await insertAll(store, ['done', 'pending'])
    await store.settle(await take(store, 'box'), { state: 'done' }, 1)
    const ids = ['dead', 'done', 'pending', 'unknown'].map(key => delivery(key).id)
    t.same(await store.replay(ids, 50), ['box'])
    t.match(await store.get(ids[0] as string), { state: 'parked', nextAttemptAt: 50 })
    const first = await take(store, 'box', 50)
    t.equal(first.key, 'pending', 'the order goes first')
    await store.settle(first, { state: 'done' }, 50)
    t.match(await take(store, 'box', 50), { key: 'dead', state: 'parked' })
    t.same(await store.replay(ids, 60), [], 'what is at work is not replayed')
  })

  await t.test('discard: only what is parked or dead, with its reason', async t => {
    const { store } = await open(t)
    const dead = delivery('dead', { unreadable: 'x' })
    await store.insert(dead, false)
    await insertAll(store, ['pending'])
    t.equal(await store.discard(delivery('pending').id, 'no', 1), false)
    t.equal(await store.discard(dead.id, 'a test of ours', 1), true)
    t.match(await store.get(dead.id), { state: 'discarded', error: 'a test of ours', settledAt: 1 })
    t.same(await store.replay([dead.id], 2), [])
  })

  await t.test('list: by any field, in order of acceptance, page by page; the backlog counts', async t => {
    const { store } = await open(t)
    await insertAll(store, ['a', 'b', 'c'])
    await store.insert(delivery('d', { event: 'pong', source: 'else', unreadable: 'x', receivedAt: 9 }), false)
    const keys = async (...args: Parameters<Store['list']>) => (await store.list(...args)).map(({ key }) => key)
    t.same(await keys({}, 10), ['a', 'b', 'c', 'd'])
    t.same(await keys({ state: 'dead' }, 10), ['d'])
    t.same(await keys({ state: 'pending', orderingKey: 'box', source: 'test', event: 'ping' }, 10), ['a', 'b', 'c'])
    t.same(await keys({ event: 'pong', source: 'test' }, 10), [])
    const [first, second] = await store.list({}, 2)
    t.same(await keys({}, 2, second?.seq), ['c', 'd'])
    t.ok((first?.seq ?? 0) < (second?.seq ?? 0))
    await t.rejects(store.list({ state: "dead' OR 1=1 --" as 'dead' }, 10), /state is one of/)
    t.same(await store.backlog(), { pending: 3, parked: 0, dead: 1, oldestPendingAt: 0 })
    await store.settle(await take(store, 'box'), { state: 'parked', error: 'E', nextAttemptAt: 5 }, 1)
    t.match(await store.backlog(), { pending: 2, parked: 1, dead: 1 })
  })

  await t.test('a step is claimed by one, recorded with its result, and its claim dies with its process', async t => {
    const { store, reopen } = await open(t)
    t.equal(await store.claimStep('s', 0), 'claimed')
    t.equal(await store.claimStep('s', 0), 'busy')
    await store.releaseStep('s')
    t.equal(await store.claimStep('s', 0), 'claimed')
    const again = await reopen()
    t.equal(await again.claimStep('s', 0), 'claimed')
    await again.recordStep('s', { sent: [1] }, 1)
    await again.releaseStep('s')
    t.same(await again.claimStep('s', 2), { result: { sent: [1] } })
    await again.claimStep('empty', 0)
    await again.recordStep('empty', undefined, 1)
    t.same(await (await reopen()).claimStep('empty', 2), { result: null })
  })

  await t.test('prune: payloads first, keys later, of finished ones only, step by step', async t => {
    const { store } = await open(t)
    for (const [key, day] of [
      ['old', 1],
      ['middle', 20],
      ['young', 39],
    ] as const) {
      const parts = { orderingKey: 'box', receivedAt: day * DAY }
      await store.insert(delivery(key, parts), false)
      await store.settle(await take(store, 'box'), { state: 'done' }, day * DAY)
    }
    await store.insert(delivery('waits', { receivedAt: DAY, orderingKey: 'waits' }), false)
    await store.insert(delivery('dead', { receivedAt: DAY, unreadable: 'x' }), false)
    await store.claimStep('old step', DAY)
    await store.recordStep('old step', 1, DAY)
    await store.claimStep('young step', 39 * DAY)
    await store.recordStep('young step', 1, 39 * DAY)

    const before = { payloadsBefore: 33 * DAY, keysBefore: 10 * DAY }
    let steps = 0
    for (let after: number | null = 0; after !== null; steps++) after = await store.prune(before, after, 1)
    t.ok(steps > 2, `${steps} steps`)
    const rows = await store.list({}, 10)
    t.same(
      rows.map(({ key, payload }) => [key, payload !== null]),
      [
        ['middle', false],
        ['young', true],
        ['waits', true],
        ['dead', true],
      ],
    )
    t.equal(await store.insert(delivery('old'), false), 'queued', 'forgotten')
    t.equal(await store.insert(delivery('middle'), false), 'duplicate', 'still known')
    t.equal(await store.claimStep('old step', 0), 'claimed')
    t.same(await store.claimStep('young step', 0), { result: 1 })
  })

  await t.test('it says whether it can be written', async t => {
    const { store } = await open(t)
    await store.checkWritable()
    await store.close()
    await t.rejects(store.checkWritable())
    await t.rejects(store.insert(delivery('late'), false))
  })
}

function count(results: InsertResult[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const result of results) counts[result] = (counts[result] ?? 0) + 1
  return counts
}
