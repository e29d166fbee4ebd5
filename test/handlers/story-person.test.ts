import t from 'tap'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import { reserved, setUp } from '../helpers/lesson-story.ts'
import type { TutorOptions } from '../helpers/tutor.ts'

/** Where a person takes over, or has the conversation. */

t.test('a person can be requested at any point', async t => {
  for (const way of [
    ['Kan ik een mens spreken?'],
    ['Les boeken', 'ik wil een medewerker'],
    ['Les boeken', 'optie 1', 'Iemand spreken'],
  ]) {
    t.test(way.join(', '), async t => {
      const tutor = await setUp(t)
      const renee = tutor.student()
      await renee.says('Hoi')
      for (const text of way) await renee.says(text)
      t.equal(renee.read().at(-1), 'Een ogenblik: iemand van ons neemt dit gesprek over.')
      t.match(renee.conversation, { status: 'open', assignee: 7 })
      t.ok(renee.conversation.labels.includes('intent:handoff'))
      t.strictSame(await renee.says('hallo?'), [], 'and then the bot keeps silent')
    })
  }
})

t.test('misunderstood twice in a row, a person is offered; the third time, it is a person’s', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  const sorry = 'Sorry, dat begreep ik niet.'
  t.strictSame(await renee.says('blub'), [sorry])
  const offer = 'Sorry, ik begrijp je nog steeds niet. Wil je iemand spreken?'
  t.strictSame(await renee.says('blah'), [offer])
  await renee.says('Les boeken')
  t.strictSame(await renee.says('blub'), [sorry], 'something understood in between')
  t.strictSame(await renee.says('hm hm'), [offer])
  t.ok(renee.choices().includes('Iemand spreken'))
  t.equal(renee.choices()[0], 'di 24 nov 10:00', 'the dialogue is where it was')
  t.strictSame(await renee.says('Dit gaat\nniet goed'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
  t.match(renee.conversation, { status: 'open', custom_attributes: { misunderstood: 0, misunderstood_texts: null } })
  t.strictSame(renee.notes(), [
    `TutorBot heeft de leerling niet begrepen:
"blub"
"hm hm"
"Dit gaat niet goed"
Wil je het gesprek teruggeven aan TutorBot? Zet het op pending (in de wacht), of sluit het af.
Anders antwoordt TutorBot weer 24 uur na je laatste bericht.`,
  ])
})

t.test('five messages in a second: one coherent answer to each, in order', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  const deliveries: string[] = []
  for (const text of ['Hoi', 'Les boeken', 'Liever 90 minuten', 'optie 3', 'dank je'])
    deliveries.push(await renee.sends(text))
  for (const delivery of deliveries) t.equal(await tutor.receiver.handled(delivery), 'webhook handled')
  t.match(renee.read(), [
    'Hoi! Waarmee kan ik je helpen?',
    /les van 60 minuten/,
    /les van 90 minuten/,
    /^Je les op woensdag 25 november om 10:00/,
  ])
  t.equal(renee.read().length, 4, 'thanks need no answer')
})

t.test('silent where the bot is switched off or a person has the conversation', async t => {
  const tutor = await setUp(t)
  for (const [index, parts] of [
    { custom_attributes: { bot_disabled: true } },
    { assignee: 11, status: 'open' },
  ].entries()) {
    t.strictSame(await tutor.student('whatsapp', { id: index + 1, ...parts }).says('Les boeken'), [])
  }
})

t.test('missing configuration: the student is handed over, and the tutor told', async t => {
  const cases: [string, TutorOptions, Record<string, unknown>, RegExp][] = [
    ['no key', { stripeKey: false }, {}, /STRIPE_SECRET_KEY is not set/],
    ['no price', { prices: {} }, {}, /STANDARD_PRICE_ID_60 is not set/],
    [
      'no weekend price',
      { prices: { standard60: 'price_s60' } },
      { segment: 'weekend' },
      /WEEKEND_PRICE_ID_60 is not set/,
    ],
    ['no such price', { prices: { standard60: 'price_gone' } }, {}, /No such price/],
  ]
  for (const [name, options, contact, problem] of cases) {
    t.test(name, async t => {
      const tutor = await setUp(t, options)
      const renee = tutor.student('whatsapp', {}, contact)
      await renee.says('Hoi')
      await renee.says('Les boeken')
      if (name === 'no such price') await renee.says('optie 1')
      t.equal(renee.read().at(-1), 'Een ogenblik: iemand van ons neemt dit gesprek over.')
      t.match(renee.notes(), [problem])
      t.match(
        renee.notes(),
        [/Please help this student\.\nThe student wrote:\n"(Les boeken|optie 1)"\nTo give the conversation back/],
        'in one language',
      )
      t.match(renee.conversation, { status: 'open', labels: ['intent:handoff'] })
      t.match(
        tutor.log.lines.find(({ msg }) => msg === 'handing the student over to a person'),
        { level: 40 },
      )
    })
  }
})

t.test('regression: a message crafted to be slow is answered at once', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  const startedAt = performance.now()
  for (const text of ['!'.repeat(149_999), '1 '.repeat(74_999), 'di '.repeat(49_999)]) await renee.says(`${text}x`)
  t.ok(performance.now() - startedAt < 5_000, 'it took 9.5 s for the first alone')
})

t.test('regression: mentioning someone does not hand over', async t => {
  const tutor = await setUp(t)
  for (const [text, answer] of [
    ['Hi, I am looking for someone who can help me', /^Hoi!/],
    ['Wat kost het per persoon?', /^Onze prijzen/],
    ['Someone told me so', /^Hoi!/],
  ] as const) {
    const id = 4100200 + text.length
    t.match(await tutor.student('whatsapp', { id, contact: id }).says(text), [answer], text)
  }
})

t.test('regression: where a person has the conversation, Stripe’s events send the student nothing', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const said = renee.read().length
  Object.assign(renee.conversation.custom_attributes as object, { bot_disabled: 'true' })
  Object.assign(tutor.session(), { status: 'expired' })
  await tutor.deliver(sessionEvent(tutor.session(), 'expired'))
  t.equal(renee.read().length, said)
  t.match(renee.notes(), [/^TutorBot is silent here, and has not told the student: "Je reservering/])

  const tim = await reserved(tutor, { id: 4100043, contact: 4100002 })
  Object.assign(tim.conversation, { assignee: 11, status: 'open' })
  const session = tutor.session(2)
  Object.assign(session, { metadata: { ...session.metadata, lesson_start: 'never' } })
  const before = tim.read().length
  await tutor.deliver(pay(session).completed)
  t.equal(tim.read().length, before)
  t.match(tim.notes(), [/^Payment received/, /make no sense.*\nTutorBot is silent here/s])
})
