import t from 'tap'
import { pay, sessionEvent } from '../../sandbox/payments.ts'
import { contactOf, MINUTE, MONDAY, reserved, SLOTS, setUp } from '../helpers/lesson-story.ts'

/** A lesson asked for and reserved in one chat, over real HTTP, and every bad turn. */

for (const channel of ['widget', 'whatsapp'] as const) {
  t.test(`a lesson requested, paid and booked: ${channel}`, async t => {
    const tutor = await setUp(t)
    const renee = tutor.student(channel)
    t.strictSame(await renee.says('Hoi, ik zoek bijles wiskunde'), ['Hoi! Waarmee kan ik je helpen?'])
    t.strictSame(renee.choices(), ['Les boeken', 'Gratis proefles', 'Prijzen', 'Iemand spreken'])

    t.strictSame(await renee.chooses('Les boeken'), [
      'Wanneer wil je je les van 60 minuten? Je kunt ook zelf een dag en een tijd schrijven.',
    ])
    t.strictSame(renee.choices(), [
      ...SLOTS,
      'Andere tijden',
      'Liever 90 minuten',
      'Terug naar het menu',
      'Iemand spreken',
    ])

    t.strictSame(await renee.chooses('wo 25 nov 10:00'), [
      `Je les op woensdag 25 november om 10:00 staat voor je klaar. Betaal € 60,00 vóór 11:40 om hem definitief te maken: ${tutor.session().url}`,
    ])
    t.strictSame(renee.conversation.labels, ['status:awaiting_pay'])
    t.strictSame(await tutor.busy(), [['2026-11-25T09:00:00.000Z', '2026-11-25T10:00:00.000Z']], 'the slot is held')
    t.strictSame(await tutor.lessons(), [])
    const order = renee.conversation.custom_attributes?.order_id as string
    const metadata = {
      conversation_id: '4100042',
      chatwoot_conversation_id: '4100042',
      contact_id: '4100001',
      order_id: order,
      student_name: 'Renée',
      minutes: '60',
      lesson_start: '2026-11-25T10:00:00+01:00',
    }
    t.match(tutor.session(), { metadata, intent_metadata: metadata, amount_total: 6000, locale: 'nl' })
    t.equal(tutor.session().expires_at, Date.parse(MONDAY) / 1000 + 40 * 60)

    // Twice, through two event types, out of order.
    const { completed, succeeded } = pay(tutor.session())
    t.equal(await tutor.deliver(succeeded), 'webhook handled')
    t.equal(await tutor.deliver(completed), 'webhook handled')
    t.strictSame(renee.read().slice(3), [
      'Dank je wel! We hebben je betaling van € 60,00 ontvangen.\nJe les staat vast: woensdag 25 november om 10:00. Tot dan!',
    ])
    t.strictSame(renee.notes(), [`Payment received: 60.00 EUR, order ${order}`])
    t.match(renee.conversation.custom_attributes, {
      payment_status: 'paid',
      payment_intent_id: 'pi_cs_test_1',
      payment_amount: '60.00',
      payment_currency: 'EUR',
      order_id: order,
      lesson_minutes: 60,
      lesson_type: 'regular',
      pending_intent: 'menu',
    })
    t.strictSame(renee.conversation.labels, ['payment:paid', 'status:booked'])
    t.match(contactOf(tutor), {
      has_paid_lesson: true,
      lesson_booked: true,
      customer_since: MONDAY.replace('Z', '.000Z'),
    })
    t.strictSame(await tutor.lessons(), [
      {
        order,
        start: Date.parse('2026-11-25T09:00:00Z'),
        end: Date.parse('2026-11-25T10:00:00Z'),
        student: 'Renée',
        service: 'Bijles',
        payment: '60.00 EUR, pi_cs_test_1',
        conversation: '4100042',
        contact: '4100001',
        changedAt: Date.parse(MONDAY),
        sequence: 1,
      },
    ])
  })

  t.test(`a trial lesson works the same, without payment: ${channel}`, async t => {
    const tutor = await setUp(t, { stripeKey: false, prices: {} })
    const renee = tutor.student(channel, {}, { language: 'en', timezone: 'Europe/London' })
    await renee.says('Hello')
    await renee.chooses('Free trial lesson')
    t.strictSame(renee.choices().slice(0, 4), [
      'Tue 24 Nov 16:00',
      'Tue 24 Nov 17:30',
      'Wed 25 Nov 16:00',
      'Wed 25 Nov 17:30',
    ])
    t.strictSame(await renee.chooses(2), [
      'Your free trial lesson is booked: Tuesday 24 November at 17:30 (Europe/London). See you then!',
    ])
    t.match(await tutor.lessons(), [
      { start: Date.parse('2026-11-24T17:30:00Z'), end: Date.parse('2026-11-24T18:00:00Z'), payment: null },
    ])
    t.strictSame(renee.conversation.labels, ['status:booked'])
    t.strictSame(renee.notes(), ['Trial lesson booked: Tuesday 24 November at 18:30'])
    t.equal(contactOf(tutor)?.lesson_booked, true)
    await renee.says('thanks')
    await renee.says('menu')
    t.strictSame(
      renee.choices(),
      ['My lesson', 'Talk to a person'],
      'one trial is enough, and without Stripe nothing is sold',
    )
  })
}

t.test('the link is sent again while it lasts', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  t.strictSame(await renee.says('Link opnieuw sturen'), [renee.read()[2]])
  t.equal(tutor.stripe.sessions.size, 1)
})

t.test('the link is requested after the lesson’s time: other times are offered', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(24 * 60 * MINUTE)
  t.match(await renee.says('Link opnieuw sturen'), [/^Die tijd is helaas niet meer vrij.\nWanneer/])
  t.match(renee.conversation.custom_attributes, { order_id: null, checkout_session: null })
})

t.test('a link whose expiry was edited is made again', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  Object.assign(renee.conversation.custom_attributes as object, { payment_expires: 'soon' })
  t.match(await renee.says('Link opnieuw sturen'), [tutor.session(2).url])
  t.equal((await tutor.busy()).length, 1)
})

t.test('the link is requested after the time was taken: other times are offered', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(41 * MINUTE)
  await reserved(tutor, { id: 4100043, contact: 4100002 })
  t.match(await renee.says('Link opnieuw sturen'), [/^Die tijd is helaas niet meer vrij./])
  t.equal(renee.choices()[0], 'di 24 nov 12:00', '11:00 is within the buffer')
})

t.test('a reserved lesson is released for another time', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  t.match(await renee.says('Een ander moment'), [/^Wanneer/])
  t.equal(tutor.session().status, 'expired')
  t.strictSame(await tutor.busy(), [])
  t.strictSame(renee.conversation.labels, [])
  const said = renee.read().length
  await tutor.deliver(sessionEvent(tutor.session(), 'expired'))
  t.equal(renee.read().length, said, 'who asked for it need not be told')
  await renee.says('di 24 nov 10:00')
  t.equal((await tutor.busy()).length, 1)
  t.not(tutor.session(2).metadata?.order_id, tutor.session(1).metadata?.order_id)
})

t.test('a lesson being paid is not released', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.session().status = 'complete'
  t.strictSame(await renee.says('Een ander moment'), ['Je betaling komt binnen. Zodra die er is, hoor je van ons.'])
  t.equal((await tutor.busy()).length, 1)
})

t.test('a trial or paid lesson’s time is taken at the last moment: others are offered', async t => {
  const tutor = await setUp(t)
  const { calendar } = tutor.services
  const { signal } = new AbortController()
  const take = (start: string) =>
    calendar.book(
      {
        order: start,
        start: Date.parse(start),
        end: Date.parse(start) + 60 * MINUTE,
        student: '',
        service: '',
        payment: null,
        conversation: '1',
      },
      signal,
    )
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Gratis proefles')
  await take('2026-11-24T16:00:00Z')
  t.match(await renee.says('optie 1'), [/^Die tijd is helaas niet meer vrij.\nWanneer wil je je les van 30 minuten/])
  t.equal(renee.choices()[0], 'di 24 nov 18:30', 'after the buffer')

  const tim = await reserved(tutor, { id: 4100043, contact: 4100002 })
  const session = tutor.session()
  Object.assign(session, { metadata: { ...session.metadata, lesson_start: 'never' } })
  await tutor.deliver(pay(session).completed)
  await take('2026-11-25T09:00:00Z')
  t.match(await tim.says('wo 25 nov 10:00'), [/^Die tijd is helaas niet meer vrij/])
  t.equal(tim.conversation.custom_attributes?.pending_intent, 'rebook')
  t.match(await tim.says('donderdag 15:00'), [/^Je les staat vast: donderdag 26 november om 15:00/])
})

t.test('back to the menu; 60 minutes again; the link when there is none', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  await renee.says('Liever 90 minuten')
  t.match(await renee.says('Liever 60 minuten'), [/60 minuten/])
  t.strictSame(await renee.says('Terug naar het menu'), ['Hoi! Waarmee kan ik je helpen?'])
  Object.assign(renee.conversation.custom_attributes as object, { pending_intent: 'pay' })
  t.match(await renee.says('Link opnieuw sturen'), [/^Wanneer wil je/])
})

t.test('a weekend student is offered weekends, at weekend prices', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student('whatsapp', {}, { segment: 'weekend' })
  await renee.says('Hoi')
  await renee.says('Les boeken')
  t.match(renee.choices().slice(0, 3), [/^za 28 nov 10:00/, /^za 28 nov 11:00/, /^za 28 nov 13:00/])
  await renee.says('Liever 90 minuten')
  await renee.says('zondag 12:00')
  t.match(tutor.session(), {
    amount_total: 9950,
    metadata: { minutes: '90', lesson_start: '2026-11-29T12:00:00+01:00' },
  })
})

t.test('a choice handled late gets a link valid from now', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  tutor.stripe.fail('POST /v1/checkout/sessions', {
    status: 429,
    headers: { 'retry-after': '360' },
    body: { error: { type: 'rate_limit_error', message: 'Later' } },
  })
  const delivery = await renee.sends('optie 1')
  await tutor.nextAttempt(delivery, 1)
  t.match(renee.read().at(-1), /Betaal € 60,00 vóór 11:46/)
  t.equal((await tutor.busy()).length, 1)
})

t.test('a contact without a name, and a lesson with a subject', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student('whatsapp', { custom_attributes: { service: 'Wiskunde B' } })
  Object.assign(tutor.chatwoot.contacts.get(4100001) as object, { name: null })
  await renee.says('Hoi')
  await renee.says('Les boeken')
  await renee.says('optie 1')
  t.match(tutor.session().metadata, { service: 'Wiskunde B', student_name: undefined })
  await tutor.deliver(pay(tutor.session()).completed)
  t.match(await tutor.lessons(), [{ student: '', service: 'Wiskunde B' }])
})

t.test('regression: one trial lesson, even where the contact can’t be written', async t => {
  const tutor = await setUp(t, { admin: false })
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Gratis proefles')
  await renee.says('optie 1')
  await renee.says('menu')
  t.strictSame(renee.choices(), ['Les boeken', 'Prijzen', 'Mijn les', 'Iemand spreken'])
})
