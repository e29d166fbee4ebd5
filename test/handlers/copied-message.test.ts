import { once } from 'node:events'
import t, { type Test } from 'tap'
import { chatwoot } from '../../commands/samples.ts'
import { chatwootRequest, webhookApp } from '../helpers/app.ts'

const AT = Date.parse('2026-11-20T15:00:00Z')

/** What is handled of the messages that come, one after the other. */
async function handledOf(t: Test, messages: object[], asObjectHandler = false): Promise<unknown[]> {
  const handled: unknown[] = []
  const handle = ({ payload }: { payload: { id?: unknown } }) => handled.push(payload.id)
  const { app, log } = await webhookApp(t, {
    handlers: { chatwoot: { message_created: asObjectHandler ? { handle, gaveUp: () => {} } : handle } },
  })
  for (const [n, message] of messages.entries()) {
    const payload = { ...chatwoot.incoming({ message: n + 1, conversation: 42, content: '1' }), ...message }
    const ended = once(app.webhooks.events, 'handled')
    await app.inject(chatwootRequest(payload))
    const [{ result }] = await ended
    t.equal(result, 'done')
  }
  const copies = log.lines.filter(({ copyOf }) => copyOf !== undefined)
  t.equal(copies.length, messages.length - handled.length, 'each copy has a line that says of what it is one')
  return handled
}

const row = (more: object = {}, afterMs = 0) => ({
  source_id: 'SM1',
  created_at: new Date(AT + afterMs).toISOString(),
  inbox: { id: 7 },
  ...more,
})

t.test('a message stored twice is handled once', async t => {
  t.same(await handledOf(t, [row(), row({}, 2_000)]), [1])
  t.same(await handledOf(t, [row(), row({}, -600_000), row({ created_at: AT / 1_000 + 600 })], true), [1])
})

t.test('attachments alone are the same message, too', async t => {
  const photo = { content: null, attachments: [{ file_type: 'image' }] }
  t.same(
    await handledOf(t, [row(photo), row(photo), row({ content: null, attachments: [{ file_type: 'audio' }] })]),
    [1, 3],
  )
})

t.test('messages that may differ are both answered', async t => {
  const conversation = (more: object) => {
    const { conversation } = chatwoot.incoming({ conversation: 42 }) as unknown as { conversation: object }
    return { conversation: { ...conversation, ...more } }
  }
  const cases: [string, object, object][] = [
    ['another text', row(), row({ content: '2' })],
    ['another source id', row(), row({ source_id: 'SM2' })],
    ['no source id', row({ source_id: null }), row({ source_id: null })],
    ['another inbox', row(), row({ inbox: { id: 8 } })],
    ['more than 10 min later', row(), row({}, 600_001)],
    ['no time', row({ created_at: null }), row({ created_at: null })],
    ['an API inbox', row(conversation({ channel: 'Channel::Api' })), row(conversation({ channel: 'Channel::Api' }))],
    [
      'an API inbox, by its meta',
      row(conversation({ channel: undefined, meta: { channel: 'Channel::Api' } })),
      row(conversation({ channel: undefined, meta: { channel: 'Channel::Api' } })),
    ],
    ['our own', row({ message_type: 'outgoing' }), row({ message_type: 'outgoing' })],
  ]
  for (const [name, one, other] of cases) {
    await t.test(name, async t => t.same(await handledOf(t, [one, other]), [1, 2]))
  }
})
