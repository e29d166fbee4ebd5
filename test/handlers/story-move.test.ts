import { mock } from 'node:test'
import t from 'tap'
import type { Calendar } from '../../calendar/contract.ts'
import { begin } from '../../sandbox/payments.ts'
import { booked, MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'

/** Students move the lessons that they have booked, by the tutor's rule; else a person does. */

type Tutor = Awaited<ReturnType<typeof setUp>>

const HANDOFF = 'Een ogenblik: iemand van ons neemt dit gesprek over.'
const HOUR = 60 * MINUTE

const timesOf = async (tutor: Tutor) => (await tutor.lessons())?.map(({ start }) => new Date(start).toISOString())

for (const channel of ['widget', 'whatsapp', 'sms'] as const) {
  t.test(`a lesson is moved to what is free: ${channel}`, async t => {
    const tutor = await setUp(t)
    const renee = await booked(tutor, 'donderdag 17:00', tutor.student(channel))
    const [before] = (await tutor.lessons()) ?? []
    t.match(await renee.says('Ik wil mijn les verzetten'), [
      /^Naar wanneer wil je je les van donderdag 26 november om 17:00 verzetten\?/,
    ])
    if (channel === 'sms') {
      const [, place] = /\n(\d)\. wo 25 nov 09:00\n/.exec(renee.read().at(-1) ?? '') ?? []
      await renee.says(`${place}`)
    } else {
      t.strictSame(renee.choices().slice(-3), ['Andere tijden', 'Niets veranderen', 'Iemand spreken'])
      await renee.chooses('wo 25 nov 09:00')
    }
    t.match(
      renee.read().at(-1),
      'Je les van donderdag 26 november om 17:00 is verzet naar woensdag 25 november om 09:00. Tot dan!',
    )
    const [after, ...more] = (await tutor.lessons()) ?? []
    t.strictSame(more, [])
    const start = Date.parse('2026-11-25T08:00:00Z')
    t.strictSame(after, { ...before, start, end: start + 60 * MINUTE, sequence: 2, changedAt: after?.changedAt })
    t.match(renee.conversation, {
      labels: ['payment:paid', 'status:booked'],
      custom_attributes: {
        order_id: before?.order,
        lesson_start: '2026-11-25T09:00:00+01:00',
        payment_status: 'paid',
        pending_intent: 'menu',
        my_lesson: null,
        offered_slots: null,
      },
    })
    t.match(
      renee.notes().at(-1),
      /^The student has moved a lesson: Thursday 26 November at 17:00 → Wednesday 25 November at 09:00, order 4100042-/,
    )
    t.equal(tutor.stripe.sessions.size, 1, 'nothing is to be paid')
  })
}

t.test('the time of the lesson itself is no wish for another: times are offered', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  for (const text of ['kan mijn les van donderdag 17:00 verzet worden?', 'donderdag 17:00 toch?']) {
    t.match(await renee.says(text), [/^Naar wanneer wil je je les van donderdag 26 november om 17:00 verzetten/], text)
    await renee.says('laat maar')
  }
  t.match(await renee.says('donderdag 17:00 of 18:00'), [/^donderdag 26 november om 18:00 is vrij/])
  t.match(await renee.says('kan mijn les naar donderdag?'), [/^Naar wanneer/])
  t.ok(renee.choices()[0]?.startsWith('do 26 nov'))
})

t.test('in English and in German, a trial lesson within its own hours', async t => {
  const tutor = await setUp(t)
  const ann = await booked(tutor, 'Thursday 5 pm', tutor.student('widget', {}, { language: 'en' }))
  t.match(await ann.says('Can I reschedule?'), [
    /^When would you like your lesson of Thursday 26 November at 17:00 instead\?/,
  ])
  t.match(await ann.says('Friday 3 pm'), [
    'Your lesson of Thursday 26 November at 17:00 has been moved to Friday 27 November at 15:00. See you then!',
  ])
  const lena = tutor.student('whatsapp', { id: 4100043, contact: 4100002 }, { language: 'de' })
  for (const text of ['Hallo', 'Gratis-Probestunde', 'Freitag 18:30']) await lena.says(text)
  t.match(await lena.says('Ich muss die Stunde verschieben'), [/^Wann möchtest du deine Stunde vom Freitag/])
  t.match(await lena.says('Donnerstag 10:00'), [
    /^Um diese Uhrzeit gibt es keine Stunden, nur zwischen 17:00 und 19:00 Uhr/,
  ])
  t.match(await lena.says('Donnerstag 18:00'), [
    'Deine Stunde vom Freitag, 27. November um 18:30 Uhr ist verschoben auf Donnerstag, 26. November um 18:00 Uhr. Bis dann!',
  ])
})

t.test('when it shall be is said along with it: asked back, and yes moves it', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  t.match(await renee.says('kan mijn les naar vrijdag 15:00?'), [
    'vrijdag 27 november om 15:00 is vrij. Zal ik je les van donderdag 26 november om 17:00 daarnaartoe verzetten?',
  ])
  t.strictSame(await timesOf(tutor), ['2026-11-26T16:00:00.000Z'], 'nothing is moved yet')
  t.match(await renee.says('ja graag'), [/is verzet naar vrijdag 27 november om 15:00/])
  t.match(await renee.says('kan mijn les naar woensdag'), [/^Naar wanneer wil je je les van vrijdag/])
  t.ok(
    renee
      .choices()
      .slice(0, 6)
      .every(title => title.startsWith('wo 25 nov')),
  )
  t.match(await renee.says('liever elke week donderdag 17:00'), [/^Ik kan één les tegelijk boeken/])
  t.match(await renee.says('woensdag 17:00'), [/is verzet naar woensdag 25 november om 17:00/])
})

t.test('a time alone, from somebody who has a lesson, may be where it shall go', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  t.match(await renee.says('liever vrijdag 15:00'), [/Zal ik je les van donderdag .* daarnaartoe verzetten/])
  t.match(await renee.says('nee'), [/^Naar wanneer/])
  t.match(await renee.says('laat maar'), ['Goed, je les blijft zoals hij is: donderdag 26 november om 17:00.'])
  t.match(await renee.says('nog een les vrijdag 15:00'), [/^vrijdag 27 november om 15:00 is vrij voor een les/])
})

t.test('any time, an earlier one, other ones, its own one', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('verzetten')
  const first = renee.choices()
  await renee.says('Andere tijden')
  t.not(renee.choices()[0], first[0])
  t.match(await renee.says('maakt niet uit'), [/^Naar wanneer/])
  t.match(await renee.says('anderhalf uur'), [/^Naar wanneer/], 'as long as it is')
  t.match(await renee.says('donderdag 17:00'), ['Goed, je les blijft zoals hij is: donderdag 26 november om 17:00.'])
  await renee.says('verzetten')
  t.match(
    await renee.says('donderdag 18:00'),
    [/is verzet naar donderdag 26 november om 18:00/],
    'its own time is free for it',
  )
})

t.test('a time that is taken: others; a lesson that was moved or cancelled meanwhile: how it is now', async t => {
  const tutor = await setUp(t)
  const { calendar } = tutor.services
  const signal = AbortSignal.timeout(60_000)
  const renee = await booked(tutor, 'donderdag 17:00')
  const order = `${renee.conversation.custom_attributes?.order_id}`
  await renee.says('Les verzetten')
  const start = Date.parse('2026-11-25T09:00:00Z')
  const other = { order: 'o', start, end: start + HOUR, student: '', service: '', payment: null, conversation: '1' }
  await calendar.book(other, signal)
  t.match(await renee.says('wo 25 nov 10:00'), [/^Die tijd is helaas niet meer vrij\.\nNaar wanneer/])
  t.match(await renee.says('24 december 10:00'), [/^Zo ver vooruit/])
  const at = Date.parse('2026-11-27T14:00:00Z')
  await calendar.move?.(
    {
      order,
      from: Date.parse('2026-11-26T16:00:00Z'),
      to: { start: at, end: at + HOUR },
      margin: { before: 0, after: 0 },
    },
    signal,
  )
  t.match(await renee.says('donderdag 10:00'), [/^Je les is intussen verzet\.\nJe les: vrijdag 27 november om 15:00/])
  await renee.says('Les verzetten')
  await calendar.cancel(order, signal)
  t.match(await renee.says('donderdag 10:00'), ['Je les op vrijdag 27 november om 15:00 gaat niet door.'])
})

t.test('outside the rule: a person at once, with a note that says which lesson', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'dinsdag 10:00')
  t.match(await renee.says('kan mijn les naar vrijdag?'), [HANDOFF])
  t.match(
    renee.notes().at(-1),
    /wil een les afzeggen, verzetten.*\n"kan mijn les naar vrijdag\?"\nHet gaat om de les van dinsdag 24 november om 10:00/,
  )
})

t.test('the rule of the tutor’s settings: hours, how often', async t => {
  const tutor = await setUp(t, { tutor: { moving: { untilHours: 2, maxTimes: 1 } } })
  const renee = await booked(tutor, 'dinsdag 10:00')
  await renee.says('verzetten')
  t.match(await renee.says('dinsdag 11:00'), [/is verzet naar dinsdag 24 november om 11:00/])
  t.match(await renee.says('verzetten'), [HANDOFF], 'a second time')
  const tim = await booked(tutor, 'dinsdag 15:00', tutor.student('whatsapp', { id: 4100043, contact: 4100002 }))
  await tim.says('verzetten')
  tutor.clock.advance(27 * HOUR)
  t.match(await tim.says('woensdag 15:00'), [HANDOFF], 'the choice comes after the time is over')
})

t.test('a payment under way, a lesson that has begun: a person', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(begin(tutor.session(), tutor.clock.now()))
  t.match(await renee.says('ik wil mijn les verzetten'), [HANDOFF])
  const tim = await booked(tutor, 'dinsdag 15:00', tutor.student('whatsapp', { id: 4100043, contact: 4100002 }))
  tutor.clock.advance(28.5 * HOUR)
  t.match(await tim.says('ik wil mijn les verzetten'), [
    `Je les van dinsdag 24 november om 15:00 is al begonnen.\n${HANDOFF}`,
  ])
})

t.test('with several lessons, or one that awaits its payment: which one', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  for (const text of ['Les boeken', 'vrijdag 15:00']) await renee.says(text)
  t.match(await renee.says('ik wil verzetten'), ['Welke les bedoel je?'])
  t.strictSame(renee.choices(), ['do 26 nov 17:00', 'De onbetaalde les', 'Terug naar het menu', 'Iemand spreken'])
  t.match(await renee.chooses(1), [/^Naar wanneer wil je je les van donderdag/])
  t.match(await renee.says('woensdag 10:00'), [
    /is verzet naar woensdag 25 november om 10:00.*\n\nJe les op vrijdag 27 november om 15:00 is gereserveerd/s,
  ])
  t.match(renee.conversation.custom_attributes, { pending_intent: 'pay', lesson_start: '2026-11-27T15:00:00+01:00' })
  await renee.says('ik wil verzetten')
  t.match(await renee.chooses('De onbetaalde les'), [/^Wanneer wil je je les van 60/])
  t.equal(tutor.session(2).status, 'expired')
})

t.test('the conversation in which it was booked knows of it too', async t => {
  const tutor = await setUp(t, { tutor: { moving: { maxTimes: 9 } } })
  const renee = await booked(tutor, 'donderdag 17:00')
  const text = tutor.student('sms', { id: 4100045 })
  for (const said of ['Hoi', 'verzetten', 'vrijdag 15:00']) await text.says(said)
  t.match(text.read().at(-1), /is verzet naar vrijdag/)
  t.equal(renee.conversation.custom_attributes?.lesson_start, '2026-11-27T15:00:00+01:00')
  t.notOk(text.conversation.custom_attributes?.lesson_start)
  Object.assign(renee.conversation.custom_attributes as object, { order_id: 'another' })
  for (const said of ['ik wil hem verzetten', 'vrijdag 18:00']) await text.says(said)
  t.equal(renee.conversation.custom_attributes?.lesson_start, '2026-11-27T15:00:00+01:00', 'which is another one’s')
  tutor.chatwoot.conversations.delete(4100042)
  for (const said of ['verzetten', 'donderdag 15:00']) await text.says(said)
  t.match(text.read().at(-1), /is verzet naar donderdag/)
})

t.test('a time that was offered and is too soon now; a lesson that is cancelled while it is asked', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('verzetten')
  tutor.clock.advance(2 * HOUR)
  t.match(await renee.chooses('ma 23 nov 17:00'), [/^Die tijd is helaas niet meer vrij\.\nNaar wanneer/])
  const order = `${renee.conversation.custom_attributes?.order_id}`
  await tutor.services.calendar.cancel(order, AbortSignal.timeout(1_000))
  t.match(await renee.chooses('Niets veranderen'), ['Je les op donderdag 26 november om 17:00 gaat niet door.'])
})

t.test('moved by somebody else at the same moment: how it is now', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('verzetten')
  mock.method(tutor.app.webhooks.calendar as Required<Calendar>, 'move', async () => 'changed')
  t.match(await renee.says('vrijdag 15:00'), [/^Je les is intussen verzet\.\nJe les: donderdag/])
})

t.test('while Chatwoot does not answer about the other conversation, it is tried again', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  const text = tutor.student('sms', { id: 4100045 })
  for (const said of ['Hoi', 'verzetten']) await text.says(said)
  tutor.chatwoot.fail(/^GET .*conversations\/4100042$/, { status: 500 })
  const delivery = await text.sends('vrijdag 15:00')
  await tutor.nextAttempt(delivery, 1)
  t.match(text.read().at(-1), /is verzet naar vrijdag 27 november om 15:00/)
  t.match(await tutor.lessons(), [{ sequence: 2 }])
  t.equal(renee.conversation.custom_attributes?.lesson_start, '2026-11-27T15:00:00+01:00')
})

t.test('an older list’s time, pressed later, is asked back', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00', tutor.student('widget'))
  await renee.says('verzetten')
  await renee.says('vrijdag 15:00')
  const asked = renee.read().length
  t.match(await renee.says('move_2026-11-25T09:00:00.000Z'), [
    /^woensdag 25 november om 10:00 is vrij. Zal ik je les van vrijdag/,
  ])
  t.match(await renee.says('move_2026-11-26T00:00:00.000Z'), [/^Die tijd is helaas niet meer vrij/])
  t.match(
    await renee.says('2026-11-26T09:00:00.000Z'),
    [/^donderdag 26 november om 10:00 is vrij. Zal ik je les/],
    'of a lesson that was to be booked',
  )
  t.equal(renee.read().length, asked + 3)
  t.equal(tutor.stripe.sessions.size, 1)
  t.match(await renee.says('annuleren'), [/^Je les: vrijdag 27 november.*Wil je deze les verzetten of annuleren/s])
  t.match(await renee.says('een ander moment'), [/^Naar wanneer/])
  t.match(await renee.says('menu'), [/^Hoi!/])
})

t.test('while the time of another lesson is chosen: that choice is over', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('Les boeken')
  t.match(renee.conversation.custom_attributes, { pending_intent: 'slot' })
  t.match(await renee.says('ik wil mijn les verzetten'), [/^Naar wanneer wil je je les van donderdag/])
  t.match(renee.conversation.custom_attributes, { pending_intent: 'menu', my_lesson: /^move / })
  t.match(await renee.says('vrijdag 15:00'), [/is verzet naar vrijdag 27 november om 15:00/])
  t.equal(tutor.stripe.sessions.size, 1)
})

t.test('while it is asked to when, in words: other times, the menu, another lesson', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('verzetten')
  const first = renee.choices()
  t.match(await renee.says('heb je nog andere tijden?'), [/^Naar wanneer/])
  t.not(renee.choices()[0], first[0])
  t.match(await renee.says('ik wil een les boeken'), [/^Naar wanneer/], 'one thing after the other')
  t.match(await renee.says('ga terug naar het menu'), [/^Hoi!/])
})

t.test(
  'a time, after all lessons were cancelled in the calendar: a person, also where it was asked which one',
  async t => {
    const tutor = await setUp(t)
    const signal = AbortSignal.timeout(60_000)
    const renee = await booked(tutor, 'donderdag 17:00')
    await renee.says('mijn les')
    await tutor.services.calendar.cancel(`${renee.conversation.custom_attributes?.order_id}`, signal)
    t.match(await renee.says('liever vrijdag 15:00'), [HANDOFF])
    const tim = await booked(tutor, 'donderdag 17:00', tutor.student('whatsapp', { id: 4100043, contact: 4100002 }))
    await booked(tutor, 'vrijdag 15:00', tim)
    t.match(await tim.says('ik wil verzetten'), ['Welke les bedoel je?'])
    for (const { order } of (await tutor.lessons()) ?? []) await tutor.services.calendar.cancel(order, signal)
    t.match(await tim.says('donderdag 17:00'), [HANDOFF], 'it named a lesson, and reserves none')
    t.equal(tutor.stripe.sessions.size, 3)
  },
)
