import t, { type Test } from 'tap'
import { LESSON_EVENTS } from '../../handlers/lesson-requests.ts'
import type { AttentionEvent } from '../../inbox/events.ts'
import { begin, pay, refunded, settle } from '../../sandbox/payments.ts'
import type { Refund } from '../../sandbox/stripe-refunds.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { HOUR, LESSON, open } from '../helpers/unpaid-lesson.ts'

/** The payment link of a lesson that is cancelled or moved: nobody pays for a lesson that isn't there. */

const AUTOMATIC: TutorSettings = { cancellation: { refund: 'automatic' } }
const GONE = 'Je les op vrijdag 27 november om 10:00 gaat niet door.'
const EXPIRE = /^POST .*expire$/

/** Renée's link is sent. */
async function linked(t: Test, tutor: TutorSettings = AUTOMATIC) {
  const story = await open(t, { tutor })
  const { order, app, clock, renee } = story
  const attention: AttentionEvent[] = []
  app.webhooks.events.on('attention', event => attention.push(event))
  await story.goOn(LESSON - 48 * HOUR)
  const { length } = renee.read()
  /** As the tutor asks for it. Returns what the student is told. */
  async function asks(event: string, payload: object) {
    const given = { order, start: LESSON, sequence: 1, conversation: '4100042', ...payload }
    await app.webhooks.inbox.schedule({
      key: `asked ${event}`,
      event,
      orderingKey: 'conversation:1:4100042',
      payload: given,
      at: 0,
    })
    return story.goOn(clock.now())
  }
  return {
    ...story,
    attention,
    /** What the student has been told since the link. */
    told: () => renee.read().slice(length),
    cancels: (refund: boolean) => asks(LESSON_EVENTS.cancel, { refund }),
    moves: (to: number) => asks(LESSON_EVENTS.move, { to }),
    paysCash: () => asks(LESSON_EVENTS.pay, { how: 'cash', amount: 6000, currency: 'eur', payer: '' }),
  }
}

t.test('the student cancels: the link is ended, and what Stripe tells of that changes nothing', async t => {
  const { renee, session, lessons, goOn } = await linked(t)
  t.match(await renee.says('Ik wil mijn les annuleren'), [/^Wil je je les.*\nDeze les is nog niet betaald\./])
  t.equal(session().status, 'open', 'not before it is cancelled')
  t.match(await renee.chooses(1), [GONE])
  t.equal(session().status, 'expired')
  t.strictSame(await lessons(), [])
  t.match(renee.conversation.custom_attributes, { order_id: null, checkout_session: null, payment_link: null })
  t.strictSame(await goOn(LESSON), [])
})

t.test('the tutor cancels: the same, and nothing of the order is left in the conversation', async t => {
  const { renee, session, cancels, order } = await linked(t)
  const ofOrder = { order_id: order, payment_status: 'open', checkout_session: 'cs_old', payment_link: 'https://x' }
  Object.assign(renee.conversation.custom_attributes as object, ofOrder)
  t.strictSame(await cancels(true), [GONE])
  t.equal(session().status, 'expired')
  t.match(renee.conversation.custom_attributes, {
    order_id: null,
    payment_status: null,
    checkout_session: null,
    payment_link: null,
  })
})

t.test('there is no key of Stripe: cancelled all the same', async t => {
  const { renee, goOn, lessons } = await open(t, { stripeKey: false, tutor: AUTOMATIC })
  await goOn(LESSON - 48 * HOUR)
  await renee.says('Ik wil mijn les annuleren')
  t.match(await renee.chooses(1), [GONE])
  t.strictSame(await lessons(), [])
})

t.test('paid, which the calendar does not know yet: it is paid back, and told once', async t => {
  const { renee, session, deliver, lessons, stripe, clock, told, attention } = await linked(t)
  const { completed } = pay(session())
  t.match(await renee.says('Ik wil mijn les annuleren'), [/\nJe krijgt € 60,00 terug\.\n/])
  t.strictSame(await renee.chooses(1), [`${GONE}\nJe betaling van € 60,00 is terugbetaald.`])
  t.match(stripe.refunds, [{ amount: 6000 }])
  await deliver(completed)
  for (const event of refunded(session(), stripe.refunds[0] as Refund, clock.now()).slice(1)) await deliver(event)
  t.equal(told().length, 2)
  t.strictSame(await lessons(), [])
  t.strictSame(attention, [])
})

t.test('a debit is under way: it is paid back when it arrives', async t => {
  const { renee, session, deliver, stripe, clock } = await linked(t)
  await deliver(begin(session(), clock.now()))
  t.match(await renee.says('Ik wil mijn les annuleren'), [/€ 60,00/])
  t.match(await renee.chooses(1), [GONE])
  t.equal(stripe.refunds.length, 0)
  const { length } = renee.read()
  for (const event of settle(session(), 'succeeded', clock.now())) await deliver(event)
  t.strictSame(renee.read().slice(length), ['Je betaling van € 60,00 is terugbetaald.'])
  t.equal(stripe.refunds.length, 1)
})

t.test('a debit has failed: there is nothing to pay back', async t => {
  const { renee, session, deliver, clock } = await linked(t)
  await deliver(begin(session(), clock.now()))
  await deliver(settle(session(), 'failed', clock.now())[0] as object)
  t.match(await renee.says('Ik wil mijn les annuleren'), [/\nDeze les is nog niet betaald\./])
  t.match(await renee.chooses(1), [GONE])
})

t.test('paid at the very moment of cancelling', async t => {
  t.test('by the student, who was told that nothing is paid: a person decides', async t => {
    const { renee, session, deliver, stripe, attention } = await linked(t)
    await renee.says('Ik wil mijn les annuleren')
    stripe.fail(EXPIRE, { wait: async () => void pay(session()) })
    t.match(await renee.chooses(1), [GONE])
    await deliver(pay(session()).completed)
    t.match(renee.read().at(-1), /^Dank je wel!.*€ 60,00 ontvangen\.\nEen ogenblik: iemand van ons neemt dit/)
    t.match(attention, [{ problem: 'paid_after_cancelling', why: /decide about pi_cs_test_1/ }])
    t.equal(stripe.refunds.length, 0)
  })
  t.test('by the tutor, with money back: it is paid back', async t => {
    const { cancels, session, deliver, stripe, told } = await linked(t)
    stripe.fail(EXPIRE, { wait: async () => void pay(session()) })
    t.strictSame(await cancels(true), [`${GONE}\nJe betaling van € 60,00 is terugbetaald.`])
    await deliver(pay(session()).completed)
    t.equal(told().length, 1)
    t.equal(stripe.refunds.length, 1)
  })
})

const FRIDAY_14 = LESSON + 4 * HOUR

t.test('moved: the link stays, and pays for the lesson where it is now', async t => {
  const { moves, session, deliver, lessons, stripe, goOn } = await linked(t)
  t.match(await moves(FRIDAY_14), [/is verzet naar vrijdag 27 november om 14:00/])
  t.equal(session().status, 'open')
  await deliver(pay(session()).completed)
  t.match(await lessons(), [{ start: FRIDAY_14, payment: '60.00 EUR, pi_cs_test_1', sequence: 2 }])
  t.strictSame(await goOn(FRIDAY_14), [])
  t.equal(stripe.sessions.size, 1)
})

t.test('moved: the next link ends it, so that only one can be paid', async t => {
  const { moves, session, goOn } = await linked(t)
  await moves(FRIDAY_14)
  t.match(await goOn(FRIDAY_14 - 48 * HOUR), [/^Je les op vrijdag 27 november om 14:00 is nog niet betaald/])
  t.equal(session(1).status, 'expired')
  t.equal(session(2).status, 'open')
})

t.test('moved while a debit is under way: no other link', async t => {
  const { moves, session, goOn, deliver, clock, stripe } = await linked(t)
  await deliver(begin(session(), clock.now()))
  await moves(FRIDAY_14)
  t.strictSame(await goOn(FRIDAY_14 - 24 * HOUR), [])
  t.equal(stripe.sessions.size, 1)
})

for (const how of ['marked as paid', 'cancelled']) {
  t.test(`moved, and ${how}: it is ended`, async t => {
    const { moves, paysCash, session, renee } = await linked(t)
    await moves(FRIDAY_14)
    if (how === 'cancelled') {
      await renee.says('Ik wil mijn les annuleren')
      await renee.chooses(1)
    } else await paysCash()
    t.equal(session().status, 'expired')
  })
}
