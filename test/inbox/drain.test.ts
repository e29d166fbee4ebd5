import Fastify from 'fastify'
import tap from 'tap'
import { createBreakers } from '../../inbox/breaker.ts'
import type { Store } from '../../inbox/contracts.ts'
import { createDrain } from '../../inbox/drain.ts'
import { GiveWay } from '../../inbox/give-way.ts'
import { createPace } from '../../inbox/pace.ts'
import { createStoreRetry } from '../../inbox/store-retry.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { testClock } from '../helpers/clock.ts'
import { claimed } from '../helpers/inbox.ts'

/** What the inbox's tests can't reach through a store and a scheduler. */

tap.test('a delivery claimed by its insert is only begun while the claim leaves time to finish', async t => {
  const clock = testClock()
  const { log } = Fastify()
  const handled: string[] = []
  const store = { settle: async () => true } as unknown as Store
  const { drain, stop, abort } = createDrain({
    store,
    later: NO_CLIENTS,
    giveWay: new GiveWay(),
    aheadSources: new Set<string>(),
    handlerOf: () => delivery => void handled.push(delivery.key),
    wake() {},
    onHandled() {},
    handlerTimeoutMs: 1_000,
    clock,
    log,
    storeRetry: createStoreRetry({ clock, log }),
    breakers: createBreakers({ clock, log, onTurn() {} }),
    clients: () => NO_CLIENTS,
  })
  stop()
  await drain('box', claimed('a'))
  t.same(handled, ['a'])
  abort()
  await drain('box', claimed('b'))
  t.same(handled, ['a'])
})

tap.test(
  'a handler’s time is up only when it has had it: waiting for its turn to make a call does not count',
  async t => {
    const clock = testClock()
    const { log } = Fastify()
    const pace = createPace(60, clock)
    for (let n = 0; n < 60; n++) pace.take(new AbortController().signal)
    const outcomes: string[] = []
    const done = Promise.withResolvers<void>()
    const store = { settle: async () => true } as unknown as Store
    const waiting = Promise.withResolvers<void>()
    const { drain } = createDrain({
      store,
      later: NO_CLIENTS,
      giveWay: new GiveWay(),
      aheadSources: new Set<string>(),
      handlerOf:
        () =>
        async (_delivery, { signal }) => {
          const turns = Array.from({ length: 10 }, () => pace.take(signal))
          waiting.resolve()
          await Promise.all(turns)
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      wake() {},
      onHandled: ({ error }) => void outcomes.push(String(error)),
      handlerTimeoutMs: 2_000,
      clock,
      log,
      storeRetry: createStoreRetry({ clock, log }),
      breakers: createBreakers({ clock, log, onTurn() {} }),
      clients: () => NO_CLIENTS,
    })
    void drain('box', claimed('a')).then(() => done.resolve())
    await waiting.promise
    clock.advance(10_000)
    await new Promise(setImmediate)
    t.same(outcomes, [], '10 s of waiting, 0 s of work')
    clock.advance(1_999)
    await new Promise(setImmediate)
    t.same(outcomes, [])
    clock.advance(1)
    await done.promise
    t.match(outcomes, [/did not end within 2000 ms/])
  },
)

tap.test('what waits for accepting when the grace time ends, or the mailbox is another’s, is not begun', async t => {
  const clock = testClock()
  const { log } = Fastify()
  const giveWay = new GiveWay()
  giveWay.handled(1_000)
  giveWay.acceptingBegins()
  let taken = 0
  const store = {
    take: async () => {
      taken++
      return null
    },
    backlog: async () => ({ pending: 0, parked: 0 }),
  } as unknown as Store
  const { drain, abort } = createDrain({
    store,
    later: NO_CLIENTS,
    giveWay,
    aheadSources: new Set<string>(),
    handlerOf: () => () => t.fail('begun'),
    wake() {},
    onHandled() {},
    handlerTimeoutMs: 2_000,
    clock,
    log,
    storeRetry: createStoreRetry({ clock, log }),
    breakers: createBreakers({ clock, log, onTurn() {} }),
    clients: () => NO_CLIENTS,
  })
  const lapsed = new AbortController()
  const others = drain('other', claimed('other'), lapsed.signal)
  lapsed.abort()
  giveWay.acceptingEnds()
  await others
  giveWay.acceptingBegins()
  const both = [drain('box', claimed('a')), drain('queued')]
  await new Promise(setImmediate)
  abort()
  await Promise.all(both)
  t.equal(taken, 0)
})
