import t, { type Test } from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { goOn } from '../helpers/later.ts'
import { booked, refundEvent, setUp } from '../helpers/lesson-story.ts'

/** Students have a lesson each week at one time: asked for once, made week by week. */

/** In Amsterdam. */
const at = (local: string) => Date.parse(`${local}+01:00`)
const ASKED =
  'Elke dinsdag om 17:00, 60 minuten, de eerste keer dinsdag 24 november om 17:00. Zal ik dat elke week voor je vastleggen? Stoppen kan altijd.'
const PAID = 'Elke les betaal je apart: de betaallink krijg je hier, een paar dagen van tevoren.'
const SAID = 'Je vaste les staat: elke dinsdag om 17:00, de eerste keer dinsdag 24 november om 17:00. Tot dan!'

type Options = Parameters<typeof setUp>[1]

async function greeted(t: Test, options: Options = {}) {
  const tutor = await setUp(t, { ...options, tutor: { reminders: { hours: [] }, ...options?.tutor } })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  return {
    ...tutor,
    renee,
    starts: async () => (await tutor.lessons())?.map(({ start }) => new Date(start).toISOString().slice(0, 16)),
    /** Time goes on. Returns what the student has been told meanwhile, but about payments. */
    async goOn(until: string) {
      const before = renee.read().length
      await goOn(tutor, at(until))
      return renee
        .read()
        .slice(before)
        .filter(text => !text.includes('betaald'))
    },
  }
}

t.test('every Tuesday at five: asked back, booked for weeks, and further ones each week', async t => {
  const tutor = await greeted(t)
  const { renee, starts } = tutor
  t.strictSame(await renee.says('elke week dinsdag 17:00'), [ASKED])
  t.strictSame(renee.choices().slice(0, 3), ['di 24 nov 17:00', 'Elke week', 'Andere tijden'])
  t.strictSame(await starts(), [], 'nothing is booked before it is sure')
  t.strictSame(await renee.says('ja graag'), [`${SAID}\n${PAID}`])
  const first = ['2026-11-24T16:00', '2026-12-01T16:00', '2026-12-08T16:00', '2026-12-15T16:00']
  t.strictSame(await starts(), first)
  const [lesson] = (await tutor.lessons()) ?? []
  t.match(lesson, { payment: 'unpaid', student: 'Renée', contact: '4100001', order: /^4100042-\w{8}-20261124$/ })
  t.match(renee.conversation, {
    labels: ['status:booked'],
    custom_attributes: {
      order_id: lesson?.order,
      lesson_start: '2026-11-24T17:00:00+01:00',
      payment_status: 'open',
      pending_intent: 'menu',
      offered_slots: null,
    },
  })
  t.equal(
    renee.notes().at(-1),
    `Weekly lesson booked: Tuesday 24 November at 17:00, and every week from then on at that time, order ${lesson?.order.slice(0, 16)}. 4 of them are in the calendar.`,
  )
  await renee.says('wanneer is mijn les?')
  t.match(renee.read().at(-1), /^Je les: dinsdag 24 november om 17:00, 60 minuten/)
  t.strictSame(await tutor.goOn('2026-11-30T10:59'), [])
  t.strictSame(await starts(), first)
  await tutor.goOn('2026-11-30T11:00')
  t.strictSame(await starts(), [...first, '2026-12-22T16:00'])
  await tutor.goOn('2026-12-14T11:00')
  t.strictSame(await starts(), [...first, '2026-12-22T16:00', '2026-12-29T16:00', '2027-01-05T16:00'])
})

t.test('who has a package pays with it, and is told so', async t => {
  const { app, renee } = await greeted(t)
  const bought = { id: '4100042-pack', conversation: '4100042', student: 'Renée', payment: '100.00 EUR, pi_9' }
  const sums = { lessonMinutes: 60, minutes: 60, amount: 10_000, currency: 'eur', boughtAt: 0 }
  await app.webhooks.calendar.packages?.buy({ ...bought, ...sums }, 'stripe')
  await renee.says('elke week dinsdag 17:00')
  t.match(await renee.says('ja'), [/\nDe lessen gaan van je lespakket af; zonder pakket krijg je hier een betaallink/])
  await renee.says('wanneer is mijn les?')
  await renee.chooses('di 1 dec 17:00')
  t.match(renee.read().at(-1), /\nDeze les is nog niet betaald\./)
})

t.test('one is cancelled without the others: nothing is owed, and the next one is the lesson', async t => {
  const tutor = await greeted(t)
  const { renee, starts } = tutor
  await renee.says('elke week dinsdag 17:00')
  await renee.says('ja')
  await renee.says('ik wil mijn les annuleren')
  await renee.chooses('di 1 dec 17:00')
  t.equal(
    renee.read().at(-1),
    'Wil je je les van dinsdag 1 december om 17:00 annuleren?\nDeze les is nog niet betaald.\nDat kan alleen met de keuze hieronder. Die geldt 15 minuten.',
  )
  t.strictSame(await renee.chooses(1), ['Je les op dinsdag 1 december om 17:00 gaat niet door.'])
  t.strictSame(await starts(), ['2026-11-24T16:00', '2026-12-08T16:00', '2026-12-15T16:00'])
  t.match(renee.conversation.custom_attributes, { lesson_start: '2026-11-24T17:00:00+01:00', payment_status: 'open' })
  await tutor.goOn('2026-12-01T12:00')
  t.notOk((await starts())?.includes('2026-12-01T16:00'), 'it is not booked again')
})

t.test(
  'one is paid by its link and refunded at Stripe: it is cancelled, the others and the weekly time stay',
  async t => {
    const tutor = await greeted(t)
    const { renee, starts } = tutor
    await renee.says('elke week dinsdag 17:00')
    await renee.says('ja graag')
    await tutor.goOn('2026-11-23T12:00')
    await tutor.deliver(pay(tutor.session()).completed)
    const paymentIntent = `${tutor.session().payment_intent}`
    await tutor.deliver(refundEvent('evt_part', { paymentIntent, refunded: 3_000 }))
    t.equal((await starts())?.length, 4, 'in part: it stays')
    await tutor.deliver(refundEvent('evt_all', { paymentIntent }))
    t.equal(
      renee.read().at(-1),
      'Je betaling van € 60,00 is terugbetaald.\nJe les op dinsdag 24 november om 17:00 gaat niet door.',
    )
    t.strictSame(renee.conversation.labels, ['status:booked'])
    await tutor.goOn('2026-11-30T11:00')
    t.strictSame(await starts(), ['2026-12-01T16:00', '2026-12-08T16:00', '2026-12-15T16:00', '2026-12-22T16:00'])
  },
)

t.test('who has that time each week already is shown the next lesson of it, and another pupil’s is taken', async t => {
  const { renee } = await greeted(t, { tutor: { payment: { linkHours: [] } } })
  await renee.says('elke week dinsdag 17:00')
  await renee.says('ja')
  t.match(await renee.says('elke dinsdag om 17 uur'), [/^Je les: dinsdag 24 november om 17:00, 60 minuten\./])
  await renee.says('menu')
  await renee.says('voor Emma')
  t.match(await renee.says('iedere dinsdag 17:00'), [/^Dat moment is helaas niet elke week vrij/])
})

t.test('a pupil who has another name has it in each lesson, those that are made later too', async t => {
  const tutor = await greeted(t, { tutor: { payment: { linkHours: [] } } })
  const { renee } = tutor
  await renee.says('het is voor mijn zoon Tim')
  await renee.says('elke week dinsdag 17:00')
  await renee.says('ja')
  t.match(await renee.says('Tim heet eigenlijk Tom'), [/^Goed, voortaan schrijf ik Tom\.\n\nHoi!/])
  await tutor.goOn('2026-11-30T11:00')
  const students = (await tutor.lessons())?.map(({ student }) => student)
  t.strictSame(students, Array(5).fill('Tom'))
  t.match(
    renee.notes().join('\n'),
    /Lessons to come that are booked have the new name, and those of a weekly time too\./,
  )
})

t.test('the menu has “Mijn les” as long as there are lessons, whichever the conversation names', async t => {
  const tutor = await greeted(t, { tutor: { payment: { linkHours: [] } } })
  const { renee } = tutor
  await renee.says('elke week dinsdag 17:00')
  await renee.says('ja')
  await tutor.goOn('2026-11-25T12:00')
  await renee.says('menu')
  t.ok(renee.choices().includes('Mijn les'), 'the first one has been')
  t.match(await renee.chooses('Mijn les'), [/^Je les: dinsdag 1 december .*\nWelke les bedoel je\?$/s])
  await renee.says('laat maar')
  t.match(await renee.says('liever vrijdag 15:00'), [/Welke les bedoel je\?$/], 'a lesson is to be moved')
  await renee.says('laat maar')
  await renee.says('nog een les vrijdag 10:00')
  await renee.says('ja')
  await renee.says('toch niet')
  t.ok(renee.choices().includes('Mijn les'), 'another one was let go')
  await renee.says('nog een les vrijdag 27 november 10:00')
  t.match(
    await renee.says('ja graag'),
    [/^Je les op vrijdag 27 november om 10:00 staat voor je klaar/],
    'not as booked',
  )
})

t.test('who has a single unpaid lesson and cancels it has none', async t => {
  const tutor = await greeted(t, { tutor: { weekly: { weeksAhead: 1 } } })
  const { renee } = tutor
  const { calendar } = tutor.app.webhooks
  const start = at('2026-11-27T10:00')
  const lesson = { order: '4100042-one', start, end: start + 3_600_000, student: 'R', service: 'S', payment: 'unpaid' }
  await calendar.book({ ...lesson, conversation: '4100042' }, AbortSignal.timeout(1_000))
  await renee.says('ik wil mijn les annuleren')
  await renee.chooses(1)
  t.match(renee.conversation.custom_attributes, { payment_status: null })
})

t.test('for a pupil: every lesson has the pupil’s name, and the payment too, whoever is booked for since', async t => {
  const tutor = await greeted(t)
  const { renee } = tutor
  await renee.says('Ik zoek bijles voor Emma en Bob')
  await renee.says('elke dinsdag 17:00 voor Emma')
  await renee.says('ja')
  t.match(await tutor.lessons(), Array(4).fill({ student: 'Emma' }))
  await renee.says('les voor Bob op woensdag 16:00')
  await tutor.goOn('2026-11-30T11:00')
  t.equal((await tutor.lessons())?.filter(({ student }) => student === 'Emma').length, 5)
  const sessions = [...tutor.stripe.sessions.values()].filter(({ metadata }) =>
    metadata?.order_id?.endsWith('-20261201'),
  )
  t.match(sessions, [{ metadata: { student_name: 'Emma', payer_name: 'Renée' } }])
})

t.test('the choices: every week, only once, another time', async t => {
  const tutor = await greeted(t)
  const { renee, starts } = tutor
  await renee.says('elke week dinsdag 17:00')
  await renee.says('Andere tijden')
  t.notOk(renee.choices().includes('Elke week'))
  t.match(await renee.says('ja'), [/^Wanneer wil je je les/], 'yes to nothing')
  await renee.says('toch elke dinsdag 17:00')
  await renee.chooses('Elke week')
  t.equal((await starts())?.length, 4)
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  for (const text of ['Hallo', 'iedere woensdag om 16 uur']) await tim.says(text)
  await tim.chooses('wo 25 nov 16:00')
  t.match(tim.read().at(-1), /^Je les op woensdag 25 november om 16:00 staat voor je klaar. Betaal/)
  t.equal((await starts())?.length, 4, 'reserved once, like any other')
})

t.test('in English and in German', async t => {
  const tutor = await setUp(t)
  const ann = tutor.student('widget', {}, { language: 'en' })
  for (const text of ['Hello', 'every Thursday at 5 pm']) await ann.says(text)
  t.match(ann.read().at(-1), /^Every Thursday at 17:00, 60 minutes, the first time on Thursday 26 November at 17:00\./)
  t.match(await ann.says('yes please'), [/^Your weekly lesson is booked: every Thursday at 17:00, the first one on/])
  const lena = tutor.student('whatsapp', { id: 4100043, contact: 4100002 }, { language: 'de' })
  for (const text of ['Hallo', 'jeden Freitag um 16 Uhr']) await lena.says(text)
  t.match(
    lena.read().at(-1),
    /^Jeden Freitag um 16:00 Uhr, 60 Minuten, das erste Mal Freitag, 27. November um 16:00 Uhr\./,
  )
  t.match(await lena.says('ja, jede Woche'), [/^Deine feste Stunde steht: jeden Freitag um 16:00 Uhr/])
})

t.test('a day without an hour: how to ask; a day without lessons: what there is', async t => {
  const { renee, starts } = await greeted(t)
  t.match(await renee.says('iedere donderdag'), [
    /^Voor een vast moment elke week: schrijf de dag en de tijd, zoals “elke dinsdag 17:00”\.\n/,
  ])
  t.match(await renee.says('elke zaterdag 11:00'), [
    /^Voor een vast moment elke week: .*\nDan zijn er geen lessen, wel van maandag tot en met vrijdag/,
  ])
  t.strictSame(await starts(), [])
})

t.test('two students can’t have the same one, not even where a lesson of it is free', async t => {
  const tutor = await greeted(t)
  const { renee, starts } = tutor
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  for (const text of ['Hallo', 'elke dinsdag 17:00']) await tim.says(text)
  await renee.says('elke dinsdag 17:00')
  await renee.says('ja')
  t.match(await tim.says('ja'), [/^Dat moment is helaas niet elke week vrij\. Een losse les kan wel\.\n/])
  t.equal((await starts())?.length, 4)
  t.match(
    await tim.says('elke dinsdag 17:00'),
    [/^Dat moment is helaas niet elke week vrij/],
    'and now it is known before',
  )
  await renee.says('Ik wil mijn les verzetten')
  await renee.chooses('di 1 dec 17:00')
  await renee.says('donderdag 3 december 10:00')
  t.match(renee.read().at(-1), /is verzet naar donderdag 3 december om 10:00/, 'one is moved without the others')
  t.match(await tim.says('wekelijks dinsdag 5 uur'), [/de eerste keer dinsdag 1 december om 17:00/])
  t.match(await tim.says('ja graag'), [/^Dat moment is helaas niet elke week vrij/])
  await tim.says('dinsdag 1 december 17:00')
  t.match(tim.read().at(-1), /^Je les op dinsdag 1 december om 17:00 staat voor je klaar/)
})

t.test('days on which it can’t be: taken, closed; both are told, then and later', async t => {
  const tutor = await greeted(t, { tutor: { closed: ['2026-12-08', '2026-12-22/2026-12-29'] } })
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  await booked(tutor, 'dinsdag 1 december 17:00', tim)
  const { renee, starts } = tutor
  await renee.says('elke dinsdag 17:00')
  t.strictSame(await renee.says('ja'), [
    `${SAID}\nOp deze dagen kan je vaste les niet doorgaan: dinsdag 1 december, dinsdag 8 december.\n${PAID}`,
  ])
  t.match(
    renee.notes().at(-1),
    'Weekly lessons that are left out: Tuesday 1 December at 17:00 (its time is taken); Tuesday 8 December at 17:00 (it is closed then)',
  )
  t.strictSame(await tutor.goOn('2026-12-01T12:00'), [
    'Op deze dagen kan je vaste les niet doorgaan: dinsdag 22 december.',
  ])
  t.match(renee.notes().at(-1), 'Tuesday 22 December at 17:00 (it is closed then)')
  t.strictSame(await starts(), ['2026-11-24T16:00', '2026-12-01T16:00', '2026-12-15T16:00'])
})

t.test('the first week is taken: from the next on; none is free: a single lesson', async t => {
  const tutor = await greeted(t)
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  await booked(tutor, 'dinsdag 24 november 17:00', tim)
  const { renee } = tutor
  t.match(await renee.says('elke dinsdag 17:00'), [/de eerste keer dinsdag 1 december om 17:00/])
  await booked(tutor, 'dinsdag 1 december 17:00', tim)
  t.match(await renee.says('ja'), [/de eerste keer dinsdag 8 december om 17:00/], 'further than single lessons')
  t.match(await tutor.lessons(), [{}, {}, { order: /-20261208$/ }, { order: /-20261215$/ }])
})

t.test('who has a lesson can ask for a weekly one, and who awaits a payment lets that go', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  t.match(await renee.says('elke dinsdag 17:00'), [ASKED])
  const tim = tutor.student('whatsapp', { id: 4100043, contact: 4100002 })
  for (const text of ['Hallo', 'Les boeken', 'woensdag 10:00', 'elke vrijdag 10:00']) await tim.says(text)
  t.match(tim.read().at(-1), /wacht op je betaling/, 'not by itself')
  t.equal(tutor.stripe.sessions.size, 2)
})

t.test('another rhythm is never every week: single lessons, and a person beside them', async t => {
  const OTHER = /^Zo’n ritme kan ik niet zelf boeken, een losse les wel\. .*“Iemand spreken”\.\n/
  const { renee, starts } = await greeted(t)
  for (const text of ['om de week dinsdag 17:00', 'elke twee weken dinsdag 17:00', 'every other Tuesday 17:00']) {
    t.match(await renee.says(text), [OTHER], text)
    t.strictSame(renee.choices()[0], 'di 24 nov 17:00')
    t.notOk(renee.choices().includes('Elke week'))
  }
  await renee.says('elke dinsdag 17:00')
  t.match(await renee.says('om de week'), [OTHER], 'after it was asked')
  t.match(await renee.says('ja'), [/^Wanneer wil je je les/], 'yes to nothing')
  t.strictSame(await starts(), [])
  t.match(await renee.says('wat kost het per maand?'), [/€/])
})

const PERSON = /^Ik kan één les tegelijk boeken\. Voor een vast moment elke week: kies daarna “Iemand spreken”\./

t.test('turned off: a person, as before', async t => {
  const { renee } = await greeted(t, { tutor: { weekly: { offered: false } } })
  t.match(await renee.says('elke dinsdag 17:00'), [PERSON])
})

t.test('turned off while it was asked: other times', async t => {
  const tutor = await greeted(t)
  const { renee, starts } = tutor
  await renee.says('elke dinsdag 17:00')
  const { weekly } = tutor.app.webhooks.calendar
  delete tutor.app.webhooks.calendar.weekly
  t.match(await renee.says('ja'), [/^Wanneer wil je je les/])
  tutor.app.webhooks.calendar.weekly = weekly
  t.strictSame(await starts(), [])
})

t.test('for a trial lesson: a person', async t => {
  const { renee } = await greeted(t)
  await renee.says('proefles')
  t.match(await renee.says('elke dinsdag 17:00'), [PERSON])
})
