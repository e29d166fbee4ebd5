import { mock } from 'node:test'
import t from 'tap'
import type { Calendar } from '../../calendar/contract.ts'
import { begin, refunded } from '../../sandbox/payments.ts'
import { type Refund, refundPayment } from '../../sandbox/stripe-refunds.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { booked, contactOf, MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'

/** Students cancel the lessons that they have booked, by one choice that names lesson and amount; else a person does. */

type Tutor = Awaited<ReturnType<typeof setUp>>

const HANDOFF = 'Een ogenblik: iemand van ons neemt dit gesprek over.'
const HOUR = 60 * MINUTE
const AUTOMATIC: TutorSettings = { cancellation: { refund: 'automatic' } }
const ONLY = 'Dat kan alleen met de keuze hieronder. Die geldt 15 minuten.'

const refunds = ({ stripe }: Tutor) => stripe.refunds

/** Stripe's events of a refund. */
async function tellRefund(tutor: Tutor, made: Refund): Promise<void> {
  for (const event of refunded(tutor.session(), made, tutor.clock.now()).slice(1)) await tutor.deliver(event)
}

for (const channel of ['widget', 'whatsapp', 'sms'] as const) {
  t.test(`a lesson is cancelled and paid back: ${channel}`, async t => {
    const tutor = await setUp(t, { tutor: AUTOMATIC })
    const renee = await booked(tutor, 'donderdag 17:00', tutor.student(channel))
    const [asked] = await renee.says('Ik wil mijn les annuleren')
    t.match(asked, `Wil je je les van donderdag 26 november om 17:00 annuleren?\nJe krijgt € 60,00 terug.\n${ONLY}`)
    const title = channel === 'whatsapp' ? 'Annuleer do 26 nov 17:00' : 'Annuleer do 26 nov 17:00, € 60,00 terug'
    if (channel === 'sms') {
      t.match(asked, `1. ${title}\n2. Les verzetten\n3. Niets veranderen\n4. Iemand spreken`)
      await renee.says('1')
    } else {
      t.strictSame(renee.choices(), [title, 'Les verzetten', 'Niets veranderen', 'Iemand spreken'])
      t.equal((await tutor.lessons())?.length, 1)
      await renee.chooses(title)
    }
    t.equal(
      renee.read().at(-1),
      'Je les op donderdag 26 november om 17:00 gaat niet door.\nJe betaling van € 60,00 is terugbetaald.',
    )
    t.strictSame(await tutor.lessons(), [])
    t.equal(refunds(tutor).length, 1)
    t.match(refunds(tutor)[0], { amount: 6000, payment_intent: 'pi_cs_test_1' })
    t.match(
      renee.notes().at(-1),
      /^The student has cancelled a lesson: Thursday 26 November at 17:00, order 4100042-\w+, 60\.00 EUR, pi_cs_test_1\. Paid back: 60\.00 EUR\.$/,
    )
    t.match(renee.conversation, {
      status: 'pending',
      labels: [],
      custom_attributes: {
        order_id: null,
        lesson_start: null,
        payment_status: 'refunded',
        pending_intent: 'menu',
        my_lesson: null,
      },
    })
    t.equal(contactOf(tutor)?.lesson_booked, false)
    const said = renee.read().length
    await tellRefund(tutor, refunds(tutor)[0] as Refund)
    t.equal(renee.read().length, said, 'the student knows it')
    t.match(renee.conversation.custom_attributes, { payment_status: 'refunded' })
    if (channel === 'whatsapp') {
      t.match(await renee.chooses(title), ['Je les op donderdag 26 november om 17:00 gaat niet door.'], 'pressed again')
      t.equal(refunds(tutor).length, 1)
    }
  })
}

t.test('in English and in German', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const ann = await booked(tutor, 'Thursday 5 pm', tutor.student('widget', {}, { language: 'en' }))
  t.match(await ann.says('please cancel my lesson'), [
    /^Do you want to cancel your lesson of Thursday 26 November at 17:00\?\nYou will get €60\.00 back\./,
  ])
  t.match(await ann.chooses('Cancel Thu 26 Nov 17:00, €60.00 back'), [
    'Your lesson on Thursday 26 November at 17:00 is cancelled.\nYour payment of €60.00 has been refunded.',
  ])
  const lena = await booked(
    tutor,
    'Freitag 17:00',
    tutor.student('whatsapp', { id: 4100043, contact: 4100002 }, { language: 'de' }),
  )
  t.match(await lena.says('Ich muss die Stunde absagen'), [
    /^Möchtest du deine Stunde am Freitag.*absagen\?\nDu bekommst 60,00 € zurück\./,
  ])
  t.match(await lena.chooses('Absagen Fr 27.11. 17:00'), [
    /^Deine Stunde am Freitag, 27\. November um 17:00 Uhr fällt aus\.\nDeine Zahlung über 60,00 € wurde erstattet\./,
  ])
})

t.test('no sentence confirms it: the question again', async t => {
  const asksHost: unknown[] = []
  const tutor = await setUp(t, {
    tutor: AUTOMATIC,
    understand: async ({ choices }) => {
      asksHost.push(choices)
      return choices[0]?.value
    },
  })
  for (const [index, channel] of (['whatsapp', 'widget', 'sms'] as const).entries()) {
    const id = 4100100 + index
    const renee = await booked(
      tutor,
      ['woensdag 17:00', 'donderdag 17:00', 'vrijdag 17:00'][index] as string,
      tutor.student(channel, { id, contact: id }),
    )
    await renee.says('annuleren')
    const sentences = [
      'ja',
      'ja graag!',
      'ok',
      '👍',
      'prima',
      'doe maar',
      'annuleren',
      'annuleer de les',
      'ja annuleer maar',
      'yes please cancel it',
      'optie 1',
      'de eerste',
      '(1)',
      '1️⃣',
      'annuleer do 26 nov',
      'bevestig',
      'confirm',
      'confirm_1234567890ab',
      ...(channel === 'sms' ? [] : ['1']),
    ]
    for (const text of sentences) {
      // The same text three times, or thirty answers in ten minutes, go to a person.
      tutor.clock.advance(MINUTE)
      const said = await renee.says(text)
      t.match(said, [/Wil je je les van .* annuleren\?\nJe krijgt € 60,00 terug\./], `${channel}: ${text}`)
    }
  }
  t.ok(asksHost.length >= 3)
  t.equal((await tutor.lessons())?.length, 3)
  t.strictSame(refunds(tutor), [])
})

t.test('two messages at once confirm nothing', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('annuleren')
  t.match(await renee.says('nee\nAnnuleer do 26 nov 17:00'), [/Wil je je les/])
  t.equal((await tutor.lessons())?.length, 1)
})

t.test('good for 15 minutes from when it was asked, measured by when the choice was written', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('annuleren')
  tutor.clock.advance(15 * MINUTE + 1_000)
  t.match(await renee.chooses(1), [
    /^Die vraag is ouder dan 15 minuten\. Hier is hij opnieuw\.\nWil je je les van donderdag/,
  ])
  t.equal((await tutor.lessons())?.length, 1)
  tutor.clock.advance(15 * MINUTE)
  t.match(await renee.chooses(1), [/gaat niet door/])
  t.strictSame(await tutor.lessons(), [])
})

t.test('only for the lesson at that time', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const { calendar } = tutor.services
  const renee = await booked(tutor, 'donderdag 17:00')
  const order = `${renee.conversation.custom_attributes?.order_id}`
  await renee.says('annuleren')
  const start = Date.parse('2026-11-27T16:00:00Z')
  const from = Date.parse('2026-11-26T16:00:00Z')
  const margin = { before: 0, after: 0 }
  const signal = AbortSignal.timeout(60_000)
  await calendar.move?.({ order, from, to: { start, end: start + HOUR }, margin }, signal)
  t.match(await renee.chooses(1), [
    /^Je les is intussen verzet\.\nWil je je les van vrijdag 27 november om 17:00 annuleren/,
  ])
  await calendar.move?.({ order, from: start, to: { start: from, end: from + HOUR }, margin }, signal)
  await calendar.move?.({ order, from, to: { start, end: start + HOUR }, margin }, signal)
  t.match(await renee.chooses(1), [/^Wil je je les van vrijdag 27 november om 17:00 annuleren/], 'there and back again')
  t.match(await renee.chooses(1), [/gaat niet door/])
})

t.test(
  'the question of a lesson that is not the student’s, or that somebody else moves at the same moment',
  async t => {
    const tutor = await setUp(t, { tutor: AUTOMATIC })
    const renee = await booked(tutor, 'donderdag 17:00')
    const tim = await booked(tutor, 'vrijdag 17:00', tutor.student('whatsapp', { id: 4100043, contact: 4100002 }))
    for (const one of [renee, tim]) await one.says('annuleren')
    const { cancel_asked } = renee.conversation.custom_attributes as { cancel_asked: string }
    Object.assign(tim.conversation.custom_attributes as object, { cancel_asked })
    t.match(await tim.says('Annuleer do 26 nov 17:00'), ['Die les staat niet (meer) op jouw naam.'])
    const { calendar } = tutor.app.webhooks
    const { lessonOf } = calendar
    let asked = 0
    mock.method(
      calendar as Required<Calendar>,
      'lessonOf',
      async (...args: Parameters<NonNullable<typeof lessonOf>>) => {
        const lesson = await lessonOf?.apply(calendar, args)
        return ++asked === 2 && lesson ? { ...lesson, start: lesson.start + HOUR } : lesson
      },
    )
    t.match(await renee.says('Annuleer do 26 nov 17:00'), [/^Je les is intussen verzet\.\nJe les: donderdag/])
    t.equal((await tutor.lessons())?.length, 2)
    t.strictSame(refunds(tutor), [])
  },
)

t.test('what the conversation says afterwards is its next lesson', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = tutor.student()
  for (const text of ['Hoi', 'Gratis proefles', 'vrijdag 17:30']) await renee.says(text)
  await booked(tutor, 'donderdag 17:00', renee)
  await renee.says('annuleer mijn les van donderdag')
  await renee.chooses(1)
  t.match(renee.conversation.custom_attributes, { lesson_start: '2026-11-27T17:30:00+01:00', payment_status: null })
  await renee.says('menu')
  t.ok(renee.choices().includes('Mijn les'))
  const start = Date.parse('2026-11-26T16:00:00Z')
  const made = { order: 'by hand', start, end: start + HOUR, student: '', service: '', payment: 'contant' }
  await tutor.services.calendar.book({ ...made, conversation: '4100042' }, AbortSignal.timeout(1_000))
  await renee.says('ik wil mijn les van vrijdag afzeggen')
  await renee.chooses(1)
  t.match(renee.conversation.custom_attributes, {
    order_id: 'by hand',
    payment_status: 'paid',
    payment_intent_id: null,
  })
  const later = { start: start + 24 * HOUR, end: start + 25 * HOUR }
  const open = { ...made, ...later, order: 'open', payment: 'unpaid', conversation: '4100042' }
  await tutor.services.calendar.book(open, AbortSignal.timeout(1_000))
  await renee.says('ik wil mijn les van donderdag afzeggen')
  await renee.chooses(1)
  t.match(renee.conversation.custom_attributes, { order_id: 'open', payment_status: 'open' })
})

t.test('an older question’s choice, after another lesson was asked about, or the menu', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = await booked(tutor, 'donderdag 17:00')
  await booked(tutor, 'vrijdag 15:00', renee)
  t.match(await renee.says('ik wil annuleren'), ['Welke les bedoel je?'])
  t.match(await renee.chooses(1), [/^Wil je je les van donderdag/])
  t.match(await renee.says('Terug naar het menu'), [/^Hoi!/])
  t.match(await renee.says('annuleer mijn les van vrijdag'), [/^Wil je je les van vrijdag/], 'named by its day')
  t.match(await renee.says('Annuleer do 26 nov 17:00'), [/^Wil je je les van vrijdag/], 'WhatsApp’s older button')
  await renee.says('menu')
  t.match(await renee.says('Annuleer do 26 nov 17:00'), [/^Wil je je les van donderdag/])
  await renee.says('menu')
  t.match(await renee.says('Annuleer do 26 nov 17:00'), [/^Je les op donderdag .* gaat niet door/], 'still good')
  t.match(await tutor.lessons(), [{ start: Date.parse('2026-11-27T14:00:00Z') }])
  t.match(renee.conversation.custom_attributes, { lesson_start: '2026-11-27T15:00:00+01:00', payment_status: 'paid' })
  t.ok(renee.conversation.labels.includes('status:booked'), 'the other lesson is')
})

t.test('refund `ask`, the default: the lesson is cancelled, and a person decides about the money', async t => {
  const tutor = await setUp(t)
  const renee = await booked(tutor, 'donderdag 17:00')
  t.match(await renee.says('annuleren'), [
    `Wil je je les van donderdag 26 november om 17:00 annuleren?\nBetaald: € 60,00.\nOf je dat terugkrijgt, beslist iemand van ons. Dat hoor je hier.\n${ONLY}`,
  ])
  t.match(await renee.chooses('Annuleer do 26 nov 17:00'), [
    'Je les op donderdag 26 november om 17:00 gaat niet door.\nOf je dat terugkrijgt, beslist iemand van ons. Dat hoor je hier.',
  ])
  t.strictSame(await tutor.lessons(), [])
  t.strictSame(refunds(tutor), [])
  t.match(
    renee.notes().at(-1),
    /^The student has cancelled a lesson: .*60\.00 EUR, pi_cs_test_1\. Please decide about the money\. .*\n"Annuleer do 26 nov 17:00"/s,
  )
  t.match(renee.conversation, { status: 'open', assignee: 7 })
  t.ok(renee.conversation.labels.includes('intent:handoff'))
  t.match(renee.conversation.custom_attributes, { lesson_start: null, payment_status: 'paid' })
  await tellRefund(tutor, refundPayment(tutor.stripe, tutor.session(), 6000))
  t.match(renee.read().at(-1), /^Je betaling van € 60,00 is terugbetaald/)
  t.equal(renee.conversation.custom_attributes?.payment_status, 'refunded')
})

t.test('refund `none`: the question says so', async t => {
  const tutor = await setUp(t, { tutor: { cancellation: { refund: 'none', untilHours: 2 } } })
  const renee = await booked(tutor, 'dinsdag 10:00')
  t.match(await renee.says('annuleren'), [/Betaald: € 60,00\.\nJe krijgt hiervoor geen geld terug\./])
  t.match(await renee.chooses(1), [
    'Je les op dinsdag 24 november om 10:00 gaat niet door.\nJe krijgt hiervoor geen geld terug.',
  ])
  t.strictSame(refunds(tutor), [])
  t.equal(renee.conversation.status, 'pending')
})

t.test('more refunds than the tutor allows for a day: a person, told before and after', async t => {
  const tutor = await setUp(t, { tutor: { cancellation: { refund: 'automatic', maxRefundsPerDay: 1 } } })
  const renee = await booked(tutor, 'donderdag 17:00')
  const tim = await booked(tutor, 'vrijdag 17:00', tutor.student('whatsapp', { id: 4100043, contact: 4100002 }))
  await tim.says('annuleren')
  for (const text of ['annuleren', 'Annuleer do 26 nov 17:00']) await renee.says(text)
  t.match(renee.read().at(-1), /terugbetaald/)
  t.match(
    await tim.says('Annuleer vr 27 nov 17:00'),
    [/Of je dat terugkrijgt, beslist iemand/],
    'what was told has changed: again',
  )
  t.match(await tim.says('Annuleer vr 27 nov 17:00'), [/^Je les op vrijdag .* gaat niet door\.\nOf je dat terugkrijgt/])
  t.equal(tim.conversation.status, 'open')
  t.equal(refunds(tutor).length, 1)
})

t.test('a trial lesson, without money; then another one can be had', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Gratis proefles', 'vrijdag 17:30']) await renee.says(text)
  t.match(await renee.says('ik kan toch niet komen'), [
    /^Je les: vrijdag.*Deze les is gratis\.\nWil je deze les verzetten of annuleren\?/s,
  ])
  t.match(await renee.chooses('Les annuleren'), [/annuleren\?\nDeze les is gratis\.\n/])
  t.match(await renee.chooses(1), ['Je les op vrijdag 27 november om 17:30 gaat niet door.'])
  t.strictSame(await tutor.lessons(), [])
  t.equal(renee.conversation.status, 'pending')
  t.strictSame(renee.conversation.labels, [])
  t.strictSame(await renee.says('ok'), [])
  await renee.says('menu')
  t.ok(renee.choices().includes('Gratis proefles'))
  t.notOk(renee.choices().includes('Mijn les'))
})

for (const [intent_status, becomes] of [
  ['requires_capture', 'Je betaling is tegengehouden: er wordt niets afgeschreven.'],
  ['processing', 'Je betaling van € 60,00 krijg je terug zodra die binnen is.'],
] as const) {
  t.test(`a payment under way is stopped, or paid back when it arrives: ${intent_status}`, async t => {
    const tutor = await setUp(t, { tutor: { cancellation: { refund: 'automatic', untilHours: 12 } } })
    const renee = await reserved(tutor)
    await tutor.deliver(begin(tutor.session(), tutor.clock.now()))
    Object.assign(tutor.session(), { intent_status })
    t.match(await renee.says('annuleren'), [
      /^Wil je je les van dinsdag.*\nJe betaling van € 60,00 komt nog binnen: die houden we tegen/s,
    ])
    t.match(renee.read().at(-1), /\n1\. Annuleer di 24 nov 10:00\n2\. Niets veranderen\n/)
    t.match(await renee.says('1'), [`Je les op dinsdag 24 november om 10:00 gaat niet door.\n${becomes}`])
    t.match(renee.notes().at(-1), /Its payment (has been stopped|is paid back when it arrives)\.$/)
    t.match(renee.conversation.custom_attributes, { pending_intent: 'menu', order_id: null, checkout_session: null })
    t.strictSame(renee.conversation.labels, [])
    t.strictSame(await tutor.lessons(), [])
  })
}

t.test(
  'outside the rule, or begun: a person decides; ill, money back and complaints are a person’s at once',
  async t => {
    const tutor = await setUp(t, { tutor: AUTOMATIC })
    const renee = await booked(tutor, 'dinsdag 10:00')
    t.match(await renee.says('annuleren'), [HANDOFF])
    t.match(
      renee.notes().at(-1),
      /wil een les afzeggen.*"annuleren"\nHet gaat om de les van dinsdag 24 november om 10:00/s,
    )
    const cases = [
      ['ik ben ziek', 'woensdag 11:00'],
      ['ik wil mijn geld terug', 'woensdag 14:00'],
      ['ik heb een klacht', 'donderdag 11:00'],
      ['ik wil een echt persoon', 'donderdag 14:00'],
      ['ik wil de lessen opzeggen', 'vrijdag 11:00'],
      ['ik kom 10 minuten later', 'vrijdag 14:00'],
    ] as const
    for (const [index, [text, time]] of cases.entries()) {
      const id = 4100200 + index
      const one = await booked(tutor, time, tutor.student('whatsapp', { id, contact: id }))
      t.match(await one.says(text), [HANDOFF], text)
    }
    const late = await booked(tutor, 'donderdag 18:00', tutor.student('whatsapp', { id: 4100300, contact: 4100300 }))
    await late.says('annuleren')
    tutor.clock.advance(56 * HOUR)
    t.match(await late.says('Annuleer do 26 nov 18:00'), [HANDOFF], 'the question was asked in time')
    t.equal(refunds(tutor).length, 0)
  },
)

t.test('while it is asked: another wish, no, the prices, something else', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = await booked(tutor, 'donderdag 17:00')
  await renee.says('annuleren')
  t.match(await renee.says('wat kost een les?'), [/^Onze prijzen.*Wil je je les van donderdag/s])
  t.match(await renee.says('ik wil een les boeken'), [/^Wil je je les van donderdag/], 'one thing after the other')
  t.match(await renee.says('ga terug naar het menu'), [/^Hoi!/])
  await renee.says('annuleren')
  t.match(await renee.says('nee'), ['Goed, je les blijft zoals hij is: donderdag 26 november om 17:00.'])
  t.match(await renee.says('Annuleer do 26 nov 17:00'), [/^Wil je je les van/], 'which has ended the question')
  t.match(await renee.says('laat maar'), [/^Goed, je les blijft/])
  await renee.says('afzeggen')
  t.match(await renee.says('liever vrijdag 15:00'), [/Zal ik je les van donderdag .* daarnaartoe verzetten/])
  t.match(await renee.says('menu'), [/^Hoi!/])
  await renee.says('les annuleren graag')
  t.match(await renee.chooses('Niets veranderen'), [/^Goed, je les blijft/])
  await renee.says('ik wil annuleren')
  t.match(await renee.says('ik wil hem verzetten'), [/^Naar wanneer/])
  t.match(await renee.says('blub'), [/^Sorry, dat begreep ik niet\.\nNaar wanneer/])
  await renee.says('de les afzeggen aub')
  t.match(await renee.says('iemand spreken'), [HANDOFF])
  t.equal(renee.conversation.custom_attributes?.my_lesson, null)
  t.equal((await tutor.lessons())?.length, 1)
})

t.test('while another lesson awaits its payment: which one', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = await booked(tutor, 'donderdag 17:00')
  for (const text of ['Les boeken', 'vrijdag 15:00']) await renee.says(text)
  t.match(await renee.says('annuleren'), ['Welke les bedoel je?'])
  t.strictSame(renee.choices(), ['do 26 nov 17:00', 'De onbetaalde les', 'Terug naar het menu', 'Iemand spreken'])
  await renee.chooses(1)
  t.match(await renee.chooses(1), [
    /^Je les op donderdag .* gaat niet door.*\n\nJe les op vrijdag 27 november om 15:00 is gereserveerd/s,
  ])
  t.match(renee.conversation.custom_attributes, { pending_intent: 'pay', lesson_start: '2026-11-27T15:00:00+01:00' })
  t.match(await renee.says('annuleren'), [/^Hoi!/], 'as before where nothing is booked')
  t.strictSame(await tutor.busy(), [])
  await booked(tutor, 'donderdag 17:00', renee)
  for (const text of ['Les boeken', 'vrijdag 15:00', 'ik wil afzeggen']) await renee.says(text)
  t.match(await renee.chooses('De onbetaalde les'), [/^Hoi!/])
  t.equal((await tutor.busy()).length, 1)
})

t.test('the conversation in which it was booked knows of it too', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = await booked(tutor, 'donderdag 17:00')
  const text = tutor.student('sms', { id: 4100045 })
  for (const said of ['Hoi', 'annuleren', '1']) await text.says(said)
  t.match(text.read().at(-1), /gaat niet door/)
  t.match(renee.conversation, {
    labels: [],
    custom_attributes: { lesson_start: null, order_id: null, payment_status: 'refunded' },
  })
})

t.test('another question, or a person, between: its numbers confirm nothing', async t => {
  const tutor = await setUp(t, { tutor: AUTOMATIC })
  const renee = await booked(tutor, 'donderdag 17:00', tutor.student('sms'))
  await renee.says('annuleren')
  await renee.says('prijzen')
  t.match(await renee.says('3'), [/^Goed, je les blijft/])
  t.match(await renee.says('1'), [/./])
  t.equal((await tutor.lessons())?.length, 1)
})
