import { mock } from 'node:test'
import t, { type Test } from 'tap'
import type { Calendar } from '../../calendar/contract.ts'
import { stripeEvent } from '../../commands/samples.ts'
import { begin, dispute, pay, settle } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import { goOn } from '../helpers/later.ts'
import { contactOf, refundEvent, setUp } from '../helpers/lesson-story.ts'
import type { TutorOptions } from '../helpers/tutor.ts'

/** Students buy several lessons at once, use them, and ask how many are left. */

const TEN: TutorSettings = {
  lessons: [
    { minutes: 60, packages: [{ lessons: 10, prices: { all: 'price_ten' } }] },
    { minutes: 90 },
    { minutes: 30, trial: true },
  ],
}

async function withPackages(test: Test, settings = TEN, more: TutorOptions = {}) {
  const tutor = await setUp(test, { tutor: settings, ...more })
  tutor.stripe.addPrice('price_ten', 50_000)
  tutor.stripe.addPrice('price_five', 27_500)
  return tutor
}
type World = Awaited<ReturnType<typeof withPackages>>

const last = (tutor: World) => [...tutor.stripe.sessions.values()].at(-1) as Session
const ledger = ({ app }: World) => app.webhooks.calendar.packages as NonNullable<typeof app.webhooks.calendar.packages>

async function bought(tutor: World, one = tutor.student('widget')) {
  if (one.read().length === 0) await one.says('Hallo')
  await one.says('lespakket')
  await tutor.deliver(pay(last(tutor)).completed)
  return one
}

for (const [language, words, link, left] of [
  [
    'nl',
    ['pakket', '10 lessen', 'strippenkaart'],
    /^Een pakket van 10 lessen van 60 minuten kost € 500,00\. .*dinsdag 24 november om 10:00/,
    'Je hebt nog 10 lessen van 60 minuten over.',
  ],
  [
    'en',
    ['lesson package', 'I would like ten lessons', 'a punch card'],
    /^A package of 10 lessons of 60 minutes costs €500\.00\. /,
    'You have 10 lessons of 60 minutes left.',
  ],
  [
    'de',
    ['10er-Karte', 'ein Paket bitte', 'zehn Stunden'],
    /^Ein Paket mit 10 Stunden zu 60 Minuten kostet 500,00 €\. /,
    'Du hast noch 10 Stunden zu 60 Minuten übrig.',
  ],
] as const) {
  t.test(`a package is asked for, paid, and told: ${language}`, async t => {
    const tutor = await withPackages(t)
    const renee = tutor.student('widget', {}, { language })
    await renee.says('menu')
    for (const text of words) {
      const [said, ...more] = await renee.says(text)
      t.match(said, link, text)
      t.same(more, [])
    }
    t.equal(tutor.stripe.sessions.size, 3)
    t.same(
      [...tutor.stripe.sessions.values()].map(({ status }) => status),
      ['expired', 'expired', 'open'],
      'one link at a time',
    )
    t.match(last(tutor).metadata, { package_lessons: '10', minutes: '60', order_id: /^4100042-\w+$/ })
    t.match(renee.conversation.custom_attributes, { pending_intent: 'menu', package_session: last(tutor).id })
    const before = renee.read().length
    const { completed } = pay(last(tutor))
    await tutor.deliver(completed)
    t.match(renee.read().slice(before), [new RegExp(`\n${left}$`)])
    t.match(await ledger(tutor).list(10), [
      {
        minutes: 600,
        left: 600,
        lessonMinutes: 60,
        payment: '500.00 EUR, pi_cs_test_3',
        amount: 50_000,
        currency: 'EUR',
      },
    ])
    t.match(renee.notes().at(-1), /^Package bought: 10 lessons of 60 minutes, 500\.00 EUR, order 4100042-\w+\.$/)
    t.equal(contactOf(tutor)?.has_paid_lesson, true)
    t.same(await tutor.lessons(), [])
    // Reported again, by another event.
    await tutor.deliver({ ...completed, id: 'evt_again' })
    t.equal(renee.read().length, before + 1)
    t.equal((await ledger(tutor).list(10)).length, 1)
  })
}

t.test('a time that is chosen is booked from the package at once, and it is said what is left', async t => {
  const tutor = await withPackages(t)
  const renee = await bought(tutor)
  t.same(renee.choices().slice(0, 3), ['Les boeken', '10 lessen (60 min)', 'Prijzen'])
  await renee.chooses('Les boeken')
  t.ok(renee.choices().includes('10 lessen (60 min)'), 'beside the times')
  t.strictSame(await renee.says('donderdag 17:00'), [
    'Je les staat vast: donderdag 26 november om 17:00. Tot dan!\nHij is betaald uit je lespakket.\nJe hebt nog 9 lessen van 60 minuten over.',
  ])
  t.equal(tutor.stripe.sessions.size, 1, 'nothing is to be paid')
  const [lesson] = (await tutor.lessons()) ?? []
  const [pack] = await ledger(tutor).list(1)
  t.match(lesson, { payment: `package, ${pack?.id}` })
  t.match(await ledger(tutor).entries(String(pack?.id)), [
    { why: 'bought', who: 'student' },
    { why: 'lesson', order: lesson?.order, minutes: -60, left: 540, who: 'student' },
  ])
  t.match(
    renee.notes().at(-1),
    /^Lesson booked: Thursday 26 November at 17:00, from the package of order \S+\. The student has 540 minutes left\.$/,
  )
  t.match(renee.conversation, {
    labels: ['status:booked'],
    custom_attributes: { payment_status: 'paid', payment_intent_id: /^4100042-/, pending_intent: 'menu' },
  })
  t.strictSame(await renee.says('hoeveel lessen heb ik nog?'), ['Je hebt nog 9 lessen van 60 minuten over.'])
  const [shown] = await renee.says('wanneer is mijn les?')
  t.match(shown, /\nHij is betaald uit je lespakket\.$/)
})

t.test('another length takes its own minutes; at one lesson left the next package is a choice', async t => {
  const tutor = await withPackages(t)
  const renee = await bought(tutor)
  const [pack] = await ledger(tutor).list(1)
  const id = String(pack?.id)
  await ledger(tutor).correct({ key: 'c', package: id, minutes: -390, who: 'tutor', at: 0, note: 'given before' })
  await renee.says('Les boeken')
  await renee.chooses('Liever 90 minuten')
  t.match(await renee.says('donderdag 17:00'), [/Je hebt nog 2 lessen van 60 minuten over\.$/])
  t.ok(renee.choices().includes('10 lessen (60 min)'), 'less than two of this length')
  await renee.chooses('Les boeken')
  t.match(await renee.says('vrijdag 12:00'), [/Je hebt nog 1 les van 60 minuten over\.$/])
  t.ok(renee.choices().includes('10 lessen (60 min)'))
  await renee.chooses('Les boeken')
  await renee.chooses('Liever 90 minuten')
  t.match(await renee.says('vrijdag 16:00'), [/Betaal € 85,00 vóór/], 'too little is left for that')
  t.strictSame(
    (await renee.says('hoeveel lessen heb ik nog'))[0]?.split('\n')[0],
    'Je hebt nog 1 les van 60 minuten over.',
  )
  t.match(renee.conversation.custom_attributes, { pending_intent: 'pay' })
})

t.test('paid while a time is chosen: the times stay the question', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.says('Les boeken')
  const times = renee.choices()
  t.match(await renee.chooses('10 lessen (60 min)'), [/^Een pakket van 10 lessen[\s\S]*Wanneer wil je je les/])
  await tutor.deliver(pay(last(tutor)).completed)
  t.match(renee.read().at(-1), /10 lessen van 60 minuten over\.$/)
  t.strictSame(renee.choices(), times)
  t.match(await renee.says('donderdag 17:00'), [/betaald uit je lespakket/])
})

t.test('the last lesson of a package is booked, and nothing is left', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  const cash = { id: 'P', conversation: '4100042', student: 'Renée', lessonMinutes: 60, minutes: 60 }
  await ledger(tutor).buy({ ...cash, payment: '50.00 EUR, cash', amount: 5_000, currency: 'EUR', boughtAt: 0 }, 'tutor')
  await renee.says('Les boeken')
  t.match(await renee.says('donderdag 17:00'), [/\nJe hebt geen betaalde lessen meer over\.$/])
  t.match(await tutor.lessons(), [{ payment: 'package, P' }])
})

t.test('the prices have packages too; who has none is told so', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.match(await renee.says('Wat kost een les?'), [
    'Onze prijzen:\n60 minuten: € 60,00\n90 minuten: € 85,00\n10 lessen van 60 minuten: € 500,00',
  ])
  t.strictSame(await renee.says('hoeveel lessen heb ik nog'), ['Ik zie hier geen lespakket van je.'])
})

t.test('of several packages the one that is named, or all are shown', async t => {
  const [hour, ...others] = TEN.lessons ?? []
  const five = { lessons: 5, prices: { all: 'price_five' } }
  const tutor = await withPackages(t, {
    lessons: [{ minutes: 60, ...hour, packages: [...(hour?.packages ?? []), five] }, ...others],
  })
  const renee = tutor.student('sms')
  await renee.says('Hoi')
  t.match(await renee.says('ik wil een lespakket'), [
    /^Lespakketten:\n10 lessen van 60 minuten: € 500,00\n5 lessen van 60 minuten: € 275,00\n\n1\. Les boeken\n2\. Gratis proefles\n3\. 10 lessen \(60 min\)\n4\. 5 lessen \(60 min\)/,
  ])
  t.match(await renee.says('4'), [/^Een pakket van 5 lessen/])
  t.match(await renee.says('doe maar 10 lessen'), [/^Een pakket van 10 lessen/])
  await renee.says('Les boeken')
  const [asked] = await renee.says('lespakket')
  t.match(asked, /^Lespakketten:/, 'while a time is chosen')
  t.match(renee.conversation.custom_attributes, { pending_intent: 'menu', offered_slots: null })
  await renee.says('Les boeken')
  await renee.says('donderdag 17:00')
  t.match(await renee.says('lespakket'), [
    /^Lespakketten:[\s\S]*Je les op donderdag 26 november om 17:00 is gereserveerd/,
  ])
  t.match(await renee.says('5 lessen'), [/^Een pakket van 5 lessen[\s\S]*is gereserveerd/])
  t.match(renee.conversation.custom_attributes, { pending_intent: 'pay' })
})

t.test('where none is sold, or Stripe refuses it, a person gets who asks', async t => {
  const tutor = await withPackages(t, {})
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.notOk(renee.choices().some(title => title.includes('(60 min)')))
  await renee.says('strippenkaart')
  t.match(renee.notes().at(-1), /no package can be sold: no lesson has packages with a price for this contact/)
})

t.test('a price that can’t be sold gives the conversation to a person', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  Object.assign(tutor.stripe.prices.get('price_ten') as object, { active: false })
  t.match(await renee.says('Wat kost een les?'), [/90 minuten: € 85,00$/])
  await renee.chooses('10 lessen (60 min)')
  t.match(renee.notes().at(-1), /price_ten is not active: activate it, or set another price/)
  t.equal(renee.conversation.status, 'open')
})

t.test('who has it in another conversation uses it only where the channel proves who writes', async t => {
  for (const channel of ['whatsapp', 'widget'] as const) {
    await t.test(channel, async t => {
      const tutor = await withPackages(t)
      await bought(tutor, tutor.student(channel))
      const again = tutor.student(channel, { id: 77, contact_id: 4100001 } as object)
      await again.says('Hoi')
      await again.says('Les boeken')
      const [said] = await again.says('donderdag 17:00')
      t.match(said, channel === 'whatsapp' ? /betaald uit je lespakket/ : /Betaal € 60,00/)
    })
  }
})

t.test('the time is taken meanwhile: the minutes go back, and others are offered', async t => {
  const tutor = await withPackages(t)
  const renee = await bought(tutor)
  await renee.chooses('Les boeken')
  const { calendar } = tutor.app.webhooks
  const books = mock.method(calendar, 'book', async () => 'taken' as const)
  t.match(await renee.says('donderdag 17:00'), [/^Die tijd is helaas niet meer vrij\./])
  books.mock.restore()
  const [pack] = await ledger(tutor).list(1)
  t.equal(pack?.left, 600)
  t.match((await ledger(tutor).entries(String(pack?.id))).slice(1), [{ why: 'lesson' }, { why: 'returned' }])
  const holds = mock.method(calendar, 'hold', async () => false)
  t.match(await renee.says('donderdag 17:00'), [/^Die tijd is helaas niet meer vrij\./])
  holds.mock.restore()
  t.equal((await ledger(tutor).find(String(pack?.id)))?.left, 600)
  const takes = mock.method(ledger(tutor), 'take', async () => null)
  t.match(await renee.says('vrijdag 12:00'), [/Betaal € 60,00/], 'another lesson was faster')
  takes.mock.restore()
})

t.test('a refund takes what is left; what is booked stays, and the tutor is told what was used', async t => {
  const tutor = await withPackages(t)
  const renee = await bought(tutor)
  await renee.chooses('Les boeken')
  await renee.says('donderdag 17:00')
  const metadata = last(tutor).metadata as Record<string, string>
  const charge = { amount: 50_000, currency: 'eur', metadata, paymentIntent: 'pi_cs_test_1' } as object
  const part = (refunded: number) =>
    refundEvent(`evt_${refunded}`, charge as never, {
      amount: 50_000,
      amount_refunded: refunded,
      refunded: refunded === 50_000,
      payment_intent: 'pi_cs_test_1',
      metadata,
    })
  await tutor.deliver(part(1))
  t.match(renee.read().at(-1), 'Je betaling van € 0,01 is terugbetaald.\nJe hebt nog 9 lessen van 60 minuten over.')
  await tutor.deliver(part(25_000))
  t.match(renee.read().at(-1), 'Je betaling van € 250,00 is terugbetaald.\nJe hebt nog 4 lessen van 60 minuten over.')
  t.match(
    renee.notes().at(-1),
    /250\.00 EUR so far, order \S+, a package\. Of its 600 minutes 300 are taken and 240 are left; its lessons have used 60, and those that are booked stay\.$/,
  )
  await tutor.deliver(part(50_000))
  t.match(renee.read().at(-1), 'Je betaling van € 500,00 is terugbetaald.\nJe hebt geen betaalde lessen meer over.')
  t.match(renee.notes().at(-1), /Of its 600 minutes 540 are taken and 0 are left; its lessons have used 60/)
  t.equal((await tutor.lessons())?.length, 1)
  t.match(renee.conversation.custom_attributes, { payment_status: 'paid' })
  const said = renee.read().length
  await tutor.deliver({ ...part(50_000), id: 'evt_again' })
  t.equal(renee.read().length, said, 'once')
})

t.test('a refund that comes before its payment takes all of it', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.says('lespakket')
  const metadata = last(tutor).metadata as Record<string, string>
  const { completed } = pay(last(tutor))
  const parts = { amount: 50_000, amount_refunded: 50_000, refunded: true, payment_intent: 'pi_cs_test_1', metadata }
  await tutor.deliver(refundEvent('evt_first', {}, parts))
  t.match(renee.notes().at(-1), /a package\. It is not in the ledger \(yet\)\.$/)
  tutor.stripe.refunded.add('pi_cs_test_1')
  await tutor.deliver(completed)
  t.match(await ledger(tutor).list(1), [{ minutes: 600, left: 0 }])
})

t.test('a second payment of one order is in the ledger once, and the tutor is told', async t => {
  const tutor = await withPackages(t)
  const renee = await bought(tutor)
  const session = { ...last(tutor), id: 'cs_other', payment_intent: 'pi_other' }
  tutor.stripe.sessions.set('cs_other', session as Session)
  const before = renee.read().length
  await tutor.deliver(stripeEvent('checkout.session.completed', session as never, { id: 'evt_other' }))
  t.match(renee.read().slice(before), ['Dank je wel! We hebben je betaling van € 500,00 ontvangen.'])
  t.match(
    renee.notes().at(-1),
    /was paid a second time: 500\.00 EUR by pi_other\. .*please refund pi_other in Stripe\.$/,
  )
  t.equal((await ledger(tutor).list(10)).length, 1)
  const { metadata } = session
  const parts = { amount: 50_000, amount_refunded: 50_000, refunded: true, payment_intent: 'pi_other', metadata }
  await tutor.deliver(refundEvent('evt_refund', {}, parts))
  t.match(renee.notes().at(-1), /It was the second payment of it, and the package stays\.$/)
  t.match(await ledger(tutor).list(10), [{ left: 600 }])
})

t.test('its conversation is gone: the package is kept, and somebody is alerted', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.says('lespakket')
  tutor.chatwoot.conversations.delete(renee.conversation.id)
  await tutor.deliver(pay(last(tutor)).completed)
  t.match(await ledger(tutor).list(1), [{ left: 600, conversation: '4100042', student: /./ }])
  t.ok(tutor.log.lines.some(({ msg }) => msg.includes('Package bought: 10 lessons of 60 minutes')))
  const { metadata } = last(tutor)
  const parts = { amount: 50_000, amount_refunded: 50_000, refunded: true, payment_intent: 'pi_cs_test_1', metadata }
  await tutor.deliver(refundEvent('evt_refund', {}, parts))
  t.match(await ledger(tutor).list(1), [{ left: 0 }])
  t.ok(tutor.log.lines.some(({ msg }) => msg.includes('a package. Of its 600 minutes 600 are taken and 0 are left.')))
})

t.test('a calendar without a ledger sells none, and says what to do with what is paid', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.says('lespakket')
  Object.assign(tutor.app.webhooks.calendar as Calendar, { packages: undefined })
  const { completed } = pay(last(tutor))
  t.equal(await tutor.deliver(completed), 'webhook dead')
  t.match(renee.notes().at(-1), /A payment could not be processed/)
  const { metadata } = last(tutor)
  const parts = { amount: 50_000, amount_refunded: 50_000, refunded: true, payment_intent: 'pi_cs_test_1', metadata }
  await tutor.deliver(refundEvent('evt_refund', {}, parts))
  t.match(renee.notes().at(-1), /It is not in the ledger \(yet\)\.$/)
  t.strictSame(await renee.says('hoeveel lessen heb ik nog'), ['Ik zie hier geen lespakket van je.'])
  await renee.says('Les boeken')
  t.match(await renee.says('donderdag 17:00'), [/Betaal € 60,00/])
})

t.test('a package is sold to the segments that have a price for it', async t => {
  const packages = [{ lessons: 10, prices: { existing: 'price_ten' } }]
  const tutor = await withPackages(t, { lessons: [{ minutes: 60, packages }] })
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  t.notOk(renee.choices().includes('10 lessen (60 min)'))
  const attributes = contactOf(tutor) as object
  Object.assign(attributes, { segment: 'existing' })
  await renee.says('menu')
  t.ok(renee.choices().includes('10 lessen (60 min)'))
  Object.assign(attributes, { segment: 'new' })
  // Of an older question.
  await renee.says('package_60x10')
  t.match(renee.notes().at(-1), /no package can be sold/)
})

t.test('a slow payment of a package: under way, failed, and disputed', async t => {
  const tutor = await withPackages(t)
  const renee = tutor.student('widget')
  await renee.says('Hoi')
  await renee.says('lespakket')
  const attributes = { ...renee.conversation.custom_attributes }
  await tutor.deliver(begin(last(tutor), tutor.clock.now()))
  t.match(renee.read().at(-1), /^Je betaling komt binnen\./)
  t.same(await ledger(tutor).list(1), [])
  t.strictSame(await renee.says('lespakket'), ['Je betaling komt binnen. Zodra die er is, hoor je van ons.'])
  const failed = settle(last(tutor), 'failed', tutor.clock.now())[0]
  await tutor.deliver(failed as object)
  t.match(renee.read().at(-1), /^Je betaling is helaas niet gelukt\./)
  t.match(renee.conversation.custom_attributes, { pending_intent: attributes.pending_intent })
  await tutor.deliver(dispute(last(tutor), 'created', tutor.clock.now()))
  t.match(renee.notes().at(-1), /A payment is disputed: 500\.00 EUR.*the package stays as it is\.$/)
  t.not(renee.conversation.custom_attributes?.payment_status, 'disputed')
  t.match(await renee.says('10 lessen'), [/^Een pakket van 10 lessen/], 'it can be bought again')
})

t.test('the menu after a package’s payment has “Mijn les”, whichever lesson the conversation names', async t => {
  const tutor = await withPackages(t, { ...TEN, reminders: { hours: [] }, payment: { linkHours: [] } })
  const renee = tutor.student('widget')
  for (const text of ['Hallo', 'elke dinsdag 17:00', 'ja']) await renee.says(text)
  await goOn(tutor, Date.parse('2026-11-25T12:00+01:00'))
  await bought(tutor, renee)
  t.match(renee.read().at(-1), /Je hebt nog 10 lessen/)
  t.ok(renee.choices().includes('Mijn les'), renee.choices().join())
})

for (const [language, none] of [
  ['nl', 'Ik zie hier geen lespakket van je.'],
  ['en', 'I see no lesson package of yours here.'],
  ['de', 'Ich sehe hier kein Paket von dir.'],
] as const) {
  t.test(`who has never bought a package is told so, and can: ${language}`, async t => {
    const tutor = await withPackages(t)
    const one = tutor.student('widget', {}, { language })
    await one.says('Hallo')
    t.strictSame(await one.says('how many lessons do I have left?'), [none])
    t.ok(one.choices().some(title => title.startsWith('10 ')))
  })
}
