import type { Test } from 'tap'
import { bytesOf, type QuarantinedRequest } from '../../inbox/quarantine.ts'
import type { StoreUnderTest } from './store-conformance.ts'

/** A refused request of the made-up source `test`. */
export function refused(id: string, parts: Partial<QuarantinedRequest> = {}): QuarantinedRequest {
  const headers = { 'x-signature': 'abc', 'content-type': 'application/json' }
  const body = Buffer.from(JSON.stringify({ id }))
  const why = 'WEBHOOK_SIGNATURE_MISMATCH'
  return { id, source: 'test', address: '203.0.113.7', receivedAt: 5, why, headers, body, ...parts }
}

const ROOM = 2 ** 20

/** Conformance tests of stores: what was refused and is kept. */
export async function quarantineConformance(t: Test, open: (t: Test) => Promise<StoreUnderTest>): Promise<void> {
  await t.test('quarantine: kept byte for byte, once, also after a restart; it is no delivery', async t => {
    const { store, reopen } = await open(t)
    const odd = refused('odd', { body: Buffer.from([0, 0xff, 0xfe, 0x22, 0xc3]) })
    t.same(await store.quarantine.keep([refused('a'), odd, refused('a')], ROOM), ['kept', 'kept', 'known'])
    t.same(await store.quarantine.keep([refused('a')], ROOM), ['known'])
    const again = await reopen()
    t.same(await again.quarantine.size(), { deliveries: 2, bytes: bytesOf(refused('a')) + bytesOf(odd), asked: 0 })
    t.same(await again.quarantine.asked(), [])
    t.equal(await again.quarantine.ask(['odd', 'no such'], 7), 1)
    t.same(await again.quarantine.asked(), [odd])
    t.same(await again.list({}, 10), [])
    t.match(await again.backlog(), { pending: 0, parked: 0, dead: 0 })
    t.match(await again.size(), { deliveries: 0 })
  })

  await t.test('quarantine: listed when asked for, newest first, its secrets covered; found by its id', async t => {
    const { store } = await open(t)
    const id = '5ec2e700-0000-8000-8000-000000000000'
    const secret = refused(id, { body: Buffer.from('{"pubsub_token":"hunter2","a":"é"}'), source: 'chatwoot' })
    await store.quarantine.keep([refused('first'), secret], ROOM)
    t.same((await store.browse({}, 10)).deliveries, [])
    const { deliveries, next } = await store.browse({ state: 'quarantined' }, 10)
    t.equal(next, null)
    t.match(deliveries, [{ id }, { id: 'first', orderingKey: 'address:203.0.113.7', state: 'quarantined' }])
    t.same((await store.browse({ state: 'quarantined', source: 'chatwoot' }, 10)).deliveries.length, 1)
    t.same(
      (await store.list({ state: 'quarantined' }, 10)).map(({ id }) => id),
      ['first', id],
    )
    t.match(await store.get(id), {
      source: 'chatwoot',
      event: 'unverified',
      receivedAt: 5,
      attempts: 0,
      startedAt: null,
      settledAt: null,
      nextAttemptAt: null,
      error: 'WEBHOOK_SIGNATURE_MISMATCH',
      payload: { headers: secret.headers, body: '{"pubsub_token":"*******","a":"é"}' },
    })
    t.same(await store.idsBeginningWith('5ec2e700', 10), [id])
    t.same([...(await store.bodies([id], ROOM))], [], 'a list shows nothing of what nobody has verified')
    t.same(await store.history(id), [])
    await store.quarantine.ask([id], 7)
    t.match((await store.quarantine.asked())[0], { body: secret.body }, 'for verification it is as it came')
  })

  await t.test('quarantine: beyond its room newcomers are not kept, and what is there stays', async t => {
    const { store } = await open(t)
    const size = bytesOf(refused('a'))
    t.same(await store.quarantine.keep([refused('a'), refused('b'), refused('c')], 2 * size), ['kept', 'kept', 'full'])
    t.same(await store.quarantine.keep([refused('b'), refused('d')], 2 * size), ['known', 'full'])
    await store.quarantine.end(['a'], new Map(), 1)
    t.same(await store.quarantine.keep([refused('d')], 2 * size), ['kept'])
  })

  await t.test('quarantine: verified again in order, a bounded number at once; then gone, or with why not', async t => {
    const { store } = await open(t)
    const many = Array.from({ length: 25 }, (_, n) => refused(`${n}`))
    await store.quarantine.keep(many, ROOM)
    t.equal(await store.quarantine.ask(many.map(({ id }) => id).reverse(), 7), 25)
    t.match(await store.get('3'), { startedAt: 7, attempts: 0 })
    const first = await store.quarantine.asked()
    t.same(
      first.map(({ id }) => id),
      many.slice(0, 20).map(({ id }) => id),
    )
    await store.quarantine.end(
      many.slice(0, 19).map(({ id }) => id),
      new Map([['19', 'E: still']]),
      9,
    )
    t.match(await store.get('19'), { startedAt: null, settledAt: 9, attempts: 1, error: 'E: still' })
    t.equal(await store.get('3'), null)
    t.match(await store.quarantine.size(), { deliveries: 6, asked: 5 })
    await store.quarantine.end(['gone'], new Map([['gone', 'E']]), 9)
    t.same(
      (await store.quarantine.asked()).map(({ id }) => id),
      ['20', '21', '22', '23', '24'],
    )
    const large = Array.from({ length: 3 }, (_, n) => refused(`large ${n}`, { body: Buffer.alloc(3 * ROOM) }))
    await store.quarantine.end(
      many.map(({ id }) => id),
      new Map(),
      9,
    )
    await store.quarantine.keep(large, 100 * ROOM)
    await store.quarantine.ask(
      large.map(({ id }) => id),
      7,
    )
    t.equal((await store.quarantine.asked()).length, 2, 'some MB at once')
  })

  await t.test('quarantine: discarded and forgotten ones are deleted; old ones in steps', async t => {
    const { store } = await open(t)
    await store.quarantine.keep([refused('a'), refused('b'), refused('c')], ROOM)
    t.equal(await store.discard('a', 'no', 1), true)
    t.equal(await store.discard('a', 'no', 1), false)
    t.equal(await store.forget(['b', 'no such'], 1), 1)
    t.match(await store.quarantine.size(), { deliveries: 1 })
    const now = Date.now()
    const old = Array.from({ length: 30 }, (_, n) => refused(`old ${n}`, { receivedAt: now - 1_000_000 }))
    await store.quarantine.end(['c'], new Map(), 1)
    await store.quarantine.keep(
      [
        refused('large', { receivedAt: now - 2_000_000, body: Buffer.alloc(ROOM) }),
        ...old,
        refused('new', { receivedAt: now }),
      ],
      100 * ROOM,
    )
    let steps = 0
    while (await store.quarantine.prune(now - 500_000)) steps++
    t.ok(steps < 10)
    t.same(
      (await store.list({ state: 'quarantined' }, 10)).map(({ id }) => id),
      ['new'],
    )
    await Promise.all([store.quarantine.keep(old, ROOM), store.quarantine.keep(old, ROOM)])
    t.match(await store.quarantine.size(), { deliveries: 31 }, 'by two at once')
  })
}
