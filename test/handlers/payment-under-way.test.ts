import t from 'tap'
import { stripeSession } from '../../commands/samples.ts'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { contactOf, MINUTE, refundEvent, reserved, setUp } from '../helpers/lesson-story.ts'

/** Payments that take days: bank debits (`processing`), transfers and vouchers (`requires_action`). */

const UNDER_WAY = 'Je betaling komt binnen. Zodra die er is, hoor je van ons.'

/** The student has chosen a delayed method. */
function complete(session: Session, intent_status = 'processing') {
  return Object.assign(session, { status: 'complete', payment_intent: `pi_${session.id}`, intent_status })
}

/** Its money is in. */
function succeeded(session: Session) {
  pay(session)
  return sessionEvent(session, 'async_payment_succeeded')
}

for (const status of ['processing', 'requires_action', 'requires_confirmation']) {
  t.test(`under way, ${status}: the time is held until the lesson begins; student and tutor are told`, async t => {
    const tutor = await setUp(t)
    const renee = await reserved(tutor)
    const order = tutor.session().metadata?.order_id
    const said = renee.read().length
    const completed = sessionEvent(complete(tutor.session(), status), 'completed')
    t.equal(await tutor.deliver(completed), 'webhook handled')
    t.equal(await tutor.deliver({ ...completed, id: 'evt_again' }), 'webhook handled')
    t.strictSame(renee.read().slice(said), [
      `${UNDER_WAY}\nJe les op dinsdag 24 november om 10:00 blijft tot dan voor je gereserveerd.`,
    ])
    t.strictSame(renee.notes(), [
      `A payment is under way: 60.00 EUR, order ${order}. Its method takes longer: a bank debit or transfer, or a voucher. The lesson of Tuesday 24 November at 10:00 is held until it begins.`,
    ])
    t.match(await tutor.lessons(), [
      { order, isHeld: true, student: 'Renée', service: 'Bijles', payment: '60.00 EUR, pi_cs_test_1, under way' },
    ])
    tutor.clock.advance(22 * 60 * MINUTE)
    t.equal((await tutor.busy()).length, 1, 'an hour before the lesson')

    await tutor.deliver(succeeded(tutor.session()))
    t.match(renee.read().at(-1), /^Dank je wel!.*\nJe les staat vast/)
    const [lesson] = (await tutor.lessons()) ?? []
    t.match(lesson, { order, payment: '60.00 EUR, pi_cs_test_1', isHeld: undefined })
  })
}

for (const status of ['canceled', 'requires_payment_method']) {
  t.test(`not under way any more, ${status}: nothing is held, nothing said`, async t => {
    const tutor = await setUp(t)
    const renee = await reserved(tutor)
    const said = renee.read().length
    await tutor.deliver(sessionEvent(complete(tutor.session(), status), 'completed'))
    t.equal(renee.read().length, said)
    t.strictSame(renee.notes(), [])
    tutor.clock.advance(41 * MINUTE)
    t.strictSame(await tutor.busy(), [])
  })
}

t.test('money after the lesson’s time: reported as past', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(sessionEvent(complete(tutor.session()), 'completed'))
  tutor.clock.advance(24 * 60 * MINUTE)
  t.strictSame(await tutor.lessons(), [])
  await tutor.deliver(succeeded(tutor.session()))
  t.match(renee.read().at(-1), /^De tijd die je koos is inmiddels voorbij. Je betaling telt voor een andere.\nWanneer/)
  t.match(renee.notes().at(-1), /not in the calendar: its time has passed/)
  t.equal(contactOf(tutor)?.has_paid_lesson, true)
})

t.test('a second payment under way in the conversation keeps no time: both are told', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const first = complete(tutor.session())
  await tutor.deliver(sessionEvent(first, 'completed'))
  // The tutor has cleared the conversation, so that the student could begin anew.
  renee.conversation.custom_attributes = { misunderstood: 0 }
  await renee.says('Les boeken')
  await renee.says('optie 2')
  const second = complete(tutor.session(2), 'requires_action')
  await tutor.deliver(sessionEvent(second, 'completed'))
  t.match(renee.read().at(-1), /\nLet op: je les op .* is pas gereserveerd als de betaling binnen is.$/)
  t.match(renee.notes().at(-1), /is not reserved until the money is in: another payment of this conversation/)
  t.equal((await tutor.busy()).length, 2, 'as long as its link lasts')
  tutor.clock.advance(41 * MINUTE)
  t.strictSame(await tutor.busy(), [['2026-11-24T09:00:00.000Z', '2026-11-24T10:00:00.000Z']])

  await tutor.deliver(succeeded(second))
  t.match(renee.read().at(-1), /Je les staat vast/, 'and it is booked if it is still free')
  t.equal((await tutor.lessons())?.length, 2)
})

t.test('the time is taken by then: both are told', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(41 * MINUTE)
  await reserved(tutor, { id: 4100043, contact: 4100002 })
  await tutor.deliver(sessionEvent(complete(tutor.session()), 'completed'))
  t.match(renee.read().at(-1), /Let op/)
  t.match(renee.notes().at(-1), /is not free any more.$/)
})

t.test('no time, or a past one: only the payment is reported', async t => {
  for (const lesson_start of ['never', '2026-11-20T10:00:00+01:00']) {
    t.test(lesson_start, async t => {
      const tutor = await setUp(t)
      const renee = await reserved(tutor)
      const session = complete(tutor.session())
      Object.assign(session, { metadata: { ...session.metadata, lesson_start } })
      await tutor.deliver(sessionEvent(session, 'completed'))
      t.equal(renee.read().at(-1), UNDER_WAY)
      t.match(renee.notes(), [/or a voucher.$/])
    })
  }
})

t.test('the conversation is deleted: its time is kept', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  tutor.chatwoot.conversations.clear()
  t.equal(await tutor.deliver(sessionEvent(complete(tutor.session()), 'completed')), 'webhook handled')
  t.match(await tutor.lessons(), [{ isHeld: true, student: 'Renée' }])
  t.match(tutor.log.text(), /There is no conversation 4100042 in Chatwoot. A payment is under way: 60.00 EUR/)
})

t.test('without a key: the event’s state counts, unless more is known', async t => {
  const tutor = await setUp(t, { stripeKey: false })
  const renee = tutor.student()
  const metadata = { conversation_id: '4100042', order_id: 'A1', lesson_start: '2026-11-25T10:00:00+01:00' }
  const session = stripeSession({
    session: 'cs_1',
    paymentIntent: 'pi_1',
    paymentStatus: 'unpaid',
    metadata,
  }) as Session
  const completed = sessionEvent(session, 'completed')
  await tutor.deliver(completed)
  t.match(await tutor.lessons(), [{ order: 'A1', isHeld: true }])
  await tutor.deliver(sessionEvent(session, 'async_payment_failed'))
  t.strictSame(await tutor.lessons(), [])
  const said = renee.read().length
  await tutor.deliver({ ...completed, id: 'evt_late' })
  t.equal(renee.read().length, said)
  t.strictSame(await tutor.lessons(), [], 'an event that comes after what it tells of')
})

t.test('failed and refunded payments release the hold', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  await tutor.deliver(sessionEvent(complete(tutor.session()), 'completed'))
  await tutor.deliver(refundEvent('evt_r', { paymentIntent: 'pi_cs_test_1' }))
  t.strictSame(await tutor.busy(), [])
})
