import t from 'tap'
import { weeklyAt, weeklyLessons } from '../../handlers/weekly-times.ts'
import { weeklyTime } from '../helpers/local-calendar-conformance.ts'

const ZONE = 'Europe/Amsterdam'
const at = (text: string) => Date.parse(text)

t.test('the weekday and the time of a lesson, by the tutor’s clock', async t => {
  t.same(weeklyAt(at('2026-11-24T17:00+01:00'), ZONE), { weekday: 2, time: 17 * 60 })
  t.same(weeklyAt(at('2026-11-24T23:30Z'), ZONE), { weekday: 3, time: 30 })
  t.same(weeklyAt(at('2026-07-05T00:00+02:00'), ZONE), { weekday: 7, time: 0 })
})

t.test('one lesson a week, from the first one on, at the same time by the clock in winter and summer', async t => {
  const weekly = { ...weeklyTime('7-ab', 7, '10:00'), first: at('2026-03-22T10:00+01:00') }
  const lessons = weeklyLessons(weekly, 0, at('2026-04-06T00:00Z'), ZONE)
  t.strictSame(lessons, [
    { order: '7-ab-20260322', at: at('2026-03-22T09:00Z'), time: interval('2026-03-22T09:00Z') },
    { order: '7-ab-20260329', at: at('2026-03-29T08:00Z'), time: interval('2026-03-29T08:00Z') },
    { order: '7-ab-20260405', at: at('2026-04-05T08:00Z'), time: interval('2026-04-05T08:00Z') },
  ])
  const orders = (from: string, to: string) => weeklyLessons(weekly, at(from), at(to), ZONE).map(({ order }) => order)
  t.same(orders('2026-03-22T09:00Z', '2026-03-29T08:00Z'), ['7-ab-20260322'], 'the end is not included')
  t.same(orders('2026-03-22T09:01Z', '2026-03-29T08:01Z'), ['7-ab-20260329'], 'the beginning is')
  t.same(orders('2026-03-23T09:00Z', '2026-03-28T08:00Z'), [])
})

t.test('clocks that change: what is skipped has no time, of two the first', async t => {
  const night = { ...weeklyTime('n', 7, '02:30'), first: at('2026-03-22T01:30Z') }
  const [before, skipped, after] = weeklyLessons(night, 0, at('2026-04-06T00:00Z'), ZONE)
  t.same(before?.time, interval('2026-03-22T01:30Z'))
  t.strictSame(skipped, { order: 'n-20260329', at: at('2026-03-29T01:30Z'), time: undefined })
  t.same(after?.time, interval('2026-04-05T00:30Z'))
  const autumn = weeklyLessons({ ...night, first: at('2026-10-20T00:00Z') }, 0, at('2026-10-26T00:00Z'), ZONE)
  t.strictSame(autumn, [{ order: 'n-20261025', at: at('2026-10-25T00:30Z'), time: interval('2026-10-25T00:30Z') }])
})

function interval(start: string) {
  return { start: at(start), end: at(start) + 3_600_000 }
}
