import t from 'tap'
import { stripeEvent, stripePaymentIntent } from '../../commands/samples.ts'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { contactOf, MINUTE, refundEvent, reserved, setUp } from '../helpers/lesson-story.ts'
import { deliverStripe } from '../helpers/story.ts'

/** What is paid is booked, and what is not its own leaves it alone. */

t.test('paid but taken: the student chooses again without paying', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(41 * MINUTE)
  const tim = await reserved(tutor, { id: 4100043, contact: 4100002 })
  await tutor.deliver(pay(tutor.session(2)).completed)
  t.match(tim.read().at(-1), /^Dank je wel!/)

  await tutor.deliver(pay(tutor.session(1)).completed)
  const order = tutor.session(1).metadata?.order_id
  t.match(
    renee.read().at(-1),
    /^De tijd die je koos is helaas niet meer vrij. Je betaling telt voor een andere.\nWanneer/,
  )
  t.strictSame(renee.conversation.labels, ['payment:paid'])
  t.match(contactOf(tutor), { has_paid_lesson: true, lesson_booked: undefined })
  t.strictSame(renee.notes(), [
    `Payment received: 60.00 EUR, order ${order}`,
    `The lesson of Tuesday 24 November at 10:00 is paid (order ${order}) but not in the calendar: its time is not free any more. The student has been asked to choose another time.`,
  ])
  t.notOk(renee.choices().includes('di 24 nov 10:00'))
  await renee.says('Andere tijden')
  t.strictSame(await renee.says('do 26 nov 15:00'), ['Je les staat vast: donderdag 26 november om 15:00. Tot dan!'])
  t.equal(tutor.stripe.sessions.size, 2, 'no further payment')
  t.match(await tutor.lessons(), [
    {},
    { order, start: Date.parse('2026-11-26T14:00:00Z'), payment: '60.00 EUR, pi_cs_test_1' },
  ])
  t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
})

t.test('invalid metadata: payment recorded, nothing booked, tutor told why', async t => {
  const cases: [string, Record<string, string>, RegExp][] = [
    [
      'no time',
      { lesson_start: 'tomorrow' },
      /The lesson is paid .* its lesson_start or minutes in Stripe make no sense/,
    ],
    ['a time without an offset', { lesson_start: '2026-11-25T10:00:00' }, /make no sense/],
    ['no such day', { lesson_start: '2026-02-30T10:00:00Z' }, /make no sense/],
    ['no minutes', { minutes: 'an hour' }, /make no sense/],
    ['no length', { minutes: '0' }, /make no sense/],
    ['longer than a day', { minutes: '1441' }, /make no sense/],
    [
      'in the past',
      { lesson_start: '2026-11-20T10:00:00+01:00' },
      /of Friday 20 November at 10:00 .* its time has passed/,
    ],
  ]
  for (const [name, parts, problem] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t)
      const renee = await reserved(tutor)
      const session = tutor.session()
      Object.assign(session, { metadata: { ...session.metadata, ...parts } })
      t.equal(await tutor.deliver(pay(session).completed), 'webhook handled')
      t.match(renee.notes(), [/^Payment received/, problem])
      const said = name === 'in the past' ? /^De tijd die je koos is inmiddels voorbij./ : /is helaas niet meer vrij./
      t.match(renee.read().at(-1), said)
      t.strictSame(await tutor.lessons(), [])
      t.strictSame(renee.conversation.labels, ['payment:paid'])
    })
  }
})

t.test('a payment for another student’s conversation is booked, without a message there', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  const session = tutor.session()
  Object.assign(session, { metadata: { ...session.metadata, conversation_id: '4100043' } })
  t.equal(await tutor.deliver(pay(session).completed), 'webhook handled')
  t.strictSame(tim.read(), [])
  t.strictSame(tim.notes(), [])
  t.strictSame(renee.notes(), [])
  t.equal((await tutor.lessons())?.length, 1)
  t.match(tutor.log.text(), /The payment's contact 4100001 is not that of conversation 4100043 \(4100002\)/)
})

t.test('a deleted conversation’s paid lesson is still booked', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  tutor.chatwoot.conversations.clear()
  t.equal(await tutor.deliver(pay(tutor.session()).completed), 'webhook handled')
  t.equal((await tutor.lessons())?.length, 1)
})

t.test('currencies without minor units, or with three', async t => {
  for (const [currency, amount, sum, said] of [
    ['jpy', 6000, '6000 JPY', '¥ 6.000'],
    ['kwd', 12500, '12.500 KWD', 'KWD 12,500'],
  ] as const) {
    t.test(currency, async t => {
      const tutor = await setUp(t)
      const renee = await reserved(tutor)
      const { completed } = pay(Object.assign(tutor.session(), { currency, amount_total: amount }))
      await tutor.deliver(completed)
      t.match(renee.read().at(-1), `betaling van ${said} ontvangen`)
      t.match(await tutor.lessons(), [{ payment: `${sum}, pi_cs_test_1` }])
    })
  }
})

t.test('foreign and invalid events', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const said = renee.read().length
  const session = { ...tutor.session(), id: 'cs_other' }
  const cases: [string, object, string, RegExp][] = [
    [
      'a session without our metadata',
      sessionEvent({ ...session, metadata: {} }, 'expired'),
      'handled',
      /without our metadata/,
    ],
    [
      'a session without an expiry',
      sessionEvent({ ...session, id: 'cs_2', expires_at: 0 }, 'expired'),
      'dead',
      /expires_at/,
    ],
    [
      'a charge that nobody knows',
      refundEvent('evt_1', { paymentIntent: 'pi_404' }),
      'handled',
      /without our metadata/,
    ],
    ['a charge without an id', refundEvent('evt_2', { paymentIntent: '' }, { id: null }), 'dead', /data.object.id/],
  ]
  for (const [name, event, outcome, why] of cases) {
    t.equal(await tutor.deliver(event), `webhook ${outcome}`, name)
    t.match(tutor.log.text(), why, name)
  }
  t.equal(renee.read().length, said)
  t.equal((await tutor.busy()).length, 1, 'what is reserved stays')
})

t.test('two orders of one conversation: paying the first leaves the second alone', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const first = tutor.session()
  Object.assign(renee.conversation.custom_attributes as object, { order_id: 'another', pending_intent: 'pay' })
  await tutor.deliver(pay(first).completed)
  t.match(renee.conversation.custom_attributes, { order_id: 'another', pending_intent: 'pay' })
  t.equal((await tutor.lessons())?.length, 1)
})

t.test('regression: a payment made elsewhere leaves the pending order alone', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const elsewhere = {
    ...tutor.session(),
    id: 'cs_elsewhere',
    metadata: { conversation_id: '4100042', order_id: 'other' },
  }
  tutor.stripe.sessions.set(elsewhere.id, elsewhere as Session)
  await tutor.deliver(pay(elsewhere as Session, 'pi_elsewhere').completed)
  t.match(renee.conversation.custom_attributes, { payment_status: 'pending', pending_intent: 'pay' })
  t.ok(renee.conversation.labels.includes('status:awaiting_pay'))
  Object.assign(tutor.session(), { status: 'expired' })
  await tutor.deliver(sessionEvent(tutor.session(), 'expired'))
  t.match(renee.read().at(-1), /is vervallen/, 'and the student is told when its link expires')
})

t.test('regression: one fact in two events is reported once', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  Object.assign(tutor.session(), { status: 'expired' })
  const expired = sessionEvent(tutor.session(), 'expired')
  await tutor.deliver(expired)
  await renee.says('Les boeken')
  await renee.says('optie 1')
  const state = { ...renee.conversation.custom_attributes }
  const said = renee.read().length
  t.equal(await tutor.deliver({ ...expired, id: 'evt_again' }), 'webhook handled')
  t.strictSame(renee.conversation.custom_attributes, state)
  t.equal(renee.read().length, said)
})

t.test('regression: a late event does not undo newer changes', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const first = tutor.session()
  Object.assign(first, { status: 'complete', payment_intent: 'pi_sepa', intent_status: 'requires_payment_method' })
  tutor.chatwoot.fail(/^POST .*labels$/, { status: 500 })
  const delivery = await deliverStripe(tutor.receiver, sessionEvent(first, 'async_payment_failed'))
  await tutor.ended(delivery)
  // The student has an order of another kind by the time that the event is handled again.
  Object.assign(renee.conversation.custom_attributes as object, { order_id: 'newer', pending_intent: 'pay' })
  await tutor.nextAttempt(delivery, 1)
  t.match(renee.conversation.custom_attributes, { order_id: 'newer', pending_intent: 'pay' })
  t.notMatch(renee.read().at(-1), /niet gelukt/)
})

t.test(
  'regression: paid, slot taken, nothing else free: the student can still choose, and the tutor is told',
  async t => {
    const tutor = await setUp(t)
    const renee = await reserved(tutor)
    tutor.clock.advance(41 * MINUTE)
    const now = tutor.clock.now()
    const { signal } = new AbortController()
    const all = {
      order: 'x',
      start: now,
      end: now + 40 * 24 * 60 * MINUTE,
      student: '',
      service: '',
      payment: null,
      conversation: '1',
    }
    await tutor.services.calendar.book(all, signal)
    await tutor.deliver(pay(tutor.session()).completed)
    t.match(
      renee.notes().at(-1),
      /its time is not free any more. No other time is free either: please find one with the student./,
    )
    t.match(renee.conversation, { status: 'open', custom_attributes: { pending_intent: 'rebook' } })

    await tutor.services.calendar.cancel('x', signal)
    Object.assign(renee.conversation, { status: 'pending', assignee: null })
    t.match(await renee.says('Andere tijden'), [/^Wanneer wil je/])
    Object.assign(renee.conversation.custom_attributes as object, { order_id: null })
    t.strictSame(await renee.says('optie 2'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
    t.match(renee.notes().at(-1), /the order of the paid lesson \(order_id\) is not known/)
  },
)

t.test('regression: a student who has paid is no longer new', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  t.equal(contactOf(tutor)?.segment, 'new')
  await tutor.deliver(pay(tutor.session()).completed)
  t.equal(contactOf(tutor)?.segment, 'existing')
})

t.test('regression: a payment of another order that can’t be booked leaves the pending one alone', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const metadata = { conversation_id: '4100042', order_id: 'other', lesson_start: 'never' }
  const elsewhere = { ...tutor.session(), id: 'cs_elsewhere', metadata } as Session
  tutor.stripe.sessions.set(elsewhere.id, elsewhere)
  const pending = { ...renee.conversation.custom_attributes }
  await tutor.deliver(pay(elsewhere, 'pi_elsewhere').completed)
  t.strictSame(renee.conversation.custom_attributes, pending)
  t.match(renee.read().at(-1), /^Dank je wel!/)
  t.match(renee.notes().at(-1), /make no sense. Please find a time with the student, who is booking another lesson./)
})

t.test('regression: after a trial lesson, a payment made elsewhere has its attributes', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Gratis proefles')
  await renee.says('optie 1')
  const metadata = { conversation_id: '4100042', order_id: 'other', lesson_start: '2026-11-25T10:00:00+01:00' }
  await tutor.deliver(
    stripeEvent('payment_intent.succeeded', stripePaymentIntent({ metadata, paymentIntent: 'pi_1' }), { id: 'evt_1' }),
  )
  t.match(renee.conversation.custom_attributes, { payment_status: 'paid', order_id: 'other' })
})

t.test('what the student saw in another currency is what they read; the tutor reads the price’s', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const presentment_details = { presentment_amount: 6512, presentment_currency: 'usd' }
  const { completed, succeeded } = pay(Object.assign(tutor.session(), { presentment_details }))
  await tutor.deliver(succeeded)
  await tutor.deliver(completed)
  t.match(renee.read().at(-1), /betaling van \$ 65,12 ontvangen/)
  t.match(renee.notes().at(-1), /^Payment received: 60\.00 EUR/)
  await tutor.deliver(refundEvent('evt_refund', { paymentIntent: 'pi_cs_test_1' }, { presentment_details }))
  t.match(renee.read().at(-1), /^Je betaling van \$ 65,12 is terugbetaald/)
})
