import tap from 'tap'
import { redactSecrets } from '../../../plugins/inbox/redact.ts'

function redacted(json: string): unknown {
  const bytes = Buffer.from(json)
  redactSecrets(bytes)
  return JSON.parse(bytes.toString())
}

tap.test('secret fields are overwritten at any depth, in objects and arrays; others stay', async t => {
  const payload = {
    name: 'Zoë 🎓',
    conversation: { contact_inbox: { pubsub_token: 'a"b\\', source_id: 'b' } },
    channel: [{ secret: '', hmac_token: 'dé' }],
    client_secret: null,
    token_count: 3,
    my_token: 'stays',
  }
  t.same(redacted(JSON.stringify(payload)), {
    name: 'Zoë 🎓',
    // Each byte of what was written, escapes and all.
    conversation: { contact_inbox: { pubsub_token: '******', source_id: 'b' } },
    channel: [{ secret: '', hmac_token: '***' }],
    client_secret: null,
    token_count: 3,
    my_token: 'stays',
  })
  t.same(redacted('{"token" :\n"x","a":1}'), { token: '*', a: 1 })
})

tap.test('a text that looks like a field is a text', async t => {
  const payload = { content: '{"token":"x"}', list: ['"secret":"y"', 'token', 'z'] }
  t.same(redacted(JSON.stringify(payload)), payload)
})
