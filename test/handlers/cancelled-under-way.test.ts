import t, { type Test } from 'tap'
import type { AttentionEvent } from '../../inbox/events.ts'
import { begin, pay, refunded, settle } from '../../sandbox/payments.ts'
import { type Refund, refundPayment } from '../../sandbox/stripe-refunds.ts'
import { setUpCancelling } from '../helpers/cancelling.ts'
import { reserved } from '../helpers/lesson-story.ts'

/** A lesson is cancelled while its payment, by a bank debit say, is under way. */

const ALL = { amount: 6000, currency: 'eur' }

async function setUp(t: Test) {
  const tutor = await setUpCancelling(t)
  const attention: AttentionEvent[] = []
  tutor.app.webhooks.events.on('attention', event => attention.push(event))
  const renee = await reserved(tutor)
  const session = tutor.session()
  await tutor.deliver(begin(session, tutor.clock.now()))
  const order = session.metadata?.order_id as string
  t.match(await tutor.lessons(), [{ order, isHeld: true }])
  /** How the payment ends; what the student and the tutor are told of it. */
  async function ends(outcome: 'succeeded' | 'failed') {
    const [read, notes] = [renee.read().length, renee.notes().length]
    for (const event of settle(session, outcome, tutor.clock.now()))
      t.equal(await tutor.deliver(event), 'webhook handled')
    return { read: renee.read().slice(read), notes: renee.notes().slice(notes) }
  }
  return { ...tutor, attention, renee, session, order, ends }
}

t.test('the money arrives: it is paid back, nothing is booked, and both are told once', async t => {
  const tutor = await setUp(t)
  const { order, session } = tutor
  t.same(await tutor.refundOf(order), { money: ALL, underWay: true })
  t.same(await tutor.cancel(order), { cancelled: true, refunded: null, underWay: 'awaited' })
  t.strictSame(await tutor.lessons(), [])
  t.same(await tutor.ends('succeeded'), {
    read: ['Je betaling van € 60,00 is terugbetaald.'],
    notes: [`Payment refunded: 60.00 EUR, order ${order}`],
  })
  t.match(tutor.stripe.refunds, [{ amount: 6000, metadata: { order_id: order } }])
  t.equal(tutor.stripe.refunds.length, 1)
  t.strictSame(await tutor.lessons(), [])
  t.strictSame(await tutor.busy(), [])
  const read = tutor.renee.read().length
  for (const event of refunded(session, tutor.stripe.refunds[0] as Refund, tutor.clock.now()).slice(1)) {
    await tutor.deliver(event)
  }
  t.equal(tutor.renee.read().length, read)
  t.equal(tutor.renee.conversation.custom_attributes?.payment_status, 'refunded')
  t.strictSame(tutor.attention, [])
})

t.test('Stripe stops it', async t => {
  const tutor = await setUp(t)
  Object.assign(tutor.session, { intent_status: 'requires_capture' })
  t.same(await tutor.cancel(tutor.order), { cancelled: true, refunded: null, underWay: 'stopped' })
  t.equal(tutor.session.intent_status, 'canceled')
  t.same(await tutor.refundOf(tutor.order), 'nothing')
})

t.test('the key may not stop it: it is paid back when it arrives', async t => {
  const tutor = await setUp(t)
  const body = { error: { type: 'invalid_request_error', message: 'needs rak_payment_intent_write' } }
  tutor.stripe.fail(/cancel$/, { status: 403, body })
  t.match(await tutor.cancel(tutor.order), { underWay: 'awaited' })
})

t.test('it arrives at the moment of cancelling: it is paid back at once, and its event says no more', async t => {
  const tutor = await setUp(t)
  tutor.stripe.fail(/cancel$/, { wait: async () => void settle(tutor.session, 'succeeded', tutor.clock.now()) })
  t.same(await tutor.cancel(tutor.order), { cancelled: true, refunded: ALL })
  t.same(await tutor.ends('succeeded'), { read: [], notes: [] })
  t.equal(tutor.stripe.refunds.length, 1)
  t.strictSame(await tutor.lessons(), [])
})

t.test('the payment fails: the student hears that nothing was charged, and gets no new link', async t => {
  const tutor = await setUp(t)
  await tutor.cancel(tutor.order)
  t.same(await tutor.ends('failed'), {
    read: ['Je betaling is helaas niet gelukt. Er is niets afgeschreven.'],
    notes: [],
  })
  t.equal(tutor.stripe.sessions.size, 1)
  t.strictSame(await tutor.busy(), [])
})

t.test('it was cancelled without paying back: a person decides when the money arrives', async t => {
  const tutor = await setUp(t)
  const { order } = tutor
  t.same(await tutor.cancel(order, { by: 'tutor', refund: false }), { cancelled: true, refunded: null })
  const note = `A payment has arrived after its lesson was cancelled: 60.00 EUR, order ${order}. It is not paid back. It was cancelled without paying back: decide about pi_cs_test_1.`
  const { read, notes } = await tutor.ends('succeeded')
  t.match(read, [/^Dank je wel! We hebben je betaling van € 60,00 ontvangen\.\nEen ogenblik: iemand van ons neemt dit/])
  t.equal(read.length, 1)
  t.match(
    notes,
    [note.replaceAll(/[()]/g, '\\$&')].map(text => text),
  )
  t.equal(tutor.renee.conversation.status, 'open')
  t.match(tutor.attention, [{ problem: 'paid_after_cancelling', why: note }])
  t.strictSame(await tutor.lessons(), [])
  t.equal(tutor.stripe.refunds.length, 0)
})

t.test('somebody else pays it back before its event is handled: nothing more is said', async t => {
  const tutor = await setUp(t)
  await tutor.cancel(tutor.order)
  const events = settle(tutor.session, 'succeeded', tutor.clock.now())
  refundPayment(tutor.stripe, tutor.session, 6000)
  const read = tutor.renee.read().length
  for (const event of events) t.equal(await tutor.deliver(event), 'webhook handled')
  t.equal(tutor.renee.read().length, read)
  t.equal(tutor.stripe.refunds.length, 1)
})

t.test('it is paid back by somebody else while its event is handled', async t => {
  const tutor = await setUp(t)
  await tutor.cancel(tutor.order)
  tutor.stripe.fail(/^GET \/v1\/payment_intents/, {
    wait: async () => void refundPayment(tutor.stripe, tutor.session, 6000),
  })
  t.same(await tutor.ends('succeeded'), { read: [], notes: [] })
})

t.test('the conversation is gone: an alert', async t => {
  const tutor = await setUp(t)
  await tutor.cancel(tutor.order, { refund: false })
  tutor.chatwoot.conversations.clear()
  await tutor.deliver(settle(tutor.session, 'succeeded', tutor.clock.now())[0] as object)
  t.match(tutor.attention, [{ problem: 'paid_after_cancelling' }])
})

t.test('an event of before that comes late does not hold the time again', async t => {
  const tutor = await setUp(t)
  await tutor.cancel(tutor.order)
  const late = begin(tutor.session, tutor.clock.now())
  await tutor.deliver({ ...late, id: 'evt_late' })
  t.strictSame(await tutor.busy(), [])
})

t.test('cancelled at the very moment of booking: the lesson does not stay', async t => {
  const tutor = await setUpCancelling(t)
  await reserved(tutor)
  const session = tutor.session()
  const order = session.metadata?.order_id as string
  const { calendar } = tutor.app.webhooks
  const { book } = calendar
  // By another instance, after it has been looked for here.
  calendar.book = async (lesson, signal) => {
    const result = await book.call(calendar, lesson, signal)
    calendar.book = book
    await tutor.cancel(order, {}, 'another mailbox')
    await book.call(calendar, lesson, signal)
    return result
  }
  await tutor.deliver(pay(session).completed)
  t.strictSame(await tutor.lessons(), [])
  t.equal(tutor.stripe.refunds.length, 1)
})
