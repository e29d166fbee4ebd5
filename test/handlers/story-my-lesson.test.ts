import t from 'tap'
import type { Calendar, Lesson } from '../../calendar/contract.ts'
import { WIDGET } from '../../sandbox/chatwoot-state.ts'
import { begin, pay } from '../../sandbox/payments.ts'
import { booked, MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'

/** Students see the lessons that they have booked; whose they are is proven, or a person is asked. */

const HANDOFF = 'Een ogenblik: iemand van ons neemt dit gesprek over.'
const DAY = 24 * 60 * MINUTE

for (const channel of ['widget', 'whatsapp', 'sms'] as const) {
  t.test(`a lesson is seen, from the menu and in words: ${channel}`, async t => {
    const tutor = await setUp(t)
    const renee = await booked(tutor, 'donderdag 17:00', tutor.student(channel))
    const shown = /^Je les: donderdag 26 november om 17:00, 60 minuten\.\nBetaald: € 60,00\./
    const [told] = await renee.says('wanneer is mijn les?')
    t.match(told, shown)
    if (channel === 'sms') {
      t.match(told, /\n\n1\. Les verzetten\n2\. Les annuleren\n3\. Terug naar het menu\n4\. Iemand spreken$/)
      t.match(await renee.says('3'), [/^Hoi!.*Mijn les/s])
    } else {
      t.strictSame(renee.choices(), ['Les verzetten', 'Les annuleren', 'Terug naar het menu', 'Iemand spreken'])
      await renee.chooses('Terug naar het menu')
    }
    t.match(await renee.says('Mijn les'), [shown])
    t.match(await renee.says('What time was it again?'), [shown])
    t.match(await renee.says('is mijn boeking doorgekomen'), [shown])
    t.equal(renee.conversation.status, 'pending')
    t.match(await tutor.lessons(), [{ contact: '4100001', conversation: '4100042' }])
  })
}

t.test('in English and in German, a trial lesson, with where it is', async t => {
  const tutor = await setUp(t, {
    tutor: {
      lessons: [
        { minutes: 60, link: 'https://meet.example.com/ann' },
        { minutes: 30, trial: true, place: 'Kerkstraat 1' },
      ],
    },
  })
  const ann = await booked(tutor, 'Thursday 5 pm', tutor.student('widget', {}, { language: 'en' }))
  t.match(await ann.says('when is my lesson?'), [
    'Your lesson: Thursday 26 November at 17:00, 60 minutes.\nPaid: €60.00.\nThe lesson is online: https://meet.example.com/ann',
  ])
  t.match(await ann.says('what is the zoom link?'), [/meet\.example\.com/])
  const lena = tutor.student('whatsapp', { id: 4100043, contact: 4100002 }, { language: 'de' })
  for (const text of ['Hallo', 'Gratis-Probestunde', 'Freitag 17:30']) await lena.says(text)
  t.match(await lena.says('Wann ist meine Stunde?'), [
    'Deine Stunde: Freitag, 27. November um 17:30 Uhr, 30 Minuten.\nDiese Stunde ist kostenlos.\nDie Stunde ist hier: Kerkstraat 1',
  ])
  t.match(await lena.says('wo ist meine Stunde?'), [/Kerkstraat 1/])
})

t.test('where it is, if nothing says so, and what only a person knows', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  t.match(await renee.says('waar is de les?'), [HANDOFF])
  t.match(
    renee.notes().at(-1),
    /naar een geboekte les:\n"waar is de les\?"\nHet gaat om de les van donderdag 26 november om 17:00 \(order 4100042-/,
  )
  const tim = await booked(tutor, 'vrijdag 17:00', tutor.student('whatsapp', { id: 4100043, contact: 4100002 }))
  t.match(await tim.says('wat moet ik meenemen?'), [HANDOFF])
})

t.test('with several lessons: which one', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await booked(tutor, 'vrijdag 15:00', renee)
  t.strictSame(await renee.says('wanneer zijn mijn lessen?'), [
    'Je les: donderdag 26 november om 17:00, 60 minuten.\nJe les: vrijdag 27 november om 15:00, 60 minuten.\nWelke les bedoel je?',
  ])
  t.strictSame(renee.choices(), ['do 26 nov 17:00', 'vr 27 nov 15:00', 'Terug naar het menu', 'Iemand spreken'])
  t.match(await renee.says('die van donderdag'), [/^Je les: donderdag 26 november om 17:00/])
  for (const text of ['laat maar', 'ik wil verzetten']) await renee.says(text)
  t.match(await renee.says('vrijdag'), [/^Naar wanneer wil je je les van vrijdag/])
  for (const text of ['laat maar', 'mijn lessen', 'woensdag']) await renee.says(text)
  t.match(renee.read().at(-1), /^Je les: donderdag.*Welke les bedoel je\?$/s, 'there is none')
  t.match(await renee.chooses(2), [/^Je les: vrijdag 27 november om 15:00/])
  t.match(await renee.says('hoe laat is mijn les van donderdag?'), [/^Je les: vrijdag/], 'the one that is shown')
  await renee.says('laat maar')
  t.match(await renee.says('hoe laat is mijn les van donderdag?'), [/^Je les: donderdag/])
})

for (const [text, answer] of [
  ['donderdag kan ik niet', /^Naar wanneer wil je je les van donderdag 26 november om 17:00 verzetten/],
  ['ik kan donderdag niet komen', /^Je les: donderdag 26 november om 17:00/],
  ['annuleer de les, donderdag kan ik niet', /^Wil je je les van donderdag 26 november om 17:00 annuleren/],
  ['kan mijn les naar vrijdag?', /^Welke les bedoel je/],
  ['woensdag kan ik niet', /^Welke les bedoel je/],
  ['donderdag en vrijdag kan ik niet', /^Welke les bedoel je/],
] as const) {
  t.test(`with several lessons: the one of the day that does not suit is meant: ${text}`, async t => {
    const tutor = await setUp(t)
    const renee = await booked(tutor, 'donderdag 17:00')
    await booked(tutor, 'vrijdag 15:00', renee)
    t.match(await renee.says(text), [answer])
  })
}

t.test('one that the tutor has made, paid in another way', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  const start = Date.parse('2026-11-26T16:00:00Z')
  const lesson = { order: 'by hand/1', start, end: start + 45 * MINUTE, student: 'Renée', service: 'Wiskunde' }
  const of = { payment: 'contant', conversation: '4100042' }
  await tutor.services.calendar.book({ ...lesson, ...of }, AbortSignal.timeout(1_000))
  t.strictSame(await renee.says('wanneer is mijn les?'), ['Je les: donderdag 26 november om 17:00, 45 minuten.'])
  t.match(await renee.says('hoi'), [/^Je les/], 'whatever is in its order')
  t.match(await renee.says('annuleren'), [/annuleren\?\nOf je dat terugkrijgt/])
  t.match(await renee.chooses(1), [/gaat niet door/])
  t.match(renee.notes().at(-1), /order by hand\/1, contant\. Please decide about the money/)
})

t.test('numbered, where the channel shows no buttons', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00', tutor.student('sms'))
  await booked(tutor, 'vrijdag 15:00', renee)
  t.match(await renee.says('mijn lessen'), [/\n1\. do 26 nov 17:00\n2\. vr 27 nov 15:00\n/])
  t.match(await renee.says('hoi'), [/Welke les bedoel je\?\n\n1\. do 26/])
  t.match(await renee.says('2'), [/^Je les: vrijdag 27 november om 15:00/])
})

t.test('a payment under way is shown as such', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  await tutor.deliver(begin(tutor.session(), tutor.clock.now()))
  t.match(await renee.says('wanneer is mijn les?'), [/^Je les: dinsdag 24 november.*\nJe betaling komt nog binnen/])
  t.strictSame(renee.choices(), ['Les annuleren', 'Terug naar het menu', 'Iemand spreken'])
  t.match(await renee.chooses('Terug naar het menu'), [/wacht op je betaling/], 'what is open comes back')
  t.equal(renee.conversation.custom_attributes?.my_lesson, null)
})

t.test('nothing booked: a person', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  t.match(await renee.says('wanneer is mijn les?'), [HANDOFF])
  for (const [index, title] of ['Mijn les', 'Les verzetten', 'Les annuleren'].entries()) {
    const one = tutor.student('whatsapp', { id: 4100050 + index, contact: 4100050 + index })
    await one.says('Hoi')
    t.match(await one.says(title), [HANDOFF], title)
  }
})

t.test('a host’s calendar that can’t tell whose lessons there are: a person', async t => {
  const lessons = new Map<string, Lesson>()
  const calendar: Calendar = {
    busy: async () => [...lessons.values()],
    hold: async () => true,
    keep: async () => 'kept',
    release: async () => {},
    book: async lesson => {
      lessons.set(lesson.order, lesson)
      return 'booked'
    },
    has: async order => lessons.has(order),
    find: async order => lessons.get(order) ?? null,
    cancel: async () => null,
  }
  const tutor = await setUp(t, { calendar: { backend: calendar } })
  const renee = await booked(tutor, 'donderdag 17:00')
  t.equal(lessons.size, 1)
  t.match(await renee.says('ik wil mijn les verzetten'), [HANDOFF])
})

t.test('a visitor who types somebody’s e-mail address is merged with them, and sees nothing of theirs', async t => {
  const tutor = await setUp(t)
  await booked(tutor, 'donderdag 17:00')
  const visitor = tutor.student('widget', { id: 4100043 })
  t.match(await visitor.says('Hoi'), [/^Hoi!/])
  t.match(await visitor.says('wanneer is mijn les?'), [HANDOFF])
  t.notMatch(visitor.notes().join(), /26 november/)
  const proven = tutor.student('widget', { id: 4100044, hmac_verified: true })
  await proven.says('Hoi')
  t.match(await proven.says('wanneer is mijn les?'), [/^Je les: donderdag 26 november/])
  const telephone = tutor.student('sms', { id: 4100045 })
  await telephone.says('Hoi')
  t.match(await telephone.says('wanneer is mijn les?'), [/^Je les: donderdag 26 november/])
  const other = tutor.student('whatsapp', { id: 4100046, contact: 4100002 })
  await other.says('Hoi')
  t.match(await other.says('wanneer is mijn les?'), [HANDOFF])
})

t.test('a lesson of another student, or one that is gone, chosen by its button', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  const order = `${renee.conversation.custom_attributes?.order_id}`
  const tim = tutor.student('widget', { id: 4100043, contact: 4100002, inbox: WIDGET })
  await tim.says('Hoi')
  t.match(await tim.says(`lesson_${order}`), ['Die les staat niet (meer) op jouw naam.'])
  t.match(await renee.says(`lesson_${order}`), [/^Je les: donderdag/])
  t.match(await renee.says('lesson_1-00000000'), ['Die les staat niet (meer) op jouw naam.'])
  tutor.clock.advance(4 * DAY)
  t.match(await renee.says(`lesson_${order}`), ['Je les van donderdag 26 november om 17:00 is al begonnen.'])
  await tutor.services.calendar.cancel(order, AbortSignal.timeout(1_000))
  t.match(await renee.says(`lesson_${order}`), ['Je les op donderdag 26 november om 17:00 gaat niet door.'])
})

t.test('from every state', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('Les boeken')
  t.match(await renee.says('welk tijdstip is er nog'), [/./], 'that is about the times that are offered')
  t.match(await renee.says('wanneer is mijn les?'), [/^Je les: donderdag/], 'while a time is chosen')
  t.equal(renee.conversation.custom_attributes?.pending_intent, 'menu')
  for (const text of ['Les boeken', 'vrijdag 15:00']) await renee.says(text)
  t.match(await renee.says('wanneer is mijn les?'), [/^Je les: donderdag/], 'while another one awaits its payment')
  t.match(await renee.says('Link opnieuw sturen'), [/vrijdag 27 november om 15:00 staat voor je klaar/])
  t.match(await renee.says('Mijn les'), [/^Je les: donderdag/])
  t.match(await renee.says('hoeveel kost het?'), [/^Onze prijzen.*Je les: donderdag/s], 'and then the question again')
  t.match(await renee.says('Prijzen'), [/^Onze prijzen.*Je les: donderdag/s], 'an older button too')
  t.match(
    await renee.says('laat maar'),
    [/^Je les op vrijdag 27 november om 15:00 is gereserveerd/],
    'nothing is let go',
  )
  await renee.says('Mijn les')
  t.match(await renee.says('Terug naar het menu'), [/^Je les op vrijdag 27 november om 15:00 is gereserveerd/])
  await tutor.deliver(pay(tutor.session(2)).completed)
  t.match(await renee.says('blub'), ['Sorry, dat begreep ik niet.'])
})

t.test('while a paid lesson needs another time', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  for (const text of ['Les boeken', 'vrijdag 15:00']) await renee.says(text)
  const session = tutor.session(2)
  Object.assign(session, { metadata: { ...session.metadata, lesson_start: 'never' } })
  await tutor.deliver(pay(session).completed)
  t.equal(renee.conversation.custom_attributes?.pending_intent, 'rebook')
  t.match(await renee.says('wanneer is mijn les?'), [/^Je les: donderdag/])
  t.equal(renee.conversation.custom_attributes?.pending_intent, 'rebook')
  t.match(await renee.says('Terug naar het menu'), [/^Wanneer wil je je les van 60/])
  t.match(await renee.says('vrijdag 15:00'), [/^Je les staat vast: vrijdag 27 november om 15:00/])
  t.equal((await tutor.lessons())?.length, 2)
})

t.test('what is not understood shows the whole lesson again', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('mijn les')
  t.match(await renee.says('blub'), [/^Sorry, dat begreep ik niet\.\nJe les: donderdag/])
  t.match(await renee.says('hoi'), [/^Je les: donderdag/])
  t.strictSame(await renee.says('bedankt'), [])
  t.match(await renee.says('ik wil een les boeken'), [/^Wanneer wil je/], 'another one')
})
