import type { Test } from 'tap'
import type { InsertResult, Outcome, Store, TakenDelivery } from '../../inbox/contracts.ts'
import { causesConformance } from './causes-conformance.ts'
import { claimed, delivery } from './inbox.ts'
import { listsConformance } from './lists-conformance.ts'
import { quarantineConformance } from './quarantine-conformance.ts'
import { replayJobConformance } from './replay-job-conformance.ts'
import { scheduledConformance } from './scheduled-conformance.ts'

export interface StoreUnderTest {
  store: Store
  /** Closes it (or lets its process die) and opens it again. */
  reopen(): Promise<Store>
}

const DAY = 24 * 60 * 60 * 1_000

/** Conformance tests of stores. */
export async function storeConformance(t: Test, open: (t: Test) => Promise<StoreUnderTest>): Promise<void> {
  await scheduledConformance(t, open)
  await quarantineConformance(t, open)
  await listsConformance(t, open)
  await causesConformance(t, open)
  await replayJobConformance(t, open)
  const take = async (store: Store, orderingKey: string, now = 0): Promise<TakenDelivery> => {
    const taken = await store.take(orderingKey, now)
    if (taken === null) throw new Error(`nothing is due in ${orderingKey} at ${now}`)
    return taken
  }
  const insertAll = (store: Store, keys: string[], orderingKey = 'box') =>
    Promise.all(keys.map(key => store.insert(delivery(key, { orderingKey }), false)))

  await t.test('a delivery is new only once: within a commit, across commits and restarts', async t => {
    const { store, reopen } = await open(t)
    const copies = await Promise.all(Array.from({ length: 200 }, () => store.insert(delivery('a'), false)))
    t.same(count(copies), { queued: 1, duplicate: 199 })
    t.equal(await store.insert(delivery('a'), true), 'duplicate')
    t.equal(await store.insert(delivery('b'), false), 'queued')
    t.equal(await (await reopen()).insert(delivery('a'), false), 'duplicate')
  })

  await t.test('an inserted delivery is read back unchanged', async t => {
    const { store, reopen } = await open(t)
    const payload = { text: '<b>é \u2028 \u0000 😀', list: [1, null, { deep: true }], big: 2 ** 53 - 1 }
    await store.insert(delivery('a', { payload, receivedAt: 5 }), false)
    const again = await reopen()
    t.match(await again.get(delivery('a').id), { payload, key: 'a', state: 'pending', attempts: 0, receivedAt: 5 })
    t.same((await take(again, 'mailbox:a')).payload, payload)
    t.equal(await again.get('no such id'), null)
  })

  await t.test('a trace is kept with its delivery, alone and in a run', async t => {
    const { store, reopen } = await open(t)
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    const quiet = { ends: false, quietMs: 0, maxMs: 0 }
    await store.insert(delivery('a', { trace }), false)
    await store.insert(delivery('b', { orderingKey: 'box', quiet, trace }), false)
    await store.insert(delivery('c', { orderingKey: 'box', quiet }), false)
    const again = await reopen()
    t.match(await again.get(delivery('a').id), { trace })
    t.equal((await take(again, 'mailbox:a', Date.now())).trace, trace)
    const { together } = await take(again, 'box', Date.now())
    t.same(
      together?.map(each => each.trace),
      [trace, undefined],
    )
  })

  await t.test('a mailbox is emptied in order, one at a time', async t => {
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

  await t.test('an insert claims the delivery if its mailbox is idle', async t => {
    const { store } = await open(t)
    const box = { orderingKey: 'box' }
    t.equal(await store.insert(delivery('a', box), true), 'claimed')
    t.equal(await store.insert(delivery('b', box), true), 'queued')
    t.equal(await store.insert(delivery('other'), true), 'claimed')
    t.equal((await store.get(delivery('a').id))?.attempts, 1)
    t.equal(await store.settle(claimed('a', box), { state: 'done' }, 1), true)
    t.equal((await take(store, 'box')).key, 'b')
  })

  await t.test('a failed head blocks only its own mailbox until it is due', async t => {
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

  await t.test('a parked delivery lets others pass, and is due later', async t => {
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

  await t.test('a peek shows what may be taken next, due or not, and takes nothing', async t => {
    const { store } = await open(t)
    const keys = async () =>
      (await store.peek('box')).map(({ id }) => ['a', 'b', 'c'].find(key => delivery(key).id === id))
    t.same(await store.peek('box'), [])
    await insertAll(store, ['a', 'b', 'c'])
    t.same(await store.peek('box'), [{ id: delivery('a').id, source: 'test', event: 'ping' }])
    t.same(await store.peek('other box'), [])
    t.equal((await store.get(delivery('a').id))?.attempts, 0)
    await store.settle(await take(store, 'box'), { state: 'pending', error: 'E', nextAttemptAt: 100 }, 1)
    t.same(await keys(), ['a'], 'it waits for a retry')
    await store.settle(await take(store, 'box', 100), { state: 'parked', error: 'E', nextAttemptAt: 200 }, 101)
    t.same(await keys(), ['b', 'a'], 'the order, and what is parked')
    await store.settle(await take(store, 'box', 102), { state: 'done' }, 103)
    await store.settle(await take(store, 'box', 104), { state: 'dead', error: 'E' }, 105)
    t.same(await keys(), ['a'])
  })

  await t.test('a settle after losing the claim changes nothing', async t => {
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

  await t.test('replay: parked and dead deliveries are due at once, out of order; others stay', async t => {
    const { store } = await open(t)
    await store.insert(delivery('dead', { orderingKey: 'box', unreadable: 'x' }), false)
    await insertAll(store, ['done', 'pending'])
    await store.settle(await take(store, 'box'), { state: 'done' }, 1)
    const ids = ['dead', 'done', 'pending', 'unknown'].map(key => delivery(key).id)
    t.same(await store.replay(ids, 50), ['box'])
    t.match(await store.get(ids[0] as string), { state: 'parked', nextAttemptAt: null })
    const first = await take(store, 'box', 50)
    t.equal(first.key, 'pending', 'the order goes first')
    await store.settle(first, { state: 'done' }, 50)
    t.match(await take(store, 'box', 50), { key: 'dead', state: 'parked' })
    t.same(await store.replay(ids, 60), [], 'what is at work is not replayed')
  })

  await t.test('what is due at once ignores the clock, and pruning skips implausible times', async t => {
    const { store } = await open(t)
    const box = { orderingKey: 'box' }
    await store.insert(delivery('ahead', { ...box, receivedAt: 10 ** 12 }), false)
    await store.settle(await take(store, 'box', 5), { state: 'dead', error: 'E' }, 5)
    t.same(await store.replay([delivery('ahead').id], 10 ** 12), ['box'])
    await store.settle(await take(store, 'box', 5), { state: 'done' }, 5)
    await store.insert(delivery('young', { ...box, receivedAt: DAY }), false)
    await store.settle(await take(store, 'box', DAY), { state: 'done' }, DAY)
    await store.insert(delivery('old', box), false)
    await store.settle(await take(store, 'box', 5), { state: 'done' }, 6)
    const before = { payloadsBefore: 10, keysBefore: 0 }
    for (let after: number | null = 0; after !== null; ) after = await store.prune(before, after, 1)
    const payloads = (await store.list({}, 10)).map(({ key, payload }) => [key, payload !== null])
    t.same(payloads, [
      ['ahead', false],
      ['young', true],
      ['old', false],
    ])
  })

  await t.test('discard: only parked or dead deliveries, with a reason', async t => {
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
    await t.rejects(store.list({ state: "dead' OR 1=1 --" as 'dead' }, 10), /state must be one of/)
    t.same(await store.backlog(), { pending: 3, parked: 0, dead: 1, oldestPendingAt: 0 })
    await store.settle(await take(store, 'box'), { state: 'parked', error: 'E', nextAttemptAt: 5 }, 1)
    t.match(await store.backlog(), { pending: 2, parked: 1, dead: 1 })
  })

  await t.test('browse: newest first, without payloads, by any field, page by page', async t => {
    const { store } = await open(t)
    t.same(await store.browse({}, 10), { deliveries: [], next: null })
    const rows = [
      ['1:7_1_created', 'conversation:1:7', 10],
      ['1:17_2_created', 'conversation:1:17', 20],
      ['100%_x', 'conversation:2:7', 30],
      ['other', 'contact:1:7', 40],
    ] as const
    for (const [key, orderingKey, receivedAt] of rows) {
      await store.insert(delivery(key, { orderingKey, receivedAt }), false)
    }
    const keys = async (...args: Parameters<Store['browse']>) =>
      (await store.browse(...args)).deliveries.map(({ key }) => key)
    t.same(await keys({}, 10), ['other', '100%_x', '1:17_2_created', '1:7_1_created'])
    t.same(await keys({ conversation: '7' }, 10), ['100%_x', '1:7_1_created'])
    t.same(await keys({ from: 20, to: 40 }, 10), ['100%_x', '1:17_2_created'])
    t.same(await keys({ text: '%_' }, 10), ['100%_x'], 'a text, not a pattern')
    t.same(await keys({ text: delivery('other').id.slice(3, 20) }, 10), ['other'])
    t.same(await keys({ state: 'pending', source: 'test', event: 'ping', orderingKey: 'contact:1:7' }, 10), ['other'])
    const first = await store.browse({}, 3)
    t.equal('payload' in (first.deliveries[0] as object), false)
    const second = await store.browse({}, 3, first.next as number)
    t.same([second.deliveries.map(({ key }) => key), second.next], [['1:7_1_created'], null])
    await t.rejects(store.browse({ state: 'odd' as 'dead' }, 10), /state must be one of/)
  })

  await t.test('browse: a rare match is found by searching on', async t => {
    const { store } = await open(t)
    await store.insert(delivery('rare', { event: 'rare' }), false)
    const many = Array.from({ length: 10_050 }, (_, n) => store.insert(delivery(`often ${n}`), false))
    await Promise.all(many)
    const first = await store.browse({ event: 'rare' }, 1)
    t.same(first.deliveries, [])
    t.type(first.next, 'number')
    const second = await store.browse({ event: 'rare' }, 1, first.next as number)
    t.same([second.deliveries.map(({ key }) => key), second.next], [['rare'], null])
    t.same((await store.size()).deliveries, 10_051)
  })

  await t.test('history: failures, crashes and actions of the operator', async t => {
    const { store, reopen } = await open(t)
    t.same(await store.size().then(({ deliveries }) => deliveries), 0)
    await insertAll(store, ['a'])
    const id = delivery('a').id
    const settle = async (outcome: Outcome, now: number) => {
      const taken = await take(store, 'box', now)
      t.equal((await store.get(id))?.startedAt, now)
      t.equal(await store.settle(taken, outcome, now + 5), true)
    }
    await settle({ state: 'pending', error: 'E1', nextAttemptAt: 100 }, 10)
    await settle({ state: 'parked', error: 'E2', nextAttemptAt: 200 }, 100)
    await take(store, 'box', 200)
    const again = await reopen()
    const third = await take(again, 'box', 300)
    await again.settle(third, { state: 'dead', error: 'E3' }, 305)
    t.equal(await again.settle(third, { state: 'dead', error: 'late' }, 306), false)
    await again.replay([id], 400)
    await again.settle(await take(again, 'box', 401), { state: 'dead', error: 'E4' }, 402)
    await again.note(id, 'Noted', 450)
    await again.discard(id, 'no use', 500)
    const entry = (
      what: string,
      at: number,
      attempt: number | null,
      startedAt: number | null,
      detail: string | null,
    ) => ({ what, at, attempt, startedAt, detail })
    t.same(await again.history(id), [
      entry('failed', 15, 1, 10, 'E1'),
      entry('parked', 105, 2, 100, 'E2'),
      entry('crashed', 300, 3, 200, null),
      entry('dead', 305, 4, 300, 'E3'),
      entry('replayed', 400, null, null, null),
      entry('dead', 402, 5, 401, 'E4'),
      entry('noted', 450, null, null, 'Noted'),
      entry('discarded', 500, null, null, 'no use'),
    ])
    t.same(await again.history('no such id'), [])
    const { bytes } = await again.size()
    t.ok(bytes > 4_096, `${bytes} bytes`)
  })

  await t.test('forget: erases payloads and errors, keeps keys, skips deliveries being handled', async t => {
    const { store } = await open(t)
    await insertAll(store, ['done', 'failing', 'busy'])
    await store.settle(await take(store, 'box'), { state: 'done' }, 1)
    await store.settle(await take(store, 'box'), { state: 'parked', error: 'about Anna', nextAttemptAt: 50 }, 2)
    const busy = await take(store, 'box')
    const ids = ['done', 'failing', 'busy', 'unknown'].map(key => delivery(key).id)
    t.equal(await store.forget(ids, 9), 2)
    t.match(await store.get(ids[0] as string), { state: 'done', payload: null })
    t.match(await store.get(ids[1] as string), { state: 'discarded', payload: null, error: null, settledAt: 9 })
    t.match(await store.get(ids[2] as string), { state: 'pending', payload: { key: 'busy' } })
    t.same(
      (await store.history(ids[1] as string)).map(({ what, detail }) => [what, detail]),
      [
        ['parked', null],
        ['forgotten', null],
      ],
    )
    t.equal(await store.insert(delivery('failing'), false), 'duplicate')
    t.equal(await store.forget(ids, 10), 0, 'once is enough')
    await store.settle(busy, { state: 'done' }, 11)
    t.equal(await store.take('box', 60), null)
  })

  await t.test('a step has one claim, is recorded with its result, and loses its claim with its process', async t => {
    const { store, reopen } = await open(t)
    t.equal(await store.claimStep('s', 0), 'first')
    t.equal(await store.claimStep('s', 0), 'busy')
    await store.releaseStep('s', 0)
    t.equal(await store.claimStep('s', 0), 'again')
    t.equal(await store.claimStep('s', 0), 'busy')
    t.equal(await store.claimStep('died with it', 0), 'first')
    const again = await reopen()
    t.equal(await again.claimStep('s', 0), 'again')
    t.equal(await again.claimStep('died with it', 0), 'again')
    await again.recordStep('s', { sent: [1] }, 1)
    await again.releaseStep('s', 1)
    t.same(await again.claimStep('s', 2), { result: { sent: [1] } })
    await again.claimStep('empty', 0)
    await again.recordStep('empty', undefined, 1)
    t.same(await (await reopen()).claimStep('empty', 2), { result: null })
  })

  await t.test('steps that are done are listed in parts; a forgotten one stays done, without its result', async t => {
    const { store } = await open(t)
    for (const key of ['b:reply', 'a:reply', 'c']) {
      await store.claimStep(key, 0)
      await store.recordStep(key, { key }, 7)
    }
    await store.claimStep('running', 0)
    const first = await store.steps(2)
    const rest = await store.steps(2, first.at(-1)?.key)
    t.match(
      [...first, ...rest],
      ['a:reply', 'b:reply', 'c'].map(key => ({ key, doneAt: Number, result: { key } })),
    )
    t.same(await store.steps(2, rest.at(-1)?.key), [])
    await store.forgetSteps(['a:reply', 'running', 'unknown'])
    t.same(await store.claimStep('a:reply', 1), { result: null })
    t.same(await store.claimStep('running', 1), 'busy')
    t.same(await store.claimStep('c', 1), { result: { key: 'c' } })
  })

  await t.test('prune: payloads first, keys later, only of finished deliveries, in steps', async t => {
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
    t.equal(await store.claimStep('old step', 0), 'first')
    t.same(await store.claimStep('young step', 0), { result: 1 })
  })

  await t.test('the installation id is random, made once, and can be changed', async t => {
    const { store, reopen } = await open(t)
    const id = await store.installationId()
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    t.equal(await store.installationId(), id)
    const again = await reopen()
    t.equal(await again.installationId(), id)
    const other = '6f1c7a52-8f0e-4a7e-9a64-0c1d5b6f7e80'
    await again.setInstallationId(other)
    t.equal(await (await reopen()).installationId(), other)
    t.not(await (await open(t)).store.installationId(), id, 'another store has another one')
  })

  await t.test('it reports whether it is writable', async t => {
    const { store } = await open(t)
    await store.checkWritable()
    await store.close()
    await t.rejects(store.checkWritable())
    await t.rejects(store.insert(delivery('late'), false))
  })
}

/** An invalid argument makes only its own operation fail. */
export async function failsAlone(t: Test, open: (t: Test) => Promise<StoreUnderTest>): Promise<void> {
  const { store } = await open(t)
  const wrong = undefined as unknown as string
  const results = await Promise.allSettled([
    store.insert(delivery('a'), true),
    store.insert(delivery('odd', { receivedAt: 1e20 }), true),
    store.insert(delivery('b', { orderingKey: 'box' }), false),
    store.forget([wrong], 1),
    store.claimStep(wrong, 1),
    store.claimStep('step', 1),
    store.insert(delivery('c', { orderingKey: 'box' }), false),
  ])
  t.same(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled'],
  )
  t.match(await store.backlog(), { pending: 3, dead: 0 })
  t.equal((await store.take('box', 0))?.key, 'b')
  t.equal(await store.insert(delivery('odd'), false), 'queued', 'nothing of it was kept')
}

function count(results: InsertResult[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const result of results) counts[result] = (counts[result] ?? 0) + 1
  return counts
}
