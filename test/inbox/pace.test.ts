import t from 'tap'
import { createPace, markUrgent, type Pace, waitedMs } from '../../inbox/pace.ts'
import { testClock } from '../helpers/clock.ts'

/** Takes turns for handlers, named by letters; `went` has the order. */
function setUp(callsPerMinute: number) {
  const clock = testClock()
  const pace = createPace(callsPerMinute, clock)
  const went: string[] = []
  const handlers = new Map<string, AbortController>()
  const handler = (name: string) => {
    const controller = handlers.get(name) ?? new AbortController()
    handlers.set(name, controller)
    return controller
  }
  const take = async (name: string) => {
    await pace.take(handler(name).signal)
    went.push(name)
  }
  return { clock, pace, went, handler, take, turn: () => new Promise(resolve => setImmediate(resolve)) }
}

/** How many calls may be made at once. */
function atOnce(pace: Pace): number {
  let count = 0
  while (pace.take(new AbortController().signal) === undefined) count++
  return count
}

t.test('it begins with what Chatwoot’s limit leaves, and holds a minute’s calls', async t => {
  t.equal(atOnce(createPace(2_400, testClock())), 600)
  t.equal(atOnce(createPace(600, testClock())), 600)
  t.equal(atOnce(createPace(6_000, testClock())), 0)
  const clock = testClock()
  const pace = createPace(2_400, clock)
  clock.advance(60 * 60_000)
  t.equal(atOnce(pace), 2_400)
})

t.test('a call waits for its token; nobody waits: no timer', async t => {
  const { clock, went, take, turn } = setUp(60)
  for (let n = 0; n < 60; n++) await take('begun')
  went.length = 0
  const both = [take('a'), take('b')]
  t.equal(clock.next(), clock.now() + 1_000)
  clock.advance(1_000)
  await turn()
  t.same(went, ['a'])
  clock.advance(999)
  await turn()
  t.same(went, ['a'])
  clock.advance(1)
  await Promise.all(both)
  t.same(went, ['a', 'b'])
  t.equal(clock.next(), undefined)
})

t.test('urgent calls go first, then those of the handler that began first', async t => {
  const { clock, went, handler, take, turn } = setUp(60)
  for (const name of ['a', 'b', 'c']) await take(name)
  for (let n = 3; n < 60; n++) await take(`other ${n}`)
  went.length = 0
  for (const name of ['c', 'b', 'new', 'a', 'payment', 'b']) {
    if (name === 'payment') markUrgent(handler(name).signal)
    void take(name)
  }
  clock.advance(10_000)
  await turn()
  t.same(went, ['payment', 'a', 'b', 'b', 'c', 'new'])
})

t.test('a wait ends with its signal, and its token goes to another', async t => {
  const { clock, went, handler, take } = setUp(60)
  for (let n = 0; n < 60; n++) await take('begun')
  went.length = 0
  const stopped = take('stopped')
  const other = take('other')
  handler('stopped').abort()
  await t.rejects(stopped, { name: 'TransientError', message: /waited for its turn/ })
  clock.advance(1_000)
  await other
  await t.rejects(take('stopped'), { name: 'TransientError' })
  handler('alone')
  const alone = take('alone')
  handler('alone').abort()
  await t.rejects(alone, { name: 'TransientError' })
  t.equal(clock.next(), undefined, 'nobody waits: no timer')
  t.same(went, ['other'])
})

t.test('a clock that is set back adds no tokens, and takes none', async t => {
  let now = 100_000
  const pace = createPace(60, { now: () => now, after: () => () => {} })
  t.equal(atOnce(pace), 60)
  now = 0
  t.equal(atOnce(pace), 0)
  now = 2_000
  t.equal(atOnce(pace), 0, 'somebody waits: nobody overtakes')
})

t.test('how long a handler has waited is known, also while it waits, and not counted twice', async t => {
  const { clock, handler, take } = setUp(60)
  for (let n = 0; n < 60; n++) await take('begun')
  const { signal } = handler('a')
  t.equal(waitedMs(signal, clock.now()), 0)
  const both = [take('a'), take('a')]
  clock.advance(500)
  t.equal(waitedMs(signal, clock.now()), 500)
  clock.advance(1_500)
  await Promise.all(both)
  clock.advance(5_000)
  t.equal(waitedMs(signal, clock.now()), 2_000)
})
