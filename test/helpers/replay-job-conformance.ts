import type { Test } from 'tap'
import { MAX_TOGETHER, type Outcome, type Store, type TakenDelivery } from '../../inbox/contracts.ts'
import { delivery } from './inbox.ts'

const CAUSE = 'A:ours'
const DEAD = { state: 'dead', error: 'E', cause: CAUSE } satisfies Outcome
const DONE: Outcome = { state: 'done' }
const MINUTE = 60_000

/** The replay of a cause as a job: part of the conformance tests. */
export async function replayJobConformance(
  t: Test,
  open: (t: Test) => Promise<{ store: Store; reopen(): Promise<Store> }>,
): Promise<void> {
  const wish = { cause: CAUSE, perMinute: 60, pauseAfter: 3 }
  const end = async (store: Store, orderingKey: string, outcome: Outcome, now: number) =>
    store.settle((await store.take(orderingKey, now)) as TakenDelivery, outcome, now)
  /** Dead ones, one after the other. */
  const fill = async (store: Store, keys: string[], outcome: Outcome = DEAD) => {
    for (const key of keys) {
      await store.insert(delivery(key), false)
      await end(store, `mailbox:${key}`, outcome, 1)
    }
  }
  const replays = async (store: Store, key: string) =>
    (await store.history(delivery(key).id)).filter(({ what }) => what === 'replayed').length

  await t.test('a job replays each once, the oldest first, at its pace; it goes on after a restart', async t => {
    const { store, reopen } = await open(t)
    t.equal(await store.replayJob(), null)
    t.same(await store.stepReplayJob(5), { orderingKeys: [], nextMs: null, turned: null })
    t.equal(await store.startReplayJob(wish, 5), 'none')
    await fill(store, ['a', 'b', 'c'])
    await fill(store, ['other'], { ...DEAD, cause: 'B:ours' })
    const started = { number: 1, ...wish, state: 'running', startedAt: 10, replayed: 0, underWay: 0, left: 3 }
    t.match(await store.startReplayJob(wish, 10), started)
    t.equal(await store.startReplayJob(wish, 10), 'busy')
    t.match(await store.replayJob(), started)

    t.match(await store.stepReplayJob(10), { orderingKeys: ['mailbox:a'], turned: null })
    t.match(await store.stepReplayJob(1_009), { orderingKeys: [], nextMs: 50 }, 'not before its time')
    t.match(await store.replayJob(), { replayed: 1, underWay: 1, left: 2 })
    const again = await reopen()
    await end(again, 'mailbox:a', DONE, 1_009)
    t.match(await again.stepReplayJob(1_010), { orderingKeys: ['mailbox:b'] })
    t.match(await again.replayJob(), { replayed: 2, succeeded: 1, underWay: 1, left: 1 })
    await end(again, 'mailbox:b', DEAD, 1_011)
    t.match(await again.stepReplayJob(2_010), { orderingKeys: ['mailbox:c'] })
    t.match(await again.stepReplayJob(3_100), { orderingKeys: [], turned: null }, 'its outcome is missing')
    await end(again, 'mailbox:c', { ...DEAD, state: 'parked', nextAttemptAt: 9_000 }, 3_200)
    t.match(await again.stepReplayJob(9_000), { orderingKeys: [], nextMs: null, turned: { state: 'done', number: 1 } })
    const done = { state: 'done', endedAt: 9_000, replayed: 3, succeeded: 1, failed: 2, underWay: 0, left: 0 }
    t.match(await again.replayJob(), done)
    t.match(await again.stepReplayJob(20_000), { orderingKeys: [], nextMs: null, turned: null })
    for (const key of ['a', 'b', 'c']) t.equal(await replays(again, key), 1, key)
    t.equal(await replays(again, 'other'), 0)
    t.match(await again.startReplayJob(wish, 20_000), { number: 2, replayed: 0, left: 2 })
  })

  await t.test('what dies after the start, or is closed meanwhile, is not replayed', async t => {
    const { store } = await open(t)
    await fill(store, ['a', 'b'])
    await store.startReplayJob(wish, 10)
    await fill(store, ['late'])
    t.match(await store.stepReplayJob(10), { orderingKeys: ['mailbox:a'] })
    await store.discard(delivery('b').id, 'by hand', 11)
    // Replayed, and closed before it was handled again.
    await store.discard(delivery('a').id, 'by hand', 11)
    t.match(await store.stepReplayJob(2_000), { orderingKeys: [], turned: { state: 'done' } })
    t.match(await store.replayJob(), { replayed: 1, succeeded: 0, failed: 0 })
  })

  await t.test('it pauses after failures in a row, until it is resumed; not more are under way at once', async t => {
    const { store } = await open(t)
    await fill(store, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    await store.startReplayJob({ ...wish, pauseAfter: 2 }, 0)
    await store.stepReplayJob(0)
    await store.stepReplayJob(1_000)
    t.match(await store.stepReplayJob(2_000), { orderingKeys: [], nextMs: 500 }, 'two are under way')
    await end(store, 'mailbox:a', DEAD, 2_001)
    t.match(await store.stepReplayJob(3_000), { orderingKeys: ['mailbox:c'] })
    await end(store, 'mailbox:b', DONE, 3_001)
    t.match(await store.stepReplayJob(4_000), { orderingKeys: ['mailbox:d'] }, 'a success counts from the start again')
    await end(store, 'mailbox:c', DEAD, 4_001)
    await end(store, 'mailbox:d', { ...DEAD, cause: 'C:ours' }, 4_001)
    const why = '2 in a row failed again, the last one for C:ours'
    t.match(await store.stepReplayJob(5_000), { orderingKeys: [], nextMs: null, turned: { state: 'paused', why } })
    t.match(await store.replayJob(), { state: 'paused', why, failed: 3, succeeded: 1, left: 3, endedAt: null })
    t.equal(await store.startReplayJob(wish, 5_000), 'busy')
    t.match(await store.stepReplayJob(9_000), { orderingKeys: [], nextMs: null })

    t.equal(await store.changeReplayJob(7, 'running', 9_000), 'unknown')
    t.match(await store.changeReplayJob(1, 'running', 9_000), { state: 'running', why: null })
    t.equal(await store.changeReplayJob(1, 'running', 9_000), 'running')
    t.match(await store.stepReplayJob(9_000), { orderingKeys: ['mailbox:e'] })
    t.match(await store.changeReplayJob(1, 'stopped', 9_001), {
      state: 'stopped',
      endedAt: 9_001,
      underWay: 1,
      left: 0,
    })
    await end(store, 'mailbox:e', DONE, 9_002)
    t.match(await store.stepReplayJob(20_000), { orderingKeys: [], nextMs: null, turned: null })
    t.match(await store.replayJob(), { state: 'stopped', succeeded: 2, underWay: 0 }, 'what was under way is counted')
    t.equal(await store.changeReplayJob(1, 'stopped', 20_000), 'ended')
    t.equal(await store.changeReplayJob(1, 'running', 20_000), 'ended')
    t.equal(await replays(store, 'f'), 0)
  })

  await t.test('a clock that was set back does not stop it', async t => {
    const { store } = await open(t)
    await fill(store, ['a', 'b'])
    await store.startReplayJob(wish, 10 * MINUTE)
    await store.stepReplayJob(10 * MINUTE)
    t.match(await store.stepReplayJob(MINUTE), { orderingKeys: ['mailbox:b'] })
  })

  await t.test('a run is replayed whole, once', async t => {
    const { store } = await open(t)
    const quiet = { ends: false, quietMs: 5, maxMs: 50 }
    for (const key of ['a', 'b']) await store.insert(delivery(key, { orderingKey: 'box', quiet }), false)
    const taken = (await store.take('box', 10_000)) as TakenDelivery
    t.ok(taken.together?.length === 2 && MAX_TOGETHER > 2)
    await store.settle(taken, DEAD, 10_000)
    await store.startReplayJob(wish, 10_000)
    t.match(await store.stepReplayJob(10_000), { orderingKeys: ['box'] })
    await end(store, 'box', DEAD, 10_001)
    t.match(await store.stepReplayJob(20_000), { orderingKeys: [], turned: { state: 'done', replayed: 1, failed: 1 } })
    for (const key of ['a', 'b']) t.equal(await replays(store, key), 1, key)
  })

  await t.test('of several that are started at once, one is', async t => {
    const { store } = await open(t)
    await fill(store, ['a'])
    const results = await Promise.all([1, 2, 3].map(() => store.startReplayJob(wish, 5)))
    t.equal(results.filter(result => result === 'busy').length, 2)
    const steps = await Promise.all([1, 2, 3].map(() => store.stepReplayJob(5)))
    t.equal(steps.flatMap(step => step.orderingKeys).length, 1)
    t.equal(await replays(store, 'a'), 1)
  })
}
