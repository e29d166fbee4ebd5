import t, { type Test } from 'tap'
import { stripeEvent } from '../../commands/samples.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import type { AttentionEvent } from '../../inbox/events.ts'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import { refundEvent, reserved, setUp as setUpLesson } from '../helpers/lesson-story.ts'
import type { TutorOptions } from '../helpers/tutor.ts'

const { en } = TEXTS

/** After the money: refunds that fail, and disputes. */

async function setUp(t: Test, options: TutorOptions = {}) {
  const tutor = await setUpLesson(t, options)
  const attention: AttentionEvent[] = []
  tutor.app.webhooks.events.on('attention', event => attention.push(event))
  return { ...tutor, attention }
}

async function paid(t: Test) {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  const { order_id: order, ...rest } = tutor.session().metadata as Record<string, string>
  return { tutor, renee, order, metadata: { order_id: order as string, ...rest } }
}

/** As in Stripe's reference: neither a refund nor a dispute has its payment's metadata. */
function refund(parts: object = {}) {
  return {
    id: 're_1',
    object: 'refund',
    amount: 6000,
    charge: 'ch_3Q0sample0000001',
    currency: 'eur',
    failure_reason: 'expired_or_canceled_card',
    metadata: {},
    payment_intent: 'pi_cs_test_1',
    status: 'failed',
    ...parts,
  }
}

function dispute(parts: object = {}) {
  return {
    id: 'dp_1',
    object: 'dispute',
    amount: 6000,
    charge: 'ch_3Q0sample0000001',
    currency: 'eur',
    evidence_details: { due_by: Date.parse('2026-12-02T22:59:00Z') / 1_000, has_evidence: false },
    metadata: {},
    payment_intent: 'pi_cs_test_1',
    reason: 'fraudulent',
    status: 'needs_response',
    ...parts,
  }
}

t.test('a refund that fails after the student was told: student and tutor are told once', async t => {
  const { tutor, renee, order } = await paid(t)
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  const [read, notes] = [renee.read().length, renee.notes().length]
  t.equal(await tutor.deliver(stripeEvent('refund.failed', refund(), { id: 'evt_2' })), 'webhook handled')
  t.equal(await tutor.deliver(stripeEvent('charge.refund.updated', refund(), { id: 'evt_3' })), 'webhook handled')
  t.strictSame(renee.read().slice(read), [
    'De terugbetaling van € 60,00 is helaas niet aangekomen. We zoeken het uit, en je hoort van ons.',
  ])
  const note = `A refund failed: 60.00 EUR, order ${order}, reason: expired_or_canceled_card. The money is on your Stripe balance again, and the student was told that it is being sorted out: please pay it back another way.`
  t.strictSame(renee.notes().slice(notes), [note])
  t.equal(renee.conversation.custom_attributes?.payment_status, 'refund_failed')
  t.match(tutor.attention, [{ problem: 'refund_failed', amount: '60.00 EUR', student: 'Renée', order, why: note }])
  t.equal(tutor.attention.length, 1)
})

t.test('a refund update without failure does nothing', async t => {
  const { tutor, renee } = await paid(t)
  const notes = renee.notes().length
  const pending = refund({ status: 'pending', failure_reason: undefined })
  t.equal(await tutor.deliver(stripeEvent('charge.refund.updated', pending, { id: 'evt_1' })), 'webhook handled')
  t.equal(renee.notes().length, notes)
  t.strictSame(tutor.attention, [])
})

t.test('a dispute and its end: notes, status and alert for the tutor; the student reads nothing', async t => {
  const { tutor, renee, order } = await paid(t)
  const [read, notes] = [renee.read().length, renee.notes().length]
  await tutor.deliver(stripeEvent('charge.dispute.created', dispute(), { id: 'evt_1' }))
  t.equal(renee.conversation.custom_attributes?.payment_status, 'disputed')
  const lost = dispute({ status: 'lost' })
  await tutor.deliver(stripeEvent('charge.dispute.closed', lost, { id: 'evt_2' }))
  t.equal(renee.conversation.custom_attributes?.payment_status, 'dispute_lost')
  t.strictSame(renee.notes().slice(notes), [
    `A payment is disputed: 60.00 EUR, order ${order}, reason: fraudulent. Please answer in Stripe by Wednesday 2 December at 23:59; the lesson stays as it is.`,
    `A dispute is closed: 60.00 EUR, order ${order}, outcome: lost.`,
  ])
  t.equal(renee.read().length, read)
  t.equal((await tutor.lessons())?.length, 1)
  t.match(tutor.attention, [{ problem: 'disputed' }, { problem: 'dispute_lost' }])

  // An event about the failure of an earlier attempt changes none of that.
  Object.assign(tutor.session(), { payment_status: 'unpaid' })
  await tutor.deliver(sessionEvent(tutor.session(), 'async_payment_failed'))
  t.equal(renee.conversation.custom_attributes?.payment_status, 'dispute_lost')
})

t.test('a won dispute raises no alert, unless there is no conversation for the note', async t => {
  const { tutor, renee, order } = await paid(t)
  const won = dispute({ status: 'won', evidence_details: null })
  await tutor.deliver(stripeEvent('charge.dispute.closed', won, { id: 'evt_1' }))
  t.equal(renee.notes().at(-1), `A dispute is closed: 60.00 EUR, order ${order}, outcome: won.`)
  t.equal(renee.conversation.custom_attributes?.payment_status, 'dispute_won')
  t.strictSame(tutor.attention, [])

  tutor.chatwoot.conversations.clear()
  const other = dispute({ id: 'dp_2', status: 'won', evidence_details: null })
  await tutor.deliver(stripeEvent('charge.dispute.closed', other, { id: 'evt_2' }))
  t.match(tutor.attention, [{ problem: 'dispute_won', why: /There is no conversation .*outcome: won/ }])
})

for (const outcome of ['warning_closed', undefined]) {
  t.test(`a dispute neither won nor lost is closed: ${outcome}`, async t => {
    const { tutor, renee, order } = await paid(t)
    await tutor.deliver(stripeEvent('charge.dispute.closed', dispute({ status: outcome, evidence_details: null })))
    const said = outcome ?? 'unknown'
    t.equal(renee.notes().at(-1), `A dispute is closed: 60.00 EUR, order ${order}, outcome: ${said}.`)
    t.equal(renee.conversation.custom_attributes?.payment_status, 'dispute_closed')
    t.match(tutor.attention, [{ problem: 'dispute_closed' }])
  })
}

t.test('a later order’s state stays', async t => {
  const { tutor, renee } = await paid(t)
  await renee.says('Les boeken')
  await renee.says('optie 2')
  await tutor.deliver(pay(tutor.session(2)).completed)
  const vague = dispute({ reason: null, evidence_details: null })
  await tutor.deliver(stripeEvent('charge.dispute.created', vague, { id: 'evt_1' }))
  t.match(renee.notes().at(-1), /reason: unknown. Please answer in Stripe; the lesson/)
  t.equal(renee.conversation.custom_attributes?.payment_status, 'paid')
})

t.test('a payment without a session is found by its intent; a foreign one is ignored', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student('whatsapp', {}, { language: 'en' })
  tutor.stripe.intents.set('pi_direct', { conversation_id: '4100042', order_id: 'D1' })
  const direct = refund({ payment_intent: 'pi_direct', failure_reason: null })
  await tutor.deliver(stripeEvent('refund.failed', direct, { id: 'evt_1' }))
  t.match(renee.notes(), [/^A refund failed: 60.00 EUR, order D1, reason: unknown/])
  t.strictSame(renee.read(), [en.refundFailed('€60.00')])

  const unknown = refund({ id: 're_2', payment_intent: null })
  t.equal(await tutor.deliver(stripeEvent('refund.failed', unknown, { id: 'evt_2' })), 'webhook handled')
  t.match(tutor.log.text(), /without our metadata/)
  const foreign = { ...tutor.stripe.intents.get('pi_direct'), tutorbot_origin: 'another' }
  tutor.stripe.intents.set('pi_foreign', foreign)
  await tutor.deliver(
    stripeEvent('refund.failed', refund({ id: 're_3', payment_intent: 'pi_foreign' }), { id: 'evt_3' }),
  )
  t.equal(renee.notes().length, 1)
})

t.test('without a key the owner is unknown: alerts a person', async t => {
  const tutor = await setUp(t, { stripeKey: false })
  const nowhere = dispute({ payment_intent: null, charge: null })
  t.equal(await tutor.deliver(stripeEvent('charge.dispute.created', nowhere, { id: 'evt_1' })), 'webhook handled')
  t.match(tutor.attention, [{ payment: 'dp_1', amount: '60.00 EUR', problem: 'disputed', why: /STRIPE_SECRET_KEY/ }])
})
