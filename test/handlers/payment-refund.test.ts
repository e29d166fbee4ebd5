import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { refundEvent, reserved, setUp } from '../helpers/lesson-story.ts'

/** A refund changes what belongs to its order, and nothing else. */

t.test('refunding lesson A leaves the status and labels of paid lesson B', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const a = tutor.session()
  await tutor.deliver(pay(a).completed)
  await renee.says('Les boeken')
  await renee.says('optie 2')
  const b = tutor.session(2)
  await tutor.deliver(pay(b).completed)
  const { custom_attributes, labels } = structuredClone(renee.conversation)
  t.match(custom_attributes, {
    order_id: b.metadata?.order_id,
    payment_status: 'paid',
    payment_intent_id: 'pi_cs_test_2',
  })
  t.strictSame(labels, ['payment:paid', 'status:booked'])

  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1', metadata: a.metadata ?? {} }))
  t.strictSame(renee.conversation.custom_attributes, custom_attributes)
  t.strictSame(renee.conversation.labels, labels)
  t.match(await tutor.lessons(), [{ order: b.metadata?.order_id }])
  t.match(renee.read().at(-1), /is terugbetaald.\nJe les op dinsdag 24 november om 10:00 gaat niet door/)

  await tutor.deliver(refundEvent('evt_2', { paymentIntent: 'pi_cs_test_2', metadata: b.metadata ?? {} }))
  t.match(renee.conversation.custom_attributes, { order_id: null, payment_status: 'refunded' })
  t.strictSame(renee.conversation.labels, [])
})

t.test('refunding a lesson leaves a booked trial lesson', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  Object.assign(renee.conversation.custom_attributes as object, { order_id: 'a-trial-lesson', trial_booked: true })
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  t.match(renee.conversation.custom_attributes, { order_id: 'a-trial-lesson', payment_status: 'refunded' })
  t.strictSame(renee.conversation.labels, ['status:booked'])
})

t.test('a partial refund’s note also has what the student sees, if it is another currency', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const presentment_details = { presentment_amount: 6512, presentment_currency: 'usd' }
  await tutor.deliver(pay(Object.assign(tutor.session(), { presentment_details })).completed)
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1', refunded: 1000 }, { presentment_details }))
  t.match(
    renee.notes().at(-1),
    /: 10\.00 EUR of 60\.00 EUR \(for the student about 10\.85 USD of 65\.12 USD\) so far, order /,
  )
})

t.test('each partial refund is one note with its amounts; no message, the lesson stays', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  const order = tutor.session().metadata?.order_id
  const [read, notes] = [renee.read().length, renee.notes().length]
  const part = (id: string, refunded: number) => refundEvent(id, { paymentIntent: 'pi_cs_test_1', refunded })
  for (const event of [part('evt_1', 1000), part('evt_2', 1000), part('evt_3', 2500)]) await tutor.deliver(event)
  t.strictSame(renee.notes().slice(notes), [
    `Payment refunded in part: 10.00 EUR of 60.00 EUR so far, order ${order}. The lesson stays.`,
    `Payment refunded in part: 25.00 EUR of 60.00 EUR so far, order ${order}. The lesson stays.`,
  ])
  t.equal(renee.read().length, read)
  t.equal((await tutor.lessons())?.length, 1)
  t.equal(renee.conversation.custom_attributes?.payment_status, 'paid')
})
