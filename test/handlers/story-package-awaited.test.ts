import t, { type Test } from 'tap'
import { pay } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { setUp } from '../helpers/lesson-story.ts'

/** A package is bought while a lesson awaits its payment. */

async function withPackages(test: Test) {
  const lessons = [{ minutes: 60, packages: [{ lessons: 10, prices: { all: 'price_ten' } }] }]
  const tutor = await setUp(test, { tutor: { lessons } })
  tutor.stripe.addPrice('price_ten', 50_000)
  return tutor
}

const last = ({ stripe }: Awaited<ReturnType<typeof withPackages>>) => [...stripe.sessions.values()].at(-1) as Session

t.test('it pays for that lesson, whose link is ended', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.says('Les boeken')
  await renee.says('donderdag 17:00')
  const [first] = [...tutor.stripe.sessions.values()]
  await renee.says('lespakket')
  t.match(await renee.says('betaallink'), [/Betaal € 60,00 vóór/], 'not bought yet')
  await tutor.deliver(pay(last(tutor)).completed)
  t.strictSame(await renee.says('donderdag 17:00'), [
    'Je les staat vast: donderdag 26 november om 17:00. Tot dan!\nHij is betaald uit je lespakket.\nJe hebt nog 9 lessen van 60 minuten over.',
  ])
  t.equal(first?.status, 'expired', 'nobody pays for it twice')
  t.match(await tutor.lessons(), [{ payment: /^package, / }])
  t.match(renee.conversation, {
    labels: ['status:booked'],
    custom_attributes: { pending_intent: 'menu', payment_status: 'paid', payment_link: null, checkout_session: null },
  })
})
