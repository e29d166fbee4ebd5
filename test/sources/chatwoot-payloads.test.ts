import t from 'tap'
import { chatwoot as samples } from '../../commands/samples.ts'
import { CHATWOOT_EVENTS, type ChatwootMessage, readChatwoot } from '../../sources/chatwoot-payloads.ts'

/** Fields of a value that the other lacks. */
function lost(before: unknown, after: unknown, path = ''): string[] {
  if (typeof before !== 'object' || before === null) return Object.is(before, after) ? [] : [path]
  if (typeof after !== 'object' || after === null) return [path]
  return Object.entries(before).flatMap(([name, value]) =>
    lost(value, (after as Record<string, unknown>)[name], `${path}.${name}`),
  )
}

t.test('Chatwoot’s payloads stay unchanged, with defaults for missing fields', async t => {
  for (const [name, sample] of Object.entries(samples)) {
    const payload = sample({ labels: ['a'], assignee: 7 }) as unknown as { event: string }
    t.same(lost(payload, readChatwoot(payload.event, { ...payload })), [], name)
  }
  const message = readChatwoot('message_created', { ...samples.incoming() }) as ChatwootMessage
  t.same(message.attachments, [])
  t.same(message.content_attributes.submitted_values, [])
  t.equal(message.conversation.meta.assignee, null)
})

t.test('values of another type count as missing', async t => {
  for (const wrong of [null, undefined, true, 5.5, [], ['x'], {}]) {
    const parts = {
      content: wrong,
      content_type: wrong,
      content_attributes: wrong,
      message_type: wrong,
      source_id: wrong,
      account: wrong,
      inbox: wrong,
      sender: wrong,
      attachments: 'none',
    }
    const message = readChatwoot('message_created', { ...parts, id: 1, conversation: { id: '2', meta: wrong } })
    t.match(message, {
      id: 1,
      content: null,
      content_type: '',
      content_attributes: { submitted_values: [] },
      message_type: '',
      private: false,
      source_id: null,
      account: null,
      inbox: null,
      sender: null,
      attachments: [],
      conversation: { id: 2, labels: [], custom_attributes: {}, meta: { sender: null, assignee: null, team: null } },
    })
  }
})

t.test('a time is a string or a number', async t => {
  const timeOf = (created_at: unknown) =>
    (readChatwoot('message_created', { id: 1, conversation: { id: 2 }, created_at }) as ChatwootMessage).created_at
  t.equal(timeOf(1795187045), 1795187045)
  t.equal(timeOf('2026-11-20T15:04:05.312Z'), '2026-11-20T15:04:05.312Z')
  t.equal(timeOf({}), null)
})

t.test('a message that can’t be answered is unreadable, and the error names the field', async t => {
  const read = (event: string, payload: object) => () => readChatwoot(event, { ...payload })
  for (const id of [undefined, null, 0, -1, 1.5, 'abc', '', {}, '9'.repeat(20)]) {
    const problem = { name: 'PermanentError', message: 'conversation.id is missing or not an id' }
    t.throws(read('message_created', { id: 1, conversation: { id } }), problem)
    t.throws(read('conversation_updated', { id }), { message: 'id is missing or not an id' })
  }
  t.throws(read('message_created', { id: 1 }), { message: 'conversation.id is missing or not an id' })
  t.throws(read('contact_created', {}), { message: 'id is missing or not an id' })
})

t.test('a widget that was only opened, and a first message in it', async t => {
  t.match(readChatwoot('webwidget_triggered', { id: 1, current_conversation: null, contact: { id: 3, name: 'Sam' } }), {
    current_conversation: null,
    contact: { id: 3, name: 'Sam' },
  })
  t.match(readChatwoot('webwidget_triggered', { id: 1, current_conversation: { id: 4 } }), {
    current_conversation: { id: 4, labels: [] },
    contact: null,
  })
})

t.test('every event can be read', async t => {
  for (const event of CHATWOOT_EVENTS) t.ok(readChatwoot(event, { id: 1, conversation: { id: 2 } }), event)
})

t.test('no name in a payload reaches a prototype', async t => {
  const payload = JSON.parse('{"id":1,"conversation":{"id":2,"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}')
  const message = readChatwoot('message_created', payload)
  t.notOk('polluted' in {})
  t.equal(Object.getPrototypeOf(message), Object.prototype)
})
