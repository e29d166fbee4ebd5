import t from 'tap'
import { systemClock } from '../../inbox/contracts.ts'
import { offsetClock } from '../../sandbox/offset-clock.ts'
import { testClock } from '../helpers/clock.ts'

t.test('it is the machine’s clock plus an offset', async t => {
  const machine = testClock()
  const clock = offsetClock(machine)
  t.equal(clock.now(), machine.now())
  clock.move(3_600_000)
  clock.move(1)
  t.equal(clock.offsetMs(), 3_600_001)
  t.equal(clock.now(), machine.now() + 3_600_001)
  machine.advance(5)
  t.equal(clock.now(), machine.now() + 3_600_001)
})

t.test('moving it brings timers nearer, and fires those due, in order', async t => {
  const machine = testClock()
  const clock = offsetClock(machine)
  const fired: string[] = []
  for (const [name, ms] of Object.entries({ hour: 3_600_000, minute: 60_000, second: 1_000, day: 86_400_000 })) {
    clock.after(ms, () => void fired.push(name))
  }
  const cancel = clock.after(2_000, () => void fired.push('cancelled'))
  machine.advance(500)
  t.same(fired, [])
  cancel()

  clock.move(60_000)
  machine.advance(0)
  t.same(fired, ['second', 'minute'])
  machine.advance(3_600_000 - 60_500)
  t.same(fired, ['second', 'minute', 'hour'])
  clock.move(86_400_000)
  machine.advance(0)
  t.same(fired, ['second', 'minute', 'hour', 'day'])
  t.equal(machine.next(), undefined, 'no timer is left')
})

t.test('without its own offset it is the machine’s clock', async t => {
  const before = systemClock.now()
  const clock = offsetClock()
  await new Promise<void>(resolve => {
    clock.after(3_600_000, resolve)
    clock.move(3_600_000)
  })
  t.ok(clock.now() >= before + 3_600_000)
})

t.test('it can’t go back', async t => {
  const clock = offsetClock(testClock())
  for (const ms of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => clock.move(ms), new RangeError(`a clock moves on by whole ms, not by ${ms}`))
  }
  t.equal(clock.offsetMs(), 0)
})
