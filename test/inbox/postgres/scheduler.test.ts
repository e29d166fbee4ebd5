import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import type { Drain, TakenDelivery } from '../../../inbox/contracts.ts'
import { BossScheduler, type BossSchedulerOptions } from '../../../inbox/postgres/scheduler.ts'
import type { Claim } from '../../../inbox/postgres/store.ts'
import { createStoreRetry } from '../../../inbox/store-retry.ts'
import { postgresBackend, useBackend } from '../../helpers/backend.ts'
import { type TestClock, testClock } from '../../helpers/clock.ts'
import { claimed, delivery, gate, startInbox } from '../../helpers/inbox.ts'
import { captureLog } from '../../helpers/log.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

const POLL = 500
const HEARTBEAT = 2_000
const FAILS = 'store unavailable, retrying every second'
const WORKS = 'store available again'

const claim = (id: string, orderingKey: string): Claim => ({ id, retryCount: 0, orderingKey, until: new Date(0) })

/** Lets everything requested in this turn of the event loop happen. */
const turn = () => new Promise(resolve => setImmediate(resolve))

/** A scheduler on a store whose methods the test supplies. */
function start(
  t: Test,
  drain: (...given: Parameters<Drain>) => Promise<unknown>,
  given: Partial<BossSchedulerOptions['store']> = {},
  concurrency = 10,
) {
  const clock = testClock()
  const log = captureLog()
  const closing = new AbortController()
  const due: Claim[] = []
  const released: string[] = []
  const store: BossSchedulerOptions['store'] = {
    whenNotBusy: async () => {},
    claimMailboxes: async limit => due.splice(0, limit),
    renewClaims: async claims => [...claims],
    setLeaseExpiry() {},
    claimOf: orderingKey => claim(`with ${orderingKey}`, orderingKey),
    releaseClaim: async ({ id }) => released.push(id) === 0,
    wakeAll: async () => {},
    wakeForgotten: async () => {},
    renewSteps: async () => {},
    onDue() {},
    closed: closing.signal,
    ...given,
  }
  const { log: logger } = Fastify({ logger: { stream: log.stream } })
  const storeRetry = createStoreRetry({ clock, log: logger })
  const scheduler = new BossScheduler({ store, concurrency, clock, storeRetry, log: logger })
  const end = async () => {
    await scheduler.stop()
    closing.abort()
    t.equal(clock.next(), undefined, 'no timer is left')
  }
  scheduler.start(drain as Drain)
  return { clock, log, due, released, scheduler, end, wake: () => scheduler.wake('any') }
}

/** Advances the time until something has happened. */
async function passing(clock: TestClock, happens: Promise<unknown>): Promise<void> {
  let happened = false
  void happens.then(() => {
    happened = true
  })
  while (!happened) {
    clock.advance(POLL)
    await turn()
  }
}

tap.test('a failing store is retried, nothing is lost, and two lines are logged', async t => {
  /** Each function fails once. */
  const failingOnce = <T>(message: string, run: () => T) => {
    let tries = 0
    return async () => {
      if (++tries === 1) throw new Error(message)
      return run()
    }
  }
  const woken = gate()
  const drained = gate()
  const returned = gate()
  const { clock, log, end } = start(t, failingOnce('it hangs up', drained.open), {
    claimMailboxes: failingOnce('it is away', () => [claim('1', 'box')].filter(() => claims++ === 0)),
    releaseClaim: failingOnce('away again', () => {
      returned.open()
      return false
    }),
    wakeAll: failingOnce('not even that', woken.open),
  })
  let claims = 0
  await passing(clock, Promise.all([woken.opened, drained.opened, returned.opened]))
  await end()
  t.match(log.lines, [{ msg: FAILS, err: { message: 'not even that' } }, { msg: WORKS }])
})

const inBox = (key: string, orderingKey = 'box') => claimed(key, { orderingKey })

tap.test('an idle mailbox is reserved for one insert, drained with what it claimed, and released', async t => {
  const drained: (TakenDelivery | undefined)[] = []
  const first = gate()
  const { scheduler, released, end } = start(t, async (_orderingKey, claimed) => {
    drained.push(claimed)
    await first.opened
  })
  t.equal(scheduler.reserve('box'), true)
  t.equal(scheduler.reserve('box'), false, 'it is reserved')
  t.equal(scheduler.reserve('other'), true)
  scheduler.release('other')
  t.equal(scheduler.reserve('other'), true, 'again')
  scheduler.release('other')
  scheduler.run(inBox('a'))
  t.equal(scheduler.reserve('box'), false, 'it is drained')
  await turn()
  t.match(drained, [{ key: 'a' }])
  t.same(released, [])
  first.open()
  await turn()
  t.same(released, ['with box'])
  t.equal(scheduler.reserve('box'), true)
  scheduler.release('box')
  await end()
  t.equal(scheduler.reserve('box'), false, 'we stop')
})

tap.test('the store fails meanwhile: the delivery is not begun twice', async t => {
  const drained: (TakenDelivery | undefined)[] = []
  const twice = gate()
  const { clock, scheduler, end } = start(t, async (_orderingKey, claimed) => {
    if (drained.push(claimed) === 1) throw new Error('it hangs up')
    twice.open()
  })
  await turn()
  scheduler.reserve('box')
  scheduler.run(inBox('a'))
  await passing(clock, twice.opened)
  t.match(drained, [{ key: 'a' }, undefined])
  await end()
})

tap.test('waiting mailboxes keep half of the slots, and the limit is never exceeded', async t => {
  const waits = ['1', '2', '3', '4'].map(id => claim(id, `waits ${id}`))
  const ends = new Map(waits.map(({ orderingKey }) => [orderingKey, gate()] as const))
  const drained: string[] = []
  const rooms: number[] = []
  let notBusy = Promise.resolve()
  const { scheduler, due, wake, clock, end } = start(
    t,
    async orderingKey => {
      drained.push(orderingKey)
      await ends.get(orderingKey)?.opened
    },
    {
      whenNotBusy: () => notBusy,
      claimMailboxes: async limit => {
        rooms.push(limit)
        return due.splice(0, limit)
      },
    },
    3,
  )
  await turn()
  for (const key of ['new', 'newer', 'newest']) t.equal(scheduler.reserve(key), true, key)
  t.equal(scheduler.reserve('and one more'), false, 'no room')
  due.push(...waits)
  wake()
  await turn()
  t.same(rooms, [3], 'nor for waiting mailboxes')
  for (const key of ['new', 'newer', 'newest']) scheduler.release(key)
  await turn()
  t.same(drained, ['waits 1', 'waits 2', 'waits 3'])

  const pressed = gate()
  notBusy = pressed.opened
  for (const [key, isFree] of [
    ['waits 1', false],
    ['waits 2', false],
    ['waits 3', true],
  ] as const) {
    ends.get(key)?.open()
    await turn()
    t.equal(scheduler.reserve('new'), isFree, `after ${key}: something waits`)
  }
  t.equal(scheduler.reserve('newer'), false)
  clock.advance(20)
  await turn()
  t.same(drained.slice(3), ['waits 4'])
  t.equal(scheduler.reserve('newer'), true, 'nothing more waits')
  for (const key of ['new', 'newer']) scheduler.release(key)
  ends.get('waits 4')?.open()
  pressed.open()
  await end()
})

tap.test('slots are reserved while mailboxes are being fetched', async t => {
  let asked = gate()
  asked.open()
  const claimMailboxes = async () => {
    await asked.opened
    return []
  }
  const { scheduler, wake, end } = start(t, async () => {}, { claimMailboxes }, 2)
  await turn()
  asked = gate()
  wake()
  await turn()
  t.equal(scheduler.reserve('new'), false)
  asked.open()
  await turn()
  t.equal(scheduler.reserve('new'), true)
  scheduler.release('new')
  await end()
})

tap.test('a released mailbox with new deliveries is fetched at once', async t => {
  let claims = 0
  const { scheduler, end } = start(t, async () => {}, {
    claimMailboxes: async () => {
      claims++
      return []
    },
    releaseClaim: async ({ orderingKey }) => orderingKey === 'waits',
  })
  await turn()
  t.equal(claims, 1)
  for (const [orderingKey, expected] of [
    ['done', 1],
    ['waits', 2],
  ] as const) {
    scheduler.reserve(orderingKey)
    scheduler.run(inBox(orderingKey, orderingKey))
    await turn()
    await turn()
    t.equal(claims, expected, orderingKey)
  }
  await end()
})

tap.test('stopping waits for inserts that may claim, and handles what they claimed', async t => {
  const drained: string[] = []
  const { scheduler, released, end } = start(t, async (_orderingKey, claimed) => void drained.push(claimed?.key ?? ''))
  await turn()
  t.equal(scheduler.reserve('box'), true)
  let ended = false
  const stopped = end().then(() => {
    ended = true
  })
  await turn()
  t.equal(ended, false)
  scheduler.run(inBox('a'))
  await stopped
  t.same(drained, ['a'])
  t.same(released, ['with box'])
})

tap.test('stopping during a fetch releases what it fetched', async t => {
  const asked = gate()
  const { released, end } = start(t, async () => {}, {
    claimMailboxes: () => asked.opened.then(() => [claim('1', 'box')]),
  })
  await turn()
  const stopped = end()
  await turn()
  asked.open()
  await stopped
  t.same(released, ['1'])
})

tap.test('a late claim does not end a newer one', async t => {
  const { now } = performance
  t.teardown(() => Object.assign(performance, { now }))
  const drained: (string | undefined)[] = []
  const { scheduler, due, wake, released, end } = start(t, async (_orderingKey, claimed, lapsed) => {
    drained.push(claimed?.key)
    if (claimed === undefined) {
      await turn()
      await turn()
    }
    drained.push(`aborted: ${lapsed?.aborted}`)
  })
  await turn()
  scheduler.reserve('box')
  performance.now = () => now.call(performance) + 20_000
  due.push(claim('taken over', 'box'))
  wake()
  await turn()
  scheduler.run(inBox('a'))
  await end()
  t.same(drained, [undefined, 'aborted: false'])
  t.same(released, ['taken over'])
})

tap.test('a process frozen after its insert begins nothing: it may have lost the mailbox', async t => {
  const { now } = performance
  t.teardown(() => Object.assign(performance, { now }))
  const drained: string[] = []
  const { scheduler, released, end } = start(t, async orderingKey => void drained.push(orderingKey))
  await turn()
  scheduler.reserve('box')
  performance.now = () => now.call(performance) + 6_500
  scheduler.run(inBox('a'))
  await turn()
  t.same(drained, [])
  t.same(released, [])
  await end()
})

tap.test('claiming gives way to accepting, for 20 ms at most', async t => {
  let notBusy = gate()
  let claims = 0
  const { clock, wake, end } = start(t, async () => {}, {
    whenNotBusy: () => notBusy.opened,
    claimMailboxes: async () => {
      claims++
      return []
    },
  })
  clock.advance(19)
  await turn()
  t.equal(claims, 0)
  clock.advance(1)
  await turn()
  t.equal(claims, 1, 'waits no longer than that')
  wake()
  await turn()
  t.equal(claims, 1)
  notBusy.open()
  await turn()
  t.equal(claims, 2, 'accepting is not busy')
  notBusy = gate()
  wake()
  notBusy.open()
  await turn()
  t.equal(claims, 3)
  notBusy = gate()
  wake()
  await end()
  t.equal(claims, 3, 'stopping meanwhile claims nothing more, and does not wait')
  notBusy.open()
})

tap.test(
  'a lost mailbox: its drain is aborted, it is not released, and when regained it waits for the old drain',
  async t => {
    const begun: (AbortSignal | undefined)[] = []
    const first = gate()
    const both = gate()
    const { clock, due, released, wake, log, end } = start(
      t,
      async (_orderingKey, _claimed, lapsed) => {
        begun.push(lapsed)
        if (begun.length === 2) return both.open()
        await first.opened
      },
      { renewClaims: async claims => claims.filter(({ id }) => id !== '1') },
    )
    due.push(claim('1', 'box'))
    wake()
    await turn()
    clock.advance(HEARTBEAT)
    await turn()
    t.equal(begun[0]?.aborted, true)
    due.push(claim('2', 'box'))
    wake()
    await turn()
    t.equal(begun.length, 1)
    first.open()
    await both.opened
    await turn()
    t.same(released, ['2'])
    t.same(log.lines, [])
    await end()
  },
)

tap.test('a heartbeat answered while or after a mailbox is released does not renew its lease', async t => {
  for (const order of ['while', 'after']) {
    const [asked, kept, drained, returned] = [gate(), gate(), gate(), gate()]
    const bounds: (Date | null)[] = []
    const { clock, due, wake, end } = start(t, () => drained.opened, {
      setLeaseExpiry: (_orderingKey, until) => void bounds.push(until),
      releaseClaim: () => returned.opened.then(() => false),
      renewClaims: async claims => {
        asked.open()
        await kept.opened
        return [...claims]
      },
    })
    due.push(claim('1', 'box'))
    wake()
    await turn()
    clock.advance(HEARTBEAT)
    await asked.opened
    drained.open()
    await turn()
    for (const each of order === 'while' ? [kept, returned] : [returned, kept]) {
      each.open()
      await turn()
    }
    t.same(bounds, order === 'while' ? [new Date(0), new Date(0), null] : [new Date(0), null], order)
    await end()
  }
})

tap.test('deliveries that arrive while a mailbox is released are fetched afterwards', async t => {
  let returned = gate()
  let claims = 0
  const { scheduler, wake, end } = start(t, async () => {}, {
    claimMailboxes: async () => {
      claims++
      return []
    },
    releaseClaim: ({ orderingKey }) =>
      orderingKey === 'box' ? returned.opened.then(() => false) : Promise.resolve(true),
  })
  await turn()
  const run = async (key: string, orderingKey: string) => {
    scheduler.reserve(orderingKey)
    scheduler.run(inBox(key, orderingKey))
    await turn()
  }
  await run('a', 'box')
  wake()
  await turn()
  t.equal(claims, 2, 'it is still ours')
  returned.open()
  await turn()
  t.equal(claims, 3)

  returned = gate()
  await run('b', 'box')
  await run('c', 'other')
  t.equal(claims, 4, 'the other one waits again')
  returned.open()
  await turn()
  t.equal(claims, 4, 'which does not affect this one')
  await end()
})

tap.test('a failed fetch keeps the slots of waiting mailboxes', async t => {
  const ends = [gate(), gate()]
  let drains = 0
  let fails = false
  const { scheduler, due, clock, wake, end } = start(
    t,
    async () => {
      await ends[drains++]?.opened
    },
    {
      claimMailboxes: async limit => {
        if (fails) throw new Error('no route')
        return due.splice(0, limit)
      },
    },
    2,
  )
  due.push(claim('1', 'waits'), claim('2', 'waits too'), claim('3', 'and this'))
  wake()
  await turn()
  t.equal(drains, 2)
  fails = true
  ends[0]?.open()
  await turn()
  t.equal(scheduler.reserve('new'), false)
  fails = false
  clock.advance(POLL)
  await turn()
  t.equal(drains, 3)
  ends[1]?.open()
  await end()
})

tap.test('failing heartbeats: leases end here before another process may take them', async t => {
  const { now } = performance
  t.teardown(() => Object.assign(performance, { now }))
  let signal: AbortSignal | undefined
  let drains = 0
  const { clock, due, wake, log, released, end } = start(
    t,
    async (_orderingKey, _claimed, lapsed) => {
      signal = lapsed
      await new Promise(resolve => lapsed?.addEventListener('abort', resolve))
      drains++
      throw new Error('and the store is away')
    },
    {
      renewClaims: async () => {
        throw new Error('no route')
      },
    },
  )
  due.push(claim('1', 'box'))
  wake()
  await turn()
  clock.advance(HEARTBEAT)
  t.match(await log.line(({ msg }) => msg === FAILS), { err: { message: 'no route' } })
  t.equal(signal?.aborted, false)
  performance.now = () => now.call(performance) + 6_500
  clock.advance(HEARTBEAT)
  t.equal(signal?.aborted, true)
  clock.advance(1_000)
  await end()
  t.equal(drains, 1)
  t.same(released, [])
})

tap.test('a handler that loses its mailbox is aborted, and its delivery handled by the new owner', async t => {
  const server = await postgresServer()
  t.teardown(() => server.close())
  const backend = postgresBackend(server)
  useBackend(backend)
  const { app, inbox, log, store } = await startInbox(t)
  const begun = gate()
  let aborted = false
  inbox.handle('test', 'ping', async (_delivery, { signal, attempt }) => {
    if (attempt > 1) return
    begun.open()
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted = true
        reject(signal.reason)
      })
    })
  })
  await app.ready()
  await inbox.accept(delivery('a'), 1)
  await begun.opened
  // Repeatedly: our own heartbeat may come before pg-boss checks.
  while (!aborted) await backend.died(store)
  t.match(await log.line(({ msg }) => msg === 'webhook failed, will retry'), {
    error: /Another process may take over the mailbox/,
  })
  await log.count('webhook handled', 1)
})

tap.test('an event loop blocked beyond the heartbeat is reported, with the delivery in progress', async t => {
  const { now } = performance
  t.teardown(() => Object.assign(performance, { now }))
  const hold = gate()
  const begun = gate()
  const { clock, log, due, end, wake } = start(t, async () => {
    begun.open()
    await hold.opened
  })
  /** How late the heartbeat comes, ms. */
  const beat = async (late: number) => {
    const at = now.call(performance) + late
    Object.assign(performance, { now: () => at })
    clock.advance(HEARTBEAT)
    await turn()
    Object.assign(performance, { now })
  }
  await beat(11_000)
  t.same(log.lines, [], 'nothing was being handled')
  await beat(0)
  due.push(claim('1', 'conversation:1:7'))
  wake()
  await passing(clock, begun.opened)
  await beat(2_900)
  t.same(log.lines, [])
  await beat(11_000)
  t.match(log.lines, [
    {
      level: 40,
      conversations: ['conversation:1:7'],
      msg: /^the event loop was blocked.* after 6 s another instance/,
    },
  ])
  t.ok((log.lines[0]?.ms as number) >= 8_000)
  hold.open()
  await end()
})
