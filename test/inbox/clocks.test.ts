import { join } from 'node:path'
import tap, { type Test } from 'tap'
import type { TakenDelivery } from '../../inbox/contracts.ts'
import { TransientError } from '../../inbox/errors.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { onceInTenSeconds } from '../../inbox/store-retry.ts'
import { type TestClock, testClock } from '../helpers/clock.ts'
import { delivery, startInbox } from '../helpers/inbox.ts'

const SECOND = 1_000
const HOUR = 3_600 * SECOND

/** A clock that can be set; like a process's timers, its timers are not affected. */
function settableClock() {
  const steady = testClock()
  let ahead = 0
  return {
    ...steady,
    now: () => steady.now() + ahead,
    set(ms: number) {
      ahead += ms
    },
  } satisfies TestClock & { set(ms: number): void }
}

/** Advances the time until something has happened. */
async function pass(clock: TestClock, seconds: number, until: () => boolean): Promise<boolean> {
  for (let second = 0; second < seconds; second++) {
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    if (until()) return true
    clock.advance(SECOND)
  }
  return until()
}

async function inboxOf(t: Test, store?: string) {
  const clock = settableClock()
  const handled: string[] = []
  const started = await startInbox(t, { clock, ...(store !== undefined && { store }) })
  started.inbox.handle('test', 'ping', ({ key }, { attempt }) => {
    if (key.startsWith('fails') && attempt === 1) throw new TransientError('not yet')
    handled.push(key)
  })
  return { ...started, clock, handled }
}

tap.test('the clock is set back an hour: a retry waits seconds, and the backlog does not wait', async t => {
  const { app, inbox, clock, handled, log } = await inboxOf(t)
  await app.ready()
  await inbox.accept(delivery('fails', { receivedAt: clock.now() }), 1)
  await log.count('webhook failed, will retry', 1)
  await inbox.accept(delivery('behind', { orderingKey: 'mailbox:fails', receivedAt: clock.now() }), 1)
  clock.set(-HOUR)
  t.ok(await pass(clock, 60, () => handled.length === 2), `handled: ${handled}`)
  t.same(handled, ['fails', 'behind'])
})

tap.test('deliveries accepted with the clock ahead are handled at once after a start', async t => {
  const file = join(t.testdir(), 'webhooks.db')
  const store = openSqliteStore(file)
  const future = Date.now() + 24 * HOUR
  await store.insert(delivery('a', { receivedAt: future }), false)
  await store.insert(delivery('fails', { receivedAt: future }), false)
  const taken = (await store.take('mailbox:fails', future)) as TakenDelivery
  await store.settle(taken, { state: 'pending', error: 'E', nextAttemptAt: future + SECOND }, future)
  t.same(await store.dueMailboxes(0, 10), ['mailbox:a'])
  await store.close()
  const again = openSqliteStore(file)
  t.teardown(() => again.close())
  t.same((await again.dueMailboxes(0, 10)).sort(), ['mailbox:a', 'mailbox:fails'])
  const now = Date.now()
  t.equal(await again.take('mailbox:fails', now), null, 'its retry waits a second')
  t.equal(await again.dueAt('mailbox:fails'), now + SECOND)
  t.match(await again.take('mailbox:fails', now + SECOND), { key: 'fails', attempts: 2 })
})

tap.test(
  'the clock is set back while deliveries wait for quiet: they are handled at once, not when it has caught up',
  async t => {
    const store = openSqliteStore(join(t.testdir(), 'webhooks.db'))
    t.teardown(() => store.close())
    const quiet = { ends: false, quietMs: 2 * SECOND, maxMs: 5 * SECOND }
    const at = Date.now()
    for (const key of ['a', 'b']) {
      await store.insert(delivery(key, { orderingKey: 'box', receivedAt: at, quiet }), false)
    }
    t.equal(await store.take('box', at - 4 * SECOND), null, 'a small correction delays nothing for long')
    t.match(await store.take('box', at - HOUR), { together: [{ key: 'a' }, { key: 'b' }] })
  },
)

tap.test('a due time beyond any retry is ignored', async t => {
  const store = openSqliteStore(join(t.testdir(), 'webhooks.db'))
  t.teardown(() => store.close())
  await store.insert(delivery('a'), false)
  const taken = (await store.take('mailbox:a', 0)) as TakenDelivery
  await store.settle(taken, { state: 'parked', error: 'E', nextAttemptAt: 8e15 }, 0)
  t.equal(await store.take('mailbox:a', 1), null)
  t.ok(Number(await store.dueAt('mailbox:a')) < 15 * HOUR)
})

tap.test('after an hour of sleep, due deliveries are handled within half a minute', async t => {
  const { app, inbox, clock, handled, log } = await inboxOf(t)
  inbox.handle('test', 'ping', ({ key }, { attempt }) => {
    if (attempt < 8) throw new TransientError('not yet')
    handled.push(key)
  })
  await app.ready()
  await inbox.accept(delivery('parked', { receivedAt: clock.now() }), 1)
  t.ok(await pass(clock, 300, () => log.lines.some(({ msg }) => msg === 'webhook parked')))
  clock.set(HOUR)
  t.ok(await pass(clock, 31, () => handled.length === 1))
})

tap.test('more mailboxes than fit in one commit are woken after the clock was set back', async t => {
  const store = openSqliteStore(join(t.testdir(), 'webhooks.db'))
  t.teardown(() => store.close())
  const boxes = Array.from({ length: 1_200 }, (_, n) => `${n}`)
  await Promise.all(boxes.map(key => store.insert(delivery(key, { orderingKey: key }), false)))
  await Promise.all(
    boxes.map(async key => {
      const taken = (await store.take(key, HOUR)) as TakenDelivery
      await store.settle(taken, { state: 'pending', error: 'E', nextAttemptAt: 2 * HOUR }, HOUR)
    }),
  )
  t.same(await store.dueMailboxes(1, 2_000), [])
  await store.wakeLater(1)
  t.equal((await store.dueMailboxes(1, 2_000)).length, 1_200)
})

tap.test('after the clock was set back, no duration is negative, and outages are logged again', async t => {
  const { app, inbox, clock, log } = await inboxOf(t)
  inbox.handle('test', 'ping', () => clock.set(-HOUR))
  await app.ready()
  const handled = new Promise<{ ms: number; waitedMs: number }>(resolve =>
    app.webhooks.events.once('handled', resolve as never),
  )
  await inbox.accept(delivery('a', { receivedAt: clock.now() + HOUR }), 1)
  const { ms, waitedMs } = await handled
  t.ok(ms >= 0 && waitedMs >= 0, `${ms} ${waitedMs}`)
  const [line] = log.lines.filter(({ msg }) => msg === 'webhook handled') as unknown as { ms: number }[]
  t.ok((line?.ms ?? -1) >= 0)
  const isTime = onceInTenSeconds()
  t.same([HOUR, HOUR + 1, 5, 6, 10_006].map(isTime), [true, false, true, false, true])
})
