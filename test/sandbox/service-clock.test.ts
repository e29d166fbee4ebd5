import { join } from 'node:path'
import Stripe from 'stripe'
import t from 'tap'
import { chatwoot, railsJson, stripeEvent, stripePaymentIntent } from '../../commands/samples.ts'
import type { TakenDelivery } from '../../inbox/contracts.ts'
import { openSqliteStore } from '../../inbox/sqlite/store.ts'
import { signChatwoot } from '../../plugins/verification.ts'
import { offsetClock } from '../../sandbox/offset-clock.ts'
import { buildServer } from '../../server.ts'
import { CHATWOOT_SECRET, STRIPE_SECRET } from '../helpers/app.ts'
import { testClock } from '../helpers/clock.ts'
import { delivery } from '../helpers/inbox.ts'

const DAY = 86_400_000
const CALENDAR_TOKEN = 'the-token-of-the-calendar'

t.test('a server that is given a clock goes by it alone', async t => {
  const clock = offsetClock()
  clock.move(40 * DAY)
  const env = {
    DATABASE_URL: join(t.testdir(), 'webhooks.db'),
    LOG_LEVEL: 'silent',
    CW_HMAC_SECRET: CHATWOOT_SECRET,
    STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    CALENDAR_TOKEN,
  }
  const app = await buildServer({ env, clock })
  t.teardown(() => app.close())
  const message = railsJson(chatwoot.incoming())
  const payment = JSON.stringify(stripeEvent('payment_intent.succeeded', stripePaymentIntent()))
  const post = async (url: string, payload: string, headers: Record<string, string>) =>
    (await app.inject({ method: 'POST', url, payload, headers })).json()
  const ofChatwoot = (timestamp?: number) => post('/cw', message, signChatwoot(message, CHATWOOT_SECRET, timestamp))
  const ofStripe = (timestamp?: number) => {
    const signature = Stripe.webhooks.generateTestHeaderString({
      payload: payment,
      secret: STRIPE_SECRET,
      ...(timestamp && { timestamp }),
    })
    return post('/webhook/payments', payment, { 'content-type': 'application/json', 'stripe-signature': signature })
  }

  for (const sent of [ofChatwoot, ofStripe]) {
    t.match(await sent(), { code: 'WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE' }, 'signed by the machine’s clock: long ago')
    const before = clock.now()
    const { status, id } = await sent(Math.floor(before / 1_000))
    t.equal(status, 'accepted')
    const { receivedAt = 0 } = (await app.webhooks.inbox.get(id)) ?? {}
    t.ok(receivedAt >= before && receivedAt <= clock.now())
  }

  const lesson = { order: 'o', student: 'Sanne', service: 'wiskunde', payment: null, conversation: '1' }
  const feed = async () => (await app.inject(`/calendar.ics?token=${CALENDAR_TOKEN}`)).body
  const start = Date.now() + 5 * DAY
  const { signal } = new AbortController()
  await app.webhooks.calendar.book({ ...lesson, start, end: start + 3_600_000 }, signal)
  t.notMatch(await feed(), /Sanne/, 'over for more than 30 days')
  await app.webhooks.calendar.book({ ...lesson, order: 'p', start: start + 10 * DAY, end: start + 11 * DAY }, signal)
  t.match(await feed(), /Sanne/)
})

t.test('a store that is opened again goes by it too', async t => {
  const file = join(t.testdir(), 'webhooks.db')
  const clock = testClock(Date.now() + 40 * DAY)
  const store = openSqliteStore(file, { clock })
  await store.insert(delivery('fails'), false)
  const now = clock.now()
  const taken = (await store.take('mailbox:fails', now)) as TakenDelivery
  await store.settle(taken, { state: 'pending', error: 'E', nextAttemptAt: now + 60_000 }, now)
  await store.close()
  const again = openSqliteStore(file, { clock })
  t.teardown(() => again.close())
  t.same(await again.dueMailboxes(now, 10), [], 'its retry is no less far away than it was')
  t.equal(await again.nextDueAt(now), now + 60_000)
  await again.checkWritable()
})
