import t from 'tap'
import { setUp } from '../helpers/lesson-story.ts'
import { example } from '../helpers/tutor-page.ts'

/** A tutor in Antwerp, with the settings of docs/tutor-settings.md: from 8 on, on Saturdays, not in July. */

const antwerp = { tutor: example(), calendar: { timeZone: 'Europe/Brussels' } }
/** A Friday, 12:00 in Antwerp. */
const JUNE = '2026-06-26T10:00:00Z'

t.test('a lesson is offered at her hours, not in July, and booked', async t => {
  const tutor = await setUp(t, { ...antwerp, at: JUNE })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.chooses('Les boeken')
  t.strictSame(renee.choices().slice(0, 6), [
    'za 27 jun 12:00',
    'ma 29 jun 08:00',
    'ma 29 jun 15:45',
    'di 30 jun 08:00',
    'di 30 jun 15:45',
    'za 1 aug 12:00',
  ])
  t.match(await renee.chooses('di 30 jun 08:00'), [/^Je les op dinsdag 30 juni om 08:00 staat voor je klaar/])
})

t.test('why a time can’t be had: her hours, her days, her holidays', async t => {
  const tutor = await setUp(t, { ...antwerp, at: JUNE })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.chooses('Les boeken')
  for (const [said, why] of [
    [
      'dinsdag 30 juni 20:00',
      'Op dat uur zijn er geen lessen, wel tussen 8:00 en 12:00 of tussen 13:30 en 18:00. Dit ligt er het dichtst bij.',
    ],
    [
      'zondag 28 juni 10:00',
      'Dan zijn er geen lessen, wel op maandag, dinsdag, donderdag en zaterdag. Dit ligt er het dichtst bij.',
    ],
    [
      'dinsdag 7 juli 10:15',
      'Er zijn geen lessen van woensdag 1 juli tot en met vrijdag 31 juli. Dit ligt er het dichtst bij.',
    ],
    ['maandag 29 juni 08:10', 'Precies dan begint er geen les. Dit ligt er het dichtst bij.'],
  ] as const) {
    const [answer] = await renee.says(said)
    t.equal(answer?.split('\n')[0], why, said)
  }
})

t.test('one closed day, and lessons on one weekday', async t => {
  const hours = { saturday: ['09:00-13:00'] }
  const tutor = await setUp(t, {
    ...antwerp,
    at: JUNE,
    tutor: { planning: { all: { hours } }, closed: ['2026-06-27'] },
  })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.chooses('Les boeken')
  t.match(await renee.says('zaterdag 27 juni 10:00'), [/^Er zijn geen lessen op zaterdag 27 juni\./])
  t.match(await renee.says('maandag 10:00'), [/^Dan zijn er geen lessen, wel op zaterdag\./])
})

t.test('a day has at most so many lessons, also for a button of before', async t => {
  const tutor = await setUp(t, { tutor: { planning: { all: { maxLessonsPerDay: 1 } } } })
  const [renee, emma] = [tutor.student('widget'), tutor.student('widget', { id: 4100043, contact: 4100002 })]
  for (const one of [renee, emma]) {
    await one.says('Hoi')
    await one.chooses('Les boeken')
  }
  t.match(await renee.chooses('di 24 nov 10:00'), [/staat voor je klaar/])
  const [answer] = await emma.chooses('di 24 nov 16:00')
  t.match(answer, /^Die tijd is helaas niet meer vrij/)
  t.ok(emma.choices().length > 4 && !emma.choices().some(title => title.startsWith('di 24 nov')), 'nor is it offered')
})

t.test('what takes the last place of a day is repeated after a failure', async t => {
  const tutor = await setUp(t, { tutor: { planning: { all: { maxLessonsPerDay: 1 } } } })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.chooses('Les boeken')
  tutor.stripe.fail(/^POST \/v1\/checkout\/sessions/, { status: 500, body: { error: { type: 'api_error' } } })
  const delivery = await renee.sends('di 24 nov 10:00')
  await tutor.ended(delivery)
  t.match(await tutor.nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.match(renee.read().at(-1), /^Je les op dinsdag 24 november om 10:00 staat voor je klaar/)
})
