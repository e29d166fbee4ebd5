import tap from 'tap'
import { lessonChangeHandlers } from '../../handlers/lesson-changes.ts'
import { begin, pay } from '../../sandbox/payments.ts'
import { goOn } from '../helpers/later.ts'
import { MINUTE, refundEvent, reserved } from '../helpers/lesson-story.ts'
import { started } from '../helpers/tutor-changes.ts'

/** A lesson that was marked as paid by mistake is open again. */

const HOUR = 60 * MINUTE
const signal = new AbortController().signal
const LINK = /^Je les op .* is nog niet betaald\. Betaal € 60,00 uiterlijk /

tap.test('the student reads it, gets the link before the lesson, and it can be marked as paid again', async t => {
  const tutor = await started(t)
  const bob = tutor.student('widget')
  await bob.says('Hoi')
  const conversation = bob.conversation.id
  const { order } = await tutor.add({ start: '2026-11-27T16:00', conversation, payment: 'unpaid' })
  await tutor.paid(order, { name: 'Mrs Jansen' })
  const { length } = bob.read()
  t.match(await tutor.unpaid(order.slice(0, 12)), {
    order,
    state: 'done',
    why: 'not paid after all: 60.00 EUR, cash is taken back',
    trouble: null,
  })
  t.strictSame(bob.read().slice(length), [
    'Je les op vrijdag 27 november om 16:00 is toch nog niet betaald: we hadden je betaling per vergissing genoteerd.',
  ])
  t.equal(
    bob.notes().at(-1),
    `Lesson marked as not paid by the tutor: Friday 27 November at 16:00, order ${order} (it was 60.00 EUR, cash)`,
  )
  t.match(await tutor.lessons(), [{ order, payment: 'unpaid', sequence: 1 }])
  t.match(bob.conversation, {
    labels: ['status:booked'],
    custom_attributes: { order_id: order, payment_status: 'open', payment_amount: null, payment_currency: null },
  })
  const start = Date.parse('2026-11-27T15:00Z')
  await goOn(tutor, start - 48 * HOUR)
  t.match(bob.read().slice(length + 1), [LINK])
  t.match(await tutor.paid(order, { how: 'invoice' }), { state: 'done', why: 'paid: 60.00 EUR, invoice' })
  t.match(await tutor.lessons(), [{ payment: '60.00 EUR, invoice' }])
  t.equal(tutor.session().status, 'expired', 'only one can be paid')
  t.match(await tutor.unpaid(order), { state: 'done' })
  t.match(await tutor.paid(order), { state: 'done' }, 'as often as it is needed')
  t.match(await tutor.insist('paid', { order, how: 'cash', amount: 1, currency: 'EUR', payer: '', conversation: '' }), {
    why: 'it is paid already (60.00 EUR, cash)',
  })
})

tap.test('one that was reserved when it was marked stays booked; then Stripe is paid for it', async t => {
  const tutor = await started(t)
  const renee = await reserved(tutor)
  const order = `${renee.conversation.custom_attributes?.order_id}`
  await tutor.paid(order)
  t.match(await tutor.unpaid(order), { state: 'done' })
  t.match(await tutor.lessons(), [{ order, payment: 'unpaid' }])
  const said = renee.read().length
  await goOn(tutor, tutor.clock.now() + MINUTE)
  t.match(renee.read().slice(said), [LINK], 'its lesson is within two days')
  await tutor.deliver(pay(tutor.session(2)).completed)
  t.match(await tutor.lessons(), [{ order, payment: /^60\.00 EUR, pi_/ }])
  t.match(renee.read().at(-1), 'Dank je wel! We hebben je betaling van € 60,00 ontvangen.')
  await t.rejects(tutor.unpaid(order), {
    message:
      /^It can’t be marked as not paid: Stripe is paid for it \(60\.00 EUR, pi_\w+\): cancel it with the money back/,
    statusCode: 409,
  })
})

tap.test(
  'if Stripe has been paid since, the mark stays until that is refunded: nobody is asked to pay twice',
  async t => {
    const tutor = await started(t)
    const renee = await reserved(tutor)
    const order = `${renee.conversation.custom_attributes?.order_id}`
    await tutor.paid(order)
    await tutor.deliver(pay(tutor.session()).completed)
    t.match(renee.notes().at(-1), /paid a second time/)
    const { payment_intent: paymentIntent } = tutor.session()
    const { length } = renee.read()
    t.match(await tutor.unpaid(order), {
      state: 'refused',
      why: `Stripe has been paid for it since (${paymentIntent}): leave it as paid, or refund that in Stripe first`,
    })
    t.match(await tutor.lessons(), [{ order, payment: '60.00 EUR, cash' }])
    t.equal(renee.read().length, length)
    await tutor.deliver(refundEvent('evt_back', { paymentIntent: paymentIntent as string }))
    t.match(await tutor.lessons(), [{ order, payment: '60.00 EUR, cash' }], 'its refund cancels nothing')
    t.match(renee.notes().at(-1), `Payment refunded: 60.00 EUR, order ${order}`)
    t.match(await tutor.unpaid(order), { state: 'done' })
    t.match(await tutor.lessons(), [{ order, payment: 'unpaid' }])
  },
)

tap.test('a lesson that has begun, without a conversation; and one that the conversation is not about', async t => {
  const tutor = await started(t)
  const past = await tutor.add({ start: '2026-11-23T16:00', student: 'Zoë', payment: '60.00 EUR, cash' })
  tutor.clock.advance(24 * HOUR)
  t.match(await tutor.unpaid(past.order), { state: 'done' }, 'it was written when it was added')
  t.equal(tutor.chatwoot.calls.length, 0, 'nobody is told')

  const bob = tutor.student('widget')
  const conversation = bob.conversation.id
  await tutor.add({ start: '2026-11-27T16:00', conversation, payment: 'unpaid' })
  const other = await tutor.add({ start: '2026-11-28T16:00', conversation, payment: '60.00 EUR, cash' })
  const before = { ...bob.conversation.custom_attributes }
  t.match(await tutor.unpaid(other.order), { state: 'done' })
  t.strictSame(bob.conversation.custom_attributes, before)
  t.match(bob.read().at(-1), /is toch nog niet betaald/)
})

tap.test('refused, and said what to do: Stripe, a package, free, by hand, cancelled, under way', async t => {
  const tutor = await started(t)
  const { calendar } = tutor.app.webhooks
  const start = Date.parse('2026-11-25T09:00Z')
  const payments = {
    stripe: [
      '60.00 EUR, pi_1',
      /^Stripe is paid for it \(60\.00 EUR, pi_1\): cancel it with the money back, or refund it/,
    ],
    package: ['package, 42-b', /^it is paid from the package of order 42-b: cancel it with the money back/],
    free: [null, 'it is free: nothing is to be paid'],
    open: ['unpaid', 'it is not paid anyway'],
    text: ['Mrs Jansen brings it', 'it was not marked as paid here: what its payment says was written by hand'],
  } as const
  for (const [index, [order, [payment, why]]] of Object.entries(payments).entries()) {
    const time = { start: start + index * HOUR, end: start + (index + 1) * HOUR }
    await calendar.book({ order, ...time, student: 'x', service: 'y', conversation: '', payment }, signal)
    t.match(await tutor.insist('unpaid', { order, conversation: '' }), { state: 'refused', why }, order)
  }
  await calendar.cancel('stripe', signal)
  t.match(await tutor.insist('unpaid', { order: 'stripe', conversation: '' }), { why: 'it is cancelled' })
  t.match(await tutor.insist('unpaid', { order: 'gone', conversation: '' }), {
    why: 'there is no such lesson any more',
  })
  await reserved(tutor)
  await tutor.deliver(begin(tutor.session(), tutor.clock.now()))
  const held = (await tutor.lessons())?.find(({ isHeld }) => isHeld)
  await t.rejects(tutor.unpaid(`${held?.order}`), { message: /Stripe is paid for it .* under way/, statusCode: 409 })
})

tap.test('calendars of hosts, and what happens between two looks', async t => {
  const { services, app } = await started(t)
  const lesson = {
    order: 'a',
    start: 0,
    end: HOUR,
    conversation: '',
    payment: '60.00 EUR, cash, Mrs Jansen',
    sequence: 1,
  }
  const said = async (calendar: object, first?: string) => {
    const notes: string[] = []
    const once = async (key: string, step: (mayHaveActed: boolean) => unknown) =>
      key.endsWith(':paid-by') && first !== undefined ? first : step(false)
    const note = async (text: string) => void notes.push(text)
    const pair = lessonChangeHandlers({ ...services, calendar } as never)['tutorbot.lesson_unpaid']
    const context = { once, note, signal, log: app.log } as never
    await pair?.handle({ id: 'd', payload: { order: 'a', conversation: '' } } as never, context)
    return notes
  }
  const lessonOf = async () => lesson
  const [cannot] = await said({})
  t.match(cannot, /^Refused: this calendar can’t say how a lesson is paid/)
  t.same(await said({ lessonOf }), [cannot])
  const changed = { lessonOf, setPayment: async () => 'changed' }
  t.match(await said(changed), ['Refused: it has been changed meanwhile: look at it again'])
  t.match(await said(changed, 'pi_1'), ['Refused: it was paid at Stripe, too (pi_1)'])
})
