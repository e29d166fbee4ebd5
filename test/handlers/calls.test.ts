import tap, { type Test } from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { MINUTE, setUp } from '../helpers/lesson-story.ts'

/** How many calls of Chatwoot and Stripe each step of a booking takes: its limit is 3,000 a minute for everybody. */

async function counted(t: Test) {
  const tutor = await setUp(t)
  // What was written before the service began is looked up.
  tutor.clock.advance(10 * MINUTE)
  const { chatwoot, stripe } = tutor
  let [seen, seenOfStripe] = [0, 0]
  /** The calls since it was asked last. */
  const calls = () => {
    const lines = chatwoot.calls
      .slice(seen)
      .map(({ method, path }) => `${method} ${path.replace(/^.*accounts\/1/, '')}`)
    const count = stripe.calls.length - seenOfStripe
    seen += lines.length
    seenOfStripe += count
    return { chatwoot: lines, stripe: count }
  }
  return { ...tutor, calls }
}

tap.test('a lesson takes 18 calls of Chatwoot, from the first word to the payment', async t => {
  const tutor = await counted(t)
  const renee = tutor.student('whatsapp', {}, { segment: undefined })
  await renee.says('Hoi')
  const first = tutor.calls()
  t.ok(first.chatwoot.length <= 4, `the first message: ${first.chatwoot.join(', ')}`)
  await renee.says('Les boeken')
  const choice = tutor.calls()
  t.ok(choice.chatwoot.length <= 3, `a choice: ${choice.chatwoot.join(', ')}`)
  await renee.says('optie 1')
  const time = tutor.calls()
  t.ok(time.chatwoot.length <= 4, `a time and its link: ${time.chatwoot.join(', ')}`)
  t.equal(time.stripe, 1)
  const { completed, succeeded } = pay(tutor.session(), 'pi_1', tutor.clock.now())
  await tutor.deliver(completed)
  await tutor.deliver(succeeded)
  const paid = tutor.calls()
  t.ok(paid.chatwoot.length <= 7, `a payment that is reported twice: ${paid.chatwoot.join(', ')}`)
  const all = [first, choice, time, paid].flatMap(({ chatwoot }) => chatwoot)
  t.ok(all.length <= 18, `${all.length} in all`)
  t.equal((await tutor.lessons())?.length, 1)
})
