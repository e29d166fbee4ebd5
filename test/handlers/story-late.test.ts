import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'
import { deliverStripe } from '../helpers/story.ts'

/** Who has waited long for an answer, as after an outage, is told sorry. */

const sorry = (answer: string) => new RegExp(`^Sorry voor het wachten\\.\n${answer}`)
const POST_MESSAGE = /^POST .*\/messages$/

/** Writes a message that comes in so many minutes later. */
function late(tutor: Awaited<ReturnType<typeof setUp>>, minutes: number) {
  return { created_at: (tutor.clock.now() - minutes * MINUTE) / 1_000 }
}

t.test('what was written long ago is answered with one word about the wait, in the student’s language', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  t.match(await renee.sendsMessage({ content: 'Hoi', ...late(tutor, 11) }), [sorry('Hoi! Waarmee')])
  t.match(await renee.says('Les boeken'), [/^Wanneer wil je/], 'no longer than it was so')
  t.match(await renee.sendsMessage({ content: 'prijs?', ...late(tutor, 9) }), [/^Onze prijzen/], 'no outage')
  t.match(await renee.sendsMessage({ content: 'di 24 nov 16:00', ...late(tutor, 30) }), [sorry('Je les op dinsdag')])
  t.strictSame(await renee.sendsMessage({ content: 'bedankt!', ...late(tutor, 30) }), [], 'needs no answer')
  t.match(await renee.sendsMessage({ content: 'ik ben ziek', ...late(tutor, 30) }), [sorry('Een ogenblik')])

  const sam = tutor.student('whatsapp', { id: 4100043, contact: 4100002 }, { language: null })
  const written = { content: 'I would like a lesson please', ...late(tutor, 30) }
  t.match(await sam.sendsMessage(written), [/^Sorry for the wait\.\nWhen would/])
  const emma = tutor.student('sms', { id: 4100044, contact: 4100003 }, { language: 'de' })
  t.match(await emma.sendsMessage({ content: 'Hallo', ...late(tutor, 30) }), [
    /^Entschuldige die Wartezeit\.\nHallo!.*\n\n1\./,
  ])
})

t.test('a lesson that can’t be sold is told late, too', async t => {
  const tutor = await setUp(t, { prices: {} })
  const renee = tutor.student()
  await renee.says('Hoi')
  t.match(await renee.sendsMessage({ content: 'Les boeken', ...late(tutor, 30) }), [sorry('Een ogenblik')])
})

t.test('an answer from before the outage, which is sent after it', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  tutor.chatwoot.fail(POST_MESSAGE, { status: 500 })
  const id = await renee.sends('Hoi')
  await tutor.ended(id)
  tutor.clock.advance(11 * MINUTE)
  await tutor.ended(id, 2)
  t.match(renee.read(), [sorry('Hoi! Waarmee')])
})

for (const minutes of [1, 11]) {
  t.test(`a payment is confirmed after ${minutes} min: only late it begins with it`, async t => {
    const tutor = await setUp(t)
    const renee = await reserved(tutor)
    tutor.chatwoot.fail(POST_MESSAGE, { status: 500 })
    const before = renee.read().length
    const id = await deliverStripe(tutor.receiver, pay(tutor.session()).completed)
    await tutor.ended(id)
    tutor.clock.advance(minutes * MINUTE)
    await tutor.ended(id, 2)
    t.match(renee.read().slice(before), [minutes === 1 ? /^Dank je wel!/ : sorry('Dank je wel!')])
  })
}
