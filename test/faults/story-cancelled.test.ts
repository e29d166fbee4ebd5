import { fileURLToPath } from 'node:url'
import t from 'tap'
import { deliveryId } from '../../inbox/delivery-id.ts'
import { pay, refunded } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import type { Refund } from '../../sandbox/stripe-refunds.ts'
import { conversationKey } from '../../sources/keys.ts'
import { CANCEL } from '../helpers/cancelling.ts'
import { student } from '../helpers/story.ts'
import { runsOf, setUp } from './fatal-effects.ts'

const file = fileURLToPath(new URL('cancelling-server.ts', import.meta.url))

for (const [options, run] of runsOf({ file })) {
  const { calendar, runs, where } = options
  t.test(
    `a lesson in ${where} is cancelled and paid back while one call in ${runs} kills the process, from number ${run}`,
    async t => {
      const world = await setUp(t, run, options)
      const renee = student(world)
      const session = () => [...world.stripe.sessions.values()][0] as Session
      await world.inPeace(async () => {
        await renee.says('Hoi')
        await renee.says('Les boeken')
        await renee.says('optie 1')
        await world.deliver(pay(session(), 'pi_1').completed)
      })
      const [read, notes] = [renee.read().length, renee.notes().length]
      const order = session().metadata?.order_id as string
      const { chatwoot, stripe, receiver } = world
      const delivery = {
        key: 'cancel',
        orderingKey: conversationKey(chatwoot.accountId, `${renee.conversation.id}`),
        event: CANCEL,
        payload: { order, by: 'student', refund: true },
      }
      const headers = { 'content-type': 'application/json' }
      await fetch(`${await receiver.url()}/cancel`, { method: 'POST', headers, body: JSON.stringify(delivery) })
      t.equal(await receiver.handled(deliveryId('inbox', 'cancel')), 'webhook handled')
      t.match(stripe.refunds, [{ amount: 6000, metadata: { order_id: order } }])
      t.equal(stripe.refunds.length, 1)
      const outcome = JSON.stringify({ cancelled: true, refunded: { amount: 6000, currency: 'eur' } })
      t.strictSame(renee.read().slice(read), [`told: ${outcome}`])
      t.strictSame(renee.notes().slice(notes), [`noted: ${outcome}`])

      const [, event] = refunded(session(), stripe.refunds[0] as Refund, Date.now())
      t.equal(await world.deliver(event as object), 'webhook handled')
      t.equal(renee.read().length, read + 1)
      t.equal(renee.notes().length, notes + 1)
      t.strictSame(renee.conversation.labels, [])
      t.equal(renee.conversation.custom_attributes?.payment_status, 'refunded')
      t.ok(world.killed.size >= 2, `killed ${world.killed.size} times, of ${world.effects.length} calls`)

      if (calendar === 'google') {
        t.match(world.google.current(), [{ summary: /^Cancelled: /, transparency: 'transparent' }])
        t.equal(world.google.current().length, 1)
        return
      }
      const lessons = await (await fetch(`${await receiver.url()}/lessons`)).json()
      t.match(lessons, [{ order, cancelledAt: Number }])
      t.equal((lessons as unknown[]).length, 1)
    },
  )
}
