import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Calendar } from '../../calendar/contract.ts'
import { createGoogleCalendar, type GoogleCalendar } from '../../calendar/google/calendar.ts'
import type { GoogleCalendarOptions } from '../../calendar/google/client.ts'
import { causeOf } from '../../inbox/cause.ts'
import { PermanentError, TransientError } from '../../inbox/errors.ts'
import type { Behaviour, Call } from '../../sandbox/stand-in.ts'
import { at, calendarConformance, hold, interval, lesson } from '../helpers/calendar-conformance.ts'
import { lessonsConformance } from '../helpers/calendar-conformance-lessons.ts'
import { type TestClock, testClock } from '../helpers/clock.ts'
import {
  createKey,
  type EventState,
  type GoogleApi,
  googleError,
  oauthError,
  startGoogleApi,
} from '../helpers/google-api.ts'

const { signal } = new AbortController()
const MINUTE = 60_000

/** Moves the lesson of order a from 10:00. */
function moveTo(calendar: GoogleCalendar, to: string) {
  return calendar.move({ order: 'a', from: at('10:00'), to: interval(to), margin: { before: 0, after: 0 } }, signal)
}

interface SetUp {
  api: GoogleApi
  clock: TestClock
  calendar: GoogleCalendar
  /** Another instance of ours, on the same calendar. */
  another(options?: Partial<GoogleCalendarOptions>): GoogleCalendar
}

/** The stand-in, and a calendar there. */
async function setUp(t: Test, options: Partial<GoogleCalendarOptions> = {}): Promise<SetUp> {
  const clock = testClock()
  const api = await startGoogleApi(undefined, () => clock.now())
  t.teardown(() => api.close())
  const { serviceAccount, calendarId, url: apiBase } = api
  const another = (other = {}) =>
    createGoogleCalendar({ serviceAccount, calendarId, apiBase, ...options, ...other }, clock)
  return { api, clock, calendar: another(), another }
}

/** The calendar's contents: `hold 10:00-11:00` and so on. */
function shown(api: GoogleApi): string[] {
  const time = ({ dateTime }: EventState['start']) => new Date(String(dateTime)).toISOString().slice(11, 16)
  return api
    .current()
    .map(event => `${propertiesOf(event).tutorbotKind ?? 'other'} ${time(event.start)}-${time(event.end)}`)
    .sort()
}

function propertiesOf(event: EventState | undefined): Record<string, string> {
  return event?.extendedProperties?.private ?? {}
}

/** An event's times, from `10:00-11:00`. */
function times(text: string) {
  const { start, end } = interval(text)
  return { start: { dateTime: new Date(start).toISOString() }, end: { dateTime: new Date(end).toISOString() } }
}

function busy(calendar: Calendar, range = '00:00-24:00', abort = signal) {
  const { start, end } = interval(range)
  return calendar.busy(start, end, abort)
}

function errorOf(t: Test, promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => t.fail('it succeeded') as never,
    (error: Error) => error,
  )
}

/** The error of a calendar call whose requests fail in a given way, and how many requests it made. */
async function failureOf(t: Test, behaviour: Behaviour, matcher = /calendar/, timeoutMs = 10_000) {
  const { api, calendar } = await setUp(t, { timeoutMs })
  api.fail(matcher, behaviour, 10)
  const error = await errorOf(t, busy(calendar))
  return { error, requests: api.called(matcher).length }
}

t.test('fulfils the calendar contract', t =>
  calendarConformance(t, async t => {
    const { api, clock, calendar, another } = await setUp(t)
    return {
      calendar,
      clock,
      again: async () => another(),
      addAppointment: async ({ start, end }) => {
        api.addEvent({ start: { dateTime: new Date(start).toJSON() }, end: { dateTime: new Date(end).toJSON() } })
      },
    }
  }),
)

t.test('fulfils the contract of lessons', t =>
  lessonsConformance(t, async t => {
    const { clock, calendar, another } = await setUp(t)
    return { calendar, clock, again: async () => another() }
  }),
)

t.test('the key can be a file path', async t => {
  const { api, another } = await setUp(t)
  const path = `${t.testdir({ 'key.json': api.serviceAccount })}/key.json`
  t.same(await busy(another({ serviceAccount: path })), [])
  t.same(await busy(another({ serviceAccount: `\n ${api.serviceAccount}` })), [], 'as JSON, after white space')
})

t.test('a wrong option is an error at once, without the key', async t => {
  const { api } = await setUp(t)
  const key = JSON.parse(api.serviceAccount)
  const changed = (parts: object) => JSON.stringify({ ...key, ...parts })
  const { privateKey: ecKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const dir = t.testdir({ 'array.json': '[]', 'null.json': 'null', 'text.json': key.private_key })
  const account = 'GCAL_SERVICE_ACCOUNT_JSON'
  const cases: [Partial<GoogleCalendarOptions>, string, RegExp][] = [
    [{ serviceAccount: `${dir}/none.json` }, account, /file.*ENOENT/],
    [{ serviceAccount: dir }, account, /file.*EISDIR/],
    [{ serviceAccount: key.private_key }, account, /file/],
    [{ serviceAccount: `${key.private_key}\0` }, account, /file/],
    [{ serviceAccount: api.serviceAccount.replace('}', '') }, account, /not JSON/],
    [{ serviceAccount: `${dir}/text.json` }, account, /not JSON/],
    [{ serviceAccount: `${dir}/null.json` }, account, /client_email/],
    [{ serviceAccount: `${dir}/array.json` }, account, /client_email/],
    [{ serviceAccount: changed({ client_email: '' }) }, account, /client_email/],
    [{ serviceAccount: changed({ client_email: 1 }) }, account, /client_email/],
    [{ serviceAccount: changed({ private_key: undefined }) }, account, /private_key/],
    [{ serviceAccount: changed({ private_key: '' }) }, account, /private_key/],
    [{ serviceAccount: changed({ private_key: key.private_key.replaceAll('\n', '\\n') }) }, account, /line ends/],
    [{ serviceAccount: changed({ private_key: ecKey }) }, account, /RSA/],
    [{ calendarId: '' }, 'GCAL_CALENDAR_ID', /missing/],
    [{ calendarId: undefined as never }, 'GCAL_CALENDAR_ID', /missing/],
    [{ apiBase: 'localhost' }, 'GCAL_API_BASE', /URL/],
    [{ apiBase: 'ftp://localhost' }, 'GCAL_API_BASE', /URL/],
    [{ apiBase: 'http://localhost/proxy' }, 'GCAL_API_BASE', /URL/],
  ]
  for (const [wrong, name, problem] of cases) {
    const { serviceAccount, calendarId } = api
    const create = () => createGoogleCalendar({ serviceAccount, calendarId, ...wrong }, testClock())
    const error = t.throws(create, TypeError, `${name} ${problem}`) as Error
    t.match(error.message, name)
    t.match(error.message, problem)
    t.notMatch(inspect(error, { depth: 9, showHidden: true }), /[\w+/]{50,}/, 'no line of the key')
  }
})

t.test('the default API base is Google’s', async t => {
  const { another } = await setUp(t)
  const aborted = AbortSignal.abort()
  await t.rejects(busy(another({ apiBase: undefined as never }), '00:00-24:00', aborted), TransientError)
})

t.test('a hold is visible, and becomes the lesson in one step', async t => {
  const { api, clock, calendar } = await setUp(t)
  await calendar.hold(hold(clock, 'order <1> & co', '10:00-11:00'), signal)
  const [held] = api.current()
  t.match(held, { status: 'tentative', transparency: 'opaque', description: 'Order: order &lt;1> &amp; co' })
  t.match(held?.id, /^[a-v0-9]{52}$/)
  t.equal(api.calls.length, 6, 'a token, what the order has, look, claim, look, settle')

  const before = api.calls.length
  await calendar.book({ ...lesson('order <1> & co', '10:00-11:00'), student: '<b>Renée</b>' }, signal)
  t.same(
    api.calls.slice(before).map(({ method }) => method),
    ['GET', 'GET', 'PUT'],
    'there is no moment without the one or the other',
  )
  const [booked] = api.current()
  t.equal(booked?.id, held?.id)
  t.match(booked, {
    status: 'confirmed',
    transparency: 'opaque',
    summary: 'Maths: <b>Renée</b>',
    description: [
      'Student: &lt;b>Renée&lt;/b>',
      'Service: Maths',
      'Payment: 60.00 EUR, pi_1',
      'Conversation: 7',
      'Order: order &lt;1> &amp; co',
    ].join('\n'),
  })

  await calendar.book({ ...lesson('b', '12:00-13:00'), payment: null }, signal)
  t.match(api.current()[1]?.description, /Payment: none, a free trial lesson/)
})

t.test('a lesson whose payment is under way is marked as tentative', async t => {
  const { api, calendar } = await setUp(t)
  const under = { ...lesson('a', '10:00-11:00'), payment: '60.00 EUR, pi_1, under way' }
  t.equal(await calendar.keep(under, signal), 'kept')
  t.match(api.current(), [
    { status: 'tentative', summary: 'Held: Maths: Renée', description: /Payment: 60.00 EUR, pi_1, under way/ },
  ])
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  t.match(api.current(), [{ status: 'confirmed', summary: 'Maths: Renée' }])
})

t.test('two concurrent orders: one gets the time, in any order of requests', async t => {
  const oneOf = (...shown: string[]) => ({
    check(t: Test, results: [unknown, unknown], events: string[], order: string) {
      const won = results.map(result => result === true || result === 'booked')
      t.same(events, [won[0] ? shown[0] : shown[1]], `${results}, ${order}`)
      t.not(won[0], won[1], order)
    },
  })
  await t.test('two holds', t =>
    race(t, {
      first: (calendar, clock) => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      second: (calendar, clock) => calendar.hold(hold(clock, 'b', '10:30-11:30'), signal),
      ...oneOf('hold 10:00-11:00', 'hold 10:30-11:30'),
    }),
  )
  await t.test('two lessons', t =>
    race(t, {
      first: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      second: calendar => calendar.book(lesson('b', '10:59-11:30'), signal),
      ...oneOf('lesson 10:00-11:00', 'lesson 10:59-11:30'),
    }),
  )
  await t.test('a lesson whose hold has expired, and a hold', t =>
    race(t, {
      before: (calendar, clock) => lapsedHold(calendar, clock, 'a', '10:00-11:00'),
      first: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      second: (calendar, clock) => calendar.hold(hold(clock, 'b', '10:30-11:30'), signal),
      ...oneOf('lesson 10:00-11:00', 'hold 10:30-11:30'),
    }),
  )
  await t.test('a lesson whose hold has expired, and one whose claim has', t =>
    race(t, {
      async before(calendar, clock, api) {
        await lapsedHold(calendar, clock, 'a', '10:00-11:00')
        api.fail(/^DELETE/, 'drop')
        await t.rejects(calendar.hold(hold(clock, 'b', '10:30-11:30'), signal), TransientError)
        clock.advance(MINUTE)
      },
      first: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      second: calendar => calendar.book(lesson('b', '10:30-11:30'), signal),
      ...oneOf('lesson 10:00-11:00', 'lesson 10:30-11:30'),
    }),
  )
  await t.test('a hold, while another reads busy times', t =>
    race(t, {
      before: (calendar, clock) => lapsedHold(calendar, clock, 'a', '10:00-11:00'),
      first: (calendar, clock) => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      second: calendar => busy(calendar),
      check(t, [held], events, order) {
        t.equal(held, true, order)
        t.same(events, ['hold 10:00-11:00'], order)
      },
    }),
  )
})

t.test('the same order twice at once: one result, and both answers are true', async t => {
  await t.test('two holds', t =>
    race(t, {
      first: (calendar, clock) => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      second: (calendar, clock) => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      check(t, results, events, order) {
        t.same(results, [true, true], order)
        t.same(events, ['hold 10:00-11:00'], order)
      },
    }),
  )
  await t.test('a hold and its lesson', t =>
    race(t, {
      first: (calendar, clock) => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      second: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      check(t, results, events, order) {
        t.same(results, [true, 'booked'], order)
        t.same(events, ['lesson 10:00-11:00'], order)
      },
    }),
  )
  await t.test('a hold is released while it becomes a lesson', t =>
    race(t, {
      before: (calendar, clock) => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      first: (calendar, clock) => calendar.release('a', clock.now() + 30 * MINUTE, signal),
      second: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      check(t, [, booked], events, order) {
        t.equal(booked, 'booked', order)
        t.same(events, ['lesson 10:00-11:00'], order)
      },
    }),
  )
  await t.test('a hold is cancelled while it becomes a lesson: no lesson disappears silently', t =>
    race(t, {
      before: (calendar, clock) => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
      first: calendar => calendar.cancel('a', signal).catch((error: Error) => error),
      second: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      check(t, [cancelled, booked], events, order) {
        t.equal(booked, 'booked', order)
        const isCancelled = cancelled !== null && !(cancelled instanceof Error)
        t.same(events, [isCancelled ? 'cancelled 10:00-11:00' : 'lesson 10:00-11:00'], order)
        if (cancelled instanceof Error) t.type(cancelled, TransientError)
      },
    }),
  )
  await t.test('two moves: one succeeds, and leaves nothing else', t =>
    race(t, {
      before: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      first: calendar => moveTo(calendar, '12:00-13:00'),
      second: calendar => moveTo(calendar, '14:00-15:00'),
      check(t, results, events, order) {
        t.same([...results].sort(), ['changed', 'moved'], order)
        t.same(events, [results[0] === 'moved' ? 'lesson 12:00-13:00' : 'lesson 14:00-15:00'], order)
      },
    }),
  )
  await t.test('a move, and another’s lesson at the new time', t =>
    race(t, {
      before: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      first: calendar => moveTo(calendar, '12:00-13:00'),
      second: calendar => calendar.book(lesson('b', '12:30-13:30'), signal),
      check(t, [moved, booked], events, order) {
        t.equal(moved === 'moved', booked === 'taken', order)
        t.same(events, moved === 'moved' ? ['lesson 12:00-13:00'] : ['lesson 10:00-11:00', 'lesson 12:30-13:30'], order)
      },
    }),
  )
  await t.test('a lesson is moved while it is cancelled', t =>
    race(t, {
      before: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      first: calendar => moveTo(calendar, '12:00-13:00'),
      second: calendar => calendar.cancel('a', signal).catch((error: Error) => error),
      check(t, [moved, cancelled], events, order) {
        const isCancelled = !(cancelled instanceof Error)
        const time = moved === 'moved' ? '12:00-13:00' : '10:00-11:00'
        t.same(events, [`${isCancelled ? 'cancelled' : 'lesson'} ${time}`], order)
        t.ok(isCancelled || moved === 'moved', order)
        if (!isCancelled) t.type(cancelled, TransientError)
      },
    }),
  )
  await t.test('cancelling a lesson returns its time once', t =>
    race(t, {
      before: calendar => calendar.book(lesson('a', '10:00-11:00'), signal),
      first: calendar => calendar.cancel('a', signal),
      second: calendar => calendar.cancel('a', signal),
      check(t, results, events, order) {
        t.same(
          results.filter(result => result !== null),
          [interval('10:00-11:00')],
        )
        t.same(events, ['cancelled 10:00-11:00'], order)
      },
    }),
  )
})

t.test('two instances, many rounds, at full speed', async t => {
  const { api, clock, calendar, another } = await setUp(t)
  const other = another()
  for (let round = 0; round < 50; round++) {
    const results = await Promise.all([
      calendar.hold(hold(clock, `a${round}`, '10:00-11:00'), signal),
      other.hold(hold(clock, `b${round}`, '10:30-11:30'), signal),
    ])
    t.same([...results].sort(), [false, true])
    t.same(shown(api), [results[0] ? 'hold 10:00-11:00' : 'hold 10:30-11:30'])
    api.events.clear()
  }
})

t.test('any lost request or answer: repeating it has one effect', async t => {
  const { api, clock, calendar } = await setUp(t)
  const holdIt = (times = '10:00-11:00') => calendar.hold(hold(clock, 'a', times), signal)
  const book = () => calendar.book(lesson('a', '10:00-11:00'), signal)
  const release = () => calendar.release('a', clock.now() + 30 * MINUTE, signal)
  const cancel = () => calendar.cancel('a', signal)
  const keep = () => calendar.keep(lesson('a', '10:00-11:00'), signal)
  const nothing = async () => {}
  const operations: [string, () => Promise<unknown>, () => Promise<unknown>, string[]][] = [
    ['hold', nothing, holdIt, ['hold 10:00-11:00']],
    ['hold of one elsewhere', () => holdIt('10:30-11:30'), holdIt, ['hold 10:00-11:00']],
    [
      'hold of one that has lapsed',
      () => lapsedHold(calendar, clock, 'a', '10:00-11:00'),
      holdIt,
      ['hold 10:00-11:00'],
    ],
    [
      'hold after another that has',
      () => lapsedHold(calendar, clock, 'b', '10:30-11:30'),
      holdIt,
      ['hold 10:00-11:00'],
    ],
    ['hold after a cancelled one', () => holdIt().then(release), holdIt, ['hold 10:00-11:00']],
    ['book', nothing, book, ['lesson 10:00-11:00']],
    ['book of a hold', holdIt, book, ['lesson 10:00-11:00']],
    ['book of a hold elsewhere', () => holdIt('12:00-13:00'), book, ['lesson 10:00-11:00']],
    ['release', holdIt, release, []],
    ['cancel', book, cancel, ['cancelled 10:00-11:00']],
    ['book of a cancelled one', () => book().then(cancel), book, ['lesson 10:00-11:00']],
    ['keep', nothing, keep, ['hold 10:00-11:00']],
    ['cancel of a kept one', keep, cancel, ['cancelled 10:00-11:00']],
    ['move', book, () => moveTo(calendar, '14:00-15:00'), ['lesson 14:00-15:00']],
  ]
  for (const [name, before, operation, events] of operations) {
    for (const behaviour of ['drop', 'drop after'] as const) {
      for (let nth = 1; await isLost(nth, name, before, operation, events, behaviour); nth++) t.ok(nth < 20)
    }
  }

  /** Loses the nth request. false: there are fewer. */
  async function isLost(
    nth: number,
    name: string,
    before: () => Promise<unknown>,
    operation: () => Promise<unknown>,
    events: string[],
    behaviour: Behaviour,
  ): Promise<boolean> {
    api.events.clear()
    await before()
    const last = api.calls.length + nth
    let isArmed = true
    api.fail(() => isArmed && api.calls.length === last, behaviour)
    const result = await operation().catch((error: Error) => error)
    isArmed = false
    if (api.calls.length < last) {
      t.same(shown(api), events, name)
      return false
    }
    t.type(result, TransientError, `${name}, request ${nth}, ${behaviour}`)
    await operation()
    t.same(shown(api), events, `${name}, request ${nth}, ${behaviour}`)
    return true
  }
})

t.test('an id that is used up: the next one is taken', async t => {
  const { api, clock, calendar } = await setUp(t)
  for (let round = 1; round <= 3; round++) {
    await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    await calendar.cancel('a', signal)
    t.equal(api.events.size, round, 'deleted ones stay')
  }
  t.same(shown(api), [])
})

t.test('an id taken by the same order at the same moment: that event counts', async t => {
  const { api, clock, calendar, another } = await setUp(t)
  const gate = Promise.withResolvers<void>()
  api.fail(/^POST .*events$/, { wait: gate.promise })
  const late = calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
  await api.arrived(/^POST .*events$/)
  t.equal(await another().hold(hold(clock, 'a', '10:00-11:00'), signal), true)
  gate.resolve()
  t.equal(await late, true)
  t.equal(api.events.size, 1)
})

t.test('an expired hold that changes while being deleted is read again', async t => {
  const { api, clock, calendar } = await setUp(t)
  await lapsedHold(calendar, clock, 'a', '10:00-11:00')
  api.fail(/^DELETE/, googleError(412, 'conditionNotMet', 'Precondition Failed'))
  t.equal(await calendar.hold(hold(clock, 'b', '10:00-11:00'), signal), true)
  t.equal(api.called(/^DELETE/).length, 2)
  t.same(shown(api), ['hold 10:00-11:00'])
})

t.test('an id that is used but gone when read: the next one is taken', async t => {
  const { api, clock, calendar } = await setUp(t)
  api.fail(/^POST .*events$/, googleError(409, 'duplicate', 'The requested identifier already exists.'))
  t.equal(await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal), true)
  t.same(shown(api), ['hold 10:00-11:00'])
})

t.test('a hold that the tutor moved does not block its own order', async t => {
  const { api, clock, calendar } = await setUp(t)
  await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
  const [held] = api.current()
  api.edit(String(held?.id), times('14:00-15:00'))
  t.equal(await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal), true)
  t.same(shown(api), ['hold 10:00-11:00'])
})

t.test('a lesson that the tutor moved still belongs to its order', async t => {
  const { api, clock, calendar } = await setUp(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  const [booked] = api.current()
  api.edit(String(booked?.id), times('14:00-15:00'))
  t.equal(await calendar.book(lesson('a', '10:00-11:00'), signal), 'booked')
  t.equal(await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal), true)
  t.same(shown(api), ['lesson 14:00-15:00'])
  await t.rejects(calendar.book(lesson('a', '16:00-17:00'), signal), {
    name: 'PermanentError',
    message: 'Order a has a lesson on 2026-11-24T14:00:00.000Z; cancel that first',
  })
  t.same(await calendar.cancel('a', signal), interval('14:00-15:00'))
})

t.test('busy: expired holds are deleted, unless renewed meanwhile', async t => {
  const { api, clock, calendar, another } = await setUp(t)
  await lapsedHold(calendar, clock, 'a', '10:00-11:00')
  t.same(shown(api), ['hold 10:00-11:00'])
  t.same(await busy(calendar), [])
  t.same(shown(api), [])

  await lapsedHold(calendar, clock, 'b', '10:00-11:00')
  const renewed = Promise.withResolvers<void>()
  const before = api.called(/^DELETE/).length
  api.fail(/^DELETE/, { wait: renewed.promise })
  const taken = busy(calendar)
  await api.arrived(/^DELETE/, before + 1)
  t.equal(await another().hold(hold(clock, 'b', '10:00-11:00'), signal), true)
  renewed.resolve()
  t.same(await taken, [interval('10:00-11:00')])
  t.same(shown(api), ['hold 10:00-11:00'])
})

t.test('other appointments: which of them take time', async t => {
  const { api, clock, calendar } = await setUp(t)
  const ask = async (slot: string) => {
    const got = await calendar.hold(hold(clock, 'a', slot), signal)
    await calendar.cancel('a', signal)
    const { start, end } = interval(slot)
    const taken = await calendar.busy(start, end, signal)
    t.equal(taken.length === 0, got, 'hold and busy agree')
    return got
  }
  api.addEvent({ ...times('10:00-11:00'), transparency: 'transparent' })
  t.equal(await ask('10:00-11:00'), true, 'shown as free')
  api.addEvent({ ...times('10:00-11:00'), status: 'cancelled' })
  t.equal(await ask('10:00-11:00'), true, 'cancelled')
  api.addEvent({ ...times('10:00-11:00'), attendees: [{ self: true, responseStatus: 'declined' }, {}] })
  t.equal(await ask('10:00-11:00'), true, 'declined')
  api.addEvent({ ...times('10:00-11:00'), attendees: [{ responseStatus: 'declined' }] })
  t.equal(await ask('10:00-11:00'), false, 'declined by somebody else')
  api.events.clear()

  const { start, end } = interval('09:00-09:30')
  const lastWeek = (time: number) => ({ dateTime: new Date(time - 14 * 24 * 60 * MINUTE).toISOString() })
  api.addEvent({ start: lastWeek(start), end: lastWeek(end), recurrence: ['RRULE:FREQ=WEEKLY;COUNT=5'] })
  t.equal(await ask('09:15-10:00'), false, 'every week')
  t.equal(await ask('09:30-10:00'), true)
  api.events.clear()

  api.addEvent({ start: { date: '2026-11-24' }, end: { date: '2026-11-25' } })
  t.equal(await ask('10:00-11:00'), false, 'all day')
  t.equal(await ask('23:00-23:30'), true, 'of the calendar’s zone')
  api.events.clear()

  api.addEvent({ start: { date: '2026-11-24' }, end: { date: '2026-11-25' }, transparency: 'transparent' })
  t.equal(await ask('10:00-11:00'), true, 'all day, shown as free')
})

t.test('busy: our events are listed separately although Google joins them', async t => {
  const { api, clock, calendar } = await setUp(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  await calendar.hold(hold(clock, 'b', '11:00-12:00'), signal)
  api.addEvent(times('09:00-10:30'))
  api.addEvent(times('11:30-13:00'))
  t.same(await busy(calendar), [
    { ...interval('09:00-10:00'), isOther: true },
    interval('10:00-11:00'),
    interval('11:00-12:00'),
    { ...interval('12:00-13:00'), isOther: true },
  ])
})

t.test('busy: a lesson that the tutor shows as free takes no time', async t => {
  const { api, calendar } = await setUp(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  api.edit(String(api.current()[0]?.id), { transparency: 'transparent' })
  t.same(await busy(calendar), [])
  t.equal(await calendar.book(lesson('b', '10:00-11:00'), signal), 'booked')
})

t.test('all pages are read, however small', async t => {
  const { api, clock, calendar } = await setUp(t)
  api.pageSize = 1
  for (const slot of ['10:00-10:20', '10:20-10:40', '10:40-11:00']) await calendar.book(lesson(slot, slot), signal)
  t.equal(await calendar.hold(hold(clock, 'a', '10:45-11:30'), signal), false)
  t.equal((await busy(calendar)).length, 3)
  t.same(await calendar.cancel('10:40-11:00', signal), interval('10:40-11:00'))
})

t.test('an appointment made meanwhile is noticed: the claim is withdrawn', async t => {
  const { api, clock, calendar } = await setUp(t)
  const changed = googleError(412, 'conditionNotMet', 'Precondition Failed')
  for (const isChanged of [false, true]) {
    api.events.clear()
    const inserted = Promise.withResolvers<void>()
    api.fail(/^POST .*events$/, { wait: inserted.promise })
    if (isChanged) api.fail(/^DELETE/, changed)
    const before = api.called(/^POST .*events$/).length
    const held = calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
    await api.arrived(/^POST .*events$/, before + 1)
    api.addEvent(times('10:30-11:30'))
    inserted.resolve()
    t.equal(await held, false)
    t.same(shown(api), ['other 10:30-11:30'])
  }
})

t.test('an abandoned claim expires, or is reused by its order', async t => {
  const { api, clock, calendar } = await setUp(t)
  const orders = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const order of orders) {
    api.events.clear()
    api.fail(/^PUT/, 'drop')
    await t.rejects(calendar.hold(hold(clock, order, '10:00-11:00'), signal), TransientError)
    t.same(shown(api), ['claim 10:00-11:00'])
    t.equal(await calendar.hold(hold(clock, 'other', '10:30-11:30'), signal), false, 'who came first')
    t.equal(await calendar.hold(hold(clock, order, '10:00-11:00'), signal), true, 'who came first comes again')
    t.same(shown(api), ['hold 10:00-11:00'])

    api.events.clear()
    api.fail(/^PUT/, 'drop')
    await t.rejects(calendar.hold(hold(clock, order, '10:00-11:00'), signal), TransientError)
    clock.advance(MINUTE)
    t.equal(await calendar.hold(hold(clock, 'other', '10:30-11:30'), signal), true)
    t.same(shown(api), ['hold 10:30-11:30'])
  }
})

t.test('an expired hold gives way to newer appointments', async t => {
  const { api, clock, calendar } = await setUp(t)
  for (const ask of [
    () => calendar.hold(hold(clock, 'a', '10:00-11:00'), signal),
    () => calendar.book(lesson('a', '10:00-11:00'), signal).then(result => result === 'booked'),
  ]) {
    api.events.clear()
    await lapsedHold(calendar, clock, 'a', '10:00-11:00')
    api.addEvent(times('10:30-11:30'))
    t.equal(await ask(), false)
    t.same(shown(api), ['other 10:30-11:30'])
  }
})

t.test('an event that keeps changing is retried later', async t => {
  const { api, clock, calendar } = await setUp(t)
  api.fail(/^PUT/, googleError(412, 'conditionNotMet', 'Precondition Failed'), 100)
  const error = await errorOf(t, calendar.hold(hold(clock, 'a', '10:00-11:00'), signal))
  t.type(error, TransientError)
  t.match(error.message, /order a keeps changing/)
  t.ok(api.calls.length < 50)
})

t.test('cancel: an event that has changed since it was read is not cancelled', async t => {
  const { api, calendar } = await setUp(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  const edited = Promise.withResolvers<void>()
  api.fail(/^PATCH/, { wait: edited.promise })
  const cancelled = errorOf(t, calendar.cancel('a', signal))
  await api.arrived(/^PATCH/)
  api.edit(String(api.current()[0]?.id), times('14:00-15:00'))
  edited.resolve()
  t.type(await cancelled, TransientError)
  t.same(await calendar.cancel('a', signal), interval('14:00-15:00'))
})

t.test('cancel: the tutor still sees the lesson, as cancelled and as free time', async t => {
  const { api, calendar } = await setUp(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  const [booked] = api.current()
  api.edit(String(booked?.id), { summary: 'Maths: Renée (bring the book)', location: 'Kerkstraat 1' })
  await calendar.cancel('a', signal)
  t.match(api.current(), [
    {
      id: booked?.id,
      summary: 'Cancelled: Maths: Renée (bring the book)',
      description: booked?.description,
      location: 'Kerkstraat 1',
      status: 'confirmed',
      transparency: 'transparent',
      reminders: { useDefault: false },
    },
  ])
  t.same(await busy(calendar), [])

  await calendar.keep(lesson('b', '12:00-13:00'), signal)
  await calendar.cancel('b', signal)
  t.match(api.current()[1], { summary: 'Cancelled: Maths: Renée', transparency: 'transparent' })
  const [, kept] = api.current()
  api.edit(String(kept?.id), { status: 'cancelled' })
  t.equal(await calendar.lessonOf('b', signal), null, 'what the tutor deletes is not known any more')
})

t.test('cancel: an event that is deleted meanwhile was cancelled by somebody else', async t => {
  const { api, calendar } = await setUp(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  const deleted = Promise.withResolvers<void>()
  api.fail(/^PATCH/, { wait: deleted.promise })
  const cancelled = calendar.cancel('a', signal)
  await api.arrived(/^PATCH/)
  api.edit(String(api.current()[0]?.id), { status: 'cancelled' })
  deleted.resolve()
  t.equal(await cancelled, null)
})

t.test('move: the event stays the same, with what the tutor has written', async t => {
  const { api, calendar } = await setUp(t)
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  const [booked] = api.current()
  const id = String(booked?.id)
  api.edit(id, { description: 'Bring the book', colorId: '3' })
  t.equal(await moveTo(calendar, '14:00-15:00'), 'moved')
  t.match(api.current(), [{ id, description: 'Bring the book', colorId: '3' }])
  t.match(await calendar.lessonOf('a', signal), { student: 'Renée', payment: '60.00 EUR, pi_1', sequence: 2 })

  api.edit(id, { start: { date: '2026-11-24' }, end: { date: '2026-11-25' } })
  const from = Date.parse('2026-11-24T00:00Z')
  const move = { order: 'a', from, to: interval('16:00-17:00'), margin: { before: 0, after: 0 } }
  t.equal(await calendar.move(move, signal), 'moved', 'the tutor had made it an event of the whole day')
  t.strictSame(api.current()[0]?.start, { dateTime: '2026-11-24T16:00:00.000Z' })
})

t.test('move: a lesson that the tutor edits meanwhile is read again', async t => {
  const { api, calendar } = await setUp(t)
  for (const [parts, result, shownAs] of [
    [{ description: 'Bring the book' }, 'moved', 'lesson 14:00-15:00'],
    [times('16:00-17:00'), 'changed', 'lesson 16:00-17:00'],
  ] as const) {
    api.events.clear()
    await calendar.book(lesson('a', '10:00-11:00'), signal)
    const edited = Promise.withResolvers<void>()
    const before = api.called(/^PATCH/).length
    api.fail(/^PATCH/, { wait: edited.promise })
    const moved = moveTo(calendar, '14:00-15:00')
    await api.arrived(/^PATCH/, before + 1)
    api.edit(String(api.current().find(({ status }) => status === 'confirmed')?.id), parts)
    edited.resolve()
    t.equal(await moved, result)
    t.same(shown(api), [shownAs], 'without a hold')
  }
  api.events.clear()
  await calendar.book(lesson('a', '10:00-11:00'), signal)
  api.fail(/^PATCH/, googleError(412, 'conditionNotMet', 'Precondition Failed'), 100)
  t.match(await errorOf(t, moveTo(calendar, '14:00-15:00')), {
    name: 'TransientError',
    message: 'Google Calendar: the lesson of order a keeps changing',
  })
})

t.test('setPayment: the event says it too, and keeps what the tutor has written', async t => {
  const { api, calendar } = await setUp(t)
  await calendar.book({ ...lesson('a', '10:00-11:00'), payment: 'unpaid' }, signal)
  const [booked] = api.current()
  const id = String(booked?.id)
  api.edit(id, { summary: 'Maths with R.', description: `Bring the book\n${booked?.description}` })
  const change = { order: 'a', from: 'unpaid', to: '60.00 EUR, cash, $& <R&B>' }
  t.equal(await calendar.setPayment(change, signal), 'set')
  const description = `Bring the book\n${booked?.description}`.replace(
    'unpaid',
    () => '60.00 EUR, cash, $&amp; &lt;R&amp;B>',
  )
  t.match(api.current(), [{ id, summary: 'Maths with R.', description }])
  t.match(await calendar.lessonOf('a', signal), { payment: change.to, student: 'Renée', sequence: 1 })
  api.edit(id, { description: undefined })
  t.equal(await calendar.setPayment({ order: 'a', from: change.to, to: '60.00 EUR, transfer' }, signal), 'set')
  t.match(await calendar.lessonOf('a', signal), { payment: '60.00 EUR, transfer' })
})

t.test('setPayment: a lesson that the tutor edits meanwhile is read again', async t => {
  const { api, calendar } = await setUp(t)
  await calendar.book({ ...lesson('a', '10:00-11:00'), payment: 'unpaid' }, signal)
  const edited = Promise.withResolvers<void>()
  api.fail(/^PATCH/, { wait: edited.promise })
  const set = calendar.setPayment({ order: 'a', from: 'unpaid', to: '60.00 EUR, cash' }, signal)
  await api.arrived(/^PATCH/)
  api.edit(String(api.current()[0]?.id), { description: 'Bring the book' })
  edited.resolve()
  t.equal(await set, 'set')
  t.match(api.current(), [{ description: 'Bring the book' }])
  t.match(await calendar.lessonOf('a', signal), { payment: '60.00 EUR, cash' })
  api.fail(/^PATCH/, googleError(412, 'conditionNotMet', 'Precondition Failed'), 100)
  const again = calendar.setPayment({ order: 'a', from: '60.00 EUR, cash', to: 'unpaid' }, signal)
  t.match(await errorOf(t, again), {
    name: 'TransientError',
    message: 'Google Calendar: the lesson of order a keeps changing',
  })
})

t.test('a lesson that no conversation belongs to', async t => {
  const { calendar } = await setUp(t)
  await calendar.book({ ...lesson('a', '10:00-11:00'), conversation: '' }, signal)
  t.match(await calendar.lessonOf('a', signal), { student: 'Renée', conversation: '' })
})

t.test('move: an order without a lesson keeps its hold', async t => {
  const { api, clock, calendar } = await setUp(t)
  await calendar.hold(hold(clock, 'a', '14:00-15:00'), signal)
  t.equal(await moveTo(calendar, '14:00-15:00'), 'changed')
  t.same(shown(api), ['hold 14:00-15:00'])
})

t.test('lessons that an earlier version has booked: what it wrote for the tutor is read', async t => {
  const { api, clock, calendar } = await setUp(t)
  const names = ['tutorbotKind', 'tutorbotOrder', 'tutorbotSlot']
  /** As the version before booked it. */
  const book = async (order: string, time: string, parts: object = {}) => {
    await calendar.book({ ...lesson(order, time), student: '<b>Renée</b> & co', ...parts }, signal)
    const event = api.current().find(({ description }) => description?.endsWith(`Order: ${order}`))
    const own = propertiesOf(event)
    const kept = Object.fromEntries(names.map(name => [name, String(own[name])]))
    api.edit(String(event?.id), { extendedProperties: { private: { ...kept, tutorbotUntil: '0' } } })
    return String(event?.id)
  }
  await book('a', '10:00-11:00')
  const lessonA = { ...lesson('a', '10:00-11:00'), student: '<b>Renée</b> & co', changedAt: clock.now(), sequence: 1 }
  t.strictSame(await calendar.lessonOf('a', signal), lessonA)
  t.equal(await moveTo(calendar, '14:00-15:00'), 'moved')
  t.match(await calendar.lessonOf('a', signal), { start: at('14:00'), sequence: 2, payment: '60.00 EUR, pi_1' })
  t.equal(await calendar.setPayment({ order: 'a', from: '60.00 EUR, pi_1', to: 'unpaid' }, signal), 'set')
  t.match(await calendar.lessonOf('a', signal), { student: '<b>Renée</b> & co', sequence: 2, payment: 'unpaid' })
  await book('b', '12:00-13:00', { payment: null })
  t.equal((await calendar.lessonOf('b', signal))?.payment, null)
  const edited = await book('c', '16:00-17:00', { payment: null })
  api.edit(edited, { description: undefined })
  t.match(await calendar.lessonOf('c', signal), { student: '', service: '', payment: 'not known', conversation: '' })
})

t.test('cancel: an order that still has both a lesson and a hold', async t => {
  const { api, clock, calendar } = await setUp(t)
  await calendar.hold(hold(clock, 'a', '12:00-13:00'), signal)
  api.fail(/^DELETE/, 'drop')
  await t.rejects(calendar.book(lesson('a', '10:00-11:00'), signal), TransientError)
  t.same(shown(api), ['hold 12:00-13:00', 'lesson 10:00-11:00'])
  t.same(await calendar.cancel('a', signal), interval('10:00-11:00'))
  t.same(shown(api), ['cancelled 10:00-11:00'])
})

t.test('invalid times are refused without a request', async t => {
  const { api, clock, calendar } = await setUp(t)
  const held = hold(clock, 'a', '10:00-11:00')
  for (const margin of [
    { before: -1, after: 0 },
    { before: 0, after: NaN },
  ]) {
    await t.rejects(calendar.hold({ ...held, margin }, signal), { name: 'PermanentError', message: /margins/ })
  }
  await t.rejects(calendar.busy(at('10:00'), at('09:00'), signal), { name: 'PermanentError', message: /no time from/ })
  t.equal(api.calls.length, 0)
})

t.test('a calendar not shared, or shared read-only: the error says who must share it with whom', async t => {
  const { api, clock, calendar } = await setUp(t)
  api.role = 'reader'
  t.same(await busy(calendar), [], 'to be read')
  const unwritable = await errorOf(t, calendar.hold(hold(clock, 'a', '10:00-11:00'), signal))
  t.type(unwritable, PermanentError)
  t.equal(
    unwritable.message,
    'Google refused events.insert: 403 requiredAccessLevel You need to have writer access to this calendar. ' +
      `(share the calendar with ${api.email}, with the right to change events)`,
  )
  api.role = 'none'
  const unknown = await errorOf(t, busy(calendar))
  t.type(unknown, PermanentError)
  t.match(unknown.message, `events.list: 404 notFound Not Found (share the calendar with ${api.email}`)
})

t.test('errors of free/busy about the calendar itself', async t => {
  const { api, calendar } = await setUp(t)
  const answer = (calendars: object) => ({ status: 200, body: { kind: 'calendar#freeBusy', calendars } })
  const error = (reason: string) =>
    answer({ [api.calendarId]: { errors: [{ domain: 'global', reason }, { domain: 'global' }], busy: [] } })
  const cases: [Behaviour, typeof PermanentError | typeof TransientError, RegExp][] = [
    [error('notFound'), PermanentError, /freebusy.query: 200 notFound \(share the calendar with bot@/],
    [error('internalError'), TransientError, /internalError/],
    [answer({}), PermanentError, /freebusy.query/],
    [answer({ [api.calendarId]: {} }), PermanentError, /freebusy.query/],
  ]
  for (const [behaviour, type, message] of cases) {
    api.fail(/freeBusy/, behaviour)
    const error = await errorOf(t, busy(calendar))
    t.type(error, type, JSON.stringify(behaviour))
    t.match(error.message, message)
  }
})

t.test('a refusal is permanent and quotes Google’s message', async t => {
  for (const [status, reason] of [
    [400, 'invalid'],
    [403, 'accessNotConfigured'],
    [409, 'conflict'],
    [412, 'conditionNotMet'],
  ] as const) {
    const { error, requests } = await failureOf(t, googleError(status, reason, 'No.'))
    t.type(error, PermanentError)
    t.equal(error.message, `Google refused events.list: ${status} ${reason} No.`)
    t.equal(requests, 1)
  }
})

t.test('transient: rate limits and Google’s own errors; not repeated, since the inbox retries', async t => {
  const cases: [number, string][] = [
    [403, 'rateLimitExceeded'],
    [403, 'userRateLimitExceeded'],
    [403, 'quotaExceeded'],
    [403, 'dailyLimitExceeded'],
    [408, 'timeout'],
    [429, 'rateLimitExceeded'],
    [500, 'backendError'],
    [503, 'backendError'],
  ]
  for (const [status, reason] of cases) {
    const { error, requests } = await failureOf(t, googleError(status, reason, 'Later.'))
    t.type(error, TransientError, `${status} ${reason}`)
    t.equal((error as TransientError).retryAfterMs, 0)
    t.equal(requests, 1)
  }
})

t.test('Retry-After is passed on', async t => {
  for (const status of [403, 429]) {
    const answer = googleError(status, 'rateLimitExceeded', 'Later.', { 'retry-after': '7' })
    const { error } = await failureOf(t, answer)
    t.match(error, {
      message: `Google refused events.list: ${status} rateLimitExceeded Later.`,
      retryAfterMs: 7_000,
    })
  }
})

t.test('dropped connections, redirects and a proxy’s pages are transient', async t => {
  const page = (status: number, type: string) => ({
    status,
    headers: { 'content-type': type },
    body: '<html>We are moving house</html>',
  })
  const cases: [Behaviour, RegExp][] = [
    ['drop', /^Google could not be reached for events.list: E\w+$/],
    ['drop after', /^Google could not be reached for events.list: E\w+$/],
    [{ status: 302, headers: { location: '/elsewhere' } }, /could not be reached/],
    [page(200, 'text/html'), /^The answer to events.list is not Google's$/],
    [page(200, 'application/json'), /is not Google's$/],
    [page(200, 'application/octet-stream'), /is not Google's$/],
    [{ status: 200, body: { kind: 'calendar#event' } }, /is not Google's$/],
    [{ status: 200, headers: { 'content-type': 'application/json' }, body: 'null' }, /is not Google's$/],
    [page(502, 'text/html'), /^Google refused events.list: 502$/],
  ]
  for (const [behaviour, message] of cases) {
    const { error, requests } = await failureOf(t, behaviour)
    t.type(error, TransientError, JSON.stringify(behaviour))
    t.match(error.message, message)
    t.equal(requests, 1)
  }
  const { api, clock, calendar } = await setUp(t)
  await calendar.hold(hold(clock, 'a', '10:00-11:00'), signal)
  api.fail(/^DELETE/, page(200, 'text/html'))
  await t.rejects(calendar.cancel('a', signal), { name: 'TransientError', message: /events.delete is not Google's/ })
})

t.test('no answer: fails within the timeout of a call', async t => {
  for (const matcher of [/calendar/, /token/]) {
    const { error, requests } = await failureOf(t, 'hang', matcher, 100)
    t.type(error, TransientError)
    t.equal(error.message, 'Google did not answer events.list within 100 ms')
    t.ok(requests <= 1, 'not tried again')
  }
})

t.test('an abort ends any request at once, and nothing is sent after it', async t => {
  for (const matcher of [/^GET .*timeMin/, /freeBusy/, /token/]) {
    const { api, calendar } = await setUp(t)
    const abort = new AbortController()
    const gate = Promise.withResolvers<void>()
    api.fail(matcher, { wait: gate.promise })
    const error = errorOf(t, busy(calendar, '00:00-24:00', abort.signal))
    await api.arrived(matcher)
    abort.abort()
    t.match(await error, { name: 'TransientError', message: / was aborted$/ })
    const requests = api.calls.length
    gate.resolve()
    t.same(await busy(calendar), [], 'the next one is not harmed')
    t.equal(api.calls.length, requests + 2, 'a list and free/busy')
  }
  const { api, calendar } = await setUp(t)
  await t.rejects(busy(calendar, '00:00-24:00', AbortSignal.abort()), TransientError)
  t.equal(api.calls.length, 0)
})

t.test('concurrent calls request one token', async t => {
  const { api, calendar } = await setUp(t)
  await Promise.all([busy(calendar), busy(calendar), busy(calendar)])
  t.equal(api.called('POST /token').length, 1)
})

t.test('a refused token is replaced on the next call', async t => {
  const { api, calendar } = await setUp(t)
  await busy(calendar)
  api.revokeTokens()
  t.match(await errorOf(t, busy(calendar)), {
    name: 'TransientError',
    message: 'Google refused the token for events.list',
  })
  t.same(await busy(calendar), [])
  t.equal(api.tokens.size, 2)
})

t.test('no token: permanent or transient', async t => {
  const cases: [Behaviour, typeof PermanentError | typeof TransientError, RegExp][] = [
    ['drop', TransientError, /could not be reached for the token request of events.list: ECONNRESET$/],
    [{ status: 503 }, TransientError, /refused the token request of events.list: 503$/],
    [{ status: 200, body: '<html>Soon</html>' }, TransientError, /refused the token for events.list$/],
    [oauthError(400, 'invalid_grant', 'Invalid JWT Signature.'), PermanentError, /400 invalid_grant Invalid JWT Sig/],
    [oauthError(401, 'invalid_client', 'Unauthorized'), PermanentError, /401 invalid_client Unauthorized$/],
    [{ status: 400, body: { error: 'invalid_scope' } }, PermanentError, /400 invalid_scope$/],
  ]
  for (const [behaviour, type, message] of cases) {
    const { error, requests } = await failureOf(t, behaviour, /token/)
    t.type(error, type, JSON.stringify(behaviour))
    t.match(error.message, message)
    t.equal(requests, 1, 'asked once')
  }
})

t.test('another’s key is refused', async t => {
  const { another } = await setUp(t)
  const stranger = await startGoogleApi(createKey())
  t.teardown(() => stranger.close())
  const error = await errorOf(t, busy(another({ serviceAccount: stranger.serviceAccount })))
  t.type(error, PermanentError)
  t.equal(error.message, 'Google refused the token request of events.list: 400 invalid_grant Invalid JWT Signature.')
})

t.test('no error contains the key, a token or an assertion', async t => {
  const { api, calendar } = await setUp(t)
  await busy(calendar)
  const [token] = [...api.tokens]
  const [{ body }] = api.called('POST /token') as [Call]
  const errors: Error[] = []
  const failing = async (matcher: RegExp, behaviour: Behaviour) => {
    api.fail(matcher, behaviour)
    errors.push(await errorOf(t, busy(calendar)))
  }
  await failing(/calendar/, 'drop')
  await failing(/calendar/, { status: 500, body: `<html>Bearer ${token}</html>` })
  await failing(/calendar/, { status: 200, body: `<html>Bearer ${token}</html>` })
  await failing(/calendar/, googleError(400, 'invalid', `What is Bearer ${token}?`))
  api.revokeTokens()
  errors.push(await errorOf(t, busy(calendar)))
  await failing(/token/, 'drop')
  await failing(/token/, oauthError(400, 'invalid_grant', `What is ${body.assertion}?`))
  t.equal(errors.length, 7)
  const key = String(JSON.parse(api.serviceAccount).private_key).split('\n')
  const secrets = [...api.tokens, ...key.slice(1, -2), ...String(body.assertion).split('.')]
  for (const error of errors) {
    const text = inspect(error, { depth: 99, showHidden: true })
    t.same(
      secrets.filter(secret => text.includes(secret)),
      [],
      error.message,
    )
    t.equal(error.cause, undefined)
  }
  t.match(errors.at(-1)?.message, 'invalid_grant What is …')
})

t.test('an error that is not Google’s is passed on unchanged', async t => {
  const { api, another } = await setUp(t)
  const error = await errorOf(t, busy(another({ calendarId: '..' })))
  t.match(error, { name: 'Error', message: /calendarId/ })
  t.equal(api.calls.length, 0)
})

/** An expired hold. */
async function lapsedHold(calendar: Calendar, clock: TestClock, order: string, slot: string): Promise<void> {
  const held = hold(clock, order, slot)
  await calendar.hold(held, signal)
  clock.advance(held.until - clock.now())
}

/** Two operations of two instances, each time in a calendar that is empty except for what `before` does. */
interface Race<A, B> {
  before?(calendar: Calendar, clock: TestClock, api: GoogleApi): Promise<unknown>
  first(calendar: GoogleCalendar, clock: TestClock): Promise<A>
  second(calendar: GoogleCalendar, clock: TestClock): Promise<B>
  check(t: Test, results: [A, B], events: string[], order: string): void
}

/** Runs a race in many of the orders in which the requests can arrive. */
async function race<A, B>(t: Test, { before, first, second, check }: Race<A, B>): Promise<void> {
  const { api, clock, calendar, another } = await setUp(t)
  const [one, other] = [await runner(api, another()), await runner(api, another())]
  const inOrder = async (turns: boolean[]) => {
    api.events.clear()
    // Each call is looked for among all that are remembered, and matched against all remaining failures.
    api.calls.length = 0
    api.recover()
    await before?.(calendar, clock, api)
    const running = Promise.all([
      one.start(() => first(one.calendar, clock)),
      other.start(() => second(other.calendar, clock)),
    ])
    for (const turn of turns) await (turn ? one : other).letOneThrough()
    one.letAllThrough()
    other.letAllThrough()
    check(t, await running, shown(api), turns.map(turn => (turn ? 1 : 2)).join(''))
  }
  const turns = fc.array(fc.boolean(), { minLength: 24, maxLength: 24 })
  await fc.assert(fc.asyncProperty(turns, inOrder), { numRuns: 40 })
}

/** An instance whose requests wait until they are let through. */
async function runner(api: GoogleApi, calendar: GoogleCalendar) {
  await busy(calendar)
  const token = [...api.tokens].at(-1)
  const isIts = ({ headers }: Call) => headers.authorization === `Bearer ${token}`
  let gates: PromiseWithResolvers<void>[] = []
  let over: Promise<unknown> = Promise.resolve()
  let isOver = true
  let before = 0
  let passed = 0
  return {
    calendar,
    start<T>(operation: () => Promise<T>): Promise<T> {
      const current = Array.from({ length: 40 }, () => Promise.withResolvers<void>())
      for (const { promise } of current) api.fail(call => gates === current && isIts(call), { wait: promise })
      gates = current
      before = api.called(isIts).length
      passed = 0
      const end = () => {
        isOver = true
      }
      const result = operation()
      isOver = false
      over = result.then(end, end)
      return result
    },
    /** Its next request, or nothing if it has ended. */
    async letOneThrough(): Promise<void> {
      if (isOver) return
      await Promise.race([over, api.arrived(isIts, before + passed + 1)])
      if (isOver) return
      gates[passed]?.resolve()
      passed++
    },
    letAllThrough(): void {
      for (const { resolve } of gates) resolve()
      gates = []
    },
  }
}

/** What a failure is to be grouped by: the status of a refusal. */
const codeOf = (behaviour: Behaviour) =>
  typeof behaviour === 'object' && 'status' in behaviour && behaviour.status !== 200 ? { code: behaviour.status } : {}

t.test('what is proof that Google is unavailable, and what may be about one call', async t => {
  const cases: [Behaviour, boolean][] = [
    [googleError(403, 'rateLimitExceeded', 'Later.'), true],
    [googleError(429, 'rateLimitExceeded', 'Later.'), true],
    [googleError(503, 'backendError', 'Later.'), true],
    [{ status: 200, body: '<html>' }, true],
    [googleError(500, 'backendError', 'Later.'), false],
    ['drop', false],
  ]
  for (const [behaviour, isProof] of cases) {
    const { error } = await failureOf(t, behaviour)
    t.match(
      (error as TransientError).outage,
      { system: 'google', isProof, ...codeOf(behaviour) },
      JSON.stringify(behaviour),
    )
  }
  const hanging = await failureOf(t, 'hang', /calendar/, 50)
  t.strictSame(
    (hanging.error as TransientError).outage,
    { system: 'google', isProof: false, code: 'timeout' },
    'too slow',
  )
  const { api, calendar } = await setUp(t)
  const aborted = await errorOf(t, busy(calendar, '00:00-24:00', AbortSignal.abort()))
  t.match(aborted, { constructor: TransientError, outage: undefined }, 'we have stopped the call')
  await api.close()
  const refused = await errorOf(t, busy(calendar))
  const unreachable = { system: 'google', isProof: true, code: 'ECONNREFUSED' }
  t.strictSame((refused as TransientError).outage, unreachable, 'connection refused')
  const missing = await failureOf(t, googleError(404, 'notFound', 'Not Found'))
  t.equal(causeOf(missing.error), 'GoogleRefusedError:google:404')
})

t.test('the gate is asked before each call, and told of Google’s own answers; the probe passes it', async t => {
  const { api, clock } = await setUp(t)
  const { serviceAccount, calendarId, url: apiBase } = api
  let answered = 0
  let problem: Error | undefined
  const gate = {
    enter() {
      if (problem !== undefined) throw problem
    },
    answered: () => void answered++,
  }
  const calendar = createGoogleCalendar({ serviceAccount, calendarId, apiBase }, clock, gate)
  await busy(calendar)
  t.equal(answered, 2, 'a list and free/busy')
  api.fail(/GET/, googleError(404, 'notFound', 'Not Found'))
  t.type(await errorOf(t, busy(calendar)), PermanentError)
  t.equal(answered, 3, 'a refusal is an answer')
  problem = new TransientError('held')
  await t.rejects(busy(calendar), problem)
  await calendar.probe(signal)
  t.match(api.calls.at(-1)?.path, /events\?maxResults=1$/)
  api.fail(/GET/, googleError(404, 'notFound', 'Not Found'))
  await calendar.probe(signal)
  api.fail(/GET/, googleError(503, 'backendError', 'Later.'))
  await t.rejects(calendar.probe(signal), TransientError)
  t.equal(answered, 3)
})
