import t from 'tap'
import { startPage, textOf } from '../helpers/sandbox-page.ts'
import { lastQuestion } from '../helpers/world.ts'

const HOUR = 3_600_000

/** A page, and students who reserve lessons. */
async function reserved(t: Parameters<typeof startPage>[0]) {
  const started = await startPage(t)
  const { world, conversation, quiet } = started
  return {
    ...started,
    /** A student asks for a lesson, and chooses the nth time that is offered. */
    async reserve(id = 1, nth = 0): Promise<void> {
      world.say(id, 'Les boeken')
      await quiet()
      const question = lastQuestion(conversation(id))
      const times = question.content_attributes.items as { value: string }[]
      world.choose(id, question.id, String(times[nth]?.value))
      await quiet()
    },
  }
}

t.test('a debit is under way, and fails', async t => {
  const { press, reserve } = await reserved(t)
  await reserve()
  t.match(await press('/sandbox', 'say', { text: 'hm' }), 'class="choices buttons"', 'few are buttons')
  t.match(textOf(await press('/sandbox/pay/cs_test_1', 'pay', {}, 'SEPA')), /10:00–11:00 Sanne payment under way/)
  const failed = await press('/sandbox/pay/cs_test_1', 'settle', {}, 'It fails')
  t.match(textOf(failed), /failed There is nothing to pay here/)
})

t.test('a debit succeeds, is given back in part, and disputed by the bank', async t => {
  const { press, get, reserve } = await reserved(t)
  await reserve()
  await press('/sandbox/pay/cs_test_1', 'pay', {}, 'SEPA')
  t.match(textOf(await get('/sandbox/pay/cs_test_1')), /The payment is under way/)
  t.match(textOf(await press('/sandbox/pay/cs_test_1', 'settle', {}, 'It succeeds')), /paid Paid/)
  for (const [amount, says] of [
    ['0', /A refund must be from 0\.01 to 60\.00,/],
    ['60.01', /A refund must be from 0\.01 to 60\.00,/],
    ['ten', /amount must be a sum of money, such as 12\.50/],
  ] as const) {
    t.match(textOf(await press('/sandbox/pay/cs_test_1', 'refund', { amount })), says, amount)
  }
  const part = await press('/sandbox/pay/cs_test_1', 'refund', { amount: '12,50' })
  t.match(textOf(part), /refunded in part/)
  t.match(part, 'value="47.50"', 'what is left')
  t.match(textOf(await press('/sandbox/pay/cs_test_1', 'dispute', {}, 'takes it back')), /disputed/)
  t.match(textOf(await press('/sandbox/pay/cs_test_1', 'dispute', {}, 'wins')), /refunded in part Paid/)
  t.notMatch(await get('/sandbox/pay/cs_test_1'), 'takes it back', 'once')
})

t.test('a payment is given back in whole, another is lost to the bank', async t => {
  const { press, get, reserve } = await reserved(t)
  await reserve()
  await press('/sandbox/pay/cs_test_1', 'pay', {}, 'Card')
  t.match(
    textOf(await press('/sandbox/pay/cs_test_1', 'refund', { amount: '60' })),
    /refunded There is nothing to pay here/,
  )
  t.match(textOf(await press('/sandbox/pay/cs_test_1', 'fail-refund')), /paid Paid/, 'the money comes back')
  await press('/sandbox/pay/cs_test_1', 'refund', { amount: '30' })
  t.match(textOf(await press('/sandbox/pay/cs_test_1', 'fail-refund')), /paid Paid/)
  await press('/sandbox/pay/cs_test_1', 'refund', { amount: '60' })
  await press('/sandbox', 'student', { name: 'Emma', channel: 'whatsapp', language: 'en' })
  await reserve(2, 1)
  await press('/sandbox/pay/cs_test_2', 'pay', {}, 'Card')
  await press('/sandbox/pay/cs_test_2', 'dispute', {}, 'takes it back')
  t.match(textOf(await press('/sandbox/pay/cs_test_2', 'dispute', {}, 'loses')), /lost There is nothing/)
  t.match(textOf(await get('/sandbox')), /Payments €60.00 Emma lost €60.00 Sanne refunded/, 'the latest first')
})

t.test('a link to pay expires, at once or in its time', async t => {
  const { press, get, clock, quiet, reserve } = await reserved(t)
  await reserve()
  t.match(textOf(await get('/sandbox')), /open, until 11:40/)
  t.match(textOf(await press('/sandbox/pay/cs_test_1', 'expire')), /expired There is nothing to pay here/)
  await press('/sandbox', 'student', { name: 'Emma', channel: 'whatsapp', language: 'en' })
  await reserve(2, 1)
  const before = clock.now()
  const expired = await press('/sandbox', 'clock', { to: 'expiry' })
  t.ok(clock.now() - before <= HOUR, 'moved on')
  await quiet()
  t.match(textOf(expired), /Emma expired/)
  await press('/sandbox', 'clock', { to: 'hour' })
  const tomorrow = textOf(await press('/sandbox', 'clock', { to: 'tomorrow' }))
  t.match(tomorrow, /Tue 24 Nov, 09:00:00/)
})

t.test('after paying, one is where Stripe sends students: the service’s own page, or else the chat', async t => {
  const { post, world, control, token, reserve } = await reserved(t)
  await reserve()
  const session = world.stripe.sessions.get('cs_test_1')
  const lands = async (success_url: string) => {
    Object.assign(session as object, { success_url, status: 'open', payment_status: 'unpaid' })
    const response = await post('/sandbox/do/pay', { form: await token(), session: 'cs_test_1', method: 'card' })
    return response.headers.get('location')
  }
  t.equal(await lands('http://127.0.0.1:3000/paid?language=nl'), '/paid?language=nl')
  t.equal(await lands('https://chat.example.com/'), '/sandbox#student-1')
  await control.become('stopped')
  t.equal(await lands('http://127.0.0.1:3000/paid?language=nl'), '/sandbox#student-1', 'it does not answer')
})
