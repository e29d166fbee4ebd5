import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { chatwoot as samples, stripeEvent, stripeSession } from '../../commands/samples.ts'
import { ORIGIN } from '../../handlers/stripe-event.ts'
import type { Answer } from '../../sandbox/stand-in.ts'
import { startTutor, type Tutor } from '../helpers/tutor.ts'

/** Chatwoot is away for half an hour, in each of the ways in which that has been seen. */

const MINUTE = 60_000
const HELD = 'chatwoot unavailable, holding what needs it'
const AGAIN = 'chatwoot available again'
const FIRST = 4_100_001
const CONVERSATIONS = Array.from({ length: 12 }, (_, n) => FIRST + n)

const OUTAGES: [string, Answer][] = [
  ['nginx answers 502', { status: 502, body: '<html><h1>502 Bad Gateway</h1></html>' }],
  ['Cloudflare answers 403', { status: 403, body: '<!DOCTYPE html><title>Attention Required!</title>' }],
  ['its token was revoked', { status: 401, body: { error: 'Invalid Access Token' } }],
  ['it limits the rate', { status: 429, headers: { 'retry-after': '60' }, body: 'Retry later\n' }],
]

/** Conversations that write while Chatwoot is away, and a payment. */
async function outage(t: Test, begin: (tutor: Tutor) => void | Promise<void>) {
  const tutor = await startTutor(t)
  for (const id of CONVERSATIONS) tutor.chatwoot.addConversation({ id, contact: id })
  await begin(tutor)
  const says = (conversation: number) => tutor.send(samples.incoming({ conversation, message: conversation }))
  const first = await says(FIRST)
  t.match(await tutor.ended(first), { msg: 'webhook failed, will retry' })
  for (const id of CONVERSATIONS.slice(1)) await says(id)
  const paid = await pays(tutor)
  await isDoneAhead(tutor, paid)
  return { tutor, first, paid }
}

/** By default in a conversation of its own. */
async function pays({ app, clock, stripe, chatwoot, pay }: Tutor, conversation = 4_200_000): Promise<string> {
  if (!chatwoot.conversations.has(conversation)) {
    chatwoot.addConversation({ id: conversation, contact: 77, custom_attributes: { order_id: `${conversation}-1` } })
  }
  const metadata = {
    conversation_id: `${conversation}`,
    order_id: `${conversation}-1`,
    contact_id: '77',
    lesson_start: new Date(clock.now() + 48 * 60 * MINUTE).toISOString(),
    minutes: '60',
    [ORIGIN]: await app.webhooks.inbox.installationId(),
  }
  const session = stripeSession({ metadata })
  stripe.sessions.set(session.id, session)
  return pay(stripeEvent('checkout.session.completed', session))
}

/** Resolves when what must not wait of a delivery was done. */
function isDoneAhead({ log }: Tutor, id: string) {
  return log.line(({ msg, delivery }) => msg === 'done before its turn' && delivery === id)
}

/** Lets time pass until something is so, at most an hour. */
async function passes({ clock }: Tutor, isSo: () => boolean): Promise<void> {
  const end = clock.now() + 60 * MINUTE
  while (!isSo() && clock.now() < end) {
    const next = clock.next()
    if (next !== undefined) clock.advance(Math.min(next - clock.now(), 5_000))
    await setImmediate()
  }
}

async function isUntouched(t: Test, { app, log }: Tutor, { first }: { first: string }) {
  const { inbox, calendar } = app.webhooks
  t.match(await inbox.backlog(), { pending: 13, parked: 0, dead: 0 })
  for (const { id, attempts } of await inbox.list({ state: 'pending' })) {
    t.equal(attempts, id === first ? 1 : 0)
  }
  t.equal((await calendar.lessons?.(0, 8e15))?.length, 1, 'the lesson is booked nevertheless')
  t.equal(log.lines.filter(({ msg }) => msg === HELD).length, 1)
}

for (const [name, answer] of OUTAGES) {
  t.test(`${name}: nobody is handed over, nothing is lost, and each student is answered`, async t => {
    const { tutor, ...ids } = await outage(t, ({ chatwoot }) => chatwoot.fail(/./, answer, 10_000))
    const { clock, chatwoot, log } = tutor
    const begun = clock.now()
    await passes(tutor, () => clock.now() >= begun + 30 * MINUTE)
    await isUntouched(t, tutor, ids)

    chatwoot.recover()
    await passes(tutor, () => log.lines.some(({ msg }) => msg === AGAIN))
    // From here on the clock stands still: handlers must not time out.
    await log.count('webhook handled', 13)
    t.match(await tutor.app.webhooks.inbox.backlog(), { pending: 0, parked: 0, dead: 0 })
    for (const id of [...CONVERSATIONS, 4_200_000]) {
      const conversation = chatwoot.conversations.get(id)
      const said = conversation?.messages.filter(({ message_type, private: isNote }) => message_type === 1 && !isNote)
      t.match(said?.[0]?.content, /^Sorry voor het wachten\.\n/, `${id} has its answer, with a word about the wait`)
      t.notOk(conversation?.labels.includes('intent:handoff'))
    }
    for (const { attempts } of await tutor.app.webhooks.inbox.list()) t.ok(attempts <= 2)
    t.equal(log.lines.filter(({ msg }) => msg === AGAIN).length, 1)
  })
}

t.test('a payment after a message that waits is booked at once, and confirmed in its turn', async t => {
  const tutor = await startTutor(t)
  const { app, clock, chatwoot, log } = tutor
  for (const id of CONVERSATIONS.slice(0, 2)) chatwoot.addConversation({ id, contact: 77 })
  chatwoot.fail(/./, { status: 502, body: '' }, 10_000)
  await tutor.ended(await tutor.send(samples.incoming({ conversation: FIRST, message: 1 })))
  const [message, behind] = [await tutor.send(samples.incoming({ conversation: FIRST + 1, message: 2 })), FIRST + 1]
  const paid = await pays(tutor, behind)
  await isDoneAhead(tutor, paid)
  t.match(await app.webhooks.calendar.lessons?.(0, 8e15), [{ order: `${behind}-1` }])
  const { attempts, state } = (await app.webhooks.inbox.get(paid)) ?? {}
  t.same({ attempts, state }, { attempts: 0, state: 'pending' })
  const begun = clock.now()
  await passes(tutor, () => clock.now() >= begun + 30 * MINUTE)

  chatwoot.recover()
  await passes(tutor, () => log.lines.some(({ msg }) => msg === AGAIN))
  await log.count('webhook handled', 3)
  const ended = log.lines.filter(({ msg }) => msg === 'webhook handled').map(({ delivery }) => delivery)
  t.ok(ended.indexOf(message) < ended.indexOf(paid), 'in order')
  const said = chatwoot.conversations.get(behind)?.messages.filter(each => each.message_type === 1 && !each.private)
  t.match(said?.at(-1)?.content, /60/, 'confirmed')
  t.equal((await app.webhooks.calendar.lessons?.(0, 8e15))?.length, 1)
})

t.test('it refuses connections: no attempt is spent', async t => {
  const { tutor, ...ids } = await outage(t, ({ chatwoot }) => chatwoot.close())
  const begun = tutor.clock.now()
  await passes(tutor, () => tutor.clock.now() >= begun + 30 * MINUTE)
  await isUntouched(t, tutor, ids)
})

t.test('one conversation that Chatwoot can’t show holds up nobody else', async t => {
  const tutor = await startTutor(t)
  for (const id of CONVERSATIONS) tutor.chatwoot.addConversation({ id, contact: id })
  tutor.chatwoot.fail(new RegExp(`conversations/${FIRST}`), { status: 500, body: '' }, 10_000)
  const bad = await tutor.send(samples.incoming({ conversation: FIRST, message: FIRST }))
  for (let attempt = 1; attempt < 4; attempt++) await tutor.nextAttempt(bad, attempt)
  for (const conversation of CONVERSATIONS.slice(1)) {
    t.match(await tutor.handle(samples.incoming({ conversation, message: conversation })), { msg: 'webhook handled' })
  }
  t.equal(tutor.log.lines.filter(({ msg }) => msg === HELD).length, 0)
})
