import t from 'tap'
import { stripeEvent, stripePaymentIntent, stripeSession } from '../../commands/samples.ts'
import { readSession, readStripe } from '../../sources/stripe-payloads.ts'

const objectOf = (event: string, object: unknown) =>
  readStripe(event, { data: { object } }).data.object as unknown as Record<string, unknown>

t.test('Stripe’s payloads stay unchanged', async t => {
  for (const event of [
    stripeEvent('checkout.session.completed', stripeSession({ metadata: { conversation_id: '42' } })),
    stripeEvent('payment_intent.succeeded', stripePaymentIntent({ metadata: { conversation_id: '42' } })),
    stripeEvent('customer.created', { id: 'cus_1', object: 'customer' }),
  ]) {
    t.match(readStripe(event.type, event), event)
  }
})

t.test('values of another type count as missing, for each kind of payment object', async t => {
  for (const wrong of [null, undefined, 'x y', [], {}]) {
    const all = Object.fromEntries(
      ['id', 'amount', 'amount_total', 'amount_received', 'amount_refunded', 'metadata', 'refunded', 'expires_at'].map(
        name => [name, wrong],
      ),
    )
    for (const event of [
      'checkout.session.completed',
      'payment_intent.succeeded',
      'charge.refunded',
      'refund.failed',
    ]) {
      t.match(objectOf(event, { ...all, currency: 5 }), { id: '', metadata: {} }, event)
    }
    t.equal(objectOf('checkout.session.completed', all).amount_total, null)
    t.ok(Number.isNaN(objectOf('payment_intent.succeeded', all).amount_received))
    t.equal(objectOf('charge.refunded', all).refunded, false)
    t.match(objectOf('charge.dispute.created', { ...all, evidence_details: wrong, charge: wrong }), {
      evidence_details: { due_by: null },
      reason: '',
    })
  }
  t.same(objectOf('customer.created', 'x'), {})
  t.same(readStripe('customer.created', {}), { type: 'customer.created', data: { object: {} } })
})

t.test('a payment’s intent is an id, or the expanded intent', async t => {
  t.equal(readSession({ payment_intent: 'pi_1' }, '').payment_intent, 'pi_1')
  t.equal(readSession({ payment_intent: 5.5 }, '').payment_intent, null)
  t.match(readSession({ payment_intent: { id: 'pi_1', latest_charge: { refunded: 'yes' } } }, '').payment_intent, {
    id: 'pi_1',
    latest_charge: { id: '', refunded: false },
  })
  t.equal(objectOf('charge.dispute.created', { charge: 'ch_1' }).charge, 'ch_1')
  t.equal(objectOf('charge.dispute.created', {}).charge, '')
})

t.test('metadata values are strings; others still count as present', async t => {
  const { metadata } = readSession({ metadata: { a: 'x', b: 42, c: {}, d: null, e: true } }, '')
  t.same(metadata, { a: 'x', b: '42', c: '', e: '' })
})
