import type { Test } from 'tap'
import type { Store } from '../../inbox/contracts.ts'
import { delivery } from './inbox.ts'

/** What the operator's lists ask a store: part of the conformance tests. */
export async function listsConformance(t: Test, open: (t: Test) => Promise<{ store: Store }>): Promise<void> {
  const uuid = (beginning: string, n: number) => `${beginning}-d3f6-81bc-9615-${`${n}`.padStart(12, '0')}`

  await t.test('ids by their beginning: accepted or scheduled, in order, up to a limit', async t => {
    const { store } = await open(t)
    const ids = [3, 1, 2].map(n => uuid('80509b90', n))
    for (const id of ids) await store.insert(delivery(id, { id }), false)
    const later = uuid('80509b90', 0)
    await store.schedule(delivery(later, { id: later }), 10)
    for (const other of [uuid('80509b91', 1), uuid('80509b8f', 1), '80509b90z', '80509b9']) {
      await store.insert(delivery(other, { id: other }), false)
    }
    const sorted = [later, ...ids].sort()
    t.same(await store.idsBeginningWith('80509b90', 10), sorted)
    t.same(await store.idsBeginningWith('80509b90-d3f6-81bc-9615-0', 10), sorted)
    t.same(await store.idsBeginningWith('80509b90', 2), sorted.slice(0, 2))
    t.same(await store.idsBeginningWith('80509b91', 2), [uuid('80509b91', 1)])
    t.same(await store.idsBeginningWith('ffffffff', 2), [])
    t.same(await store.idsBeginningWith('80509b90%', 2), [])
  })

  await t.test('bodies: accepted or scheduled, not what is deleted or longer than asked for', async t => {
    const { store } = await open(t)
    const payload = { text: 'é \u2028 😀', client_secret: 'x' }
    const of = (key: string, parts = {}) => delivery(key, { payload: { ...payload, ...parts } })
    await store.insert(of('a'), false)
    await store.insert(of('long', { text: 'x'.repeat(1_000) }), false)
    await store.insert(of('gone'), false)
    await store.schedule(of('later'), 10)
    await store.forget([delivery('gone').id], 5)
    const read = async (maxBytes: number) => {
      const ids = ['a', 'long', 'gone', 'later', 'unknown'].map(key => delivery(key).id)
      const bodies = await store.bodies(ids, maxBytes)
      return Object.fromEntries([...bodies].map(([id, body]) => [id, JSON.parse(new TextDecoder().decode(body))]))
    }
    const redacted = { ...payload, client_secret: '*' }
    t.same(await read(500), { [delivery('a').id]: redacted, [delivery('later').id]: redacted })
    t.match(await read(5_000), { [delivery('long').id]: { text: /^x{1000}$/ } })
    const exact = Buffer.byteLength(JSON.stringify(payload))
    t.same(Object.keys(await read(exact)).length, 2)
    t.same(await read(exact - 1), {})
    t.same(await store.bodies([], 500), new Map())
  })
}
