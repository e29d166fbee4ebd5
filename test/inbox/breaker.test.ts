import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { type Breakers, createBreakers, type HeldEvent } from '../../inbox/breaker.ts'
import { TransientError } from '../../inbox/errors.ts'
import { testClock } from '../helpers/clock.ts'
import { captureLog } from '../helpers/log.ts'

/** A breaker of Chatwoot's with a probe that the test answers, and no jitter. */
function setUp(t: Test, random = () => 0) {
  const clock = testClock()
  const log = captureLog()
  const app = Fastify({ logger: { level: 'debug', stream: log.stream } })
  const turns: HeldEvent[] = []
  const probes: PromiseWithResolvers<unknown>[] = []
  let resumed = 0
  const breakers = createBreakers({ clock, log: app.log, onTurn: event => turns.push(event), random })
  breakers.onResume(() => resumed++)
  breakers.watch('chatwoot', () => {
    const probe = Promise.withResolvers<unknown>()
    probes.push(probe)
    return probe.promise
  })
  t.teardown(() => breakers.close())
  return {
    breakers,
    clock,
    log,
    turns,
    probes,
    resumed: () => resumed,
    state: () => breakers.states()[0]?.state,
    /** Ends the last probe. */
    async answer(error?: Error): Promise<void> {
      const probe = probes.at(-1) as PromiseWithResolvers<unknown>
      if (error === undefined) probe.resolve(null)
      else probe.reject(error)
      await new Promise(setImmediate)
    },
  }
}

function outage(isProof: boolean, retryAfterMs = 0): TransientError {
  return new TransientError('Chatwoot answered 502', { outage: { system: 'chatwoot', isProof }, retryAfterMs })
}

/** Fails in so many mailboxes. */
function failIn(breakers: Breakers, ...mailboxes: string[]): void {
  for (const mailbox of mailboxes) breakers.failed(mailbox, outage(false))
}

t.test('proof opens it at once; a probe closes it: one log line and one event at each turn', async t => {
  const { breakers, clock, log, turns, probes, answer, state, resumed } = setUp(t)
  breakers.succeeded('chatwoot')
  t.equal(state(), 'closed')
  t.equal(breakers.isAnyHeld(), false)
  const since = clock.now()
  t.equal(breakers.failed('a', new Error('outer', { cause: outage(true) })), 'chatwoot', 'also if it is a cause')
  t.equal(breakers.isAnyHeld(), true)
  t.equal(breakers.isHeld('chatwoot'), true)
  t.match(breakers.states(), [{ system: 'chatwoot', state: 'open', since, why: /Chatwoot answered 502/ }])
  breakers.failed('b', outage(true))
  breakers.succeeded('chatwoot')
  t.equal(state(), 'open', 'a call that began before says nothing about now')

  clock.advance(999)
  t.equal(probes.length, 0)
  clock.advance(1)
  t.equal(probes.length, 1)
  t.equal(state(), 'probing')
  t.equal(breakers.isAnyHeld(), true)
  await answer()
  t.equal(state(), 'closed')
  t.equal(breakers.isAnyHeld(), false)
  t.equal(resumed(), 1)
  t.match(turns, [
    { system: 'chatwoot', isHeld: true, ms: 0, why: /502/ },
    { system: 'chatwoot', isHeld: false, ms: 1_000, why: /502/ },
  ])
  t.match(log.lines, [
    { msg: 'chatwoot unavailable, holding what needs it', system: 'chatwoot', error: /502/ },
    { msg: 'chatwoot available again', ms: 1_000 },
  ])
  t.equal(log.lines.length, 2)
})

t.test('three mailboxes that fail without a success in between open it, one never does', async t => {
  const { breakers, answer, probes, state } = setUp(t)
  failIn(breakers, 'a', 'b')
  await answer()
  breakers.succeeded('chatwoot')
  failIn(breakers, 'c', 'd')
  await answer()
  t.equal(state(), 'closed')
  breakers.succeeded('chatwoot')
  for (let times = 0; times < 10; times++) {
    failIn(breakers, 'a')
    if (times > 0) await answer()
  }
  t.equal(state(), 'closed')
  t.equal(probes.length, 11)
  failIn(breakers, 'b', 'c')
  t.equal(state(), 'open')
})

t.test('if only one mailbox is in use, a probe tells whether it is Chatwoot', async t => {
  const { breakers, answer, probes, state } = setUp(t)
  failIn(breakers, 'a')
  t.equal(probes.length, 0, 'one failure is nothing')
  failIn(breakers, 'a')
  t.equal(probes.length, 1)
  failIn(breakers, 'a')
  t.equal(probes.length, 1, 'one at a time')
  t.equal(breakers.isAnyHeld(), false, 'nothing is held meanwhile')
  await answer(new Error('no answer'))
  t.equal(state(), 'open')
})

t.test('probes wait longer each time, at most 30 s, and do not begin anew when it fails again soon', async t => {
  const { breakers, clock, probes, answer } = setUp(t)
  const waits = async (times: number) => {
    const seen: number[] = []
    for (let time = 0; time < times; time++) {
      seen.push((clock.next() as number) - clock.now())
      clock.advance(seen.at(-1) as number)
      await answer(outage(true))
    }
    return seen
  }
  breakers.failed('a', outage(true))
  t.strictSame(await waits(7), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  clock.advance(30_000)
  await answer()
  t.equal(breakers.isAnyHeld(), false)
  clock.advance(59_999)
  breakers.failed('a', outage(true))
  t.strictSame(await waits(1), [30_000])
  clock.advance(30_000)
  await answer()
  clock.advance(60_000)
  breakers.failed('a', outage(true))
  t.strictSame(await waits(1), [1_000])
  t.equal(probes.length, 11)
})

t.test('Retry-After is respected, up to 5 minutes, whoever says it', async t => {
  const { breakers, clock, answer } = setUp(t)
  const next = () => (clock.next() as number) - clock.now()
  breakers.failed('a', outage(true, 20_000))
  t.equal(next(), 20_000)
  clock.advance(20_000)
  await answer(outage(true, 3_600_000))
  t.equal(next(), 300_000)
})

t.test('times are whole ms: those in a store must be', async t => {
  const { breakers, clock } = setUp(t, () => 1 / 3)
  breakers.failed('a', outage(true))
  t.ok(Number.isInteger(clock.next()))
  t.ok(Number.isInteger(breakers.waitMs(['chatwoot'])))
})

t.test('probes and mailboxes are spread', async t => {
  const { breakers, clock } = setUp(t, () => 1)
  breakers.failed('a', outage(true))
  t.equal((clock.next() as number) - clock.now(), 750)
  t.equal(breakers.waitMs(['chatwoot']), 1_125)
})

t.test('a held mailbox is looked at again after the next probe, at most 30 s later', async t => {
  const { breakers, clock, answer } = setUp(t)
  t.equal(breakers.waitMs([]), 0)
  breakers.succeeded('chatwoot')
  t.equal(breakers.waitMs(['chatwoot', 'stripe']), 0)
  breakers.failed('a', outage(true, 60_000))
  t.equal(breakers.waitMs(['stripe']), 0)
  t.equal(breakers.waitMs(['stripe', 'chatwoot']), 30_000)
  clock.advance(50_000)
  t.equal(breakers.waitMs(['chatwoot']), 10_000)
  clock.advance(10_000)
  t.equal(breakers.waitMs(['chatwoot']), 500, 'the probe is under way')
  await answer()
})

t.test('after a start it is asked before a backlog is begun', async t => {
  const { breakers, log, answer, probes, state, turns, resumed } = setUp(t)
  t.equal(state(), 'unverified')
  t.equal(breakers.isAnyHeld(), false, 'what comes in is handled at once')
  breakers.verify()
  breakers.verify()
  t.equal(breakers.waitMs(['chatwoot']), 500)
  t.equal(probes.length, 1)
  await answer()
  t.equal(state(), 'closed')
  t.equal(resumed(), 1)
  t.equal(turns.length + log.lines.length, 0, 'nothing to say')

  const other = setUp(t)
  other.breakers.verify()
  await other.answer(outage(true))
  t.equal(other.state(), 'open')
  t.match(other.turns, [{ isHeld: true }])
})

t.test('for how long it was held is known until an hour later: nothing may lapse because of it', async t => {
  const { breakers, clock, answer } = setUp(t)
  t.equal(breakers.heldMs(), 0)
  breakers.failed('a', outage(true, 60_000))
  clock.advance(40_000)
  t.equal(breakers.heldMs(), 40_000)
  clock.advance(20_000)
  await answer()
  clock.advance(60 * 60_000 - 1)
  t.equal(breakers.heldMs(), 60_000)
  clock.advance(1)
  t.equal(breakers.heldMs(), 0)
})

t.test('what is not watched, or not an outage, holds nothing', async t => {
  const { breakers, state } = setUp(t)
  const stripe = new TransientError('down', { outage: { system: 'stripe', isProof: true } })
  t.equal(breakers.failed('a', stripe), undefined)
  t.equal(breakers.failed('a', new TransientError('busy')), undefined)
  t.equal(breakers.failed('a', 'a string'), undefined)
  const circle = new Error('circle')
  circle.cause = circle
  t.equal(breakers.failed('a', circle), undefined)
  t.equal(breakers.isHeld('stripe'), false)
  breakers.succeeded('stripe')
  t.equal(state(), 'unverified')
})

t.test('closed, it neither probes nor turns', async t => {
  const one = setUp(t)
  one.breakers.failed('a', outage(true))
  one.breakers.close()
  t.equal(one.clock.next(), undefined)
  const two = setUp(t)
  two.breakers.verify()
  two.breakers.close()
  await two.answer()
  t.equal(two.resumed(), 0)
  const three = setUp(t)
  failIn(three.breakers, 'a', 'a')
  three.breakers.close()
  await three.answer(outage(true))
  failIn(three.breakers, 'b', 'c', 'd')
  t.equal(three.turns.length, 0)
})

t.test('until somebody waits for it, resuming is nothing', async t => {
  const clock = testClock()
  const { log } = Fastify()
  const breakers = createBreakers({ clock, log, onTurn() {} })
  t.teardown(() => breakers.close())
  breakers.watch('stripe', async () => {})
  breakers.verify()
  await new Promise(setImmediate)
  t.match(breakers.states(), [{ system: 'stripe', state: 'closed', since: null, why: null }])
})
