import type { Test } from 'tap'
import type { Calendar, Hold, Interval, Lesson } from '../../calendar/contract.ts'
import type { TestClock } from './clock.ts'

export interface CalendarUnderTest {
  calendar: Calendar
  /** The clock that the calendar uses. */
  clock: TestClock
  /** An appointment made by somebody else. Absent: this backend can't have any. */
  addAppointment?(interval: Interval): Promise<void>
  /** A second instance on the same calendar, as after a restart; the first is no longer used. */
  again(): Promise<Calendar>
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Default duration of holds, ms. */
const HOLD = 30 * MINUTE
/** Repetitions of concurrent tests, whose winner is random. */
const ROUNDS = 10
/** The day of the tests' slots, the one after the clock's. */
const TOMORROW = '2026-11-24'

const signal = new AbortController().signal
const noMargin = { before: 0, after: 0 }

/** Conformance tests of calendars. */
export async function calendarConformance(t: Test, open: (t: Test) => Promise<CalendarUnderTest>): Promise<void> {
  await t.test('an empty calendar: nothing is busy, nothing to release', async t => {
    const { calendar } = await open(t)
    t.same(await taken(calendar), [])
    await calendar.release('nobody', at('12:00'), signal)
    t.equal(await calendar.cancel('nobody', signal), null)
    t.same(await taken(calendar), [])
  })

  await t.test('busy: holds and lessons with their times, in order of start', async t => {
    const { calendar, clock } = await open(t)
    t.equal(await calendar.book(lesson('a', '14:00-15:30'), signal), 'booked')
    t.equal(await calendar.hold(hold(clock, 'b', '08:00-08:30'), signal), true)
    t.equal(await calendar.book(lesson('c', '11:00-12:00'), signal), 'booked')
    t.same(await taken(calendar), ['08:00-08:30', '11:00-12:00', '14:00-15:30'])
    const [first] = await calendar.busy(at('00:00'), at('24:00'), signal)
    t.equal(first?.start, at('08:00'), 'in ms')
    t.equal(first?.end, at('08:30'), 'in ms')
  })

  await t.test('busy: includes what overlaps the range, not what only touches it', async t => {
    const { calendar, clock } = await open(t)
    await calendar.book(lesson('a', '09:00-10:00'), signal)
    await calendar.hold(hold(clock, 'b', '11:00-12:00'), signal)
    t.same(await taken(calendar, '10:00-11:00'), [], 'touching at both ends')
    t.same(await taken(calendar, '08:00-09:00'), [])
    t.same(await taken(calendar, '12:00-13:00'), [])
    t.same(await taken(calendar, '09:59-11:01'), ['09:59-10:00', '11:00-11:01'], 'a minute of each')
    t.same(await taken(calendar, '09:20-09:40'), ['09:20-09:40'], 'within one')
    t.same(await taken(calendar, '09:00-12:00'), ['09:00-10:00', '11:00-12:00'], 'exactly')
  })

  await t.test('keep: until the lesson begins, at most one of a conversation', async t => {
    const { calendar, clock, again } = await open(t)
    const kept = (order: string, time: string) => calendar.keep(lesson(order, time), signal)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    t.equal(await kept('a', '10:00-11:00'), 'kept', 'its own hold')
    t.equal(await kept('a', '10:00-11:00'), 'kept', 'again')
    t.equal(await calendar.find('a', signal), null, 'no lesson')
    await calendar.hold(hold(clock, 'b', '12:00-13:00'), signal)
    t.equal(await kept('b', '12:00-13:00'), 'another', 'of the same conversation')
    t.equal(await calendar.has('b', signal), true, 'whose hold stays')
    const elsewhere = { ...lesson('c', '10:30-11:30'), conversation: '77' }
    t.equal(await calendar.keep(elsewhere, signal), 'taken')
    t.equal(
      await calendar.keep({ ...elsewhere, start: at('11:00'), end: at('12:00') }, signal),
      'kept',
      'where it is free',
    )
    await t.rejects(kept('a', '11:00-10:00'), { name: 'PermanentError' })

    const second = await again()
    clock.advance(at('09:59') - clock.now())
    t.same(await taken(second, '09:00-12:00'), ['10:00-11:00', '11:00-12:00'], 'a minute before it begins')
    t.equal(await second.book(lesson('a', '10:00-11:00'), signal), 'booked')
    t.equal(await second.keep(lesson('a', '10:00-11:00'), signal), 'kept', 'what is booked stays so')
    t.same(await second.find('a', signal), { start: at('10:00'), end: at('11:00') })
    t.equal(await second.keep(lesson('b', '13:00-14:00'), signal), 'kept', 'now that the other one is a lesson')
    await second.release('b', Number.MAX_SAFE_INTEGER, signal)
    t.equal(await second.has('b', signal), false)
    clock.advance(at('11:00') - clock.now())
    t.same(await taken(second, '10:00-12:00'), ['10:00-11:00'], 'it has begun, unpaid')
  })

  await t.test('has: an order with a lesson or a hold', async t => {
    const { calendar, clock, again } = await open(t)
    await calendar.hold(hold(clock, 'b', '09:00-10:00'), signal)
    t.equal(await calendar.has('a', signal), false)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    t.equal(await calendar.has('a', signal), true)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    const second = await again()
    t.equal(await second.has('a', signal), true)
    await second.cancel('a', signal)
    t.equal(await second.has('a', signal), false)
  })

  await t.test('find: the lesson of an order, and no hold', async t => {
    const { calendar, clock, again } = await open(t)
    t.equal(await calendar.find('a', signal), null)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    t.equal(await calendar.find('a', signal), null)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    t.same(await calendar.find('a', signal), { start: at('10:00'), end: at('11:00') })
    const second = await again()
    t.same(await second.find('a', signal), { start: at('10:00'), end: at('11:00') })
    await second.cancel('a', signal)
    t.equal(await second.find('a', signal), null)
  })

  await t.test('hold: a free slot; touching is free, overlapping is not', async t => {
    const { calendar, clock } = await open(t)
    const ask = (order: string, time: string) => calendar.hold(hold(clock, order, time), signal)
    t.equal(await ask('a', '10:00-11:00'), true)
    for (const time of ['10:00-11:00', '09:30-10:30', '10:30-11:30', '10:15-10:45', '09:00-12:00', '10:59-11:30']) {
      t.equal(await ask('b', time), false, time)
      t.same(await taken(calendar), ['10:00-11:00'], 'nothing more is held')
    }
    t.equal(await ask('b', '09:00-10:00'), true, 'right before')
    t.equal(await ask('c', '11:00-12:00'), true, 'right after')
    t.same(await taken(calendar), ['09:00-10:00', '10:00-11:00', '11:00-12:00'])
  })

  await t.test('hold: refused where a lesson is', async t => {
    const { calendar, clock } = await open(t)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    t.equal(await calendar.hold(hold(clock, 'b', '10:30-11:30'), signal), false)
    t.same(await taken(calendar), ['10:00-11:00'])
  })

  await t.test('hold: its margins must be free too, but are not held', async t => {
    const { calendar, clock } = await open(t)
    const margin = { before: 15 * MINUTE, after: 30 * MINUTE }
    const ask = (order: string, time: string) => calendar.hold({ ...hold(clock, order, time), margin }, signal)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    t.equal(await ask('b', '11:14-12:00'), false, 'too soon after')
    t.equal(await ask('b', '08:30-09:31'), false, 'too soon before')
    t.same(await taken(calendar), ['10:00-11:00'])
    t.equal(await ask('b', '11:15-12:00'), true, 'just late enough')
    t.equal(await ask('c', '08:30-09:30'), true, 'just early enough')
    t.same(await taken(calendar), ['08:30-09:30', '10:00-11:00', '11:15-12:00'])
    t.equal(await calendar.hold(hold(clock, 'd', '09:30-10:00'), signal), true, 'who asks without margins')
  })

  await t.test('hold: expires at its time, not before, and then blocks nothing', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    clock.advance(HOLD - 1)
    t.same(await taken(calendar), ['10:00-11:00'], 'a millisecond before')
    t.equal(await calendar.hold(hold(clock, 'b', '10:00-11:00'), signal), false)
    clock.advance(1)
    t.same(await taken(calendar), [])
    t.equal(await calendar.hold(hold(clock, 'b', '10:00-11:00'), signal), true)
    t.equal(await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal), false, 'who was too slow asks again')
    t.same(await taken(calendar), ['10:00-11:00'])
  })

  await t.test('hold: the same order holds again after its hold has expired', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    clock.advance(HOLD)
    t.equal(await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal), true)
    clock.advance(HOLD - 1)
    t.same(await taken(calendar), ['10:00-11:00'])
  })

  await t.test('hold: repeating changes nothing; a longer request extends it, a shorter one does not', async t => {
    const { calendar, clock } = await open(t)
    const first = hold(clock, 'a', '10:00-11:00')
    t.equal(await calendar.hold(first, signal), true)
    t.equal(await calendar.hold(first, signal), true, 'the same call')
    t.same(await taken(calendar), ['10:00-11:00'], 'once')
    t.equal(await calendar.hold({ ...first, until: first.until - 10 * MINUTE }, signal), true, 'shorter')
    clock.advance(HOLD - 1)
    t.same(await taken(calendar), ['10:00-11:00'], 'as long as at first')
    t.equal(await calendar.hold({ ...first, until: first.until + HOLD }, signal), true, 'longer')
    clock.advance(HOLD)
    t.same(await taken(calendar), ['10:00-11:00'])
    clock.advance(1)
    t.same(await taken(calendar), [])
  })

  await t.test('hold: an order has one, which another time moves', async t => {
    const { calendar, clock } = await open(t)
    const ask = (order: string, time: string) => calendar.hold(hold(clock, order, time), signal)
    await ask('a', '10:00-11:00')
    t.equal(await ask('a', '10:30-11:30'), true, 'its own hold is not in its way')
    t.same(await taken(calendar), ['10:30-11:30'])
    t.equal(await ask('a', '10:30-11:00'), true, 'the same start, another end')
    t.same(await taken(calendar), ['10:30-11:00'])
    t.equal(await ask('a', '14:00-15:00'), true)
    t.same(await taken(calendar), ['14:00-15:00'])
    t.equal(await ask('b', '10:30-11:00'), true, 'what it left is free')
  })

  await t.test('hold: false means that nothing is held, not even an earlier hold', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    await calendar.book(lesson('b', '14:00-15:00'), signal)
    t.equal(await calendar.hold(hold(clock, 'a', '14:00-15:00'), signal), false)
    t.same(await taken(calendar), ['14:00-15:00'])
  })

  await t.test('two concurrent orders hold the same time: one gets it', async t => {
    const { calendar, clock } = await open(t)
    for (const [first, second] of [
      ['10:00-11:00', '10:00-11:00'],
      ['10:00-11:00', '10:30-11:30'],
      ['10:30-11:00', '10:00-12:00'],
    ] as const) {
      for (let round = 0; round < ROUNDS; round++) {
        const answers = await Promise.all([
          calendar.hold(hold(clock, `a${round}`, first), signal),
          calendar.hold(hold(clock, `b${round}`, second), signal),
        ])
        t.same([...answers].sort(), [false, true], `${first} and ${second}, round ${round}`)
        t.same(await taken(calendar), [answers[0] ? first : second])
        await calendar.cancel(`a${round}`, signal)
        await calendar.cancel(`b${round}`, signal)
      }
    }
  })

  await t.test('two concurrent orders book, or hold and book: never both, and the answers are true', async t => {
    const { calendar, clock } = await open(t)
    const time = '10:00-11:00'
    for (let round = 0; round < ROUNDS; round++) {
      const booked = await Promise.all([
        calendar.book(lesson(`a${round}`, time), signal),
        calendar.book(lesson(`b${round}`, time), signal),
      ])
      const lessons = booked.filter(result => result === 'booked').length
      t.ok(lessons <= 1, `round ${round}: ${booked}`)
      t.equal((await taken(calendar)).length, lessons)
      await calendar.cancel(`a${round}`, signal)
      await calendar.cancel(`b${round}`, signal)

      const [held, result] = await Promise.all([
        calendar.hold(hold(clock, `c${round}`, time), signal),
        calendar.book(lesson(`d${round}`, time), signal),
      ])
      t.notOk(held && result === 'booked', `round ${round}: a hold and a lesson`)
      t.equal((await taken(calendar)).length, Number(held) + Number(result === 'booked'))
      await calendar.cancel(`c${round}`, signal)
      await calendar.cancel(`d${round}`, signal)
    }
  })

  await t.test('two concurrent orders for two times: both get theirs', async t => {
    const { calendar, clock } = await open(t)
    const answers = await Promise.all([
      calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      calendar.hold(hold(clock, 'b', '11:00-12:00'), signal),
      calendar.book(lesson('c', '12:00-13:00'), signal),
    ])
    t.same(answers, [true, true, 'booked'])
    t.same(await taken(calendar), ['10:00-11:00', '11:00-12:00', '12:00-13:00'])
  })

  await t.test('release: only the given hold, once', async t => {
    const { calendar, clock } = await open(t)
    const held = hold(clock, 'a', '10:00-11:00')
    await calendar.hold(held, signal)
    await calendar.hold(hold(clock, 'b', '12:00-13:00'), signal)
    await calendar.release('a', held.until, signal)
    t.same(await taken(calendar), ['12:00-13:00'], 'only that of this order')
    await calendar.release('a', held.until, signal)
    t.same(await taken(calendar), ['12:00-13:00'])
    await calendar.release('b', held.until + 1, signal)
    t.same(await taken(calendar), [], 'a hold that ends earlier is meant too')
  })

  await t.test('release: a hold that was renewed stays', async t => {
    const { calendar, clock } = await open(t)
    const held = hold(clock, 'a', '10:00-11:00')
    const renewed = { ...held, until: held.until + 1 }
    await calendar.hold(held, signal)
    await calendar.hold(renewed, signal)
    await calendar.release('a', held.until, signal)
    t.same(await taken(calendar), ['10:00-11:00'])
    clock.advance(HOLD)
    t.same(await taken(calendar), ['10:00-11:00'], 'as long as before')
    await calendar.release('a', renewed.until, signal)
    t.same(await taken(calendar), [])
  })

  await t.test('release: a lesson stays', async t => {
    const { calendar, clock } = await open(t)
    const held = hold(clock, 'a', '10:00-11:00')
    await calendar.hold(held, signal)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    await calendar.release('a', held.until, signal)
    await calendar.release('a', held.until + DAY, signal)
    t.same(await taken(calendar), ['10:00-11:00'])
  })

  await t.test('book: turns a hold into a lesson, which does not expire', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'booked')
    t.same(await taken(calendar), ['10:00-11:00'], 'one, not two')
    clock.advance(HOLD)
    t.same(await taken(calendar), ['10:00-11:00'])
    t.equal(await calendar.hold(hold(clock, 'b', '10:00-11:00'), signal), false)
  })

  await t.test('book: works without a hold where it is free; ignores margins', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '09:00-10:00'), signal)
    await calendar.book(lesson('b', '11:00-12:00'), signal)
    t.equal(await calendar.book({ ...lesson('c', '10:00-11:00'), payment: null }, signal), 'booked')
    t.same(await taken(calendar), ['09:00-10:00', '10:00-11:00', '11:00-12:00'])
  })

  await t.test('book: refused where the time is taken, and no lesson is made', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    await calendar.book(lesson('b', '12:00-13:00'), signal)
    for (const time of ['10:00-11:00', '10:59-11:30', '12:30-13:30', '11:30-12:01', '09:00-14:00']) {
      t.equal(await calendar.book(lesson('c', time), signal), 'taken', time)
      t.same(await taken(calendar), ['10:00-11:00', '12:00-13:00'])
    }
    t.equal(await calendar.cancel('c', signal), null)
  })

  await t.test('book: repeating changes nothing', async t => {
    const { calendar } = await open(t)
    for (let call = 1; call <= 3; call++) {
      t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'booked', `call ${call}`)
      t.same(await taken(calendar), ['10:00-11:00'])
    }
    t.same(await calendar.cancel('a', signal), interval('10:00-11:00'))
    t.same(await taken(calendar), [], 'there was one lesson only')
  })

  await t.test('book: after the hold has expired, if the time is still free', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    await calendar.hold(hold(clock, 'b', '12:00-13:00'), signal)
    await calendar.hold(hold(clock, 'c', '14:00-15:00'), signal)
    clock.advance(HOLD)
    await calendar.hold(hold(clock, 'd', '10:30-11:30'), signal)
    await calendar.book(lesson('e', '12:30-13:30'), signal)
    t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'taken', 'by a hold')
    t.equal(await calendar.book(lesson('b', '12:00-13:00'), signal), 'taken', 'by a lesson')
    t.equal(await calendar.book(lesson('c', '14:00-15:00'), signal), 'booked')
    t.same(await taken(calendar), ['10:30-11:30', '12:30-13:30', '14:00-15:00'])
  })

  await t.test('book: at another time than the hold, which is released', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    t.equal(await calendar.book(lesson('a', '10:30-11:30'), signal), 'booked', 'its own hold is not in its way')
    t.same(await taken(calendar), ['10:30-11:30'])

    await calendar.hold(hold(clock, 'b', '14:00-15:00'), signal)
    t.equal(await calendar.book(lesson('b', '10:30-11:30'), signal), 'taken')
    t.same(await taken(calendar), ['10:30-11:30'], 'given up, even so')
  })

  await t.test('a lesson is not moved by further requests of its order until it is cancelled', async t => {
    const { calendar, clock } = await open(t)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    const orError = (error: Error) => error
    for (const time of ['10:00-11:00', '14:00-15:00', '10:30-11:30']) {
      const held = await calendar.hold(hold(clock, 'a', time), signal).catch(orError)
      t.ok(held !== true || time === '10:00-11:00', `no hold on ${time} beside the lesson`)
      t.same(await taken(calendar), ['10:00-11:00'], time)
    }
    const moved = await calendar.book(lesson('a', '14:00-15:00'), signal).catch(orError)
    t.not(moved, 'booked')
    clock.advance(HOLD)
    t.same(await taken(calendar), ['10:00-11:00'], 'it has not become a hold')
  })

  await t.test('cancel: a lesson returns its time once, then null', async t => {
    const { calendar } = await open(t)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    await calendar.book(lesson('b', '12:00-13:00'), signal)
    t.same(await calendar.cancel('a', signal), interval('10:00-11:00'))
    t.same(await taken(calendar), ['12:00-13:00'], 'only that of this order')
    t.equal(await calendar.cancel('a', signal), null)
    t.same(await taken(calendar), ['12:00-13:00'])
  })

  await t.test('cancel: a hold is released, without a lesson’s time', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    t.equal(await calendar.cancel('a', signal), null)
    t.same(await taken(calendar), [])
    t.equal(await calendar.cancel('a', signal), null)
  })

  await t.test('cancel: an expired hold, too', async t => {
    const { calendar, clock } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    clock.advance(HOLD)
    await calendar.hold(hold(clock, 'b', '10:00-11:00'), signal)
    t.equal(await calendar.cancel('a', signal), null)
    t.same(await taken(calendar), ['10:00-11:00'], 'who came after keeps the time')
  })

  await t.test('after a cancelled lesson: its time is free for others', async t => {
    const { calendar, clock } = await open(t)
    for (const order of ['b', 'c']) {
      await calendar.book(lesson('a', '10:00-11:00'), signal)
      await calendar.cancel('a', signal)
      if (order === 'b') t.equal(await calendar.hold(hold(clock, order, '10:00-11:00'), signal), true)
      else t.equal(await calendar.book(lesson(order, '10:00-11:00'), signal), 'booked')
      t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'taken')
      t.same(await taken(calendar), ['10:00-11:00'])
      await calendar.cancel(order, signal)
    }
  })

  await t.test('after a cancelled lesson: its order books again, at the same time or another', async t => {
    const { calendar } = await open(t)
    for (const time of ['10:00-11:00', '10:00-11:00', '14:00-15:00', '10:00-11:00']) {
      t.equal(await calendar.book(lesson('a', time), signal), 'booked')
      t.same(await taken(calendar), [time])
      t.same(await calendar.cancel('a', signal), interval(time))
      t.equal(await calendar.cancel('a', signal), null)
      t.same(await taken(calendar), [])
    }
  })

  await t.test('after a cancelled lesson: its order holds again, at the same time or another', async t => {
    const { calendar, clock } = await open(t)
    for (const time of ['10:00-11:00', '14:00-15:00']) {
      await calendar.book(lesson('a', '10:00-11:00'), signal)
      await calendar.cancel('a', signal)
      const held = hold(clock, 'a', time)
      t.equal(await calendar.hold(held, signal), true)
      t.same(await taken(calendar), [time])
      await calendar.release('a', held.until, signal)
      t.same(await taken(calendar), [], 'it is a hold like any other')
      await calendar.hold(hold(clock, 'a', time), signal)
      clock.advance(HOLD)
      t.same(await taken(calendar), [], 'which lapses')
      t.equal(await calendar.cancel('a', signal), null)
    }
  })

  await t.test('order ids are case-sensitive', async t => {
    const { calendar, clock } = await open(t)
    const orders = ['Order 1', 'order 1', 'order1', "o'rder; --", 'été', 'é'.repeat(200), 'cs_test_a1B2']
    const times = orders.map((_, index) => `${8 + index}:00-${9 + index}:00`)
    for (const [index, order] of orders.entries()) {
      t.equal(await calendar.hold(hold(clock, order, times[index] as string), signal), true, order)
      t.equal(await calendar.book(lesson(order, times[index] as string), signal), 'booked', order)
    }
    t.equal((await taken(calendar)).length, orders.length)
    for (const [index, order] of orders.entries()) {
      t.same(await calendar.cancel(order, signal), interval(times[index] as string), order)
    }
  })

  await t.test('a second instance sees and changes the same data', async t => {
    const { calendar, clock, again } = await open(t)
    const held = hold(clock, 'held', '08:00-09:00')
    await calendar.hold(held, signal)
    await calendar.book(lesson('booked', '10:00-11:00'), signal)
    await calendar.book(lesson('cancelled', '12:00-13:00'), signal)
    await calendar.cancel('cancelled', signal)
    const other = await again()
    t.same(await taken(other), ['08:00-09:00', '10:00-11:00'])
    t.equal(await other.hold(hold(clock, 'new', '08:30-09:30'), signal), false)
    t.equal(await other.book(lesson('new', '10:30-11:30'), signal), 'taken')
    t.equal(await other.book(lesson('booked', '10:00-11:00'), signal), 'booked', 'repeated')
    t.equal(await other.cancel('cancelled', signal), null, 'repeated')
    t.equal(await other.book(lesson('held', '08:00-09:00'), signal), 'booked', 'of its hold')
    t.same(await other.cancel('booked', signal), interval('10:00-11:00'))
    clock.advance(HOLD)
    t.same(await taken(other), ['08:00-09:00'])
  })

  await t.test('a hold expires at the same time for a second instance', async t => {
    const { calendar, clock, again } = await open(t)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    const other = await again()
    clock.advance(HOLD - 1)
    t.same(await taken(other), ['10:00-11:00'])
    clock.advance(1)
    t.same(await taken(other), [])
  })

  await t.test('invalid times are permanent errors', async t => {
    const { calendar, clock } = await open(t)
    const permanent = { name: 'PermanentError' }
    const [start, end] = [at('10:00'), at('11:00')]
    for (const wrong of [
      { start: end, end: start },
      { start, end: start },
      { start: NaN, end },
      { start, end: NaN },
    ]) {
      const times = `${wrong.start} to ${wrong.end}`
      await t.rejects(calendar.hold({ ...hold(clock, 'a', '10:00-11:00'), ...wrong }, signal), permanent, times)
      await t.rejects(calendar.book({ ...lesson('a', '10:00-11:00'), ...wrong }, signal), permanent, times)
    }
    await t.rejects(calendar.hold({ ...hold(clock, 'a', '10:00-11:00'), until: NaN }, signal), permanent)
    await t.rejects(calendar.busy(NaN, end, signal), permanent)
    t.same(await taken(calendar), [])
  })

  await t.test('other appointments block holds and lessons, and nothing else', async t => {
    const { calendar, clock, addAppointment } = await open(t)
    if (addAppointment === undefined) {
      t.pass('other appointments', { skip: 'this calendar has no appointments but ours' })
      return
    }
    await addAppointment(interval('10:00-11:00'))
    await calendar.book(lesson('a', '08:00-09:00'), signal)
    t.same(await taken(calendar), ['08:00-09:00', '10:00-11:00'])
    t.equal(await calendar.hold(hold(clock, 'b', '10:30-11:30'), signal), false)
    t.equal(await calendar.book(lesson('b', '09:30-10:30'), signal), 'taken')
    const margin = { before: 15 * MINUTE, after: 0 }
    t.equal(await calendar.hold({ ...hold(clock, 'b', '11:14-12:00'), margin }, signal), false)
    t.equal(await calendar.hold({ ...hold(clock, 'b', '11:15-12:00'), margin }, signal), true)
    t.equal(await calendar.book(lesson('c', '09:00-10:00'), signal), 'booked')
    for (const order of ['a', 'b', 'c']) await calendar.cancel(order, signal)
    t.same(await taken(calendar), ['10:00-11:00'], 'it is not ours to remove')
  })

  await t.test('other appointments made over a hold or lesson remove neither', async t => {
    const { calendar, clock, addAppointment } = await open(t)
    if (addAppointment === undefined) {
      t.pass('other appointments', { skip: 'this calendar has no appointments but ours' })
      return
    }
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    await calendar.book(lesson('b', '12:00-13:00'), signal)
    await addAppointment(interval('10:00-13:00'))
    t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'booked', 'of its hold')
    t.equal(await calendar.book(lesson('b', '12:00-13:00'), signal), 'booked', 'repeated')
    t.same(await calendar.cancel('a', signal), interval('10:00-11:00'))
    t.same(await calendar.cancel('b', signal), interval('12:00-13:00'))
    t.same(await taken(calendar), ['10:00-13:00'])
  })
}

/** `10:00` of the tests' day (UTC), Unix ms. */
export function at(time: string): number {
  const [hours = '', minutes] = time.split(':')
  return Date.parse(`${TOMORROW}T00:00Z`) + (Number(hours) * 60 + Number(minutes)) * MINUTE
}

/** `10:00-11:00` of the tests' day. */
export function interval(times: string): Interval {
  const [start = '', end = ''] = times.split('-')
  return { start: at(start), end: at(end) }
}

/** A hold that begins now, without margins. */
export function hold(clock: TestClock, order: string, times: string): Hold {
  return { order, ...interval(times), until: clock.now() + HOLD, margin: noMargin }
}

export function lesson(order: string, times: string): Lesson {
  const parts = { student: 'Renée', service: 'Maths', payment: '60.00 EUR, pi_1', conversation: '7' }
  return { order, ...interval(times), ...parts }
}

/** The busy times within a range, as text, clipped to the range. */
async function taken(calendar: Calendar, range = '00:00-24:00'): Promise<string[]> {
  const { start: from, end: to } = interval(range)
  const busy = await calendar.busy(from, to, signal)
  return busy.map(({ start, end }) => `${clockTime(Math.max(start, from))}-${clockTime(Math.min(end, to))}`)
}

function clockTime(time: number): string {
  return new Date(time).toISOString().slice(11, 16)
}
