import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { chatwoot as samples, stripeEvent, stripeSession } from '../../commands/samples.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import type { Answer } from '../../sandbox/stand-in.ts'
import { startTutor } from '../helpers/tutor.ts'

const { nl } = TEXTS

/** What Chatwoot, or a proxy before it, refuses for a while: no payment and no message dies of it. */

const METADATA = { conversation_id: '4100042', order_id: 'A1' }

const OUTAGES: [string, Answer][] = [
  [
    'Traefik, while the container restarts',
    { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' },
  ],
  ['Cloudflare', { status: 403, body: '<!DOCTYPE html><title>Attention Required!</title>' }],
  ['Chatwoot, whose token has lapsed', { status: 401, body: { error: 'Invalid Access Token' } }],
]
const VALIDATION: Answer = { status: 422, body: { message: 'Content is too long', attributes: ['content'] } }

const MINUTE = 60_000

async function payOnce(t: Test, answer: Answer) {
  const tutor = await startTutor(t)
  const conversation = tutor.chatwoot.addConversation({ custom_attributes: { order_id: 'A1' } })
  const session = stripeSession({ metadata: METADATA })
  tutor.stripe.sessions.set(session.id, session)
  tutor.chatwoot.fail(/./, answer, 1_000)
  const id = await tutor.pay(stripeEvent('checkout.session.completed', session))
  t.match(await tutor.ended(id), { msg: 'webhook failed, will retry' })
  const isSaid = (before = '') =>
    conversation.messages.some(({ content }) => content === `${before}${nl.paid('€ 60,00')}`)
  return { tutor, id, isSaid }
}

for (const [name, answer] of OUTAGES) {
  t.test(`a payment waits for half an hour, and no attempt is spent: ${name}`, async t => {
    const { tutor, id, isSaid } = await payOnce(t, answer)
    const { clock, chatwoot } = tutor
    while (clock.now() < tutor.services.startedAt + 30 * MINUTE) {
      const probes = chatwoot.calls.length
      clock.advance((clock.next() as number) - clock.now())
      if (chatwoot.calls.length === probes) await setImmediate()
    }
    t.match(await tutor.app.webhooks.inbox.get(id), { state: 'pending', attempts: 1 })
    chatwoot.recover()
    while (tutor.log.lines.every(({ msg }) => msg !== 'chatwoot available again')) {
      clock.advance(1_000)
      await setImmediate()
    }
    t.match(await tutor.ended(id, 2), { msg: 'webhook handled' })
    t.ok(isSaid(`${nl.sorryForWait}\n`))
  })
}

t.test('a payment waits: Chatwoot, a validation', async t => {
  const { tutor, id, isSaid } = await payOnce(t, VALIDATION)
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(id, attempt)
  t.match(await tutor.ended(id, 7), { msg: 'webhook parked' })
  tutor.chatwoot.recover()
  t.match(await tutor.nextAttempt(id, 7), { msg: 'webhook handled' })
  t.ok(isSaid())
})

t.test('a message waits while a proxy answers or the token is refused, and is dead if Chatwoot refuses it', async t => {
  for (const [name, answer] of [...OUTAGES, ['Chatwoot, a validation', VALIDATION] as const]) {
    t.test(name, async t => {
      const tutor = await startTutor(t)
      tutor.chatwoot.addConversation()
      tutor.chatwoot.fail(/./, answer, 1)
      t.match(await tutor.handle(samples.incoming()), {
        msg: answer === VALIDATION ? 'webhook dead' : 'webhook failed, will retry',
      })
    })
  }
})
