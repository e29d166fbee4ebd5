import type { Test } from 'tap'
import type { LessonsOf, LocalCalendar } from '../../calendar/contract.ts'
import type { WeeklyTime } from '../../calendar/weekly.ts'
import { at, hold, interval, lesson } from './calendar-conformance.ts'
import type { TestClock } from './clock.ts'

const MINUTE = 60_000
const signal = new AbortController().signal
const ALL = [at('00:00'), at('24:00')] as const

export interface LocalUnderTest {
  calendar: LocalCalendar
  clock: TestClock
  again(): Promise<LocalCalendar>
}

/** Conformance tests of what only calendars in the inbox's database have: blocked times, cancelled lessons
 * in lists, weekly times. */
export async function localConformance(t: Test, open: (t: Test) => Promise<LocalUnderTest>): Promise<void> {
  const block = (id: string, time: string, reason = '') => ({ id, ...interval(time), reason })

  await t.test('cancelled lessons are listed where they are asked for', async t => {
    const { calendar, clock } = await open(t)
    await calendar.book(lesson('a', '12:00-13:00'), signal)
    await calendar.book({ ...lesson('b', '10:00-11:00'), contact: '42' }, signal)
    const bookedAt = clock.now()
    clock.advance(MINUTE)
    await calendar.cancel('b', signal)
    const booked = { ...lesson('a', '12:00-13:00'), sequence: 1, changedAt: bookedAt }
    const now = clock.now()
    const cancelled = { ...lesson('b', '10:00-11:00'), contact: '42', sequence: 2, changedAt: now, cancelledAt: now }
    t.strictSame(await calendar.lessons(...ALL), [booked])
    t.strictSame(await calendar.lessons(...ALL, { withCancelled: true }), [cancelled, booked])
    t.strictSame(await calendar.lessons(at('11:00'), at('24:00'), { withCancelled: true }), [booked])
    clock.advance(MINUTE)
    t.equal(await calendar.eraseStudent(['7']), 2, 'names are erased there too')
    const [first] = await calendar.lessons(...ALL, { withCancelled: true })
    t.match(first, { student: 'erased', changedAt: clock.now(), cancelledAt: now })
    t.equal(await calendar.eraseStudent(['7']), 0)
  })

  await t.test('a lesson much longer than the others takes its time, and is listed, to its end', async t => {
    const { calendar } = await open(t)
    const camp = { ...lesson('camp', '10:00-11:00'), end: at('10:00') + 5 * 24 * 60 * MINUTE }
    await calendar.book(camp, signal)
    await calendar.book(lesson('before', '09:00-10:00'), signal)
    const days = (count: number) => count * 24 * 60 * MINUTE
    const last = [at('09:00') + days(5), at('12:00') + days(5)] as const
    t.match(await calendar.lessons(...last), [{ order: 'camp' }])
    t.match(await calendar.busy(...last, signal), [{ start: camp.start, end: camp.end }])
    const next = { ...lesson('next', '09:30-10:30'), start: at('09:30') + days(5), end: at('10:30') + days(5) }
    t.equal(await calendar.book(next, signal), 'taken')
    await calendar.cancel('camp', signal)
    t.equal(await calendar.book(next, signal), 'booked')
    t.match(await calendar.lessons(...ALL), [{ order: 'before' }])
  })

  await t.test('the payer’s name is erased too; the sum, how it was paid, and a payment at Stripe stay', async t => {
    const { calendar } = await open(t)
    const payments = [
      '60.00 EUR, cash, Mrs J., cash, x',
      '6000 JPY, transfer, 田中',
      '5.00 EUR, invoice',
      '60.00 EUR, pi_1',
    ]
    const orders = ['a', 'b', 'c', 'd']
    for (const [index, payment] of payments.entries()) {
      const time = `${10 + index}:00-${11 + index}:00`
      await calendar.book({ ...lesson(orders[index] as string, time), payment }, signal)
    }
    await calendar.book({ ...lesson('trial', '14:00-15:00'), payment: null }, signal)
    await calendar.cancel('b', signal)
    t.equal(await calendar.eraseStudent(['7']), 5)
    const paid = async () => (await calendar.lessons(...ALL, { withCancelled: true })).map(({ payment }) => payment)
    t.same(await paid(), ['60.00 EUR, cash', '6000 JPY, transfer', '5.00 EUR, invoice', '60.00 EUR, pi_1', null])
    t.equal(await calendar.eraseStudent(['7']), 0)
    const change = { order: 'c', from: '5.00 EUR, invoice', to: '5.00 EUR, invoice, Mr J.' }
    t.equal(await calendar.setPayment(change, signal), 'set')
    t.equal(await calendar.eraseStudent(['7']), 1, 'written since')
    t.equal((await paid())[2], '5.00 EUR, invoice')
  })

  await t.test('what is unpaid is listed in order: booked lessons, past ones too, at most so many', async t => {
    const { calendar, clock, again } = await open(t)
    const unpaid = (order: string, time: string) => ({ ...lesson(order, time), payment: 'unpaid' })
    t.same(await calendar.unpaid(9), [])
    for (const [order, time] of Object.entries({ late: '15:00-16:00', early: '09:00-10:00', gone: '11:00-12:00' })) {
      await calendar.book(unpaid(order, time), signal)
    }
    await calendar.book(lesson('paid', '12:00-13:00'), signal)
    await calendar.keep(unpaid('kept', '13:00-14:00'), signal)
    await calendar.cancel('gone', signal)
    clock.advance(2 * 24 * 60 * MINUTE)
    const second = await again()
    const orders = async (limit: number) => (await second.unpaid(limit)).map(({ order }) => order)
    t.same(await orders(9), ['early', 'late'])
    t.same(await orders(1), ['early'])
    t.match(await second.unpaid(1), [{ ...unpaid('early', '09:00-10:00'), sequence: 1 }])
    await second.setPayment({ order: 'early', from: 'unpaid', to: '60.00 EUR, cash' }, signal)
    t.same(await orders(9), ['late'])
  })

  await t.test('orders are found by their beginning: lessons, kept times, cancelled ones', async t => {
    const { calendar, clock } = await open(t)
    for (const [order, time] of Object.entries({
      '7-aa': '10:00-11:00',
      '7-ab': '11:00-12:00',
      '70-a': '12:00-13:00',
    })) {
      await calendar.book(lesson(order, time), signal)
    }
    await calendar.cancel('7-ab', signal)
    await calendar.keep({ ...lesson('7-ac', '14:00-15:00'), conversation: '8' }, signal)
    await calendar.hold(hold(clock, '7-ad', '16:00-17:00'), signal)
    t.strictSame(await calendar.ordersBeginningWith('7-a', 10), ['7-aa', '7-ab', '7-ac'])
    t.strictSame(await calendar.ordersBeginningWith('7-a', 2), ['7-aa', '7-ab'])
    t.strictSame(await calendar.ordersBeginningWith('7-ab', 2), ['7-ab'])
    t.strictSame(await calendar.ordersBeginningWith('7%', 2), [])
    t.strictSame(await calendar.ordersBeginningWith('_', 2), [])
    clock.advance(at('15:00') - clock.now())
    t.strictSame(await calendar.ordersBeginningWith('7-ac', 2), [], 'a kept time lapses')
  })

  await t.test('a blocked time is busy, and no lesson', async t => {
    const { calendar, clock, again } = await open(t)
    await calendar.block(block('x', '10:00-12:00', 'dentist'))
    await calendar.block(block('x', '14:00-15:00'))
    await calendar.block(block('y', '09:00-09:30'))
    t.strictSame(await calendar.blocks(...ALL), [block('y', '09:00-09:30'), block('x', '10:00-12:00', 'dentist')])
    t.strictSame(await calendar.blocks(at('09:30'), at('10:00')), [], 'touching is not overlapping')
    t.strictSame(await calendar.busy(...ALL, signal), [
      { ...interval('09:00-09:30'), isOther: true },
      { ...interval('10:00-12:00'), isOther: true },
    ])
    t.strictSame(await calendar.lessons(...ALL), [])
    t.equal(await calendar.hold(hold(clock, 'a', '11:00-12:30'), signal), false)
    const margin = { before: 15 * MINUTE, after: 0 }
    t.equal(await calendar.hold({ ...hold(clock, 'a', '12:14-13:00'), margin }, signal), false, 'margins')
    t.equal(await calendar.book(lesson('a', '11:00-12:30'), signal), 'taken')
    t.equal(await calendar.keep(lesson('a', '11:00-12:30'), signal), 'taken')
    await calendar.book(lesson('a', '15:00-16:00'), signal)
    const move = { order: 'a', from: at('15:00'), to: interval('11:00-12:00'), margin: { before: 0, after: 0 } }
    t.equal(await calendar.move(move, signal), 'taken')
    const second = await again()
    t.equal(await second.unblock('x'), true)
    t.equal(await second.unblock('x'), false)
    t.equal(await second.move(move, signal), 'moved')
    await t.rejects(second.block(block('z', '11:00-10:00')), { name: 'PermanentError' })
  })

  await t.test('what was there before a time is blocked stays, and is booked once it is paid', async t => {
    const { calendar, clock } = await open(t)
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    await calendar.hold(hold(clock, 'b', '11:00-12:00'), signal)
    await calendar.keep({ ...lesson('c', '12:00-13:00'), conversation: '8' }, signal)
    await calendar.block(block('x', '08:00-20:00'))
    t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'booked')
    t.equal(await calendar.hold(hold(clock, 'b', '11:00-12:00'), signal), true, 'its hold is extended')
    t.equal(await calendar.book(lesson('b', '11:00-12:00'), signal), 'booked')
    t.equal(await calendar.book({ ...lesson('c', '12:00-13:00'), conversation: '8' }, signal), 'booked')
    t.equal((await calendar.lessons(...ALL)).length, 3)
  })

  await t.test('weekly times: two that overlap in the week are not both added, until one has ended', async t => {
    const { calendar, again } = await open(t)
    const tuesday = weeklyTime('a', 2, '17:00')
    t.equal(await calendar.weekly.add(tuesday), 'added')
    t.equal(await calendar.weekly.add({ ...tuesday, time: 0 }), 'added', 'again: no change')
    const { weekly } = await again()
    for (const [weekday, time, minutes, result] of [
      [2, '16:00', 60, 'added'],
      [2, '16:30', 60, 'taken'],
      [2, '17:59', 60, 'taken'],
      [2, '16:00', 180, 'taken'],
      [2, '18:00', 60, 'added'],
      [3, '17:00', 60, 'added'],
      [7, '23:30', 60, 'added'],
      [1, '00:00', 60, 'taken'],
      [1, '00:30', 60, 'added'],
      [7, '22:00', 200, 'taken'],
      [7, '22:00', 90, 'added'],
    ] as const) {
      const id = `${weekday} ${time} ${minutes}`
      t.equal(await weekly.add({ ...weeklyTime(id, weekday, time), minutes }), result, id)
    }
    t.strictSame(await weekly.get('a'), tuesday)
    t.equal(await weekly.get('b'), null)
    t.same(
      (await weekly.all()).map(({ id }) => id),
      ['1 00:30 60', '2 16:00 60', 'a', '2 18:00 60', '3 17:00 60', '7 22:00 90', '7 23:30 60'],
      'in order of the week',
    )
    t.equal(await weekly.end('a'), true)
    t.equal(await weekly.end('a'), false)
    t.equal(await weekly.get('a'), null)
    t.equal(await weekly.add(tuesday), 'added', 'again: it has ended all the same')
    t.equal(await weekly.get('a'), null)
    t.equal(await weekly.add(weeklyTime('c', 2, '17:30')), 'taken')
    t.equal(await weekly.add(weeklyTime('c', 2, '17:00')), 'added')
    t.equal(await weekly.end('no such'), false)
  })

  await t.test('weekly times that go on into the next week, in either order', async t => {
    const { weekly } = (await open(t)).calendar
    t.equal(await weekly.add(weeklyTime('monday', 1, '00:00')), 'added')
    t.equal(await weekly.add(weeklyTime('sunday', 7, '23:30')), 'taken')
    t.equal(await weekly.add(weeklyTime('sunday', 7, '23:00')), 'added')
  })

  await t.test('whose weekly times; who is forgotten has none any more', async t => {
    const { calendar } = await open(t)
    const { weekly } = calendar
    await weekly.add(weeklyTime('a', 2, '17:00'))
    await weekly.add({ ...weeklyTime('b', 1, '17:00'), contact: '42' })
    await weekly.add({ ...weeklyTime('c', 3, '17:00'), conversation: '8', contact: '42' })
    const idsOf = async (whose: LessonsOf) => (await weekly.of(whose)).map(({ id }) => id)
    t.same(await idsOf({ conversation: '7' }), ['b', 'a'])
    t.same(await idsOf({ conversation: '8', contact: '42' }), ['b', 'c'])
    t.same(await idsOf({ conversation: '', contact: '' }), [])
    t.strictSame((await weekly.of({ conversation: '8' }))[0], {
      ...weeklyTime('c', 3, '17:00'),
      conversation: '8',
      contact: '42',
    })
    await calendar.eraseStudent(['7'])
    t.same(await idsOf({ conversation: '7', contact: '42' }), ['c'])
    t.equal(await weekly.add(weeklyTime('d', 2, '17:00')), 'added')
  })

  await t.test(
    'a pupil is renamed in a conversation’s lessons that have not ended, and in its weekly times',
    async t => {
      const { calendar, clock } = await open(t)
      const ofSanne = (order: string, time: string) => ({ ...lesson(order, time), student: 'Sanne' })
      await calendar.book(ofSanne('past', '10:00-11:00'), signal)
      await calendar.book(ofSanne('ahead', '12:00-13:00'), signal)
      await calendar.book(lesson('brother', '13:00-14:00'), signal)
      await calendar.book({ ...ofSanne('other', '14:00-15:00'), conversation: '8' }, signal)
      await calendar.weekly.add(weeklyTime('a', 2, '17:00'))
      await calendar.weekly.add({ ...weeklyTime('b', 3, '17:00'), conversation: '8' })
      const bookedAt = clock.now()
      clock.advance(MINUTE)
      const changedAt = clock.now()
      for (const _ of ['once', 'again']) {
        await calendar.renameStudent({ conversation: '7', from: 'Sanne', to: 'Sanna' }, at('11:00'), signal)
        t.match(await calendar.lessons(...ALL), [
          { student: 'Sanne', changedAt: bookedAt },
          { student: 'Sanna', changedAt, sequence: 1 },
          { student: 'Renée' },
          { student: 'Sanne' },
        ])
        t.match(await calendar.weekly.all(), [{ student: 'Sanna' }, { student: 'Sanne' }])
        clock.advance(MINUTE)
      }
    },
  )

  await t.test('what is no time of a week is refused', async t => {
    const { weekly } = (await open(t)).calendar
    const good = weeklyTime('a', 2, '17:00')
    for (const wrong of [{ weekday: 0 }, { weekday: 8 }, { time: -1 }, { time: 1440 }, { minutes: 0 }, { time: 1.5 }]) {
      await t.rejects(weekly.add({ ...good, ...wrong }), { name: 'PermanentError', message: /no weekly time/ })
    }
    t.same(await weekly.all(), [])
  })
}

/** @param time `17:00` */
export function weeklyTime(id: string, weekday: number, time: string): WeeklyTime {
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  const lesson = { minutes: 60, first: at('10:00'), student: 'Sanne', service: 'Maths', conversation: '7' }
  return { id, weekday, time: hour * 60 + minute, ...lesson }
}
