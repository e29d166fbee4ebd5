import tap from 'tap'
import { lessonChangeHandlers } from '../../handlers/lesson-changes.ts'
import { TransientError } from '../../inbox/errors.ts'
import { begin, pay } from '../../sandbox/payments.ts'
import { contactOf, MINUTE, refundEvent, reserved } from '../helpers/lesson-story.ts'
import { started } from '../helpers/tutor-changes.ts'
import { until } from '../helpers/wait.ts'

/** Lessons that are paid otherwise than at Stripe, and those that are booked before they are paid. */

const signal = new AbortController().signal
const EXPIRE = /^POST \/v1\/checkout\/sessions\/\w+\/expire/

tap.test('an unpaid lesson is marked as paid: the student reads it, the calendar has it with the name', async t => {
  const tutor = await started(t)
  const bob = tutor.student('widget')
  const conversation = bob.conversation.id
  const { order } = await tutor.add({ start: '2026-11-25T16:00', conversation, payment: 'Unpaid' })
  t.match(await tutor.lessons(), [{ order, payment: 'unpaid' }])
  const { length } = bob.read()
  t.match(await tutor.paid(order.slice(0, 12), { name: 'Mrs Jansen', amount: '60,00', currency: 'eur' }), {
    order,
    state: 'done',
    why: 'paid: 60.00 EUR, cash',
    trouble: null,
  })
  t.strictSame(bob.read().slice(length), ['Dank je wel! We hebben je betaling van € 60,00 ontvangen.'])
  t.equal(bob.notes().at(-1), `Lesson marked as paid by the tutor: 60.00 EUR, cash, order ${order}`)
  t.match(await tutor.lessons(), [{ order, payment: '60.00 EUR, cash, Mrs Jansen', sequence: 1 }])
  t.match(bob.conversation, {
    labels: ['status:booked', 'payment:paid'],
    custom_attributes: { order_id: order, payment_status: 'paid', payment_amount: '60.00', payment_currency: 'EUR' },
  })
  t.match(contactOf(tutor), { has_paid_lesson: true, customer_since: /^2026-11-23/ })
  await t.rejects(tutor.paid(order), {
    message: /It can’t be marked as paid: it is paid already \(60\.00 EUR, cash\)$/,
  })
  t.match(await tutor.insist('paid', { ...CASH, order }), {
    state: 'refused',
    why: 'it is paid already (60.00 EUR, cash)',
  })
  t.match(
    (await tutor.cancel(order, true)).why,
    /not paid back: It was not paid by Stripe .*pay it back the way it was paid/,
  )
})

const CASH = { how: 'cash', amount: 6000, currency: 'EUR', payer: '', conversation: '' }

tap.test('a lesson that has begun, and what a tutor has written about it', async t => {
  const tutor = await started(t)
  const { order } = await tutor.add({ start: '2026-11-23T16:00', student: 'Zoë' })
  tutor.clock.advance(24 * 60 * MINUTE)
  t.match(await tutor.paid(order, { how: 'transfer' }), { state: 'done', why: 'paid: 60.00 EUR, transfer' })
  t.match(await tutor.lessons(), [{ payment: '60.00 EUR, transfer' }])
  t.equal(tutor.chatwoot.calls.length, 0, 'nobody is told')
})

tap.test('a reserved lesson: its link is ended, it is booked, and the student is told both', async t => {
  const tutor = await started(t)
  const renee = await reserved(tutor)
  const order = `${renee.conversation.custom_attributes?.order_id}`
  const { length } = renee.read()
  t.match(await tutor.paid(order), {
    order,
    state: 'done',
    why: 'paid: 60.00 EUR, cash; booked on Tuesday 24 November at 10:00',
  })
  t.strictSame(renee.read().slice(length), [
    'Dank je wel! We hebben je betaling van € 60,00 ontvangen.\nJe les staat vast: dinsdag 24 november om 10:00. Tot dan!',
  ])
  t.equal(
    renee.notes().at(-1),
    `Lesson marked as paid by the tutor: 60.00 EUR, cash, order ${order}; booked: Tuesday 24 November at 10:00`,
  )
  t.equal(tutor.session().status, 'expired')
  t.match(await tutor.lessons(), [
    { order, student: 'Renée', payment: '60.00 EUR, cash', conversation: '4100042', contact: '4100001' },
  ])
  t.match(renee.conversation, {
    labels: ['payment:paid', 'status:booked'],
    custom_attributes: { order_id: order, payment_status: 'paid', checkout_session: null, pending_intent: 'menu' },
  })
  t.match(contactOf(tutor), { lesson_booked: true, has_paid_lesson: true })
  const again = await tutor.deliver(pay(tutor.session()).succeeded)
  t.equal(again, 'webhook handled', 'Stripe has taken the money nevertheless')
  t.match(
    renee.notes().at(-1),
    /paid a second time: 60\.00 EUR by pi_\w+, after you had marked it as paid\. Please refund pi_/,
  )
  await tutor.deliver(refundEvent('evt_back', { paymentIntent: tutor.session().payment_intent as string }))
  t.match(await tutor.lessons(), [{ order, payment: '60.00 EUR, cash' }], 'also when that is refunded')
  t.match(renee.notes().at(-1), `Payment refunded: 60.00 EUR, order ${order}`)
})

tap.test('while Stripe is being paid nothing is changed', async t => {
  const tutor = await started(t)
  const renee = await reserved(tutor)
  const order = `${renee.conversation.custom_attributes?.order_id}`
  const session = tutor.session()
  const { completed } = pay(session)
  t.match(await tutor.paid(order), {
    state: 'refused',
    why: /^it is just being paid at Stripe: nothing has been changed/,
  })
  t.same(await tutor.lessons(), [])
  await tutor.deliver(completed)
  t.match(await tutor.lessons(), [{ order, payment: /^60\.00 EUR, pi_/ }])
  await t.rejects(tutor.paid(order), { message: /it is paid already \(60\.00 EUR, pi_\w+\)/, statusCode: 409 })
})

tap.test('refused, and said why: free, cancelled, under way, unknown, lapsed', async t => {
  const tutor = await started(t)
  const { calendar } = tutor.app.webhooks
  const start = Date.parse('2026-11-25T15:00Z')
  const lesson = { start, end: start + 60 * MINUTE, student: 'x', service: 'y', conversation: '' }
  await calendar.book({ ...lesson, order: 'free', payment: null }, signal)
  await t.rejects(tutor.paid('free'), { message: 'It can’t be marked as paid: it is free: nothing is to be paid' })
  const { order } = await tutor.add({ start: '2026-11-26T16:00', student: 'Zoë', payment: 'unpaid' })
  await tutor.cancel(order, false)
  await t.rejects(tutor.paid(order), { message: /it is cancelled$/ })
  await t.rejects(tutor.paid('42-gone'), { message: 'There is no lesson 42-gone', statusCode: 404 })
  t.match(await tutor.insist('paid', { ...CASH, order: 'gone' }), {
    why: /^there is no such lesson, and no time is reserved/,
  })

  const renee = await reserved(tutor)
  const id = `${renee.conversation.custom_attributes?.order_id}`
  const wanted = { ...CASH, order: id, conversation: `${renee.conversation.id}` }
  t.match(await tutor.insist('paid', { ...wanted, order: '4100042-other' }), { why: /^there is no such lesson/ })
  await calendar.release(id, 8e15, signal)
  const at = Date.parse('2026-11-24T09:00Z')
  await calendar.book({ ...lesson, start: at, end: at + 60 * MINUTE, order: 'b', payment: 'x' }, signal)
  t.match(await tutor.insist('paid', wanted), { state: 'refused', why: 'its time is not free any more' })
  t.equal(tutor.session().status, 'open', 'nothing is ended')
  tutor.clock.advance(at - tutor.clock.now())
  t.match(await tutor.insist('paid', wanted), { why: 'its time has passed' })
})

tap.test('a payment at Stripe that is under way decides first', async t => {
  const tutor = await started(t)
  await reserved(tutor)
  await tutor.deliver(begin(tutor.session(), tutor.clock.now()))
  const [held] = (await tutor.lessons()) ?? []
  await t.rejects(tutor.paid(`${held?.order}`), { message: /its payment at Stripe is under way/, statusCode: 409 })
})

tap.test('what is given must make sense', async t => {
  const tutor = await started(t)
  const { order } = await tutor.add({ start: '2026-11-25T16:00', student: 'Zoë', payment: 'unpaid' })
  for (const [given, message] of [
    [{ how: '' }, 'how is missing'],
    [{ how: 'gold' }, 'how must be one of cash, transfer, invoice'],
    [{ amount: '' }, 'amount is missing'],
    [{ amount: '0' }, 'amount must be an amount of EUR above 0, such as 60.00'],
    [{ amount: '-5' }, /^amount must be/],
    [{ amount: '60.005' }, /^amount must be/],
    [{ amount: '60.5', currency: 'JPY' }, 'amount must be an amount of JPY above 0, such as 6000'],
    [{ amount: '1e3' }, /^amount must be/],
    [{ currency: 'EURO' }, 'currency must be the code of a currency, such as EUR'],
    [{ name: 'x'.repeat(201) }, 'name must not be longer than 200 characters'],
  ] as const) {
    await t.rejects(tutor.paid(order, given), { message, statusCode: 400 })
  }
  t.match(await tutor.paid(order, { amount: 60.5 }), { why: 'paid: 60.50 EUR, cash' })
})

tap.test('a lesson that was booked unpaid, and that Stripe is paid for later', async t => {
  const tutor = await started(t)
  const renee = await reserved(tutor)
  const order = `${renee.conversation.custom_attributes?.order_id}`
  const { calendar } = tutor.app.webhooks
  const start = Date.parse('2026-11-24T09:00Z')
  const lesson = { start, end: start + 60 * MINUTE, student: 'Renée', service: 'y', conversation: '4100042' }
  await calendar.book({ ...lesson, order, payment: 'unpaid' }, signal)
  const to = { start: start + 24 * 60 * MINUTE, end: start + 25 * 60 * MINUTE }
  await calendar.move?.({ order, from: start, to, margin: { before: 0, after: 0 } }, signal)
  const { length } = renee.read()
  const { completed, succeeded } = pay(tutor.session())
  await tutor.deliver(completed)
  await tutor.deliver(succeeded)
  t.strictSame(renee.read().slice(length), ['Dank je wel! We hebben je betaling van € 60,00 ontvangen.'])
  t.match(await tutor.lessons(), [{ ...to, order, payment: /^60\.00 EUR, pi_/, sequence: 2 }])
  t.match(renee.conversation.custom_attributes, { payment_status: 'paid', checkout_session: null })
})

tap.test('Stripe is paid for an unpaid lesson, and the calendar fails after it has it', async t => {
  const tutor = await started(t)
  const renee = await reserved(tutor)
  const order = `${renee.conversation.custom_attributes?.order_id}`
  const { calendar } = tutor.app.webhooks
  const start = Date.parse('2026-11-24T09:00Z')
  const lesson = { order, start, end: start + 60 * MINUTE, student: 'Renée', service: 'y', conversation: '4100042' }
  await calendar.book({ ...lesson, payment: 'unpaid' }, signal)
  const set = calendar.setPayment?.bind(calendar) as NonNullable<typeof calendar.setPayment>
  let calls = 0
  Object.assign(calendar, {
    async setPayment(...given: Parameters<typeof set>) {
      const result = await set(...given)
      if (calls++ === 0) throw new TransientError('the calendar is away')
      return result
    },
  })
  const { length } = renee.read()
  await tutor.deliver(pay(tutor.session()).completed)
  await until('it to be told', () => {
    tutor.clock.advance(1_000)
    return renee.read().length > length
  })
  t.strictSame(renee.read().slice(length), ['Dank je wel! We hebben je betaling van € 60,00 ontvangen.'])
  t.equal(calls, 2)
})

tap.test(
  'an unpaid lesson is paid at Stripe when its conversation is gone: the alert says that it was booked',
  async t => {
    const tutor = await started(t)
    const renee = await reserved(tutor)
    const order = `${renee.conversation.custom_attributes?.order_id}`
    const start = Date.parse('2026-11-24T09:00Z')
    const lesson = { order, start, end: start + 60 * MINUTE, student: 'Renée', service: 'y', conversation: '4100042' }
    await tutor.app.webhooks.calendar.book({ ...lesson, payment: 'unpaid' }, signal)
    const why: string[] = []
    tutor.app.webhooks.events.on('attention', event => why.push(event.why))
    tutor.chatwoot.conversations.delete(4100042)
    await tutor.deliver(pay(tutor.session()).completed)
    t.match(why, [/There is no conversation 4100042 in Chatwoot\. Its lesson was booked before\.$/])
  },
)

tap.test('of an earlier lesson: what the conversation is about now is left alone', async t => {
  const tutor = await started(t)
  const bob = tutor.student('widget')
  const conversation = bob.conversation.id
  const first = await tutor.add({ start: '2026-11-25T16:00', conversation, payment: 'unpaid' })
  const second = await tutor.add({ start: '2026-11-26T16:00', conversation, payment: 'unpaid' })
  const before = { ...bob.conversation.custom_attributes }
  t.match(await tutor.paid(second.order), { state: 'done' })
  t.match(before, { order_id: first.order })
  t.strictSame(bob.conversation.custom_attributes, before)
})

tap.test('a booked lesson’s own link is ended, too; of two who say it is paid, one does', async t => {
  const tutor = await started(t)
  const renee = await reserved(tutor)
  const order = `${renee.conversation.custom_attributes?.order_id}`
  const start = Date.parse('2026-11-24T09:00Z')
  const lesson = { start, end: start + 60 * MINUTE, student: 'Renée', service: 'y', conversation: '4100042' }
  await tutor.app.webhooks.calendar.book({ ...lesson, order, payment: 'unpaid' }, signal)
  const [one, other] = await Promise.all([tutor.paid(order), tutor.paid(order, { how: 'invoice' })])
  t.same([one.state, other.state].sort(), ['done', 'refused'])
  t.equal(tutor.session().status, 'expired')
  t.equal(tutor.stripe.called(EXPIRE).length, 1)
  t.equal(renee.read().filter(text => /ontvangen/.test(text)).length, 1)
})

tap.test('calendars of hosts, and what happens between two looks', async t => {
  const { services, app, chatwoot } = await started(t)
  const start = Date.parse('2026-11-27T09:00Z')
  const lesson = { order: 'a', start, end: start + 60 * MINUTE, conversation: '', payment: 'unpaid', sequence: 1 }
  let asked = 0
  const said = async (parts: object, payload: object = {}, first = 'marked as paid, d') => {
    const notes: string[] = []
    const once = async (key: string, step: (mayHaveActed: boolean) => unknown) =>
      key.endsWith(':paid-by') ? first : step(false)
    const note = async (text: string) => void notes.push(text)
    const context = { once, note, signal, log: app.log, run: 'r' } as never
    const pair = lessonChangeHandlers({ ...services, ...parts } as never)['tutorbot.lesson_paid']
    await pair?.handle({ id: 'd', payload: { ...CASH, order: `a${asked++}`, ...payload } } as never, context)
    return notes
  }
  const lessonOf = async () => lesson
  t.match(await said({ calendar: {} }), [/^Refused: this calendar can’t say how a lesson is paid/])
  t.match(await said({ calendar: { lessonOf } }), [/^Refused: this calendar can’t say how a lesson is paid/])
  const setPayment = async () => 'changed'
  t.match(await said({ calendar: { lessonOf, setPayment } }), [/^Refused: it has been paid or cancelled meanwhile/])
  t.match(await said({ calendar: { lessonOf, setPayment } }, {}, 'pi_1'), ['Refused: it has been paid already (pi_1)'])
  chatwoot.addConversation({
    id: 77,
    custom_attributes: {
      order_id: '77-a',
      checkout_session: 'cs_1',
      pending_intent: 'pay',
      lesson_start: '2026-11-27T10:00:00+01:00',
    },
  })
  const reserved = {
    lessonOf: async () => null,
    setPayment,
    hold: async () => true,
    book: async () => 'taken',
  }
  const wanted = { order: '77-a', conversation: '77' }
  t.match(await said({ calendar: reserved, stripe: null }, wanted), [
    /^Refused: STRIPE_SECRET_KEY is not set: end its payment link \(cs_1\)/,
  ])
  const stripe = { expireSession: async () => true }
  t.match(await said({ calendar: reserved, stripe }, wanted), ['Refused: its time is not free any more'])
})
