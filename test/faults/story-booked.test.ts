import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { student } from '../helpers/story.ts'
import { RUNS, setUp } from './fatal-effects.ts'

for (let run = 0; run < RUNS; run++) {
  t.test(`a lesson is booked for a pupil while every other effect kills the process, from number ${run}`, async t => {
    const world = await setUp(t, run)
    const renee = student(world)
    await renee.says('Hoi, ik zoek bijles wiskunde voor mijn dochter Emma')
    await renee.says('Les boeken')
    const slot = renee.choices()[0] as string
    await renee.says(slot)
    const [session] = world.stripe.sessions.values()
    const { succeeded, completed } = pay(session as Session)
    for (const event of [succeeded, completed]) {
      t.equal(await world.deliver(event), 'webhook handled')
    }

    t.ok(world.killed.size >= 5, `killed ${world.killed.size} times, of ${world.effects.length} effects`)
    t.match(renee.read(), [
      /^Goed, voor Emma\.\n\nHoi! Waarmee kan ik je helpen\?$/,
      /^Wanneer wil je/,
      /^Je les op .* staat voor je klaar/,
      /^Dank je wel! .*\nJe les staat vast/,
    ])
    t.equal(renee.read().length, 4, 'every message once')
    t.match(renee.notes(), [/^Payment received: 60.00 EUR/])
    t.equal(renee.notes().length, 1)
    t.equal(world.stripe.sessions.size, 1)
    t.match((session as Session).metadata, { student_name: 'Emma', payer_name: 'Renée' })
    t.match(world.google.current(), [{ status: 'confirmed', summary: /Emma/ }])
    t.equal(world.google.current().length, 1, 'one lesson, and no hold')
    t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
    t.match(renee.conversation.custom_attributes, {
      payment_status: 'paid',
      pending_intent: 'menu',
      lesson_minutes: 60,
      pupils: 'Emma',
      pupil: null,
    })
    t.match(world.chatwoot.contacts.get(4100001)?.custom_attributes, {
      segment: 'existing',
      has_paid_lesson: true,
      lesson_booked: true,
    })
  })
}
