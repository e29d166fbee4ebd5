import { fileURLToPath } from 'node:url'
import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { student } from '../helpers/story.ts'
import { setUp } from './fatal-effects.ts'

/** More than elsewhere: reading is a step too, between two changes of the store. */
const RUNS = 3
const OPTIONS = {
  runs: RUNS,
  isStep: () => true,
  file: fileURLToPath(new URL('cancelling-server.ts', import.meta.url)),
  calendar: 'local',
  tutor: { cancellation: { refund: 'automatic' } },
} as const

for (let run = 0; run < RUNS; run++) {
  t.test(
    `a student moves and cancels a lesson while every third call kills the process, from number ${run}`,
    async t => {
      const world = await setUp(t, run, OPTIONS)
      const renee = student(world, 'widget')
      const lessons = async () => {
        const listed = await fetch(`${await world.receiver.url()}/lessons`)
        return (await listed.json()) as { order: string; start: number; sequence: number; cancelledAt?: number }[]
      }
      await world.inPeace(async () => {
        for (const text of ['Hoi', 'Les boeken']) await renee.says(text)
        // The last: in time to be moved and cancelled.
        await renee.chooses(6)
        const [session] = world.stripe.sessions.values()
        await world.deliver(pay(session as Session, 'pi_1').completed)
      })
      const [booked] = await lessons()
      const before = { read: renee.read().length, notes: renee.notes().length }

      await renee.says('Ik wil mijn les verzetten')
      await renee.chooses(6)
      t.match(renee.read().slice(before.read), [/^Naar wanneer/, /is verzet naar/])
      t.equal(renee.read().length, before.read + 2, 'every message once')
      t.match(renee.notes().slice(before.notes), [/^The student has moved a lesson/])
      t.equal(renee.notes().length, before.notes + 1)
      const [moved, ...others] = await lessons()
      t.strictSame(others, [])
      t.match(moved, { order: booked?.order, sequence: 2 })
      t.not(moved?.start, booked?.start)
      t.equal(Date.parse(`${renee.conversation.custom_attributes?.lesson_start}`), moved?.start)
      t.match(renee.conversation.labels, ['payment:paid', 'status:booked'])

      await renee.says('annuleren')
      await renee.chooses(1)
      t.match(renee.read().slice(before.read + 2), [
        /^Wil je je les/,
        /gaat niet door\.\nJe betaling van € 60,00 is terugbetaald\.$/,
      ])
      t.equal(renee.read().length, before.read + 4)
      t.match(renee.notes().slice(before.notes + 1), [/^The student has cancelled a lesson.*Paid back: 60\.00 EUR/])
      t.equal(renee.notes().length, before.notes + 2)
      t.equal(world.stripe.refunds.length, 1)
      t.match(await lessons(), [{ order: booked?.order, cancelledAt: Number, sequence: 3 }])
      t.match(renee.conversation, {
        status: 'pending',
        labels: [],
        custom_attributes: { lesson_start: null, order_id: null, payment_status: 'refunded', my_lesson: null },
      })
      t.ok(world.killed.size >= 4, `killed ${world.killed.size} times, of ${world.effects.length} calls`)
    },
  )
}
