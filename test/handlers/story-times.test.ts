import t from 'tap'
import { sessionEvent } from '../../sandbox/payments.ts'
import { MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'

/** The times that are offered, and how a student chooses one. */

t.test('a time can be typed on WhatsApp', async t => {
  const cases = [
    ['optie 2', 'dinsdag 24 november om 16:00'],
    ['(2)', 'dinsdag 24 november om 16:00'],
    ['di 24 nov 11:00', 'dinsdag 24 november om 11:00'],
    ['Tue 24 Nov 11:00', 'dinsdag 24 november om 11:00'],
    ['dinsdag 17:00', 'dinsdag 24 november om 17:00'],
    ['Kan het donderdag om 3 uur?', 'donderdag 26 november om 15:00'],
    ['morgen 12.00', 'dinsdag 24 november om 12:00'],
    ['Friday 5 pm', 'vrijdag 27 november om 17:00'],
    ['2 december 19u', 'woensdag 2 december om 19:00'],
  ] as const
  for (const [text, when] of cases) {
    t.test(text, async t => {
      const tutor = await setUp(t)
      const renee = tutor.student()
      await renee.says('Hoi')
      await renee.says('optie 1')
      t.match((await renee.says(text))[0], `Je les op ${when} staat voor je klaar.`)
    })
  }
})

t.test('a length beside the time: of that lesson if it is sold, else it is told', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  t.match(await renee.says('dinsdag 17:00 90 minuten'), [
    /^dinsdag 24 november om 17:00 is vrij voor een les van 90 min/,
  ])
  t.match(await renee.says('woensdag 17:00 60 minuten'), [/^Wanneer wil je je les van 60 minuten/])
  t.strictSame(renee.choices()[0], 'wo 25 nov 17:00')
  t.match(await renee.says('donderdag 17:00 45 minuten'), [
    /^Een les duurt 60 of 90 minuten\.\nWanneer wil je je les van 60/,
  ])
  await renee.says('menu')
  t.match(await renee.says('vrijdag 17:00 45 minuten'), [
    /^Een les duurt 60 of 90 minuten\.\nvrijdag 27 november om 17:00/,
  ])
  await renee.says('menu')
  await renee.says('proefles')
  t.match(await renee.says('dinsdag 17:00 90 minuten'), [/^Wanneer wil je je les van 30 minuten/])
})

t.test('a typed time that fits several days or none is asked back', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  t.match(await renee.says('woensdag'), [/^Wanneer wil je/])
  t.match(renee.choices().slice(0, 6), Array(6).fill(/^wo 25 nov/))
  t.match(await renee.says('zondag 10:00'), [/^Dan zijn er geen lessen, wel van maandag tot en met vrijdag.*\nWanneer/])
  t.match(renee.choices().slice(0, 6), Array(6).fill(/^(vr 27 nov|ma 30 nov|di 1 dec) 1/))
})

t.test('a number alone is an hour where no numbers were shown: offered, never reserved', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  for (const text of ['3', '3 graag', '3?', '3 uur', '15']) {
    t.match(await renee.says(text), [/^Wanneer wil je/], text)
    t.match(renee.choices().slice(0, 6), Array(6).fill(/ 15:00$/), text)
  }
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  for (const text of ['Hoi', 'Les boeken', 'dinsdag']) await tim.says(text)
  t.match(await tim.says('3'), [/^Wanneer wil je/], 'it may be the third time that was shown')
  t.strictSame(tim.choices().slice(0, 2), ['di 24 nov 15:00', 'Andere tijden'])
  t.strictSame(await tutor.busy(), [], 'nothing is held')
  await tim.says('dinsdag')
  t.match(await tim.says('17'), [/^Je les op dinsdag 24 november om 17:00/], 'no place in a list: an hour')
})

t.test('a day with a part of it, and then an hour', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Les boeken', 'overmorgen in de middag']) await renee.says(text)
  t.match(await renee.says('16 uur'), [/^Je les op woensdag 25 november om 16:00/])
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  t.match(await tim.says('overmorgen in de middag graag een les'), [/^Wanneer wil je/])
  t.match(await tim.says('14 uur'), [/^Je les op woensdag 25 november om 14:00/])
})

t.test('regression: tomorrow is the day after it was written, also if it is handled after midnight', async t => {
  const tutor = await setUp(t, { at: '2026-11-24T22:59:50Z' })
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  const created_at = Date.parse('2026-11-24T22:59:58Z') / 1_000
  tutor.clock.advance(MINUTE)
  t.match(await renee.sendsMessage({ content: 'morgen 17:00', created_at }), [
    /^Je les op woensdag 25 november om 17:00/,
  ])
})

t.test('while a lesson awaits its payment, a time at which none begins changes nothing', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  const before = await tutor.lessons()
  const { order_id } = renee.conversation.custom_attributes ?? {}
  t.match((await renee.says('zondag 17:00'))[0], /is gereserveerd en wacht op je betaling/)
  t.equal(renee.conversation.custom_attributes?.order_id, order_id)
  t.same(await tutor.lessons(), before)
})

t.test('other times, another length, back to the menu', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.chooses('Les boeken')
  await renee.chooses('Andere tijden')
  t.match(renee.choices().slice(0, 6), [
    /^vr 27 nov 10/,
    /^vr 27 nov 16/,
    /^ma 30 nov/,
    /^ma 30 nov/,
    /^di 1 dec/,
    /^di 1 dec/,
  ])
  await renee.chooses('Liever 90 minuten')
  t.ok(renee.choices().includes('Liever 60 minuten'))
  await renee.chooses(1)
  t.match(tutor.session(), { amount_total: 8500, metadata: { minutes: '90' } })
  t.strictSame(await tutor.busy(), [['2026-11-24T09:00:00.000Z', '2026-11-24T10:30:00.000Z']])
})

t.test('two students take the last slot at the same moment: one gets it, the other is offered others', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  for (const one of [renee, tim]) {
    await one.says('Hoi')
    await one.says('Les boeken')
  }
  const answers = await Promise.all([renee.says('optie 1'), tim.says('optie 1')])
  t.strictSame(
    answers
      .flat()
      .map(text => text.split(' ').slice(0, 2).join(' '))
      .sort(),
    ['Die tijd', 'Je les'],
  )
  t.equal((await tutor.busy()).length, 1)
  t.equal(tutor.stripe.sessions.size, 1)
})

t.test('a time offered long ago, or taken meanwhile, is not booked', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  tutor.clock.advance(24 * 60 * MINUTE)
  t.match(await renee.says('di 24 nov 10:00'), [/^Die tijd is helaas niet meer vrij.\nWanneer/])
  t.strictSame(await tutor.busy(), [])
})

t.test('no free time: handed over', async t => {
  const tutor = await setUp(t)
  const now = tutor.clock.now()
  const all = {
    order: 'x',
    start: now,
    end: now + 40 * 24 * 60 * MINUTE,
    student: '',
    service: '',
    payment: null,
    conversation: '1',
  }
  await tutor.app.webhooks.calendar.book(all, AbortSignal.timeout(1000))
  const renee = tutor.student()
  await renee.says('Hoi')
  t.strictSame(await renee.says('Les boeken'), [
    'De komende dagen is er geen tijd vrij. Iemand van ons zoekt er een met je.',
  ])
  t.equal(renee.conversation.status, 'open')
})

t.test('regression: a sentence about a time does not choose it', async t => {
  const tutor = await setUp(t)
  const sentences = [
    'dinsdag 17:00 kan ik niet',
    'volgende week dinsdag 17:00',
    'niet morgen maar overmorgen om 17:00',
    'dinsdag van 16 uur tot 17 uur',
    'dinsdag niet, woensdag wel 17:00',
    'Can we do Tuesday at 5 pm or later?',
    'zo snel mogelijk, dinsdag 17:00',
    'een les van 5 uur op dinsdag',
    'do 26 november 17:00 of 18:00',
  ]
  for (const [index, sentence] of sentences.entries()) {
    const renee = tutor.student('whatsapp', { id: 4100100 + index, contact: 4100100 + index })
    await renee.says('Hoi')
    await renee.says('Gratis proefles')
    t.match(await renee.says(sentence), [/^(.*het dichtst bij.\n)?Wanneer wil je je les van 30 minuten/], sentence)
  }
  t.strictSame(await tutor.lessons(), [])
  const tim = tutor.student('whatsapp', { id: 4100042 })
  await tim.says('Hoi')
  await tim.says('Gratis proefles')
  await tim.says('Can it be Tuesday at 5 pm please')
  t.match(await tutor.lessons(), [{ start: Date.parse('2026-11-24T16:00:00Z') }])
})

t.test('regression: a student’s times are in their own zone', async t => {
  const tutor = await setUp(t)
  const tim = tutor.student('whatsapp', {}, { language: 'en', timezone: 'Europe/London' })
  await tim.says('Hi')
  await tim.says('Book a lesson')
  t.match(await tim.says('Tuesday 16:00'), [/Tuesday 24 November at 16:00 \(Europe\/London\) is reserved/])
})

t.test('regression: a number sent twice does not cancel the reservation', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  await renee.says('optie 2')
  t.strictSame(await renee.says('optie 2'), ['Sorry, dat begreep ik niet.'])
  t.equal(tutor.session().status, 'open')
  t.match(await renee.says('menu'), ['Hoi! Waarmee kan ik je helpen?'])
  await renee.says('Les boeken')
  t.equal(tutor.session().status, 'expired', 'until another one is asked for')
})

t.test('regression: other times were offered before the link expired: the offer stands', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(41 * MINUTE)
  await reserved(tutor, { id: 4100043, contact: 4100002 })
  await renee.says('Link opnieuw sturen')
  const said = renee.read().length
  await tutor.deliver(sessionEvent(tutor.session(), 'expired'))
  t.equal(renee.read().length, said)
  t.match(await renee.says('optie 2'), [/^Je les op/])
})
