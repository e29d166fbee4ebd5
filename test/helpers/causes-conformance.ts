import type { Test } from 'tap'
import { MAX_CAUSE_GROUPS, type Outcome, type Store, type TakenDelivery } from '../../inbox/contracts.ts'
import { delivery } from './inbox.ts'

/** What is given up, by cause: part of the conformance tests. */
export async function causesConformance(
  t: Test,
  open: (t: Test) => Promise<{ store: Store; reopen(): Promise<Store> }>,
): Promise<void> {
  const settle = async (store: Store, key: string, outcome: Outcome, receivedAt = 1) => {
    await store.insert(delivery(key, { receivedAt }), false)
    await store.settle((await store.take(`mailbox:${key}`, 10)) as TakenDelivery, outcome, 11)
  }
  const dead = (cause: string): Outcome => ({ state: 'dead', error: 'E', cause })
  const parked = (cause: string): Outcome => ({ state: 'parked', error: 'E', cause, nextAttemptAt: 1_000 })

  await t.test('what is parked or dead is grouped by cause, and found by it', async t => {
    const { store, reopen } = await open(t)
    t.same(await store.causes(), [])
    await settle(store, 'a1', dead('A:ours'), 1)
    await settle(store, 'b1', parked('B:stripe:500'), 2)
    await settle(store, 'a2', parked('A:ours'), 3)
    await settle(store, 'a3', dead('A:ours'), 4)
    await settle(store, 'retried', { state: 'pending', error: 'E', cause: 'A:ours', nextAttemptAt: 1_000 })
    await settle(store, 'done', { state: 'done' })
    await store.insert(delivery('unreadable', { receivedAt: 5, unreadable: 'x' }), false)
    const end = (key: string, receivedAt: number) => ({ id: delivery(key).id, receivedAt })
    const groups = [
      { cause: 'A:ours', parked: 1, dead: 2, isMore: false, oldest: end('a1', 1), newest: end('a3', 4) },
      { cause: 'B:stripe:500', parked: 1, dead: 0, isMore: false, oldest: end('b1', 2), newest: end('b1', 2) },
    ]
    const unreadable = end('unreadable', 5)
    const last = { cause: 'Unreadable:ours', parked: 0, dead: 1, isMore: false, oldest: unreadable, newest: unreadable }
    t.same(await store.causes(), [...groups, last])
    const again = await reopen()
    t.same(await again.causes(), [...groups, last])
    const keys = async (filter: Parameters<Store['list']>[0]) => (await again.list(filter, 10)).map(({ key }) => key)
    t.same(await keys({ cause: 'A:ours' }), ['a1', 'a2', 'a3'])
    t.same(await keys({ cause: 'A:ours', state: 'parked' }), ['a2'])
    t.same(await keys({ cause: 'C' }), [])
    t.same(await keys({ cause: 'A:ours', state: 'scheduled' }), [])
    const browsed = await again.browse({ cause: 'A:ours', state: 'dead' }, 10)
    t.same(
      browsed.deliveries.map(({ key }) => key),
      ['a3', 'a1'],
    )
    t.match(await again.get(delivery('a1').id), { cause: 'A:ours' })
    t.match(await again.get(delivery('retried').id), { cause: 'A:ours' })
    t.match(await again.get(delivery('done').id), { cause: null })
  })

  await t.test('a cause ends with what it was of; one that is not recorded is unknown', async t => {
    const { store } = await open(t)
    await settle(store, 'a', dead('A:ours'))
    await settle(store, 'older', { state: 'dead', error: 'E' })
    t.match(await store.causes(), [{ cause: 'A:ours' }, { cause: 'unknown', dead: 1 }])
    t.match(await store.list({ cause: 'unknown' }, 10), [{ key: 'older', cause: 'unknown' }])
    await store.replay([delivery('a').id], 12)
    t.match(await store.causes(), [{ cause: 'A:ours', dead: 0, parked: 1 }, {}], 'until it is handled')
    await store.settle((await store.take('mailbox:a', 13)) as TakenDelivery, { state: 'done' }, 14)
    t.match(await store.get(delivery('a').id), { state: 'done', cause: null })
    await store.discard(delivery('older').id, 'why', 15)
    t.same(await store.causes(), [])
  })

  await t.test('not more causes are listed than a page can show', async t => {
    const { store } = await open(t)
    const names = Array.from({ length: MAX_CAUSE_GROUPS + 2 }, (_, n) => `C${`${n}`.padStart(4, '0')}`)
    await Promise.all(names.map(name => settle(store, name, dead(name))))
    const listed = await store.causes()
    t.same(
      listed.map(({ cause }) => cause),
      names.slice(0, MAX_CAUSE_GROUPS),
    )
  })
}
