import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { reserved, setUp } from '../helpers/lesson-story.ts'

/** What a student writes first, or while the menu is open, is not dropped. */

const THIS = 'dinsdag 24 november om 17:00 is vrij voor een les van 60 minuten. Zal ik die tijd voor je vastleggen?'
type Tutor = Awaited<ReturnType<typeof setUp>>
let lastId = 4_300_000

function another(tutor: Tutor, contact = {}) {
  const id = ++lastId
  return tutor.student('whatsapp', { id, contact: id }, contact)
}

t.test('a time in the first message is asked back, and yes reserves it', async t => {
  const tutor = await setUp(t)
  for (const yes of ['ja', 'ja graag', 'ok', 'optie 1', '👍', 'di 24 nov 17:00']) {
    const one = another(tutor)
    t.strictSame(await one.says('Kan ik dinsdag om 17:00 een les?'), [THIS])
    t.strictSame(one.choices(), [
      'di 24 nov 17:00',
      'Andere tijden',
      'Liever 90 minuten',
      'Terug naar het menu',
      'Iemand spreken',
    ])
    t.match(await one.says(yes), [/^Je les op dinsdag 24 november om 17:00 staat voor je klaar/], yes)
    await one.says('Een ander moment')
  }
  t.strictSame(await another(tutor).says('dinsdag 17:00'), [THIS], 'nothing is reserved unasked')
})

t.test('no to it, or another time, is an answer too', async t => {
  const tutor = await setUp(t)
  const one = another(tutor)
  await one.says('Kan ik dinsdag om 17:00 een les?')
  t.match(await one.says('nee'), [/^Wanneer wil je/])
  t.match(await one.says('woensdag 15:00'), [/^Je les op woensdag 25 november om 15:00/])
  const other = another(tutor)
  await other.says('Kan ik dinsdag om 17:00 een les?')
  await other.says('Andere tijden')
  t.match(await other.says('ok'), [], 'the question has changed: ok means nothing')
})

t.test('a time while the menu is open; several that fit; a day alone; one that there is not', async t => {
  const tutor = await setUp(t)
  const one = another(tutor)
  await one.says('Hoi')
  t.strictSame(await one.says('heb je morgen om 5 uur plek voor mijn zoon?'), [
    `${THIS}\n\nHoe heet de leerling? Dan zet ik de les op die naam.`,
  ])
  const two = another(tutor)
  t.match(await two.says('kan het donderdag?'), [/^Wanneer wil je/])
  t.equal(two.choices()[0], 'do 26 nov 10:00')
  t.match(await another(tutor).says('kan het zondag om 17:00?'), [/Wanneer wil je/])
})

t.test('a trial lesson at a time is one', async t => {
  const tutor = await setUp(t)
  const one = another(tutor)
  t.match(await one.says('mag ik dinsdag om 17:30 een proefles?'), [
    /^dinsdag 24 november om 17:30 is vrij[^?]* 30 minuten/,
  ])
  t.match(await one.says('ja'), [/^Je gratis proefles staat vast/])
  t.match(await one.says('woensdag om 17:00 een proefles?'), [/17:00 is vrij voor een les van 60/], 'one is enough')
})

t.test('who has a lesson may want to move it: a person does that; another lesson is offered', async t => {
  const tutor = await setUp(t)
  const one = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  t.strictSame(await one.says('tot dinsdag!'), [])
  t.match(await one.says('kan ik ook woensdag om 17:00 een les?'), [/^woensdag 25 november om 17:00 is vrij/])
  await one.says('Terug naar het menu')
  t.match(await one.says('kan het ook om 18:00?'), [/^Een ogenblik/], 'the lesson that is booked is meant again')
})

t.test('a booked student’s other hour goes to a person', async t => {
  const tutor = await setUp(t)
  const one = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  t.match(await one.says('kan het ook om 18:00?'), [/^Een ogenblik/])
  t.match(one.notes().at(-1), '"kan het ook om 18:00?"')
})

t.test('while a lesson awaits its payment, a certain time is changed to, and nothing else is let go', async t => {
  const tutor = await setUp(t)
  const one = await reserved(tutor)
  const link = /^Je les op dinsdag 24 november om 10:00 is gereserveerd en wacht/
  t.match(await one.says('morgen'), [link])
  for (const text of ['morgen 3 uur of 4 uur', 'nee toch liever woensdag', 'dinsdag heb ik voetbal']) {
    t.match(await one.says(text), [link], text)
  }
  t.match(await one.says('woensdag 11:00'), [/^Je les op woensdag 25 november om 11:00 staat/])
  t.equal(tutor.session(1).status, 'expired')
  t.match(await one.says('woensdag 11:00'), [/^Je les op woensdag 25 november om 11:00 staat/], 'the link again')
  t.equal(tutor.stripe.sessions.size, 2)
})

t.test('a time of a lesson that can’t be sold', async t => {
  const tutor = await setUp(t, { prices: {} })
  t.match(await another(tutor).says('Kan ik dinsdag om 17:00 een les?'), [/^Een ogenblik/])
})

t.test('a time while another lesson is being paid', async t => {
  const tutor = await setUp(t)
  const one = await reserved(tutor)
  Object.assign(tutor.session(), { status: 'complete', payment_status: 'unpaid' })
  t.match(await one.says('woensdag 11:00'), [/^Je betaling komt binnen/])
  t.match(await one.says('menu'), [/^Hoi!/])
  t.match(await one.says('kan ik woensdag om 11:00 een les?'), [/^Je betaling komt binnen/])
})

t.test('a booking sets the misses to 0, and so does its confirmation', async t => {
  const tutor = await setUp(t)
  const one = await reserved(tutor)
  await one.says('blub')
  t.match(one.conversation.custom_attributes, { misunderstood: 1, misunderstood_texts: 'blub' })
  await tutor.deliver(pay(tutor.session()).completed)
  t.match(one.conversation.custom_attributes, { misunderstood: 0, pending_intent: 'menu' })
  t.notOk(one.conversation.custom_attributes?.misunderstood_texts)
})

t.test('the prices, and then the question again, in every state', async t => {
  const tutor = await setUp(t)
  const one = another(tutor)
  t.match(await one.says('wat kost een les op dinsdag?'), [/^Onze prijzen/])
  t.strictSame(one.choices(), ['Les boeken', 'Gratis proefles', 'Prijzen', 'Iemand spreken'])
  await one.says('Les boeken')
  t.match(await one.says('prijs?'), [/^Onze prijzen[\s\S]*Wanneer wil je/])
  await one.says('optie 1')
  t.match(await one.says('hoeveel kost het?'), [/^Onze prijzen[\s\S]*wacht op je betaling/])
})

const MENUS: [string, Parameters<typeof setUp>[1], object, string[]][] = [
  ['without Stripe', { stripeKey: false }, {}, ['Gratis proefles', 'Iemand spreken']],
  [
    'a price of 60 minutes',
    { prices: { standard60: 'price_s60' } },
    {},
    ['Les boeken', 'Gratis proefles', 'Prijzen', 'Iemand spreken'],
  ],
  [
    'a price of 90 minutes',
    { prices: { weekend90: 'price_w90' } },
    { segment: 'weekend' },
    ['Gratis proefles', 'Prijzen', 'Iemand spreken'],
  ],
]
for (const [name, options, contact, choices] of MENUS) {
  t.test(`the menu shows nothing that is not configured: ${name}`, async t => {
    const tutor = await setUp(t, options)
    const one = another(tutor, contact)
    await one.says('Hoi')
    t.strictSame(one.choices(), choices)
    if (!choices.includes('Les boeken')) t.match(await one.says('Les boeken'), [/^Een ogenblik/], 'a person tells')
  })
}
