import t from 'tap'
import type { BookedLesson } from '../../../calendar/contract.ts'
import { readLessonFilter, readLessonPage } from '../../../operator/lessons/filter.ts'
import {
  findLesson,
  type LessonFilter,
  oneOf,
  pageOfLessons,
  readWeek,
  weekOf,
} from '../../../operator/lessons/find.ts'
import { linksOf, stateOf } from '../../../operator/lessons/view.ts'

/** Which lessons a list or a week shows, without a store. */

const ZONE = 'Europe/Amsterdam'
const NOW = Date.parse('2026-11-25T10:00:00Z')
const HOUR = 3_600_000
const DAY = 24 * HOUR
const iso = (at: number) => new Date(at).toISOString()

const lesson = (order: string, start: number, parts: Partial<BookedLesson> = {}): BookedLesson => ({
  order,
  start,
  end: start + HOUR,
  student: 'Renée',
  service: 'Wiskunde',
  payment: null,
  conversation: '5',
  changedAt: null,
  sequence: 1,
  ...parts,
})

/** Like a calendar: what overlaps a range, in order; with what was asked for. */
function calendarOf(all: BookedLesson[]) {
  const asked: [number, number][] = []
  const lessons = async (from: number, to: number) => {
    asked.push([from, to])
    return all.filter(({ start, end }) => start < to && end > from).sort((one, other) => one.start - other.start)
  }
  return { lessons, asked }
}

const FILTER: LessonFilter = { from: NOW, to: NOW + 400 * DAY }

async function allPages(all: BookedLesson[], filter: LessonFilter, limit: number): Promise<string[][]> {
  const { lessons } = calendarOf(all)
  const pages: string[][] = []
  let cursor: string | undefined
  do {
    const page = await pageOfLessons(lessons, filter, limit, cursor)
    pages.push(page.lessons.map(({ order }) => order))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return pages
}

t.test('in pages, each lesson once, also those that begin together or years later', async t => {
  const all = [
    lesson('before', NOW - HOUR / 2),
    lesson('b', NOW),
    lesson('a', NOW),
    lesson('c', NOW),
    lesson('d', NOW + 31 * DAY),
    lesson('over the edge of what is read at once', NOW + 31 * DAY - HOUR / 2),
    lesson('e', NOW + 399 * DAY),
    lesson('after', NOW + 400 * DAY),
  ]
  const inOrder = ['a', 'b', 'c', 'over the edge of what is read at once', 'd', 'e']
  t.same(await allPages(all, FILTER, 2), [inOrder.slice(0, 2), inOrder.slice(2, 4), inOrder.slice(4)])
  t.same(await allPages(all, FILTER, 6), [inOrder])
  t.same(await allPages(all, FILTER, 100), [inOrder])
  t.same(await allPages([], FILTER, 2), [[]])
})

t.test('the next lessons are found without reading all that come', async t => {
  const { lessons, asked } = calendarOf(Array.from({ length: 100 }, (_, n) => lesson(`${n}`, NOW + n * HOUR)))
  t.equal((await pageOfLessons(lessons, FILTER, 50)).lessons.length, 50)
  t.same(asked, [[NOW, NOW + 31 * DAY]])
  await pageOfLessons(lessons, { ...FILTER, to: NOW + 3_000 * DAY }, 200)
  t.ok(asked.every(([from, to]) => to - from <= 248 * DAY))
  t.equal(asked.at(-1)?.[1], NOW + 3_000 * DAY)
})

t.test('by name, whatever its case and accents, and by state', async t => {
  const all = [
    lesson('a', NOW),
    lesson('b', NOW + DAY, { student: 'RENEE de Vries', isHeld: true }),
    lesson('c', NOW + 2 * DAY, { student: 'Bob', cancelledAt: NOW }),
  ]
  const found = (more: Partial<LessonFilter>) => allPages(all, { ...FILTER, ...more }, 10)
  t.same(await found({ student: ' renee' }), [['a', 'b']])
  t.same(await found({ student: 'née d' }), [['b']])
  t.same(await found({ student: 'eve' }), [[]])
  t.same(await found({ state: 'booked' }), [['a']])
  t.same(await found({ state: 'held' }), [['b']])
  t.same(await found({ state: 'cancelled' }), [['c']])
  t.same(all.map(stateOf), ['booked', 'held', 'cancelled'])
})

t.test('a cursor of another list is refused', async t => {
  for (const cursor of ['x', '5', '5.', '.a', `${'9'.repeat(16)}.a`]) {
    await t.rejects(pageOfLessons(calendarOf([]).lessons, FILTER, 10, cursor), {
      statusCode: 400,
      message: 'cursor must be that of another page of this list',
    })
  }
})

t.test('the filter: today and a year on, unless it says otherwise; a last day is included', async t => {
  const read = (given: Record<string, unknown>) => {
    const { from, to, ...rest } = readLessonFilter(given, NOW, ZONE)
    return [iso(from), iso(to), rest]
  }
  t.same(read({}), ['2026-11-24T23:00:00.000Z', '2027-11-24T23:00:00.000Z', {}])
  t.same(read({ from: '2026-12-01', to: '2026-12-02' }), ['2026-11-30T23:00:00.000Z', '2026-12-02T23:00:00.000Z', {}])
  t.same(read({ from: '2026-12-01T10:00', to: '2026-12-02T10:00Z' }).slice(0, 2), [
    '2026-12-01T09:00:00.000Z',
    '2026-12-02T10:00:00.000Z',
  ])
  t.same(read({ to: '2026-03-01' }).slice(0, 2), ['2025-03-01T23:00:00.000Z', '2026-03-01T23:00:00.000Z'])
  t.same(read({ to: '2026-11-25' }).slice(0, 2), ['2026-11-24T23:00:00.000Z', '2026-11-25T23:00:00.000Z'])
  t.same(read({ student: 'x', state: 'held' })[2], { student: 'x', state: 'held' })
  t.same(read({ open: 'yes' }), ['2021-11-24T23:00:00.000Z', '2027-11-24T23:00:00.000Z', { open: true }])
  t.same(read({ open: 'yes', from: '2026-12-01' })[1], '2027-11-30T23:00:00.000Z')
  t.match(readLessonFilter({}, NOW), { from: Number })
})

t.test('what is wrong with a filter is said', async t => {
  for (const [given, message] of [
    [{ from: 'x' }, 'from must be a date, or a time such as 2026-11-23T10:00'],
    [{ to: '2026-02-30' }, 'to must be a date, or a time such as 2026-11-23T10:00'],
    [{ from: '2026-12-02', to: '2026-12-01' }, 'to must be after from'],
    [{ from: '2026-01-01', to: '2036-01-01' }, 'to must not be more than 10 years after from'],
    [{ state: 'done' }, 'state must be one of booked, held, cancelled'],
    [{ open: 'no' }, 'open must be yes'],
    [{ student: ['a'] }, 'student must be a string, given once'],
    [{ student: 'x'.repeat(201) }, 'student must not be longer than 200 characters'],
  ] as const) {
    t.throws(() => readLessonFilter(given, NOW, ZONE), { message, statusCode: 400 })
  }
  for (const limit of ['0', '201', 'x', '1.5', '1e9']) {
    t.throws(() => readLessonPage({ limit }), { message: 'limit must be a whole number from 1 to 200' })
  }
  t.same(readLessonPage({}), { limit: 50, cursor: undefined })
  t.same(readLessonPage({ limit: '200', cursor: '5.a' }), { limit: 200, cursor: '5.a' })
})

t.test('a week begins on Monday in the tutor’s zone, and has the hours that it has', async t => {
  const { start, end, days, previous, next } = weekOf(undefined, NOW, ZONE)
  t.same(
    [iso(start), iso(end), previous, next],
    ['2026-11-22T23:00:00.000Z', '2026-11-29T23:00:00.000Z', '2026-11-16', '2026-11-30'],
  )
  t.same(
    days.map(({ date }) => date),
    ['2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27', '2026-11-28', '2026-11-29'],
  )
  const backs = weekOf('2026-10-25', NOW, ZONE)
  t.equal(backs.end - backs.start, 7 * DAY + HOUR, 'clocks go back on Sunday')
  t.equal(backs.days[6]?.end, backs.end)
  t.equal(weekOf('', NOW, ZONE).start, start)
  for (const date of ['x', '2026-13-01', '2026-02-30', '0001-01-01', '9999-12-31', '20261123']) {
    t.throws(() => weekOf(date, NOW, ZONE), { message: 'week must be a date such as 2026-11-23', statusCode: 400 })
  }
})

t.test('links to Chatwoot and to Stripe', async t => {
  const links = linksOf({ chatwootUrl: 'https://chat.example.com/', accountId: '3', livemode: true })
  t.equal(links.conversation('42'), 'https://chat.example.com/app/accounts/3/conversations/42')
  t.equal(links.conversation(''), null)
  t.equal(links.payment('60.00 EUR, pi_1, under way'), 'https://dashboard.stripe.com/payments/pi_1')
  t.equal(links.payment('cash'), null)
  t.equal(links.payment(null), null)
  const test = linksOf({ chatwootUrl: undefined, accountId: '3', livemode: false })
  t.equal(test.conversation('42'), null)
  t.equal(test.payment('60.00 EUR, pi_1'), 'https://dashboard.stripe.com/test/payments/pi_1')
  t.equal(linksOf({ chatwootUrl: 'https://x', accountId: undefined, livemode: undefined }).conversation('42'), null)
})

t.test('a week of a calendar without blocked times', async t => {
  const { lessons } = calendarOf([lesson('b', NOW), lesson('a', NOW)])
  const week = await readWeek({ lessons, blocks: undefined }, weekOf(undefined, NOW, ZONE))
  t.match(week, { lessons: [{ order: 'a' }, { order: 'b' }], blocks: [] })
})

t.test('one lesson, by the beginning of its id: none, several, or gone meanwhile', async t => {
  const { signal } = new AbortController()
  const of = (orders: string[], known: string[] = orders) => ({
    lessonOf: async (order: string) => (known.includes(order) ? lesson(order, NOW) : null),
    ordersBeginningWith: async () => orders,
  })
  t.match(await findLesson(of(['42-aaaa']), '42', signal), { order: '42-aaaa' })
  for (const calendar of [of([]), of(['42-aaaa'], []), { lessonOf: async () => null }]) {
    await t.rejects(findLesson(calendar, '42', signal), { message: 'There is no lesson 42', statusCode: 404 })
  }
  await t.rejects(findLesson(of(['42-aaaa']), '', signal), { message: 'There is no lesson ' })
  await t.rejects(findLesson({}, '42', signal), { message: 'This calendar can’t say what lesson an order has' })
  t.throws(() => oneOf('4', ['41', '42']), { message: /41, 42\. Give more/ })
  t.throws(() => oneOf('4', ['41', '42', '43', '44', '45', '46']), { message: /41, 42, 43, 44, 45, …\. Give more/ })
})
