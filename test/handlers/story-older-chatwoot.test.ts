import t from 'tap'
import { setUp } from '../helpers/lesson-story.ts'

/** A Chatwoot before PR 14655: a bot's token may not read a conversation. */

const FORBIDDEN = { status: 401, body: { error: 'Access to this endpoint is not authorized for bots' } }

t.test('with CW_ADMIN_TOKEN conversations are read as the administrator', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  tutor.chatwoot.fail(/GET .*conversations\/\d+$/, FORBIDDEN)
  t.match(await renee.says('Hoi'), [/^Hoi/])
})

t.test('without it nothing is read before the hand-over, and the student is not left alone', async t => {
  const tutor = await setUp(t, { admin: false })
  const renee = tutor.student()
  for (let call = 0; call < 4; call++) tutor.chatwoot.fail(/GET .*conversations\/\d+$/, FORBIDDEN)
  t.match(await renee.says('Hoi'), [/^Sorry, dat lukte nu even niet/])
  t.match(renee.conversation, { status: 'open', labels: ['intent:handoff'] })
  t.match(renee.notes(), [/Chatwoot answered 401 to GET .*conversations/])
})
