import tap from 'tap'
import { LESSON_EVENTS } from '../../handlers/lesson-requests.ts'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { webhookApp } from '../helpers/app.ts'
import { OPERATOR_TOKEN, operator } from '../helpers/operator.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { until } from '../helpers/wait.ts'

/** Two instances on one PostgreSQL database that mark the same lessons as paid at once, in real time. */

const server = await postgresServer()
tap.teardown(() => server.close())

const LESSONS = 6
const HOUR = 3_600_000
const signal = AbortSignal.timeout(200_000)

tap.test('each lesson is marked by one of them; the other says that it is paid already', async t => {
  const store = await server.database()
  const open = async () => {
    const { app } = await webhookApp(t, { store, operator: { token: OPERATOR_TOKEN } })
    await app.ready()
    return app
  }
  const instances = await Promise.all([open(), open()])
  const [{ webhooks }] = instances
  const orders = Array.from({ length: LESSONS }, (_, n) => `OPL-${n}`)
  for (const [n, order] of orders.entries()) {
    const start = Date.now() + (100 + n) * HOUR
    const lesson = { order, start, end: start + HOUR, student: 'x', service: 'y', payment: 'unpaid', conversation: '' }
    await webhooks.calendar.book(lesson, signal)
  }
  const hows = ['cash', 'invoice'] as const
  const asked = orders.flatMap(order => hows.map((how, index) => ({ order, how, index, key: `${order} ${how}` })))
  await Promise.all(
    asked.map(({ order, how, index, key }) =>
      instances[index]?.webhooks.inbox.schedule({
        key,
        // Not in one order: as if they had come at the very same moment.
        orderingKey: key,
        event: LESSON_EVENTS.pay,
        payload: { order, how, amount: 6000, currency: 'EUR', payer: '', conversation: '' },
        at: 0,
      }),
    ),
  )
  const { api } = operator(instances[0])
  const states = () =>
    Promise.all(asked.map(async ({ key }) => api('GET', `/lessons/changes/${deliveryId('inbox', key)}`)))
  const areOver = async () => (await states()).every(({ state }) => state === 'done' || state === 'refused')
  await until('all to be decided', areOver)
  const over = await states()
  for (const order of orders) {
    const ofOne = asked.map((each, index) => ({ ...each, ...over[index] })).filter(each => each.order === order)
    t.same(ofOne.map(({ state }) => state).sort(), ['done', 'refused'], order)
    const done = ofOne.find(({ state }) => state === 'done')
    t.match(ofOne.find(({ state }) => state === 'refused')?.why, /paid already/)
    t.match(await webhooks.calendar.lessonOf?.(order, signal), { payment: `60.00 EUR, ${done?.how}` })
  }
})
