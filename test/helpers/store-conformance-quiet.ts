import type { Test } from 'tap'
import type { Delivery, NewDelivery, Outcome, Store, TakenDelivery } from '../../inbox/contracts.ts'
import { delivery } from './inbox.ts'
import type { StoreUnderTest } from './store-conformance.ts'

/** Conformance tests of stores: deliveries that wait for quiet, and are handled together. */

const QUIET_MS = 2_000
const MAX_MS = 5_000
const waits = { ends: false, quietMs: QUIET_MS, maxMs: MAX_MS }
const ends = { ...waits, ends: true }

export async function quietConformance(t: Test, open: (t: Test) => Promise<StoreUnderTest>): Promise<void> {
  const insert = async (store: Store, key: string, at: number, parts: Partial<NewDelivery> = { quiet: waits }) => {
    // Tells a database the time.
    await store.replay([], at)
    return store.insert(delivery(key, { orderingKey: 'box', receivedAt: at, ...parts }), 'quiet' in parts)
  }
  const take = async (store: Store, now: number): Promise<TakenDelivery> => {
    const taken = await store.take('box', now)
    if (taken === null) throw new Error(`nothing is due at ${now}`)
    return taken
  }
  const keys = (taken: TakenDelivery | null) => taken?.together?.map(({ key }: Delivery) => key)
  const states = async (store: Store) =>
    Object.fromEntries((await store.list({}, 200)).map(({ key, state }) => [key, state]))
  const retryAt = (nextAttemptAt: number): Outcome => ({ state: 'pending', error: 'E', nextAttemptAt })

  await t.test('what waits is due when nothing has come in for a while, all of it together', async t => {
    const { store, reopen } = await open(t)
    t.equal(await insert(store, 'a', 1_000), 'queued', 'not claimed')
    t.equal((await store.get(delivery('a').id))?.nextAttemptAt, 3_000)
    t.equal(await store.take('box', 2_999), null)
    await insert(store, 'b', 2_900)
    t.equal(await insert(store, 'b', 2_950), 'duplicate')
    t.equal(await store.take('box', 4_899), null, 'b came in')
    const again = await reopen()
    t.equal(await again.take('box', 4_899), null)
    const run = await take(again, 4_900)
    t.match(run, { key: 'a', attempts: 1, state: 'pending', crashed: false, run: delivery('a').id })
    t.match(run.together, [
      { key: 'a', payload: { key: 'a' }, receivedAt: 1_000 },
      { key: 'b', payload: { key: 'b' }, receivedAt: 2_900 },
    ])
    t.match(await again.get(delivery('b').id), { attempts: 1, startedAt: 4_900, nextAttemptAt: null })
    t.equal(await again.settle(run, { state: 'done' }, 5_000), true)
    t.same(await states(again), { a: 'done', b: 'done' })
    t.match(await again.get(delivery('b').id), { settledAt: 5_000, nextAttemptAt: null })
    t.equal(await again.take('box', 10 ** 9), null)
    t.same(await again.backlog(), { pending: 0, parked: 0, dead: 0, oldestPendingAt: null })
  })

  await t.test('the first one waits only so long', async t => {
    const { store } = await open(t)
    for (const at of [1_000, 2_500, 4_000, 5_500]) await insert(store, `${at}`, at)
    t.equal(await store.take('box', 5_999), null)
    t.same(keys(await take(store, 6_000)), ['1000', '2500', '4000', '5500'])
  })

  await t.test('what does not wait takes along what waits before it, in order, and is handled by itself', async t => {
    const { store } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'b', 1_000)
    t.equal(await insert(store, 'click', 1_100, {}), 'queued')
    await insert(store, 'c', 1_200)
    const run = await take(store, 1_200)
    t.same(keys(run), ['a', 'b'])
    await store.settle(run, { state: 'done' }, 1_300)
    const click = await take(store, 1_300)
    t.same([click.key, click.together, click.run], ['click', undefined, undefined])
    await store.settle(click, { state: 'done' }, 1_300)
    t.equal(await store.take('box', 3_199), null, 'what came in after it waits')
    t.same(keys(await take(store, 3_200)), ['c'])
  })

  await t.test('what ends the wait belongs to the run', async t => {
    const { store } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'person', 1_100, { quiet: ends })
    t.same(keys(await take(store, 1_100)), ['a', 'person'])
  })

  await t.test('one of another source is not of the run, one of another event is', async t => {
    const { store } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'other', 1_000, { quiet: waits, source: 'other' })
    await insert(store, 'b', 1_000)
    await insert(store, 'c', 1_000, { quiet: waits, event: 'pong' })
    for (const each of [['a'], ['other'], ['b', 'c']]) {
      const run = await take(store, 3_000)
      t.same(keys(run), each)
      await store.settle(run, { state: 'done' }, 3_000)
    }
  })

  await t.test('a run is fixed when it begins: each attempt has the same ones, also after a crash', async t => {
    const { store, reopen } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'b', 1_000)
    await store.settle(await take(store, 3_000), retryAt(4_000), 3_000)
    await insert(store, 'c', 3_100)
    t.equal(await store.take('box', 3_999), null, 'what comes in does not make a retry due')
    t.match(await store.get(delivery('b').id), { state: 'pending', error: 'E', nextAttemptAt: 4_000 })
    t.same(keys(await take(store, 4_000)), ['a', 'b'])
    const again = await reopen()
    const third = await take(again, 6_000)
    t.match(third, { attempts: 3, crashed: true })
    t.same(keys(third), ['a', 'b'])
    await again.settle(third, { state: 'done' }, 6_000)
    for (const key of ['a', 'b']) {
      t.match(await again.history(delivery(key).id), [
        { what: 'failed', attempt: 1 },
        { what: 'crashed', attempt: 2 },
      ])
    }
    t.same(keys(await take(again, 6_000)), ['c'], 'the next run')
  })

  await t.test('a run that is reopened is joined by what comes in before its next attempt', async t => {
    const { store, reopen } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'b', 1_000)
    const first = await take(store, 3_000)
    t.equal(first.isNewRun, true)
    await store.settle(first, { state: 'pending', error: 'E', nextAttemptAt: 9_000, reopens: true }, 3_000)
    t.match(await store.get(delivery('a').id), { state: 'pending', attempts: 1, nextAttemptAt: 9_000, error: 'E' })
    await insert(store, 'c', 3_100)
    const again = await reopen()
    await insert(again, 'click', 3_200, {})
    t.equal(await again.take('box', 8_999), null, 'it keeps its delay')
    const second = await take(again, 9_000)
    t.same([keys(second), second.run, second.isNewRun], [['a', 'b', 'c'], delivery('a').id, true])
    t.same(
      second.together?.map(({ attempts }) => attempts),
      [2, 2, 1],
    )
    await again.settle(second, { state: 'pending', error: 'F', nextAttemptAt: 10_000 }, 9_000)
    await insert(again, 'd', 9_010)
    const third = await take(again, 10_000)
    t.same([keys(third), third.isNewRun], [['a', 'b', 'c'], false], 'now it is fixed')
    t.equal(await again.settle(third, { state: 'done' }, 10_000), true)
    t.same(await states(again), { a: 'done', b: 'done', c: 'done', click: 'pending', d: 'pending' })
    t.match(await again.history(delivery('c').id), [{ what: 'failed', attempt: 1, detail: 'F' }])
    t.equal((await again.history(delivery('c').id)).length, 1)
    t.equal((await again.history(delivery('a').id)).length, 2)
  })

  await t.test('a settle after losing the claim changes nothing of a run', async t => {
    const { store, reopen } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'b', 1_000)
    const first = await take(store, 3_000)
    const again = await reopen()
    const second = await take(again, 3_000)
    t.equal(await again.settle(first, { state: 'dead', error: 'late' }, 3_001), false)
    t.same(await states(again), { a: 'pending', b: 'pending' })
    t.equal(await again.settle(second, { state: 'done' }, 3_002), true)
  })

  await t.test('a run is parked, retried, declared dead and replayed as a whole', async t => {
    const { store } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'b', 1_000)
    await store.settle(await take(store, 3_000), { state: 'parked', error: 'E', nextAttemptAt: 9_000 }, 3_000)
    t.same(await states(store), { a: 'parked', b: 'parked' })
    t.equal((await store.get(delivery('b').id))?.nextAttemptAt, 9_000)
    await insert(store, 'c', 3_000, {})
    const passing = await take(store, 3_000)
    t.equal(passing.key, 'c', 'others pass')
    await store.settle(passing, { state: 'done' }, 3_000)
    t.equal(await store.take('box', 8_999), null)
    const parked = await take(store, 9_000)
    t.match(parked, { key: 'a', state: 'parked', attempts: 2 })
    t.same(keys(parked), ['a', 'b'])
    t.same(await store.replay([delivery('b').id], 9_000), [], 'not while it is at work')
    await store.settle(parked, { state: 'dead', error: 'F' }, 9_001)
    t.match(await store.backlog(), { pending: 0, parked: 0, dead: 2 })
    t.same(await store.replay([delivery('b').id, delivery('a').id], 9_002), ['box'])
    t.match(await store.backlog(), { parked: 2, dead: 0 })
    const replayed = await take(store, 9_002)
    t.same(keys(replayed), ['a', 'b'])
    t.match(replayed, { key: 'a', attempts: 3 })
    await store.settle(replayed, { state: 'parked', error: 'G', nextAttemptAt: 20_000 }, 9_003)
    t.same(await store.replay([delivery('a').id], 9_004), ['box'], 'before it is due')
    t.same(keys(await take(store, 9_004)), ['a', 'b'])
  })

  await t.test('who is forgotten or discarded is left out; the others go on', async t => {
    const { store } = await open(t)
    for (const key of ['a', 'b', 'c', 'd']) await insert(store, key, 1_000)
    t.equal(await store.forget([delivery('d').id], 1_500), 1, 'while it waits')
    const run = await take(store, 3_000)
    t.same(keys(run), ['a', 'b', 'c'])
    t.equal(await store.forget([delivery('b').id], 3_000), 0, 'not while it is at work')
    await store.settle(run, retryAt(4_000), 3_000)
    t.equal(await store.forget([delivery('b').id], 3_500), 1)
    const second = await take(store, 4_000)
    t.same(keys(second), ['a', 'c'])
    await store.settle(second, { state: 'parked', error: 'E', nextAttemptAt: 9_000 }, 4_000)
    t.equal(await store.discard(delivery('a').id, 'no use', 5_000), true)
    t.equal(await store.take('box', 8_999), null)
    const third = await take(store, 9_000)
    t.same([third.key, keys(third), third.run], ['c', ['c'], delivery('a').id], 'the run is the same one')
    await store.settle(third, { state: 'done' }, 9_000)
    t.same(await states(store), { a: 'discarded', b: 'discarded', c: 'done', d: 'discarded' })
    t.equal((await store.get(delivery('d').id))?.nextAttemptAt, null)
  })

  await t.test('a run is bounded; the rest is the next one', async t => {
    const { store } = await open(t)
    const many = Array.from({ length: 130 }, (_, n) => `${n}`)
    const parts = { orderingKey: 'box', receivedAt: 1_000, quiet: waits }
    await store.replay([], 1_000)
    await Promise.all(many.map(key => store.insert(delivery(key, parts), true)))
    const first = await take(store, 3_000)
    t.same(keys(first), many.slice(0, 100))
    await store.settle(first, { state: 'done' }, 3_000)
    t.same(keys(await take(store, 3_000)), many.slice(100))
  })

  await t.test('mailboxes do not wait for each other', async t => {
    const { store } = await open(t)
    await insert(store, 'a', 1_000)
    await insert(store, 'x', 1_500, { quiet: waits, orderingKey: 'other' })
    await insert(store, 'y', 1_500, { orderingKey: 'third' })
    const [box, other] = await Promise.all([store.take('box', 3_000), store.take('other', 3_000)])
    t.same([keys(box), other], [['a'], null])
  })
}
