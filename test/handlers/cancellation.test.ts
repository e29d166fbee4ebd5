import t from 'tap'
import type { Calendar } from '../../calendar/contract.ts'
import { cancelLesson } from '../../handlers/cancellation.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import { refunded, refundFailed } from '../../sandbox/payments.ts'
import { failRefund, type Refund, refundPayment } from '../../sandbox/stripe-refunds.ts'
import { CANCEL, setUpCancelling } from '../helpers/cancelling.ts'

/** A lesson is cancelled, and paid back at Stripe. */

const ALL = { amount: 6000, currency: 'eur' }

t.test('a paid lesson is cancelled and paid back once; Stripe’s event of it says no more', async t => {
  const tutor = await setUpCancelling(t)
  const { renee, order } = await tutor.paid()
  const [read, notes] = [renee.read().length, renee.notes().length]
  t.same(await tutor.refundOf(order), { money: ALL })
  t.strictSame(tutor.stripe.refunds, [], 'asking moves nothing')
  t.same(await tutor.cancel(order), { cancelled: true, refunded: ALL })
  t.strictSame(await tutor.lessons(), [])
  const metadata = {
    order_id: order,
    conversation_id: '4100042',
    student_name: 'Renée',
    tutorbot_origin: await tutor.services.installationId(),
    why: 'lesson cancelled by the student',
  }
  t.match(tutor.stripe.refunds, [
    { amount: 6000, payment_intent: 'pi_cs_test_1', reason: 'requested_by_customer', metadata },
  ])
  t.equal(tutor.stripe.refunds.length, 1)
  t.same(await tutor.refundOf(order), 'nothing')

  for (const event of refunded(tutor.session(), tutor.stripe.refunds[0] as Refund, tutor.clock.now()).slice(1)) {
    t.equal(await tutor.deliver(event), 'webhook handled')
  }
  t.equal(renee.read().length, read + 1, 'told once, by who cancelled')
  t.equal(renee.notes().length, notes + 1)
  t.match(renee.conversation.custom_attributes, { payment_status: 'refunded', order_id: null })
  t.strictSame(renee.conversation.labels, [])

  t.same(await tutor.cancel(order), { cancelled: false, refunded: ALL }, 'whoever comes second learns what came of it')
  t.equal(tutor.stripe.refunds.length, 1)
})

t.test('only what is left is paid back', async t => {
  const tutor = await setUpCancelling(t)
  const { order } = await tutor.paid()
  refundPayment(tutor.stripe, tutor.session(), 1000)
  const left = { amount: 5000, currency: 'eur' }
  t.same(await tutor.refundOf(order), { money: left })
  t.same(await tutor.cancel(order, { by: 'tutor' }), { cancelled: true, refunded: left })
  t.match(tutor.stripe.refunds, [{ amount: 1000 }, { amount: 5000, reason: null }])
})

t.test('without paying back, only the calendar changes; a refund in Stripe works as before', async t => {
  const tutor = await setUpCancelling(t)
  const { renee, order } = await tutor.paid()
  t.same(await tutor.cancel(order, { by: 'tutor', refund: false }), { cancelled: true, refunded: null })
  t.strictSame(await tutor.lessons(), [])
  t.equal(tutor.stripe.refunds.length, 0)
  const refund = refundPayment(tutor.stripe, tutor.session(), 6000)
  for (const event of refunded(tutor.session(), refund, tutor.clock.now()).slice(1)) await tutor.deliver(event)
  t.equal(renee.read().at(-1), 'Je betaling van € 60,00 is terugbetaald.')
  t.equal(renee.notes().at(-1), `Payment refunded: 60.00 EUR, order ${order}`)
})

t.test('a refund of ours that fails later: both are told once', async t => {
  const tutor = await setUpCancelling(t)
  const { renee, order } = await tutor.paid()
  await tutor.cancel(order)
  const refund = tutor.stripe.refunds[0] as Refund
  failRefund(tutor.stripe, tutor.session(), refund)
  const [read, notes] = [renee.read().length, renee.notes().length]
  for (const event of refundFailed(refund, tutor.clock.now()).slice(1)) {
    t.equal(await tutor.deliver(event), 'webhook handled')
  }
  t.strictSame(renee.read().slice(read), [
    'De terugbetaling van € 60,00 is helaas niet aangekomen. We zoeken het uit, en je hoort van ons.',
  ])
  t.match(renee.notes().slice(notes), [`A refund failed: 60.00 EUR, order ${order}, reason: expired_or_canceled_card`])
  t.equal(renee.notes().length, notes + 1)
  t.equal(renee.conversation.custom_attributes?.payment_status, 'refund_failed')
})

t.test('Stripe tells late of an earlier refund in part: nothing is said of a lesson that stays', async t => {
  const tutor = await setUpCancelling(t)
  const { renee, order } = await tutor.paid()
  const part = refunded(tutor.session(), refundPayment(tutor.stripe, tutor.session(), 1000), tutor.clock.now())
  await tutor.cancel(order)
  const notes = renee.notes().length
  t.equal(await tutor.deliver(part[1] as object), 'webhook handled')
  t.equal(renee.notes().length, notes)
})

t.test('our own refund is told of by nobody else where its conversation is gone', async t => {
  const tutor = await setUpCancelling(t)
  const { order } = await tutor.paid()
  await tutor.cancel(order)
  tutor.chatwoot.conversations.clear()
  tutor.app.webhooks.events.on('attention', () => t.fail('an alert'))
  const [, event] = refunded(tutor.session(), tutor.stripe.refunds[0] as Refund, tutor.clock.now())
  t.equal(await tutor.deliver(event as object), 'webhook handled')
})

t.test('a refund whose list can’t be read is the tutor’s; while Stripe is away it waits', async t => {
  const tutor = await setUpCancelling(t)
  const { renee } = await tutor.paid()
  const refund = refundPayment(tutor.stripe, tutor.session(), 6000)
  const body = { error: { type: 'invalid_request_error', message: 'needs rak_charge_read' } }
  tutor.stripe.fail(/^GET \/v1\/refunds/, { status: 500, body: { error: { type: 'api_error' } } })
  tutor.stripe.fail(/^GET \/v1\/refunds/, { status: 403, body })
  const [, event] = refunded(tutor.session(), refund, tutor.clock.now())
  const delivery = await tutor.pay(event as object)
  t.match(await tutor.ended(delivery), { msg: /^webhook failed/ })
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.match(renee.read().at(-1), /^Je betaling van € 60,00 is terugbetaald/)
})

t.test('a lesson that is not there as it was read is left alone', async t => {
  const tutor = await setUpCancelling(t)
  const { order } = await tutor.paid()
  const { calendar } = tutor.services
  const signal = AbortSignal.timeout(5_000)
  const [lesson] = (await tutor.lessons()) ?? []
  const { lessonOf } = calendar
  const to = { start: Number(lesson?.start) + 3_600_000, end: Number(lesson?.end) + 3_600_000 }
  await calendar.move?.({ order, from: Number(lesson?.start), to, margin: { before: 0, after: 0 } }, signal)
  // What the button named.
  calendar.lessonOf = async () => {
    calendar.lessonOf = lessonOf as NonNullable<Calendar['lessonOf']>
    return lesson ?? null
  }
  const left = { cancelled: false, refunded: null }
  t.same(await tutor.cancel(order), left)
  t.match(await tutor.lessons(), [{ order, start: to.start }])
  await calendar.cancel(order, signal)
  t.same(await tutor.cancel(order), left, 'cancelled otherwise')
  t.equal(tutor.stripe.refunds.length, 0)
})

t.test('asked for twice at once, in two mailboxes: one refund, and one of them has cancelled it', async t => {
  const tutor = await setUpCancelling(t)
  const { renee, order } = await tutor.paid()
  const asked = { order, by: 'student', refund: true } as const
  const answered = Promise.withResolvers<void>()
  tutor.stripe.fail('POST /v1/refunds', { wait: answered.promise })
  const first = await tutor.ask(asked)
  await tutor.stripe.arrived('POST /v1/refunds')
  const second = await tutor.ask({ ...asked, by: 'tutor' }, CANCEL, 'another mailbox')
  t.match(await tutor.ended(second), { msg: /^webhook failed/, error: /Another delivery is running the step/ })
  answered.resolve()
  await tutor.ended(first)
  t.match(await tutor.nextAttempt(second, 1), { msg: 'webhook handled' })
  t.same(tutor.outcomes, [
    { cancelled: true, refunded: ALL },
    { cancelled: false, refunded: ALL },
  ])
  t.equal(tutor.stripe.refunds.length, 1)
  t.equal(renee.read().filter(text => text.startsWith('told')).length, 2)
})

t.test('asked for a second time while it is decided: that one waits', async t => {
  const tutor = await setUpCancelling(t)
  const { order } = await tutor.paid()
  const { calendar } = tutor.services
  const { lessonOf } = calendar as Required<Calendar>
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let calls = 0
  calendar.lessonOf = async (...given) => {
    // The first has read it for itself, and reads it again to decide.
    if (++calls === 2) {
      asked.resolve()
      await answered.promise
    }
    return lessonOf.apply(calendar, given)
  }
  const first = await tutor.ask({ order, by: 'student', refund: true })
  await asked.promise
  const second = await tutor.ask({ order, by: 'student', refund: true }, CANCEL, 'another mailbox')
  t.match(await tutor.ended(second), { error: /Another delivery is running the step/ })
  answered.resolve()
  await tutor.ended(first)
  await tutor.nextAttempt(second, 1)
  t.match(tutor.outcomes, [{ cancelled: true }, { cancelled: false, refunded: ALL }])
  t.equal(tutor.stripe.refunds.length, 1)
})

t.test('a host’s calendar that knows no lessons: a person cancels', async t => {
  const tutor = await setUpCancelling(t)
  const { order } = await tutor.paid()
  const [lesson] = (await tutor.lessons()) ?? []
  const { lessonOf: _, ...calendar } = tutor.services.calendar
  const asked = { lesson: lesson as never, by: 'tutor', refund: true } as const
  const cancelled = cancelLesson({ ...tutor.services, calendar: calendar as Calendar }, asked, {} as HandlerContext)
  await t.rejects(cancelled, {
    name: 'PermanentError',
    message: /has no lessonOf\(\): cancel the lesson there by hand/,
  })
  t.match(await tutor.lessons(), [{ order }])
})
