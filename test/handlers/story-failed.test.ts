import t from 'tap'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'
import { deliverStripe } from '../helpers/story.ts'

/** A payment that fails, comes late or never comes. */

t.test('an expired session releases the slot, and the student is told', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await renee.says('eh') // a word in between changes nothing
  Object.assign(tutor.session(), { status: 'expired', url: null })
  t.equal(await tutor.deliver(sessionEvent(tutor.session(), 'expired')), 'webhook handled')
  t.strictSame(await tutor.busy(), [])
  t.equal(
    renee.read().at(-1),
    'Je reservering voor dinsdag 24 november om 10:00 is vervallen, omdat er niet op tijd is betaald. Wil je opnieuw een tijd kiezen?',
  )
  t.strictSame(renee.conversation.labels, [])
  t.match(renee.conversation.custom_attributes, { order_id: null, payment_link: null, pending_intent: 'menu' })
  await renee.says('Les boeken')
  t.equal(renee.choices()[0], 'di 24 nov 10:00')
})

t.test('yes to “do you want to choose again?” is an answer; no and thanks need none', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  Object.assign(tutor.session(), { status: 'expired', url: null })
  await tutor.deliver(sessionEvent(tutor.session(), 'expired'))
  for (const text of ['nee', 'ok bedankt']) t.strictSame(await renee.says(text), [], text)
  t.match(await renee.says('ja graag'), [/^Wanneer wil je/])
})

t.test('a session that expires after its lesson was reserved again leaves it alone', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(41 * MINUTE)
  t.strictSame(await tutor.busy(), [], 'the hold has lapsed by itself')
  t.match(await renee.says('Link opnieuw sturen'), [tutor.session(2).url])
  t.equal(tutor.session(2).metadata?.order_id, tutor.session(1).metadata?.order_id)
  const said = renee.read().length
  await tutor.deliver(sessionEvent(tutor.session(1), 'expired'))
  t.equal((await tutor.busy()).length, 1)
  t.equal(renee.read().length, said)
})

t.test('a delayed payment keeps the lesson reserved; when it fails, the link is offered again', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const session = tutor.session()
  Object.assign(session, { status: 'complete', payment_intent: 'pi_sepa' })
  await tutor.deliver(sessionEvent(session, 'completed'))
  tutor.clock.advance(3 * 60 * MINUTE)
  t.equal((await tutor.busy()).length, 1, 'long after the link has lapsed')

  t.equal(await tutor.deliver(sessionEvent(session, 'async_payment_failed')), 'webhook handled')
  t.equal(
    renee.read().at(-1),
    `Je betaling is helaas niet gelukt. Er is niets afgeschreven.\nJe les op dinsdag 24 november om 10:00 staat voor je klaar. Betaal € 60,00 vóór 14:40 om hem definitief te maken: ${tutor.session(2).url}`,
  )
  t.strictSame(renee.conversation.labels, ['status:awaiting_pay', 'payment:failed'])

  await tutor.deliver(pay(tutor.session(2)).completed)
  t.match(renee.read().at(-1), /^Dank je wel!/)
  t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
  t.equal((await tutor.lessons())?.length, 1)
})

t.test('a delayed payment fails when no link can be made, or no time is left', async t => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    [
      'no such price',
      { metadata: { minutes: '45' } },
      /^Je betaling is helaas niet gelukt. Er is niets afgeschreven.$/,
    ],
    ['the lesson has begun', { metadata: { lesson_start: '2026-11-20T10:00:00Z' } }, /afgeschreven.\nWanneer wil je/],
    ['no time', { metadata: { lesson_start: 'never' } }, /afgeschreven.$/],
  ]
  for (const [name, parts, said] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t)
      const renee = await reserved(tutor)
      const session = tutor.session()
      const metadata = { ...session.metadata, ...(parts.metadata as object) }
      Object.assign(session, { status: 'complete', payment_intent: 'pi_sepa', metadata })
      t.equal(await tutor.deliver(sessionEvent(session, 'async_payment_failed')), 'webhook handled')
      t.match(renee.read().at(-1), said)
      t.strictSame(renee.conversation.labels, ['payment:failed'])
    })
  }
})

t.test('a delayed payment fails, and its time is taken: others are offered', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(41 * MINUTE)
  await reserved(tutor, { id: 4100043, contact: 4100002 })
  const session = tutor.session()
  Object.assign(session, { status: 'complete', payment_intent: 'pi_sepa' })
  await tutor.deliver(sessionEvent(session, 'async_payment_failed'))
  t.match(renee.read().at(-1), /afgeschreven.\nWanneer wil je je les van 60 minuten/)
})

t.test('while Stripe is down, the failed payment waits', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const session = tutor.session()
  Object.assign(session, { status: 'complete', payment_intent: 'pi_sepa' })
  tutor.stripe.fail('POST /v1/checkout/sessions', {
    status: 500,
    body: { error: { type: 'api_error', message: 'Later' } },
  })
  const delivery = await deliverStripe(tutor.receiver, sessionEvent(session, 'async_payment_failed'))
  t.match(await tutor.ended(delivery), { msg: 'webhook failed, will retry' })
  await tutor.nextAttempt(delivery, 1)
  t.match(renee.read().at(-1), /niet gelukt.*\nJe les op dinsdag/)
})

t.test('regression: a payment under way gets no second link', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const session = tutor.session()
  Object.assign(session, { status: 'complete', payment_intent: 'pi_sepa' })
  await tutor.deliver(sessionEvent(session, 'completed'))
  const underWay = 'Je betaling komt binnen. Zodra die er is, hoor je van ons.'
  t.strictSame(await renee.says('Link opnieuw sturen'), [underWay])
  tutor.clock.advance(41 * MINUTE)
  t.strictSame(await renee.says('Link opnieuw sturen'), [underWay])
  t.strictSame(await renee.says('Les boeken'), [underWay])
  t.equal(tutor.stripe.sessions.size, 1)
})

t.test('regression: the new link of a failed payment holds the time only as long as it lasts', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const session = tutor.session()
  Object.assign(session, { status: 'complete', payment_intent: 'pi_sepa' })
  await tutor.deliver(sessionEvent(session, 'completed'))
  session.intent_status = 'requires_payment_method'
  await tutor.deliver(sessionEvent(session, 'async_payment_failed'))
  t.equal((await tutor.busy()).length, 1)
  Object.assign(tutor.session(2), { status: 'expired' })
  await tutor.deliver(sessionEvent(tutor.session(2), 'expired'))
  t.strictSame(await tutor.busy(), [])
  t.match(renee.read().at(-1), /is vervallen/)

  // An event that comes after what it tells of is over.
  const late = { ...sessionEvent(session, 'completed'), id: 'evt_late' }
  t.equal(await tutor.deliver(late), 'webhook handled')
  t.strictSame(await tutor.busy(), [])
})

t.test('regression: a failed payment of a past order is only reported', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const session = tutor.session()
  Object.assign(session, { status: 'complete', payment_intent: 'pi_sepa' })
  Object.assign(renee.conversation.custom_attributes as object, { order_id: 'newer' })
  await tutor.deliver(sessionEvent(session, 'async_payment_failed'))
  t.match(renee.read().at(-1), /^Je betaling is helaas niet gelukt. Er is niets afgeschreven.$/)
  t.equal(renee.conversation.custom_attributes?.order_id, 'newer')
  t.equal(tutor.stripe.sessions.size, 1)
})

t.test('regression: an expired link reported late does not undo a newer choice', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.chatwoot.fail(call => call.method === 'POST' && /vervallen/.test(String(call.body.content)), { status: 500 })
  const delivery = await deliverStripe(tutor.receiver, sessionEvent(tutor.session(), 'expired'))
  await tutor.ended(delivery)
  Object.assign(renee.conversation.custom_attributes as object, {
    pending_intent: 'slot',
    offered_slots: '2026-11-24T11:00:00+01:00',
  })
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.match(renee.conversation.custom_attributes, { pending_intent: 'slot' })
  t.notMatch(renee.read().at(-1), /vervallen/)
})

t.test('regression: a second payment that fails does not sell a paid lesson again', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const first = tutor.session()
  await tutor.deliver(pay(first).completed)
  const again = { ...first, id: 'cs_again', payment_status: 'unpaid', payment_intent: 'pi_again' } as Session
  tutor.stripe.sessions.set(again.id, again)
  const said = renee.read().length
  await tutor.deliver(sessionEvent(again, 'async_payment_failed'))
  t.equal(renee.read().length, said)
  t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
})

t.test('regression: a failed payment of a lesson that begins too soon for a new link: other times', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  Object.assign(tutor.session(), { status: 'complete', payment_intent: 'pi_sepa' })
  tutor.clock.advance((22 * 60 + 30) * MINUTE)
  await tutor.deliver(sessionEvent(tutor.session(), 'async_payment_failed'))
  t.match(renee.read().at(-1), /afgeschreven.\nWanneer wil je/)
})
