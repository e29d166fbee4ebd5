import tap, { type Test } from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import { MINUTE, setUp } from '../helpers/lesson-story.ts'

/** Chatwoot has no idempotency keys: whether a message was sent is looked up, but only where it may have been. */

const LISTING = /^GET .*\/messages/
const SENDING = /^POST .*\/messages$/

/** A conversation, and a message in it that was written so many minutes after the service began. */
async function written(t: Test, minutes: number) {
  const tutor = await setUp(t)
  tutor.clock.advance(2 * MINUTE)
  const conversation = tutor.chatwoot.addConversation()
  const at = new Date(tutor.clock.now() + (minutes - 2) * MINUTE)
  const payload = { ...samples.incoming({ conversation: conversation.id }), created_at: at.toISOString() }
  const sent = () => tutor.chatwoot.called(SENDING).length
  const listed = () => tutor.chatwoot.called(LISTING).length
  return { ...tutor, payload, sent, listed }
}

tap.test('at a first attempt nothing is looked up', async t => {
  const { handle, payload, sent, listed } = await written(t, 1)
  t.match(await handle(payload), { msg: 'webhook handled' })
  t.equal(sent(), 1)
  t.equal(listed(), 0)
})

tap.test('after an attempt that may have sent it, it is', async t => {
  const { chatwoot, ended, nextAttempt, payload, send, sent, listed } = await written(t, 1)
  chatwoot.fail(SENDING, 'drop after')
  const delivery = await send(payload)
  t.match(await ended(delivery), { msg: 'webhook failed, will retry' })
  t.match(await nextAttempt(delivery, 1), { msg: 'webhook handled' })
  t.equal(listed(), 1)
  t.equal(sent(), 1, 'it had been sent')
})

tap.test('so is what was written before the service began: its store may be a restored backup', async t => {
  const { handle, payload, sent, listed } = await written(t, -1)
  t.match(await handle(payload), { msg: 'webhook handled' })
  t.equal(sent(), 1)
  t.equal(listed(), 1)
})
