import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { calendar, inbox } from '../../app.ts'
import { lesson } from '../helpers/calendar-conformance.ts'
import { testClock } from '../helpers/clock.ts'

const { signal } = new AbortController()

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

t.test('the calendar plugin alone says what is missing', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const store = join(t.testdir(), 'webhooks.db')
  await t.rejects(async () => await app.register(calendar, { store }), {
    message: /webhooks\.db can't be opened as a calendar .*; open the inbox's store in it first$/,
  })
})
