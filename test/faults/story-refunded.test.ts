import t from 'tap'
import { stripeCharge, stripeEvent } from '../../commands/samples.ts'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { student } from '../helpers/story.ts'
import { RUNS, setUp } from './fatal-effects.ts'

for (let run = 0; run < RUNS; run++) {
  t.test(
    `an expired link, a failed payment and a refund while every other effect kills the process, from number ${run}`,
    async t => {
      const world = await setUp(t, run)
      const renee = student(world)
      const session = (n: number) => [...world.stripe.sessions.values()][n - 1] as Session
      const book = async () => {
        await renee.says('Les boeken')
        await renee.says('optie 1')
      }
      await world.inPeace(async () => {
        await renee.says('Hoi')
        await book()
      })
      Object.assign(session(1), { status: 'expired' })
      t.equal(await world.deliver(sessionEvent(session(1), 'expired')), 'webhook handled')
      t.match(renee.read().slice(3), [/^Je reservering voor .* is vervallen/])
      t.equal(renee.read().length, 4)
      t.strictSame(world.google.current(), [])
      t.strictSame(renee.conversation.labels, [])

      await world.inPeace(book)
      Object.assign(session(2), { status: 'complete', payment_intent: 'pi_sepa' })
      t.equal(await world.deliver(sessionEvent(session(2), 'async_payment_failed')), 'webhook handled')
      t.match(renee.read().slice(6), [/^Je betaling is helaas niet gelukt.*\nJe les op .* staat voor je klaar/])
      t.equal(renee.read().length, 7)
      t.equal(world.stripe.sessions.size, 3)
      t.match(world.google.current(), [{ status: 'tentative' }])
      t.equal(world.google.current().length, 1)
      t.strictSame(renee.conversation.labels, ['status:awaiting_pay', 'payment:failed'])

      const { completed } = pay(session(3), 'pi_3')
      await world.inPeace(() => world.deliver(completed))
      const metadata = session(3).metadata as Record<string, string>
      const charge = stripeCharge({ paymentIntent: 'pi_3', metadata })
      t.equal(await world.deliver(stripeEvent('charge.refunded', charge, { id: 'evt_refund' })), 'webhook handled')
      t.match(renee.read().slice(8), [/^Je betaling van € 60,00 is terugbetaald.\nJe les op .* gaat niet door/])
      t.equal(renee.read().length, 9)
      t.match(renee.notes(), [/^Payment received/, /^Payment refunded: .* is cancelled$/])
      t.equal(renee.notes().length, 2)
      t.match(world.google.current(), [{ summary: /^Cancelled: /, transparency: 'transparent' }])
      t.equal(world.google.current().length, 1)
      t.strictSame(renee.conversation.labels, [])
      t.ok(world.killed.size >= 6, `killed ${world.killed.size} times, of ${world.effects.length} effects`)
    },
  )
}
