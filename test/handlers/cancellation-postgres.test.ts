import tap from 'tap'
import { stripeSession } from '../../commands/samples.ts'
import type { Cancelled } from '../../handlers/cancellation.ts'
import type { Services } from '../../handlers/services.ts'
import { pay } from '../../sandbox/payments.ts'
import { startStripeApi } from '../../sandbox/stripe-api.ts'
import { webhookApp } from '../helpers/app.ts'
import { CANCEL, cancelHandlers } from '../helpers/cancelling.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { until } from '../helpers/wait.ts'

/** Two instances on one PostgreSQL database that cancel the same lessons at once, in real time. */

const server = await postgresServer()
tap.teardown(() => server.close())

const LESSONS = 6
const HOUR = 3_600_000
const signal = AbortSignal.timeout(200_000)

tap.test('each lesson is cancelled by one of them, and paid back once', async t => {
  const store = await server.database()
  const stripe = await startStripeApi()
  const outcomes: Cancelled[] = []
  const instances = []
  for (let n = 0; n < 2; n++) {
    const services = {} as Services
    const handlers = { inbox: cancelHandlers(() => services, outcomes) }
    const { app } = await webhookApp(t, {
      store,
      stripe: { apiBase: stripe.url, secretKey: stripe.secretKey },
      tutor: { cancellation: { refund: 'automatic', maxRefundsPerDay: LESSONS - 1 } },
      handlers,
    })
    await app.ready()
    const { calendar, inbox, events, tutor } = app.webhooks
    Object.assign(services, {
      chatwoot: null,
      stripe: app.webhooks.stripe,
      calendar,
      tutor,
      zone: 'Europe/Amsterdam',
      installationId: () => inbox.installationId(),
      events,
      now: Date.now,
    })
    instances.push(app)
  }
  t.teardown(() => stripe.close())
  const [one, other] = instances as [(typeof instances)[number], (typeof instances)[number]]

  const start = Date.now() + 100 * HOUR
  const orders = Array.from({ length: LESSONS }, (_, n) => `OPL-${n}`)
  for (const [n, order] of orders.entries()) {
    const session = stripeSession({ session: `cs_${order}`, paymentIntent: null, metadata: { order_id: order } })
    stripe.sessions.set(session.id, session as never)
    pay(session as never, `pi_${order.replace('-', '_')}`)
    const at = start + n * HOUR
    const payment = `60.00 EUR, pi_${order.replace('-', '_')}`
    await one.webhooks.calendar.book(
      { order, start: at, end: at + HOUR, student: 'Sam', service: 'math', payment, conversation: '' },
      signal,
    )
  }
  // Some answers are lost on the way.
  stripe.fail('POST /v1/refunds', 'drop after', 2)
  const asked = orders.flatMap(order =>
    [one, other].map((app, n) =>
      app.webhooks.inbox.schedule({
        key: `${order} ${n}`,
        orderingKey: `${order} ${n}`,
        event: CANCEL,
        payload: { order, by: 'student', refund: true },
        at: 0,
      }),
    ),
  )
  await Promise.all(asked)
  await until('all to be handled', () => outcomes.length === 2 * LESSONS, { seen: () => outcomes })

  t.equal(outcomes.filter(({ cancelled }) => cancelled).length, LESSONS, 'each by one')
  const made = stripe.refunds.map(({ payment_intent }) => payment_intent)
  t.equal(made.length, LESSONS - 1, 'and no more than the most of a day')
  t.equal(new Set(made).size, LESSONS - 1)
  t.equal(outcomes.filter(({ refunded }) => refunded !== null).length, 2 * (LESSONS - 1), 'both know what came of it')
  t.equal(outcomes.filter(({ person }) => person?.startsWith("The day's automatic refunds are used up")).length, 2)
  t.same(await one.webhooks.calendar.lessons?.(start, start + 100 * HOUR), [])
})
