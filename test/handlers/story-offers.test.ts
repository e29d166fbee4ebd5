import t from 'tap'
import { setUp } from '../helpers/lesson-story.ts'

/** What is offered when a student writes a time that there is not, or wants to see others. */

async function choosing(tutor: Awaited<ReturnType<typeof setUp>>, id = 4100042, contact = {}) {
  const renee = tutor.student('whatsapp', { id, contact: id }, contact)
  await renee.says('Hoi')
  await renee.says('Les boeken')
  const offered = () => renee.choices().filter(title => /\d\d:\d\d/.test(title))
  return Object.assign(renee, { offered })
}

t.test('every free time is shown once, and the end is said', async t => {
  const tutor = await setUp(t)
  const renee = await choosing(tutor)
  const seen = renee.offered()
  let text = ''
  for (let round = 0; round < 20 && !text.startsWith('Meer vrije tijden zijn er'); round++) {
    ;[text = ''] = await renee.says('Andere tijden')
    seen.push(...renee.offered())
  }
  t.equal(seen.length, 80)
  t.equal(new Set(seen).size, 80)
  t.match(await renee.says('Andere tijden'), [/^Dat waren alle vrije tijden/])
  t.strictSame(renee.offered(), seen.slice(0, 6))
})

t.test('why a time can’t be had, and the nearest', async t => {
  const cases: [string, RegExp, RegExp][] = [
    ['dinsdag half 5', /^Precies dan begint er geen les/, /^di 24 nov 16:00$/],
    ['zaterdag 12 uur', /^Dan zijn er geen lessen, wel van maandag tot en met vrijdag/, /^vr 27 nov 12:00$/],
    ['15 december', /^Zo ver vooruit kun je nog niet boeken: het kan tot en met donderdag 3 december/, /^do 3 dec/],
    [
      'vandaag 18:00',
      /^Dat is te kort van tevoren: de eerste les kan dinsdag 24 november om 10:00/,
      /^di 24 nov 18:00$/,
    ],
    ['dinsdag 17:05', /^Precies dan begint er geen les/, /^di 24 nov 17:00$/],
    ['dinsdag 22:00', /^Op dat uur zijn er geen lessen, wel tussen 10:00 en 20:00/, /^di 24 nov 19:00$/],
  ]
  const tutor = await setUp(t)
  for (const [index, [text, why, near]] of cases.entries()) {
    const renee = await choosing(tutor, 4100200 + index)
    t.match(await renee.says(text), [why], text)
    t.ok(
      renee.offered().some(title => near.test(title)),
      `${text}: ${renee.offered()}`,
    )
  }
  t.strictSame(await tutor.busy(), [])
})

t.test('a day and then an hour, an hour alone, a length, any time, an earlier one, every week', async t => {
  const tutor = await setUp(t)
  const renee = await choosing(tutor)
  t.match(await renee.says('wat later: woensdag'), [/^Wanneer/])
  t.match(await renee.says('17:00'), [/^Je les op woensdag 25 november om 17:00/], 'which completes what was said')
  const tim = await choosing(tutor, 4100301)
  await tim.says('16')
  t.match(tim.offered(), [/16:00$/, /16:00$/, /16:00$/, /16:00$/, /16:00$/, /16:00$/])
  await tim.says('maakt niet uit')
  t.match(tim.offered()[0], 'di 24 nov 10:00')
  t.match(await tim.says('kan het eerder?'), [/^Eerder is er helaas niets vrij/])
  await tim.says('Andere tijden')
  t.match(await tim.says('kan het eerder?'), [/^Wanneer/])
  t.match(await tim.says('2 uur les graag'), [/^Een les duurt 60 of 90 minuten/])
  t.match(await tim.says('60 minuten'), [/^Wanneer wil je je les van 60 minuten/])
  t.match(await tim.says('anderhalf uur'), [/^Wanneer wil je je les van 90 minuten/])
  t.match(await tim.says('elke week dinsdag 18:00'), [/^Elke dinsdag om 18:00, 90 minuten/])
  t.strictSame(tim.offered(), ['di 24 nov 18:00'])
  const jan = tutor.student('whatsapp', { id: 4100303, contact: 4100303 }, { language: 'de' })
  for (const text of ['Hallo', 'Stunde buchen', 'andere Zeiten']) await jan.says(text)
  t.match(await jan.says('egal'), [/^Wann möchtest du/], 'any of them: it stops nothing')
  t.match(jan.choices()[0], /^Di, 24\.11\./)
  const eva = tutor.student('whatsapp', { id: 4100302, contact: 4100302 })
  await eva.says('Hoi')
  await eva.says('Gratis proefles')
  t.match(await eva.says('2 uur les graag'), [/^Een les duurt 30 minuten/])
})

t.test('the zone is named where the student’s is another', async t => {
  const tutor = await setUp(t)
  const renee = await choosing(tutor, 4100042, { timezone: 'America/New_York' })
  t.match(renee.read().at(-1), /Alle tijden zijn die van America\/New_York\.$/)
})
