import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import type { NewDelivery } from '../../inbox/contracts.ts'
import { startPruning } from '../../inbox/prune.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { testClock } from '../helpers/clock.ts'
import { delivery, gate, startInbox } from '../helpers/inbox.ts'

const SECOND = 1_000
const HOUR = 60 * 60 * SECOND
const RETRIED = 'webhook failed, will retry'
const FAILS = 'store unavailable, retrying every second'
const WORKS = 'store available again'

/** An inbox whose tables another connection can hide and restore, like a failing disk. */
async function start(t: Test) {
  const clock = testClock()
  const started = await startInbox(t, { clock })
  await started.app.ready()
  const other = new DatabaseSync(started.store)
  t.teardown(() => other.close())
  return {
    clock,
    other,
    ...started,
    hideTable: (table: string) => other.exec(`ALTER TABLE ${table} RENAME TO hidden`),
    restoreTable: (table: string) => other.exec(`ALTER TABLE hidden RENAME TO ${table}`),
  }
}

tap.test('an outcome is kept until the store accepts it', async t => {
  const { inbox, log, clock, hideTable, restoreTable } = await start(t)
  let handled = 0
  inbox.handle('test', 'ping', () => {
    handled++
    hideTable('delivery')
  })
  await inbox.accept(delivery('a'), 1)
  await log.count(FAILS, 1)
  for (let second = 1; second <= 25; second++) {
    clock.advance(SECOND)
    await clock.timerSet(SECOND)
  }
  restoreTable('delivery')
  clock.advance(SECOND)
  await log.count('webhook handled', 1)
  t.equal(handled, 1)
  t.match(
    log.lines.filter(({ msg }) => msg === FAILS),
    [{ waiting: 1, err: { message: /no such table/ } }, {}, {}],
    'said at first, and every 10 s',
  )
  t.match(await log.line(({ msg }) => msg === WORKS), { ms: 26 * SECOND })
  t.match(await inbox.get(delivery('a').id), { state: 'done' })
})

tap.test('stopped while the store fails: the delivery is handled again after the restart', async t => {
  const { app, inbox, log, hideTable, restoreTable, store } = await start(t)
  inbox.handle('test', 'ping', () => hideTable('delivery'))
  await inbox.accept(delivery('a'), 1)
  await log.count(FAILS, 1)
  await app.close()
  restoreTable('delivery')
  const again = await startInbox(t, { clock: testClock(), store })
  again.inbox.handle('test', 'ping', () => {})
  await again.app.ready()
  await again.log.count('webhook handled', 1)
  t.match(await again.inbox.get(delivery('a').id), { state: 'done', attempts: 2 })
})

tap.test('a finished step stays done although its record had to wait; its result may not be JSON', async t => {
  const { inbox, log, clock, hideTable, restoreTable } = await start(t)
  const circular: Record<string, unknown> = {}
  circular.self = circular
  let steps = 0
  const results: unknown[] = []
  inbox.handle('test', 'ping', async (_delivery, { once, attempt }) => {
    results.push(
      await once('pay', () => {
        steps++
        hideTable('step')
        return circular
      }),
    )
    if (attempt === 1) throw new Error('afterwards')
  })
  await inbox.accept(delivery('a'), 1)
  await log.count(FAILS, 1)
  restoreTable('step')
  clock.advance(SECOND)
  await log.count(RETRIED, 1)
  clock.advance(2 * SECOND)
  await log.count('webhook handled', 1)
  t.equal(steps, 1)
  t.same(results[1], null)
})

tap.test('a failed query for due deliveries is retried', async t => {
  const { inbox, log, clock, hideTable, restoreTable } = await start(t)
  inbox.handle('test', 'ping', (_delivery, { attempt }) => {
    if (attempt === 1) throw new Error('not yet')
  })
  await inbox.accept(delivery('a'), 1)
  await log.count(RETRIED, 1)
  hideTable('wakeup')
  clock.advance(2 * SECOND)
  await log.count(FAILS, 1)
  restoreTable('wakeup')
  clock.advance(SECOND)
  await log.count('webhook handled', 1)
  t.pass('handled')
})

tap.test('a store that fails while a mailbox is drained loses nothing', async t => {
  const { inbox, log, clock, hideTable, restoreTable } = await start(t)
  const first = gate()
  const begun = gate()
  inbox.handle('test', 'ping', async ({ key }) => {
    if (key !== 'a') return
    begun.open()
    await first.opened
  })
  const box = { orderingKey: 'box' }
  await inbox.accept(delivery('a', box), 1)
  await begun.opened
  await inbox.accept(delivery('b', box), 1)
  // Only taking the next one needs this table.
  hideTable('body')
  first.open()
  await log.count('webhook handled', 1)
  await log.count(FAILS, 1)
  restoreTable('body')
  clock.advance(SECOND)
  await log.count('webhook handled', 2)
  t.match(await inbox.backlog(), { pending: 0 })
})

tap.test('an attempt taken over by another process changes nothing when it ends', async t => {
  const { inbox, log, other } = await start(t)
  inbox.handle('test', 'ping', () => {
    other.exec('UPDATE delivery SET attempts = attempts + 1')
  })
  await inbox.accept(delivery('a'), 1)
  await log.count('webhook handled late: another process has taken it over', 1)
  t.match(await inbox.get(delivery('a').id), { state: 'pending', attempts: 2 })
})

tap.test('failed pruning is retried an hour later', async t => {
  const { log, clock, hideTable, restoreTable } = await start(t)
  hideTable('step')
  const failed = 'could not delete old deliveries, retrying in an hour'
  clock.advance(SECOND)
  await log.count(failed, 1)
  await new Promise(resolve => setImmediate(resolve))
  clock.advance(HOUR)
  await log.count(failed, 2)
  restoreTable('step')
  t.pass('asked twice')
})

tap.test('stopped while the store fails during a drain: the rest is handled after the restart', async t => {
  const { app, inbox, log, hideTable, restoreTable, store } = await start(t)
  const begun = gate()
  const goOn = gate()
  inbox.handle('test', 'ping', async ({ key }) => {
    if (key !== 'a') return
    begun.open()
    await goOn.opened
  })
  await inbox.accept(delivery('a', { orderingKey: 'box' }), 1)
  await begun.opened
  await inbox.accept(delivery('b', { orderingKey: 'box' }), 1)
  hideTable('body')
  goOn.open()
  await log.count(FAILS, 1)
  await app.close()
  restoreTable('body')
  const again = await startInbox(t, { clock: testClock(), store })
  again.inbox.handle('test', 'ping', () => {})
  await again.app.ready()
  await again.log.count('webhook handled', 1)
  t.match(await again.inbox.get(delivery('b').id), { state: 'done' })
})

tap.test('pruning stopped during a step ends with that step', async t => {
  const clock = testClock()
  const store = openSqliteStore(`${t.testdir()}/webhooks.db`)
  const { log } = Fastify()
  const stop = startPruning({ store, clock, log, retentionDays: 7, dedupDays: 30 })
  clock.advance(SECOND)
  stop()
  await store.close()
  t.equal(clock.next(), undefined)
})

tap.test('an unstorable delivery is refused before it fails others’ commit', async t => {
  const { inbox, log } = await start(t)
  inbox.handle('test', 'ping', () => {})
  const results = await Promise.allSettled([
    inbox.accept(delivery('a'), 1),
    inbox.accept(delivery('b', { key: undefined } as unknown as Partial<NewDelivery>), 1),
    inbox.accept(delivery('c', { receivedAt: 1.5 }), 1),
  ])
  t.match(results, [
    { value: 'accepted' },
    { reason: new TypeError("A delivery's key must be a string, not undefined") },
    { reason: new TypeError("A delivery's receivedAt must be a Unix time in ms, from 0 to the year 9999, not 1.5") },
  ])
  await log.count('webhook handled', 1)
})

tap.test('only a file or PostgreSQL keeps deliveries', async t => {
  for (const store of ['', ':memory:', 'mysql://localhost/webhooks']) {
    await t.rejects(startInbox(t, { store }), { message: /store \(DATABASE_URL\) must be a file/ })
  }
})
