import { setImmediate } from 'node:timers/promises'
import tap, { type Test } from 'tap'
import type { NewDelivery } from '../../inbox/contracts.ts'
import type { HandlerFunction } from '../../inbox/drain.ts'
import { TransientError } from '../../inbox/errors.ts'
import type { Inbox } from '../../inbox/inbox.ts'
import type { Quiet } from '../../inbox/quiet.ts'
import { type BackendClock, backend } from '../helpers/backend.ts'
import { delivery, gate, recorder, startInbox } from '../helpers/inbox.ts'
import { arrivals } from '../helpers/wait.ts'

const MINUTE = 60_000
const HELD = 'chatwoot unavailable, holding what needs it'
const AGAIN = 'chatwoot available again'

/** An inbox with a breaker of Chatwoot's, which is down until the test says otherwise. */
async function start(t: Test, { store, clock = backend.clock() }: { store?: string; clock?: BackendClock } = {}) {
  const started = await startInbox(t, { clock, ...(store !== undefined && { store }) })
  const chatwoot = { isDown: true, probes: 0 }
  started.app.webhooks.breakers.watch('chatwoot', async () => {
    chatwoot.probes++
    if (chatwoot.isDown) throw down()
  })
  return { clock, chatwoot, ...started }
}

const down = () =>
  new TransientError('Chatwoot answered 502', { outage: { system: 'chatwoot', isProof: true }, retryAfterMs: 0 })

/** Registers a handler that needs Chatwoot, and one that does not. */
function register(inbox: Inbox, chatwoot: { isDown: boolean }) {
  const handled = recorder()
  const begun: string[] = []
  inbox.handle('test', 'ping', {
    needs: ['chatwoot'],
    handle(delivery) {
      begun.push(delivery.key)
      if (chatwoot.isDown) throw down()
      handled.add(delivery)
    },
    gaveUp: ({ key }) => tap.fail(`${key} was given up`),
  })
  inbox.handle('test', 'booking', handled.add)
  return { handled, begun }
}

/** Advances the time in steps until so many are handled: on PostgreSQL, held mailboxes wait for their own time. */
async function untilHandled(clock: BackendClock, { keys }: { keys: string[] }, count: number): Promise<void> {
  for (let step = 0; keys.length < count && step < 100; step++) {
    await clock.advance(2_000)
    await setImmediate()
  }
}

const KEYS = Array.from({ length: 30 }, (_, n) => `${n}`)
/** In ten mailboxes. */
const inBoxes = (key: string) => delivery(key, { orderingKey: `box ${Number(key) % 10}` })

tap.test('an outage of half an hour: no attempt is spent, nothing parks, and order stays', async t => {
  const { inbox, app, clock, chatwoot, log } = await start(t)
  await app.ready()
  const { handled, begun } = register(inbox, chatwoot)
  await inbox.accept(delivery('first'), 10)
  await log.line(({ msg }) => msg === HELD)
  for (const key of KEYS) await inbox.accept(inBoxes(key), 10)
  await inbox.accept(delivery('booked', { event: 'booking' }), 10)
  await handled.reached(1)
  t.same(handled.keys, ['booked'], 'what does not need Chatwoot goes on')
  await inbox.accept(delivery('behind', { event: 'booking', orderingKey: 'box 1' }), 10)

  for (let minutes = 0; minutes < 30; minutes += 3) {
    await clock.advance(3 * MINUTE)
    await setImmediate()
  }
  t.same(begun, ['first'])
  t.match(await inbox.backlog(), { pending: 32, parked: 0, dead: 0 })
  t.equal(inbox.stats().heldMailboxes, 11)
  for (const { key, attempts } of await inbox.list({ state: 'pending' }))
    t.equal(attempts, key === 'first' ? 1 : 0, key)

  chatwoot.isDown = false
  await untilHandled(clock, handled, 33)
  t.equal(handled.keys.length, 33)
  t.equal(inbox.stats().heldMailboxes, 0)
  for (let box = 0; box < 10; box++) {
    const inOrder = handled.keys.filter(key => Number(key) % 10 === box)
    t.same(
      inOrder,
      KEYS.filter(key => Number(key) % 10 === box),
    )
  }
  t.ok(handled.keys.indexOf('behind') > handled.keys.indexOf('21'), 'a held mailbox waits whole')
  for (const { key, attempts } of await inbox.list()) t.equal(attempts, key === 'first' ? 2 : 1, key)
  t.equal(log.lines.filter(({ msg }) => msg === HELD).length, 1)
  t.equal(log.lines.filter(({ msg }) => msg === AGAIN).length, 1)
})

tap.test('what must not wait is done before its turn, and its handler is called in its turn', async t => {
  const { inbox, app, clock, chatwoot, log } = await start(t)
  const stripe = { isDown: true }
  app.webhooks.breakers.watch('stripe', async () => {
    if (stripe.isDown) throw new TransientError('no', { outage: { system: 'stripe', isProof: true } })
  })
  const { handled } = register(inbox, chatwoot)
  const { items: done, add, first } = arrivals<string>(key => key)
  const problems = [new Error('once'), new Error('twice')]
  inbox.handle('test', 'paid', {
    needs: ['chatwoot', 'stripe'],
    ahead: {
      needs: ['stripe'],
      async handle({ key }, { once }) {
        add(`asked for ${key}`)
        const problem = key === 'a' && problems.pop()
        if (problem) throw problem
        await once(key, () => add(`ahead: ${key}`))
      },
    },
    async handle(delivery, { once }) {
      await once(delivery.key, () => add(`in its turn: ${delivery.key}`))
      handled.add(delivery)
    },
    gaveUp() {},
  })
  await app.ready()
  const paid = (key: string) => delivery(key, { event: 'paid', orderingKey: 'box' })
  await inbox.accept(delivery('first', { orderingKey: 'box' }), 10)
  await log.line(({ msg }) => msg === HELD)
  app.webhooks.breakers.failed('', new TransientError('', { outage: { system: 'stripe', isProof: true } }))
  await inbox.accept(paid('a'), 10)
  await inbox.accept(delivery('between', { event: 'booking', orderingKey: 'box' }), 10)
  await inbox.accept(paid('b'), 10)
  await clock.advance(MINUTE)
  t.same(done, [], 'while what it needs itself is unavailable')

  stripe.isDown = false
  for (let step = 0; step < 400 && !done.includes('ahead: a'); step++) {
    await clock.advance(2_000)
    await setImmediate()
  }
  await first('both', each => each === 'ahead: a')
  t.same(
    done.filter(each => each.startsWith('ahead')),
    ['ahead: b', 'ahead: a'],
  )
  t.equal(done.filter(each => each === 'asked for a').length, 3, 'again after it has failed')
  t.equal(log.lines.filter(({ msg }) => msg === 'could not be done before its turn').length, 1)
  await inbox.accept(delivery('last', { orderingKey: 'box' }), 10)
  await clock.advance(MINUTE)
  t.equal(done.filter(each => each === 'asked for b').length, 1, 'not again')
  t.same(handled.keys, [])
  for (const { key, attempts } of await inbox.list()) t.equal(attempts, key === 'first' ? 1 : 0, key)

  chatwoot.isDown = false
  await untilHandled(clock, handled, 5)
  t.same(handled.keys, ['first', 'a', 'between', 'b', 'last'])
  t.notOk(done.some(each => each.startsWith('in its turn')))
})

tap.test('what is done ahead while the system comes back does not hold up its mailbox', async t => {
  const { inbox, app, clock, chatwoot, log } = await start(t)
  const { handled } = register(inbox, chatwoot)
  const [begun, goesOn] = [gate(), gate()]
  const ahead = async () => {
    begun.open()
    await goesOn.opened
  }
  inbox.handle('test', 'paid', { handle: handled.add, gaveUp() {}, ahead: { handle: ahead } })
  await app.ready()
  await inbox.accept(delivery('first', { orderingKey: 'box' }), 10)
  await log.line(({ msg }) => msg === HELD)
  // Its retry is due, and it is held.
  for (let step = 0; step < 20 && inbox.stats().heldMailboxes === 0; step++) {
    await clock.advance(1_000)
    await setImmediate()
  }
  await clock.advance(1_000)
  await inbox.accept(delivery('paid', { event: 'paid', orderingKey: 'box' }), 10)
  await begun.opened
  chatwoot.isDown = false
  for (let step = 0; step < 20 && !log.lines.some(({ msg }) => msg === AGAIN); step++) {
    await clock.advance(1_000)
    await setImmediate()
  }
  // From here on no time passes.
  goesOn.open()
  await handled.reached(2)
  t.same(handled.keys, ['first', 'paid'])
})

tap.test('a run that could do nothing is joined by what comes in; one that did something stays as it was', async t => {
  const { inbox, app, clock, chatwoot, log } = await start(t)
  const { items: runs, add, first } = arrivals<string>(run => run)
  const quiet: Quiet = { quietMs: 1_000, maxMs: 10_000, waits: () => 'wait', reopens: true }
  const handle: HandlerFunction = async ({ orderingKey }, { together, once, run }) => {
    add(`${orderingKey}: ${together.map(({ key }) => key).join()}`)
    await once(`of another: ${orderingKey}`, () => true)
    if (orderingKey === 'acts') await once(`${run}:act`, () => true)
    if (chatwoot.isDown) throw down()
  }
  const gaveUp = () => {}
  inbox.handle('test', 'ping', { handle, gaveUp, needs: ['chatwoot'], quiet })
  inbox.handle('test', 'other', { handle, gaveUp, quiet })
  inbox.handle('plain', 'ping', { handle, gaveUp, needs: ['chatwoot'], quiet: { ...quiet, reopens: undefined } })
  await app.ready()
  const write = (key: string, orderingKey: string, parts: Partial<NewDelivery> = {}) =>
    inbox.accept(delivery(key, { orderingKey, receivedAt: clock.now(), ...parts }), 10)
  const writeAll = async (key: string) => {
    await write(key, 'box')
    await write(key, 'acts', { id: `${key} acts` })
    await write(key, 'without need', { id: `${key} without need`, event: 'other' })
    await write(key, 'plain', { source: 'plain', id: `${key} plain` })
  }
  await writeAll('a')
  await clock.advance(1_000)
  await log.count('webhook failed, will retry', 4)
  t.ok(log.lines.some(({ msg }) => msg === HELD))
  await writeAll('b')
  await clock.advance(MINUTE)
  t.equal(runs.length, 4)

  chatwoot.isDown = false
  for (let step = 0; step < 100 && runs.length < 11; step++) {
    await clock.advance(2_000)
    await setImmediate()
  }
  await first('the last one', () => runs.length >= 11)
  const of = (mailbox: string) => runs.filter(run => run.startsWith(mailbox))
  t.same(of('box'), ['box: a', 'box: a,b'])
  for (const mailbox of ['acts', 'without need', 'plain'])
    t.same(of(mailbox), [`${mailbox}: a`, `${mailbox}: a`, `${mailbox}: b`])
})

tap.test('after a restart the backlog waits until the system has answered', async t => {
  const before = await start(t)
  await before.app.ready()
  register(before.inbox, before.chatwoot)
  await before.inbox.accept(delivery('first'), 10)
  await before.log.line(({ msg }) => msg === HELD)
  for (const key of KEYS) await before.inbox.accept(inBoxes(key), 10)
  const closed = before.app.close()
  await closed

  const { store, clock } = before
  const { inbox, app, chatwoot, log } = await start(t, { store, clock })
  const { handled, begun } = register(inbox, chatwoot)
  await app.ready()
  await clock.advance(3 * MINUTE)
  await log.line(({ msg }) => msg === HELD)
  await clock.advance(3 * MINUTE)
  t.same(begun, [])
  t.ok(chatwoot.probes > 0)

  chatwoot.isDown = false
  await untilHandled(clock, handled, 31)
  t.equal(handled.keys.length, 31)
})

tap.test('a restart while the system works: it is asked once, and nothing is said', async t => {
  const before = await start(t)
  await before.app.ready()
  register(before.inbox, before.chatwoot)
  await before.inbox.accept(delivery('first'), 10)
  await before.log.line(({ msg }) => msg === HELD)
  for (const key of KEYS) await before.inbox.accept(inBoxes(key), 10)
  await before.app.close()

  const { store, clock } = before
  const { inbox, app, chatwoot, log } = await start(t, { store, clock })
  chatwoot.isDown = false
  const { handled } = register(inbox, chatwoot)
  await app.ready()
  await untilHandled(clock, handled, 31)
  t.equal(handled.keys.length, 31)
  t.equal(chatwoot.probes, 1)
  t.equal(log.lines.filter(({ msg }) => msg === HELD || msg === AGAIN).length, 0)
})

tap.test('what failed for a system waits for it, also if its handler does not say that it needs it', async t => {
  const { inbox, app, clock, chatwoot, log } = await start(t)
  await app.ready()
  const handled = recorder()
  let attempts = 0
  inbox.handle('test', 'ping', delivery => {
    attempts++
    if (chatwoot.isDown) throw down()
    handled.add(delivery)
  })
  await inbox.accept(delivery('a', { orderingKey: 'box' }), 10)
  await log.line(({ msg }) => msg === HELD)
  await inbox.accept(delivery('b', { orderingKey: 'box' }), 10)
  for (let minutes = 0; minutes < 30; minutes += 3) {
    await clock.advance(3 * MINUTE)
    await setImmediate()
  }
  t.equal(attempts, 1)
  t.equal(inbox.stats().heldMailboxes, 1)
  const outage = { system: 'google', isProof: true } as const
  app.webhooks.breakers.watch('google', async () => {
    throw new TransientError('no', { outage })
  })
  app.webhooks.breakers.failed('', new TransientError('no', { outage }))
  chatwoot.isDown = false
  await untilHandled(clock, handled, 2)
  t.same(handled.keys, ['a', 'b'])
  t.equal(attempts, 3)
  t.equal(inbox.stats().heldMailboxes, 0, 'though another system is still away')
})

tap.test('a handler that needs an unknown system is an error at the start', async t => {
  const { inbox } = await start(t)
  const handle = (needs: unknown) => () =>
    inbox.handle('test', 'ping', { handle() {}, gaveUp() {}, needs: needs as never })
  t.throws(handle(['chatwot']), {
    name: 'TypeError',
    message: 'handlers.test.ping.needs: there is no system chatwot (did you mean chatwoot?)',
  })
  t.throws(handle('chatwoot'), { message: 'handlers.test.ping.needs must be a list of chatwoot, stripe, google' })
  const ahead = (ahead: unknown) => () =>
    inbox.handle('test', 'ping', { handle() {}, gaveUp() {}, ahead: ahead as never })
  t.throws(ahead({ handle() {}, needs: ['strip'] }), { message: /^handlers\.test\.ping\.ahead\.needs: .*stripe/ })
  for (const wrong of [() => {}, null, {}, { handle: 5 }])
    t.throws(ahead(wrong), { message: 'handlers.test.ping.ahead must be { handle, needs }' })
  t.doesNotThrow(ahead({ handle() {} }))
})
