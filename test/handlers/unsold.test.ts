import t from 'tap'
import type { Conversation } from '../../handlers/conversation.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import { releaseUnsold, resultOf } from '../../handlers/unsold.ts'
import type { Delivery } from '../../inbox/contracts.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import { NO_CLIENTS } from '../helpers/clients.ts'
import { setUp } from '../helpers/lesson-story.ts'

const { nl } = TEXTS

t.test('a failing calendar or store is reported', async t => {
  const { app, log, services } = await setUp(t)
  const once: HandlerContext['once'] = async (_key, step) => step(false)
  const context = {
    signal: AbortSignal.timeout(60_000),
    attempt: 1,
    together: [],
    run: '',
    isInOrder: true,
    log: app.log,
    once,
    note: async () => {},
    ...NO_CLIENTS,
  }
  // A host’s, without weekly times.
  const { weekly: _, ...host } = services.calendar
  const calendar = { ...host, release: () => Promise.reject(new Error('away')) }
  const conversation = { id: '1', attributes: {} } as Conversation
  t.strictSame(await releaseUnsold({ ...services, calendar }, conversation, { id: 'd' } as Delivery, context), {})
  t.match(log.text(), /hold not released, it will expire by itself/)
  await t.rejects(resultOf('k', { ...context, once: () => Promise.reject(new Error('busy')) }), { message: 'busy' })
})

t.test('a student who got the reply is not told that it failed', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student()
  tutor.chatwoot.fail(/^POST .*labels$/, { status: 503 }, 7)
  const delivery = await renee.sends('Iemand spreken')
  for (let attempt = 1; attempt < 7; attempt++) await tutor.nextAttempt(delivery, attempt)
  t.match(await tutor.ended(delivery, 7), { msg: 'webhook parked' })
  t.strictSame(renee.read(), [nl.handoff])
  t.match(renee.conversation, { status: 'open', labels: ['intent:handoff'] })
})
