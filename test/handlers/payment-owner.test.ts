import t, { type Test } from 'tap'
import { stripeSession } from '../../commands/samples.ts'
import { ORIGIN } from '../../handlers/stripe-event.ts'
import { TransientError } from '../../inbox/errors.ts'
import type { AttentionEvent, ForeignEvent } from '../../inbox/events.ts'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { refundEvent, reserved, setUp as setUpLesson } from '../helpers/lesson-story.ts'
import { LEVELS } from '../helpers/log.ts'
import { deliverStripe } from '../helpers/story.ts'
import type { TutorOptions } from '../helpers/tutor.ts'

/** Whose payment it is: contacts are merged, conversations deleted, and other installations have the same small ids. */

const OTHER = '99999999-8888-4777-8666-555555555555'

async function setUp(t: Test, options: TutorOptions = {}) {
  const tutor = await setUpLesson(t, options)
  const attention: AttentionEvent[] = []
  const foreign: ForeignEvent[] = []
  tutor.app.webhooks.events.on('attention', event => attention.push(event))
  tutor.app.webhooks.events.on('foreign', event => foreign.push(event))
  return { ...tutor, attention, foreign }
}

const writes = ({ chatwoot }: Awaited<ReturnType<typeof setUp>>) =>
  chatwoot.calls.filter(({ method }) => method !== 'GET').length

/** Changes a session's metadata; undefined: takes it out. */
function relabel(session: Session, parts: Record<string, string | undefined>): Session {
  const metadata = { ...session.metadata, ...parts }
  for (const [name, value] of Object.entries(metadata)) if (value === undefined) delete metadata[name]
  return Object.assign(session, { metadata, intent_metadata: metadata })
}

t.test('a session and its intent name the installation that made them', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  const id = await tutor.app.webhooks.inbox.installationId()
  t.match(tutor.session(), { metadata: { [ORIGIN]: id }, intent_metadata: { [ORIGIN]: id } })
})

t.test('the contact has been merged: the lesson is booked for the current one', async t => {
  for (const origin of ['ours', undefined]) {
    t.test(`origin: ${origin}`, async t => {
      const tutor = await setUp(t)
      const renee = await reserved(tutor)
      if (origin === undefined) relabel(tutor.session(), { [ORIGIN]: undefined, service: undefined })
      tutor.chatwoot.mergeContact(4100001, 4100007)
      t.equal(await tutor.deliver(pay(tutor.session()).completed), 'webhook handled')
      t.match(await tutor.lessons(), [{ student: 'Renée', service: 'Bijles' }])
      t.match(renee.read().at(-1), /^Dank je wel!.*\nJe les staat vast/)
      t.match(tutor.chatwoot.contacts.get(4100007)?.custom_attributes, { has_paid_lesson: true })
      t.strictSame(tutor.attention, [])
    })
  }
})

t.test('merged, and the payment is only known by the conversation’s session', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  relabel(tutor.session(), { [ORIGIN]: undefined, order_id: 'elsewhere' })
  tutor.chatwoot.mergeContact(4100001, 4100007)
  t.equal(await tutor.deliver(pay(tutor.session()).completed), 'webhook handled')
  t.match(renee.notes(), [/^Payment received: 60.00 EUR, order elsewhere/, /not in the calendar/])
})

t.test('the conversation is deleted: the lesson is booked from the metadata, and an alert says so', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  const order = tutor.session().metadata?.order_id
  tutor.chatwoot.conversations.clear()
  const { completed, succeeded } = pay(tutor.session())
  t.equal(await tutor.deliver(completed), 'webhook handled')
  t.equal(await tutor.deliver(succeeded), 'webhook handled')
  t.match(await tutor.lessons(), [
    { order, student: 'Renée', service: 'Bijles', payment: '60.00 EUR, pi_cs_test_1', conversation: '4100042' },
  ])
  t.strictSame(tutor.attention, [
    {
      payment: 'pi_cs_test_1',
      amount: '60.00 EUR',
      order,
      student: 'Renée',
      conversation: '4100042',
      problem: 'conversation_gone',
      why: 'There is no conversation 4100042 in Chatwoot. The lesson of Tuesday 24 November at 10:00 is booked.',
    },
  ])
  t.match(
    tutor.log.lines.filter(({ msg }) => msg.startsWith('a payment needs a person')),
    [{ level: LEVELS.error, amount: '60.00 EUR', student: 'Renée', payment: 'pi_cs_test_1' }],
  )
})

t.test('deleted, and other outcomes of its payment', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  const first = relabel(tutor.session(), { lesson_start: undefined })
  tutor.chatwoot.conversations.clear()
  await tutor.deliver(pay(first).completed)
  t.match(tutor.attention.at(-1), { why: /No lesson was to be booked/ })

  const again = { ...first, id: 'cs_again' }
  tutor.stripe.sessions.set(again.id, again)
  await tutor.deliver(pay(again, 'pi_again').completed)
  t.match(tutor.attention.at(-1), { payment: 'pi_again', why: /was paid a second time/ })

  const bad = relabel({ ...first, id: 'cs_bad' }, { order_id: 'bad', lesson_start: 'never' })
  tutor.stripe.sessions.set(bad.id, bad)
  await tutor.deliver(pay(bad, 'pi_bad').completed)
  t.match(tutor.attention.at(-1), { payment: 'pi_bad', why: /not in the calendar: its lesson_start/ })

  await tutor.deliver(refundEvent('evt_r', { paymentIntent: 'pi_cs_test_1', metadata: first.metadata ?? {} }))
  t.match(tutor.attention.at(-1), { problem: 'refund_conversation_gone', why: /The payment is refunded.$/ })
  await tutor.deliver(refundEvent('evt_p', { paymentIntent: 'pi_bad', metadata: bad.metadata ?? {}, refunded: 1000 }))
  t.match(tutor.attention.at(-1), { why: /refunded in part: 10.00 EUR of 60.00 EUR so far/ })
})

t.test('deleted before its link expires, its delayed payment fails, or its lesson is refunded', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  tutor.chatwoot.conversations.clear()
  t.equal(await tutor.deliver(sessionEvent(tutor.session(), 'expired')), 'webhook handled')
  t.strictSame(await tutor.busy(), [])
  t.strictSame(tutor.attention, [], 'no money was moved')

  const tim = await reserved(tutor)
  t.equal((await tutor.busy()).length, 1)
  tutor.chatwoot.conversations.clear()
  Object.assign(tutor.session(2), { status: 'complete', payment_intent: 'pi_2' })
  t.equal(await tutor.deliver(sessionEvent(tutor.session(2), 'async_payment_failed')), 'webhook handled')
  t.strictSame(await tutor.busy(), [])
  t.equal(tim.read().length, 3)

  await reserved(tutor)
  await tutor.deliver(pay(tutor.session(3)).completed)
  tutor.chatwoot.conversations.clear()
  await tutor.deliver(refundEvent('evt_r', { paymentIntent: 'pi_cs_test_3' }))
  t.strictSame(await tutor.lessons(), [])
  t.match(tutor.attention, [
    { problem: 'failed_conversation_gone' },
    { why: /The payment is refunded, and its lesson cancelled.$/ },
  ])
})

t.test('while Chatwoot is down, the lesson is booked; the rest follows', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.chatwoot.fail(/./, { status: 404, body: '404 page not found' }, 20)
  const delivery = await deliverStripe(tutor.receiver, pay(tutor.session()).completed)
  t.match(await tutor.ended(delivery), { msg: 'webhook failed, will retry' })
  t.equal((await tutor.lessons())?.length, 1)
  t.equal(renee.notes().length, 0)
  tutor.chatwoot.recover()
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.match(renee.notes(), [/^Payment received/])
})

t.test('the contact is deleted while the payment is handled: the rest is still done', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.chatwoot.fail(/^PUT/, { status: 404, body: { error: 'Resource could not be found' } })
  t.equal(await tutor.deliver(pay(tutor.session()).completed), 'webhook handled')
  t.match(renee.notes(), [/^Payment received/])
  t.match(tutor.log.text(), /contact not updated: refused by Chatwoot/)
})

t.test('another installation’s payments are ignored, whatever their ids', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  const origin = { [ORIGIN]: OTHER }
  const metadata = {
    ...origin,
    conversation_id: '4100042',
    contact_id: '4100001',
    order_id: '4100042-00000000',
    minutes: '60',
    lesson_start: '2026-11-25T10:00:00+01:00',
  }
  const session = { ...(stripeSession({ session: 'cs_foreign' }) as Session), metadata, intent_metadata: metadata }
  tutor.stripe.sessions.set(session.id, session)
  const { completed, succeeded } = pay(session)
  for (const event of [
    completed,
    succeeded,
    unpaid('cs_failed', 'async_payment_failed'),
    unpaid('cs_under_way', 'completed'),
    sessionEvent({ ...session, payment_status: 'unpaid' }, 'expired'),
    refundEvent('evt_r', { paymentIntent: String(session.payment_intent), metadata }),
  ]) {
    t.equal(await tutor.deliver(event), 'webhook handled')
  }
  t.equal(writes(tutor), 0)
  t.strictSame(renee.read(), [])
  t.strictSame(await tutor.lessons(), [])
  t.strictSame(
    tutor.foreign,
    [{ payment: `pi_${session.id}` }, { payment: 'pi_cs_failed' }, { payment: 'pi_cs_under_way' }],
    'each counted once',
  )
  t.strictSame(tutor.attention, [])
  t.match(
    tutor.log.lines.filter(({ msg }) => msg === 'payment belongs to another installation: ignored'),
    [{ amount: '60.00 EUR', order: '4100042-00000000', origin: OTHER }, {}, {}],
  )

  function unpaid(id: string, type: string) {
    const other = { ...session, id, payment_status: 'unpaid', payment_intent: `pi_${id}`, status: 'complete' }
    tutor.stripe.sessions.set(id, other)
    return sessionEvent(other, type)
  }
})

t.test('a foreign payment parks while Chatwoot fails to show the conversation, without a note', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const metadata = { ...tutor.session().metadata, [ORIGIN]: OTHER, order_id: '4100042-00000000' }
  const session = { ...tutor.session(), id: 'cs_foreign', metadata, intent_metadata: metadata }
  tutor.stripe.sessions.set(session.id, session)
  tutor.chatwoot.fail(/conversations\/4100042/, { status: 500 }, 7)
  const delivery = await deliverStripe(tutor.receiver, pay(session).completed)
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(delivery, attempt)
  t.match(await tutor.ended(delivery, 7), { msg: 'webhook parked' })
  t.strictSame(renee.notes(), [])
  t.equal(tutor.foreign.length, 1)
})

t.test('known to our calendar or the conversation: ours, whatever the origin (a restored store)', async t => {
  for (const known of ['calendar', 'conversation']) {
    t.test(known, async t => {
      const tutor = await setUp(t)
      const renee = await reserved(tutor)
      const session = relabel(tutor.session(), { [ORIGIN]: OTHER })
      const order = String(session.metadata?.order_id)
      if (known === 'calendar') renee.conversation.custom_attributes = {}
      else await tutor.app.webhooks.calendar.release(order, Number.MAX_SAFE_INTEGER, AbortSignal.timeout(1_000))
      t.equal(await tutor.deliver(pay(session).completed), 'webhook handled')
      t.match(renee.read().at(-1), /Je les staat vast/)
      t.equal((await tutor.lessons())?.length, 1)
      t.strictSame(tutor.foreign, [])
    })
  }
})

t.test('without an origin: nothing is written into a conversation with another contact', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  const metadata = { conversation_id: '4100042', contact_id: '4100099', order_id: 'elsewhere', student_name: 'Tim' }
  const session = stripeSession({ session: 'cs_1', metadata }) as Session
  tutor.stripe.sessions.set(session.id, session)
  t.equal(await tutor.deliver(pay(session).completed), 'webhook dead', 'to be seen, and replayed when it is mended')
  t.equal(writes(tutor), 0)
  t.strictSame(renee.notes(), [])
  t.match(tutor.attention, [{ amount: '60.00 EUR', student: 'Tim', problem: 'contact_differs' }])
  t.match(tutor.log.text(), /The payment's contact 4100099 is not that of conversation 4100042 \(4100001\)/)

  t.equal(await tutor.deliver(sessionEvent({ ...session, id: 'cs_2' }, 'expired')), 'webhook handled')
  t.match(tutor.log.text(), /checkout session is not ours/)
  t.equal(tutor.attention.length, 1)

  tutor.chatwoot.conversations.clear()
  const gone = { ...session, id: 'cs_3' }
  tutor.stripe.sessions.set(gone.id, gone)
  t.equal(await tutor.deliver(pay(gone).completed), 'webhook dead')
  t.match(tutor.attention.at(-1), { problem: 'conversation_gone' })
})

t.test('our payment, but another student’s conversation: booked, nothing is written there', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  relabel(tutor.session(), { conversation_id: '4100043' })
  t.equal(await tutor.deliver(pay(tutor.session()).completed), 'webhook handled')
  t.strictSame([...tim.read(), ...tim.notes(), ...renee.notes()], [])
  t.equal((await tutor.lessons())?.length, 1)
  t.match(tutor.attention, [{ problem: 'contact_differs', student: 'Renée' }])
})

t.test('a session that only saves a card is no payment', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const metadata = { ...tutor.session().metadata }
  const parts = { mode: 'setup', payment_intent: null, amount_total: null, payment_status: 'no_payment_required' }
  const session: Session = { ...tutor.session(), ...parts, metadata, id: 'cs_setup', status: 'complete' }
  tutor.stripe.sessions.set(session.id, session)
  const said = renee.read().length
  for (const type of ['completed', 'expired']) {
    t.equal(await tutor.deliver(sessionEvent(session, type)), 'webhook handled')
  }
  t.equal(renee.read().length, said)
  t.strictSame(renee.notes(), [])
  t.equal((await tutor.busy()).length, 1)
  t.strictSame(await tutor.lessons(), [])
})

t.test('an unavailable calendar is waited for', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  const { calendar } = tutor.app.webhooks
  const { book } = calendar
  calendar.book = async () => {
    calendar.book = book
    throw new TransientError('The calendar is away')
  }
  const delivery = await deliverStripe(tutor.receiver, pay(tutor.session()).completed)
  t.match(await tutor.ended(delivery), { error: 'TransientError: The calendar is away' })
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.equal((await tutor.lessons())?.length, 1)
})

t.test('a failed payment without a conversation raises an alert', async t => {
  const tutor = await setUp(t)
  await reserved(tutor)
  const { completed } = pay(tutor.session())
  tutor.chatwoot.conversations.clear()
  tutor.stripe.sessions.clear()
  t.equal(await tutor.deliver(completed), 'webhook dead')
  t.match(tutor.attention, [{ problem: 'given_up_conversation_gone', why: /could not be processed/ }])
})

t.test('a calendar that refuses loses no payment: it is recorded, and a person alerted', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const { order_id } = tutor.session().metadata ?? {}
  // The order has a lesson at another time: what no calendar moves.
  const day = 24 * 60 * 60_000
  const lesson = { student: '', service: '', payment: null, conversation: '4100042', order: String(order_id) }
  const start = tutor.clock.now() + 3 * day
  const { calendar } = tutor.app.webhooks
  await calendar.book({ ...lesson, start, end: start + 60 * 60_000 }, AbortSignal.timeout(1_000))
  t.equal(await tutor.deliver(pay(tutor.session()).completed), 'webhook handled')
  t.match(renee.notes(), [
    /^Payment received/,
    /not in the calendar: the calendar refuses it \(Order .* has a lesson on .*\). Please put it in by hand/,
  ])
  t.match(renee.read().at(-1), /^Dank je wel!.*\nIemand van ons zet je les in de agenda/)
  t.ok(renee.conversation.labels.includes('intent:handoff'))
  t.match(tutor.attention, [{ problem: 'calendar_refuses', amount: '60.00 EUR' }])
})
