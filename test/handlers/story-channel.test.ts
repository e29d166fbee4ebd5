import t from 'tap'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import { MINUTE, refundEvent, reserved, setUp } from '../helpers/lesson-story.ts'

/** What a channel can't show, and what it does not deliver. */

const DAY = 24 * 60 * MINUTE

t.test('without buttons the choices stand in the text, numbered, and a number is an answer', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student('sms')
  const [menu] = await renee.says('Hoi')
  t.match(menu, /\n\n1\. Les boeken\n2\. Gratis proefles\n3\. Prijzen\n4\. Iemand spreken$/)
  t.equal(renee.conversation.messages.at(-1)?.content_type, 'text')
  t.equal(renee.conversation.custom_attributes?.numbers_shown, true)
  t.match(await renee.says('1'), [/\n1\. di 24 nov \d\d:\d\d\n/])
  t.match(await renee.says('1'), [/^Je les op/])
  t.equal(renee.conversation.custom_attributes?.numbers_shown, null)
  const question = await renee.says('hallo')
  t.match(question, [/\n1\. Link opnieuw sturen\n/])
  t.match(await renee.says('1'), [/^Je les op/], 'where numbers are shown, also while paying')
  t.match(await renee.says('ik wil iemand spreken'), [/^Een ogenblik/])
})

t.test('after WhatsApp’s 24 hours the tutor is told what the student was not, and the label says so', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  tutor.clock.advance(2 * DAY)
  const before = renee.read().length
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  t.equal(renee.read().length, before)
  t.match(
    renee.notes().at(-1),
    /^Payment refunded: .*\nThe channel takes no message now .*: "Je betaling van € 60,00 is terugbetaald\./,
  )
  t.ok(renee.conversation.labels.includes('delivery:failed'))
  t.equal(renee.conversation.status, 'pending')
})

t.test('a template says it, if there is one for that text in the student’s language', async t => {
  const templates = { refunded: { name: 'money_back', languages: { nl: 'nl' } } }
  const tutor = await setUp(t, { templates })
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  tutor.clock.advance(2 * DAY)
  await tutor.deliver(refundEvent('evt_1', { paymentIntent: 'pi_cs_test_1' }))
  t.match(renee.read().at(-1), /^Je betaling van € 60,00 is terugbetaald\./)
  const [call] = tutor.chatwoot.called(/POST .*messages/).slice(-1)
  t.match(call?.body, {
    template_params: {
      name: 'money_back',
      category: 'UTILITY',
      language: 'nl',
      processed_params: { body: { 1: '€ 60,00' } },
    },
  })
  t.notOk(renee.conversation.labels.includes('delivery:failed'))
})

t.test('a question that would not arrive goes to a person', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(2 * DAY)
  Object.assign(tutor.session(), { status: 'expired', url: null })
  await tutor.deliver(sessionEvent(tutor.session(), 'expired'))
  t.match(renee.notes().at(-1), /^The channel takes no message now .*: "Je reservering/)
  t.match(renee.conversation, { status: 'open', labels: ['delivery:failed', 'intent:handoff'] })
})

t.test('what did not reach the student is noted, labelled and counted once', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  const { state } = tutor.chatwoot
  let counted = 0
  tutor.app.webhooks.events.on('undelivered', () => counted++)
  const message = renee.conversation.messages.at(-1) as never
  for (const error of ['131026: Message undeliverable', '131026: Message undeliverable']) {
    await renee.happens(() => state.failMessage(renee.conversation, message, error))
  }
  t.strictSame(renee.notes().length, 1)
  t.match(renee.notes(), [/^This message of TutorBot did not reach the student \(131026: .*\): "Hoi/])
  t.strictSame(renee.conversation.labels, ['delivery:failed'])
  t.equal(counted, 1)
  // Some versions tell it only in the copy of the message.
  await renee.says('Prijzen')
  const second = renee.conversation.messages.at(-1) as never
  await renee.happens(() => state.updateMessage(renee.conversation, second, { status: 'failed' }))
  t.match(renee.notes().at(-1), /\(the channel does not say why\)/)
})
