import { join } from 'node:path'
import t from 'tap'
import { openSqliteCalendar } from '../../calendar/sqlite.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { readLessons } from '../../sandbox/lessons.ts'
import { testClock } from '../helpers/clock.ts'

const at = (time: string) => Date.parse(`${time}:00Z`)
const HOUR = 3_600_000

t.test('the lessons and holds of a week, whoever has the file', async t => {
  const file = join(t.testdir(), 'sandbox.db')
  const store = openSqliteStore(file)
  const clock = testClock(at('2026-10-20T10:00'))
  const calendar = openSqliteCalendar(file, clock)
  t.teardown(() => {
    calendar.close()
    return store.close()
  })
  const { signal } = new AbortController()
  const lesson = (order: string, time: string) => ({
    order,
    start: at(time),
    end: at(time) + HOUR,
    student: order,
    service: 'wiskunde',
    payment: '60.00 EUR, pi_1',
    conversation: order.length.toString(),
  })
  const hold = (order: string, time: string) => ({
    order,
    start: at(time),
    end: at(time) + HOUR,
    until: clock.now() + HOUR,
    margin: { before: 0, after: 0 },
  })
  await calendar.book(lesson('later', '2026-10-22T10:00'), signal)
  await calendar.book(lesson('first', '2026-10-21T10:00'), signal)
  await calendar.keep(lesson('kept', '2026-10-23T10:00'), signal)
  await calendar.hold(hold('held', '2026-10-24T10:00'), signal)
  // Of the week before and of the one after, which begins an hour later than this one: summer time has ended.
  await calendar.book(lesson('before', '2026-10-19T10:00'), signal)
  await calendar.book(lesson('last', '2026-10-26T22:30'), signal)
  await calendar.book(lesson('after', '2026-10-27T00:00'), signal)

  const { week } = readLessons({ file, zone: 'Europe/Amsterdam', now: clock.now })
  const from = at('2026-10-19T22:00')
  const { lessons, holds } = await week(from)
  t.same(
    lessons.map(({ order, isHeld = false }) => [order, isHeld]),
    [['first', false], ['later', false], ['kept', true], ['last', false]],
  ) // biome-ignore format: a lesson on each
  t.same(lessons[0], { ...lesson('first', '2026-10-21T10:00'), changedAt: clock.now(), sequence: 1 })
  t.same(holds, [{ start: at('2026-10-24T10:00'), end: at('2026-10-24T11:00'), until: clock.now() + HOUR }])
  clock.advance(HOUR)
  t.same((await week(from)).holds, [], 'it has lapsed')
})
