import t from 'tap'
import { allStripeHandlers } from '../../handlers/all.ts'
import type { HandlerFunction } from '../../inbox/drain.ts'
import { WIDGET } from '../../sandbox/chatwoot-state.ts'
import { pay } from '../../sandbox/payments.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { MINUTE, refundEvent, reserved, setUp } from '../helpers/lesson-story.ts'
import { deliverStripe } from '../helpers/story.ts'

/** Money given back. */

t.test('a full refund cancels the lesson, and both are told', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  const order = tutor.session().metadata?.order_id
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1', refunded: 1000 }))
  t.equal((await tutor.lessons())?.length, 1, 'in part: the lesson stays')
  const said = renee.read().length

  t.equal(await tutor.deliver(refundEvent('evt_2', { paymentIntent: 'pi_cs_test_1' })), 'webhook handled')
  t.strictSame(await tutor.lessons(), [])
  t.strictSame(renee.read().slice(said), [
    'Je betaling van € 60,00 is terugbetaald.\nJe les op dinsdag 24 november om 10:00 gaat niet door.',
  ])
  t.equal(
    renee.notes().at(-1),
    `Payment refunded: 60.00 EUR, order ${order}; the lesson of Tuesday 24 November at 10:00 is cancelled`,
  )
  t.strictSame(renee.conversation.labels, [])
  t.equal(renee.conversation.custom_attributes?.payment_status, 'refunded')
})

t.test('a refund that the student is told too late, having chosen again, is only noted', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  const said = renee.read().length
  tutor.chatwoot.fail(call => call.method === 'POST' && /terugbetaald/.test(String(call.body.content)), { status: 500 })
  const refund = refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' })
  const delivery = await deliverStripe(tutor.receiver, refund)
  await tutor.ended(delivery)
  Object.assign(renee.conversation.custom_attributes as object, { pending_intent: 'slot', order_id: 'newer' })
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.equal(renee.read().length, said)
  t.match(renee.notes().at(-1), /^Payment refunded: 60.00 EUR/)
  t.match(renee.conversation.custom_attributes, { pending_intent: 'slot', order_id: 'newer' })
})

t.test('a refund handled before the payment leaves nothing to book', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const { completed } = pay(tutor.session())
  tutor.stripe.refunded.add('pi_cs_test_1')
  t.equal(await tutor.deliver(completed), 'webhook handled')
  t.strictSame(await tutor.lessons(), [])
  t.strictSame(await tutor.busy(), [], 'nor is its time held')
  const order = tutor.session().metadata?.order_id
  t.strictSame(renee.notes(), [`Payment refunded: 60.00 EUR, order ${order}`])
  t.equal(renee.read().at(-1), 'Je betaling van € 60,00 is terugbetaald.')
  t.strictSame(renee.conversation.labels, [])
  t.match(renee.conversation.custom_attributes, { payment_status: 'refunded', order_id: null, checkout_session: null })

  const said = renee.read().length
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  t.equal(renee.read().length, said, 'Stripe’s own event of the refund says no more')
})

t.test('a refund without a lesson only reports the money', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  const metadata = { conversation_id: '4100042', order_id: 'elsewhere' }
  t.equal(await tutor.deliver(refundEvent('evt_1', { metadata })), 'webhook handled')
  t.strictSame(renee.read(), ['Je betaling van € 60,00 is terugbetaald.'])
  t.strictSame(renee.notes(), ['Payment refunded: 60.00 EUR, order elsewhere'])
  const charge = refundEvent('evt_2', {
    paymentIntent: '',
    metadata: { ...metadata, order_id: 'another', lesson_start: '2026-11-25T10:00:00Z' },
  })
  t.equal(await tutor.deliver(charge), 'webhook handled', 'a charge without a payment intent counts by itself')
  t.equal(renee.read().length, 2, 'and no lesson of it is in the calendar')
})

t.test('a refund while another time is still to be chosen', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const session = tutor.session()
  Object.assign(session, { metadata: { ...session.metadata, lesson_start: 'never' } })
  await tutor.deliver(pay(session).completed)
  t.equal(renee.conversation.custom_attributes?.pending_intent, 'rebook')
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  t.strictSame(renee.read().at(-1), 'Je betaling van € 60,00 is terugbetaald.')
  t.equal(renee.conversation.custom_attributes?.pending_intent, 'menu')
})

t.test('a refunded payment, without a key to see that', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  const { completed } = pay(tutor.session())
  const handled = { ...tutor.services, stripe: null }
  const metadata = tutor.session().metadata as Record<string, string>
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1', metadata }))
  const { handle } = allStripeHandlers(handled)['checkout.session.completed'] as { handle: HandlerFunction }
  const { type: event, ...payload } = completed
  const delivery = { id: 'id', source: 'stripe', event, key: 'key', orderingKey: 'key', payload, receivedAt: 0 }
  const { signal } = new AbortController()
  await handle(delivery, {
    signal,
    attempt: 1,
    together: [],
    run: '',
    isInOrder: true,
    log: tutor.app.log,
    once: async (_key, step) => step(false),
    note: async () => {},
    ...NO_CLIENTS,
  })
  t.strictSame(await tutor.lessons(), [])
  t.match(tutor.log.text(), /was refunded before it was handled/)
})

t.test('without a key, a refund is told of as one that the tutor has made', async t => {
  const tutor = await setUp(t, { stripeKey: false })
  const renee = tutor.student()
  await renee.says('Hoi')
  const start = tutor.clock.now() + 48 * 60 * MINUTE
  const lesson = { order: 'OPL-1', start, end: start + 60 * MINUTE, student: 'Renée', service: 'Bijles' }
  const of = { payment: '60.00 EUR, pi_1', conversation: '4100042' }
  await tutor.services.calendar.book({ ...lesson, ...of }, AbortSignal.timeout(1_000))
  const metadata = { conversation_id: '4100042', order_id: 'OPL-1' }
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_1', metadata }))
  t.match(renee.read().at(-1), /^Je betaling van € 60,00 is terugbetaald/)
  t.match(renee.notes().at(-1), /^Payment refunded: 60\.00 EUR, order OPL-1/)
})

t.test('regression: an order paid twice has one lesson, which the second refund leaves alone', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const first = tutor.session()
  await tutor.deliver(pay(first).completed)
  const again = { ...first, id: 'cs_again' }
  tutor.stripe.sessions.set(again.id, again)
  await tutor.deliver(pay(again, 'pi_again').completed)
  const order = first.metadata?.order_id
  t.strictSame(renee.notes(), [
    `Payment received: 60.00 EUR, order ${order}`,
    `Order ${order} was paid a second time: 60.00 EUR by pi_again, after pi_cs_test_1. Please refund pi_again in Stripe: refunding pi_cs_test_1 would cancel the lesson.`,
  ])
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_again', metadata: first.metadata ?? {} }))
  t.equal(renee.read().at(-1), 'Je betaling van € 60,00 is terugbetaald.')
  t.equal((await tutor.lessons())?.length, 1)
  t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
  await tutor.deliver(refundEvent('evt_2', { paymentIntent: 'pi_cs_test_1', metadata: first.metadata ?? {} }))
  t.strictSame(await tutor.lessons(), [])
})

t.test('regression: refunding an old order leaves the pending one alone', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const first = tutor.session()
  await tutor.deliver(pay(first).completed)
  await renee.says('Les boeken')
  t.match(renee.conversation.custom_attributes, { order_id: null, payment_status: null }, 'that one is over')
  await renee.says('optie 2')
  t.strictSame(renee.conversation.labels, ['status:awaiting_pay'], 'labels too')
  const pending = { ...renee.conversation.custom_attributes }
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1', metadata: first.metadata ?? {} }))
  t.strictSame(renee.conversation.custom_attributes, pending)
  t.strictSame(renee.conversation.labels, ['status:awaiting_pay'])
  t.match(renee.read().at(-1), /Je les op dinsdag 24 november om 10:00 gaat niet door/)
  t.strictSame(await tutor.lessons(), [])

  await renee.says('Een ander moment')
  t.equal(tutor.session(2).status, 'expired', 'and its link can still be given up')
  t.strictSame(await tutor.busy(), [])
})

t.test('regression: a refund after the lesson only concerns the money', async t => {
  const tutor = await setUp(t)
  // WhatsApp's 24 hours would be over.
  const renee = await reserved(tutor, { inbox: WIDGET })
  await tutor.deliver(pay(tutor.session()).completed)
  tutor.clock.advance(2 * 24 * 60 * MINUTE)
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  t.equal(renee.read().at(-1), 'Je betaling van € 60,00 is terugbetaald.')
  t.equal((await tutor.lessons())?.length, 1)
})

t.test('regression: a refund cancels a moved lesson', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const session = tutor.session()
  Object.assign(session, { metadata: { ...session.metadata, lesson_start: '2026-11-20T10:00:00+01:00' } })
  await tutor.deliver(pay(session).completed)
  await renee.says('donderdag 15:00')
  await renee.says('Les boeken')
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  t.strictSame(await tutor.lessons(), [])
  t.match(renee.read().at(-1), /Je les op donderdag 26 november om 15:00 gaat niet door/)
})
