import { join } from 'node:path'
import tap from 'tap'
import { describeError } from '../../inbox/backoff.ts'
import type { NewDelivery, TakenDelivery } from '../../inbox/contracts.ts'
import { createOnce, type Once } from '../../inbox/once.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { delivery, gate, startInbox } from '../helpers/inbox.ts'

const LONE = 'box \ud800'

tap.test('an invalid delivery is refused with the name of the field; others in the commit are kept', async t => {
  const { app, inbox } = await startInbox(t)
  await app.ready()
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ id: undefined }, /A delivery's id must be a string, not undefined/],
    [{ source: 5 }, /A delivery's source must be a string, not number/],
    [{ event: null }, /A delivery's event must be a string, not null/],
    [{ key: {} }, /A delivery's key must be a string, not object/],
    [{ orderingKey: Symbol('x') }, /A delivery's orderingKey must be a string, not symbol/],
    [{ unreadable: 1 }, /A delivery's unreadable must be a string, not number/],
    [{ body: 'text' }, /A delivery's body must be a Buffer/],
    ...[1e20, 9e15, -1, 1.5, Number.NaN, '5', undefined].map((receivedAt): [Record<string, unknown>, RegExp] => [
      { receivedAt },
      /A delivery's receivedAt must be a Unix time in ms, from 0 to the year 9999, not /,
    ]),
  ]
  const results = wrong.map(([parts, message], n) =>
    t.rejects(inbox.accept(delivery(`wrong ${n}`, parts as Partial<NewDelivery>), 1), { name: 'TypeError', message }),
  )
  const kept = [1, 2, 3].map(n => inbox.accept(delivery(`right ${n}`), 1))
  await Promise.all(results)
  t.same(await Promise.all(kept), ['accepted', 'accepted', 'accepted'])
  t.equal(await inbox.accept(delivery('edge', { receivedAt: Date.parse('9999-12-31T23:59:59.999Z') }), 1), 'accepted')

  const none = undefined as unknown as string
  const message = 'ids[1] must be a string, not undefined'
  await t.rejects(inbox.forget(['a', none]), { name: 'TypeError', message })
  await t.rejects(inbox.replay(['a', none]), { name: 'TypeError', message })
  await t.rejects(inbox.discard(none, 'why'), { message: 'id must be a string, not undefined' })
  await t.rejects(inbox.discard('a', none), { message: 'reason must be a string, not undefined' })
  await t.rejects(inbox.get(none), { message: 'id must be a string, not undefined' })
  await t.rejects(inbox.history(none), { message: 'id must be a string, not undefined' })
})

tap.test('a key of once() must be a string that the store can keep', async t => {
  const keys: string[] = []
  const once: Once = createOnce({
    store: {
      claimStep: async key => {
        keys.push(key)
        return 'first'
      },
      recordStep: async () => {},
      releaseStep: async () => {},
    },
    clock: { now: () => 0, after: () => () => {} },
    persist: write => write(),
  })
  await t.rejects(
    once(undefined as unknown as string, () => t.fail()),
    { name: 'TypeError', message: "once's key must be a string, not undefined" },
  )
  await once(LONE, () => 1)
  t.same(keys, ['box \ufffd'])
})

tap.test('a lone surrogate in an ordering key: handled once, in order, one at a time', async t => {
  const { app, inbox, log } = await startInbox(t)
  let atWork = 0
  let most = 0
  const keys: string[] = []
  const go = gate()
  inbox.handle('test', 'ping', async ({ key, orderingKey }) => {
    most = Math.max(most, ++atWork)
    if (keys.length === 0) await go.opened
    keys.push(`${key} ${orderingKey}`)
    atWork--
  })
  await app.ready()
  for (const key of ['a', 'b', 'c']) await inbox.accept(delivery(key, { orderingKey: LONE }), 1)
  await inbox.accept(delivery('d', { orderingKey: 'box \ufffd' }), 1)
  go.open()
  await log.count('webhook handled', 4)
  t.same(
    keys,
    ['a', 'b', 'c', 'd'].map(key => `${key} box \ufffd`),
  )
  t.equal(most, 1)
})

tap.test('a delivery in progress is never taken a second time', async t => {
  const store = openSqliteStore(join(t.testdir(), 'webhooks.db'))
  t.teardown(() => store.close())
  await store.insert(delivery('a', { orderingKey: 'box' }), true)
  await store.insert(delivery('b', { orderingKey: 'box' }), false)
  t.same(await Promise.all([store.take('box', 1), store.take('box', 1)]), [null, null])
  t.same(await store.dueMailboxes(1, 10), [], 'nothing is woken for it')
  await store.settle(
    { ...delivery('a', { orderingKey: 'box' }), attempts: 1, state: 'pending', crashed: false },
    { state: 'done' },
    1,
  )
  const [b, none] = await Promise.all([store.take('box', 1), store.take('box', 1)])
  t.match([b?.key, none], ['b', null])
  // A failed settle leaves it in progress.
  await t.rejects(store.settle(b as TakenDelivery, { state: 'done' }, 1e20))
  const [failed] = await Promise.allSettled([
    store.settle(b as TakenDelivery, { state: 'done' }, 1e20),
    store.insert(delivery('other'), false),
  ])
  t.equal(failed?.status, 'rejected')
  t.equal(await store.take('box', 1), null)
  t.equal(await store.settle({ ...(b as TakenDelivery), id: 'unknown' }, { state: 'done' }, 1), false)
  t.equal(await store.settle(b as TakenDelivery, { state: 'done' }, 1), true)
})

tap.test('any thrown value can be described', async t => {
  const throwing = (name: string) =>
    Object.defineProperty(new Error('x'), name, {
      get() {
        throw new Error('no')
      },
    })
  const odd = [
    throwing('message'),
    throwing('name'),
    throwing('cause'),
    Object.assign(new Error('x'), {
      name: {
        toString: () => {
          throw new Error('no')
        },
      },
    }),
    Object.assign(new Error('x'), { message: Symbol('no') }),
    new Proxy(
      {},
      {
        get() {
          throw new Error('no')
        },
        getPrototypeOf() {
          throw new Error('no')
        },
      },
    ),
    {
      [Symbol.for('nodejs.util.inspect.custom')]() {
        throw new Error('no')
      },
    },
  ]
  for (const error of odd) t.type(describeError(error), 'string')
  t.ok(describeError(new Error(`${'x'.repeat(492)}\u{1f600}`)).isWellFormed(), 'no pair is split')

  const { app, inbox, log } = await startInbox(t)
  let n = 0
  inbox.handle('test', 'ping', () => {
    throw odd[n++ % odd.length]
  })
  await app.ready()
  for (const key of odd.keys()) await inbox.accept(delivery(`${key}`), 1)
  await log.count('webhook failed, will retry', odd.length)
  t.same(
    log.lines.map(({ msg }) => msg).filter(msg => msg.includes('store')),
    [],
  )
})
