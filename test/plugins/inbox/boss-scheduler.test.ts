import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { type BossSchedulerOptions, createBossScheduler } from '../../../plugins/inbox/boss-scheduler.ts'
import type { Drain } from '../../../plugins/inbox/contracts.ts'
import type { Claim } from '../../../plugins/inbox/postgres-store.ts'
import { storeTrouble } from '../../../plugins/inbox/store-trouble.ts'
import { postgresBackend, useBackend } from '../../helpers/backend.ts'
import { type TestClock, testClock } from '../../helpers/clock.ts'
import { delivery, gate, startInbox } from '../../helpers/inbox.ts'
import { captureLog } from '../../helpers/log.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

const POLL = 500
const HEARTBEAT = 2_000
const FAILS = 'the store fails; what waits for it is tried again every second'
const WORKS = 'the store works again'

const claim = (id: string, orderingKey: string): Claim => ({ id, retryCount: 0, orderingKey, until: new Date(0) })

/** A scheduler over a store that does what the test says. */
function start(t: Test, drain: Drain, given: Partial<BossSchedulerOptions['store']> = {}) {
  const clock = testClock()
  const log = captureLog()
  const closing = new AbortController()
  const due: Claim[] = []
  const givenBack: string[] = []
  const store: BossSchedulerOptions['store'] = {
    calm: async () => {},
    claimMailboxes: async limit => due.splice(0, limit),
    keepClaims: async claims => [...claims],
    bound() {},
    giveBack: async ({ id }) => void givenBack.push(id),
    wakeAll: async () => {},
    keepSteps: async () => {},
    onDue() {},
    closed: closing.signal,
    ...given,
  }
  const trouble = storeTrouble({ clock, log: Fastify({ logger: { stream: log.stream } }).log })
  const scheduler = createBossScheduler({ store, concurrency: 10, clock, trouble })
  const end = async () => {
    await scheduler.stop()
    closing.abort()
    t.equal(clock.next(), undefined, 'no timer is left')
  }
  scheduler.start(drain)
  return { clock, log, due, givenBack, scheduler, end, wake: () => scheduler.wake('any') }
}

/** Lets time pass until something has happened. */
async function passing(clock: TestClock, happens: Promise<unknown>): Promise<void> {
  let happened = false
  void happens.then(() => {
    happened = true
  })
  while (!happened) {
    clock.advance(POLL)
    await new Promise(resolve => setImmediate(resolve))
  }
}

tap.test('a store that fails is asked again, nothing is lost on the way, and two lines say it all', async t => {
  /** Fails once, each for itself. */
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
    giveBack: failingOnce('away again', returned.open),
    wakeAll: failingOnce('not even that', woken.open),
  })
  let claims = 0
  await passing(clock, Promise.all([woken.opened, drained.opened, returned.opened]))
  await end()
  t.match(log.lines, [{ msg: FAILS, err: { message: 'not even that' } }, { msg: WORKS }])
})

tap.test('mailboxes are claimed in the database only, never reserved in a process', async t => {
  const { scheduler, end } = start(t, async () => {})
  t.equal(scheduler.reserve('box'), false)
  scheduler.run({ ...delivery('a'), attempts: 1, state: 'pending', crashed: false })
  scheduler.release('box')
  scheduler.wake('box', 10 ** 15)
  await end()
})

tap.test('claiming gives way to accepting, for 50 ms at most', async t => {
  let calm = gate()
  let claims = 0
  const { clock, wake, end } = start(t, async () => {}, {
    calm: () => calm.opened,
    claimMailboxes: async () => {
      claims++
      return []
    },
  })
  const turn = () => new Promise(resolve => setImmediate(resolve))
  clock.advance(49)
  await turn()
  t.equal(claims, 0)
  clock.advance(1)
  await turn()
  t.equal(claims, 1, 'it has waited long enough')
  wake()
  await turn()
  t.equal(claims, 1)
  calm.open()
  await turn()
  t.equal(claims, 2, 'it is calm')
  calm = gate()
  wake()
  calm.open()
  await turn()
  t.equal(claims, 3)
  calm = gate()
  wake()
  await end()
  t.equal(claims, 3, 'who stops meanwhile claims nothing more, and does not wait')
})

tap.test(
  'a mailbox that is lost: its drain is told, it is not given back, and got again it waits for the old drain',
  async t => {
    const begun: (AbortSignal | undefined)[] = []
    const first = gate()
    const both = gate()
    const { clock, due, givenBack, wake, log, end } = start(
      t,
      async (_orderingKey, _claimed, lapsed) => {
        begun.push(lapsed)
        if (begun.length === 2) return both.open()
        await first.opened
      },
      { keepClaims: async claims => claims.filter(({ id }) => id !== '1') },
    )
    due.push(claim('1', 'box'))
    wake()
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(HEARTBEAT)
    await new Promise(resolve => setImmediate(resolve))
    t.equal(begun[0]?.aborted, true)
    due.push(claim('2', 'box'))
    wake()
    await new Promise(resolve => setImmediate(resolve))
    t.equal(begun.length, 1)
    first.open()
    await both.opened
    await new Promise(resolve => setImmediate(resolve))
    t.same(givenBack, ['2'])
    t.same(log.lines, [])
    await end()
  },
)

tap.test('heartbeats that are not taken: what is held has lapsed before another process may have it', async t => {
  const { now } = performance
  t.teardown(() => Object.assign(performance, { now }))
  let signal: AbortSignal | undefined
  let drains = 0
  const { clock, due, wake, log, givenBack, end } = start(
    t,
    async (_orderingKey, _claimed, lapsed) => {
      signal = lapsed
      await new Promise(resolve => lapsed?.addEventListener('abort', resolve))
      drains++
      throw new Error('and the store is away')
    },
    {
      keepClaims: async () => {
        throw new Error('no route')
      },
    },
  )
  due.push(claim('1', 'box'))
  wake()
  await new Promise(resolve => setImmediate(resolve))
  clock.advance(HEARTBEAT)
  t.match(await log.line(({ msg }) => msg === FAILS), { err: { message: 'no route' } })
  t.equal(signal?.aborted, false)
  performance.now = () => now.call(performance) + 6_500
  clock.advance(HEARTBEAT)
  t.equal(signal?.aborted, true)
  clock.advance(1_000)
  await end()
  t.equal(drains, 1)
  t.same(givenBack, [])
})

tap.test('a handler whose conversation is taken away is aborted, and handled again by whoever has it', async t => {
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
  // Again and again: our own heartbeat may come before pg-boss looks.
  while (!aborted) await backend.died(store)
  t.match(await log.line(({ msg }) => msg === 'webhook failed, tried again'), {
    error: /Another process may take the conversation over/,
  })
  await log.count('webhook handled', 1)
})
