import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { postgresServer } from '../helpers/postgres-server.ts'
import { student } from '../helpers/story.ts'
import { runsOf, setUp } from './fatal-effects.ts'

/** Every hour of every day, and lessons can be cancelled until they begin: the story is the same whenever it is told. */
const hours = Object.fromEntries(
  ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map(day => [day, ['00:00-24:00']]),
)
const tutor: TutorSettings = {
  planning: { all: { hours, leadMinutes: 720, daysAhead: 5 } },
  lessons: [{ minutes: 60, packages: [{ lessons: 5, prices: { all: 'price_five' } }] }],
  cancellation: { untilHours: 0 },
}

const postgres = await postgresServer()
t.teardown(() => postgres.close())

for (const [options, run] of runsOf({ tutor }, postgres)) {
  const { calendar, runs, where } = options
  t.test(
    `a package is bought, used and its lesson given back (in ${where}) while one call in ${runs} kills the process, from number ${run}`,
    async t => {
      const world = await setUp(t, run, options)
      world.stripe.addPrice('price_five', 25_000)
      const renee = student(world)
      await renee.says('Hoi')
      await renee.says('lespakket')
      t.equal(world.stripe.sessions.size, 1)
      const { succeeded, completed } = pay([...world.stripe.sessions.values()][0] as Session)
      for (const event of [succeeded, completed]) t.equal(await world.deliver(event), 'webhook handled')
      await renee.says('Les boeken')
      await renee.says(renee.choices()[0] as string)
      await renee.says('Ik wil mijn les annuleren')
      await renee.says(renee.choices()[0] as string)

      t.ok(world.killed.size >= 5, `killed ${world.killed.size} times, of ${world.effects.length} effects`)
      t.match(renee.read(), [
        'Hoi! Waarmee kan ik je helpen?',
        /^Een pakket van 5 lessen/,
        /^Dank je wel! .*\nJe hebt nog 5 lessen/,
        /^Wanneer wil je/,
        /^Je les staat vast: .*\nHij is betaald uit je lespakket\.\nJe hebt nog 4 lessen/,
        /^Wil je je les van .* annuleren\?\nHij gaat terug in je lespakket\./,
        /^Je les op .* gaat niet door\.\nHij staat weer in je lespakket\.\nJe hebt nog 5 lessen/,
      ])
      t.equal(renee.read().length, 7, 'every message once')
      t.match(renee.notes(), [/^Package bought/, /^Lesson booked/, /^The student has cancelled .* 60 minutes are back/])
      t.equal(renee.notes().length, 3)
      const [pack] = (await world.ask<{ packages: { id: string; left: number }[] }>('/packages')).packages
      t.match(pack, { left: 300 })
      const { entries } = await world.ask<{ entries: object[] }>(`/packages/${pack?.id}`)
      t.match(entries, [
        { why: 'bought', minutes: 300, left: 300 },
        { why: 'lesson', minutes: -60, left: 240 },
        { why: 'returned', minutes: 60, left: 300 },
      ])
      t.equal(entries.length, 3)
      if (calendar === 'google') t.match(world.google.current(), [{ summary: /^Cancelled: / }])
    },
  )
}
