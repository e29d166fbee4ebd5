import t from 'tap'
import { pay } from '../../sandbox/payments.ts'
import { reserved, setUp } from '../helpers/lesson-story.ts'

/** Older buttons stay clickable in WhatsApp (their titles come back) and in the widget (their values). */

t.test('an older menu’s button does what it says while a time is chosen', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Gratis proefles']) await renee.says(text)
  t.match(await renee.says('Les boeken'), [/^Wanneer wil je je les van 60/])
  t.match(await renee.says('trial'), [/^Wanneer wil je je les van 30/])
  t.match(await renee.says('Prices'), [/^Onze prijzen/])
  t.match(await renee.says('Een ander moment'), [/^Wanneer/])
  t.match(await renee.says('Link opnieuw sturen'), [/^Wanneer wil je je les van 30/], 'there is no link: the question')
})

t.test('an older list’s time, by its value, in every state', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  await renee.says('Hoi')
  t.match(await renee.says('2026-11-25T10:00:00.000Z'), [/^Je les op woensdag 25 november om 11:00 staat/], 'the menu')
  t.match(await renee.says('2026-11-25T10:00:00.000Z'), [/^Je les op woensdag 25 november om 11:00 staat/], 'the link')
  t.equal(tutor.stripe.sessions.size, 1)
  t.match(await renee.says('2026-11-26T09:00:00.000Z'), [/^Je les op donderdag 26 november om 10:00 staat/], 'another')
  t.equal(tutor.session(1).status, 'expired')
  t.match(renee.conversation, { labels: ['status:awaiting_pay'] })
  await renee.says('Een ander moment')
  t.match(await renee.says('2026-11-27T15:00:00.000Z'), [/^Je les op vrijdag 27 november om 16:00 staat/], 'a time')
  await tutor.deliver(pay(tutor.session(3)).completed)
  t.match(await renee.says('2026-11-27T15:00:00.000Z'), ['Je les staat vast: vrijdag 27 november om 16:00. Tot dan!'])
  t.match(await tutor.student('whatsapp', { id: 4100900, contact: 4100900 }).says('2026-13-45T15:00:00Z'), [/./])
})

t.test('one that is taken, or past, while another awaits its payment', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  t.match(await renee.says('2026-11-20T10:00:00.000Z'), [/^Die tijd is helaas niet meer vrij/])
  t.match(renee.conversation.custom_attributes, { pending_intent: 'slot' })
  t.notOk(renee.conversation.custom_attributes?.order_id)
  t.equal(tutor.session().status, 'expired')
  t.strictSame(await tutor.busy(), [])
})

t.test('an older button while a lesson awaits its payment', async t => {
  const tutor = await setUp(t)
  const renee = await reserved(tutor)
  t.match(await renee.says('Liever 90 minuten'), [/^Wanneer wil je je les van 90/])
  t.equal(tutor.session().status, 'expired')
})

t.test('an older list’s buttons while the menu is open, and a reservation’s after it is paid', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  for (const text of ['Hoi', 'Les boeken', 'Terug naar het menu']) await renee.says(text)
  t.match(await renee.says('Liever 90 minuten'), [/^Wanneer wil je je les van 90/])
  await renee.says('Terug naar het menu')
  t.match(await renee.says('Andere tijden'), [/^Wanneer wil je je les van 90/])
  await renee.says('optie 1')
  await tutor.deliver(pay(tutor.session()).completed)
  t.match(await renee.says('Link opnieuw sturen'), [/^Hoi! Waarmee/])
})
