import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { calendar, inbox } from '../../app.ts'
import { TransientError } from '../../inbox/errors.ts'
import { lesson } from '../helpers/calendar-conformance.ts'
import { testClock } from '../helpers/clock.ts'

const { signal } = new AbortController()
const MINUTE = 60_000

t.test('inbox and calendar as separate plugins share a file', async t => {
  const store = join(t.testdir(), 'webhooks.db')
  const clock = testClock()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(inbox, { store, clock })
  await app.register(calendar, { store, clock })
  t.equal(await app.webhooks.calendar.book(lesson('a', '10:00-11:00'), signal), 'booked')
  t.match(await app.webhooks.calendar.lessons?.(0, 8e15), [{ order: 'a' }])
})

t.test('no reservation lapses because of an outage', async t => {
  const store = join(t.testdir(), 'webhooks.db')
  const clock = testClock()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(inbox, { store, clock })
  await app.register(calendar, { store, clock })
  const { calendar: lessons, breakers } = app.webhooks
  let isDown = true
  breakers.watch('chatwoot', async () => {
    if (isDown) throw new Error('down')
  })
  const start = clock.now() + 24 * 60 * MINUTE
  const range = [start, start + 60 * MINUTE, signal] as const
  const margin = { before: 0, after: 0 }
  const reserved = { order: 'a', start, end: start + 60 * MINUTE, until: clock.now() + 30 * MINUTE, margin }
  t.equal(await lessons.hold(reserved, signal), true)

  clock.advance(20 * MINUTE)
  breakers.failed('box', new TransientError('502', { outage: { system: 'chatwoot', isProof: true } }))
  clock.advance(40 * MINUTE)
  t.equal((await lessons.busy(...range)).length, 1, 'its payment may wait')
  isDown = false
  while (breakers.isAnyHeld()) {
    clock.advance(1_000)
    await new Promise(setImmediate)
  }
  t.equal((await lessons.busy(...range)).length, 1, 'and may still be behind others')
  clock.advance(10 * MINUTE)
  t.equal((await lessons.busy(...range)).length, 0, 'ten minutes were left')
})

t.test('the calendar plugin alone says what is missing', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const store = join(t.testdir(), 'webhooks.db')
  await t.rejects(async () => await app.register(calendar, { store }), {
    message: /webhooks\.db can't be opened as a calendar .*; open the inbox's store in it first$/,
  })
})
