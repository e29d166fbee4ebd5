import t from 'tap'
import { keyIn, readAdd, readBlock, readMoment, readRefund, readSeen, textOf } from '../../../operator/lessons/input.ts'

const ZONE = 'Europe/Amsterdam'
const AT = { now: Date.parse('2026-11-23T10:00:00Z'), zone: ZONE }
const iso = (at: number) => new Date(at).toISOString()

t.test('a moment is in the tutor’s zone unless it says otherwise', async t => {
  for (const [text, expected] of [
    ['2026-11-25T10:00', '2026-11-25T09:00:00.000Z'],
    ['2026-11-25 10:00', '2026-11-25T09:00:00.000Z'],
    ['2026-11-25T10:00:30', '2026-11-25T09:00:30.000Z'],
    ['2026-11-25T10:00-05:00', '2026-11-25T15:00:00.000Z'],
    ['2026-11-25T10:00Z', '2026-11-25T10:00:00.000Z'],
    ['2026-11-25T24:00', '2026-11-25T23:00:00.000Z'],
    ['2026-11-25', '2026-11-24T23:00:00.000Z'],
    ['2026-10-25T02:30', '2026-10-25T00:30:00.000Z'],
  ] as const) {
    t.equal(iso(readMoment('start', text, ZONE)), expected, text)
  }
})

t.test('a time that there is not is refused', async t => {
  for (const text of ['2027-03-28T02:30', '2027-03-28 02:00']) {
    t.throws(() => readMoment('start', text, ZONE), {
      message: 'start is a time that there is not in Europe/Amsterdam: clocks go forward then',
      statusCode: 400,
    })
  }
  t.throws(() => readMoment('start', 'soon', ZONE), {
    message: 'start must be a time such as 2026-11-25T10:00, or a date',
  })
})

t.test('a blocked time: hours, a day, days', async t => {
  const read = (given: object) => {
    const { start, end, reason } = readBlock({ ...given }, AT)
    return [iso(start), iso(end), reason]
  }
  t.same(read({ from: '2026-12-01' }), ['2026-11-30T23:00:00.000Z', '2026-12-01T23:00:00.000Z', ''])
  t.same(read({ from: '2026-12-01', to: '2026-12-02', reason: ' away ' }), [
    '2026-11-30T23:00:00.000Z',
    '2026-12-02T23:00:00.000Z',
    'away',
  ])
  t.same(read({ from: '2026-12-01T09:00', to: '2026-12-01T10:00' }).slice(0, 2), [
    '2026-12-01T08:00:00.000Z',
    '2026-12-01T09:00:00.000Z',
  ])
})

t.test('what is wrong with it is said', async t => {
  for (const [given, message] of [
    [{}, 'from is missing'],
    [{ from: '2026-12-01T09:00' }, 'to is missing'],
    [{ from: '2026-12-01T09:00', to: '2026-12-01T09:00' }, 'to must be after from'],
    [{ from: '2026-11-01', to: '2026-11-02' }, 'to is in the past'],
    [{ from: '2026-12-01', to: '2028-12-02' }, 'to must not be more than 2 years after from'],
    [{ from: ['x'] }, 'from must be a string'],
    [{ from: '2026-12-01', reason: 'x'.repeat(201) }, 'reason must not be longer than 200 characters'],
  ] as const) {
    t.throws(() => readBlock(given, AT), { message, statusCode: 400 })
  }
})

t.test('a request’s key: its own, or another one each time', async t => {
  t.equal(keyIn({ key: ' mine ' }), 'mine')
  t.not(keyIn({}), keyIn({}))
  t.equal(textOf({ a: null }, 'a'), '')
})

t.test('a lesson to add, a refund, and what was seen: what is wrong with them is said', async t => {
  const given = { start: '2026-11-25T10:00', student: 'Bob' }
  const usual = { minutes: 60, service: 'Bijles' }
  t.match(readAdd({ ...given, minutes: 45, conversation: 42 }, AT, usual), {
    start: Date.parse('2026-11-25T09:00Z'),
    end: Date.parse('2026-11-25T09:45Z'),
    service: 'Bijles',
    payment: 'arranged with the tutor',
    conversation: '42',
  })
  for (const [wrong, message] of [
    [{ start: '2026-11-25' }, 'start must be a time such as 2026-11-25T10:00, not a date'],
    [{ start: '2026-11-23T10:00' }, 'start is in the past'],
    [{ minutes: 'x' }, 'minutes must be a whole number from 1 to 1440'],
    [{ minutes: 1.5 }, 'minutes must be a whole number from 1 to 1440'],
    [{ minutes: 0 }, 'minutes must be a whole number from 1 to 1440'],
    [{ minutes: 1441 }, 'minutes must be a whole number from 1 to 1440'],
    [{ conversation: 'x' }, 'conversation must be a number, as shown in Chatwoot'],
    [{ student: ' ' }, 'student is missing'],
  ] as const) {
    t.throws(() => readAdd({ ...given, ...wrong }, AT, usual), { message, statusCode: 400 })
  }
  t.same(
    [true, 'yes', false, 'no'].map(refund => readRefund({ refund })),
    [true, true, false, false],
  )
  t.throws(() => readRefund({ refund: 'maybe' }), { message: 'refund must be said: true (yes) or false (no)' })
  t.same(readSeen({ seen: '5.2' }), { start: 5, sequence: 2 })
  t.equal(readSeen({}), undefined)
  t.throws(() => readSeen({ seen: 'x' }), { message: 'seen must be as the page gave it' })
})
