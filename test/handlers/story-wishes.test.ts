import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { reserved, setUp } from '../helpers/lesson-story.ts'

/** What students write in their own words: nobody is left alone, and nothing is answered that needs no answer. */

type Tutor = Awaited<ReturnType<typeof setUp>>

const HANDOFF = 'Een ogenblik: iemand van ons neemt dit gesprek over.'
let lastId = 4_200_000

/** A further student, with whom nothing has been said yet. */
function another(tutor: Tutor, contact = {}) {
  const id = ++lastId
  return tutor.student('whatsapp', { id, contact: id }, contact)
}

async function booked(tutor: Tutor) {
  const renee = await reserved(tutor)
  await tutor.deliver(pay(tutor.session()).completed)
  return renee
}

t.test('after a booking: what no step does goes to a person at once, with a note that quotes it', async t => {
  const cases: [string, RegExp][] = [
    ['ik ben ziek, de les gaat niet door', /is ziek/],
    ['annuleren', /wil een les afzeggen/],
    ['ik wil mijn les verzetten', /wil een les afzeggen/],
    ['Helaas, ik kan er niet bij zijn', /wil een les afzeggen/],
    ['mag ik een factuur?', /factuur of een bon/],
    ['what should I bring?', /naar een geboekte les/],
    ['Kann ich mein Geld zurückbekommen?', /geld terug/],
    ['ik ben echt niet tevreden', /heeft een klacht/],
    ['bel mij even', /vraagt om een persoon/],
    ['can someone call me', /vraagt om een persoon/],
    ['stop met die bot', /vraagt om een persoon/],
    ['ik sta voor een dichte deur', /heeft een klacht/],
    ['you charged me twice', /geld terug/],
    ['kan ik ook contant betalen?', /geld/],
    ["I won't be able to attend", /wil een les afzeggen/],
    ['mijn dochter is gevallen, arm gebroken', /is ziek/],
    ['ich muss zum Arzt', /wil een les afzeggen/],
    ['my card was declined', /geld terug/],
    ['is mijn betaling ontvangen?', /geld terug/],
    ['wir warten seit 20 Minuten', /heeft een klacht/],
    ['waar blijft de docent?', /heeft een klacht/],
    ['der Bot versteht mich nicht', /vraagt om een persoon/],
    ['wir sind im Urlaub', /wil een les afzeggen/],
    ['wie is mijn docent?', /naar een geboekte les/],
    ['Ich möchte mit einem Menschen sprechen', /vraagt om een persoon/],
  ]
  for (const [text, why] of cases) {
    t.test(text, async t => {
      const tutor = await setUp(t)
      const renee = await booked(tutor)
      t.strictSame(await renee.says(text), [HANDOFF])
      t.match(renee.notes().at(-1), why)
      t.match(renee.notes().at(-1), `"${text}"`)
      t.match(renee.conversation, { status: 'open', assignee: 7 })
      t.ok(renee.conversation.labels.includes('intent:handoff'))
      t.equal((await tutor.lessons())?.length, 1, 'the lesson stays')
      t.strictSame(await renee.says('hallo?'), [])
    })
  }
})

t.test('yes to “do you want a person?” is an answer, and no is one too', async t => {
  const tutor = await setUp(t)
  for (const yes of ['ja', 'ja graag', 'Yes please!', 'ok', '👍']) {
    const one = another(tutor)
    for (const text of ['Hoi', 'blub', 'blah']) await one.says(text)
    t.strictSame(await one.says(yes), [HANDOFF], yes)
  }
  const one = another(tutor)
  for (const text of ['Hoi', 'blub', 'blah']) await one.says(text)
  t.match(await one.says('nee hoor'), [/^Hoi! Waarmee/])
  t.match(await one.says('blub'), ['Sorry, dat begreep ik niet.'], 'from the start')
})

t.test('thanks, emoji and ok need no answer, and are no misses', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor)
  for (const text of ['bedankt!', 'thanks', '👍', '❤️', 'ok', 'Top, dankjewel 😊', 'Vielen Dank', 'ja']) {
    t.strictSame(await renee.says(text), [], text)
  }
  t.equal(renee.conversation.custom_attributes?.misunderstood, 0)
  t.equal(renee.conversation.status, 'pending')
})

t.test('a greeting shows where we are', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  t.match(await renee.says('Hoi'), [/^Hoi! Waarmee/])
  t.match(await renee.says('Hallo?'), [/^Hoi! Waarmee/])
  await renee.says('Les boeken')
  t.match(await renee.says('goedemorgen'), [/^Wanneer wil je/])
  t.equal(renee.choices()[0], 'di 24 nov 10:00')
  await renee.says('optie 1')
  t.strictSame(await renee.says('hey'), [
    'Je les op dinsdag 24 november om 10:00 is gereserveerd en wacht op je betaling. Wat wil je doen?',
  ])
  t.strictSame(renee.choices(), ['Link opnieuw sturen', 'Een ander moment', 'Iemand spreken'])
  Object.assign(renee.conversation.custom_attributes as object, { lesson_start: null })
  t.match(await renee.says('hallo daar'), [/^Hoi! Waarmee/], 'what is reserved is not known any more')
})

t.test(
  'what is in the menu is understood in other words and with a typing error, from the first message on',
  async t => {
    const tutor = await setUp(t)
    const cases: [string, RegExp][] = [
      ['ik wil een les boeken', /^Wanneer wil je je les van 60/],
      ['boeken', /^Wanneer/],
      ['Les boeken aub', /^Wanneer/],
      ['les boekn', /^Wanneer/],
      ['les boeekn', /^Wanneer/],
      ['les boekken', /^Wanneer/],
      ['les boemen', /^Wanneer/],
      ['I would like to book a lesson', /^Wanneer/],
      ['Ich möchte eine Stunde buchen', /^Wanneer/],
      ['andere tijden?', /^Wanneer/],
      ['zijn er ook andere tijden', /^Wanneer/],
      ['prijs?', /^Onze prijzen/],
      ['hoeveel kost het?', /^Onze prijzen/],
      ['How much is it?', /^Onze prijzen/],
      ['mag ik een proefles?', /^Wanneer wil je je les van 30/],
      ['help', /^Hoi!/],
      ['laat maar', /^Hoi!/],
      ['welke boeken gebruik je?', /^Hoi!/],
      ['stuur de link', /^Een ogenblik/],
      ['free lesson', /^Wanneer wil je je les van 30/],
      ['kan ik het eerst proberen?', /^Wanneer wil je je les van 30/],
      ['ik wil me inschrijven', /^Wanneer/],
      ['haben Sie noch einen Platz frei?', /^Wann/],
      ['wat vraag je per uur?', /^Onze prijzen/],
      ['ik zoek bijles wiskunde', /^Hoi!/],
      ['is anyone there?', /^(Hi|Hoi)!/],
      ['zijn er nog plaatsen vrij', /^Wanneer/],
      ['haben Sie noch Termine?', /^Wanneer/],
      ['ik heb een vraag', /^Hoi!/],
      ['when are you free?', /^Wanneer/],
      ['was würde das kosten?', /^Onze prijzen/],
      ['hoooi!', /^Hoi!/],
      ['hoe werkt dit?', /^Hoi!/],
    ]
    for (const [text, answer] of cases) t.match(await another(tutor).says(text), [answer], text)
    const customer = another(tutor, { has_paid_lesson: true })
    t.match(await customer.says('proefles graag'), [/^Hoi!/], 'who had a trial lesson gets no other')
  },
)

t.test('prices while a time is chosen, or a lesson paid: then the question again', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Les boeken']) await renee.says(text)
  t.strictSame(await renee.says('hoeveel kost het?'), [
    'Onze prijzen:\n60 minuten: € 60,00\n90 minuten: € 85,00\n\nWanneer wil je je les van 60 minuten? Je kunt ook zelf een dag en een tijd schrijven.',
  ])
  t.equal(renee.choices()[0], 'di 24 nov 10:00')
  t.match(await renee.says('les boeken'), [/^Wanneer wil je/], 'that is what we are doing')
  await renee.says('optie 1')
  t.match(await renee.says('prijs?'), [/^Onze prijzen.*wacht op je betaling/s])
})

t.test('a choice is named by its number in many ways', async t => {
  const tutor = await setUp(t)
  for (const text of ['eerste optie', 'nummer 1', '(1)', '1️⃣', '#1', 'optie een', 'de eerste', 'Option 1']) {
    const one = another(tutor)
    for (const said of ['Hoi', 'Les boeken']) await one.says(said)
    t.match(await one.says(text), [/^Je les op/], text)
    await one.says('laat maar')
  }
  const one = another(tutor)
  for (const said of ['Hoi', 'Les boeken']) await one.says(said)
  const before = one.read().length
  for (const text of ['-1', '1 of 2', 'drie', 'optie', 'the 2nd', 'nummer 99']) await one.says(text)
  t.notMatch(one.read().slice(before).join(), /Je les op/, 'nothing is reserved that may not be meant')
})

t.test('what is under way is stopped, and what it held is free', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Les boeken']) await renee.says(text)
  t.match(await renee.says('annuleren'), [/^Hoi!/])
  t.match(renee.conversation.custom_attributes, { pending_intent: 'menu', offered_slots: null })
  for (const text of ['Les boeken', 'optie 1']) await renee.says(text)
  t.match(await renee.says('stuur de link nog een keer'), [/^Je les op .* staat voor je klaar/])
  t.equal((await tutor.busy()).length, 1)
  t.match(await renee.says('Laat maar'), [/^Hoi!/])
  t.strictSame(await tutor.busy(), [])
  t.equal(tutor.session().status, 'expired')
  t.match(renee.conversation, { status: 'pending', labels: [], custom_attributes: { order_id: null } })
})

t.test('what is said around it makes no difference', async t => {
  const tutor = await setUp(t)
  for (const text of [
    'sorry, toch maar niet eigenlijk',
    'actually never mind',
    'ik heb me bedacht',
    'oh sorry, eigentlich doch nicht',
  ]) {
    const one = tutor.student()
    for (const said of ['Hoi', 'Les boeken']) await one.says(said)
    t.match(await one.says(text), [/^Hoi!/], text)
  }
})

t.test('the link is asked for, and nothing awaits its payment: the question again, or a person', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Les boeken']) await renee.says(text)
  t.match(await renee.says('stuur de link nog een keer'), [/^Wanneer wil je/])
  await renee.says('menu')
  t.strictSame(await renee.says('stuur de link nog een keer'), [HANDOFF])
})

t.test('stopped while the payment is on its way: nothing is released', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.session().status = 'complete'
  t.match(await renee.says('stop'), [/^Je betaling komt binnen/])
  t.equal((await tutor.busy()).length, 1)
})

t.test('while a lesson is paid, nothing is released that may not be meant', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  for (const text of [
    'ik wil een les boeken',
    'ja',
    'hoe laat was het?',
    'zijn er andere tijden voor mijn broer?',
    'menu graag',
  ]) {
    t.match(await renee.says(text), [/wacht op je betaling/], text)
    t.equal((await tutor.busy()).length, 1)
  }
  t.match(await renee.says('een andere tijd graag'), [/^Wanneer wil je/])
  t.strictSame(await tutor.busy(), [])
})

t.test('paid, without a time: what ends that goes to a person', async t => {
  const tutor = await setUp(t)
  const custom_attributes = { pending_intent: 'rebook', order_id: '4100042-1', misunderstood: 0 }
  const renee = tutor.student('whatsapp', { custom_attributes })
  t.match(await renee.says('meer tijden'), [/^Wanneer/])
  t.match(await renee.says('les boeken'), [/^Wanneer/])
  t.match(await renee.says('hoe laat begint de les?'), [/^Sorry/])
  t.strictSame(await renee.says('laat maar'), [HANDOFF])
})

t.test('while a time is chosen, a refused day is no reason for a person', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Les boeken']) await renee.says(text)
  await renee.says('dinsdag kan ik niet komen')
  t.equal(renee.conversation.status, 'pending')
  t.match(await renee.says('is er nog een proefles?'), [/les van 30 minuten/])
  t.match(await renee.says('hoofdmenu'), [/^Hoi!/])
})

t.test('a picture goes to a person, with one line to the student; one with a text is read', async t => {
  const tutor = await setUp(t)
  const file = { id: 1, file_type: 'image' as const, extension: 'jpg', data_url: 'http://127.0.0.1/1.jpg' }
  const renee = tutor.student()
  await renee.says('Hoi')
  t.match(await renee.sendsMessage({ content: 'hoeveel kost dit?', attachments: [file] }), [/^Onze prijzen/])
  t.match(await renee.sendsMessage({ content: null, attachments: [file] }), [
    /^Spraakberichten, foto’s en locaties kan ik niet/,
  ])
  t.match(renee.notes(), [/"\[image\]"/])
  t.equal(renee.conversation.status, 'open')
})
