import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Channel } from '../../sandbox/chatwoot-people.ts'
import type { ConversationState } from '../../sandbox/chatwoot-state.ts'
import { pay, refunded, sessionEvent } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import { refundPayment } from '../../sandbox/stripe-refunds.ts'
import { MINUTE, setUp } from '../helpers/lesson-story.ts'

/** Conversations in each state in which version 10c10d2 left them, and the links that it sent, go on. */

interface Dialogue extends Pick<ConversationState, 'labels' | 'status' | 'assignee'> {
  attributes: Record<string, unknown>
  /** Attributes of the contact. */
  contact: Record<string, unknown>
  /** The choices of the last question. */
  items: { title: string; value: string }[]
}

/** What 10c10d2 wrote, copied from the stand-in, on Monday 23 November 2026, 11:00 in Amsterdam. */
const DIALOGUES: Record<string, Dialogue> = JSON.parse(
  readFileSync(new URL('../fixtures/dialogues-10c10d2.json', import.meta.url), 'utf8'),
)
const dialogueOf = (state: string): Dialogue => structuredClone(DIALOGUES[state] as Dialogue)

type Tutor = Awaited<ReturnType<typeof setUp>>

/** The lesson of all of them: Tuesday 24 November, 11:00. */
const START = Date.parse('2026-11-24T11:00:00+01:00')
const LESSON = { start: START, end: START + 60 * MINUTE }
/** When its link expires. */
const UNTIL = Date.parse('2026-11-23T11:40:00+01:00')

/** A conversation as it was left. */
async function left(t: Test, state: string, channel: Channel = 'whatsapp') {
  const tutor = await setUp(t)
  const { attributes, contact, labels, status, assignee, items } = dialogueOf(state)
  const parts = { custom_attributes: attributes, labels, status, assignee }
  const one = tutor.student(channel, parts, contact)
  const question = { content: 'Hoi!', message_type: 1, private: false, content_type: 'input_select' } as const
  tutor.chatwoot.state.addMessage(one.conversation, { ...question, content_attributes: { items } })
  return { tutor, one, order: String(attributes.order_id) }
}

/** Its reserved lesson, too: the checkout session, and the hold in the calendar, which lasts as long. */
async function leftReserved(t: Test, state: string, parts: Partial<Session> = {}) {
  const all = await left(t, state)
  const { tutor, order } = all
  const session = sessionOf(String(dialogueOf(state).attributes.checkout_session), order, parts)
  tutor.stripe.sessions.set(session.id, session)
  const margin = { before: 15 * MINUTE, after: 15 * MINUTE }
  await tutor.app.webhooks.calendar.hold({ order, ...LESSON, until: UNTIL, margin }, AbortSignal.timeout(1_000))
  return { ...all, session }
}

/** A checkout session of then: its metadata does not say which installation made it. */
function sessionOf(id: string, order: string, parts: Partial<Session> = {}): Session {
  const metadata = {
    conversation_id: '4100042',
    chatwoot_conversation_id: '4100042',
    contact_id: '4100001',
    order_id: order,
    student_name: 'Renée',
    minutes: '60',
    lesson_start: '2026-11-24T11:00:00+01:00',
  }
  return {
    id,
    object: 'checkout.session',
    amount_total: 6000,
    client_secret: null,
    currency: 'eur',
    expires_at: 1795430400,
    livemode: false,
    locale: 'nl',
    metadata,
    mode: 'payment',
    payment_intent: null,
    payment_status: 'unpaid',
    status: 'open',
    url: `https://checkout.stripe.com/c/pay/${id}`,
    intent_metadata: metadata,
    ...parts,
  }
}

async function isBooked(t: Test, tutor: Tutor, order: string) {
  t.match(await tutor.lessons(), [{ order, ...LESSON, student: 'Renée', service: 'Bijles', conversation: '4100042' }])
}

for (const channel of ['whatsapp', 'widget'] as const) {
  t.test(`the choices that it offered: ${channel}`, async t => {
    const cases: [string, string, RegExp][] = [
      ['menu', 'Les boeken', /^Wanneer wil je je les van 60/],
      ['misunderstood once', 'Prijzen', /^Onze prijzen:\n60 minuten: € 60,00/],
      ['person offered again', 'Les boeken', /^Wanneer wil je/],
      ['slot', 'wo 25 nov 10:00', /^Je les op woensdag 25 november om 10:00 .* € 60,00 vóór 11:40/],
      ['slot', 'Liever 90 minuten', /^Wanneer wil je je les van 90/],
      ['slot', 'Terug naar het menu', /^Hoi! Waarmee/],
      ['slot 90', 'wo 25 nov 10:00', /^Je les op woensdag 25 november om 10:00 .* € 85,00/],
      ['slot trial', 'di 24 nov 17:30', /^Je gratis proefles staat vast: dinsdag 24 november om 17:30/],
      ['slot next', 'vr 27 nov 11:00', /^Je les op vrijdag 27 november om 11:00/],
      ['slot of a day', 'wo 25 nov 15:00', /^Je les op woensdag 25 november om 15:00/],
      ['failed, nothing sold', 'do 26 nov 10:00', /^Je les op donderdag 26 november om 10:00/],
      ['failed, other times', 'di 24 nov 14:00', /^Je les op dinsdag 24 november om 14:00/],
      ['booked again', 'wo 25 nov 09:00', /^Je les op woensdag 25 november om 09:00/],
      ['rebook', 'di 24 nov 13:00', /^Je les staat vast: dinsdag 24 november om 13:00/],
      ['expired', 'Les boeken', /^Wanneer wil je/],
    ]
    for (const [state, choice, answer] of cases) {
      t.test(`${state}: ${choice}`, async t => {
        const { one } = await left(t, state, channel)
        t.match(await one.chooses(choice), [answer])
        t.match(one.conversation.custom_attributes, { misunderstood: 0 })
      })
    }
  })
}

t.test('what is written in each state', async t => {
  const cases: [string, string, RegExp][] = [
    ['new', 'Hoi', /^Hoi! Waarmee/],
    ['menu', 'Kan ik dinsdag om 17:00 een les?', /^dinsdag 24 november om 17:00 is vrij/],
    ['menu', 'xyz', /^Sorry, dat begreep ik niet/],
    ['misunderstood once', 'xyz', /Wil je iemand spreken\?$/],
    ['person offered', 'ja graag', /^Een ogenblik/],
    ['person offered', 'xyz', /^Een ogenblik/],
    ['person offered again', 'xyz', /^Een ogenblik/],
    ['slot', 'optie 2', /^Je les op dinsdag 24 november om 11:00/],
    ['slot', '2', /^Wanneer wil je/],
    ['slot', 'dinsdag 17:00', /^Je les op dinsdag 24 november om 17:00/],
    ['slot', 'ik ben ziek', /^Een ogenblik/],
    ['slot trial', 'dinsdag half 6', /^Je gratis proefles staat vast/],
    ['booked', 'ik wil mijn les verzetten', /^Een ogenblik/],
    ['booked', 'hoe laat was het?', /^Een ogenblik/],
    ['booked', 'nog een les boeken', /^Wanneer wil je/],
    ['rebook', 'dinsdag 14:00', /^Je les staat vast: dinsdag 24 november om 14:00/],
    ['expired', 'ja', /^Wanneer wil je/],
    ['refunded', 'Les boeken', /^Wanneer wil je/],
  ]
  for (const [state, text, answer] of cases) {
    t.test(`${state}: ${text}`, async t => {
      const { one } = await left(t, state)
      t.match(await one.says(text), [answer])
    })
  }
})

t.test('who had asked for a person still has one', async t => {
  const handed = await left(t, 'handed over')
  t.strictSame(await handed.one.says('Hallo?'), [])
  t.match(handed.one.conversation, { status: 'open', labels: ['intent:handoff'], assignee: 7 })
})

t.test('a trial lesson is offered once', async t => {
  const { one } = await left(t, 'trial booked')
  t.strictSame(await one.says('bedankt!'), [])
  await one.says('Hoi')
  t.strictSame(one.choices(), ['Les boeken', 'Prijzen', 'Mijn les', 'Iemand spreken'])
})

t.test('other times are none of those that were offered', async t => {
  const { one } = await left(t, 'slot')
  await one.chooses('Andere tijden')
  const shown = dialogueOf('slot').items.map(({ title }) => title)
  t.notOk(one.choices().some(title => / nov /.test(title) && shown.includes(title)))
  t.equal(one.choices().filter(title => / nov | dec /.test(title)).length, 6)
})

for (const state of ['pay', 'pay misunderstood', 'menu while reserved', 'failed'] as const) {
  t.test(`its link is paid: ${state}`, async t => {
    const { tutor, one, order, session } = await leftReserved(t, state)
    const before = one.read().length
    const { completed, succeeded } = pay(session)
    t.equal(await tutor.deliver(succeeded), 'webhook handled')
    t.equal(await tutor.deliver(completed), 'webhook handled')
    t.match(one.read().slice(before), [/^Dank je wel! .* € 60,00 .*\nJe les staat vast: dinsdag 24 november om 11:00/])
    t.equal(one.read().length, before + 1)
    await isBooked(t, tutor, order)
    t.match(one.conversation.custom_attributes, {
      payment_status: 'paid',
      pending_intent: 'menu',
      checkout_session: null,
    })
    t.match(one.conversation.labels, ['payment:paid', 'status:booked'])
  })
}

t.test('its link is paid after the hold has lapsed: the conversation knows the order', async t => {
  const { tutor, order, session } = await leftReserved(t, 'pay')
  await tutor.app.webhooks.calendar.release(order, Number.MAX_SAFE_INTEGER, AbortSignal.timeout(1_000))
  t.equal(await tutor.deliver(pay(session).completed), 'webhook handled')
  await isBooked(t, tutor, order)
})

t.test('while its link can be paid, the student goes on', async t => {
  const cases: [string, RegExp, number][] = [
    ['Link opnieuw sturen', /€ 60,00 vóór 11:40 .*cs_test_1$/, 1],
    ['hoeveel kost het?', /wacht op je betaling/, 1],
    ['Een ander moment', /^Wanneer wil je/, 0],
    ['wo 25 nov 10:00', /^Je les op woensdag 25 november om 10:00/, 1],
    ['woensdag 17:00', /^Je les op woensdag 25 november om 17:00/, 1],
    ['laat maar', /^Hoi! Waarmee/, 0],
    ['annuleren', /^Hoi! Waarmee/, 0],
  ]
  for (const [text, answer, holds] of cases) {
    t.test(text, async t => {
      const { tutor, one } = await leftReserved(t, 'pay')
      t.match(await one.says(text), [answer])
      t.equal((await tutor.busy()).length, holds)
    })
  }
  t.test('in the menu: another lesson replaces it', async t => {
    const { tutor, one, session } = await leftReserved(t, 'menu while reserved')
    t.match(await one.says('Les boeken'), [/^Wanneer wil je/])
    t.equal(session.status, 'expired')
    t.strictSame(await tutor.busy(), [])
  })
})

t.test('its link expires', async t => {
  const { tutor, one, session } = await leftReserved(t, 'pay', { status: 'expired', url: null })
  t.equal(await tutor.deliver(sessionEvent(session, 'expired')), 'webhook handled')
  t.match(one.read().at(-1), /^Je reservering voor dinsdag 24 november om 11:00 is vervallen/)
  t.strictSame(await tutor.busy(), [])
  t.match(await one.says('Link opnieuw sturen'), [/./], 'an older choice is answered')
})

const UNDER_WAY = { payment_intent: 'pi_1', status: 'complete', url: null, intent_status: 'processing' }

t.test('a debit that was under way succeeds', async t => {
  const { tutor, one, order, session } = await leftReserved(t, 'under way', UNDER_WAY)
  t.match(await one.says('Link opnieuw sturen'), [/^Je betaling komt binnen/])
  Object.assign(session, { payment_status: 'paid', intent_status: 'succeeded' })
  t.equal(await tutor.deliver(sessionEvent(session, 'async_payment_succeeded')), 'webhook handled')
  t.match(one.read().at(-1), /Je les staat vast: dinsdag 24 november om 11:00/)
  await isBooked(t, tutor, order)
})

t.test('a debit that was under way fails', async t => {
  const { tutor, one, session } = await leftReserved(t, 'under way', UNDER_WAY)
  Object.assign(session, { intent_status: 'requires_payment_method' })
  t.equal(await tutor.deliver(sessionEvent(session, 'async_payment_failed')), 'webhook handled')
  t.match(one.read().at(-1), /^Je betaling is helaas niet gelukt.*\nJe les op dinsdag 24 november om 11:00/)
})

t.test('a lesson that it booked is refunded', async t => {
  const { tutor, one, order } = await left(t, 'booked')
  const session = sessionOf('cs_test_1', order)
  tutor.stripe.sessions.set(session.id, session)
  pay(session)
  const lesson = { order, ...LESSON, student: 'Renée', service: 'Bijles', payment: '60.00 EUR, pi_cs_test_1' }
  await tutor.app.webhooks.calendar.book({ ...lesson, conversation: '4100042' }, AbortSignal.timeout(1_000))
  const [, event] = refunded(session, refundPayment(tutor.stripe, session, 6000), tutor.clock.now())
  t.equal(await tutor.deliver(event as object), 'webhook handled')
  t.match(
    one.read().at(-1),
    /^Je betaling van € 60,00 is terugbetaald\.\nJe les op dinsdag 24 november .* gaat niet door/,
  )
  t.strictSame(await tutor.lessons(), [])
  t.match(one.conversation.custom_attributes, { payment_status: 'refunded', order_id: null })
})
