import t, { type Test } from 'tap'
import type { LocalCalendar } from '../../calendar/contract.ts'
import { newOrder } from '../../handlers/booking.ts'
import type { Conversation } from '../../handlers/conversation.ts'
import { releaseUnsold } from '../../handlers/unsold.ts'
import type { Delivery } from '../../inbox/contracts.ts'
import { TransientError } from '../../inbox/errors.ts'
import { webhookApp } from '../helpers/app.ts'
import { setUp } from '../helpers/lesson-story.ts'
import { weeklyTime } from '../helpers/local-calendar-conformance.ts'
import { postgresServer } from '../helpers/postgres-server.ts'

/** A message that books a weekly time is given up: nobody was told of it, and it is not held for ever. */

const HOUR = 3_600_000
const WEEK = 7 * 24 * HOUR
const signal = AbortSignal.timeout(60_000)
const server = await postgresServer()
t.teardown(() => server.close())

for (const name of ['SQLite', 'PostgreSQL']) {
  t.test(`${name}: it ends, and its unpaid lessons are cancelled; another one and its lessons stay`, async t => {
    const { services } = await setUp(t)
    const { app } = await webhookApp(t, name === 'SQLite' ? {} : { store: await server.database() })
    await app.ready()
    const calendar = app.webhooks.calendar as LocalCalendar
    const given = { ...services, calendar, now: Date.now }
    const delivery = { id: 'given up' } as Delivery
    const own = await newOrder(services, '7', delivery)
    await calendar.weekly.add({ ...weeklyTime(own, 2, '17:00'), conversation: '7' })
    await calendar.weekly.add({ ...weeklyTime('7-other', 3, '17:00'), conversation: '7' })
    const book = (order: string, start: number, payment: string) =>
      calendar.book({ order, start, end: start + HOUR, student: 'R', service: 'S', payment, conversation: '7' }, signal)
    const start = Date.now() + 30 * HOUR
    await book(`${own}-20261124`, start, 'unpaid')
    await book(`${own}-20261201`, start + WEEK, '60.00 EUR, cash')
    await book('7-other-20261125', start + 24 * HOUR, 'unpaid')
    const context = { signal, log: app.log, once: async (_: string, step: () => unknown) => step() } as never
    const conversation = { id: '7', attributes: {} } as Conversation
    for (const time of ['once', 'again']) {
      await releaseUnsold(given, conversation, delivery, context)
      t.match(await calendar.weekly.all(), [{ id: '7-other' }], time)
      const left = await calendar.lessonsOf({ conversation: '7' }, 0, signal)
      t.strictSame(
        left.map(({ order }) => order),
        ['7-other-20261125', `${own}-20261201`],
        time,
      )
    }
  })
}

async function givenUp(t: Test) {
  const tutor = await setUp(t, { tutor: { reminders: { hours: [] } } })
  const renee = tutor.student('widget')
  for (const text of ['Hoi', 'elke dinsdag 17:00']) await renee.says(text)
  const { calendar } = tutor.app.webhooks
  const { book } = calendar
  let booked = 0
  // The third lesson can't be booked.
  const failing: typeof book = async (...lesson) => {
    if (booked === 2) throw new TransientError('the calendar is away')
    booked++
    return book.apply(calendar, lesson)
  }
  calendar.book = failing
  return {
    ...tutor,
    renee,
    calendar,
    /** All attempts in order. */
    async untilGivenUp() {
      const delivery = await renee.sends('ja')
      for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(delivery, attempt)
      t.match(await tutor.ended(delivery, 7), { msg: 'webhook parked' })
      calendar.book = book
      return delivery
    },
  }
}

t.test('a person takes over, and the time can be had again', async t => {
  const { renee, untilGivenUp, calendar, lessons, ...tutor } = await givenUp(t)
  await untilGivenUp()
  t.match(renee.conversation, { status: 'open', labels: ['intent:handoff'] })
  t.match(renee.notes().at(-1), /the calendar is away/)
  t.strictSame(await calendar.weekly?.all(), [])
  t.strictSame(await lessons(), [])
  const tim = tutor.student('widget', { id: 4100043, contact: 4100002 })
  for (const text of ['Hoi', 'elke dinsdag 17:00']) await tim.says(text)
  t.match(await tim.says('ja'), [/^Je vaste les staat: elke dinsdag om 17:00/])
})

t.test('the student could not be told then: tried again later, a person takes over, and nothing is booked', async t => {
  const { renee, untilGivenUp, calendar, lessons, chatwoot, nextAttempt } = await givenUp(t)
  const { length } = renee.read()
  // It is the bot's for as long as it can't be handed over.
  chatwoot.fail(/^POST .*(messages|toggle_status)$/, { status: 422, body: { error: 'no' } }, 1)
  const delivery = await untilGivenUp()
  t.equal(renee.read().length, length)
  await nextAttempt(delivery, 7)
  t.match(renee.read().slice(length), [/iemand van ons neemt dit/])
  t.match(renee.notes().at(-1), /the weekly time 4100042-\w{8} was given up/)
  t.strictSame(await calendar.weekly?.all(), [])
  t.strictSame(await lessons(), [])
})
