import t from 'tap'
import { chatwoot as samples, stripeEvent, stripeSession } from '../../commands/samples.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import type { Answer } from '../../sandbox/stand-in.ts'
import { startTutor } from '../helpers/tutor.ts'

const { nl } = TEXTS

/** What Chatwoot, or a proxy before it, refuses for a while: no payment and no message dies of it. */

const METADATA = { conversation_id: '4100042', order_id: 'A1' }

const ANSWERS: [string, Answer][] = [
  [
    'Traefik, while the container restarts',
    { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' },
  ],
  ['Cloudflare', { status: 403, body: '<!DOCTYPE html><title>Attention Required!</title>' }],
  ['Chatwoot, whose token has lapsed', { status: 401, body: { error: 'Invalid Access Token' } }],
  ['Chatwoot, a validation', { status: 422, body: { message: 'Content is too long', attributes: ['content'] } }],
]

for (const [name, answer] of ANSWERS) {
  t.test(`a payment waits: ${name}`, async t => {
    const tutor = await startTutor(t)
    const conversation = tutor.chatwoot.addConversation({ custom_attributes: { order_id: 'A1' } })
    const session = stripeSession({ metadata: METADATA })
    tutor.stripe.sessions.set(session.id, session)
    // Longer than the retries in order take.
    tutor.chatwoot.fail(/./, answer, 30)
    const id = await tutor.pay(stripeEvent('checkout.session.completed', session))
    t.match(await tutor.ended(id), { msg: 'webhook failed, will retry' })
    for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(id, attempt)
    t.match(await tutor.ended(id, 7), { msg: 'webhook parked' })

    tutor.chatwoot.recover()
    t.match(await tutor.nextAttempt(id, 7), { msg: 'webhook handled' })
    t.ok(conversation.messages.some(({ content }) => content === nl.paid('€ 60,00')))
  })
}

t.test('a message waits while a proxy answers, and is dead if Chatwoot itself refuses', async t => {
  for (const [name, answer] of ANSWERS) {
    t.test(name, async t => {
      const tutor = await startTutor(t)
      tutor.chatwoot.addConversation()
      tutor.chatwoot.fail(/./, answer, 1)
      const isChatwoots = typeof answer.body === 'object'
      t.match(await tutor.handle(samples.incoming()), {
        msg: isChatwoots ? 'webhook dead' : 'webhook failed, will retry',
      })
    })
  }
})
