import t, { type Test } from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { contactOf, setUp } from '../helpers/lesson-story.ts'
import type { TutorOptions } from '../helpers/tutor.ts'
import { example } from '../helpers/tutor-page.ts'

/** A tutor in Antwerp, with the settings of docs/tutor-settings.md: from 8 on, on Saturdays, not in July, 45 minutes. */

/** A Friday, 12:00 in Antwerp. */
const JUNE = '2026-06-26T10:00:00Z'

async function antwerp(t: Test, options: TutorOptions = {}) {
  const own = { tutor: example(), calendar: { timeZone: 'Europe/Brussels' }, at: JUNE, prices: {} }
  const tutor = await setUp(t, { ...own, ...options })
  for (const [name, cents] of Object.entries({ '45': 4500, '45_existing': 4000, '90': 8000 })) {
    tutor.stripe.addPrice(`price_antwerp_${name}`, cents)
  }
  return tutor
}

t.test('a lesson is asked for, paid and booked: at her hours, for her price, at her place', async t => {
  const tutor = await antwerp(t)
  const renee = tutor.student('widget')
  t.strictSame(await renee.says('Hoi'), [
    'Je chat met de digitale assistent van Anna.\nDag! Wat kan Anna voor je doen?',
  ])
  t.strictSame(renee.choices(), [
    'Een les boeken',
    'Gratis proefles',
    'Huiswerk',
    'Voor scholen',
    'Prijzen',
    'Iemand spreken',
  ])
  t.strictSame(await renee.chooses('Prijzen'), ['Onze prijzen:\n45 minuten: € 45,00\n90 minuten: € 80,00'])
  t.match(await renee.chooses('Een les boeken'), [/^Wanneer wil je je les van 45 minuten\?/])
  t.strictSame(renee.choices(), [
    'za 27 jun 12:00',
    'ma 29 jun 08:00',
    'ma 29 jun 15:45',
    'di 30 jun 08:00',
    'di 30 jun 15:45',
    'za 1 aug 12:00',
    'Andere tijden',
    'Liever 90 minuten',
    'Terug naar het menu',
    'Iemand spreken',
  ])
  t.strictSame(await renee.chooses('di 30 jun 08:00'), [
    `Je les op dinsdag 30 juni om 08:00 staat voor je klaar. Betaal € 45,00 vóór 12:40 om hem definitief te maken: ${tutor.session().url}`,
  ])
  t.match(tutor.session(), {
    amount_total: 4500,
    metadata: { minutes: '45', lesson_start: '2026-06-30T08:00:00+02:00' },
  })
  t.equal(await tutor.deliver(pay(tutor.session()).completed), 'webhook handled')
  t.equal(
    renee.read().at(-1),
    'Dank je wel! We hebben je betaling van € 45,00 ontvangen.\nJe les staat vast: dinsdag 30 juni om 08:00. Tot dan, Anna\nDe les is hier: Meir 1, 2000 Antwerpen',
  )
  t.match(await tutor.lessons(), [{ start: Date.parse('2026-06-30T06:00Z'), end: Date.parse('2026-06-30T06:45Z') }])
})

t.test('a customer’s price, another length, and lengths that there are not', async t => {
  const tutor = await antwerp(t)
  const renee = tutor.student('widget', {}, { segment: 'existing' })
  await renee.says('Hoi')
  t.match(await renee.chooses('Prijzen'), [/\n45 minuten: € 40,00\n90 minuten: € 80,00$/])
  await renee.chooses('Een les boeken')
  t.match(await renee.says('liever 60 minuten'), [/^Een les duurt 45 of 90 minuten\./])
  t.match(await renee.says('minutes_60'), [/^Wanneer wil je je les van 45 minuten/], 'a button of before')
  t.match(await renee.chooses('Liever 90 minuten'), [/^Wanneer wil je je les van 90 minuten/])
  t.ok(renee.choices().includes('Liever 45 minuten'))
  await renee.says('za 27 juni 09:45')
  t.equal(tutor.session().amount_total, 8000)
  await tutor.deliver(pay(tutor.session()).completed)
  t.match(renee.read().at(-1), /\nDe les is online: https:\/\/meet\.example\.com\/antwerp$/)
})

t.test('a trial lesson of her length, at her hours', async t => {
  const tutor = await antwerp(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.match(await renee.chooses('Gratis proefles'), [/les van 20 minuten/])
  t.match(await renee.says('60 minuten'), [/^Een les duurt 20 minuten\./])
  t.strictSame(renee.choices().slice(0, 3), ['za 27 jun 09:00', 'za 27 jun 09:30', 'za 1 aug 09:00'])
  t.strictSame(await renee.chooses(1), ['Je gratis proefles staat vast: zaterdag 27 juni om 09:00. Tot dan!'])
  t.match(await tutor.lessons(), [{ end: Date.parse('2026-06-27T07:20Z') }])
  t.equal(contactOf(tutor)?.lesson_booked, true)
})

t.test('a price that is not the expected one is not sold: a person', async t => {
  const tutor = await antwerp(t)
  tutor.stripe.addPrice('price_antwerp_45', 450)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.match(await renee.chooses('Een les boeken'), [/iemand van ons neemt dit gesprek over/])
  t.match(renee.notes(), [
    /price_antwerp_45 is 4\.50 EUR at Stripe, but 45\.00 EUR in lessons\[0\]\.prices\.all: correct one of them/,
  ])
})

t.test(
  'her payment page: codes, an invoice, the student’s address, no slow method for a lesson that is soon',
  async t => {
    const payment = {
      minutesToPay: 600,
      settleDays: { sepa_debit: 14, oxxo: 2 },
      promotionCodes: true,
      invoice: true,
      customerEmail: true,
    }
    const tutor = await antwerp(t, { tutor: { ...example(), payment } })
    const renee = tutor.student('widget')
    Object.assign(tutor.chatwoot.contacts.get(4100001) as object, { email: ' renee@example.com ' })
    await renee.says('Hoi')
    await renee.chooses('Een les boeken')
    t.match(await renee.chooses('di 30 jun 08:00'), [/Betaal € 45,00 vóór 22:00/])
    t.match(tutor.session(), {
      allow_promotion_codes: true,
      invoice_creation: { enabled: true },
      excluded_payment_method_types: ['sepa_debit'],
      customer_email: 'renee@example.com',
      expires_at: Date.parse(JUNE) / 1000 + 600 * 60,
    })
    t.match(await renee.says('za 1 aug 12:00'), [/staat voor je klaar/])
    t.equal(tutor.session(2).excluded_payment_method_types, undefined, 'in August all of it is in')
  },
)

t.test('the link ends when the lesson begins, but lasts long enough for Stripe', async t => {
  const planning = { all: { hours: { friday: ['12:00-18:00'] }, leadMinutes: 0, stepMinutes: 30 } }
  const tutor = await antwerp(t, { tutor: { ...example(), planning, payment: { minutesToPay: 600 } } })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.chooses('Een les boeken')
  t.match(await renee.says('vandaag om 17:00'), [/vóór 17:00/])
  t.match(await renee.says('vandaag om 12:30'), [/vóór 12:36/])
})

t.test('an address that Stripe refuses costs no sale; one that is none is left out', async t => {
  const tutor = await antwerp(t, { tutor: { ...example(), payment: { customerEmail: true } } })
  const renee = tutor.student('widget')
  const contact = tutor.chatwoot.contacts.get(4100001) as object
  await renee.says('Hoi')
  await renee.chooses('Een les boeken')
  Object.assign(contact, { email: 'renée@example.com' })
  t.match(await renee.chooses('di 30 jun 08:00'), [/staat voor je klaar/])
  t.equal(tutor.session().customer_email, undefined)
  t.equal(tutor.stripe.called(/^POST \/v1\/checkout\/sessions$/).length, 2)
  for (const email of ['renee', `${'x'.repeat(250)}@example.com`, null]) {
    Object.assign(contact, { email })
    await renee.says(email === null ? 'za 1 aug 12:00' : 'ma 29 jun 08:00')
  }
  t.equal(tutor.session(3).customer_email, undefined)
})

t.test('her own items of the menu: an answer, wherever the dialogue is, or a person', async t => {
  const tutor = await antwerp(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.strictSame(await renee.chooses('Huiswerk'), ['Stuur je huiswerk gerust hier door.'])
  t.ok(renee.choices().includes('Huiswerk'), 'the menu again')
  await renee.chooses('Een les boeken')
  t.strictSame(await renee.says('own_homework'), [
    'Stuur je huiswerk gerust hier door.\n\nWanneer wil je je les van 45 minuten? Je kunt ook zelf een dag en een tijd schrijven.',
  ])
  t.match(await renee.says('own_gone'), [/^Wanneer wil je je les/], 'a button of before')
  t.match(await renee.says('Voor scholen'), [/iemand van ons neemt dit gesprek over/])
  t.match(renee.notes(), [/"Voor scholen"/])
})

t.test('her students’ words, beside ours', async t => {
  const tutor = await antwerp(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.match(await renee.says('Hoeveel?'), [/^Onze prijzen:/])
  t.match(await renee.says('mag mijn zoon een uurtje bij u komen'), [/^Wanneer wil je je les van 45 minuten/])
})

t.test('her subjects: the one that is named last is taught', async t => {
  const tutor = await antwerp(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi, ik zoek bijles wiskunde')
  t.equal(renee.conversation.custom_attributes?.service, 'wiskunde')
  await renee.says('Of nee, een les natuurkunde graag')
  t.equal(renee.conversation.custom_attributes?.service, 'Fysica')
  await renee.says('Natuurkunde, dinsdag 30 juni 08:00')
  t.match(renee.choices()[0], 'di 30 jun 08:00')
  await renee.chooses(1)
  t.match(tutor.session().metadata, { service: 'Fysica' })
  await tutor.deliver(pay(tutor.session()).completed)
  t.match(await tutor.lessons(), [{ service: 'Fysica' }])
})

t.test('her languages: Dutch and English, no German', async t => {
  const tutor = await antwerp(t)
  const lena = tutor.student('widget', { additional_attributes: { browser_language: 'de' } }, { language: null })
  const [first] = await lena.says('Guten Tag, ich möchte gerne Nachhilfe für meinen Sohn')
  t.match(
    first,
    /^Je chat met .* Anna\.\nI only read and write Dutch and English\..*\n\nIk lees en schrijf alleen Nederlands en Engels\./,
  )
  t.match(await lena.says('Then I would like to book a lesson'), [/^When would you like your lesson of 45/])
})

t.test('Dutch alone: there is no English sentence about the languages', async t => {
  const tutor = await antwerp(t, { tutor: { languages: ['nl'] } })
  const lena = tutor.student('widget', {}, { language: null })
  const told = await lena.says('Hello, my daughter has trouble with her homework and we have no idea')
  t.match(told, [/^Ik lees en schrijf alleen Nederlands\./])
})

t.test('no trial lesson, and a length that is not sold any more', async t => {
  const tutor = await antwerp(t, { tutor: { lessons: [{ minutes: 45, prices: { new: 'price_antwerp_45' } }] } })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.strictSame(renee.choices(), ['Les boeken', 'Prijzen', 'Iemand spreken'])
  t.match(await renee.says('proefles'), [/^Hoi! Waarmee/])
  Object.assign(renee.conversation.custom_attributes as object, {
    pending_intent: 'slot',
    lesson_minutes: 60,
    offered_slots: '2026-06-29T10:00:00+02:00',
  })
  await renee.says('maandag 29 juni 10:00')
  t.match(renee.notes().at(-1), /no payment link can be made: no lesson has 60 minutes/)
})

t.test('who had begun a trial lesson gets what is left of it; a segment without a price gets a person', async t => {
  const lessons = [{ minutes: 45, prices: { weekend: 'price_antwerp_45' } }]
  const tutor = await antwerp(t, { tutor: { lessons } })
  const attributes = { pending_intent: 'slot', lesson_type: 'trial' }
  const renee = tutor.student('widget', { custom_attributes: attributes })
  t.match(await renee.says('Hoi'), [/^Wanneer wil je je les van 45 minuten/])
  Object.assign(renee.conversation.custom_attributes as object, { lesson_type: 'regular' })
  await renee.says('maandag 29 juni 10:00')
  t.match(renee.notes().at(-1), /lessons\[0\]\.prices\.new is not set/)
})

t.test('why a time can’t be had: her hours, her days, her holidays', async t => {
  const tutor = await antwerp(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.chooses('Een les boeken')
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
