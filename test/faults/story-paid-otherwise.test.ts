import t from 'tap'
import type { Session } from '../../sandbox/stripe-api.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { student } from '../helpers/story.ts'
import { runsOf, setUp } from './fatal-effects.ts'

/**
 * A reserved lesson is marked as paid, and as not paid after all, while the process is killed at each call that this makes
 * in turn: its link is ended, it is booked, and the student is told each once. It can be marked as paid again.
 */

const postgres = await postgresServer()
t.teardown(() => postgres.close())

/** Nothing is done by itself meanwhile. */
const tutor = { payment: { linkHours: [] }, reminders: { hours: [] } }

for (const [options, run] of runsOf({ tutor }, postgres)) {
  const { calendar, runs, where } = options
  t.test(
    `a lesson in ${where} is marked as paid, and as not paid, while one call in ${runs} kills the process, from number ${run}`,
    async t => {
      const world = await setUp(t, run, options)
      const renee = student(world)
      const session = () => [...world.stripe.sessions.values()][0] as Session
      await world.inPeace(async () => {
        await renee.says('Hoi')
        await renee.says('Les boeken')
        await renee.says('optie 1')
      })
      const [read, notes] = [renee.read().length, renee.notes().length]
      const order = session().metadata?.order_id as string
      const { receiver, ask } = world
      const given = { how: 'cash', amount: '60.00', currency: 'EUR', name: 'Mrs Jansen', key: 'mine' }
      const { change } = await ask(`/lessons/${order}/paid`, given)
      t.equal(await receiver.handled(`${change}`), 'webhook handled')
      t.match(await ask(`/lessons/changes/${change}`), { state: 'done', why: /^paid: 60\.00 EUR, cash; booked on/ })
      t.equal((await ask(`/lessons/${order}/paid`, given)).change, change, 'asked once')

      t.equal(session().status, 'expired')
      t.match(renee.read().slice(read), [
        /^Dank je wel! We hebben je betaling van € 60,00 ontvangen\.\nJe les staat vast: /,
      ])
      t.equal(renee.read().length, read + 1)
      t.match(renee.notes().slice(notes), [/^Lesson marked as paid by the tutor: 60\.00 EUR, cash, order /])
      t.equal(renee.notes().length, notes + 1)
      t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
      t.match(renee.conversation.custom_attributes, { payment_status: 'paid', checkout_session: null })
      t.match(await ask(`/lessons/${order}`), { state: 'booked', payment: '60.00 EUR, cash, Mrs Jansen' })

      const back = await ask(`/lessons/${order}/unpaid`, { key: 'mine' })
      t.equal(await receiver.handled(`${back.change}`), 'webhook handled')
      t.match(await ask(`/lessons/changes/${back.change}`), { state: 'done', why: /^not paid after all/ })
      t.match(renee.read().slice(read + 1), [/^Je les op .* is toch nog niet betaald: /])
      t.equal(renee.read().length, read + 2)
      t.equal(renee.notes().length, notes + 2)
      t.strictSame(renee.conversation.labels, ['status:booked'])
      t.match(renee.conversation.custom_attributes, { payment_status: 'open', payment_amount: null })
      t.match(await ask(`/lessons/${order}`), { state: 'booked', payment: 'unpaid' })

      await world.inPeace(async () => {
        const again = await ask(`/lessons/${order}/paid`, { ...given, how: 'invoice' })
        t.equal(await receiver.handled(`${again.change}`), 'webhook handled')
        t.match(await ask(`/lessons/changes/${again.change}`), { state: 'done', why: 'paid: 60.00 EUR, invoice' })
      })
      t.ok(world.killed.size >= 2, `killed ${world.killed.size} times, of ${world.effects.length} calls`)
      if (calendar === 'google') t.equal(world.google.current().length, 1)
    },
  )
}
