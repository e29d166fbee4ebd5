import type { Test } from 'tap'
import type { BookedLesson, ChangeableCalendar, Lesson, Move } from '../../calendar/contract.ts'
import { at, type CalendarUnderTest, hold, interval, lesson } from './calendar-conformance.ts'

/** A calendar with what students and tutors need to see, move and cancel lessons. */
export interface WithLessons extends CalendarUnderTest {
  calendar: ChangeableCalendar
  again(): Promise<ChangeableCalendar>
}

const MINUTE = 60_000
const signal = new AbortController().signal
const noMargin = { before: 0, after: 0 }

/** Conformance tests of what is optional in a calendar: lessonOf, lessonsOf, move, setPayment. */
export async function lessonsConformance(t: Test, open: (t: Test) => Promise<WithLessons>): Promise<void> {
  const move = (order: string, from: string, to: string): Move => {
    return { order, from: at(from), to: interval(to), margin: noMargin }
  }
  const read = async (calendar: ChangeableCalendar, order: string) => shown(await calendar.lessonOf(order, signal))

  await t.test('lessonOf: what is booked, kept or cancelled, and no hold', async t => {
    const { calendar, clock, again } = await open(t)
    t.equal(await read(calendar, 'a'), null)
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    t.equal(await read(calendar, 'a'), null, 'a hold')
    const kept = { ...lesson('a', '10:00-11:00'), contact: '42' }
    await calendar.keep(kept, signal)
    t.strictSame(await read(calendar, 'a'), { ...kept, sequence: 0, isHeld: true }, 'held')
    await calendar.book(kept, signal)
    t.strictSame(await read(calendar, 'a'), { ...kept, sequence: 1 }, 'booked')
    await calendar.book(kept, signal)
    t.strictSame(await read(calendar, 'a'), { ...kept, sequence: 1 }, 'again')
    clock.advance(MINUTE)
    await calendar.cancel('a', signal)
    const second = await again()
    const cancelled = await second.lessonOf('a', signal)
    t.strictSame(shown(cancelled), { ...kept, sequence: 2 }, 'cancelled')
    t.equal(cancelled?.cancelledAt, clock.now())
    await second.cancel('a', signal)
    t.strictSame(await read(second, 'a'), { ...kept, sequence: 2 }, 'once')
    t.equal(await second.has('a', signal), false)
    t.equal(await second.find('a', signal), null)
  })

  await t.test('lessonOf: without a contact, a payment or any of it', async t => {
    const { calendar, clock } = await open(t)
    const trial = { ...lesson('a', '10:00-11:00'), payment: null }
    await calendar.book(trial, signal)
    t.strictSame(await read(calendar, 'a'), { ...trial, sequence: 1 })
    await calendar.hold(hold(clock, 'b', '12:00-13:00'), signal)
    await calendar.cancel('b', signal)
    t.equal(await read(calendar, 'b'), null, 'a hold leaves nothing behind')
    await calendar.keep(lesson('c', '14:00-15:00'), signal)
    clock.advance(at('14:00') - clock.now())
    t.equal(await read(calendar, 'c'), null, 'kept until it began')
  })

  await t.test('a cancelled lesson that is booked again goes on with its revision', async t => {
    const { calendar } = await open(t)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    await calendar.cancel('a', signal)
    t.equal(await calendar.book(lesson('a', '12:00-13:00'), signal), 'booked')
    const again = await calendar.lessonOf('a', signal)
    t.strictSame(shown(again), { ...lesson('a', '12:00-13:00'), sequence: 3 })
    t.equal(again?.cancelledAt, undefined)
    await calendar.cancel('a', signal)
    t.equal(await calendar.keep(lesson('a', '12:00-13:00'), signal), 'kept')
    t.match(await calendar.lessonOf('a', signal), { sequence: 5, isHeld: true })
  })

  await t.test('lessonsOf: a conversation’s, and a contact’s where it is given', async t => {
    const { calendar, clock, again } = await open(t)
    const ask = async (whose: { conversation: string; contact?: string }, from = calendar, after = '00:00') =>
      (await from.lessonsOf(whose, at(after), signal)).map(({ order }) => order)
    const book = (parts: Partial<Lesson>, order: string, time: string) =>
      calendar.book({ ...lesson(order, time), ...parts }, signal)
    await book({ conversation: '1', contact: '42' }, 'late', '15:00-16:00')
    await book({ conversation: '1' }, 'early', '09:00-10:00')
    await book({ conversation: '2', contact: '42' }, 'elsewhere', '11:00-12:00')
    await book({ conversation: '3', contact: '43' }, 'stranger', '12:00-13:00')
    await book({ conversation: '1', contact: '42' }, 'cancelled', '13:00-14:00')
    await book({ conversation: '' }, 'by hand', '17:00-18:00')
    await calendar.cancel('cancelled', signal)
    await calendar.hold(hold(clock, 'hold', '13:00-14:00'), signal)
    await calendar.keep({ ...lesson('kept', '14:00-15:00'), conversation: '1' }, signal)
    t.same(await ask({ conversation: '1' }), ['early', 'kept', 'late'])
    t.same(await ask({ conversation: '1', contact: '42' }), ['early', 'elsewhere', 'kept', 'late'])
    t.same(await ask({ conversation: '9', contact: '43' }), ['stranger'])
    t.same(await ask({ conversation: '9' }), [])
    t.same(await ask({ conversation: '' }), [], 'what has no conversation is nobody’s')
    const second = await again()
    t.same(await ask({ conversation: '1' }, second, '09:59'), ['early', 'kept', 'late'])
    t.same(await ask({ conversation: '1' }, second, '10:00'), ['kept', 'late'], 'what has ended is not asked for')
    clock.advance(at('14:00') - clock.now())
    t.same(await ask({ conversation: '1' }, second), ['early', 'late'], 'kept until it began')
  })

  await t.test('move: to a free time, with its identity and the next revision', async t => {
    const { calendar, clock, again } = await open(t)
    await calendar.book({ ...lesson('a', '10:00-11:00'), contact: '42' }, signal)
    clock.advance(MINUTE)
    t.equal(await calendar.move(move('a', '10:00', '14:00-15:00'), signal), 'moved')
    const moved = { ...lesson('a', '14:00-15:00'), contact: '42', sequence: 2 }
    t.strictSame(await read(calendar, 'a'), moved)
    t.equal((await calendar.lessonOf('a', signal))?.changedAt, clock.now())
    t.equal(await calendar.move(move('a', '10:00', '14:00-15:00'), signal), 'moved', 'again')
    t.strictSame(await read(calendar, 'a'), moved, 'once')
    t.equal(await calendar.hold(hold(clock, 'b', '10:00-11:00'), signal), true, 'what it left is free')
    const second = await again()
    t.equal(await second.move(move('a', '14:00', '14:30-15:30'), signal), 'moved', 'over its own time')
    t.match(await read(second, 'a'), { start: at('14:30'), sequence: 3 })
    t.equal(await second.book(lesson('a', '10:00-11:00'), signal), 'booked', 'its payment is told again')
    t.match(await read(second, 'a'), { start: at('14:30'), sequence: 3 }, 'it stays where it was moved to')
  })

  await t.test('move: not where the time is taken, nor within the margins', async t => {
    const { calendar, clock } = await open(t)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    await calendar.book(lesson('b', '12:00-13:00'), signal)
    await calendar.hold(hold(clock, 'c', '14:00-15:00'), signal)
    for (const time of ['12:30-13:30', '11:30-12:30', '14:00-15:00', '14:59-16:00']) {
      t.equal(await calendar.move(move('a', '10:00', time), signal), 'taken', time)
    }
    const margin = { before: 15 * MINUTE, after: 15 * MINUTE }
    t.equal(await calendar.move({ ...move('a', '10:00', '13:14-13:30'), margin }, signal), 'taken')
    t.strictSame(await read(calendar, 'a'), { ...lesson('a', '10:00-11:00'), sequence: 1 }, 'it stays')
    t.equal(await calendar.move({ ...move('a', '10:00', '13:15-13:45'), margin }, signal), 'moved')
    await t.rejects(calendar.move(move('a', '13:15', '11:00-10:00'), signal), { name: 'PermanentError' })
  })

  await t.test('move: only a lesson that is where it is thought to be', async t => {
    const { calendar, clock } = await open(t)
    const to = '16:00-17:00'
    t.equal(await calendar.move(move('nobody', '10:00', to), signal), 'changed')
    await calendar.hold(hold(clock, 'held', '08:00-09:00'), signal)
    t.equal(await calendar.move(move('held', '08:00', to), signal), 'changed')
    await calendar.keep(lesson('kept', '09:00-10:00'), signal)
    t.equal(await calendar.move(move('kept', '09:00', to), signal), 'changed')
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    t.equal(await calendar.move(move('a', '10:30', to), signal), 'changed')
    await calendar.cancel('a', signal)
    t.equal(await calendar.move(move('a', '10:00', to), signal), 'changed')
  })

  await t.test('two concurrent moves of a lesson, or to one time: one succeeds', async t => {
    const { calendar } = await open(t)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    await calendar.book(lesson('b', '12:00-13:00'), signal)
    const same = await Promise.all([
      calendar.move(move('a', '10:00', '14:00-15:00'), signal),
      calendar.move(move('a', '10:00', '16:00-17:00'), signal),
    ])
    t.same([...same].sort(), ['changed', 'moved'])
    const { start: from } = (await calendar.lessonOf('a', signal)) as BookedLesson
    const to = interval('18:00-19:00')
    const both = await Promise.all([
      calendar.move({ order: 'a', from, to, margin: noMargin }, signal),
      calendar.move({ order: 'b', from: at('12:00'), to, margin: noMargin }, signal),
    ])
    t.same([...both].sort(), ['moved', 'taken'])
  })

  await paymentConformance(t, open)
}

async function paymentConformance(t: Test, open: (t: Test) => Promise<WithLessons>): Promise<void> {
  const cash = '60.00 EUR, cash, Mrs Jansen <ma@example.nl>'

  await t.test('setPayment: of a booked lesson, and of nothing else in it; again changes nothing', async t => {
    const { calendar, clock, again } = await open(t)
    const booked = { ...lesson('a', '10:00-11:00'), payment: 'unpaid', contact: '42' }
    await calendar.book(booked, signal)
    await calendar.book({ ...lesson('b', '12:00-13:00'), payment: 'unpaid' }, signal)
    clock.advance(MINUTE)
    const change = { order: 'a', from: 'unpaid', to: cash }
    t.equal(await calendar.setPayment(change, signal), 'set')
    const paid = await calendar.lessonOf('a', signal)
    t.strictSame(paid, { ...booked, payment: cash, sequence: 1, changedAt: clock.now() })
    const second = await again()
    t.equal(await second.setPayment(change, signal), 'set', 'again')
    t.strictSame(await second.lessonOf('a', signal), paid)
    t.match(await second.lessonOf('b', signal), { payment: 'unpaid' })
    t.equal(await second.book({ ...booked, payment: 'unpaid' }, signal), 'booked', 'booked again')
    t.strictSame(await second.lessonOf('a', signal), paid, 'it stays paid')
    await second.cancel('a', signal)
    t.match(await second.lessonOf('a', signal), { payment: cash, sequence: 2 })
  })

  await t.test('setPayment: of a lesson that was free, and again to another', async t => {
    const { calendar } = await open(t)
    await calendar.book({ ...lesson('a', '10:00-11:00'), payment: null }, signal)
    t.equal(await calendar.setPayment({ order: 'a', from: null, to: 'unpaid' }, signal), 'set')
    t.equal(await calendar.setPayment({ order: 'a', from: 'unpaid', to: cash }, signal), 'set')
    t.match(await calendar.lessonOf('a', signal), { payment: cash })
  })

  await t.test('setPayment: only of a lesson that is paid as it is thought to be', async t => {
    const { calendar, clock } = await open(t)
    const set = (order: string, from: string | null) => calendar.setPayment({ order, from, to: cash }, signal)
    t.equal(await set('nobody', null), 'changed')
    await calendar.hold(hold(clock, 'held', '08:00-09:00'), signal)
    t.equal(await set('held', null), 'changed')
    await calendar.keep(lesson('kept', '09:00-10:00'), signal)
    t.equal(await set('kept', '60.00 EUR, pi_1'), 'changed')
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    t.equal(await set('a', 'unpaid'), 'changed')
    t.equal(await set('a', null), 'changed')
    t.match(await calendar.lessonOf('a', signal), { payment: '60.00 EUR, pi_1' })
    await calendar.cancel('a', signal)
    t.equal(await set('a', '60.00 EUR, pi_1'), 'changed', 'cancelled')
  })

  await t.test('setPayment: of two at once, one succeeds', async t => {
    const { calendar } = await open(t)
    await calendar.book({ ...lesson('a', '10:00-11:00'), payment: 'unpaid' }, signal)
    const tos = [cash, '60.00 EUR, pi_2']
    const results = await Promise.all(tos.map(to => calendar.setPayment({ order: 'a', from: 'unpaid', to }, signal)))
    t.same([...results].sort(), ['changed', 'set'])
    t.match(await calendar.lessonOf('a', signal), { payment: tos[results.indexOf('set')] as string })
  })
}

/** Without what the clock says. */
function shown(found: BookedLesson | null) {
  if (found === null) return null
  const { changedAt: _, cancelledAt: __, ...rest } = found
  return rest
}
