import tap from 'tap'
import { deliveries, duration, noticeOf, number, timelineWords } from '../../operator/dashboard-words.ts'

tap.test('durations of handlers', async t => {
  const words = { 0.4: '0 ms', 999: '999 ms', 1500: '1.5 s', 119000: '119.0 s', 120000: '2 min' }
  for (const [ms, text] of Object.entries(words)) t.equal(duration(Number(ms)), text)
})

tap.test('numbers', async t => {
  t.equal(number(1_234_567), '1,234,567')
  t.equal(deliveries(1), '1 delivery')
  t.equal(deliveries(0), '0 deliveries')
})

tap.test('only our own notices are shown, whatever the address says', async t => {
  t.match(noticeOf({ done: 'replayed' }), /^Replayed/)
  t.equal(noticeOf({ done: 'replayed-many', count: '1200' }), '1,200 deliveries replayed.')
  for (const count of ['<b>', '-1', '', '1234567890', ['1'], undefined]) {
    t.equal(noticeOf({ done: 'replayed-many', count }), undefined)
  }
  t.equal(noticeOf({ done: 'anything' }), undefined)
  for (const given of ['<b>', ['1'], undefined]) {
    t.equal(noticeOf({ done: 'given-back', given }), 'Given back to the bot.')
  }
  for (const count of ['<b>', '0', ['1'], undefined]) t.equal(noticeOf({ done: 'blocked', count }), 'Blocked.')
  t.match(noticeOf({ done: 'blocked', count: '1' }), /^Blocked\. 1 lesson is booked/)
  t.match(noticeOf({ done: 'blocked', count: '1200' }), /^Blocked\. 1,200 lessons are booked/)
})

tap.test('what has happened to a delivery', async t => {
  const words = (what: 'dead' | 'done' | 'accepted', attempt: number | null) =>
    timelineWords({ at: '', what, attempt, ms: null, detail: null })
  t.equal(words('dead', null), 'Given up: it can’t be read')
  t.equal(words('dead', 2), 'Attempt 2 failed; given up, needs a person')
  t.equal(words('done', 3), 'Handled, at attempt 3')
  t.equal(words('accepted', null), 'Accepted and stored')
})
