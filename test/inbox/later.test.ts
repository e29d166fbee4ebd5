import { setImmediate } from 'node:timers/promises'
import Fastify from 'fastify'
import pino from 'pino'
import tap, { type Test } from 'tap'
import webhooks from '../../app.ts'
import { openStoreForCommand } from '../../backends/index.ts'
import type { Promoted, Store } from '../../inbox/contracts.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { Later, type ScheduledDelivery, scheduleIn } from '../../inbox/later.ts'
import { createStoreRetry } from '../../inbox/store-retry.ts'
import { type BackendClock, backend } from '../helpers/backend.ts'
import { testClock } from '../helpers/clock.ts'
import { delivery, gate, recorder, startInbox } from '../helpers/inbox.ts'
import { captureLog } from '../helpers/log.ts'

/** Deliveries for later. Those that need a store are run on each backend. */

const MINUTE = 60_000

const later = (key: string, at: number, parts: Partial<ScheduledDelivery> = {}): ScheduledDelivery => ({
  key,
  orderingKey: 'box',
  event: 'remind',
  payload: { key },
  at,
  ...parts,
})

/** Lets time pass, with time for what it has begun. */
async function pass(clock: BackendClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 2_000) {
    for (let n = 0; n < 5; n++) await setImmediate()
    await clock.advance(Math.min(left, 2_000))
  }
}

async function start(t: Test, options: Parameters<typeof startInbox>[1] = {}) {
  const clock = backend.clock()
  const started = await startInbox(t, { clock, ...options })
  const handled = recorder()
  started.inbox.handle('inbox', 'remind', handled.add)
  return { clock, handled, ...started }
}

tap.test('handled at its time, once, as a delivery of the source inbox', async t => {
  const { clock, inbox, app, log } = await start(t)
  const got = gate<object>()
  inbox.handle('inbox', 'remind', given => got.open(given))
  await app.ready()
  t.equal(await inbox.schedule(later('a', clock.now() + MINUTE)), 'scheduled')
  const id = deliveryId('inbox', 'a')
  t.match(await inbox.get(id), { state: 'scheduled' })
  await pass(clock, MINUTE - 10_000)
  t.match(await inbox.get(id), { state: 'scheduled' })
  await pass(clock, 16_000)
  t.match(await got.opened, {
    id,
    source: 'inbox',
    event: 'remind',
    key: 'a',
    orderingKey: 'box',
    payload: { key: 'a' },
  })
  await log.count('webhook handled', 1)
  t.equal(await inbox.schedule(later('a', clock.now())), 'duplicate')
})

tap.test('another process may make one, as a command does: it is noticed though nothing was scheduled', async t => {
  const { clock, app, handled, store } = await start(t)
  await app.ready()
  await pass(clock, 2_000)
  const command = await openStoreForCommand(store)
  t.teardown(() => command.close())
  t.equal(await scheduleIn(command, later('a', 0), clock.now()), 'scheduled')
  await pass(clock, 4_000)
  await handled.reached(1)
  await t.rejects(scheduleIn(command, { ...later('b', 0), key: 5 as never }, 0), { message: /key must be a string/ })
})

tap.test('in the order of its conversation', async t => {
  const { inbox, app, handled } = await start(t)
  const [begun, end] = [gate(), gate()]
  inbox.handle('test', 'ping', async given => {
    handled.add(given)
    begun.open()
    if (given.key === 'first') await end.opened
  })
  await app.ready()
  await inbox.accept(delivery('first', { orderingKey: 'box' }), 1)
  await begun.opened
  // In the past: due at once.
  await inbox.schedule(later('then', 0))
  while ((await inbox.get(deliveryId('inbox', 'then')))?.state !== 'pending') await setImmediate()
  await inbox.accept(delivery('last', { orderingKey: 'box' }), 1)
  end.open()
  await handled.reached(3)
  t.same(handled.keys, ['first', 'then', 'last'])
})

tap.test('moved, taken back, done now, discarded', async t => {
  const { clock, inbox, app, handled } = await start(t)
  await app.ready()
  const soon = clock.now() + MINUTE
  for (const key of ['moved', 'back', 'now', 'not']) await inbox.schedule(later(key, soon))
  t.equal(await inbox.schedule(later('moved', soon + 2 * MINUTE)), 'moved')
  t.equal(await inbox.unschedule('back'), true)
  t.equal(await inbox.unschedule('back'), false)
  t.equal(await inbox.unschedule('moved', 'elsewhere'), false)
  t.equal(await inbox.discard(deliveryId('inbox', 'not'), 'not needed'), true)
  t.equal(await inbox.replay([deliveryId('inbox', 'now')]), 1)
  await handled.reached(1)
  await pass(clock, MINUTE + 1_000)
  await inbox.schedule(later('after', clock.now()))
  await handled.reached(2)
  t.same(handled.keys, ['now', 'after'])
  t.match(await inbox.get(deliveryId('inbox', 'not')), { state: 'discarded', error: 'not needed' })
  await pass(clock, 2 * MINUTE + 6_000)
  await handled.reached(3)
  t.same(handled.keys, ['now', 'after', 'moved'])
})

tap.test('a handler makes one for its own conversation, and takes it back', async t => {
  const { clock, inbox, app, handled } = await start(t)
  inbox.handle('test', 'ping', async ({ key }, context) => {
    await context.schedule({ key: `${key} later`, event: 'remind', payload: {}, at: clock.now() })
    await context.schedule({ key: 'never', event: 'remind', payload: {}, at: clock.now() + MINUTE })
    await context.schedule({
      source: 'shop',
      orderingKey: 'else',
      key: 's',
      event: 'e',
      payload: {},
      at: clock.now() + MINUTE,
    })
    t.equal(await context.unschedule('never'), true)
    t.equal(await context.unschedule('s'), false)
    t.equal(await context.unschedule('s', 'shop'), true)
  })
  await app.ready()
  await inbox.accept(delivery('a', { orderingKey: 'box' }), 1)
  await handled.reached(1)
  t.match(await inbox.get(deliveryId('inbox', 'a later')), { orderingKey: 'box' })
  t.same(await inbox.list({ state: 'scheduled' }), [])
})

tap.test('with the whole plugin, handlers of the source inbox are given like others', async t => {
  const got = gate<object>()
  const app = Fastify()
  t.teardown(() => app.close())
  const store = await backend.store(t)
  await app.register(webhooks, { store, handlers: { inbox: { remind: ({ payload }) => got.open(payload) } } })
  await app.ready()
  await app.webhooks.inbox.schedule(later('a', 0))
  t.same(await got.opened, { key: 'a' })
})

tap.test('an event without a handler is dead when it is due', async t => {
  const { inbox, app, log } = await start(t)
  await app.ready()
  await inbox.schedule(later('a', 0, { event: 'unknown' }))
  await log.count('webhook dead', 1)
  t.match(await inbox.get(deliveryId('inbox', 'a')), { state: 'dead', error: /No handler is registered for unknown/ })
})

tap.test(
  'an event of this service’s own that it does not know was made by another version: nothing is done',
  async t => {
    const { inbox, app, log } = await start(t)
    await app.ready()
    await inbox.schedule(later('a', 0, { event: 'tutorbot.of_the_future' }))
    const { event } = await log.line(({ msg }) => msg === 'nothing done: another version made this for later')
    t.equal(event, 'tutorbot.of_the_future')
    await log.count('webhook handled', 1)
    t.match(await inbox.get(deliveryId('inbox', 'a')), { state: 'done' })
  },
)

tap.test('what was made before a restart is due after it', async t => {
  const first = await start(t)
  await first.app.ready()
  const at = first.clock.now() + MINUTE
  await first.inbox.schedule(later('a', at))
  await first.app.close()
  const again = await start(t, { store: first.store })
  await again.app.ready()
  await pass(again.clock, MINUTE + 6_000)
  await again.handled.reached(1)
  t.same(again.handled.keys, ['a'])
})

tap.test('what is wrong with it is said at once', async t => {
  const { inbox } = await start(t)
  const wrong: [Partial<Record<keyof ScheduledDelivery, unknown>>, string][] = [
    [{ key: undefined }, "A scheduled delivery's key must be a string, not undefined"],
    [{ orderingKey: 5 }, "A scheduled delivery's orderingKey must be a string, not number"],
    [{ event: null }, "A scheduled delivery's event must be a string, not null"],
    [{ source: 1 }, "A scheduled delivery's source must be a string, not number"],
    [{ payload: undefined }, "A scheduled delivery's payload must be an object, not undefined"],
    [{ payload: null }, "A scheduled delivery's payload must be an object, not null"],
    ...[Number.NaN, Number.POSITIVE_INFINITY, 1e18, '5', undefined].map((at): [object, string] => [
      { at },
      `A scheduled delivery's at must be a Unix time in ms, up to the year 9999, not ${at}; one in the past is due at once`,
    ]),
  ]
  for (const [parts, message] of wrong) {
    await t.rejects(inbox.schedule(later('a', 0, parts as object)), new TypeError(message))
  }
  await t.rejects(
    inbox.unschedule(undefined as unknown as string),
    new TypeError('key must be a string, not undefined'),
  )
  t.same(await inbox.list({ state: 'scheduled' }), [])
})

/** A `Later` on a store that answers as told. */
function onStore(answers: (Promoted | Error | Promise<Promoted>)[]) {
  const clock = testClock(1_000)
  const asked: number[] = []
  const woken: string[] = []
  const store = {
    async promote(now: number) {
      asked.push(now)
      const answer = answers.shift() ?? { orderingKeys: [], nextMs: null }
      if (answer instanceof Error) throw answer
      return answer
    },
    schedule: async () => 'scheduled',
  } as unknown as Store
  const { stream } = captureLog()
  const storeRetry = createStoreRetry({ clock, log: pino({}, stream) })
  const subject = new Later({ store, scheduler: { wake: key => void woken.push(key) }, clock, storeRetry })
  return { clock, asked, woken, subject }
}

const idle = () => setImmediate()
const NONE: Promoted = { orderingKeys: [], nextMs: null }

tap.test('nothing is scheduled: the store is asked once, and no timer is set', async t => {
  const { clock, asked, subject } = onStore([NONE, { orderingKeys: [], nextMs: 1e9 }])
  subject.look()
  t.same(asked, [], 'not before the start')
  subject.start()
  await idle()
  t.same(asked, [1_000])
  t.equal(clock.next(), undefined)
  await subject.schedule(later('in a year', 31e9))
  await idle()
  t.equal(clock.next(), 1_500)
  await subject.schedule(later('too', 32e9))
  t.equal(asked.length, 2, 'the timer comes first')
  await subject.stop()
})

tap.test('one timer for the next one, however many wait; at most half a second', async t => {
  const waits = (nextMs: number) => ({ orderingKeys: [], nextMs })
  const { clock, asked, subject } = onStore([waits(200), { orderingKeys: ['a'], nextMs: 0 }, waits(1e9), NONE])
  subject.start()
  await idle()
  t.equal(clock.next(), 1_200)
  clock.advance(200)
  await idle()
  t.same(asked, [1_000, 1_200, 1_200])
  t.equal(clock.next(), 1_700)
  clock.advance(500)
  await idle()
  t.equal(clock.next(), undefined)
  await subject.stop()
})

tap.test('what is made while the store is asked is not missed', async t => {
  const { promise, resolve } = Promise.withResolvers<Promoted>()
  const { asked, woken, subject } = onStore([promise, { orderingKeys: ['box'], nextMs: null }])
  subject.start()
  await subject.schedule(later('a', 1_000))
  t.equal(asked.length, 1)
  resolve(NONE)
  await idle()
  t.equal(asked.length, 2)
  t.same(woken, ['box'])
})

tap.test('while the store fails, it is asked again', async t => {
  const { clock, asked, woken, subject } = onStore([new Error('full'), { orderingKeys: ['box'], nextMs: null }])
  subject.start()
  await idle()
  t.same(asked, [1_000])
  clock.advance(500)
  await idle()
  t.same(woken, ['box'])
})

tap.test('stopped, it waits for what is under way, and asks no more', async t => {
  const { promise, resolve } = Promise.withResolvers<Promoted>()
  const { clock, asked, subject } = onStore([promise])
  subject.start()
  const stopped = subject.stop()
  resolve({ orderingKeys: ['box'], nextMs: 0 })
  await stopped
  subject.look()
  t.equal(asked.length, 1)
  t.equal(clock.next(), undefined)
})
