import t, { type Test } from 'tap'
import type { Session } from '../../sandbox/stripe-api.ts'
import { startWithReceiver } from '../helpers/world-receiver.ts'

async function start(test: Test) {
  const parts = await startWithReceiver(test)
  const { world, receiver } = parts
  const sessionOf = (id: string) => world.stripe.sessions.get(id) as Session
  /** The objects of the events that have arrived since it was last asked. */
  const events = async () => {
    await world.settled()
    return receiver.calls.splice(0).map(({ body }) => [body.type, (body.data as { object: object }).object])
  }
  return { ...parts, sessionOf, events }
}

t.test('a card and iDEAL pay at once: two events for one payment', async t => {
  const { world, checkout, sessionOf, events } = await start(t)
  for (const method of ['card', 'ideal'] as const) {
    const id = await checkout()
    t.equal(sessionOf(id).url, `http://127.0.0.1:3000/sandbox/pay/${id}`)
    world.pay(id, method)
    t.match(await events(), [
      ['checkout.session.completed', { id, status: 'complete', payment_status: 'paid', amount_total: 6000 }],
      ['payment_intent.succeeded', { id: `pi_${id}`, amount: 6000, metadata: { conversation_id: '1' } }],
    ])
    t.equal(sessionOf(id).method, method)
    t.throws(() => world.pay(id, method), { name: 'RefusedError', message: 'This checkout session is complete.' })
    t.throws(() => world.expire(id), { message: 'This checkout session is complete.' })
  }
  t.equal(world.stripe.events.length, 4, 'the API lists them')
  t.throws(() => world.pay('cs_other', 'card'), { message: 'There is no checkout session cs_other.' })
})

t.test('SEPA is under way, and then succeeds or fails', async t => {
  const { world, checkout, sessionOf, events } = await start(t)
  const [good, bad] = [await checkout(), await checkout()]
  t.throws(() => world.settle(good, 'succeeded'), { message: 'No payment of this session is under way.' })
  world.pay(good, 'sepa')
  world.pay(bad, 'sepa')
  t.match(await events(), [
    ['checkout.session.completed', { id: good, status: 'complete', payment_status: 'unpaid', payment_intent: /^pi_/ }],
    ['checkout.session.completed', { id: bad, payment_status: 'unpaid' }],
  ])
  t.throws(() => world.refund(good, 100), { message: 'This checkout session is not paid.' })
  world.settle(good, 'succeeded')
  world.settle(bad, 'failed')
  t.match((await events()).map(([type]) => type).sort(), [
    'checkout.session.async_payment_failed',
    'checkout.session.async_payment_succeeded',
    'payment_intent.succeeded',
  ])
  t.match(sessionOf(good), { payment_status: 'paid', intent_status: 'succeeded' })
  t.match(sessionOf(bad), { payment_status: 'unpaid', intent_status: 'requires_payment_method' })
})

t.test('a session expires when it is time, by hand, or by the API, once', async t => {
  const { world, checkout, events, clock } = await start(t)
  const [timed, pressed, called, paid] = [
    await checkout(40),
    await checkout(60),
    await checkout(60),
    await checkout(40),
  ]
  world.pay(paid, 'card')
  world.expire(pressed)
  const headers = { authorization: `Bearer ${world.stripe.secretKey}` }
  const expire = () => fetch(`${world.stripe.url}/v1/checkout/sessions/${called}/expire`, { method: 'POST', headers })
  t.equal((await expire()).status, 200)
  t.equal((await expire()).status, 400)
  t.same((await events()).filter(([type]) => type === 'checkout.session.expired').length, 2)
  clock.advance(40 * 60_000 - 1)
  t.same(await events(), [])
  clock.advance(1)
  t.match(await events(), [['checkout.session.expired', { id: timed, status: 'expired', url: null }]])
  t.throws(() => world.pay(timed, 'card'), { message: 'This checkout session is expired.' })
  clock.advance(20 * 60_000)
  t.same(await events(), [])
})

t.test('a refund in part, then of the rest, and never of more', async t => {
  const { world, checkout, events, sessionOf } = await start(t)
  const id = await checkout()
  world.pay(id, 'card')
  await events()
  for (const amount of [0, -1, 1.5, Number.NaN, 6001]) {
    t.throws(() => world.refund(id, amount), { message: /from 0\.01 to 60\.00,/ }, `${amount}`)
  }
  world.refund(id, 2000)
  t.match(await events(), [
    ['refund.created', { id: 're_1', amount: 2000, status: 'succeeded', payment_intent: `pi_${id}` }],
    ['charge.refunded', { amount: 6000, amount_refunded: 2000, refunded: false }],
  ])
  t.notOk(world.stripe.refunded.has(`pi_${id}`))
  t.throws(() => world.refund(id, 4001), { message: /from 0\.01 to 40\.00,/ })
  world.refund(id, 4000)
  t.match(await events(), [
    ['refund.created', { id: 're_2', amount: 4000 }],
    ['charge.refunded', { amount_refunded: 6000, refunded: true, payment_intent: `pi_${id}` }],
  ])
  t.ok(world.stripe.refunded.has(`pi_${id}`))
  t.equal(sessionOf(id).amount_refunded, 6000)
  t.throws(() => world.refund(id, 1), { message: 'All of it has been refunded.' })

  world.failRefund(id)
  const failed = { id: 're_2', status: 'failed', failure_reason: 'expired_or_canceled_card' }
  t.match(
    (await events()).sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
    ['charge.refund.updated', 'refund.failed', 'refund.updated'].map(type => [type, failed]),
  )
  t.match(sessionOf(id), { amount_refunded: 2000 })
  t.notOk(world.stripe.refunded.has(`pi_${id}`))
  world.failRefund(id)
  t.throws(() => world.failRefund(id), { message: 'There is no refund of this payment that could fail.' })
})

t.test('a dispute is opened once, then won or lost', async t => {
  const { world, checkout, events } = await start(t)
  for (const outcome of ['won', 'lost'] as const) {
    const id = await checkout()
    world.pay(id, 'card')
    await events()
    t.throws(() => world.dispute(id, outcome), { message: `A dispute of this payment can't be ${outcome} now.` })
    world.dispute(id, 'created')
    t.match(await events(), [['charge.dispute.created', { payment_intent: `pi_${id}`, status: 'needs_response' }]])
    t.throws(() => world.dispute(id, 'created'), { message: /can't be created now/ })
    t.throws(() => world.refund(id, 1), { message: 'A payment that is disputed is not refunded.' })
    world.dispute(id, outcome)
    t.match(await events(), [['charge.dispute.closed', { status: outcome }]])
  }
})
