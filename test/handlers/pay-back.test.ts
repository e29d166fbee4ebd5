import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { AttentionEvent } from '../../inbox/events.ts'
import { pay } from '../../sandbox/payments.ts'
import type { Answer } from '../../sandbox/stand-in.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { failRefund, type Refund, refundPayment, refusal } from '../../sandbox/stripe-refunds.ts'
import { ASK, setUpCancelling } from '../helpers/cancelling.ts'
import type { TutorOptions } from '../helpers/tutor.ts'

/** What of a lesson's payment can be paid back, and what Stripe says to it. */

const ALL = { amount: 6000, currency: 'eur' }
const REFUND = 'POST /v1/refunds'

async function setUp(t: Test, options: TutorOptions = {}) {
  const tutor = await setUpCancelling(t, options)
  const attention: AttentionEvent[] = []
  tutor.app.webhooks.events.on('attention', event => attention.push(event))
  return { ...tutor, attention }
}

type Tutor = Awaited<ReturnType<typeof setUp>>

/** A lesson in the calendar whose payment is this. */
async function booked(tutor: Tutor, payment: string | null, order = 'OPL-1'): Promise<string> {
  const start = tutor.clock.now() + 48 * 3_600_000
  const lesson = { order, start, end: start + 3_600_000, student: 'Sam', service: 'math', payment, conversation: '' }
  await tutor.services.calendar.book(lesson, AbortSignal.timeout(5_000))
  return order
}

t.test('nothing is paid back of what was free, or is paid back', async t => {
  const tutor = await setUp(t)
  const free = await booked(tutor, null)
  t.equal(await tutor.refundOf(free), 'nothing')
  t.same(await tutor.cancel(free), { cancelled: true, refunded: null })
  const open = await booked(tutor, 'unpaid', 'OPL-3')
  t.equal(await tutor.refundOf(open), 'nothing')
  t.same(await tutor.cancel(open), { cancelled: true, refunded: null })

  const { order } = await tutor.paid()
  const session = tutor.session()
  Object.assign(session, { intent_status: 'canceled' })
  t.equal(await tutor.refundOf(order), 'nothing', 'never paid')
  Object.assign(session, { intent_status: 'succeeded' })
  refundPayment(tutor.stripe, session, 6000)
  t.equal(await tutor.refundOf(order), 'nothing', 'by somebody else')
  t.same(await tutor.cancel(order), { cancelled: true, refunded: null })

  Object.assign(session, { payment_intent: null, amount_total: 0 })
  const voucher = await booked(tutor, `0.00 EUR, ${session.id}`, 'OPL-2')
  t.equal(await tutor.refundOf(voucher), 'nothing')
  t.equal(tutor.stripe.called(REFUND).length, 0)
  t.strictSame(tutor.attention, [])
})

t.test('a session’s payment is found', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  await tutor.services.calendar.cancel(order, AbortSignal.timeout(5_000))
  t.same(await tutor.refundOf(await booked(tutor, `60.00 EUR, ${tutor.session().id}`, order)), { money: ALL })
})

const PERSON: Record<string, [(tutor: Tutor, order: string) => unknown, RegExp]> = {
  'in cash': [
    async (tutor, order) => {
      await tutor.services.calendar.cancel(order, AbortSignal.timeout(5_000))
      await booked(tutor, 'cash', order)
    },
    /^It was not paid by Stripe \("cash"\): pay it back the way it was paid\.$/,
  ],
  'in cash, with a name that looks like an id': [
    async (tutor, order) => {
      await tutor.services.calendar.cancel(order, AbortSignal.timeout(5_000))
      await booked(tutor, '60.00 EUR, cash, pi_1', order)
    },
    /^It was not paid by Stripe \("60\.00 EUR, cash, pi_1"\): pay it back the way it was paid\.$/,
  ],
  'Stripe does not know it': [
    tutor => Object.assign(tutor.session(), { payment_intent: 'pi_other' }),
    /^Stripe does not know pi_cs_test_1: STRIPE_SECRET_KEY is of another account or mode/,
  ],
  'another order’s': [
    tutor => Object.assign(tutor.session().intent_metadata as object, { order_id: 'OPL-9' }),
    /^pi_cs_test_1 is the payment of another order \(OPL-9\)/,
  ],
  disputed: [
    tutor => Object.assign(tutor.session(), { dispute: 'created' }),
    /^pi_cs_test_1 is disputed: answer that in Stripe\. A refund besides could pay it back twice\.$/,
  ],
  'a refund failed': [
    tutor => failRefund(tutor.stripe, tutor.session(), refundPayment(tutor.stripe, tutor.session(), 6000)),
    /^A refund of pi_cs_test_1 failed \(re_1: expired_or_canceled_card\): pay it back another way\.$/,
  ],
  'a refund was taken back': [
    tutor => {
      const refund = refundPayment(tutor.stripe, tutor.session(), 6000)
      failRefund(tutor.stripe, tutor.session(), refund)
      Object.assign(refund, { status: 'canceled', failure_reason: undefined })
    },
    /^A refund of pi_cs_test_1 failed \(re_1: canceled\): pay it back another way\.$/,
  ],
  'another currency': [
    tutor =>
      Object.assign(tutor.session(), {
        presentment_details: { presentment_amount: 6512, presentment_currency: 'usd' },
      }),
    /in another currency \(65\.12 USD for 60\.00 EUR\): refund it in Stripe, which shows both sums\.$/,
  ],
}

for (const [name, [happens, why]] of Object.entries(PERSON)) {
  t.test(`a person decides: ${name}`, async t => {
    const tutor = await setUp(t)
    const { order } = await tutor.paid()
    await happens(tutor, order)
    t.match(await tutor.refundOf(order), { person: why })
    t.match(await tutor.refundOf(order, 'tutor'), { person: why }, 'the tutor too')
    const calls = tutor.stripe.called(REFUND).length
    t.match(await tutor.cancel(order), { cancelled: true, refunded: null, person: why })
    t.strictSame(await tutor.lessons(), [], 'the lesson stays cancelled')
    t.equal(tutor.stripe.called(REFUND).length, calls)
    t.match(tutor.attention, [{ problem: 'not_refunded', order }])
    t.match(
      tutor.attention[0]?.why,
      why.source.startsWith('^') ? new RegExp(`its money is not paid back. ${why.source.slice(1)}`) : why,
    )
  })
}

t.test('the same currency is no conversion', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  Object.assign(tutor.session(), { presentment_details: { presentment_amount: 6000, presentment_currency: 'eur' } })
  t.same(await tutor.refundOf(order), { money: ALL })
})

t.test('without a key a person refunds', async t => {
  const tutor = await setUp(t, { stripeKey: false })
  const order = await booked(tutor, '60.00 EUR, pi_1')
  const person = 'STRIPE_SECRET_KEY is not set: refund pi_1 in Stripe.'
  t.same(await tutor.refundOf(order), { person })
  t.same(await tutor.cancel(order), { cancelled: true, refunded: null, person })
  t.match(tutor.attention, [{ payment: 'pi_1', amount: '60.00 EUR' }])
})

t.test('the tutor’s rule: a person decides, or nothing is paid back; it does not bind the tutor', async t => {
  for (const [refund, expected] of [
    [
      'ask',
      { money: ALL, person: /^You decide about refunds \(cancellation\.refund is "ask"\): refund pi_cs_test_1 in/ },
    ],
    ['none', 'nothing'],
  ] as const) {
    await t.test(refund, async t => {
      const tutor = await setUp(t, { tutor: { cancellation: { refund } } })
      const { order } = await tutor.paid()
      t.match(await tutor.refundOf(order), expected)
      t.same(await tutor.refundOf(order, 'tutor'), { money: ALL })
    })
  }
})

t.test('students set off so many refunds a day, in the tutor’s zone; the tutor as many as there are', async t => {
  const cancellation = { refund: 'automatic', maxRefundsPerDay: 1 } as const
  const tutor = await setUp(t, { tutor: { cancellation } })
  const { renee, order } = await tutor.paid()
  t.match(await tutor.cancel(order), { refunded: ALL })
  const again = async (choice: string) => {
    await renee.says('Les boeken')
    await renee.says(choice)
    const session = [...tutor.stripe.sessions.values()].at(-1) as Session
    await tutor.deliver(pay(session).completed)
    return session.metadata?.order_id as string
  }
  const second = await again('optie 1')
  const capped =
    /^The day's automatic refunds are used up \(cancellation\.maxRefundsPerDay: 1\): refund pi_cs_test_2 in/
  t.match(await tutor.refundOf(second), { person: capped, money: ALL })
  t.match(await tutor.cancel(second), { cancelled: true, refunded: null, person: capped })
  const third = await again('optie 1')
  t.same(await tutor.refundOf(third, 'tutor'), { money: ALL })
  t.same(await tutor.cancel(third, { by: 'tutor' }), { cancelled: true, refunded: ALL })
  const fourth = await again('optie 6')
  tutor.clock.advance(13 * 3_600_000)
  t.same(await tutor.refundOf(fourth), { money: ALL }, 'the next day')
})

/** How Stripe refuses a refund, and what the person is told. */
const REFUSED: [Answer, RegExp][] = [
  [refusal(400, 'charge_disputed', 'has been charged back'), /^pi_cs_test_1 is disputed/],
  [refusal(400, 'balance_insufficient', 'Insufficient funds'), /^Your Stripe balance is too low: add money to it, and/],
  [refusal(400, 'charge_not_refundable', 'Not this one'), /^Stripe refuses \(.*Not this one\): look at pi_cs_test_1/],
  [
    { status: 403, body: { error: { type: 'invalid_request_error', message: 'needs rak_charge_write' } } },
    /^STRIPE_SECRET_KEY may not do it \(.*rak_charge_write\): let it write charges and refunds, and refund pi_/,
  ],
]

for (const [answer, why] of REFUSED) {
  t.test(`Stripe refuses the refund: ${why.source}`, async t => {
    const tutor = await setUp(t)
    const { renee, order } = await tutor.paid()
    tutor.stripe.fail(REFUND, answer)
    t.match(await tutor.cancel(order), { cancelled: true, refunded: null, person: why })
    t.strictSame(await tutor.lessons(), [])
    t.match(tutor.attention, [
      { problem: 'not_refunded', payment: 'pi_cs_test_1', amount: '60.00 EUR', student: 'Renée' },
    ])
    t.match(renee.read().at(-1), /^told: .*"person":/)
    t.match(await tutor.cancel(order), { cancelled: false, person: why }, 'and it is not tried again')
    t.equal(tutor.stripe.called(REFUND).length, 1)
    t.equal(tutor.attention.length, 1)
  })
}

t.test('asking waits while Stripe is away', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  tutor.stripe.fail(/^GET \/v1\/refunds/, { status: 500, body: { error: { type: 'api_error' } } })
  const delivery = await tutor.ask({ order, by: 'student', refund: true }, ASK)
  t.match(await tutor.ended(delivery), { msg: /^webhook failed/ })
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
})

t.test('a key that may not read refunds: a person', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  tutor.stripe.fail(/^GET \/v1\/refunds/, {
    status: 403,
    body: { error: { type: 'invalid_request_error', message: 'no' } },
  })
  t.match(await tutor.refundOf(order), { person: /^STRIPE_SECRET_KEY may not do it/ })
})

t.test('refunded by somebody else at the same moment: nothing is left', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  tutor.stripe.fail(REFUND, {
    wait: async () => {
      refundPayment(tutor.stripe, tutor.session(), 6000)
    },
  })
  t.same(await tutor.cancel(order), { cancelled: true, refunded: null })
  t.equal(tutor.stripe.refunds.length, 1)
})

for (const behaviour of ['drop', 'drop after', { status: 500, body: { error: { type: 'api_error' } } }] as const) {
  t.test(`a refund that is not answered is made once: ${JSON.stringify(behaviour)}`, async t => {
    const tutor = await setUp(t)
    const { renee, order } = await tutor.paid()
    tutor.stripe.fail(REFUND, behaviour)
    const delivery = await tutor.ask({ order, by: 'student', refund: true })
    const why = new RegExp(`The lesson of order ${order} is cancelled, but its money is not paid back yet: Stripe: `)
    t.match(await tutor.ended(delivery), { msg: /^webhook failed/, error: why })
    t.strictSame(await tutor.lessons(), [])
    t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
    t.same(tutor.outcomes, [{ cancelled: true, refunded: ALL }])
    t.equal(tutor.stripe.refunds.length, 1)
    t.equal(renee.read().filter(text => text.startsWith('told')).length, 1)
    t.strictSame(tutor.attention, [])
  })
}

t.test('what is not Stripe’s fault is not said to be: it fails as it is, and is tried again', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  const disk = async () => {
    throw new Error('disk I/O error')
  }
  mock.method(tutor.services, 'installationId', disk, { times: 1 })
  const delivery = await tutor.ask({ order, by: 'student', refund: true })
  t.match(await tutor.ended(delivery), { msg: /^webhook failed/, error: /^Error: disk I\/O error/ })
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.same(tutor.outcomes, [{ cancelled: true, refunded: ALL }])
  t.equal(tutor.stripe.refunds.length, 1)
})

t.test('a failure that Stripe keeps with the key is not asked for again', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  const kept = { status: 500, headers: { 'idempotent-replayed': 'true' }, body: { error: { type: 'api_error' } } }
  tutor.stripe.fail(call => /:0$/.test(String(call.headers['idempotency-key'])), kept, Number.POSITIVE_INFINITY)
  t.same(await tutor.cancel(order), { cancelled: true, refunded: ALL })
  const keys = tutor.stripe.called(REFUND).map(({ headers }) => headers['idempotency-key'])
  t.match(keys, [/^tutorbot:refund:.*:0$/, /^tutorbot:refund:.*:1$/])
  t.equal(keys.length, 2)
})

t.test('and this attempt ends if it keeps failing', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  const kept = { status: 500, headers: { 'idempotent-replayed': 'true' }, body: { error: { type: 'api_error' } } }
  tutor.stripe.fail(REFUND, kept, 5)
  const delivery = await tutor.ask({ order, by: 'student', refund: true })
  t.match(await tutor.ended(delivery), { error: /Stripe has not made the refund of order .* in 5 rounds/ })
  tutor.stripe.recover()
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.equal(tutor.stripe.refunds.length, 1)
})

t.test('a refund that fails at once is a person’s', async t => {
  const tutor = await setUp(t)
  const { order } = await tutor.paid()
  tutor.stripe.changes.on('refunded', (session, refund: Refund) => failRefund(tutor.stripe, session, refund))
  t.match(await tutor.cancel(order), { refunded: null, person: /^A refund of pi_cs_test_1 failed \(re_1: / })
  t.equal(tutor.stripe.refunds.length, 1)
})
