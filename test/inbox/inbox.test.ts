import { EventEmitter } from 'node:events'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { createBreakers } from '../../inbox/breaker.ts'
import { type Delivery, type Scheduler, type Store, systemClock } from '../../inbox/contracts.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import type { HandledEvent, WebhookEvents } from '../../inbox/events.ts'
import { createInbox, type InboxSettings } from '../../inbox/inbox.ts'
import { createStoreRetry } from '../../inbox/store-retry.ts'
import { backend } from '../helpers/backend.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { delivery, gate, recorder, startInbox } from '../helpers/inbox.ts'

const RETRIED = 'webhook failed, will retry'
const SECOND = 1_000
const MINUTE = 60 * SECOND

async function start(t: Test, options: Parameters<typeof startInbox>[1] = {}) {
  const clock = backend.clock()
  const started = await startInbox(t, { clock, ...options })
  await started.app.ready()
  return { clock, ...started }
}

/** Closes an inbox with handlers running: `begun` when its grace time runs, `ended` when it is closed. */
function closing({ app, clock }: Pick<Awaited<ReturnType<typeof start>>, 'app' | 'clock'>) {
  const begun = clock.timerSet()
  return { begun, ended: app.close() }
}

/** Accepts one delivery per key, in one mailbox. */
const inBox = (key: string) => delivery(key, { orderingKey: 'box' })

tap.test('200 simultaneous copies: one accepted and handled, 199 duplicates', async t => {
  const { inbox, log } = await start(t)
  const handled = recorder()
  inbox.handle('test', 'ping', handled.add)
  const results = await Promise.all(Array.from({ length: 200 }, () => inbox.accept(delivery('a'), 10)))
  t.equal(results.filter(result => result === 'accepted').length, 1)
  t.equal(results.filter(result => result === 'duplicate').length, 199)
  await log.count('webhook handled', 1)
  t.same(handled.keys, ['a'])
})

tap.test('5,000 deliveries and then the first again: a duplicate, from the disk too', async t => {
  const { inbox } = await start(t, { recentKeys: 10 })
  const handled = recorder()
  inbox.handle('test', 'ping', handled.add)
  const keys = Array.from({ length: 5_000 }, (_, n) => `k${n}`)
  for (let n = 0; n < keys.length; n += 500) {
    await Promise.all(keys.slice(n, n + 500).map(key => inbox.accept(delivery(key), 10)))
  }
  t.equal(await inbox.accept(delivery('k0'), 10), 'duplicate')
  t.equal(await inbox.accept(delivery('k4999'), 10), 'duplicate')
  await handled.reached(5_000)
  t.equal(new Set(handled.keys).size, 5_000)
})

tap.test('a mailbox is handled one at a time in order of acceptance; others in parallel', async t => {
  const { inbox, log } = await start(t)
  const first = gate()
  const handled: string[] = []
  let running = 0
  inbox.handle('test', 'ping', async ({ key }) => {
    if (key.startsWith('box')) t.equal(++running, 1, 'one at a time')
    if (key === 'box0') await first.opened
    handled.push(key)
    running = 0
  })
  const keys = Array.from({ length: 50 }, (_, n) => `box${n}`)
  await Promise.all(keys.map(key => inbox.accept(inBox(key), 10)))
  await inbox.accept(delivery('other'), 10)
  await log.count('webhook handled', 1)
  t.same(handled, ['other'])
  first.open()
  await log.count('webhook handled', 51)
  t.same(handled.slice(1), keys)
})

tap.test('a failing delivery is retried in order, blocking only its own mailbox', async t => {
  const { inbox, log, clock } = await start(t)
  const attempts: string[] = []
  inbox.handle('test', 'ping', ({ key }, { attempt }) => {
    attempts.push(`${key}${attempt}`)
    if (key === 'a' && attempt < 3) throw new Error('not yet')
  })
  await Promise.all([inbox.accept(inBox('a'), 1), inbox.accept(inBox('b'), 1), inbox.accept(delivery('c'), 1)])
  await log.count(RETRIED, 1)
  await log.count('webhook handled', 1)
  t.same(attempts.toSorted(), ['a1', 'c1'])
  await clock.advance(999)
  const second = log.count(RETRIED, 2)
  await clock.advance(201)
  await second
  const last = log.count('webhook handled', 3)
  await clock.advance(2_400)
  await last
  t.same(attempts.slice(2), ['a2', 'a3', 'b1'])
})

tap.test('a delivery that keeps failing is parked, retried for hours, then dead; replay retries it', async t => {
  const { inbox, log, clock } = await start(t)
  const failing = new Set(['a'])
  const handled = recorder()
  inbox.handle('test', 'ping', given => {
    if (failing.has(given.key)) throw new TransientError('away')
    handled.add(given)
  })
  await inbox.accept(inBox('a'), 1)
  await inbox.accept(inBox('b'), 1)
  for (let retry = 1; retry <= 6; retry++) {
    await log.count(RETRIED, retry)
    await clock.advance(40 * SECOND)
  }
  t.match(await log.line(({ msg }) => msg === 'webhook parked'), { level: 50, attempt: 7 })
  await handled.reached(1)
  t.same(handled.keys, ['b'], 'a parked delivery blocks nothing')
  t.match(await inbox.list({ state: 'parked' }), [{ key: 'a', error: 'TransientError: away' }])
  for (const [index, wait] of [6, 36, 144, 864].entries()) {
    await log.count('webhook parked', index + 1)
    await clock.advance(wait * MINUTE)
  }
  t.match(await log.line(({ msg }) => msg === 'webhook dead'), { level: 50, attempt: 11 })
  t.match(await inbox.backlog(), { pending: 0, parked: 0, dead: 1 })

  const [dead] = await inbox.list({ state: 'dead' })
  failing.clear()
  t.equal(await inbox.replay([dead?.id as string]), 1)
  await handled.reached(2)
  await log.count('webhook handled', 2)
  t.match(await inbox.get(dead?.id as string), { state: 'done', attempts: 12 })
  t.equal(await inbox.accept(inBox('a'), 1), 'duplicate')
})

tap.test('a permanent error is dead at once; a person can discard it', async t => {
  const { inbox, log } = await start(t)
  inbox.handle('test', 'ping', () => {
    throw new PermanentError('gone')
  })
  await inbox.accept(delivery('a'), 1)
  await log.count('webhook dead', 1)
  t.equal(await inbox.discard(delivery('a').id, 'looked at it'), true)
  t.equal(await inbox.discard(delivery('a').id, 'again'), false)
  t.match(await inbox.get(delivery('a').id), { state: 'discarded', error: 'looked at it' })
})

tap.test('deliveries without a handler and unreadable ones are dead and listed', async t => {
  const { inbox, log } = await start(t)
  await inbox.accept(delivery('a', { event: 'unknown' }), 1)
  await inbox.accept(delivery('b', { unreadable: 'id is missing' }), 1)
  await log.count('webhook dead', 2)
  t.match(await inbox.list(), [
    { state: 'dead', error: 'PermanentError: No handler is registered for unknown' },
    { state: 'dead', error: 'id is missing' },
  ])
})

tap.test('gaveUp is called once: when a delivery parks, or dies without having been parked', async t => {
  const { inbox, log, clock } = await start(t)
  const gaveUp: string[] = []
  let error: Error = new TransientError('away')
  inbox.handle('test', 'ping', {
    handle: () => {
      throw error
    },
    gaveUp: ({ key }) => {
      gaveUp.push(key)
      if (key === 'c') throw new Error('nobody is there')
    },
  })
  await inbox.accept(delivery('a'), 1)
  for (let retry = 1; retry <= 6; retry++) {
    await log.count(RETRIED, retry)
    await clock.advance(40 * SECOND)
  }
  await log.count('webhook parked', 1)
  await clock.advance(6 * MINUTE)
  await log.count('webhook parked', 2)
  t.same(gaveUp, ['a'])
  error = new PermanentError('no')
  await inbox.accept(delivery('b'), 1)
  await inbox.accept(delivery('c'), 1)
  await log.count('webhook dead', 2)
  t.same(gaveUp, ['a', 'b', 'c'])
  t.ok(log.lines.some(({ msg }) => msg === 'the gaveUp handler failed'))
})

tap.test('a handler that takes too long is aborted, and its delivery retried once it has ended', async t => {
  const { inbox, log, clock } = await start(t, { handlerTimeoutMs: 30 * SECOND })
  const started = gate()
  const aborted = gate()
  inbox.handle('test', 'ping', async (_delivery, { signal, attempt }) => {
    if (attempt > 1) return
    started.open()
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      signal.addEventListener('abort', () => aborted.open())
    })
  })
  await inbox.accept(delivery('a'), 1)
  await started.opened
  const retried = log.count(RETRIED, 1)
  await clock.advance(30 * SECOND)
  await aborted.opened
  await retried
  t.match((await inbox.get(delivery('a').id))?.error, /did not end within 30000 ms/)
  await clock.advance(2 * SECOND)
  await log.count('webhook handled', 1)
})

tap.test('a handler that ignores its signal delays no acknowledgement, and its mailbox waits', async t => {
  const { inbox, log, clock } = await start(t, { handlerTimeoutMs: 30 * SECOND })
  const end = gate()
  const begun: string[] = []
  const deaf = gate()
  inbox.handle('test', 'ping', async ({ key }) => {
    begun.push(key)
    if (key !== 'deaf') return
    deaf.open()
    await end.opened
  })
  await inbox.accept(inBox('deaf'), 1)
  t.equal(await inbox.accept(inBox('behind'), 1), 'accepted')
  await deaf.opened
  await clock.advance(30 * SECOND)
  await clock.advance(MINUTE)
  t.equal(await inbox.accept(delivery('elsewhere'), 1), 'accepted')
  await log.count('webhook handled', 1)
  t.same(begun, ['deaf', 'elsewhere'], 'its mailbox waits until it has really ended')
  end.open()
  await log.count('webhook handled', 3)
  t.same(begun, ['deaf', 'elsewhere', 'behind'])
  t.match(await inbox.get(delivery('deaf').id), { state: 'done', attempts: 1 })
})

tap.test('a permanent error counts as such after an abort, too', async t => {
  const { inbox, log, clock } = await start(t)
  const started = gate()
  inbox.handle('test', 'ping', async (_delivery, { signal }) => {
    started.open()
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    throw new PermanentError('it is gone anyway')
  })
  await inbox.accept(delivery('a'), 1)
  await started.opened
  await clock.advance(30 * SECOND)
  await log.count('webhook dead', 1)
})

tap.test('once: a step runs for one delivery, and the others get its result', async t => {
  const { inbox, log, clock } = await start(t)
  const inside = gate()
  const goOn = gate()
  const results: unknown[] = []
  let steps = 0
  inbox.handle('test', 'ping', async (_delivery, { once }) => {
    const result = await once('pay', async () => {
      steps++
      inside.open()
      await goOn.opened
      return { receipt: steps }
    })
    results.push(result)
  })
  await inbox.accept(delivery('a'), 1)
  await inside.opened
  await inbox.accept(delivery('b'), 1)
  await log.count(RETRIED, 1)
  t.match((await inbox.get(delivery('b').id))?.error, /Another delivery is running the step pay/)
  goOn.open()
  await log.count('webhook handled', 1)
  await clock.advance(2 * SECOND)
  await log.count('webhook handled', 2)
  t.same(results, [{ receipt: 1 }, { receipt: 1 }])
  t.equal(steps, 1)
})

tap.test('once: a failing step releases its claim', async t => {
  const { inbox, log, clock } = await start(t)
  let steps = 0
  inbox.handle('test', 'ping', (_delivery, { once }) =>
    once('pay', () => {
      if (++steps === 1) throw new Error('not this time')
    }),
  )
  await inbox.accept(delivery('a'), 1)
  await log.count(RETRIED, 1)
  await clock.advance(2 * SECOND)
  await log.count('webhook handled', 1)
  t.equal(steps, 2)
})

tap.test('too much waiting for a commit is refused with 429, not kept in memory', async t => {
  const { inbox } = await start(t, { maxWaiting: 2, maxWaitingBytes: 100 })
  inbox.handle('test', 'ping', () => {})
  const results = await Promise.allSettled(['a', 'b', 'c'].map(key => inbox.accept(delivery(key), 1)))
  t.match(results[2], { status: 'rejected', reason: { statusCode: 429, code: 'WEBHOOK_INBOX_BUSY' } })
  t.equal(await inbox.accept(delivery('c'), 1), 'accepted', 'there is room again')
  t.equal((await Promise.allSettled([inbox.accept(delivery('d'), 101)]))[0]?.status, 'rejected')
})

tap.test('a backlog larger than the window is handled completely, once, a few at a time', async t => {
  const { inbox, log } = await start(t, { concurrency: 3 })
  let running = 0
  let most = 0
  const handled = recorder()
  inbox.handle('test', 'ping', async given => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    running--
    handled.add(given)
  })
  const keys = Array.from({ length: 1_000 }, (_, n) => `k${n}`)
  await Promise.all(keys.map(key => inbox.accept(delivery(key), 1)))
  await handled.reached(1_000)
  await log.count('webhook handled', 1_000)
  t.equal(most, 3)
  t.same(handled.keys.toSorted(), keys.toSorted())
})

tap.test('accepted deliveries are handled after a restart; an interrupted one has used an attempt', async t => {
  const first = await start(t, { concurrency: 1, graceMs: 5 * SECOND })
  const started = gate()
  first.inbox.handle('test', 'ping', async () => {
    started.open()
    await new Promise(() => {})
  })
  await first.inbox.accept(inBox('a'), 1)
  await started.opened
  await first.inbox.accept(inBox('b'), 1)
  await first.inbox.accept(delivery('c'), 1)
  const closed = closing(first)
  await closed.begun
  await first.clock.advance(5 * SECOND)
  await first.clock.advance(SECOND)
  await closed.ended
  await backend.died(first.store)

  const second = await startInbox(t, { clock: backend.clock(), store: first.store })
  const attempts: [string, number][] = []
  second.inbox.handle('test', 'ping', ({ key }, { attempt }) => {
    attempts.push([key, attempt])
  })
  await second.app.ready()
  await second.log.count('webhook handled', 3)
  t.same(attempts.toSorted(), [
    ['a', 2],
    ['b', 1],
    ['c', 1],
  ])
  t.same(
    attempts.filter(([key]) => key !== 'c'),
    [
      ['a', 2],
      ['b', 1],
    ],
  )
})

tap.test('a delivery that kills the process every time is parked, not retried forever', async t => {
  const store = await backend.store(t)
  const crash = async () => {
    const { app, inbox, clock } = await start(t, { store, graceMs: 1 })
    const started = gate()
    inbox.handle('test', 'ping', async () => {
      started.open()
      await new Promise(() => {})
    })
    await inbox.accept(delivery('poison'), 1)
    await started.opened
    const closed = closing({ app, clock })
    await closed.begun
    await clock.advance(1)
    await clock.advance(SECOND)
    await closed.ended
    await backend.died(store)
  }
  for (let run = 1; run <= 7; run++) await crash()
  const { app, inbox, log } = await startInbox(t, { clock: backend.clock(), store })
  inbox.handle('test', 'ping', () => t.fail('it is not tried in order any more'))
  await app.ready()
  await log.count('webhook parked', 1)
  t.match(await inbox.list({ state: 'parked' }), [{ key: 'poison', attempts: 8, error: /The process died each time/ }])
})

tap.test('closing waits for deliveries in flight, and aborts them after the grace period', async t => {
  const { app, inbox, clock, log } = await start(t, { graceMs: 10 * SECOND })
  const begun = { quick: gate(), slow: gate() }
  const quick = gate()
  inbox.handle('test', 'ping', async ({ key }: Delivery, { signal }) => {
    begun[key as 'quick' | 'slow'].open()
    if (key === 'quick') await quick.opened
    else await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  await inbox.accept(delivery('quick'), 1)
  await inbox.accept(delivery('slow'), 1)
  await Promise.all([begun.quick.opened, begun.slow.opened])
  const closed = closing({ app, clock })
  await closed.begun
  quick.open()
  await log.count('webhook handled', 1)
  await clock.advance(10 * SECOND)
  await closed.ended
  t.match(
    log.lines.findLast(({ msg }) => msg === RETRIED),
    { error: /The service is stopping/ },
  )
})

tap.test('options are checked at registration, and named', async t => {
  const refuses = (options: object, message: RegExp) => t.rejects(startInbox(t, options), { message })
  await refuses({ concurrency: 0 }, /concurrency must be a number above 0, not 0/)
  await refuses({ graceMs: 'soon' }, /graceMs must be a number above 0, not soon/)
  await refuses({ speed: 3 }, /The inbox has no option speed/)
  await refuses({ dedupDays: 3, retentionDays: 1 }, /dedupDays \(DEDUP_DAYS\) must be at least 4/)
  await refuses({ dedupDays: 5, retentionDays: 6 }, /not below retentionDays/)
})

tap.test('old deliveries are deleted automatically, at the start and every hour', async t => {
  const { app, inbox, log, clock } = await start(t, { retentionDays: 1, dedupDays: 4 })
  inbox.handle('test', 'ping', () => {})
  const day = 24 * 60 * MINUTE
  await inbox.accept(delivery('a', { receivedAt: clock.now() }), 1)
  await log.count('webhook handled', 1)
  await clock.advance(MINUTE)
  t.ok((await inbox.get(delivery('a').id))?.payload)
  const untilGone = async (gone: () => Promise<boolean>) => {
    for (let hours = 0; hours < 200 && !(await gone()); hours++) {
      await clock.advance(60 * MINUTE)
      await inbox.checkWritable()
    }
  }
  await untilGone(async () => (await inbox.get(delivery('a').id))?.payload === null)
  t.ok(clock.now() - Date.parse('2026-11-23T10:00:00Z') >= day)
  await untilGone(async () => (await inbox.get(delivery('a').id)) === null)
  t.ok(clock.now() - Date.parse('2026-11-23T10:00:00Z') >= 4 * day)
  await app.close()
  t.equal(clock.next(), undefined, 'no timer is left')
})

tap.test('the earliest retry sets the timer, even if a later one came first', async t => {
  const { inbox, log, clock } = await start(t, { concurrency: undefined })
  inbox.handle('test', 'ping', ({ key }, { attempt }) => {
    if (attempt < (key === 'slow' ? 4 : 2)) throw new Error('not yet')
  })
  await inbox.accept(delivery('slow'), 1)
  for (const [retry, seconds] of [2, 3].entries()) {
    await log.count(RETRIED, retry + 1)
    await clock.advance(seconds * SECOND)
  }
  await log.count(RETRIED, 3)
  // It waits for at least 4 s; this one for at most 1.2 s.
  await inbox.accept(delivery('quick'), 1)
  await log.count(RETRIED, 4)
  await clock.advance(2 * SECOND)
  t.match(await log.line(({ msg }) => msg === 'webhook handled'), { delivery: delivery('quick').id })
  await clock.advance(4 * SECOND)
  await log.count('webhook handled', 2)
})

tap.test('it reports the outcome of each delivery, and its own state', async t => {
  const { app, inbox } = await startInbox(t)
  const events: HandledEvent[] = []
  const all = gate()
  app.webhooks.events.on('handled', event => {
    if (events.push(event) === 3) all.open()
  })
  const { opened, open } = gate()
  inbox.handle('test', 'ping', async () => opened)
  inbox.handle('test', 'pong', () => {
    throw new PermanentError('no')
  })
  await app.ready()
  const receivedAt = Date.now()
  await inbox.accept(delivery('a', { receivedAt }), 10)
  await inbox.accept(delivery('a', { receivedAt }), 10)
  await inbox.accept(delivery('b', { event: 'pong', receivedAt }), 10)
  await inbox.accept(delivery('c', { unreadable: 'odd', receivedAt }), 10)
  while (inbox.stats().inFlight !== 1) await new Promise(resolve => setImmediate(resolve))
  const memory = { waiting: 0, waitingBytes: 0, recentKeys: 3, recentHits: 1, recentMisses: 3 }
  t.same(inbox.stats(), { inFlight: 1, heldMailboxes: 0, ...memory })
  t.equal((await inbox.size()).deliveries, 3)
  open()
  await all.opened
  const found = (event: string, result: string) => events.find(each => each.event === event && each.result === result)
  t.match(found('ping', 'done'), { delivery: delivery('a').id, attempt: 1, error: undefined, ms: Number })
  t.match(found('pong', 'dead'), { attempt: 1, error: 'no', orderingKey: 'mailbox:b' })
  t.match(found('ping', 'dead'), { delivery: delivery('c').id, attempt: 0, error: 'odd' })
})

tap.test('browse searches on for rare matches, and stops after about a million rows', async t => {
  const log = Fastify().log
  const looks: (number | undefined)[] = []
  const store = {
    // As if each query had read its thousands of rows in vain.
    browse: async (_filter: unknown, _limit: number, before?: number) => {
      looks.push(before)
      return { deliveries: [], next: (before ?? 1_001) - 1 }
    },
  } as unknown as Store
  const scheduler = {} as Scheduler
  const events = new EventEmitter<WebhookEvents>()
  const settings = { recentKeys: 1, concurrency: 1 } as InboxSettings
  const storeRetry = createStoreRetry({ clock: systemClock, log })
  const clients = () => NO_CLIENTS
  const breakers = createBreakers({ clock: systemClock, log, onTurn() {} })
  const parts = { store, scheduler, settings, clock: systemClock, log, events, storeRetry, breakers, clients }
  const { inbox } = createInbox(parts)
  t.same(await inbox.browse({ event: 'rare' }), { deliveries: [], next: 901 })
  t.equal(looks.length, 100)
  t.same(looks.slice(0, 2), [undefined, 1_000])
})
