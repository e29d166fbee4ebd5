import t from 'tap'
import { TEXTS } from '../../handlers/texts/index.ts'
import type { Price } from '../../sandbox/stripe-api.ts'
import { MINUTE, reserved, setUp } from '../helpers/lesson-story.ts'

const { nl } = TEXTS

/** Every end of a sale that is none: what it held is free, the tutor reads why, the student hears something. */

type Flaw = [string, Partial<Price> | null, RegExp]

/** What can happen to a price that was sold before. */
const LATER: Flaw[] = [
  ['deleted', null, /No such price/],
  ['archived', { active: false }, /price_s60 is not active/],
]
/** What never changes at Stripe. */
const FROM_THE_START: Flaw[] = [
  ['without an amount', { unit_amount: null, custom_unit_amount: { enabled: true } }, /has no unit_amount/],
  ['of subscriptions', { type: 'recurring' }, /is a subscription price/],
]

function spoil({ stripe }: Awaited<ReturnType<typeof setUp>>, parts: Partial<Price> | null): void {
  if (parts === null) stripe.prices.delete('price_s60')
  else Object.assign(stripe.prices.get('price_s60') as Price, parts)
}

for (const [name, parts, why] of [...LATER, ...FROM_THE_START]) {
  t.test(`a price that is ${name}: no time is offered for it`, async t => {
    const tutor = await setUp(t)
    spoil(tutor, parts)
    const renee = tutor.student()
    await renee.says('Hoi')
    t.strictSame(await renee.says('Les boeken'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
    t.match(renee.notes(), [why])
    t.strictSame(renee.conversation.labels, ['intent:handoff'])
  })

  t.test(`a price that is ${name}, while Stripe could not be asked: the chosen time is released at once`, async t => {
    const tutor = await setUp(t)
    spoil(tutor, parts)
    const renee = tutor.student()
    await renee.says('Hoi')
    tutor.stripe.fail('GET /v1/prices/price_s60', { status: 503 })
    await renee.says('Les boeken')
    t.strictSame(await renee.says('optie 1'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
    t.match(renee.notes(), [why])
    t.strictSame(await tutor.busy(), [])
    t.strictSame(renee.conversation.labels, ['intent:handoff'])
  })
}

for (const [name, parts, why] of LATER) {
  const change = (tutor: Awaited<ReturnType<typeof setUp>>) => spoil(tutor, parts)

  t.test(`a price that is ${name}: the chosen time is released at once`, async t => {
    const tutor = await setUp(t)
    const renee = tutor.student()
    await renee.says('Hoi')
    await renee.says('Les boeken')
    change(tutor)
    t.strictSame(await renee.says('optie 1'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
    t.match(renee.notes(), [why])
    t.strictSame(await tutor.busy(), [])
    t.strictSame(renee.conversation.labels, ['intent:handoff'])
  })

  t.test(`a price that is ${name} when the link is made again: nothing waits for a payment`, async t => {
    const tutor = await setUp(t)
    const renee = await reserved(tutor)
    tutor.clock.advance(45 * MINUTE)
    change(tutor)
    t.strictSame(await renee.says('Link opnieuw sturen'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
    t.match(renee.notes(), [why])
    t.strictSame(await tutor.busy(), [])
    t.strictSame(renee.conversation.labels, ['intent:handoff'])
    t.match(renee.conversation.custom_attributes, { order_id: null, checkout_session: null, payment_link: null })
  })
}

t.test('Stripe is down until the message parks: its time is released, the student handed over', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  tutor.stripe.fail('POST /v1/checkout/sessions', { status: 503, body: { error: { type: 'api_error' } } }, 7)
  const delivery = await renee.sends('optie 1')
  await tutor.ended(delivery)
  t.equal((await tutor.busy()).length, 1)
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(delivery, attempt)
  t.match(await tutor.ended(delivery, 7), { msg: 'webhook parked' })
  t.strictSame(await tutor.busy(), [])
  t.match(renee.conversation, { status: 'open', labels: ['intent:handoff'] })
  t.equal(renee.read().at(-1), nl.didNotWork)
  t.match(renee.notes(), [/could not go on by itself: TransientError: Stripe: .* 503/])

  const told = renee.read()
  t.match(await tutor.nextAttempt(delivery, 7), { msg: 'webhook handled' })
  t.strictSame(renee.read(), told)
  t.match(renee.notes().at(-1), /did not reply to it: "optie 1"$/)
  t.strictSame(await tutor.busy(), [])
})

t.test('Stripe goes down between expiring a link and making the next: nothing waits for a payment', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  tutor.clock.advance(45 * MINUTE)
  tutor.stripe.fail('POST /v1/checkout/sessions', { status: 503, body: { error: { type: 'api_error' } } }, 7)
  const delivery = await renee.sends('Link opnieuw sturen')
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(delivery, attempt)
  t.match(await tutor.ended(delivery, 7), { msg: 'webhook parked' })
  t.equal(tutor.session().status, 'expired')
  t.strictSame(await tutor.busy(), [])
  t.strictSame(renee.conversation.labels, ['intent:handoff'])
  t.match(renee.conversation.custom_attributes, { order_id: null, checkout_session: null, payment_link: null })
  t.equal(renee.read().at(-1), nl.didNotWork)
})

t.test('a link that was not sent yet keeps its time when the message parks', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  await renee.says('Les boeken')
  tutor.chatwoot.fail(/^POST .*messages$/, { status: 503 }, 7)
  const delivery = await renee.sends('optie 1')
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(delivery, attempt)
  t.match(await tutor.ended(delivery, 7), { msg: 'webhook parked' })
  t.equal((await tutor.busy()).length, 1)
  t.equal(renee.read().at(-1), nl.didNotWork)
  t.match(renee.notes(), [/503[\s\S]*It has not told the student: "Je les op .*https:/])
})

t.test('an archived price is not shown', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  Object.assign(tutor.stripe.prices.get('price_s60') as Price, { active: false })
  t.strictSame(await renee.says('Prijzen'), ['Onze prijzen:\n90 minuten: € 85,00'])
})

t.test(
  'Stripe refuses the link for another reason than its price: a person gets the student, and reads it',
  async t => {
    const tutor = await setUp(t)
    const renee = tutor.student()
    await renee.says('Hoi')
    await renee.says('Les boeken')
    const error = { type: 'invalid_request_error', message: 'Your account cannot currently make live charges.' }
    tutor.stripe.fail('POST /v1/checkout/sessions', { status: 400, body: { error } })
    t.strictSame(await renee.says('optie 1'), ['Een ogenblik: iemand van ons neemt dit gesprek over.'])
    t.match(renee.notes(), [/cannot currently make live charges/])
    t.strictSame(await tutor.busy(), [])
  },
)
